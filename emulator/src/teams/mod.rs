//! Chats, teams and channels of one tenant: immutable values built from conversations of an export.
//!
//! ```text
//! Teams ─┬─► chats by id ─► members, messages
//!        └─► teams by group ─► channels ─► members (private, shared), messages with replies
//! ```
//! Who belongs to a team is the directory's to say: its group's members. Nothing in this module decides who may see what.

mod build;
mod found;
mod message;
mod text;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use fixtures::ids::{GroupId, UserId};
use fixtures::teams::{ChannelKind, ChatKind, Visibility};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::search::Index;

pub use found::Spoken;
pub use message::{Attachment, Content, Identity, Importance, Mention, Message, NewMessage, Reaction};

/// Everything of Teams in one tenant.
#[derive(Debug, Clone, Default)]
pub struct Teams {
    chats: BTreeMap<String, Arc<Chat>>,
    teams: BTreeMap<GroupId, Arc<Team>>,
}

/// A chat.
#[derive(Debug, Clone)]
pub struct Chat {
    /// `id`: `19:{user}_{user}@unq.gbl.spaces`, `19:…@thread.v2`, `19:meeting_…@thread.v2`.
    pub id: String,
    /// `chatType`.
    pub kind: ChatKind,
    /// `topic`.
    pub topic: Option<String>,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// When members or topic changed last: `lastUpdatedDateTime`, which messages do not move.
    pub updated: Timestamp,
    /// Of the chat of a meeting.
    pub meeting: Option<Meeting>,
    /// Who is in it.
    pub members: Vec<Member>,
    /// What was said.
    pub thread: Thread,
}

/// `onlineMeetingInfo`.
#[derive(Debug, Clone)]
pub struct Meeting {
    /// `joinWebUrl`.
    pub join_url: Option<String>,
    /// `calendarEventId`.
    pub event: Option<String>,
    /// `organizer`.
    pub organizer: Option<Identity>,
}

/// Somebody in a chat or channel.
#[derive(Debug, Clone)]
pub struct Member {
    /// Object id.
    pub user: UserId,
    /// `displayName`.
    pub name: String,
    /// `email`.
    pub email: Option<String>,
    /// `roles`: `owner`, `guest`, or none.
    pub roles: Vec<String>,
    /// `visibleHistoryStartDateTime`: what came before is not theirs to see.
    pub since: Option<Timestamp>,
}

/// A team.
#[derive(Debug, Clone)]
pub struct Team {
    /// Object id of its group.
    pub group: GroupId,
    /// Members who own it.
    pub owners: Vec<UserId>,
    /// `description`.
    pub description: Option<String>,
    /// `visibility`.
    pub visibility: Visibility,
    /// `createdDateTime`.
    pub created: Timestamp,
    channels: Vec<Arc<Channel>>,
}

/// A channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// `id`: `19:…@thread.tacv2`.
    pub id: String,
    /// `displayName`.
    pub name: String,
    /// `description`.
    pub description: Option<String>,
    /// `membershipType`.
    pub kind: ChannelKind,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// Who is in it; of a standard channel nobody, it is the team's.
    pub members: Vec<Member>,
    /// What was said.
    pub thread: Thread,
}

/// Messages in the order of their ids, which is that of time.
#[derive(Debug, Clone, Default)]
pub struct Thread {
    messages: Vec<Arc<Message>>,
    fingerprint: OnceLock<[u8; 32]>,
    /// What search looks into: made when first asked for.
    index: OnceLock<Arc<Index>>,
}

/// A change of what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such chat, channel or message")]
pub struct NoSuchThread;

impl Teams {
    /// All chats, by id.
    pub fn chats(&self) -> impl Iterator<Item = &Arc<Chat>> {
        self.chats.values()
    }

    /// A chat by id.
    pub fn chat(&self, id: &str) -> Option<&Arc<Chat>> {
        self.chats.get(id)
    }

    /// All teams, by id of their group.
    pub fn teams(&self) -> impl Iterator<Item = &Arc<Team>> {
        self.teams.values()
    }

    /// A team by id of its group.
    pub fn team(&self, group: GroupId) -> Option<&Arc<Team>> {
        self.teams.get(&group)
    }

    /// Adds a message to a chat and says its id.
    pub(crate) fn post_to_chat(&mut self, chat: &str, message: NewMessage) -> Result<String, NoSuchThread> {
        let chat = self.chats.get_mut(chat).map(Arc::make_mut).ok_or(NoSuchThread)?;
        Ok(chat.thread.post(message))
    }

    /// Adds a message, or a reply, to a channel and says its id.
    pub(crate) fn post_to_channel(
        &mut self,
        team: GroupId,
        channel: &str,
        message: NewMessage,
    ) -> Result<String, NoSuchThread> {
        let team = self.teams.get_mut(&team).map(Arc::make_mut).ok_or(NoSuchThread)?;
        let channel = team.channels.iter_mut().find(|known| known.id == channel).ok_or(NoSuchThread)?;
        if let Some(root) = &message.reply_to {
            channel.thread.message(root).filter(|root| root.reply_to.is_none()).ok_or(NoSuchThread)?;
        }
        Ok(Arc::make_mut(channel).thread.post(message))
    }

    /// A hash over all of it.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut field = |name: &str, fingerprint: [u8; 32]| {
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
            hash.update(fingerprint);
        };
        for chat in self.chats.values() {
            field(&chat.id, chat.thread.fingerprint());
        }
        for channel in self.teams.values().flat_map(|team| &team.channels) {
            field(&channel.id, channel.thread.fingerprint());
        }
        hash.finalize().into()
    }
}

impl Chat {
    /// Somebody's membership.
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.members.iter().find(|member| member.user == user)
    }
}

impl Team {
    /// Its channels, the general one first.
    pub fn channels(&self) -> impl Iterator<Item = &Arc<Channel>> {
        self.channels.iter()
    }

    /// A channel by id.
    pub fn channel(&self, id: &str) -> Option<&Arc<Channel>> {
        self.channels.iter().find(|channel| channel.id == id)
    }
}

impl Channel {
    /// Somebody's membership of a private or shared channel.
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.members.iter().find(|member| member.user == user)
    }
}

impl Thread {
    fn of(mut messages: Vec<Message>) -> Self {
        messages.sort_by_key(|message| message.number);
        Self { messages: messages.into_iter().map(Arc::new).collect(), ..Self::default() }
    }

    /// Messages and replies, the oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        self.messages.iter()
    }

    /// A message or reply by its place.
    pub fn at(&self, place: usize) -> Option<&Arc<Message>> {
        self.messages.get(place)
    }

    /// The index of its messages, numbered as they stand; `to` are the members of the chat.
    pub fn search_index(&self, to: &[Member]) -> &Index {
        self.index.get_or_init(|| {
            let spoken = self.messages.iter().map(|message| Spoken { message, to, reader: None });
            Arc::new(Index::of(spoken))
        })
    }

    /// A message or reply by id.
    pub fn message(&self, id: &str) -> Option<&Arc<Message>> {
        let number: i64 = id.parse().ok()?;
        let at = self.messages.binary_search_by_key(&number, |message| message.number).ok()?;
        self.messages.get(at).filter(|message| message.id == id)
    }

    /// Ids are times: the second message of a millisecond is of the next.
    fn post(&mut self, message: NewMessage) -> String {
        let last = self.messages.last().map_or(i64::MIN, |message| message.number);
        let message = message.at(last.saturating_add(1));
        let id = message.id.clone();
        let root = message.reply_to.as_ref().and_then(|root| root.parse().ok());
        let root = root.and_then(|root: i64| self.messages.binary_search_by_key(&root, |known| known.number).ok());
        if let Some(root) = root.and_then(|at| self.messages.get_mut(at)).map(Arc::make_mut) {
            root.modified = root.modified.max(message.created);
        }
        self.messages.push(Arc::new(message));
        self.fingerprint = OnceLock::new();
        self.index = OnceLock::new();
        id
    }

    fn fingerprint(&self) -> [u8; 32] {
        *self.fingerprint.get_or_init(|| {
            let mut hash = Sha256::new();
            for message in &self.messages {
                message.hash_into(&mut hash);
            }
            hash.finalize().into()
        })
    }
}
