//! When could several people meet? Graph looks for times where the tenant grants it; otherwise their free hours are laid side by side here.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rmcp::schemars;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dates::{self, Bound};
use super::outlook_calendar_search::{Moment, moment};
use super::{Note, Reach, ToolRow, answer, arguments, input_schema, output_schema};
use crate::graph::ask::GraphAsk;
use crate::graph::calendar::{Instant, MeetingTimes, Schedule, Suggestion};
use crate::graph::mail::Page;
use crate::policy::scopes::Need;
use crate::refusal::Refusal;
use crate::resource_uri::{Mailbox, Segment};

const MAX_PARTICIPANTS: usize = 20;
const MINUTES: std::ops::RangeInclusive<u32> = 5..=1440;
const DEFAULT_CANDIDATES: u32 = 10;
const MAX_CANDIDATES: u32 = 50;

/// Graph answers schedules of 62 days at most (<https://learn.microsoft.com/graph/outlook-get-free-busy-schedule>).
const MAX_SPAN: SignedDuration = SignedDuration::from_hours(62 * 24);

/// How finely free hours are laid side by side.
const INTERVAL: u32 = 15;

pub(super) const TOOL: ToolRow = ToolRow {
    name: "find_meeting_availability",
    title: "Find times to meet",
    description: "Suggests times between two dates at which the user and the participants are free. Times are UTC. Nothing is booked.",
    needs: &[Need::OwnCalendar],
    input: input_schema::<Input>,
    output: output_schema::<Output>,
    call: |reach, arguments| Box::pin(call(reach, arguments)),
};

/// Who, and when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    /// Addresses of 1 to 20 people, beside the user.
    #[schemars(length(min = 1, max = 20))]
    participants: Vec<String>,
    /// Not before: ISO 8601, or words such as `tomorrow`. UTC.
    after_date_time: String,
    /// Not after; as `afterDateTime`.
    before_date_time: String,
    /// Minutes: 30 by default, 5 to 1440.
    #[schemars(range(min = 5, max = 1440))]
    duration: Option<u32>,
    /// How many suggestions: 10 by default, 50 at most.
    max_candidates: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Output {
    /// Times that suit, the best first.
    items: Vec<Candidate>,
    /// Why there are none.
    empty_suggestions_reason: Option<String>,
    /// Whether something of somebody could not be looked at.
    partial: bool,
    notes: Vec<Note>,
    effective: Effective,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    start: Moment,
    end: Moment,
    /// Percent: how likely it is that everybody can come.
    confidence: f64,
    /// The user's own.
    organizer_availability: Option<String>,
    attendee_availability: Vec<Availability>,
    reason: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Availability {
    address: Option<String>,
    /// free, tentative, busy, oof, workingElsewhere or unknown.
    availability: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Effective {
    after: String,
    before: String,
    /// Minutes.
    duration: u32,
    /// How it was found: `findMeetingTimes` or `getSchedule`.
    mode: &'static str,
}

/// The question, understood.
struct Question {
    participants: Vec<Segment>,
    from: Timestamp,
    to: Timestamp,
    minutes: u32,
    at_most: u32,
}

async fn call(reach: &Reach<'_>, raw: Map<String, Value>) -> Result<Value, Refusal> {
    let mut notes = Vec::new();
    let question = question(reach, arguments(raw)?, &mut notes)?;
    // The permission may be missing, or be gone since its token was cached, which Graph then says: without it free hours still do.
    let ask = GraphAsk::MeetingTimes {
        with: &question.participants,
        from: question.from,
        to: question.to,
        minutes: question.minutes,
        at_most: question.at_most,
    };
    let found: Result<MeetingTimes, _> = reach.graph(Need::SharedCalendar).ask(&ask).await;
    let (items, reason, mode) = match found {
        Ok(found) => {
            let items: Vec<_> = found.meeting_time_suggestions.into_iter().map(suggested).collect();
            (items, found.empty_suggestions_reason.filter(|reason| !reason.is_empty()), "findMeetingTimes")
        }
        Err(refusal) if refusal.is_about_a_grant() => {
            let (items, reason) = laid_side_by_side(reach, &question, &mut notes).await?;
            (items, reason, "getSchedule")
        }
        Err(refusal) => return Err(refusal),
    };
    let unknown = |availability: &Availability| availability.availability.as_deref() == Some("unknown");
    let partial = items.iter().any(|item| item.attendee_availability.iter().any(unknown));
    if partial {
        notes.push(Note::new(
            "AVAILABILITY_UNKNOWN",
            "Of somebody nothing is known: outside the organization, or not answering.",
        ));
    }
    let empty_suggestions_reason = if items.is_empty() { reason.or(Some("nothing suits".to_owned())) } else { None };
    answer(&Output {
        items,
        empty_suggestions_reason,
        partial,
        notes,
        effective: Effective {
            after: question.from.to_string(),
            before: question.to.to_string(),
            duration: question.minutes,
            mode,
        },
    })
}

fn question(reach: &Reach<'_>, input: Input, notes: &mut Vec<Note>) -> Result<Question, Refusal> {
    if !(1..=MAX_PARTICIPANTS).contains(&input.participants.len()) {
        return Err(Refusal::argument("participants", format!("1 to {MAX_PARTICIPANTS} people are named.")));
    }
    let mut participants = Vec::new();
    for address in &input.participants {
        match reach.owner_of("participants", Some(address))? {
            // The user comes in any case.
            Mailbox::Own => {}
            Mailbox::Of(address) => participants.push(address),
        }
    }
    let mut seen = BTreeSet::new();
    participants.retain(|address| seen.insert(address.as_str().to_lowercase()));
    let now = reach.services.clock.now();
    let mut date = |parameter, text: &str, bound| dates::noted(parameter, text, bound, now, notes);
    let from = date("afterDateTime", &input.after_date_time, Bound::After)?;
    let to = date("beforeDateTime", &input.before_date_time, Bound::Before)?;
    if to <= from || to.duration_since(from) > MAX_SPAN {
        return Err(Refusal::argument(
            "beforeDateTime",
            "`beforeDateTime` lies after `afterDateTime`, by 62 days at most.",
        ));
    }
    let minutes = input.duration.unwrap_or(30);
    if !MINUTES.contains(&minutes) {
        return Err(Refusal::argument("duration", "`duration` is 5 to 1440 minutes."));
    }
    let at_most = match input.max_candidates.unwrap_or(DEFAULT_CANDIDATES) {
        0 => return Err(Refusal::argument("maxCandidates", "`maxCandidates` is at least 1.")),
        asked if asked > MAX_CANDIDATES => {
            notes.push(Note::new("LIMIT_CAPPED", format!("`maxCandidates` is {MAX_CANDIDATES} at most.")));
            MAX_CANDIDATES
        }
        asked => asked,
    };
    Ok(Question { participants, from, to, minutes, at_most })
}

fn suggested(suggestion: Suggestion) -> Candidate {
    let attendees = suggestion
        .attendee_availability
        .into_iter()
        .map(|one| Availability { address: one.attendee.email_address.address, availability: one.availability });
    Candidate {
        start: moment(suggestion.meeting_time_slot.start),
        end: moment(suggestion.meeting_time_slot.end),
        confidence: suggestion.confidence,
        organizer_availability: suggestion.organizer_availability,
        attendee_availability: attendees.collect(),
        reason: suggestion.reason.filter(|reason| !reason.is_empty()),
    }
}

/// Without the permission for Graph's own search: everybody's free hours in quarters, and the first spans in which nobody is busy.
async fn laid_side_by_side(
    reach: &Reach<'_>,
    question: &Question,
    notes: &mut Vec<Note>,
) -> Result<(Vec<Candidate>, Option<String>), Refusal> {
    let own = reach.caller.address().and_then(Segment::address);
    let mut of: Vec<Segment> = own.iter().cloned().collect();
    of.extend(question.participants.iter().cloned());
    let ask = GraphAsk::Schedule { of: &of, from: question.from, to: question.to, interval_minutes: INTERVAL };
    let page: Page<Schedule> = reach.graph(Need::OwnCalendar).ask(&ask).await?;
    notes.push(Note::new(
        "FREE_HOURS_ALONE",
        "Calendars.Read.Shared is not granted: suggestions come from free hours alone, without preferences.",
    ));
    for schedule in page.value.iter().filter(|schedule| schedule.error.is_some()) {
        let why = schedule.error.as_ref().and_then(|error| error.response_code.clone()).unwrap_or_default();
        notes.push(Note::new("SCHEDULE_UNKNOWN", format!("{}: {why}", schedule.address)));
    }
    let interval = SignedDuration::from_mins(i64::from(INTERVAL));
    let slots = usize::try_from(question.to.duration_since(question.from).as_secs() / interval.as_secs()).unwrap_or(0);
    let wanted = question.minutes.div_ceil(INTERVAL) as usize;
    let busy = |schedule: &Schedule, slot: usize| {
        schedule.availability_view.as_bytes().get(slot).is_some_and(|digit| matches!(digit, b'1' | b'2' | b'3'))
    };
    let mut candidates = Vec::new();
    let mut slot = 0;
    while slot + wanted <= slots && candidates.len() < question.at_most as usize {
        if let Some(taken) =
            (slot..slot + wanted).rev().find(|slot| page.value.iter().any(|schedule| busy(schedule, *slot)))
        {
            slot = taken + 1;
            continue;
        }
        let offset = interval.saturating_mul(i32::try_from(slot).unwrap_or(i32::MAX));
        let start = question.from.saturating_add(offset).unwrap_or(question.from);
        let end = start.saturating_add(SignedDuration::from_mins(i64::from(question.minutes))).unwrap_or(start);
        let attendees = question.participants.iter().map(|address| Availability {
            address: Some(address.as_str().to_owned()),
            availability: Some(known(&page.value, address).to_owned()),
        });
        candidates.push(Candidate {
            start: moment(utc(start)),
            end: moment(utc(end)),
            confidence: 100.0,
            organizer_availability: Some(own.as_ref().map_or("unknown", |own| known(&page.value, own)).to_owned()),
            attendee_availability: attendees.collect(),
            reason: None,
        });
        slot += wanted;
    }
    Ok((candidates, Some("attendeesUnavailable".to_owned())))
}

fn known(schedules: &[Schedule], address: &Segment) -> &'static str {
    let found = schedules.iter().find(|schedule| schedule.address.eq_ignore_ascii_case(address.as_str()));
    if found.is_some_and(|schedule| schedule.error.is_none()) { "free" } else { "unknown" }
}

fn utc(at: Timestamp) -> Instant {
    Instant { date_time: at.strftime("%Y-%m-%dT%H:%M:%S").to_string(), time_zone: "UTC".to_owned() }
}
