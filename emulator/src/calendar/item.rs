//! What one `VEVENT` of a file says.

use bytes::Bytes;
use calcard::icalendar::{
    ICalendarClassification, ICalendarComponent, ICalendarEntry, ICalendarParameterName, ICalendarProperty,
    ICalendarStatus, ICalendarTransparency, ICalendarValue, Uri,
};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::zone::Zone;
use crate::mailbox::{Attachment, AttachmentKind, Body, Correspondent, Importance};

/// The content of an event, or of one instance that differs from its series.
#[derive(Debug, Clone)]
pub struct Item {
    /// `subject`.
    pub subject: String,
    /// `body`.
    pub body: Body,
    /// `location.displayName`.
    pub location: String,
    /// Wall-clock time in `zone`; midnight of the first day of an all-day event.
    pub start: DateTime,
    /// Wall-clock time in `zone`; midnight after the last day of an all-day event.
    pub end: DateTime,
    /// The zone it was made in; UTC for all-day events, which lie in no zone.
    pub zone: Zone,
    /// `isAllDay`.
    pub is_all_day: bool,
    /// `sensitivity`.
    pub sensitivity: Sensitivity,
    /// `showAs`.
    pub show_as: ShowAs,
    /// `importance`.
    pub importance: Importance,
    /// `isCancelled`.
    pub is_cancelled: bool,
    /// `organizer`.
    pub organizer: Option<Correspondent>,
    /// `attendees`.
    pub attendees: Vec<Attendee>,
    /// `categories`.
    pub categories: Vec<String>,
    /// `reminderMinutesBeforeStart`; no reminder when absent.
    pub reminder: Option<i64>,
    /// `onlineMeeting.joinUrl`.
    pub join_url: Option<String>,
    /// `attachments`.
    pub attachments: Vec<Attachment>,
}

/// `sensitivity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sensitivity {
    /// `normal`.
    #[default]
    Normal,
    /// `personal`.
    Personal,
    /// `private`.
    Private,
    /// `confidential`.
    Confidential,
}

impl Sensitivity {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Personal => "personal",
            Self::Private => "private",
            Self::Confidential => "confidential",
        }
    }
}

/// `showAs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowAs {
    /// `free`.
    Free,
    /// `tentative`.
    Tentative,
    /// `busy`.
    Busy,
    /// `oof`: away.
    Oof,
    /// `workingElsewhere`.
    WorkingElsewhere,
}

impl ShowAs {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Tentative => "tentative",
            Self::Busy => "busy",
            Self::Oof => "oof",
            Self::WorkingElsewhere => "workingElsewhere",
        }
    }
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// `emailAddress`.
    pub person: Correspondent,
    /// `type`: `required`, `optional` or `resource`.
    pub kind: &'static str,
    /// `status.response`.
    pub response: &'static str,
}

/// Where a thing of a file is: its date or its wall-clock time with its zone.
#[derive(Debug, Clone)]
pub(super) enum When {
    Day(Date),
    Time(DateTime, Zone),
}

impl When {
    pub(super) fn local(&self) -> DateTime {
        match self {
            Self::Day(day) => day.to_datetime(jiff::civil::Time::midnight()),
            Self::Time(local, _) => *local,
        }
    }
}

/// The instant of a wall-clock time: in a gap the later one, in a fold the earlier one, as calendars do.
pub fn instant(local: DateTime, tz: &TimeZone) -> Timestamp {
    tz.to_ambiguous_timestamp(local).compatible().unwrap_or(Timestamp::MAX)
}

/// How far all dates of a file are moved, in whole weeks, so that weekdays and times of day stay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weeks(i64);

impl Weeks {
    pub(super) const NONE: Self = Self(0);

    /// The whole weeks of a shift, towards the past.
    pub(crate) fn of(shift: SignedDuration) -> Self {
        Self(shift.as_hours().div_euclid(24 * 7))
    }

    /// As many, the other way.
    pub(super) const fn back(self) -> Self {
        Self(-self.0)
    }

    /// The instant as many weeks earlier.
    pub(crate) fn before(self, at: Timestamp) -> Timestamp {
        at.checked_sub(SignedDuration::from_hours(self.0 * 24 * 7)).unwrap_or(at)
    }

    /// The instant as many weeks later.
    pub(super) fn after(self, at: Timestamp) -> Timestamp {
        self.back().before(at)
    }

    pub(super) fn moved(self, local: DateTime) -> DateTime {
        local.checked_add(SignedDuration::from_hours(self.0 * 24 * 7)).unwrap_or(local)
    }
}

/// A property's date, as far as it is one.
pub(super) fn when(value: &ICalendarValue, entry: &ICalendarEntry, weeks: Weeks) -> Option<When> {
    let partial = value.as_partial_date_time()?;
    let year = i16::try_from(partial.year?).ok()?;
    let (month, day) = (i8::try_from(partial.month?).ok()?, i8::try_from(partial.day?).ok()?);
    let date = Date::new(year, month, day).ok()?;
    let Some(hour) = partial.hour else {
        return Some(When::Day(weeks.moved(date.to_datetime(jiff::civil::Time::midnight())).date()));
    };
    let small = |part: Option<u8>| i8::try_from(part.unwrap_or_default()).ok();
    // A leap second is the second before it, as in every calendar program.
    let local = date.to_datetime(
        jiff::civil::Time::new(i8::try_from(hour).ok()?, small(partial.minute)?, small(partial.second)?.min(59), 0)
            .ok()?,
    );
    let zone = if partial.tz_hour.is_some() {
        Zone::utc()
    } else {
        entry
            .parameter(&ICalendarParameterName::Tzid)
            .and_then(|tzid| Zone::of_file(tzid.as_text()?))
            .unwrap_or_else(Zone::utc)
    };
    Some(When::Time(weeks.moved(local), zone))
}

/// The first date of a property.
pub(super) fn date_of(component: &ICalendarComponent, name: &ICalendarProperty, weeks: Weeks) -> Option<When> {
    let entry = component.property(name)?;
    when(entry.values.first()?, entry, weeks)
}

fn text<'c>(component: &'c ICalendarComponent, name: &ICalendarProperty) -> Option<&'c str> {
    component.property(name)?.values.first()?.as_text()
}

fn extended<'c>(component: &'c ICalendarComponent, name: &str) -> Option<&'c ICalendarEntry> {
    let is_named = |entry: &&ICalendarEntry| match &entry.name {
        ICalendarProperty::Other(other) => other.eq_ignore_ascii_case(name),
        _ => false,
    };
    component.entries.iter().find(is_named)
}

fn extended_text<'c>(component: &'c ICalendarComponent, name: &str) -> Option<&'c str> {
    extended(component, name)?.values.first()?.as_text()
}

impl Item {
    /// Reads an event. One without a start is none.
    pub(super) fn read(
        component: &ICalendarComponent,
        weeks: Weeks,
        attachment_id: impl Fn(usize) -> String,
    ) -> Option<Self> {
        let start = date_of(component, &ICalendarProperty::Dtstart, weeks)?;
        let zone = match &start {
            When::Day(_) => Zone::utc(),
            When::Time(_, zone) => zone.clone(),
        };
        let is_all_day = matches!(start, When::Day(_));
        let end = end(component, &start, &zone, weeks);
        let plain = text(component, &ICalendarProperty::Description);
        Some(Self {
            subject: text(component, &ICalendarProperty::Summary).unwrap_or_default().to_owned(),
            body: Body::of(plain, extended_text(component, "X-ALT-DESC")),
            location: text(component, &ICalendarProperty::Location).unwrap_or_default().to_owned(),
            start: start.local(),
            end,
            zone,
            is_all_day,
            sensitivity: sensitivity(component),
            show_as: show_as(component, is_all_day),
            importance: importance(component),
            is_cancelled: matches!(component.status(), Some(ICalendarStatus::Cancelled)),
            organizer: component.property(&ICalendarProperty::Organizer).and_then(person),
            attendees: component.properties(&ICalendarProperty::Attendee).filter_map(attendee).collect(),
            categories: component
                .properties(&ICalendarProperty::Categories)
                .flat_map(|entry| entry.values.iter().filter_map(ICalendarValue::as_text))
                .map(str::to_owned)
                .collect(),
            reminder: extended_text(component, "X-REMINDER-MINUTES").and_then(|minutes| minutes.parse().ok()),
            join_url: extended_text(component, "X-MICROSOFT-SKYPETEAMSMEETINGURL").map(str::to_owned),
            attachments: component
                .properties(&ICalendarProperty::Attach)
                .enumerate()
                .filter_map(|(number, entry)| attachment(entry, number, attachment_id(number)))
                .collect(),
        })
    }

    /// What those see of a private event who may not see it: its time.
    #[must_use]
    pub fn private(&self) -> Self {
        Self {
            subject: "Private".to_owned(),
            body: Body::default(),
            location: String::new(),
            organizer: None,
            attendees: Vec::new(),
            categories: Vec::new(),
            importance: Importance::Normal,
            reminder: None,
            join_url: None,
            attachments: Vec::new(),
            ..self.clone()
        }
    }

    /// Without body and attachments.
    #[must_use]
    pub fn without_notes(&self) -> Self {
        Self { body: Body::default(), attachments: Vec::new(), ..self.clone() }
    }

    /// `hasAttachments`.
    pub fn has_attachments(&self) -> bool {
        !self.attachments.is_empty()
    }

    /// How long it is on the wall clock.
    pub fn length(&self) -> SignedDuration {
        self.end.duration_since(self.start)
    }
}

fn end(component: &ICalendarComponent, start: &When, zone: &Zone, weeks: Weeks) -> DateTime {
    let local = start.local();
    let end = match date_of(component, &ICalendarProperty::Dtend, weeks) {
        Some(When::Day(day)) => Some(day.to_datetime(jiff::civil::Time::midnight())),
        // An end in another zone is told in that of the start.
        Some(When::Time(end, other)) => Some(instant(end, other.tz()).to_zoned(zone.tz().clone()).datetime()),
        None => match component.property(&ICalendarProperty::Duration).and_then(|entry| entry.values.first()) {
            Some(ICalendarValue::Duration(length)) => {
                local.checked_add(SignedDuration::from_secs(length.as_seconds())).ok()
            }
            _ if matches!(start, When::Day(_)) => local.checked_add(SignedDuration::from_hours(24)).ok(),
            _ => Some(local),
        },
    };
    end.unwrap_or(local).max(local)
}

fn sensitivity(component: &ICalendarComponent) -> Sensitivity {
    match component.property(&ICalendarProperty::Class).and_then(|entry| entry.values.first()) {
        Some(ICalendarValue::Classification(ICalendarClassification::Private)) => Sensitivity::Private,
        Some(ICalendarValue::Classification(ICalendarClassification::Confidential)) => Sensitivity::Confidential,
        Some(ICalendarValue::Text(text)) if text.eq_ignore_ascii_case("personal") => Sensitivity::Personal,
        _ => Sensitivity::Normal,
    }
}

fn show_as(component: &ICalendarComponent, is_all_day: bool) -> ShowAs {
    match extended_text(component, "X-MICROSOFT-CDO-BUSYSTATUS").map(str::to_ascii_uppercase).as_deref() {
        Some("FREE") => return ShowAs::Free,
        Some("TENTATIVE") => return ShowAs::Tentative,
        Some("BUSY") => return ShowAs::Busy,
        Some("OOF") => return ShowAs::Oof,
        Some("WORKINGELSEWHERE") => return ShowAs::WorkingElsewhere,
        _ => {}
    }
    match (component.transparency(), component.status()) {
        (Some(ICalendarTransparency::Transparent), _) => ShowAs::Free,
        (None, _) if is_all_day => ShowAs::Free,
        (_, Some(ICalendarStatus::Tentative)) => ShowAs::Tentative,
        _ => ShowAs::Busy,
    }
}

fn importance(component: &ICalendarComponent) -> Importance {
    match component.property(&ICalendarProperty::Priority).and_then(|entry| entry.values.first()?.as_integer()) {
        Some(1..=4) => Importance::High,
        Some(6..=9) => Importance::Low,
        _ => Importance::Normal,
    }
}

fn person(entry: &ICalendarEntry) -> Option<Correspondent> {
    let address = entry.values.first()?.as_text()?;
    let bare = address.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let address = bare.map_or(address, |_| address.get(7..).unwrap_or_default()).to_owned();
    let name = entry
        .parameter(&ICalendarParameterName::Cn)
        .and_then(|name| name.as_text())
        .map_or_else(|| address.clone(), str::to_owned);
    Some(Correspondent { name, address })
}

fn attendee(entry: &ICalendarEntry) -> Option<Attendee> {
    let word = |name: &ICalendarParameterName| {
        entry.parameter(name).and_then(|value| value.as_text()).map(str::to_ascii_uppercase).unwrap_or_default()
    };
    let kind = match (word(&ICalendarParameterName::Cutype).as_str(), word(&ICalendarParameterName::Role).as_str()) {
        ("ROOM" | "RESOURCE", _) => "resource",
        (_, "OPT-PARTICIPANT" | "NON-PARTICIPANT") => "optional",
        _ => "required",
    };
    let response = match word(&ICalendarParameterName::Partstat).as_str() {
        "ACCEPTED" => "accepted",
        "TENTATIVE" => "tentativelyAccepted",
        "DECLINED" => "declined",
        _ => "none",
    };
    Some(Attendee { person: person(entry)?, kind, response })
}

/// A file inside the event; what only points somewhere else is left out.
fn attachment(entry: &ICalendarEntry, number: usize, id: String) -> Option<Attachment> {
    let (content, own_type) = match entry.values.first()? {
        ICalendarValue::Binary(bytes) => (bytes.clone(), None),
        // The parser has undone base64 and found text in it.
        ICalendarValue::Text(text) => (text.clone().into_bytes(), None),
        ICalendarValue::Uri(Uri::Data(data)) => (data.data.clone(), data.content_type.clone()),
        _ => return None,
    };
    let parameter = |wanted: &ICalendarParameterName| entry.parameter(wanted).and_then(|value| value.as_text());
    let name = parameter(&ICalendarParameterName::Filename)
        .or_else(|| parameter(&ICalendarParameterName::Other("X-FILENAME".to_owned())))
        .map_or_else(|| format!("ATT{:05}.bin", number + 1), str::to_owned);
    let id = parameter(&ICalendarParameterName::Other("X-ID".to_owned())).map_or(id, str::to_owned);
    let content_type = parameter(&ICalendarParameterName::Fmttype)
        .map(str::to_owned)
        .or(own_type)
        .unwrap_or_else(|| "application/octet-stream".to_owned());
    Some(Attachment {
        id,
        kind: AttachmentKind::File,
        name,
        content_type: Some(content_type),
        is_inline: false,
        content_id: None,
        content_location: None,
        content: Bytes::from(content),
    })
}
