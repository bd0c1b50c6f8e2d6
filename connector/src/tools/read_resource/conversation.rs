//! A chat, a channel, or the replies to a message: the newest messages, with a `uri` each.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::Note;
use super::{Content, Kind, Whole, chat, object};
use crate::graph::client::Reader;
use crate::graph::mail::Page;
use crate::graph::request::GraphRead;
use crate::graph::teams::{Chat, ChatMessage};
use crate::refusal::Refusal;
use crate::resource_uri::{ResourceUri, Segment};

/// So much of each message is shown in the list.
const SHOWN: usize = 500;

/// The newest messages of a chat, and what it is about.
pub(super) async fn chat(graph: &Reader<'_>, chat: &Segment) -> Result<Whole, Refusal> {
    let about: Chat = graph.read(&GraphRead::Chat { chat }).await?;
    let page: Page<ChatMessage> = graph.read(&GraphRead::ChatMessages { chat }).await?;
    let uri = |id| ResourceUri::ChatMessage { chat: chat.clone(), id };
    let mut whole = listed(page, uri, "chat_message_search with `chatId` goes through all of it").await?;
    whole.title = about.topic.filter(|topic| !topic.is_empty());
    let facts = json!({ "id": about.id, "chatType": about.kind, "lastUpdatedDateTime": about.last_updated_date_time });
    whole.metadata.extend(object(facts));
    Ok(whole)
}

/// The newest messages that began a thread.
pub(super) async fn channel(graph: &Reader<'_>, team: &Segment, channel: &Segment) -> Result<Whole, Refusal> {
    let page: Page<ChatMessage> = graph.read(&GraphRead::ChannelMessages { team, channel }).await?;
    let uri = |id| ResourceUri::ChannelMessage { team: team.clone(), channel: channel.clone(), id };
    listed(
        page,
        uri,
        "chat_message_search with `includeChannels` finds older ones; `/replies` behind a message lists its thread",
    )
    .await
}

/// The newest replies to a message.
pub(super) async fn replies(
    graph: &Reader<'_>,
    team: &Segment,
    channel: &Segment,
    message: &Segment,
) -> Result<Whole, Refusal> {
    let page: Page<ChatMessage> = graph.read(&GraphRead::Replies { team, channel, message }).await?;
    let (team, channel, message) = (team.clone(), channel.clone(), message.clone());
    let uri = |id| ResourceUri::Reply { team: team.clone(), channel: channel.clone(), message: message.clone(), id };
    listed(page, uri, "chat_message_search with `includeChannels` finds older ones").await
}

async fn listed(page: Page<ChatMessage>, uri: impl Fn(Segment) -> ResourceUri, more: &str) -> Result<Whole, Refusal> {
    let (mut content, mut messages, mut notes) = (String::new(), Vec::new(), Vec::new());
    for message in page.value {
        let uri = Segment::new(message.id.as_str()).map(|id| uri(id).to_string());
        let text = chat::said(message.body, &mut Vec::new()).await?;
        let from = chat::writer(message.from);
        let at = message.created_date_time.unwrap_or_default();
        let shown: String = text.chars().take(SHOWN).collect();
        let by = from.as_deref().unwrap_or("(the service)");
        let _ = writeln!(content, "{at} {by} ({}):\n{}\n", uri.as_deref().unwrap_or_default(), shown.trim());
        messages.push(json!({
            "uri": uri,
            "id": message.id,
            "from": from,
            "createdDateTime": at,
            "deletedDateTime": message.deleted_date_time,
            "isWhole": shown.len() == text.len(),
        }));
    }
    if page.next.is_some() {
        notes.push(Note::new("MORE_IN_CONVERSATION", format!("There is more; {more}.")));
    }
    if messages.is_empty() {
        notes.push(Note::new("NOTHING_FOUND", "Nothing was said here that you can see."));
    }
    Ok(Whole {
        kind: Kind::Conversation,
        mime_type: "text/plain".to_owned(),
        title: None,
        metadata: object(json!({ "messages": Value::Array(messages) })),
        content: Content::Text(content),
        notes,
    })
}
