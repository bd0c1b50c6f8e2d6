//! What can be expected of an answer, and what can be kept of it for later steps.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::Layer;

/// What must hold of an answer: everything that is said.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// `true`: the call was served (a result that is no error; of plain HTTP: 2xx). `false`: it was not.
    #[serde(default)]
    pub served: Option<bool>,
    /// It was refused in this way and by this part. Served is a failure; refused otherwise shows nothing (inconclusive).
    #[serde(default)]
    pub refused: Option<Refused>,
    /// The token was not believed: 401 `invalid_token` by the connector, and nobody else was asked.
    #[serde(default)]
    pub token_refused: bool,
    /// The HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// The error's code, wherever the answer carries one.
    #[serde(default)]
    pub code: Option<String>,
    /// The number of Entra's error (`AADSTS…`, without the letters).
    #[serde(default)]
    pub aadsts: Option<u32>,
    /// Texts that the answer must hold.
    #[serde(default)]
    pub shows: Vec<String>,
    /// Texts that the answer, its headers included, must not hold.
    #[serde(default)]
    pub hides: Vec<String>,
    /// Shown by something that renders Markdown, each text of the answer and the answer itself load nothing from anywhere.
    #[serde(default)]
    pub loads_nothing: bool,
    /// The refusal names this permission, and who can bring it back.
    #[serde(default)]
    pub names_permission: Option<String>,
    /// Answer headers: name and pattern (`*` stands for anything; `-` for a header that must be absent).
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Values inside the answer: JSON pointer and value (of an MCP answer: inside `result`).
    #[serde(default)]
    pub json: BTreeMap<String, Value>,
    /// An outsider can tell this answer from the saved one by nothing but request ids.
    #[serde(default)]
    pub same_as: Option<String>,
    /// What the connector asked of Entra and Graph meanwhile.
    #[serde(default)]
    pub upstream: Vec<Traffic>,
}

impl Expect {
    /// Whether it expects nothing.
    pub fn is_empty(&self) -> bool {
        serde_json::to_value(self).ok() == serde_json::to_value(Self::default()).ok()
    }
}

/// A refusal of the right class.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// HTTP status; 200 for a tool that says that it failed.
    #[serde(default = "ok")]
    pub status: u16,
    /// The error's code.
    pub code: String,
    /// Who refused it.
    pub by: Layer,
}

fn ok() -> u16 {
    200
}

/// Requests of the connector to Entra and Graph, and how many there may be.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// `login`, `graph` or `content`.
    #[serde(default)]
    pub to: Option<String>,
    /// Request method.
    #[serde(default)]
    pub method: Option<String>,
    /// Pattern of the path without query.
    #[serde(default)]
    pub path: Option<String>,
    /// Pattern of path and query.
    #[serde(default)]
    pub target: Option<String>,
    /// Patterns of form fields.
    #[serde(default)]
    pub form: BTreeMap<String, String>,
    /// Patterns of request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Patterns of which each such request must match one: `METHOD path`.
    #[serde(default)]
    pub only: Vec<String>,
    /// Exactly so many.
    #[serde(default)]
    pub exactly: Option<usize>,
    /// At least so many.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// At most so many.
    #[serde(default)]
    pub at_most: Option<usize>,
}

/// Something of an answer that is kept under a name. An answer without it makes the scenario inconclusive.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// The address of the search hit with this text.
    UriOf(String),
    /// The cursor of the next page: `next_cursor: {}`.
    NextCursor(Nothing),
    /// The value at this JSON pointer of the answer (of an MCP answer: inside `result`).
    Json(String),
    /// An answer header.
    Header(String),
    /// A field of the query in the `location` header.
    Redirect(String),
    /// A field of the form on a page.
    Field(String),
    /// A field of Entra's answer to the connector's last exchange.
    Exchange(String),
}

/// Nothing more to say.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Whether a text matches a pattern in which `*` stands for anything.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let middle: Vec<&str> = parts.collect();
    let Some((last, middle)) = middle.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*a", "a", false),
            ("/v1.0/me*/messages*", "/v1.0/me/messages/1", true),
            ("/v1.0/me*/messages*", "/v1.0/users/x/messages", false),
            ("*x*x*", "axbxc", true),
            ("*x*x*", "axb", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
