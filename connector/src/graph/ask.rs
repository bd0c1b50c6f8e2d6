//! The closed list of questions that Graph takes by POST. None of them writes
//! (<https://learn.microsoft.com/graph/api/calendar-getschedule>, <https://learn.microsoft.com/graph/api/user-findmeetingtimes>).

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::search::Search;
use crate::policy::links::ForeignLink;
use crate::resource_uri::Segment;

/// One POST. Every variant is one path.
#[derive(Debug, Clone)]
pub(crate) enum GraphAsk<'a> {
    /// `/me/calendar/getSchedule`
    Schedule { of: &'a [Segment], from: Timestamp, to: Timestamp, interval_minutes: u32 },
    /// `/me/findMeetingTimes`
    MeetingTimes { with: &'a [Segment], from: Timestamp, to: Timestamp, minutes: u32, at_most: u32 },
    /// `/search/query`
    Search(Search<'a>),
}

impl GraphAsk<'_> {
    /// The address. `graph` is an origin.
    pub(crate) fn url(&self, graph: &Url) -> Result<Url, ForeignLink> {
        let path = match self {
            Self::Schedule { .. } => "/v1.0/me/calendar/getSchedule",
            Self::MeetingTimes { .. } => "/v1.0/me/findMeetingTimes",
            Self::Search(_) => "/v1.0/search/query",
        };
        let url = Url::parse(&format!("{}{path}", graph.as_str().trim_end_matches('/'))).map_err(|_| ForeignLink)?;
        if url.origin() == graph.origin() && url.path() == path { Ok(url) } else { Err(ForeignLink) }
    }

    /// The question itself.
    pub(crate) fn body(&self) -> Bytes {
        let question = match self {
            Self::Schedule { of, from, to, interval_minutes } => json!({
                "schedules": of.iter().map(Segment::as_str).collect::<Vec<_>>(),
                "startTime": utc(*from),
                "endTime": utc(*to),
                "availabilityViewInterval": interval_minutes,
            }),
            Self::MeetingTimes { with, from, to, minutes, at_most } => json!({
                "attendees": with
                    .iter()
                    .map(|who| json!({ "type": "required", "emailAddress": { "address": who.as_str() } }))
                    .collect::<Vec<_>>(),
                "timeConstraint": {
                    "activityDomain": "unrestricted",
                    "timeSlots": [{ "start": utc(*from), "end": utc(*to) }],
                },
                "meetingDuration": format!("PT{minutes}M"),
                "maxCandidates": at_most,
                "returnSuggestionReasons": true,
                "minimumAttendeePercentage": 0,
            }),
            Self::Search(search) => search.body(),
        };
        Bytes::from(question.to_string())
    }
}

fn utc(at: Timestamp) -> Value {
    json!({ "dateTime": at.strftime("%Y-%m-%dT%H:%M:%S").to_string(), "timeZone": "UTC" })
}
