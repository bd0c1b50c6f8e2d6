//! What does this person see of a chat? Every way out (reading, listing, searching, exporting, streaming) goes through
//! [`Chats::turn`], which asks one question: is this person the asker?

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::error::{HostError, Refusal};
use super::super::member::{HostUser, Member};
use super::super::policy::{ChatAccess, ResultFacts};
use super::Chats;
use super::record::{Chat, ChatId, Kept, Turn, TurnState};
use super::store::asker;

/// A chat as one person sees it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ChatView {
    pub(in super::super) id: ChatId,
    title: String,
    owner: HostUser,
    /// Whether it is the viewer's.
    mine: bool,
    shared_with: Vec<HostUser>,
    /// Tools that are off in this chat.
    tools_off: Vec<String>,
    created_at: String,
    turns: Vec<TurnView>,
}

/// A question and its answer as one person sees them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct TurnView {
    /// From 1, in order.
    pub(in super::super) number: u32,
    asker: HostUser,
    question: String,
    asked_at: String,
    pub(in super::super) state: TurnState,
    answer: Option<String>,
    /// The tool that was called.
    tool: Option<String>,
    /// The call and its raw result: for the asker alone, while the connector is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Kept>,
}

/// A chat in a list.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Listed {
    id: ChatId,
    title: String,
    owner: HostUser,
    mine: bool,
    turns: usize,
    created_at: String,
}

/// A turn that a search found.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Found {
    chat: ChatId,
    title: String,
    turn: TurnView,
}

/// A chat on paper.
#[derive(Serialize, JsonSchema)]
pub(in super::super) struct Export {
    /// Markdown.
    pub(in super::super) markdown: String,
}

impl Chats {
    /// The chats that `member` may see, newest first.
    pub(in super::super) async fn list(&self, member: &Member) -> Result<Vec<Listed>, HostError> {
        let mut chats = self.visible(member).await?;
        chats.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        let listed = chats.into_iter().map(|chat| Listed {
            mine: chat.owner == member.user,
            turns: chat.turns.len(),
            created_at: chat.created_at.to_string(),
            id: chat.id,
            title: chat.title,
            owner: chat.owner,
        });
        Ok(listed.collect())
    }

    /// One chat.
    pub(in super::super) async fn read(&self, member: &Member, id: &str) -> Result<ChatView, HostError> {
        let (chat, _) = self.find(member, id).await?;
        self.view(member, &chat).await
    }

    /// Turns whose question, answer or own result holds `text`, in the chats that `member` may see.
    pub(in super::super) async fn search(&self, member: &Member, text: &str) -> Result<Vec<Found>, HostError> {
        let wanted = text.trim().to_lowercase();
        if wanted.is_empty() {
            return Err(Refusal::Malformed("Say what to search for: `?q=…`.").into());
        }
        let mut found = Vec::new();
        for chat in self.visible(member).await? {
            for turn in &chat.turns {
                let turn = self.turn(member, &chat, turn).await?;
                let seen = serde_json::to_string(&turn).unwrap_or_default().to_lowercase();
                if seen.contains(&wanted) {
                    found.push(Found { chat: chat.id.clone(), title: chat.title.clone(), turn });
                }
            }
        }
        Ok(found)
    }

    /// A chat as Markdown, with the exporter's own results.
    pub(in super::super) async fn export(&self, member: &Member, id: &str) -> Result<Export, HostError> {
        use std::fmt::Write as _;
        let (chat, _) = self.find(member, id).await?;
        let mut markdown = format!("# {}\n", chat.title.replace('\n', " "));
        for turn in &chat.turns {
            let turn = self.turn(member, &chat, turn).await?;
            let answer = turn.answer.as_deref().unwrap_or("…");
            let _ = write!(markdown, "\n**{}**: {}\n\n{answer}\n", turn.asker, turn.question);
            if let Some(call) = &turn.call {
                let result = serde_json::to_string_pretty(&call.result).unwrap_or_default();
                let indented = result.replace('\n', "\n    ");
                let _ = write!(markdown, "\nTool `{}` answered:\n\n    {indented}\n", call.tool);
            }
        }
        Ok(Export { markdown })
    }

    /// The turns of a chat from number `after` on; `None` once `member` may not see it any more.
    pub(in super::super) async fn turns(
        &self,
        member: &Member,
        id: &str,
        after: u32,
    ) -> Result<Vec<TurnView>, HostError> {
        let (chat, _) = self.find(member, id).await?;
        let mut turns = Vec::new();
        for turn in chat.turns.iter().filter(|turn| turn.number > after) {
            turns.push(self.turn(member, &chat, turn).await?);
        }
        Ok(turns)
    }

    pub(super) async fn view(&self, member: &Member, chat: &Chat) -> Result<ChatView, HostError> {
        let mut turns = Vec::new();
        for turn in &chat.turns {
            turns.push(self.turn(member, chat, turn).await?);
        }
        Ok(ChatView {
            id: chat.id.clone(),
            title: chat.title.clone(),
            owner: chat.owner.clone(),
            mine: chat.owner == member.user,
            shared_with: chat.shared_with.iter().cloned().collect(),
            tools_off: chat.off.iter().cloned().collect(),
            created_at: timestamp(chat.created_at),
            turns,
        })
    }

    /// One turn as `viewer` sees it. The only place that opens a result.
    pub(super) async fn turn(&self, viewer: &Member, chat: &Chat, turn: &Turn) -> Result<TurnView, HostError> {
        let asker = asker(&viewer.organization, &turn.asker);
        let open = self.organizations.gate(viewer).is_ok();
        let call = if (self.policy.shows_result)(&ResultFacts { viewer, asker: &asker, open }) {
            self.store.result(&asker, &chat.id, turn.number).await?
        } else {
            None
        };
        Ok(TurnView {
            number: turn.number,
            asker: turn.asker.clone(),
            question: turn.question.clone(),
            asked_at: timestamp(turn.asked_at),
            state: turn.state,
            answer: turn.answer.clone(),
            tool: turn.tool.clone(),
            call,
        })
    }

    async fn visible(&self, member: &Member) -> Result<Vec<Chat>, HostError> {
        let mut chats = self.store.all(&member.organization).await?;
        chats.retain(|chat| self.access(member, chat) != ChatAccess::None);
        Ok(chats)
    }
}

fn timestamp(instant: Timestamp) -> String {
    instant.to_string()
}
