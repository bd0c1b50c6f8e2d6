//! Canned answers for what is not modelled: they let somebody go on, and count for nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One canned answer of the Graph host. It is given only where the emulator has no answer of its own, and only to who has a token.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stub {
    /// Request method.
    pub method: String,
    /// Path after the version, for example `/me/presence` or `/users/{id}/presence`; `{id}` is any key.
    pub path: String,
    /// Status of the answer.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers of the answer.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body of the answer, as JSON; none when absent.
    #[serde(default)]
    pub body: Option<Value>,
}

/// A file of stubs: `[[stub]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stubs {
    /// In the order in which they are tried.
    #[serde(default, rename = "stub")]
    pub stubs: Vec<Stub>,
}

impl Stub {
    /// What is wrong with it, if anything.
    pub fn problem(&self) -> Option<String> {
        let problem = if http::StatusCode::from_u16(self.status).is_err() {
            format!("status {} is none", self.status)
        } else if http::Method::from_bytes(self.method.as_bytes()).is_err()
            || self.method != self.method.to_ascii_uppercase()
        {
            format!("method {:?} is none", self.method)
        } else if !self.path.starts_with('/') || self.path.contains('?') {
            format!("path {:?} must begin with a slash and have no query", self.path)
        } else {
            return None;
        };
        Some(problem)
    }
}

const fn ok() -> u16 {
    200
}
