//! Events in the bodies of writes.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde_json::Value;

use super::window;
use crate::calendar::{Attendee, Item, RuleChange, Sensitivity, ShowAs, Zone};
use crate::graph::body::Fields;
use crate::graph::error::GraphError;
use crate::graph::mail;
use crate::mailbox::{Body, Importance};

/// What an event may be written with. The last ones are accepted and change nothing here.
const KNOWN: &[&str] = &[
    "subject",
    "body",
    "start",
    "end",
    "location",
    "attendees",
    "isAllDay",
    "sensitivity",
    "showAs",
    "importance",
    "categories",
    "isReminderOn",
    "reminderMinutesBeforeStart",
    "recurrence",
    "locations",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "transactionId",
    "allowNewTimeProposals",
    "responseRequested",
    "hideAttendees",
    "originalStartTimeZone",
    "originalEndTimeZone",
    "singleValueExtendedProperties",
    "multiValueExtendedProperties",
];

/// The event of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a>(Fields<'a>);

fn invalid(message: &str) -> GraphError {
    GraphError::Calendar { code: "ErrorPropertyValidationFailure", message: message.to_owned() }
}

impl<'a> Written<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self, GraphError> {
        Fields::of(value, "event", KNOWN).map(Self)
    }

    /// An event of this body alone: `start` and `end` are needed.
    pub(super) fn item(&self) -> Result<Item, GraphError> {
        if self.0.any(&["start"]).is_none() || self.0.any(&["end"]).is_none() {
            return Err(invalid("At least one property failed validation: Start and End are required."));
        }
        let mut item = Item {
            subject: String::new(),
            body: Body::default(),
            location: String::new(),
            start: DateTime::default(),
            end: DateTime::default(),
            zone: Zone::utc(),
            is_all_day: false,
            sensitivity: Sensitivity::Normal,
            show_as: ShowAs::Busy,
            importance: Importance::Normal,
            is_cancelled: false,
            organizer: None,
            attendees: Vec::new(),
            categories: Vec::new(),
            reminder: Some(15),
            join_url: None,
            attachments: Vec::new(),
        };
        self.onto(&mut item)?;
        Ok(item)
    }

    /// Puts onto an event what the body names.
    pub(super) fn onto(&self, item: &mut Item) -> Result<(), GraphError> {
        let fields = &self.0;
        if let Some(subject) = fields.text("subject")? {
            subject.clone_into(&mut item.subject);
        }
        if let Some(body) = fields.get("body").filter(|body| !body.is_null()) {
            item.body = read_body(body)?;
        }
        if let Some(location) = fields.get("location").filter(|location| !location.is_null()) {
            let location = Fields::of(location, "location", LOCATION)?;
            location.text("displayName")?.unwrap_or_default().clone_into(&mut item.location);
        }
        if let Some(attendees) = fields.items("attendees")? {
            item.attendees =
                attendees.iter().map(|value| attendee(value, &item.attendees)).collect::<Result<_, _>>()?;
        }
        if let Some(word) = fields.word("sensitivity", "microsoft.graph.sensitivity", &SENSITIVITIES)? {
            item.sensitivity = word;
        }
        if let Some(word) = fields.word("showAs", "microsoft.graph.freeBusyStatus", &SHOWN)? {
            item.show_as = word;
        }
        let importances = [("low", Importance::Low), ("normal", Importance::Normal), ("high", Importance::High)];
        if let Some(word) = fields.word("importance", "microsoft.graph.importance", &importances)? {
            item.importance = word;
        }
        if let Some(categories) = fields.texts("categories")? {
            item.categories = categories;
        }
        self.reminder(item)?;
        self.times(item)
    }

    fn reminder(&self, item: &mut Item) -> Result<(), GraphError> {
        if let Some(minutes) = self.0.get("reminderMinutesBeforeStart").filter(|minutes| !minutes.is_null()) {
            let minutes = minutes.as_i64().filter(|minutes| (0..=1_000_000).contains(minutes));
            item.reminder = Some(minutes.ok_or_else(|| invalid("ReminderMinutesBeforeStart is out of range."))?);
        }
        match self.0.flag("isReminderOn")? {
            Some(false) => item.reminder = None,
            Some(true) => item.reminder = item.reminder.or(Some(15)),
            None => {}
        }
        Ok(())
    }

    fn times(&self, item: &mut Item) -> Result<(), GraphError> {
        if let Some(is_all_day) = self.0.flag("isAllDay")? {
            item.is_all_day = is_all_day;
        }
        let length = item.end.duration_since(item.start);
        let (start, end) = (window::written(&self.0, "start")?, window::written(&self.0, "end")?);
        if let Some((at, zone)) = &start {
            // An all-day event lies in no zone; its days are those of the zone it is written in.
            item.start = zone.tz().to_datetime(*at);
            item.zone = if item.is_all_day { Zone::utc() } else { zone.clone() };
            item.end = item.start.checked_add(length).unwrap_or(item.start);
        }
        if let Some((at, zone)) = &end {
            let tz = if item.is_all_day { zone.tz() } else { item.zone.tz() };
            item.end = tz.to_datetime(*at);
        }
        if item.end < item.start || (item.is_all_day && item.end == item.start) {
            return Err(invalid("At least one property failed validation: End must not be before Start."));
        }
        if item.is_all_day {
            let is_midnight = |at: DateTime| at.time() == jiff::civil::Time::midnight();
            if !is_midnight(item.start) || !is_midnight(item.end) {
                return Err(invalid("The Event.Start and Event.End of an all-day event must be set to midnight."));
            }
        }
        if item.length() > SignedDuration::from_hours(24 * 1825) {
            return Err(invalid("At least one property failed validation: the event is too long."));
        }
        Ok(())
    }

    /// What `recurrence` says.
    pub(super) fn rule(&self) -> Result<RuleChange, GraphError> {
        match self.0.get("recurrence") {
            None => Ok(RuleChange::Stays),
            Some(Value::Null) => Ok(RuleChange::Goes),
            Some(value) => rule(value).map(RuleChange::Becomes),
        }
    }

    /// Whether a meeting in Teams is asked for.
    pub(super) fn is_online(&self) -> Result<Option<bool>, GraphError> {
        self.0.flag("isOnlineMeeting")
    }
}

const LOCATION: &[&str] = &[
    "displayName",
    "address",
    "coordinates",
    "locationEmailAddress",
    "locationType",
    "locationUri",
    "uniqueId",
    "uniqueIdType",
];
const SENSITIVITIES: [(&str, Sensitivity); 4] = [
    ("normal", Sensitivity::Normal),
    ("personal", Sensitivity::Personal),
    ("private", Sensitivity::Private),
    ("confidential", Sensitivity::Confidential),
];
const SHOWN: [(&str, ShowAs); 5] = [
    ("free", ShowAs::Free),
    ("tentative", ShowAs::Tentative),
    ("busy", ShowAs::Busy),
    ("oof", ShowAs::Oof),
    ("workingElsewhere", ShowAs::WorkingElsewhere),
];

fn read_body(value: &Value) -> Result<Body, GraphError> {
    let body = Fields::of(value, "itemBody", &["contentType", "content"])?;
    let is_text = body.word("contentType", "microsoft.graph.bodyType", &[("text", true), ("html", false)])?;
    let content = body.text("content")?.unwrap_or_default();
    Ok(if is_text.unwrap_or(true) { Body::of(Some(content), None) } else { Body::of(None, Some(content)) })
}

/// Who has answered keeps the answer, whoever writes the list anew.
fn attendee(value: &Value, before: &[Attendee]) -> Result<Attendee, GraphError> {
    let fields = Fields::of(value, "attendee", &["emailAddress", "type", "status", "proposedNewTime"])?;
    let kinds = [("required", "required"), ("optional", "optional"), ("resource", "resource")];
    let kind = fields.word("type", "microsoft.graph.attendeeType", &kinds)?.unwrap_or("required");
    let person = mail::correspondent(&fields)?;
    let known = before.iter().find(|known| known.person.address.eq_ignore_ascii_case(&person.address));
    let response = known.map_or("none", |known| known.response);
    Ok(Attendee { person, kind, response })
}

/// `patternedRecurrence` as the value of an `RRULE`.
/// <https://learn.microsoft.com/graph/api/resources/recurrencepattern>
fn rule(value: &Value) -> Result<String, GraphError> {
    let fields = Fields::of(value, "patternedRecurrence", &["pattern", "range"])?;
    let (Some(pattern), Some(range)) = (fields.get("pattern"), fields.get("range")) else {
        return Err(invalid("At least one property failed validation: a recurrence has a pattern and a range."));
    };
    let known = &["type", "interval", "month", "dayOfMonth", "daysOfWeek", "firstDayOfWeek", "index"];
    let pattern = Fields::of(pattern, "recurrencePattern", known)?;
    let kinds = [
        ("daily", "DAILY"),
        ("weekly", "WEEKLY"),
        ("absoluteMonthly", "MONTHLY"),
        ("relativeMonthly", "MONTHLY"),
        ("absoluteYearly", "YEARLY"),
        ("relativeYearly", "YEARLY"),
    ];
    let kind = pattern.need("type")?;
    let frequency = pattern.word("type", "microsoft.graph.recurrencePatternType", &kinds)?.unwrap_or("DAILY");
    let mut parts = vec![format!("FREQ={frequency}")];
    if let Some(interval) = whole(&pattern, "interval", 99)?.filter(|interval| *interval > 0) {
        parts.push(format!("INTERVAL={interval}"));
    }
    let is_relative = kind.to_ascii_lowercase().starts_with("relative");
    let days: Vec<_> = pattern.items("daysOfWeek")?.unwrap_or_default().iter().map(day).collect::<Result<_, _>>()?;
    if (frequency == "WEEKLY" || is_relative) && days.is_empty() {
        return Err(invalid("At least one property failed validation: daysOfWeek is required."));
    }
    if frequency == "WEEKLY" || is_relative {
        parts.push(format!("BYDAY={}", days.join(",")));
    }
    if is_relative {
        let places = [("first", 1), ("second", 2), ("third", 3), ("fourth", 4), ("last", -1)];
        let place = pattern.word("index", "microsoft.graph.weekIndex", &places)?.unwrap_or(1);
        parts.push(format!("BYSETPOS={place}"));
    } else if let Some(day) = whole(&pattern, "dayOfMonth", 31)?.filter(|day| *day > 0)
        && matches!(frequency, "MONTHLY" | "YEARLY")
    {
        parts.push(format!("BYMONTHDAY={day}"));
    }
    if let Some(month) = whole(&pattern, "month", 12)?.filter(|month| *month > 0)
        && frequency == "YEARLY"
    {
        parts.push(format!("BYMONTH={month}"));
    }
    if let Some(first) = pattern.get("firstDayOfWeek").filter(|first| !first.is_null()) {
        parts.push(format!("WKST={}", day(first)?));
    }
    parts.extend(end(range)?);
    Ok(parts.join(";"))
}

/// How a series ends.
fn end(range: &Value) -> Result<Option<String>, GraphError> {
    let known = &["type", "startDate", "endDate", "recurrenceTimeZone", "numberOfOccurrences"];
    let range = Fields::of(range, "recurrenceRange", known)?;
    match range.need("type")?.to_ascii_lowercase().as_str() {
        "noend" => Ok(None),
        "numbered" => match whole(&range, "numberOfOccurrences", 999)? {
            Some(count) if count > 0 => Ok(Some(format!("COUNT={count}"))),
            _ => Err(invalid("At least one property failed validation: numberOfOccurrences is required.")),
        },
        "enddate" => match range.need("endDate")?.parse::<jiff::civil::Date>() {
            Ok(last) => Ok(Some(format!("UNTIL={}", last.strftime("%Y%m%d")))),
            Err(_) => Err(invalid("At least one property failed validation: endDate is no date.")),
        },
        _ => Err(invalid("At least one property failed validation: the type of the range.")),
    }
}

fn whole(fields: &Fields<'_>, name: &str, most: i64) -> Result<Option<i64>, GraphError> {
    let Some(value) = fields.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let number = value.as_i64().filter(|number| (0..=most).contains(number));
    number.map(Some).ok_or_else(|| invalid(&format!("At least one property failed validation: {name}.")))
}

fn day(value: &Value) -> Result<&'static str, GraphError> {
    const DAYS: [(&str, &str); 7] = [
        ("monday", "MO"),
        ("tuesday", "TU"),
        ("wednesday", "WE"),
        ("thursday", "TH"),
        ("friday", "FR"),
        ("saturday", "SA"),
        ("sunday", "SU"),
    ];
    let found = value.as_str().and_then(|text| DAYS.iter().find(|(day, _)| day.eq_ignore_ascii_case(text)));
    found.map(|(_, day)| *day).ok_or_else(|| invalid("At least one property failed validation: a day of the week."))
}
