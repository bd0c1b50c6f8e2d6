//! Find events: what a calendar shows between two instants, series as their occurrences, in order.

mod filters;
mod hit;

use jiff::{SignedDuration, Timestamp};
use rmcp::schemars;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dates::{self, Bound};
use super::envelope::{Envelope, PageFacts};
use super::{Note, Reach, ToolRow, answer, arguments, input_schema, output_schema};
use crate::graph::calendar::Event;
use crate::graph::client::Reader;
use crate::graph::mail::Page;
use crate::graph::request::GraphRead;
use crate::policy::scopes::Need;
use crate::refusal::{Code, Refusal};
use crate::resource_uri::Mailbox;
use filters::Filters;
use hit::Hit;
pub(super) use hit::{Moment, moment, people};

const DEFAULT_LIMIT: u32 = 10;
const MAX_LIMIT: u32 = 25;
const MAX_OFFSET: u32 = 1000;

/// Pages of Graph that one call reads at most: 100 events each.
const MAX_PAGES: u32 = 12;

/// What is looked at when nobody says: from the beginning of today on.
const DEFAULT_SPAN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is looked at at most; Graph refuses windows of more than five years.
const MAX_SPAN: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);

pub(super) const TOOL: ToolRow = ToolRow {
    name: "outlook_calendar_search",
    title: "Search the Outlook calendar",
    description: "Lists events of the user's calendar, or of one shared with the user, between two dates: the next 14 days by default. \
                  Series are given as their occurrences. Complete and in order; read_resource gives an event's text.",
    needs: &[Need::OwnCalendar],
    input: input_schema::<Input>,
    output: output_schema::<Envelope<Hit, Effective>>,
    call: |reach, arguments| Box::pin(call(reach, arguments)),
};

/// Everything is optional; filters are combined.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    /// Words that must all stand in the subject, the first lines, the place, or the name of somebody invited.
    query: Option<String>,
    /// Somebody invited: address, part of it, or part of the name.
    attendee: Option<String>,
    /// The organizer: address, part of it, or part of the name.
    organizer: Option<String>,
    /// Address of a calendar's owner. The user's own by default.
    calendar_owner_email: Option<String>,
    /// Ending after: ISO 8601, or words such as `today`, `next monday`. UTC. Today by default.
    after_date_time: Option<String>,
    /// Beginning before; as `afterDateTime`. 14 days later by default.
    before_date_time: Option<String>,
    /// Order by beginning; `oldest` by default.
    order: Option<Order>,
    /// How many hits: 10 by default, 25 at most.
    limit: Option<u32>,
    /// How many hits to pass over, 1000 at most.
    offset: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    Newest,
    Oldest,
}

#[derive(Serialize, JsonSchema)]
struct Effective {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox: Option<String>,
    after: String,
    before: String,
    order: Order,
}

async fn call(reach: &Reach<'_>, raw: Map<String, Value>) -> Result<Value, Refusal> {
    let input: Input = arguments(raw)?;
    let mut notes = Vec::new();
    let limit = limit(input.limit, &mut notes)?;
    let offset = input.offset.unwrap_or(0);
    if offset > MAX_OFFSET {
        return Err(Refusal::argument("offset", format!("`offset` ends at {MAX_OFFSET}."))
            .suggestion("Narrow the dates and start again at 0."));
    }
    let filters = Filters::of(&input, &mut notes)?;
    let (from, to) = window(&input, reach.services.clock.now(), &mut notes)?;
    let mailbox = reach.owner_of("calendarOwnerEmail", input.calendar_owner_email.as_deref())?;
    let graph = reach.calendar(&mailbox);
    let (mut events, partial) = seen(&graph, &GraphRead::CalendarView { mailbox: &mailbox, from, to }).await?;
    if let Some(refusal) = &partial {
        let code = if refusal.code() == Code::Throttled { "PARTIAL_THROTTLED" } else { "PARTIAL_TIMEOUT" };
        notes.push(Note::new(code, format!("Not everything could be looked through: {}", refusal.message())));
    }
    events.retain(|event| filters.matches(event));
    let order = input.order.unwrap_or(Order::Oldest);
    if order == Order::Newest {
        events.reverse();
    }
    let total = u32::try_from(events.len()).unwrap_or(u32::MAX);
    let items: Vec<Hit> =
        events.into_iter().skip(offset as usize).take(limit as usize).map(|event| hit::of(event, &mailbox)).collect();
    let owner = match &mailbox {
        Mailbox::Own => None,
        Mailbox::Of(owner) => Some(owner.as_str().to_owned()),
    };
    if items.is_empty() {
        let whose = owner.as_ref().map_or("your calendar".to_owned(), |owner| format!("the calendar of {owner}"));
        notes.push(Note::new("NOTHING_FOUND", format!("Nothing in {whose} between {from} and {to} matches.")));
    }
    let passed = offset.saturating_add(u32::try_from(items.len()).unwrap_or(u32::MAX));
    let more = passed < total || partial.is_some();
    let next = (passed < total).then_some(passed);
    answer(&Envelope {
        page: PageFacts {
            more_results: more,
            ..PageFacts::by_offset(limit, items.len(), offset, next, MAX_OFFSET)
                .counted(partial.is_none().then_some(total))
        },
        items,
        partial: partial.is_some(),
        notes,
        effective: Effective {
            mode: "calendarView",
            mailbox: owner,
            after: from.to_string(),
            before: to.to_string(),
            order,
        },
    })
}

/// All that the calendar shows, or what came before Graph asked to stop and why.
async fn seen(graph: &Reader<'_>, view: &GraphRead<'_>) -> Result<(Vec<Event>, Option<Refusal>), Refusal> {
    let mut page: Page<Event> = graph.read(view).await?;
    let mut events = page.value;
    for _ in 1..MAX_PAGES {
        let Some(next) = page.next else { return Ok((events, None)) };
        page = match graph.next(&next).await {
            Ok(page) => page,
            Err(refusal) if matches!(refusal.code(), Code::Throttled | Code::Timeout) => {
                return Ok((events, Some(refusal)));
            }
            Err(refusal) => return Err(refusal),
        };
        events.append(&mut page.value);
    }
    let end = page.next.map(|_| Refusal::new(Code::TooLarge, "There are more events than one call looks through."));
    Ok((events, end))
}

fn window(input: &Input, now: Timestamp, notes: &mut Vec<Note>) -> Result<(Timestamp, Timestamp), Refusal> {
    let mut date = |parameter, text: Option<&String>, bound| dates::given(parameter, text, bound, now, notes);
    let after = date("afterDateTime", input.after_date_time.as_ref(), Bound::After)?;
    let before = date("beforeDateTime", input.before_date_time.as_ref(), Bound::Before)?;
    let (today, _) = dates::instant("afterDateTime", "today", Bound::After, now)?;
    let far = |at: Timestamp, by: SignedDuration| at.saturating_add(by).unwrap_or(at);
    let (from, to) = match (after, before) {
        (Some(after), Some(before)) => (after, before),
        (Some(after), None) => (after, far(after, DEFAULT_SPAN)),
        (None, Some(before)) if before < today => (far(before, -DEFAULT_SPAN), before),
        (None, Some(before)) => (today, before),
        (None, None) => (today, far(today, DEFAULT_SPAN)),
    };
    if after.is_none() || before.is_none() {
        notes.push(Note::new("DEFAULT_WINDOW", format!("Looked at {from} to {to}; name both dates for another span.")));
    }
    if to <= from {
        return Err(Refusal::argument("beforeDateTime", "`beforeDateTime` does not lie after `afterDateTime`."));
    }
    if to.duration_since(from) > MAX_SPAN {
        return Err(Refusal::argument("beforeDateTime", "At most five years are looked at in one call."));
    }
    Ok((from, to))
}

fn limit(asked: Option<u32>, notes: &mut Vec<Note>) -> Result<u32, Refusal> {
    match asked {
        None => Ok(DEFAULT_LIMIT),
        Some(0) => Err(Refusal::argument("limit", format!("`limit` is at least 1 and at most {MAX_LIMIT}."))),
        Some(asked) if asked > MAX_LIMIT => {
            notes.push(Note::new("LIMIT_CAPPED", format!("`limit` is {MAX_LIMIT} at most.")));
            Ok(MAX_LIMIT)
        }
        Some(asked) => Ok(asked),
    }
}
