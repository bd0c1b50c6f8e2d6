//! Find what was said in Teams: Graph's index by words, and filters that are decided here once more, exactly.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rmcp::schemars;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dates::{self, Bound};
use super::envelope::{Envelope, PageFacts};
use super::outlook_email_search::Person;
use super::{Note, Reach, ToolRow, answer, arguments, input_schema, output_schema};
use crate::graph::ask::GraphAsk;
use crate::graph::client::Reader;
use crate::graph::search::{self, Answers, Entity, Hit, Search};
use crate::graph::teams::FoundChatMessage;
use crate::policy::scopes::Need;
use crate::refusal::{Code, Refusal};
use crate::resource_uri::{ResourceUri, Segment};

const MAX_LIMIT: u32 = 25;
const MAX_OFFSET: u32 = 1000;

/// Hits per page of Graph's.
const SIZE: u32 = 25;

/// Pages of Graph's that one call reads at most.
const MAX_PAGES: u32 = 8;

pub(super) const TOOL: ToolRow = ToolRow {
    name: "chat_message_search",
    title: "Search Teams messages",
    description: "Searches the user's Teams chats by words (KQL, `*` for all) and answers with metadata and a `uri` per message; read_resource gives \
                  the content. Channels of teams are searched with `includeChannels`. Ranked; may omit matches.",
    needs: &[Need::Chats],
    input: input_schema::<Input>,
    output: output_schema::<Envelope<Item, Effective>>,
    call: |reach, arguments| Box::pin(call(reach, arguments)),
};

/// Filters are combined.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    /// Words or KQL (`budget`, `"final offer"`, `from:ada`, `hasAttachment:true`, OR); `*` for everything.
    query: String,
    /// Who wrote it: address, part of it, or part of the name.
    sender: Option<String>,
    /// One chat, by id.
    chat_id: Option<String>,
    /// Written at or after: ISO 8601, or words such as `yesterday`, `last week`. UTC.
    after_date_time: Option<String>,
    /// Written at or before; as `afterDateTime`.
    before_date_time: Option<String>,
    /// Also channels of teams; needs the permission ChannelMessage.Read.All. False by default.
    include_channels: Option<bool>,
    /// How many hits: 25 by default and at most.
    limit: Option<u32>,
    /// The `nextOffset` of the page before, with the same arguments.
    offset: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
struct Effective {
    mode: &'static str,
    channels: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// One message.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Item {
    /// For read_resource.
    uri: Option<String>,
    id: String,
    /// The chat or the channel, for read_resource: what it is about, and its newest messages.
    chat_uri: Option<String>,
    /// Missing for a channel's message.
    chat_id: Option<String>,
    chat_type: ChatType,
    from: Option<Person>,
    created_date_time: Option<String>,
    last_modified_date_time: Option<String>,
    subject: Option<String>,
    importance: Option<String>,
    /// The words around what was found.
    summary: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum ChatType {
    OneOnOne,
    Group,
    Meeting,
    Channel,
    Unknown,
}

/// What a hit has to be, beside its words.
struct Filters {
    sender: Option<String>,
    chat: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

/// What one call found.
struct Found {
    items: Vec<Item>,
    /// The place in Graph's list where the next page begins.
    next: Option<u32>,
    cut: Option<Refusal>,
}

async fn call(reach: &Reach<'_>, raw: Map<String, Value>) -> Result<Value, Refusal> {
    let input: Input = arguments(raw)?;
    let mut notes = Vec::new();
    let query = input.query.trim();
    if query.is_empty() {
        return Err(Refusal::argument("query", "`query` is empty.").suggestion("`*` asks for everything."));
    }
    let limit = match input.limit {
        None => MAX_LIMIT,
        Some(0) => return Err(Refusal::argument("limit", "`limit` is at least 1 and at most 25.")),
        Some(asked) if asked > MAX_LIMIT => {
            notes.push(Note::new("LIMIT_CAPPED", format!("`limit` is {MAX_LIMIT} at most.")));
            MAX_LIMIT
        }
        Some(asked) => asked,
    };
    let offset = input.offset.unwrap_or(0);
    if offset > MAX_OFFSET {
        return Err(Refusal::argument("offset", format!("`offset` ends at {MAX_OFFSET}.")));
    }
    let filters = Filters::of(&input, reach.services.clock.now(), &mut notes)?;
    let channels = input.include_channels == Some(true);
    let graph = reach.graph(if channels { Need::Channels } else { Need::Chats });
    let kql = filters.kql(query);
    let found = walk(&graph, &kql, &filters, channels, offset, limit).await?;
    remarks(query, channels, &found, &mut notes);
    answer(&Envelope {
        page: PageFacts::by_offset(limit, found.items.len(), offset, found.next, MAX_OFFSET),
        items: found.items,
        partial: found.cut.is_some(),
        notes,
        effective: Effective {
            mode: "search",
            channels,
            after: filters.after.map(|after| after.to_string()),
            before: filters.before.map(|before| before.to_string()),
        },
    })
}

/// Page by page, until enough is found.
async fn walk(
    graph: &Reader<'_>,
    kql: &str,
    filters: &Filters,
    channels: bool,
    offset: u32,
    limit: u32,
) -> Result<Found, Refusal> {
    let mut found = Found { items: Vec::new(), next: None, cut: None };
    let mut from = offset;
    for read in 1..=MAX_PAGES {
        let asked = Search { entities: &[Entity::ChatMessage], kql, from, size: SIZE };
        let answers: Result<Answers<FoundChatMessage>, _> = graph.ask(&GraphAsk::Search(asked)).await;
        let page = match answers.and_then(Answers::container) {
            Ok(page) => page,
            // What was found is worth more than a refusal, if the rest can be had later.
            Err(refusal) if read > 1 && matches!(refusal.code(), Code::Throttled | Code::Timeout) => {
                (found.next, found.cut) = (Some(from), Some(refusal));
                break;
            }
            Err(refusal) => return Err(refusal),
        };
        let came = page.hits.len();
        for hit in page.hits {
            let is_asked_for = filters.matches(&hit.resource) && (channels || hit.resource.chat_id.is_some());
            if is_asked_for && found.items.len() == limit as usize {
                found.next = Some(from);
                return Ok(found);
            }
            from = from.saturating_add(1);
            if is_asked_for {
                found.items.push(item(hit));
            }
        }
        if !page.more_results_available || came == 0 {
            break;
        }
        found.next = (read == MAX_PAGES).then_some(from);
    }
    Ok(found)
}

impl Filters {
    fn of(input: &Input, now: Timestamp, notes: &mut Vec<Note>) -> Result<Self, Refusal> {
        let mut date = |parameter, text: Option<&String>, bound| dates::given(parameter, text, bound, now, notes);
        let after = date("afterDateTime", input.after_date_time.as_ref(), Bound::After)?;
        let before = date("beforeDateTime", input.before_date_time.as_ref(), Bound::Before)?;
        let sender = input.sender.as_ref().map(|sender| sender.trim().to_lowercase());
        if sender.as_deref() == Some("") {
            return Err(Refusal::argument("sender", "`sender` is empty."));
        }
        Ok(Self { sender, chat: input.chat_id.clone(), after, before })
    }

    /// The question to the index. It knows whole days and whole words, so it is asked for no less than what `matches` lets through.
    fn kql(&self, query: &str) -> String {
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let mut parts = Vec::new();
        if let Some(after) = self.after {
            parts.push(format!("sent>={}", day(after)));
        }
        if let Some(tomorrow) = self.before.and_then(|before| day(before).tomorrow().ok()) {
            parts.push(format!("sent<{tomorrow}"));
        }
        match (query, parts.is_empty()) {
            ("*", false) => {}
            (_, true) => parts.push(query.to_owned()),
            _ => parts.insert(0, format!("({query})")),
        }
        parts.join(" ")
    }

    /// Bounds are inclusive.
    fn matches(&self, message: &FoundChatMessage) -> bool {
        let at = message.created_date_time.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        let dated = match at {
            Some(at) => self.after.is_none_or(|after| at >= after) && self.before.is_none_or(|before| at <= before),
            None => self.after.is_none() && self.before.is_none(),
        };
        let sent = self.sender.as_deref().is_none_or(|text| {
            let contains =
                |part: &Option<String>| part.as_deref().is_some_and(|part| part.to_lowercase().contains(text));
            let email = message.from.as_ref().map(|from| &from.email_address);
            email.is_some_and(|email| contains(&email.address) || contains(&email.name))
        });
        dated && sent && (self.chat.is_none() || self.chat == message.chat_id)
    }
}

fn item(hit: Hit<FoundChatMessage>) -> Item {
    let message = hit.resource;
    let segment = |text: Option<&str>| Segment::new(text?);
    let channel = message.channel_identity.unwrap_or_default();
    let chat_uri = match &message.chat_id {
        Some(chat) => segment(Some(chat)).map(|chat| ResourceUri::Chat { chat }),
        None => segment(channel.team_id.as_deref())
            .zip(segment(channel.channel_id.as_deref()))
            .map(|(team, channel)| ResourceUri::Channel { team, channel }),
    };
    let uri = segment(Some(&message.id)).and_then(|id| match &message.chat_id {
        Some(chat) => Some(ResourceUri::ChatMessage { chat: segment(Some(chat))?, id }),
        None => Some(ResourceUri::ChannelMessage {
            team: segment(channel.team_id.as_deref())?,
            channel: segment(channel.channel_id.as_deref())?,
            id,
        }),
    });
    Item {
        uri: uri.map(|uri| uri.to_string()),
        chat_uri: chat_uri.map(|uri| uri.to_string()),
        chat_type: chat_type(message.chat_id.as_deref()),
        id: message.id,
        chat_id: message.chat_id,
        from: message.from.map(Person::of),
        created_date_time: message.created_date_time,
        last_modified_date_time: message.last_modified_date_time,
        subject: message.subject.filter(|subject| !subject.is_empty()),
        importance: message.importance,
        summary: hit.summary.as_deref().map(search::plain),
    }
}

/// The id tells.
fn chat_type(chat: Option<&str>) -> ChatType {
    match chat {
        None => ChatType::Channel,
        Some(id) if id.starts_with("19:meeting_") => ChatType::Meeting,
        Some(id) if id.ends_with("@unq.gbl.spaces") => ChatType::OneOnOne,
        Some(id) if id.ends_with("@thread.v2") => ChatType::Group,
        Some(_) => ChatType::Unknown,
    }
}

fn remarks(query: &str, channels: bool, found: &Found, notes: &mut Vec<Note>) {
    if query == "*" {
        notes.push(Note::new("WILDCARD_AS_ALL", "`*` asks for everything that the filters let through."));
    }
    notes.push(Note::new("RANKED_MAY_OMIT", "Graph's index ranks by relevance and may omit matches."));
    if !channels {
        notes.push(Note::new("CHANNELS_NOT_SEARCHED", "Channels of teams are searched with `includeChannels` alone."));
    }
    if let Some(refusal) = &found.cut {
        let code = if refusal.code() == Code::Throttled { "PARTIAL_THROTTLED" } else { "PARTIAL_TIMEOUT" };
        notes.push(Note::new(code, format!("Not everything could be looked through: {}", refusal.message())));
    } else if found.items.is_empty() {
        let place = if channels { "your chats and channels" } else { "your chats" };
        notes.push(Note::new("NOTHING_FOUND", format!("Nothing that was looked through in {place} matches.")));
    }
}
