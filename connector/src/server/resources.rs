//! What can be read by address as an MCP resource? The same as by the tool `read_resource`, under the same rules.

use rmcp::ErrorData;
use rmcp::model::{CacheScope, JsonObject, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value, json};

use crate::refusal::{Code, Refusal};

/// A resource is read whole, up to what the tool gives at once.
const MAX_CHARS: usize = 100_000;

/// Resources that are there for everybody.
pub(super) fn listed() -> Vec<Resource> {
    vec![
        Resource::new("mail:///folders/", "mail-folders")
            .with_title("Mail folders")
            .with_description("The top folders of the user's mailbox.")
            .with_mime_type("text/plain"),
    ]
}

/// Addresses that searches give. `owner` names a shared mailbox.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    [
        ("mail:///messages/{id}{?owner}", "mail-message", "A mail"),
        ("mail:///messages/{message}/attachments/{id}{?owner}", "mail-attachment", "An attachment of a mail"),
        ("mail:///folders/{id}{?owner}", "mail-folder", "A mail folder: its folders and its newest mails"),
        ("calendar:///events/{id}{?owner}", "calendar-event", "An event of a calendar"),
        ("teams:///chats/{chat}/messages", "chat", "The newest messages of a chat"),
        ("teams:///chats/{chat}/messages/{id}", "chat-message", "A message of a chat"),
        ("teams:///teams/{team}/channels/{channel}/messages", "channel", "The newest threads of a channel"),
        ("teams:///teams/{team}/channels/{channel}/messages/{id}", "channel-message", "A message of a channel"),
        (
            "teams:///teams/{team}/channels/{channel}/messages/{message}/replies",
            "replies",
            "The newest replies to a message of a channel",
        ),
        ("teams:///teams/{team}/channels/{channel}/messages/{message}/replies/{id}", "reply", "A reply"),
        ("file:///{drive}/{item}", "file", "A file, or what lies in a folder"),
        ("drive:///sites/{site}", "libraries", "The document libraries of a site"),
        ("site:///{site}", "site", "A site"),
        ("page:///sites/{site}/pages/{id}", "page", "A page of a site"),
    ]
    .into_iter()
    .map(|(template, name, title)| ResourceTemplate::new(template, name).with_title(title))
    .collect()
}

/// The tool's arguments for `uri`.
pub(super) fn arguments(uri: &str) -> JsonObject {
    let mut arguments = JsonObject::new();
    arguments.insert("uri".into(), uri.into());
    arguments.insert("maxChars".into(), MAX_CHARS.into());
    arguments
}

/// The tool's document as contents. What was cut off is told, with the cursor for the tool.
pub(super) fn contents(document: &Value) -> ReadResourceResult {
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut content = ResourceContents::text(text("content"), text("uri")).with_mime_type(text("mimeType"));
    let beside = ["title", "metadata", "page", "truncated", "nextCursor", "notes"];
    let beside = beside.into_iter().filter_map(|name| Some((name.to_owned(), document.get(name)?.clone())));
    let meta: JsonObject = [("offline365/document".to_owned(), Value::Object(beside.collect()))].into_iter().collect();
    content = content.with_meta(rmcp::model::MetaObject(meta));
    ReadResourceResult::new(vec![content]).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

/// A refusal to read `uri` as an error of the protocol. What is missing is -32602 (-32002 in the older era), never an empty answer.
pub(super) fn error(uri: &str, refusal: &Refusal) -> ErrorData {
    let data = Some(json!({ "uri": uri, "error": refusal.to_json() }));
    let text = refusal.to_text();
    match refusal.code() {
        Code::NotFound => ErrorData::resource_not_found(text, data),
        Code::InvalidUri | Code::InvalidArgument | Code::UnsupportedType => ErrorData::invalid_params(text, data),
        _ => ErrorData::internal_error(text, data),
    }
}
