//! What is kept of a chat? Questions and answers in one row; each tool result in another, which is its asker's.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::member::HostUser;
use crate::entropy::{self, NoEntropy};

/// Names a chat: 43 characters that nobody guesses, and that alone open nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub(in super::super) struct ChatId(String);

/// A conversation.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Chat {
    pub(super) id: ChatId,
    pub(super) owner: HostUser,
    pub(super) title: String,
    pub(super) shared_with: BTreeSet<HostUser>,
    /// Tools that are off in this chat.
    pub(super) off: BTreeSet<String>,
    pub(super) turns: Vec<Turn>,
    pub(super) created_at: Timestamp,
}

/// A question and its answer.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Turn {
    /// From 1, in order.
    pub(super) number: u32,
    pub(super) asker: HostUser,
    pub(super) question: String,
    pub(super) tool: Option<String>,
    pub(super) asked_at: Timestamp,
    pub(super) state: TurnState,
    pub(super) answer: Option<String>,
}

/// How far a question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum TurnState {
    /// The tool is being called.
    Asking,
    /// There is an answer.
    Answered,
    /// The tool was not called, or said that it failed.
    Failed,
}

/// A tool call, as its asker sees it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
pub(in super::super) struct Kept {
    /// The tool.
    pub(in super::super) tool: String,
    /// What it was given.
    pub(in super::super) arguments: Map<String, Value>,
    /// What it gave: MCP's `CallToolResult`.
    pub(in super::super) result: Value,
}

impl ChatId {
    pub(super) fn draw() -> Result<Self, NoEntropy> {
        entropy::word().map(Self)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        fits.then(|| Self(text.to_owned()))
    }

    pub(in super::super) fn as_str(&self) -> &str {
        &self.0
    }
}
