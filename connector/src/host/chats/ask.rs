//! How does one question become an answer? It is written down first, then the tool is called with the asker's own token, then the
//! result is kept for the asker and the answer for the chat. Every gate is asked again before something is kept: what was closed
//! while the call was under way stays closed.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::error::{HostError, Refusal};
use super::super::member::Member;
use super::super::policy::Toggles;
use super::record::{Chat, Kept, Turn, TurnState};
use super::{Chats, TurnView, assistant};

/// Longer than people type.
const MAX_QUESTION: usize = 4000;

/// Turns in one chat.
const MAX_TURNS: usize = 500;

/// What is asked.
pub(in super::super) struct Question {
    pub(in super::super) text: String,
    /// The tool, if the asker names one; the assistant chooses otherwise.
    pub(in super::super) tool: Option<(String, Map<String, Value>)>,
}

/// Tools that the asker has off.
pub(in super::super) struct Switches {
    pub(in super::super) user: BTreeSet<String>,
    pub(in super::super) session: Option<BTreeSet<String>>,
}

impl Chats {
    /// Asks a question in a chat, as `asker`, who has passed the gate.
    pub(in super::super) async fn ask(
        &self,
        asker: &Member,
        id: &str,
        question: Question,
        switches: &Switches,
    ) -> Result<TurnView, HostError> {
        if question.text.trim().is_empty() || question.text.len() > MAX_QUESTION {
            return Err(Refusal::Malformed("A question has 1 to 4000 bytes.").into());
        }
        let (chat, _) = self.find(asker, id).await?;
        let on = |chat: &Chat, tool: &str| {
            let toggles = Toggles { user: &switches.user, chat: Some(&chat.off), session: switches.session.as_ref() };
            (self.policy.tool_on)(&toggles, tool)
        };
        let (tool, arguments) = if let Some(named) = question.tool {
            named
        } else {
            let listed = self.tools.names(asker).await?;
            let there: Vec<String> = listed.into_iter().filter(|tool| on(&chat, tool)).collect();
            assistant::plan(&question.text, &there).ok_or(Refusal::NothingToAsk)?
        };
        if !on(&chat, &tool) {
            return Err(Refusal::ToolOff(tool).into());
        }
        let number = self.begin(asker, &chat, &question.text, &tool).await?;
        let outcome = self.tools.call(asker, tool.clone(), arguments.clone()).await;
        let (result, refused) = match outcome {
            Ok(result) => (result, None),
            Err(error) => {
                let (code, message) = error.told();
                (
                    json!({ "isError": true, "structuredContent": { "error": { "code": code, "message": message } } }),
                    Some(error),
                )
            }
        };
        let failed = result.get("isError") == Some(&Value::Bool(true));
        let answer = assistant::answer(&tool, &result);
        let still_open = self.organizations.gate(asker);
        if still_open.is_ok() && refused.is_none() {
            self.store.keep(asker, &chat.id, number, &Kept { tool, arguments, result }).await?;
        }
        let ended = self.end(asker, &chat, number, failed || still_open.is_err(), answer, still_open.is_ok()).await;
        if ended.is_err() {
            // The chat went away meanwhile, and its results with it.
            self.store.drop_result(asker, &chat.id, number).await?;
        }
        let chat = ended?;
        if let Some(error) = refused {
            return Err(error);
        }
        still_open?;
        let turn = chat.turns.iter().find(|turn| turn.number == number).ok_or(Refusal::NoSuchChat)?;
        self.turn(asker, &chat, turn).await
    }

    async fn begin(&self, asker: &Member, chat: &Chat, question: &str, tool: &str) -> Result<u32, HostError> {
        let asked_at = self.clock.now();
        let changed = self
            .store
            .update(&asker.organization, &chat.id, |chat| {
                let number = chat.turns.last().map_or(1, |last| last.number.saturating_add(1));
                if chat.turns.len() >= MAX_TURNS {
                    return Err(Refusal::Malformed("This chat is full; open another."));
                }
                chat.turns.push(Turn {
                    number,
                    asker: asker.user.clone(),
                    question: question.to_owned(),
                    tool: Some(tool.to_owned()),
                    asked_at,
                    state: TurnState::Asking,
                    answer: None,
                });
                Ok(())
            })
            .await?;
        let _ = self.changed.send(changed.id.clone());
        Ok(changed.turns.last().map_or(1, |turn| turn.number))
    }

    async fn end(
        &self,
        asker: &Member,
        chat: &Chat,
        number: u32,
        failed: bool,
        answer: String,
        open: bool,
    ) -> Result<Chat, HostError> {
        let answer = if open { answer } else { "The connector was switched off while this was asked.".to_owned() };
        let changed = self
            .store
            .update(&asker.organization, &chat.id, |chat| {
                if let Some(turn) = chat.turns.iter_mut().find(|turn| turn.number == number) {
                    turn.state = if failed { TurnState::Failed } else { TurnState::Answered };
                    turn.answer = Some(answer.clone());
                }
                Ok(())
            })
            .await?;
        let _ = self.changed.send(changed.id.clone());
        Ok(changed)
    }
}
