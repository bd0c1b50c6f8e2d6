//! Events of the caller's own default calendar, the latest first: <https://learn.microsoft.com/graph/search-concept-events>.

use jiff::Timestamp;

use super::super::error::Refusal;
use super::super::json::{array, boolean, key, recipient, string};
use super::super::route::Owner;
use super::super::view::{Shown, View};
use super::snippet::summary;
use super::{Hit, Hits, Request};
use crate::mailbox::BodyKind;
use crate::search::{Document, Field, Flag, Instant, Phrase};

pub(super) fn search(view: &View<'_>, request: &Request, phrases: &[&Phrase]) -> Result<Hits, Refusal> {
    let calendars = view.calendars(&Owner::Caller)?;
    let own = calendars.events().filter(|shown| shown.instance.event.calendar == 0);
    let mut found: Vec<_> = own.filter(|shown| request.query.holds(&Searched(shown))).collect();
    found.sort_by_cached_key(|shown| (std::cmp::Reverse(shown.instance.start), shown.instance.event.id.clone()));
    Ok(Hits::page(request, found, false, |shown| Hit {
        id: shown.instance.id().replace('-', "/").replace('_', "+"),
        summary: summary(shown.item.body.content(BodyKind::Text).trim(), phrases),
        resource: resource(&shown),
    }))
}

struct Searched<'a>(&'a Shown<'a>);

impl Document for Searched<'_> {
    fn texts(&self, visit: &mut dyn FnMut(Field, &str)) {
        let item = &self.0.item;
        if let Some(organizer) = &item.organizer {
            visit(Field::From, &organizer.name);
            visit(Field::From, &organizer.address);
        }
        for attendee in &item.attendees {
            visit(Field::To, &attendee.person.name);
            visit(Field::To, &attendee.person.address);
        }
        visit(Field::Subject, &item.subject);
        visit(Field::Body, item.body.content(BodyKind::Text));
        visit(Field::Location, &item.location);
        item.categories.iter().for_each(|category| visit(Field::Category, category));
    }

    fn time(&self, of: Instant) -> Option<Timestamp> {
        let instance = &self.0.instance;
        match of {
            Instant::Start => Some(instance.start),
            Instant::End => Some(instance.end),
            Instant::Created | Instant::Received | Instant::Sent => Some(instance.event.created),
            Instant::Modified => Some(instance.event.modified),
        }
    }

    fn flag(&self, flag: Flag) -> Option<bool> {
        (flag == Flag::HasAttachments).then(|| self.0.item.has_attachments())
    }
}

fn resource(shown: &Shown<'_>) -> Vec<u8> {
    let (instance, item) = (&shown.instance, &shown.item);
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.type");
    string(&mut out, "#microsoft.graph.event");
    key(&mut out, "id");
    string(&mut out, &instance.id());
    for (name, text) in [
        ("subject", item.subject.as_str()),
        ("bodyPreview", item.body.preview()),
        ("importance", item.importance.as_str()),
        ("sensitivity", item.sensitivity.as_str()),
        ("showAs", item.show_as.as_str()),
        ("type", instance.kind()),
        ("iCalUId", &instance.event.uid),
    ] {
        key(&mut out, name);
        string(&mut out, text);
    }
    for (name, is_so) in
        [("hasAttachments", item.has_attachments()), ("isAllDay", item.is_all_day), ("isCancelled", item.is_cancelled)]
    {
        key(&mut out, name);
        boolean(&mut out, is_so);
    }
    for (name, at) in [("start", instance.start), ("end", instance.end)] {
        key(&mut out, name);
        out.extend_from_slice(b"{\"dateTime\":");
        string(&mut out, &at.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string());
        key(&mut out, "timeZone");
        string(&mut out, "UTC");
        out.push(b'}');
    }
    if let Some(organizer) = &item.organizer {
        key(&mut out, "organizer");
        recipient(&mut out, organizer);
    }
    key(&mut out, "attendees");
    array(&mut out, &item.attendees, |out, attendee| recipient(out, &attendee.person));
    key(&mut out, "location");
    out.extend_from_slice(b"{\"displayName\":");
    string(&mut out, &item.location);
    out.push(b'}');
    out.split_off(1)
}
