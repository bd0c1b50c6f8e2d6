//! `findMeetingTimes`: when the organizer and the attendees can meet.
//!
//! <https://learn.microsoft.com/graph/api/user-findmeetingtimes>: an attendee who is free counts 100, one who is not known 49, one who is
//! not free 0; a suggestion's confidence is their mean, and suggestions come by confidence, then by time.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::schedule::busiest;
use super::{applied, shape, window};
use crate::calendar::{Settings, ShowAs};
use crate::graph::answer::Answer;
use crate::graph::body::{self, Fields};
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, key, number, string};
use crate::graph::route::Ask;
use crate::graph::view::{ScheduleView, View};

/// How many suggestions come when nothing is said, and at most.
const CANDIDATES: i64 = 5;
const MOST: i64 = 100;
/// Suggestions begin at the full and the half hour.
const STEP: i64 = 1800;
/// The most spans that are looked at: half a year of half hours.
const SPANS: usize = 10_000;

/// What is asked for.
struct Question {
    attendees: Vec<(String, &'static str)>,
    slots: Vec<(Timestamp, Timestamp)>,
    length: SignedDuration,
    candidates: i64,
    least_confidence: f64,
    organizer_is_optional: bool,
    gives_reasons: bool,
    domain: Domain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domain {
    Work,
    Personal,
    Unrestricted,
}

struct Suggestion {
    from: Timestamp,
    to: Timestamp,
    confidence: f64,
    organizer: Option<ShowAs>,
    attendees: Vec<Option<ShowAs>>,
}

fn refused(message: impl Into<String>) -> GraphError {
    GraphError::Calendar { code: "ErrorInvalidParameter", message: message.into() }
}

/// Numbers and truth values come as such and, in Microsoft's own sample, as text.
fn loose(fields: &Fields<'_>, name: &str) -> Result<Option<f64>, GraphError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(Value::Bool(value)) => Ok(Some(f64::from(u8::from(*value)))),
        Some(Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Some(1.0)),
            "false" => Ok(Some(0.0)),
            text => text.parse().map(Some).map_err(|_| refused(format!("The value of '{name}' is invalid."))),
        },
        Some(_) => Err(refused(format!("The value of '{name}' is invalid."))),
    }
}

impl Question {
    fn read(body: &Value, now: Timestamp) -> Result<Self, GraphError> {
        const KNOWN: &[&str] = &[
            "attendees",
            "isOrganizerOptional",
            "locationConstraint",
            "maxCandidates",
            "meetingDuration",
            "minimumAttendeePercentage",
            "returnSuggestionReasons",
            "timeConstraint",
        ];
        let fields = Fields::of(body, "findMeetingTimes", KNOWN)?;
        let mut attendees = Vec::new();
        for item in fields.items("attendees")?.unwrap_or_default() {
            let attendee = Fields::of(item, "attendeeBase", &["type", "emailAddress", "status", "proposedNewTime"])?;
            let kind = attendee.word("type", "attendeeType", &KINDS)?.unwrap_or("required");
            let none = Value::Null;
            let email =
                Fields::of(attendee.get("emailAddress").unwrap_or(&none), "emailAddress", &["address", "name"])?;
            attendees.push((email.need("address")?.to_owned(), kind));
        }
        let length = match fields.text("meetingDuration")? {
            None => SignedDuration::from_mins(30),
            Some(text) => text
                .parse::<SignedDuration>()
                .or_else(|_| {
                    text.parse::<jiff::Span>()
                        .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()))
                })
                .ok()
                .filter(|length| length.is_positive() && length.as_hours() <= 24)
                .ok_or_else(|| refused("The meeting duration is invalid."))?,
        };
        let (slots, domain) = constraint(&fields, now)?;
        let candidates = loose(&fields, "maxCandidates")?.map_or(CANDIDATES, |count| round(count).clamp(1, MOST));
        Ok(Self {
            attendees,
            slots,
            length,
            candidates,
            least_confidence: loose(&fields, "minimumAttendeePercentage")?.unwrap_or(50.0),
            organizer_is_optional: loose(&fields, "isOrganizerOptional")?.unwrap_or(0.0) > 0.0,
            gives_reasons: loose(&fields, "returnSuggestionReasons")?.unwrap_or(0.0) > 0.0,
            domain,
        })
    }
}

const KINDS: [(&str, &str); 3] = [("required", "required"), ("optional", "optional"), ("resource", "resource")];

#[expect(clippy::cast_possible_truncation, reason = "a count beyond all counts is cut to the most there may be")]
fn round(count: f64) -> i64 {
    count as i64
}

fn constraint(fields: &Fields<'_>, now: Timestamp) -> Result<(Vec<(Timestamp, Timestamp)>, Domain), GraphError> {
    let week = now.checked_add(SignedDuration::from_hours(24 * 7)).unwrap_or(now);
    let Some(value) = fields.get("timeConstraint").filter(|value| !value.is_null()) else {
        return Ok((vec![(now, week)], Domain::Work));
    };
    let constraint = Fields::of(value, "timeConstraint", &["activityDomain", "timeSlots", "timeslots"])?;
    let domain = constraint.word("activityDomain", "activityDomain", &DOMAINS)?.unwrap_or(Domain::Work);
    let mut slots = Vec::new();
    for item in constraint.items("timeSlots")?.unwrap_or_default() {
        let slot = Fields::of(item, "timeSlot", &["start", "end"])?;
        let (Some(from), Some(to)) = (window::zoned(&slot, "start")?, window::zoned(&slot, "end")?) else {
            return Err(refused("A time slot needs a start and an end."));
        };
        slots.push((from, to));
    }
    if slots.is_empty() {
        slots.push((now, week));
    }
    Ok((slots, domain))
}

const DOMAINS: [(&str, Domain); 4] = [
    ("work", Domain::Work),
    ("personal", Domain::Personal),
    ("unrestricted", Domain::Unrestricted),
    ("unknown", Domain::Work),
];

fn admits(domain: Domain, settings: &Settings, from: Timestamp, to: Timestamp) -> bool {
    let tz = settings.zone.tz();
    let (from, to) = (tz.to_datetime(from), tz.to_datetime(to));
    let is_weekend = from.weekday().to_monday_zero_offset() >= 5;
    match domain {
        Domain::Unrestricted => true,
        Domain::Work => settings.works(from, to),
        Domain::Personal => settings.works(from, to) || is_weekend,
    }
}

pub(super) fn find(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[])?;
    // Who may not see the organizer's events plans nothing for him; a mailbox that does not answer ends here.
    let own = view.calendars(&ask.owner)?;
    let question = Question::read(&body::parse_or_empty(ask)?, ask.now)?;
    let zone = window::zone(ask)?;
    let organizer = view.schedule(own.person().1);
    let attendees: Vec<_> = question.attendees.iter().map(|(address, _)| view.schedule(address)).collect();
    if attendees.iter().flatten().any(|schedule| schedule.settings().times_out) {
        return Err(
            GraphError::Timeout.because("fixture setting `times_out`: an attendee's mailbox does not answer in time")
        );
    }
    let all = suggestions(&question, organizer.as_ref(), &attendees);
    let mut good: Vec<_> = all
        .iter()
        .filter(|found| question.organizer_is_optional || found.organizer == Some(ShowAs::Free))
        .filter(|found| found.confidence >= question.least_confidence)
        .collect();
    good.sort_by(|left, right| right.confidence.total_cmp(&left.confidence).then(left.from.cmp(&right.from)));
    good.truncate(usize::try_from(question.candidates).unwrap_or(0));
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &format!("{}/$metadata#microsoft.graph.meetingTimeSuggestionsResult", ask.root));
    key(&mut out, "emptySuggestionsReason");
    string(&mut out, if good.is_empty() { why_none(&question, &all) } else { "" });
    key(&mut out, "meetingTimeSuggestions");
    array(&mut out, good.into_iter().enumerate(), |out, (at, found)| write(out, at + 1, found, &question, &zone));
    out.push(b'}');
    Ok(applied(Answer::json(out), ask))
}

fn suggestions(
    question: &Question,
    organizer: Option<&ScheduleView<'_>>,
    attendees: &[Option<ScheduleView<'_>>],
) -> Vec<Suggestion> {
    let mut found = Vec::new();
    let mut looked_at = 0;
    for (from, to) in &question.slots {
        let mut seconds = from.as_second();
        seconds += (STEP - seconds.rem_euclid(STEP)) % STEP;
        while let Ok(start) = Timestamp::from_second(seconds) {
            let Ok(end) = start.checked_add(question.length) else { break };
            looked_at += 1;
            if end > *to || looked_at > SPANS {
                break;
            }
            seconds += STEP;
            if !organizer.is_none_or(|organizer| admits(question.domain, organizer.settings(), start, end)) {
                continue;
            }
            let of_attendees: Vec<_> =
                attendees.iter().map(|schedule| busiest(schedule.as_ref(), start, end)).collect();
            found.push(Suggestion {
                from: start,
                to: end,
                confidence: confidence(&of_attendees),
                organizer: busiest(organizer, start, end),
                attendees: of_attendees,
            });
        }
    }
    found
}

fn confidence(attendees: &[Option<ShowAs>]) -> f64 {
    let mut sum = 0.0;
    let mut count = 0.0;
    for attendee in attendees {
        count += 1.0;
        sum += match attendee {
            None => 49.0,
            Some(ShowAs::Free) => 100.0,
            Some(_) => 0.0,
        };
    }
    if count > 0.0 { sum / count } else { 100.0 }
}

fn why_none(question: &Question, all: &[Suggestion]) -> &'static str {
    if all.is_empty() {
        return "Unknown";
    }
    if !question.organizer_is_optional && all.iter().all(|found| found.organizer != Some(ShowAs::Free)) {
        return "OrganizerUnavailable";
    }
    if all.iter().any(|found| found.attendees.contains(&None)) {
        "AttendeesUnavailableOrUnknown"
    } else {
        "AttendeesUnavailable"
    }
}

fn word(show_as: Option<ShowAs>) -> &'static str {
    show_as.map_or("unknown", ShowAs::as_str)
}

fn write(out: &mut Vec<u8>, order: usize, found: &Suggestion, question: &Question, zone: &crate::calendar::Zone) {
    out.push(b'{');
    key(out, "confidence");
    out.extend_from_slice(format!("{:.1}", found.confidence).as_bytes());
    key(out, "order");
    number(out, order);
    key(out, "organizerAvailability");
    string(out, word(found.organizer));
    key(out, "suggestionReason");
    let reason = if question.gives_reasons {
        "Suggested because it is one of the nearest times when all attendees are available."
    } else {
        ""
    };
    string(out, reason);
    key(out, "attendeeAvailability");
    array(out, question.attendees.iter().zip(&found.attendees), |out, ((address, kind), availability)| {
        out.extend_from_slice(b"{\"availability\":");
        string(out, word(*availability));
        out.extend_from_slice(b",\"attendee\":{\"type\":");
        string(out, kind);
        out.extend_from_slice(b",\"emailAddress\":{\"address\":");
        string(out, address);
        out.extend_from_slice(b"}}}");
    });
    key(out, "locations");
    out.extend_from_slice(b"[]");
    key(out, "meetingTimeSlot");
    out.push(b'{');
    for (name, at) in [("start", found.from), ("end", found.to)] {
        key(out, name);
        shape::zoned(out, zone.tz().to_datetime(at), zone);
    }
    out.extend_from_slice(b"}}");
}
