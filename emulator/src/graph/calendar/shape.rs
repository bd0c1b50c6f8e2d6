//! How events and calendars are written.

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::calendar::{Attendee, Instance, Item, Pattern, Range, Series, Zone, instant};
use crate::graph::error::GraphError;
use crate::graph::exchange_id::IdType;
use crate::graph::json::{array, boolean, key, number, optional, recipient, string, time};
use crate::graph::odata::record::{Record, Schema, Type, Value};
use crate::graph::view::Shown;
use crate::mailbox::{Attachment, BodyKind};

/// What an event shows, in order.
pub(super) const EVENT: &[&str] = &[
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "transactionId",
    "originalStartTimeZone",
    "originalEndTimeZone",
    "iCalUId",
    "reminderMinutesBeforeStart",
    "isReminderOn",
    "hasAttachments",
    "subject",
    "bodyPreview",
    "importance",
    "sensitivity",
    "isAllDay",
    "isCancelled",
    "isOrganizer",
    "responseRequested",
    "seriesMasterId",
    "showAs",
    "type",
    "webLink",
    "onlineMeetingUrl",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "allowNewTimeProposals",
    "isDraft",
    "hideAttendees",
    "responseStatus",
    "body",
    "start",
    "end",
    "location",
    "locations",
    "recurrence",
    "attendees",
    "organizer",
    "onlineMeeting",
];
/// What comes with `$select` alone.
const ON_REQUEST: &[&str] = &["cancelledOccurrences", "originalStart"];
/// What `Calendars.ReadBasic` hides.
const NOTES: &[&str] = &["body", "bodyPreview"];

/// How events of one answer are written.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) properties: Vec<&'static str>,
    pub(super) zone: Zone,
    pub(super) body: BodyKind,
    /// The form of ids.
    pub(super) ids: IdType,
    /// The address of the mailbox's owner.
    pub(super) address: String,
    pub(super) attachments: bool,
}

/// The properties selected, without those that the scopes do not show.
pub(super) fn properties(select: Option<&[String]>, shows_notes: bool) -> Result<Vec<&'static str>, GraphError> {
    let named = |name: &String| {
        EVENT.iter().chain(ON_REQUEST).chain(&["id"]).copied().find(|known| known.eq_ignore_ascii_case(name))
    };
    let selected: Vec<&'static str> = match select {
        None => EVENT.to_vec(),
        Some(select) => {
            if let Some(unknown) = select.iter().find(|name| named(name).is_none()) {
                return Err(crate::graph::mail::no_property(unknown, "Event"));
            }
            EVENT
                .iter()
                .chain(ON_REQUEST)
                .copied()
                .filter(|known| select.iter().any(|name| named(name) == Some(known)))
                .collect()
        }
    };
    Ok(selected.into_iter().filter(|name| shows_notes || !NOTES.contains(name)).collect())
}

/// An event, without its braces.
pub(super) fn event(out: &mut Vec<u8>, shown: &Shown<'_>, shape: &Shape) {
    let instance = &shown.instance;
    key(out, "@odata.etag");
    string(out, &format!("W/\"{}\"", instance.event.change_key));
    key(out, "id");
    shape.ids.write(out, &instance.id());
    for name in &shape.properties {
        // Only what is one instance of a series has an original time.
        if *name == "originalStart" && instance.original.is_none() {
            continue;
        }
        key(out, name);
        property(out, name, shown, shape);
    }
    if shape.attachments {
        key(out, "attachments");
        array(out, &shown.item.attachments, |out, attached| {
            out.push(b'{');
            attachment(out, attached, instance.event.modified, None, shape.ids);
            out.push(b'}');
        });
    }
}

fn property(out: &mut Vec<u8>, name: &str, shown: &Shown<'_>, shape: &Shape) {
    let (instance, item) = (&shown.instance, shown.item.as_ref());
    let event = instance.event;
    let is_own = is_organizer(item, &shape.address);
    match name {
        "createdDateTime" => time(out, event.created),
        "lastModifiedDateTime" => time(out, event.modified),
        "changeKey" => string(out, &event.change_key),
        "categories" => array(out, &item.categories, |out, category| string(out, category)),
        "originalStartTimeZone" | "originalEndTimeZone" => string(out, item.zone.windows_name()),
        "iCalUId" => string(out, &event.uid),
        "reminderMinutesBeforeStart" => {
            number(out, item.reminder.and_then(|minutes| minutes.try_into().ok()).unwrap_or(15));
        }
        "isReminderOn" => boolean(out, item.reminder.is_some()),
        "hasAttachments" => boolean(out, item.has_attachments()),
        "subject" => string(out, &item.subject),
        "bodyPreview" => string(out, item.body.preview()),
        "importance" => string(out, item.importance.as_str()),
        "sensitivity" => string(out, item.sensitivity.as_str()),
        "isAllDay" => boolean(out, item.is_all_day),
        "isCancelled" => boolean(out, item.is_cancelled),
        "isOrganizer" => boolean(out, is_own),
        "responseRequested" | "allowNewTimeProposals" => boolean(out, true),
        "seriesMasterId" => match instance.original {
            Some(_) => shape.ids.write(out, &event.id),
            None => out.extend_from_slice(b"null"),
        },
        "showAs" => string(out, item.show_as.as_str()),
        "type" => string(out, instance.kind()),
        "webLink" => {
            let id = crate::graph::mail::encoded(&instance.id());
            string(out, &format!("https://outlook.office365.com/owa/?itemid={id}&exvsurl=1&path=/calendar/item"));
        }
        "isOnlineMeeting" => boolean(out, item.join_url.is_some()),
        "onlineMeetingProvider" => string(out, if item.join_url.is_some() { "teamsForBusiness" } else { "unknown" }),
        "isDraft" | "hideAttendees" => boolean(out, false),
        "responseStatus" => response(out, own_response(item, &shape.address, shown.is_hidden)),
        "body" => {
            out.extend_from_slice(b"{\"contentType\":");
            string(out, shape.body.as_str());
            out.extend_from_slice(b",\"content\":");
            string(out, item.body.content(shape.body));
            out.push(b'}');
        }
        "start" => date_time(out, instance.local_start(), item, &shape.zone),
        "end" => date_time(out, instance.local_end(), item, &shape.zone),
        "location" => location(out, &item.location, true),
        "locations" => {
            array(out, Some(&item.location).filter(|text| !text.is_empty()), |out, text| location(out, text, false));
        }
        "recurrence" => match (&event.series, instance.original) {
            (Some(series), None) => recurrence(out, series, &event.item),
            _ => out.extend_from_slice(b"null"),
        },
        "attendees" => array(out, &item.attendees, attendee),
        "organizer" => match &item.organizer {
            Some(organizer) => recipient(out, organizer),
            None => out.extend_from_slice(b"null"),
        },
        "onlineMeeting" => match &item.join_url {
            Some(url) => {
                out.extend_from_slice(b"{\"joinUrl\":");
                string(out, url);
                out.push(b'}');
            }
            None => out.extend_from_slice(b"null"),
        },
        "originalStart" => {
            let at = instance.original.map_or(instance.start, |at| instant(at, event.item.zone.tz()));
            time(out, at);
        }
        "cancelledOccurrences" => {
            let gone = event.series.iter().filter(|_| instance.original.is_none()).flat_map(Series::gone);
            array(out, gone, |out, at| {
                string(out, &format!("OID.{}.{}", event.id, at.date()));
            });
        }
        // transactionId, onlineMeetingUrl
        _ => out.extend_from_slice(b"null"),
    }
}

fn is_organizer(item: &Item, address: &str) -> bool {
    item.organizer.as_ref().is_none_or(|organizer| organizer.address.eq_ignore_ascii_case(address))
}

fn own_response(item: &Item, address: &str, is_hidden: bool) -> &'static str {
    if is_hidden {
        return "none";
    }
    if item.organizer.is_some() && is_organizer(item, address) {
        return "organizer";
    }
    let own = item.attendees.iter().find(|attendee| attendee.person.address.eq_ignore_ascii_case(address));
    match own.map(|attendee| attendee.response) {
        Some("none") => "notResponded",
        Some(response) => response,
        None => "none",
    }
}

fn response(out: &mut Vec<u8>, word: &str) {
    out.extend_from_slice(b"{\"response\":");
    string(out, word);
    out.extend_from_slice(b",\"time\":\"0001-01-01T00:00:00Z\"}");
}

fn attendee(out: &mut Vec<u8>, attendee: &Attendee) {
    out.extend_from_slice(b"{\"type\":");
    string(out, attendee.kind);
    out.extend_from_slice(b",\"status\":");
    response(out, attendee.response);
    out.extend_from_slice(b",\"emailAddress\":{\"name\":");
    string(out, &attendee.person.name);
    out.extend_from_slice(b",\"address\":");
    string(out, &attendee.person.address);
    out.extend_from_slice(b"}}");
}

/// Seven decimals and no offset. An all-day event is at midnight in every zone.
fn date_time(out: &mut Vec<u8>, local: DateTime, item: &Item, zone: &Zone) {
    let shown = if item.is_all_day { local } else { zone.tz().to_datetime(instant(local, item.zone.tz())) };
    zoned(out, shown, zone);
}

pub(super) fn zoned(out: &mut Vec<u8>, local: DateTime, zone: &Zone) {
    out.extend_from_slice(b"{\"dateTime\":");
    string(out, &local.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string());
    out.extend_from_slice(b",\"timeZone\":");
    string(out, zone.name());
    out.push(b'}');
}

fn location(out: &mut Vec<u8>, name: &str, with_maps: bool) {
    out.extend_from_slice(b"{\"displayName\":");
    string(out, name);
    out.extend_from_slice(b",\"locationType\":\"default\",\"uniqueId\":");
    string(out, name);
    out.extend_from_slice(b",\"uniqueIdType\":");
    string(out, if name.is_empty() { "unknown" } else { "private" });
    if with_maps {
        out.extend_from_slice(b",\"address\":{},\"coordinates\":{}");
    }
    out.push(b'}');
}

fn recurrence(out: &mut Vec<u8>, series: &Series, item: &Item) {
    let Pattern { kind, interval, month, day_of_month, days_of_week, first_day_of_week, index } =
        series.pattern(item.start);
    out.extend_from_slice(b"{\"pattern\":{\"type\":");
    string(out, kind);
    for (name, value) in
        [("interval", i64::from(interval)), ("month", i64::from(month)), ("dayOfMonth", i64::from(day_of_month))]
    {
        key(out, name);
        number(out, value.try_into().unwrap_or(0));
    }
    if !days_of_week.is_empty() {
        key(out, "daysOfWeek");
        array(out, days_of_week, string);
    }
    key(out, "firstDayOfWeek");
    string(out, first_day_of_week);
    key(out, "index");
    string(out, index);
    out.extend_from_slice(b"},\"range\":{\"type\":");
    let (kind, last, count) = match series.range() {
        Range::NoEnd => ("noEnd", None, 0),
        Range::EndDate(day) => ("endDate", Some(day), 0),
        Range::Numbered(count) => ("numbered", None, count),
    };
    string(out, kind);
    key(out, "startDate");
    string(out, &item.start.date().to_string());
    key(out, "endDate");
    string(out, &last.map_or_else(|| "0001-01-01".to_owned(), |day| day.to_string()));
    key(out, "recurrenceTimeZone");
    string(out, item.zone.windows_name());
    key(out, "numberOfOccurrences");
    number(out, usize::try_from(count).unwrap_or(0));
    out.extend_from_slice(b"}}");
}

/// What an attachment shows, in order.
pub(super) const ATTACHMENT: &[&str] = &[
    "lastModifiedDateTime",
    "name",
    "contentType",
    "size",
    "isInline",
    "contentId",
    "contentLocation",
    "contentBytes",
];

/// A file attachment, without its braces.
pub(super) fn attachment(
    out: &mut Vec<u8>,
    attachment: &Attachment,
    modified: Timestamp,
    select: Option<&[String]>,
    ids: IdType,
) {
    use base64::Engine as _;
    key(out, "@odata.type");
    string(out, attachment.kind.odata_type());
    key(out, "@odata.mediaContentType");
    string(out, attachment.content_type.as_deref().unwrap_or("application/octet-stream"));
    key(out, "id");
    ids.write(out, &attachment.id);
    for name in ATTACHMENT {
        if select.is_some_and(|select| !select.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))) {
            continue;
        }
        key(out, name);
        match *name {
            "lastModifiedDateTime" => time(out, modified),
            "name" => string(out, &attachment.name),
            "contentType" => optional(out, attachment.content_type.as_deref()),
            "size" => number(out, attachment.content.len()),
            "isInline" => boolean(out, attachment.is_inline),
            "contentBytes" => string(out, &base64::engine::general_purpose::STANDARD.encode(&attachment.content)),
            _ => out.extend_from_slice(b"null"),
        }
    }
}

/// What events may be filtered and sorted by.
pub(super) const SCHEMA: &Schema = &[
    ("id", Type::Text),
    ("subject", Type::Text),
    ("start/dateTime", Type::Time),
    ("end/dateTime", Type::Time),
    ("createdDateTime", Type::Time),
    ("lastModifiedDateTime", Type::Time),
    ("iCalUId", Type::Text),
    ("isAllDay", Type::Bool),
    ("isCancelled", Type::Bool),
    ("isOrganizer", Type::Bool),
    ("hasAttachments", Type::Bool),
    ("type", Type::Text),
    ("seriesMasterId", Type::Text),
    ("showAs", Type::Text),
    ("sensitivity", Type::Text),
    ("importance", Type::Text),
    ("location/displayName", Type::Text),
    ("organizer/emailAddress/address", Type::Text),
    ("organizer/emailAddress/name", Type::Text),
    ("categories", Type::Texts),
];

/// An event as filters see it: no more than is shown.
pub(super) struct Filtered<'a> {
    pub(super) shown: &'a Shown<'a>,
    pub(super) id: &'a str,
    pub(super) address: &'a str,
}

impl Record for Filtered<'_> {
    fn value(&self, name: &str) -> Value<'_> {
        let (instance, item): (&Instance<'_>, &Item) = (&self.shown.instance, &self.shown.item);
        let organizer = item.organizer.as_ref();
        match name {
            "id" => Value::Text(self.id),
            "subject" => Value::Text(&item.subject),
            "start/dateTime" => Value::Time(instance.start),
            "end/dateTime" => Value::Time(instance.end),
            "createdDateTime" => Value::Time(instance.event.created),
            "lastModifiedDateTime" => Value::Time(instance.event.modified),
            "iCalUId" => Value::Text(&instance.event.uid),
            "isAllDay" => Value::Bool(item.is_all_day),
            "isCancelled" => Value::Bool(item.is_cancelled),
            "isOrganizer" => Value::Bool(is_organizer(item, self.address)),
            "hasAttachments" => Value::Bool(item.has_attachments()),
            "type" => Value::Text(instance.kind()),
            "seriesMasterId" => instance.original.map_or(Value::Null, |_| Value::Text(&instance.event.id)),
            "showAs" => Value::Text(item.show_as.as_str()),
            "sensitivity" => Value::Text(item.sensitivity.as_str()),
            "importance" => Value::Text(item.importance.as_str()),
            "location/displayName" => Value::Text(&item.location),
            "organizer/emailAddress/address" => {
                organizer.map_or(Value::Null, |organizer| Value::Text(&organizer.address))
            }
            "organizer/emailAddress/name" => organizer.map_or(Value::Null, |organizer| Value::Text(&organizer.name)),
            "categories" => Value::Texts(&item.categories),
            _ => Value::Null,
        }
    }
}
