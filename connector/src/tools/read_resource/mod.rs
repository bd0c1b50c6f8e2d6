//! The content behind a `uri`: a message, an attachment, a folder, an event, a Teams message, a file, a page.

mod attachment;
mod chat;
mod conversation;
mod document;
mod event;
mod file;
mod folder;
mod message;
mod site;
mod text;

pub(super) use file::{readable, uri as file_uri};

use futures_util::{StreamExt as _, stream};
use rmcp::schemars;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Note, Reach, ToolRow, answer, arguments, cursor, input_schema, output_schema};
use crate::documents::Extracted;
use crate::documents::render::{Form, Place, Wanted};
use crate::graph::request::GraphRead;
use crate::policy::scopes::Need;
use crate::refusal::{Code, Refusal};
use crate::resource_uri::{ResourceUri, UriError};

const DEFAULT_CHARS: usize = 40_000;
const MAX_CHARS: usize = 100_000;
const MAX_URIS: usize = 20;

const NAME: &str = "read_resource";

pub(super) const TOOL: ToolRow = ToolRow {
    name: NAME,
    title: "Read a Microsoft 365 resource",
    description: "Reads what a `uri` names: mail:///messages/{id}, mail:///messages/{id}/attachments/{id}, mail:///folders/, mail:///folders/{id}, calendar:///events/{id}, \
                  teams:///chats/{id}/messages[/{id}], teams:///teams/{id}/channels/{id}/messages[/{id}], …/messages/{id}/replies[/{id}], file:///{driveId}/{itemId} or \
                  file:///{driveId}/{path} (a folder lists what lies in it), drive:///sites/{siteId}, site:///{siteId} and \
                  page:///sites/{siteId}/pages/{pageId}. Files and attachments are read as what they are: Word, Excel, PowerPoint, PDF, mail, text. Long content comes in parts: repeat the \
                  call with `cursor`. Up to 20 uris can be read in one call with `uris`.",
    needs: &[Need::OwnMail, Need::OwnCalendar, Need::Chats, Need::OwnFiles, Need::Sites],
    input: input_schema::<Input>,
    output: output_schema::<Output>,
    call: |reach, arguments| Box::pin(call(reach, arguments)),
};

/// One `uri`, or several `uris`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    /// What to read.
    uri: Option<String>,
    /// Up to 20 things to read.
    #[schemars(length(max = 20))]
    uris: Option<Vec<String>>,
    /// The `nextCursor` of the part before, with the same `uri`.
    cursor: Option<String>,
    /// How many characters of content: 40000 by default, 100000 at most. With `uris`, for all of them together.
    max_chars: Option<usize>,
    /// The first page or slide of a document, from 1.
    #[schemars(range(min = 1))]
    start_page: Option<usize>,
    /// Its last page or slide.
    #[schemars(range(min = 1))]
    end_page: Option<usize>,
    /// One sheet of a workbook, by name.
    sheet: Option<String>,
    /// Cells of that sheet, or of the first one that is visible: `B2:D10`, `A:C`, `2:5`.
    range: Option<String>,
    /// How documents are written: `markdown` by default, `text`, or `json` for blocks and typed cells.
    format: Option<Form>,
}

/// One document, or `results` when several were asked for.
#[derive(Serialize, JsonSchema)]
struct Output {
    #[serde(flatten)]
    document: Option<Document>,
    /// One entry per uri, in the order asked for: the document, or `uri` and `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Vec<Map<String, Value>>>,
}

/// What stands behind a uri.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Document {
    uri: String,
    kind: Kind,
    mime_type: String,
    title: Option<String>,
    /// What is known beside the content; depends on `kind`.
    metadata: Map<String, Value>,
    /// The content as text, or this part of it.
    content: String,
    page: Place,
    /// Blocks by page, for `format: json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<Value>,
    /// The sheets of a workbook: name, range, rowCount, columnCount, hidden; for `format: json` also rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    sheets: Option<Value>,
    /// For the next part.
    next_cursor: Option<String>,
    /// Whether content is missing at the end of this part.
    truncated: bool,
    notes: Vec<Note>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Message,
    Attachment,
    Folder,
    Folders,
    Event,
    ChatMessage,
    /// A chat, a channel, or the replies to a message: the newest messages.
    Conversation,
    File,
    DriveFolder,
    Site,
    Drives,
    Page,
}

/// A resource before it is cut into parts.
struct Whole {
    kind: Kind,
    mime_type: String,
    title: Option<String>,
    metadata: Map<String, Value>,
    content: Content,
    notes: Vec<Note>,
}

/// What is cut into parts.
enum Content {
    Text(String),
    Document(Extracted),
}

async fn call(reach: &Reach<'_>, raw: Map<String, Value>) -> Result<Value, Refusal> {
    let input: Input = arguments(raw)?;
    let max = input.max_chars.unwrap_or(DEFAULT_CHARS);
    if !(1..=MAX_CHARS).contains(&max) {
        return Err(Refusal::argument("maxChars", format!("`maxChars` is at least 1 and at most {MAX_CHARS}.")));
    }
    let wanted = document::wanted(&input, max)?;
    match (input.uri, input.uris) {
        (Some(uri), None) => {
            let document = one(reach, &uri, input.cursor.as_deref(), wanted).await?;
            answer(&Output { document: Some(document), results: None })
        }
        (None, Some(uris)) if input.cursor.is_none() => several(reach, &uris, wanted).await,
        (None, Some(_)) => Err(Refusal::new(Code::UnsupportedCombination, "cursor and uris do not go together.")
            .parameters(&["cursor", "uris"])
            .suggestion("Go on with `uri` and the cursor of that one.")),
        _ => Err(Refusal::new(Code::InvalidArgument, "Give either `uri` or `uris`.").parameters(&["uri", "uris"])),
    }
}

async fn several(reach: &Reach<'_>, uris: &[String], wanted: Wanted) -> Result<Value, Refusal> {
    if uris.is_empty() || uris.len() > MAX_URIS {
        return Err(Refusal::argument("uris", format!("`uris` has at least 1 and at most {MAX_URIS} entries.")));
    }
    // The first one was counted as the call.
    reach.count(u32::try_from(uris.len() - 1).unwrap_or(u32::MAX))?;
    let wanted = Wanted { max_chars: (wanted.max_chars / uris.len()).max(1), ..wanted };
    let mut results = Vec::with_capacity(uris.len());
    // As many at a time as one user may ask of Graph; answered in the order asked for.
    let each = uris.iter().map(|uri| {
        let wanted = wanted.clone();
        async move { (uri, one(reach, uri, None, wanted).await) }
    });
    let mut reading = stream::iter(each.collect::<Vec<_>>()).buffered(4);
    while let Some((uri, outcome)) = reading.next().await {
        let result = match outcome {
            Ok(document) => answer(&document)?,
            // The sign-in behind all of them is over.
            Err(refusal) if refusal.code() == Code::SignInRequired => return Err(refusal),
            Err(refusal) => json!({ "uri": uri, "error": refusal.to_json() }),
        };
        if let Value::Object(result) = result {
            results.push(result);
        }
    }
    answer(&Output { document: None, results: Some(results) })
}

async fn one(reach: &Reach<'_>, text: &str, sealed: Option<&str>, mut wanted: Wanted) -> Result<Document, Refusal> {
    let uri = match ResourceUri::parse(text) {
        Ok(uri) => uri,
        Err(error) => return at_address(reach, text, error).await,
    };
    reach.may_read(&uri)?;
    let canonical = uri.to_string();
    let question = cursor::question(NAME, &document::question(&canonical, &wanted));
    wanted.from = sealed.map_or(Ok(0), |sealed| cursor::open(reach, &question, sealed))?;
    let mailbox = match uri.mailbox() {
        crate::resource_uri::Mailbox::Own => crate::resource_uri::Mailbox::Own,
        crate::resource_uri::Mailbox::Of(owner) => reach.mailbox_of(Some(owner.as_str()))?,
    };
    let graph = match &uri {
        ResourceUri::Event { .. } => reach.calendar(&mailbox),
        ResourceUri::ChatMessage { .. } | ResourceUri::Chat { .. } => reach.graph(Need::Chats),
        ResourceUri::ChannelMessage { .. }
        | ResourceUri::Channel { .. }
        | ResourceUri::Replies { .. }
        | ResourceUri::Reply { .. } => reach.graph(Need::Channels),
        ResourceUri::Drives { .. } | ResourceUri::Site { .. } | ResourceUri::Page { .. } => reach.graph(Need::Sites),
        _ => reach.mail(&mailbox),
    };
    let whole = match &uri {
        ResourceUri::Message { id, .. } => message::read(&graph, &mailbox, id).await?,
        ResourceUri::Attachment { message, id, .. } => attachment::read(reach, &graph, &mailbox, message, id).await?,
        ResourceUri::Folders { .. } => folder::read_top(&graph, &mailbox).await?,
        ResourceUri::Folder { id, .. } => folder::read(&graph, &mailbox, id).await?,
        ResourceUri::Event { id, .. } => event::read(&graph, &mailbox, id).await?,
        ResourceUri::ChatMessage { chat, id } => chat::read(&graph, &GraphRead::ChatMessage { chat, id }).await?,
        ResourceUri::ChannelMessage { team, channel, id } => {
            chat::read(&graph, &GraphRead::ChannelMessage { team, channel, id }).await?
        }
        ResourceUri::Reply { team, channel, message, id } => {
            chat::read(&graph, &GraphRead::Reply { team, channel, message, id }).await?
        }
        ResourceUri::Chat { chat } => conversation::chat(&graph, chat).await?,
        ResourceUri::Channel { team, channel } => conversation::channel(&graph, team, channel).await?,
        ResourceUri::Replies { team, channel, message } => {
            conversation::replies(&graph, team, channel, message).await?
        }
        ResourceUri::Item { drive, parts } => file::read(reach, drive, parts).await?,
        ResourceUri::Drives { site } => site::drives(&graph, site).await?,
        ResourceUri::Site { site } => site::read(&graph, site).await?,
        ResourceUri::Page { site, id } => site::page(&graph, site, id).await?,
    };
    let Whole { kind, mime_type, title, metadata, content, notes } = whole;
    let shown = document::show(&content, &wanted)?;
    let next_cursor = shown.next.and_then(|next| cursor::seal(reach, &question, &next));
    Ok(Document {
        uri: canonical,
        kind,
        mime_type,
        title,
        metadata,
        content: shown.content,
        page: shown.place,
        pages: shown.pages,
        sheets: shown.sheets,
        next_cursor,
        truncated: shown.next.is_some(),
        notes,
    })
}

/// What is no `uri` of ours is read only if the policy says that addresses are.
async fn at_address(reach: &Reach<'_>, text: &str, error: UriError) -> Result<Document, Refusal> {
    let graph = reach.mail(&crate::resource_uri::Mailbox::Own);
    let Some(answer) = graph.at_address(text).await else { return Err(unreadable(error)) };
    let content = answer?;
    Ok(Document {
        uri: text.to_owned(),
        kind: Kind::File,
        mime_type: "application/json".to_owned(),
        title: None,
        metadata: Map::new(),
        page: Place::default(),
        content,
        pages: None,
        sheets: None,
        next_cursor: None,
        truncated: false,
        notes: Vec::new(),
    })
}

fn unreadable(error: UriError) -> Refusal {
    match error {
        UriError::Invalid(why) => Refusal::new(Code::InvalidUri, format!("This uri cannot be read: {why}.")),
        UriError::OtherScheme(scheme) => Refusal::new(
            Code::UnsupportedType,
            format!(
                "Resources of the scheme `{scheme}` are not read by this version of the connector, which reads mail, calendars, files and Teams messages."
            ),
        ),
    }
    .parameters(&["uri"])
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
