//! The shapes of `/search/query` (<https://learn.microsoft.com/graph/api/search-query>).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::refusal::{Code, Refusal};

/// One page of one question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    /// Kinds that may share a request.
    pub(crate) entities: &'a [Entity],
    /// In the Keyword Query Language.
    pub(crate) kql: &'a str,
    pub(crate) from: u32,
    pub(crate) size: u32,
}

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entity {
    ChatMessage,
    DriveItem,
    ListItem,
}

impl Entity {
    fn as_str(self) -> &'static str {
        match self {
            Self::ChatMessage => "chatMessage",
            Self::DriveItem => "driveItem",
            Self::ListItem => "listItem",
        }
    }
}

impl Search<'_> {
    pub(crate) fn body(&self) -> Value {
        let request = json!({
            "entityTypes": self.entities.iter().map(|entity| entity.as_str()).collect::<Vec<_>>(),
            "query": { "queryString": self.kql },
            "from": self.from,
            "size": self.size,
        });
        json!({ "requests": [request] })
    }
}

/// The answer: one entry per request, one container per kind.
#[derive(Debug, Deserialize)]
pub(crate) struct Answers<T> {
    /// Not optional: an answer without it is no empty page.
    value: Vec<Answer<T>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<T> {
    hits_containers: Vec<Container<T>>,
}

/// Hits of one kind.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct Container<T> {
    #[serde(default = "Vec::new")]
    pub(crate) hits: Vec<Hit<T>>,
    #[serde(default)]
    pub(crate) more_results_available: bool,
}

/// One hit.
#[derive(Debug, Deserialize)]
pub(crate) struct Hit<T> {
    pub(crate) resource: T,
    #[serde(default)]
    pub(crate) summary: Option<String>,
}

impl<T> Answers<T> {
    /// The container of the one request that was sent.
    pub(crate) fn container(self) -> Result<Container<T>, Refusal> {
        let container = self.value.into_iter().next().and_then(|answer| answer.hits_containers.into_iter().next());
        container.ok_or_else(|| Refusal::new(Code::UpstreamError, "Microsoft 365's answer is not understood."))
    }
}

/// A quote without the marks of its highlights.
pub(crate) fn plain(summary: &str) -> String {
    summary.replace("<c0>", "").replace("</c0>", "").replace("<ddd/>", "…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_words_become_another_request(kql in "\\PC{0,60}|[\"\\\\{}\\[\\],:]{0,20}") {
            let search = Search { entities: &[Entity::ChatMessage], kql: &kql, from: 0, size: 25 };
            let body: Value = serde_json::from_str(&search.body().to_string()).unwrap();
            prop_assert_eq!(&body, &json!({ "requests": [
                { "entityTypes": ["chatMessage"], "query": { "queryString": kql }, "from": 0, "size": 25 }
            ] }));
        }
    }
}
