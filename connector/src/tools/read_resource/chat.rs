//! A message of a chat or a channel: who said what, and what hangs on it.

use serde_json::json;

use super::super::Note;
use super::{Content, Kind, Whole, object, text};
use crate::graph::client::Reader;
use crate::graph::mail::Body;
use crate::graph::request::GraphRead;
use crate::graph::teams::{ChatMessage, Identities};
use crate::refusal::Refusal;

/// What was said, as text.
pub(super) async fn said(body: Option<Body>, notes: &mut Vec<Note>) -> Result<String, Refusal> {
    match body {
        None => Ok(String::new()),
        Some(body) if body.content_type.eq_ignore_ascii_case("html") => text::of_html(body.content, notes).await,
        Some(body) => Ok(body.content),
    }
}

/// Who said it, by name; nobody where the service itself did.
pub(super) fn writer(from: Option<Identities>) -> Option<String> {
    from.and_then(|from| from.user.or(from.application)).and_then(|who| who.display_name)
}

pub(super) async fn read(graph: &Reader<'_>, read: &GraphRead<'_>) -> Result<Whole, Refusal> {
    let message: ChatMessage = graph.read(read).await?;
    let mut notes = Vec::new();
    let content = said(message.body, &mut notes).await?;
    let from = writer(message.from);
    let attachments = message
        .attachments
        .iter()
        .map(|attachment| json!({ "name": attachment.name, "contentType": attachment.content_type }));
    let metadata = json!({
        "id": message.id,
        "from": from,
        "createdDateTime": message.created_date_time,
        "lastEditedDateTime": message.last_edited_date_time,
        "deletedDateTime": message.deleted_date_time,
        "importance": message.importance,
        "attachments": attachments.collect::<Vec<_>>(),
    });
    Ok(Whole {
        kind: Kind::ChatMessage,
        mime_type: "text/plain".to_owned(),
        title: message.subject,
        metadata: object(metadata),
        content: Content::Text(content),
        notes,
    })
}
