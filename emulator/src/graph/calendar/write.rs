//! Writing events: create, change, delete, answer, cancel.
//!
//! What the organizer of a meeting changes reaches the calendars of those who are invited; no mail is sent about it.

use http::StatusCode;

use super::events;
use super::parse::Written;
use crate::calendar::{Item, NewEvent, RuleChange};
use crate::change::{CalendarChange, Change};
use crate::graph::body::{self, Fields};
use crate::graph::effect::Effect;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::route::Ask;
use crate::graph::view::{CalendarsView, Shown, View};
use crate::mailbox::Correspondent;

type Decided = Result<Effect, Refusal>;

fn change(calendars: &CalendarsView<'_>, change: CalendarChange) -> Change {
    Change::Calendar { tenant: calendars.tenant(), mailbox: calendars.owner(), change }
}

fn handle(ask: &Ask<'_>) -> String {
    format!("written/{}", ask.seed.guid("written-item"))
}

fn answered(change: Change, id: String, status: StatusCode) -> Effect {
    Effect::then(change, status, move |view, ask| {
        let calendars = view.calendars(&ask.owner)?;
        events::single(&calendars, ask, &events::find(&calendars, &id)?)
    })
}

pub(super) fn create(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Decided {
    let calendars = view.calendars(&ask.owner)?;
    let calendar = super::calendars::default(&calendars)?;
    created(&calendars, ask, calendar)
}

pub(super) fn create_in_calendar(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Decided {
    let calendars = view.calendars(&ask.owner)?;
    let calendar = super::calendars::find(&calendars, ask.key(0))?;
    created(&calendars, ask, calendar)
}

fn created(calendars: &CalendarsView<'_>, ask: &Ask<'_>, calendar: usize) -> Decided {
    calendars.may_edit(calendar)?;
    let body = body::parse(ask)?;
    let written = Written::of(&body)?;
    let mut item = written.item()?;
    let (name, address) = calendars.person();
    item.organizer = Some(Correspondent { name: name.to_owned(), address: address.to_owned() });
    let handle = handle(ask);
    if written.is_online()? == Some(true) {
        item.join_url = Some(join_url(&handle));
    }
    let rule = written.rule()?;
    check_rule(&rule, &item)?;
    let rule = rule.rule().map(str::to_owned);
    let id = calendars.event_id(&handle);
    let uid = format!("040000008200E00074C5B7101A82E008{}", ask.seed.guid("event-uid").simple()).to_uppercase();
    let event = Box::new(NewEvent { handle, uid, item, rule });
    Ok(answered(change(calendars, CalendarChange::Create { event, calendar }), id, StatusCode::CREATED))
}

/// Nobody can join it: it is a name for a meeting.
fn join_url(handle: &str) -> String {
    format!("https://teams.microsoft.com/l/meetup-join/{}", crate::graph::mail::encoded(handle))
}

fn check_rule(rule: &RuleChange, item: &Item) -> Result<(), GraphError> {
    match rule.rule() {
        Some(rule) if crate::calendar::series(rule, item).is_none() => Err(GraphError::Calendar {
            code: "ErrorInvalidRecurrence",
            message: "The recurrence pattern is not valid.".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The event of a path, if the caller may change it: what is hidden from somebody is not theirs to change.
fn editable<'a>(calendars: &CalendarsView<'a>, ask: &Ask<'_>, at: usize) -> Result<Shown<'a>, Refusal> {
    let found = events::find(calendars, ask.key(at))?;
    if let Some(calendar) = at.checked_sub(1) {
        let calendar = super::calendars::find(calendars, ask.key(calendar))?;
        if found.instance.event.calendar != calendar {
            return Err(GraphError::ItemNotFound.because("no such event in this calendar"));
        }
    }
    calendars.may_edit(found.instance.event.calendar)?;
    if found.is_hidden {
        return Err(GraphError::MailAccessDenied
            .because("access rule `details`: a private event is not changed by who does not see it"));
    }
    Ok(found)
}

pub(super) fn update(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Decided {
    let calendars = view.calendars(&ask.owner)?;
    let found = editable(&calendars, ask, at)?;
    let body = body::parse(ask)?;
    let written = Written::of(&body)?;
    let mut item = Item::clone(found.instance.item);
    (item.start, item.end) = (found.instance.local_start(), found.instance.local_end());
    written.onto(&mut item)?;
    match written.is_online()? {
        Some(true) if item.join_url.is_none() => item.join_url = Some(join_url(&handle(ask))),
        Some(false) => item.join_url = None,
        _ => {}
    }
    let rule = written.rule()?;
    if rule != RuleChange::Stays && found.instance.original.is_some() {
        return Err(GraphError::PropertySet.because("an instance has no recurrence of its own"));
    }
    check_rule(&rule, &item)?;
    let id = found.instance.id();
    let update = CalendarChange::Update { id: id.clone(), item: Box::new(item), rule, handle: handle(ask) };
    Ok(answered(change(&calendars, update), id, StatusCode::OK))
}

pub(super) fn delete(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Decided {
    let calendars = view.calendars(&ask.owner)?;
    let id = editable(&calendars, ask, at)?.instance.id();
    Ok(Effect::silent(change(&calendars, CalendarChange::Remove { id }), StatusCode::NO_CONTENT))
}

/// <https://learn.microsoft.com/graph/api/event-cancel>: the organizer's alone.
pub(super) fn cancel(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Decided {
    let calendars = view.calendars(&ask.owner)?;
    let found = editable(&calendars, ask, at)?;
    let body = body::parse_or_empty(ask)?;
    Fields::of(&body, "cancel", &["comment"])?.text("comment")?;
    if !is_organizer(&calendars, &found) {
        return Err(not_possible("You need to be an organizer to cancel a meeting."));
    }
    let id = found.instance.id();
    Ok(Effect::silent(change(&calendars, CalendarChange::Remove { id }), StatusCode::ACCEPTED))
}

pub(super) fn accept(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Decided {
    responded(view, ask, at, "accepted")
}

pub(super) fn tentatively_accept(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Decided {
    responded(view, ask, at, "tentativelyAccepted")
}

pub(super) fn decline(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Decided {
    responded(view, ask, at, "declined")
}

fn responded(view: &View<'_>, ask: &Ask<'_>, at: usize, response: &'static str) -> Decided {
    let calendars = view.calendars(&ask.owner)?;
    let found = editable(&calendars, ask, at)?;
    let body = body::parse_or_empty(ask)?;
    let fields = Fields::of(&body, "eventResponse", &["comment", "sendResponse", "proposedNewTime"])?;
    fields.text("comment")?;
    let tells = fields.flag("sendResponse")?.unwrap_or(true);
    if is_organizer(&calendars, &found) {
        return Err(not_possible("You can't respond to this meeting because you're the meeting organizer."));
    }
    let id = found.instance.id();
    Ok(Effect::silent(change(&calendars, CalendarChange::Respond { id, response, tells }), StatusCode::ACCEPTED))
}

fn is_organizer(calendars: &CalendarsView<'_>, found: &Shown<'_>) -> bool {
    let organizer = found.instance.item.organizer.as_ref();
    organizer.is_none_or(|organizer| organizer.address.eq_ignore_ascii_case(calendars.person().1))
}

fn not_possible(why: &str) -> Refusal {
    let message = format!("Your request can't be completed. {why}");
    GraphError::Calendar { code: "ErrorInvalidRequest", message }.into()
}
