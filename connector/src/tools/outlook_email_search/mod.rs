//! Find mail: by filters, completely and in order; or by words, ranked.

mod filters;
mod folder;
mod hit;
mod walk;

use rmcp::schemars;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::envelope::{Envelope, PageFacts};
use super::{Note, Reach, ToolRow, answer, arguments, cursor, input_schema, output_schema};
use crate::policy::refusals::how_to_restore;
use crate::policy::scopes::Need;
use crate::refusal::{Code, Refusal, RestoredBy};
use crate::resource_uri::Mailbox;
use filters::Filters;
use hit::Hit;
pub(super) use hit::Person;
use walk::{Found, Place, Walk};

const DEFAULT_LIMIT: u32 = 10;
const MAX_LIMIT: u32 = 25;
const MAX_OFFSET: u32 = 1000;

const NAME: &str = "outlook_email_search";

pub(super) const TOOL: ToolRow = ToolRow {
    name: NAME,
    title: "Search Outlook mail",
    description: "Searches the user's Outlook mail and answers with metadata and a `uri` per message; read_resource gives the content. \
                  Without `query` the answer is complete and in order; with `query` it is ranked by relevance and may omit matches.",
    needs: &[Need::OwnMail, Need::BasicMail],
    input: input_schema::<Input>,
    output: output_schema::<Envelope<Hit, Effective>>,
    call: |reach, arguments| Box::pin(call(reach, arguments)),
};

/// Everything is optional; filters are combined.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    /// Words or KQL (`subject:budget`, `from:ada`, quotes, OR). Leave out to list by filters.
    query: Option<String>,
    /// Sender: address, part of it, or part of the name.
    sender: Option<String>,
    /// Recipient (To or CC): address, part of it, or part of the name.
    recipient: Option<String>,
    /// Which recipients `recipient` is looked for in.
    recipient_field: Option<RecipientField>,
    /// Folder by name (Inbox, Sent Items, …) or path (`Projects/Budget`). All folders by default.
    folder_name: Option<String>,
    /// Folder by id.
    folder_id: Option<String>,
    /// Address of a shared mailbox. The user's own by default.
    mailbox_owner_email: Option<String>,
    /// Received at or after: ISO 8601, or words such as `yesterday`, `last week`, `7 days ago`. UTC.
    after_date_time: Option<String>,
    /// Received at or before; as `afterDateTime`.
    before_date_time: Option<String>,
    /// Order by date; `newest` by default. Not with `query`.
    order: Option<Order>,
    /// Only messages that are not read.
    unread_only: Option<bool>,
    /// Only messages with, or without, attachments.
    has_attachments: Option<bool>,
    /// How many hits: 10 by default, 25 at most.
    limit: Option<u32>,
    /// How many hits to pass over, 1000 at most. Without `query` only; with it use `cursor`.
    offset: Option<u32>,
    /// The `nextCursor` of the page before, with the same arguments.
    cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RecipientField {
    Any,
    To,
    Cc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    Newest,
    Oldest,
}

#[derive(Serialize, JsonSchema)]
struct Effective {
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    order: &'static str,
}

/// How the mail was looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Filter,
    Search,
}

async fn call(reach: &Reach<'_>, raw: Map<String, Value>) -> Result<Value, Refusal> {
    let input: Input = arguments(raw)?;
    let mut notes = Vec::new();
    let query = input.query.as_deref().map(str::trim).filter(|query| !query.is_empty());
    let query = if query == Some("*") {
        notes.push(Note::new(
            "WILDCARD_AS_ALL",
            "`*` asks for everything: answered without a query, complete and in order.",
        ));
        None
    } else {
        query
    };
    combinations(&input, query)?;
    let limit = limit(input.limit, &mut notes)?;
    let offset = input.offset.unwrap_or(0);
    if offset > MAX_OFFSET {
        return Err(Refusal::argument("offset", format!("`offset` ends at {MAX_OFFSET}."))
            .suggestion("Narrow the dates and start again at 0."));
    }
    let filters = Filters::of(&input, reach.services.clock.now(), &mut notes)?;
    let mailbox = reach.mailbox_of(input.mailbox_owner_email.as_deref())?;
    let question = cursor::question(NAME, &Input { cursor: None, limit: None, ..input.clone() });
    let place: Place = match input.cursor.as_deref() {
        Some(sealed) => cursor::open(reach, &question, sealed)?,
        None => Place::default(),
    };
    let (graph, limited) = reach.mail_or_basics(&mailbox).await?;
    if limited {
        no_words(query)?;
        notes.push(Note::new(
            "LIMITED_MODE",
            "Mail.Read is not granted: senders, subjects and dates alone, no summaries.",
        ));
    }
    let folder = folder::resolve(&graph, &mailbox, &input).await?;
    let walk = Walk {
        graph: &graph,
        mailbox: &mailbox,
        folder: folder.as_ref().map(|folder| &folder.id),
        filters: &filters,
        basics: limited,
        limit,
    };
    let newest = input.order != Some(Order::Oldest);
    let found = match query {
        Some(query) => walk.search(query, place).await?,
        None => walk.filter(newest, offset).await?,
    };
    remarks(query, &found, &mut notes);
    let items: Vec<_> = found.messages.into_iter().map(|message| hit::of(message, &mailbox, folder.as_ref())).collect();
    let mailbox_name = match &mailbox {
        Mailbox::Own => None,
        Mailbox::Of(owner) => Some(owner.as_str().to_owned()),
    };
    if items.is_empty() {
        let place = folder.as_ref().map_or("all folders".to_owned(), |folder| format!("the folder {}", folder.name));
        let whose = mailbox_name.as_ref().map_or("your mailbox".to_owned(), |owner| format!("the mailbox {owner}"));
        notes.push(Note::new("NOTHING_FOUND", format!("Nothing in {place} of {whose} matches.")));
    }
    let returned = items.len();
    let passed = offset.saturating_add(u32::try_from(returned).unwrap_or(u32::MAX));
    // Known once the end is seen from within.
    let at_the_end = query.is_none() && !found.more && !found.partial && (returned > 0 || offset == 0);
    let total = at_the_end.then_some(passed);
    let next_offset = (query.is_none() && found.more && passed <= MAX_OFFSET).then_some(passed);
    let next_cursor = found.next.and_then(|place| cursor::seal(reach, &question, &place));
    answer(&Envelope {
        items,
        page: PageFacts {
            offset: query.is_none().then_some(offset),
            next_cursor,
            more_results: found.more,
            ..PageFacts::by_offset(limit, returned, offset, next_offset, MAX_OFFSET).counted(total)
        },
        partial: found.partial,
        notes,
        effective: Effective {
            mode: if query.is_some() { Mode::Search } else { Mode::Filter },
            folder: folder.map(|folder| folder.name),
            mailbox: mailbox_name,
            after: filters.after.map(|after| after.to_string()),
            before: filters.before.map(|before| before.to_string()),
            order: match (query, newest) {
                (Some(_), _) => "relevance",
                (None, true) => "newest",
                (None, false) => "oldest",
            },
        },
    })
}

/// In the limited mode.
fn no_words(query: Option<&str>) -> Result<(), Refusal> {
    if query.is_none() {
        return Ok(());
    }
    let message = "Words are looked for in what mails say, which needs the Microsoft Graph permission Mail.Read; this connector works in its limited mode.";
    Err(Refusal::new(Code::PermissionRevoked, message)
        .permission("Mail.Read")
        .restored_by(RestoredBy::TenantAdmin, how_to_restore("Mail.Read"))
        .suggestion("Without `query`, mail is still found by sender, recipient, dates and folder."))
}

fn remarks(query: Option<&str>, found: &Found, notes: &mut Vec<Note>) {
    if query.is_some() {
        notes.push(Note::new(
            "RANKED_MAY_OMIT",
            "A search by words is ranked by relevance and may omit matches; filters without `query` are complete.",
        ));
    }
    if let Some(refusal) = &found.cut {
        let code = if refusal.code() == Code::Throttled { "PARTIAL_THROTTLED" } else { "PARTIAL_TIMEOUT" };
        notes.push(Note::new(code, format!("Not everything could be looked through: {}", refusal.message())));
    } else if found.partial {
        notes.push(Note::new(
            "SCAN_LIMIT",
            "Only a part of the mail could be looked through for this filter. Narrow the dates or name a folder.",
        ));
    }
}

fn combinations(input: &Input, query: Option<&str>) -> Result<(), Refusal> {
    let conflict = |parameters: &[&str], instead: &str| {
        let message = format!("{} do not go together.", parameters.join(" and "));
        Err(Refusal::new(Code::UnsupportedCombination, message).parameters(parameters).suggestion(instead))
    };
    if query.is_some() && input.order.is_some() {
        return conflict(
            &["query", "order"],
            "Leave out `query` and use sender, recipient and dates: that answer is in order. Or leave out `order`: words are ranked by relevance.",
        );
    }
    if query.is_some() && input.offset.unwrap_or(0) > 0 {
        return conflict(&["query", "offset"], "Use the `nextCursor` of the page before.");
    }
    if query.is_none() && input.cursor.is_some() {
        return conflict(&["cursor", "a call without query"], "Use `offset` with the `nextOffset` of the page before.");
    }
    if input.folder_name.is_some() && input.folder_id.is_some() {
        return conflict(&["folderName", "folderId"], "Use one of them.");
    }
    if input.recipient_field.is_some() && input.recipient.is_none() {
        return Err(Refusal::argument("recipientField", "`recipientField` needs `recipient`."));
    }
    Ok(())
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
