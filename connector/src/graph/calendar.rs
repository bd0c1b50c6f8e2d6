//! The shapes of Graph's calendars, as far as they are read (<https://learn.microsoft.com/graph/api/resources/event>,
//! <https://learn.microsoft.com/graph/api/resources/scheduleinformation>,
//! <https://learn.microsoft.com/graph/api/resources/meetingtimesuggestionsresult>).

use serde::Deserialize;

use super::mail::{Body, EmailAddress, Recipient};

/// An event, with its body where that was asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    pub(crate) id: String,
    #[serde(rename = "iCalUId", default)]
    pub(crate) i_cal_uid: Option<String>,
    #[serde(default)]
    pub(crate) subject: Option<String>,
    #[serde(default)]
    pub(crate) body_preview: Option<String>,
    #[serde(default)]
    pub(crate) organizer: Option<Recipient>,
    #[serde(default)]
    pub(crate) attendees: Vec<Attendee>,
    #[serde(default)]
    pub(crate) start: Option<Instant>,
    #[serde(default)]
    pub(crate) end: Option<Instant>,
    #[serde(default)]
    pub(crate) location: Option<Location>,
    #[serde(default)]
    pub(crate) is_all_day: Option<bool>,
    #[serde(default)]
    pub(crate) is_cancelled: Option<bool>,
    #[serde(default)]
    pub(crate) is_organizer: Option<bool>,
    #[serde(default)]
    pub(crate) is_online_meeting: Option<bool>,
    #[serde(default)]
    pub(crate) online_meeting: Option<OnlineMeeting>,
    #[serde(default)]
    pub(crate) show_as: Option<String>,
    #[serde(default)]
    pub(crate) sensitivity: Option<String>,
    #[serde(default)]
    pub(crate) categories: Vec<String>,
    #[serde(default)]
    pub(crate) series_master_id: Option<String>,
    #[serde(default)]
    pub(crate) web_link: Option<String>,
    #[serde(default)]
    pub(crate) body: Option<Body>,
}

/// A wall clock in a zone.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instant {
    #[serde(default)]
    pub(crate) date_time: String,
    #[serde(default)]
    pub(crate) time_zone: String,
}

/// Where.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Location {
    #[serde(default)]
    pub(crate) display_name: Option<String>,
}

/// How to join.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OnlineMeeting {
    #[serde(default)]
    pub(crate) join_url: Option<String>,
}

/// Somebody who is invited, or a room.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attendee {
    #[serde(rename = "type", default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) status: Option<Response>,
    #[serde(default)]
    pub(crate) email_address: EmailAddress,
}

/// What somebody answered.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Response {
    #[serde(default)]
    pub(crate) response: Option<String>,
}

/// When somebody is free, or why that is not known.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Schedule {
    #[serde(rename = "scheduleId", default)]
    pub(crate) address: String,
    /// One digit for each interval: 0 free, 1 tentative, 2 busy, 3 out of office, 4 working elsewhere.
    #[serde(default)]
    pub(crate) availability_view: String,
    #[serde(default)]
    pub(crate) error: Option<ScheduleError>,
}

/// Why nothing is known of a schedule.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduleError {
    #[serde(default)]
    pub(crate) response_code: Option<String>,
}

/// Times that suit.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MeetingTimes {
    #[serde(default)]
    pub(crate) empty_suggestions_reason: Option<String>,
    /// Not optional: an answer without it does not say that nothing suits.
    pub(crate) meeting_time_suggestions: Vec<Suggestion>,
}

/// One of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Suggestion {
    #[serde(default)]
    pub(crate) confidence: f64,
    #[serde(default)]
    pub(crate) organizer_availability: Option<String>,
    #[serde(default)]
    pub(crate) attendee_availability: Vec<AttendeeAvailability>,
    #[serde(rename = "suggestionReason", default)]
    pub(crate) reason: Option<String>,
    pub(crate) meeting_time_slot: TimeSlot,
}

/// From when to when.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TimeSlot {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
}

/// Whether one of the invited is free then.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AttendeeAvailability {
    #[serde(default)]
    pub(crate) availability: Option<String>,
    #[serde(default)]
    pub(crate) attendee: AttendeeBase,
}

/// Who.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttendeeBase {
    #[serde(default)]
    pub(crate) email_address: EmailAddress,
}
