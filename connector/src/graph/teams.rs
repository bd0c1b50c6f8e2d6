//! The shapes of Graph's chats, as far as they are read (<https://learn.microsoft.com/graph/api/resources/chatmessage>).

use serde::Deserialize;

use super::mail::{Body, Recipient};

/// A message as a search finds it: its writer looks like that of a mail.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundChatMessage {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) chat_id: Option<String>,
    #[serde(default)]
    pub(crate) channel_identity: Option<ChannelIdentity>,
    #[serde(default)]
    pub(crate) created_date_time: Option<String>,
    #[serde(default)]
    pub(crate) last_modified_date_time: Option<String>,
    #[serde(default)]
    pub(crate) from: Option<Recipient>,
    #[serde(default)]
    pub(crate) subject: Option<String>,
    #[serde(default)]
    pub(crate) importance: Option<String>,
}

/// Which channel of which team; empty for a chat.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChannelIdentity {
    #[serde(default)]
    pub(crate) team_id: Option<String>,
    #[serde(default)]
    pub(crate) channel_id: Option<String>,
}

/// A message of a chat or a channel, with its body.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChatMessage {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) created_date_time: Option<String>,
    #[serde(default)]
    pub(crate) last_edited_date_time: Option<String>,
    #[serde(default)]
    pub(crate) deleted_date_time: Option<String>,
    #[serde(default)]
    pub(crate) from: Option<Identities>,
    #[serde(default)]
    pub(crate) subject: Option<String>,
    #[serde(default)]
    pub(crate) importance: Option<String>,
    #[serde(default)]
    pub(crate) body: Option<Body>,
    #[serde(default)]
    pub(crate) attachments: Vec<ChatAttachment>,
}

/// What a chat is about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chat {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) topic: Option<String>,
    #[serde(default, rename = "chatType")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) last_updated_date_time: Option<String>,
}

/// Who: a person, or an application.
#[derive(Debug, Deserialize)]
pub(crate) struct Identities {
    #[serde(default)]
    pub(crate) user: Option<Identity>,
    #[serde(default)]
    pub(crate) application: Option<Identity>,
}

/// By name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    #[serde(default)]
    pub(crate) display_name: Option<String>,
}

/// What hangs on a message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChatAttachment {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) content_type: Option<String>,
}
