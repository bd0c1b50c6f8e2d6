//! What every search answers: the hits, where the page stands, what the reader should know, and what was really asked.

use rmcp::schemars;
use schemars::JsonSchema;
use serde::Serialize;

use super::Note;

/// One page of hits.
#[derive(Serialize, JsonSchema)]
pub(super) struct Envelope<Item, Effective> {
    /// The hits.
    pub(super) items: Vec<Item>,
    /// Where this page stands.
    pub(super) page: PageFacts,
    /// Whether something could not be looked at.
    pub(super) partial: bool,
    /// What the reader should know.
    pub(super) notes: Vec<Note>,
    /// What was really asked.
    pub(super) effective: Effective,
}

/// Where a page stands.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageFacts {
    /// At most so many hits were asked for.
    pub(super) limit: u32,
    /// So many came.
    pub(super) returned: usize,
    /// How many were passed over; not known where pages follow by cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offset: Option<u32>,
    /// `offset` for the next page.
    pub(super) next_offset: Option<u32>,
    /// `cursor` for the next page.
    pub(super) next_cursor: Option<String>,
    /// Whether there is more, though it may be out of reach of an offset.
    pub(super) more_results: bool,
    /// All there are.
    pub(super) total: Option<u32>,
    /// How far `total` can be relied on.
    pub(super) total_kind: TotalKind,
}

/// How far `total` can be relied on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TotalKind {
    /// It was counted.
    Exact,
    /// It is not there.
    Unknown,
}

impl PageFacts {
    /// A page that follows by offset. `next` is where the next one begins, `last` the largest offset that is taken.
    pub(super) fn by_offset(limit: u32, returned: usize, offset: u32, next: Option<u32>, last: u32) -> Self {
        Self {
            limit,
            returned,
            offset: Some(offset),
            next_offset: next.filter(|next| *next <= last),
            next_cursor: None,
            more_results: next.is_some(),
            total: None,
            total_kind: TotalKind::Unknown,
        }
    }

    /// The same, with all that there are, if they were counted.
    #[must_use]
    pub(super) fn counted(self, total: Option<u32>) -> Self {
        let total_kind = if total.is_some() { TotalKind::Exact } else { TotalKind::Unknown };
        Self { total, total_kind, ..self }
    }
}
