//! One message of a chat or channel.

use std::sync::OnceLock;

use fixtures::ids::UserId;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::text;
use crate::mailbox::BodyKind;

/// A `chatMessage`.
#[derive(Debug, Clone)]
pub struct Message {
    /// `id`: milliseconds since 1970.
    pub id: String,
    pub(super) number: i64,
    /// The message this one answers, in a channel.
    pub reply_to: Option<String>,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// `lastModifiedDateTime`: replies and reactions move it too.
    pub modified: Timestamp,
    /// `lastEditedDateTime`.
    pub edited: Option<Timestamp>,
    /// `deletedDateTime`: its content is gone.
    pub deleted: Option<Timestamp>,
    /// What it says.
    pub content: Content,
    text: OnceLock<String>,
}

/// What a message says, or what happened.
#[derive(Debug, Clone)]
pub struct Content {
    /// Who sent it; nobody for system messages.
    pub from: Option<Identity>,
    /// `subject`.
    pub subject: Option<String>,
    /// `importance`.
    pub importance: Importance,
    /// `body.contentType`.
    pub kind: BodyKind,
    /// `body.content`.
    pub body: String,
    /// `mentions`.
    pub mentions: Vec<Mention>,
    /// `attachments`.
    pub attachments: Vec<Attachment>,
    /// `reactions`.
    pub reactions: Vec<Reaction>,
    /// `eventDetail` of a system message.
    pub event: Option<Value>,
}

/// Who: a person of this directory or of none, a bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Object id.
    pub id: String,
    /// `displayName`.
    pub name: Option<String>,
    /// A bot or connector.
    pub is_application: bool,
    /// The address it is found by; shown in search results.
    pub address: Option<String>,
}

impl Identity {
    /// Whether it is this user.
    pub fn is(&self, user: UserId) -> bool {
        !self.is_application && self.id.parse() == Ok(user)
    }
}

/// `chatMessageImportance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Importance {
    /// `normal`.
    #[default]
    Normal,
    /// `high`.
    High,
    /// `urgent`.
    Urgent,
}

impl Importance {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// By the word on the wire.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Normal, Self::High, Self::Urgent].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word))
    }
}

/// `chatMessageMention`.
#[derive(Debug, Clone)]
pub struct Mention {
    /// The number in `<at id="…">`.
    pub id: i32,
    /// `mentionText`.
    pub text: Option<String>,
    /// Who.
    pub who: Option<Identity>,
}

/// `chatMessageAttachment`.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// `id`.
    pub id: Option<String>,
    /// `contentType`.
    pub content_type: Option<String>,
    /// `contentUrl`.
    pub content_url: Option<String>,
    /// `content`.
    pub content: Option<String>,
    /// `name`.
    pub name: Option<String>,
}

/// `chatMessageReaction`.
#[derive(Debug, Clone)]
pub struct Reaction {
    /// `reactionType`.
    pub kind: String,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// Who.
    pub who: Option<Identity>,
}

/// A message that is to be.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// When it is sent.
    pub at: Timestamp,
    /// The message it answers, in a channel.
    pub reply_to: Option<String>,
    /// What it says.
    pub content: Content,
}

impl NewMessage {
    /// The message, its id not below `least`.
    pub(super) fn at(self, least: i64) -> Message {
        let number = self.at.as_millisecond().max(least);
        Message::new(number, self.reply_to, self.at, self.content)
    }
}

impl Message {
    pub(super) fn new(number: i64, reply_to: Option<String>, created: Timestamp, content: Content) -> Self {
        Self {
            id: number.to_string(),
            number,
            reply_to,
            created,
            modified: created,
            edited: None,
            deleted: None,
            content,
            text: OnceLock::new(),
        }
    }

    /// Whether it tells what happened.
    pub fn is_system(&self) -> bool {
        self.content.event.is_some()
    }

    /// The words of the body, without markup: what search looks into.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| match self.content.kind {
            BodyKind::Html => text::of_html(&self.content.body),
            BodyKind::Text => self.content.body.clone(),
        })
    }

    /// The content is gone, the entry stays.
    pub(super) fn delete(&mut self, at: Timestamp) {
        self.deleted = Some(at);
        self.modified = self.modified.max(at);
        self.content.body.clear();
        self.content.mentions.clear();
        self.content.attachments.clear();
        self.content.reactions.clear();
    }

    pub(super) fn hash_into(&self, hash: &mut Sha256) {
        let from = self.content.from.as_ref().map_or("", |from| from.id.as_str());
        let subject = self.content.subject.as_deref().unwrap_or_default();
        for field in [self.id.as_str(), &self.content.body, subject, from, &self.modified.to_string()] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
    }
}
