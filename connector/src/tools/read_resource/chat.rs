//! A message of a chat or a channel: who said what, and what hangs on it.

use serde_json::json;

use super::{Content, Kind, Whole, object, text};
use crate::graph::client::Reader;
use crate::graph::request::GraphRead;
use crate::graph::teams::ChatMessage;
use crate::refusal::Refusal;

pub(super) async fn read(graph: &Reader<'_>, read: &GraphRead<'_>) -> Result<Whole, Refusal> {
    let message: ChatMessage = graph.read(read).await?;
    let mut notes = Vec::new();
    let content = match message.body {
        None => String::new(),
        Some(body) if body.content_type.eq_ignore_ascii_case("html") => text::of_html(body.content, &mut notes).await?,
        Some(body) => body.content,
    };
    let from = message.from.and_then(|from| from.user.or(from.application)).and_then(|who| who.display_name);
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
