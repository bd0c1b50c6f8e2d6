//! How does an event look in a list?

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rmcp::schemars;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::outlook_email_search::Person;
use crate::graph::calendar::{Attendee, Event, Instant};
use crate::graph::mail::Recipient;
use crate::resource_uri::{Mailbox, ResourceUri, Segment};

/// One event, or one occurrence of a series.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hit {
    /// For read_resource.
    uri: Option<String>,
    id: String,
    #[serde(rename = "iCalUId")]
    i_cal_uid: Option<String>,
    /// Null where the owner keeps it private.
    subject: Option<String>,
    organizer: Option<Person>,
    attendees: Vec<Invited>,
    start: Option<Moment>,
    end: Option<Moment>,
    is_all_day: Option<bool>,
    is_cancelled: Option<bool>,
    is_organizer: Option<bool>,
    /// free, tentative, busy, oof, workingElsewhere or unknown.
    show_as: Option<String>,
    sensitivity: Option<String>,
    /// The series that this is an occurrence of.
    series_master_id: Option<String>,
    location: Option<String>,
    online_meeting: Option<Online>,
    categories: Vec<String>,
    /// Whether there is a transcript of the meeting: `unknown` until it is asked for.
    has_transcript: HasTranscript,
    web_link: Option<String>,
}

/// Somebody who is invited.
#[derive(Serialize, JsonSchema)]
pub(in super::super) struct Invited {
    #[serde(flatten)]
    person: Person,
    /// required, optional or resource.
    kind: Option<String>,
    /// accepted, declined, tentativelyAccepted, none …
    response: Option<String>,
}

/// A point in time as its calendar writes it, and in UTC.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Moment {
    /// Wall clock in `timeZone`.
    date_time: String,
    time_zone: String,
    utc: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Online {
    join_url: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum HasTranscript {
    False,
    Unknown,
}

pub(super) fn of(event: Event, mailbox: &Mailbox) -> Hit {
    let uri = Segment::new(event.id.as_str()).map(|id| ResourceUri::Event { mailbox: mailbox.clone(), id }.to_string());
    let online = event.is_online_meeting == Some(true);
    Hit {
        uri,
        id: event.id,
        i_cal_uid: event.i_cal_uid,
        subject: event.subject,
        organizer: event.organizer.map(Person::of),
        attendees: people(event.attendees),
        start: event.start.map(moment),
        end: event.end.map(moment),
        is_all_day: event.is_all_day,
        is_cancelled: event.is_cancelled,
        is_organizer: event.is_organizer,
        show_as: event.show_as,
        sensitivity: event.sensitivity,
        series_master_id: event.series_master_id,
        location: event.location.and_then(|location| location.display_name).filter(|name| !name.is_empty()),
        online_meeting: event.online_meeting.map(|meeting| Online { join_url: meeting.join_url }),
        categories: event.categories,
        has_transcript: if online { HasTranscript::Unknown } else { HasTranscript::False },
        web_link: event.web_link,
    }
}

/// Everybody who is invited.
pub(in super::super) fn people(attendees: Vec<Attendee>) -> Vec<Invited> {
    let invited = attendees.into_iter().map(|attendee| Invited {
        kind: attendee.kind,
        response: attendee.status.and_then(|status| status.response),
        person: Person::of(Recipient { email_address: attendee.email_address }),
    });
    invited.collect()
}

/// Graph's wall clock, with its instant where the zone is known to everybody.
pub(in super::super) fn moment(at: Instant) -> Moment {
    let civil = at.date_time.parse::<DateTime>().ok();
    let zone = if at.time_zone.eq_ignore_ascii_case("UTC") { Some(TimeZone::UTC) } else { None };
    let utc: Option<Timestamp> = civil.zip(zone).and_then(|(civil, zone)| zone.to_timestamp(civil).ok());
    Moment { utc: utc.map(|utc| utc.to_string()), date_time: at.date_time, time_zone: at.time_zone }
}
