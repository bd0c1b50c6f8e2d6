//! What is kept of a conversation, and who sees which part? Questions and answers are the chat's; the raw result of a tool call is
//! its asker's alone, kept in a row of its own that is sealed for them.
//!
//! | file | answers |
//! |---|---|
//! | `record.rs` | what is kept? |
//! | `store.rs` | how is it kept, and how do two writers not overtake each other? |
//! | `assistant.rs` | which tool answers a question, and what is the answer? A script: no model |
//! | `ask.rs` | how does one question become an answer? |
//! | `view.rs` | what does this person see of it? |

mod ask;
mod assistant;
mod record;
mod store;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::broadcast;

use super::error::{HostError, Refusal};
use super::member::{HostUser, Member};
use super::organizations::Organizations;
use super::policy::{ChatAccess, ChatFacts, HostPolicy};
use super::tools::Tools;
use crate::clock::Clock;
pub(super) use ask::{Question, Switches};
use record::Chat;
pub(super) use record::ChatId;
use store::Store;
pub(super) use view::{ChatView, Export, Found, Listed, TurnView};

/// The chats of every organization.
pub(super) struct Chats {
    store: Store,
    tools: Arc<Tools>,
    organizations: Arc<Organizations>,
    clock: Arc<dyn Clock>,
    policy: HostPolicy,
    changed: broadcast::Sender<ChatId>,
}

/// Nobody writes novels in a title.
const MAX_TITLE: usize = 200;

/// Colleagues in one chat.
const MAX_GUESTS: usize = 200;

impl Chats {
    pub(super) fn new(
        rows: Arc<dyn super::vault::Rows>,
        tools: Arc<Tools>,
        organizations: Arc<Organizations>,
        clock: Arc<dyn Clock>,
        policy: HostPolicy,
    ) -> Self {
        Self { store: Store::new(rows), tools, organizations, clock, policy, changed: broadcast::channel(256).0 }
    }

    /// Opens a chat of `owner`.
    pub(super) async fn create(&self, owner: &Member, title: Option<String>) -> Result<ChatView, HostError> {
        let title = title.unwrap_or_else(|| "New chat".to_owned());
        if title.trim().is_empty() || title.len() > MAX_TITLE {
            return Err(Refusal::Malformed("A title has 1 to 200 bytes.").into());
        }
        let chat = Chat {
            id: ChatId::draw().map_err(HostError::from)?,
            owner: owner.user.clone(),
            title,
            shared_with: BTreeSet::new(),
            off: BTreeSet::new(),
            turns: Vec::new(),
            created_at: self.clock.now(),
        };
        self.store.insert(owner, &chat).await?;
        self.view(owner, &chat).await
    }

    /// Lets colleagues in, or out again. Only the owner may; all of them must be of the same organization.
    pub(super) async fn share(
        &self,
        owner: &Member,
        id: &str,
        with: &[HostUser],
        shared: bool,
    ) -> Result<ChatView, HostError> {
        for user in with {
            let colleague = self.organizations.membership(user, Some(&owner.organization));
            let colleague = colleague.map_err(|_| Refusal::NotAColleague)?;
            if shared && !(self.policy.may_share)(owner, &colleague) {
                return Err(Refusal::NotAColleague.into());
            }
        }
        let chat = self
            .change(owner, id, |chat| {
                for user in with {
                    if shared {
                        chat.shared_with.insert(user.clone());
                    } else {
                        chat.shared_with.remove(user);
                    }
                }
                if chat.shared_with.len() > MAX_GUESTS {
                    return Err(Refusal::Malformed("At most 200 people share a chat."));
                }
                Ok(())
            })
            .await?;
        self.view(owner, &chat).await
    }

    /// Switches a tool in a chat, for everybody there.
    pub(super) async fn switch(&self, owner: &Member, id: &str, tool: &str, on: bool) -> Result<ChatView, HostError> {
        let chat = self
            .change(owner, id, |chat| {
                if on {
                    chat.off.remove(tool);
                } else {
                    chat.off.insert(tool.to_owned());
                }
                Ok(())
            })
            .await?;
        self.view(owner, &chat).await
    }

    /// Forgets a chat and every result in it.
    pub(super) async fn delete(&self, owner: &Member, id: &str) -> Result<(), HostError> {
        let (chat, access) = self.find(owner, id).await?;
        if access != ChatAccess::Owner {
            return Err(Refusal::NotChatOwner.into());
        }
        self.store.erase(owner, &chat).await?;
        let _ = self.changed.send(chat.id);
        Ok(())
    }

    /// Tools that are off in a chat, for somebody who may be there.
    pub(super) async fn off(&self, member: &Member, id: &str) -> Result<BTreeSet<String>, HostError> {
        Ok(self.find(member, id).await?.0.off)
    }

    /// Says which chats change.
    pub(super) fn changes(&self) -> broadcast::Receiver<ChatId> {
        self.changed.subscribe()
    }

    /// A chat that `member` may see. Whether it exists is nobody else's business.
    async fn find(&self, member: &Member, id: &str) -> Result<(Chat, ChatAccess), HostError> {
        let id = ChatId::parse(id).ok_or(Refusal::NoSuchChat)?;
        let (chat, _) = self.store.read(&member.organization, &id).await?.ok_or(Refusal::NoSuchChat)?;
        match self.access(member, &chat) {
            ChatAccess::None => Err(Refusal::NoSuchChat.into()),
            access => Ok((chat, access)),
        }
    }

    fn access(&self, member: &Member, chat: &Chat) -> ChatAccess {
        let owner = Member { organization: member.organization.clone(), user: chat.owner.clone() };
        (self.policy.chat_access)(member, &ChatFacts { owner: &owner, shared_with: &chat.shared_with })
    }

    /// An owner's change of a chat.
    async fn change(
        &self,
        owner: &Member,
        id: &str,
        change: impl Fn(&mut Chat) -> Result<(), Refusal>,
    ) -> Result<Chat, HostError> {
        let (chat, access) = self.find(owner, id).await?;
        if access != ChatAccess::Owner {
            return Err(Refusal::NotChatOwner.into());
        }
        let chat = self.store.update(&owner.organization, &chat.id, change).await?;
        let _ = self.changed.send(chat.id.clone());
        Ok(chat)
    }
}
