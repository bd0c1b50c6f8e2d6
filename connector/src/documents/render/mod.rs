//! The part of a document that an answer has room for, in the form that was asked for.

mod paged;
mod range;
mod text;
mod workbook;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::{Body, Extracted};

pub use range::Range;
pub use text::{clean, part};

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Words alone; sheets as tab-separated lines.
    Text,
    /// Headings, lists and tables as Markdown.
    #[default]
    Markdown,
    /// Blocks, or rows of typed cells, in `pages` or `sheets`.
    Json,
}

/// What of a document is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The form.
    pub form: Form,
    /// The first page, from 1.
    pub start_page: Option<usize>,
    /// The last page.
    pub end_page: Option<usize>,
    /// A sheet, by name.
    pub sheet: Option<String>,
    /// Cells of it.
    pub range: Option<Range>,
    /// Where the part before ended: [`Shown::next`].
    pub from: usize,
    /// Characters that the answer has room for.
    pub max_chars: usize,
}

/// A part of a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown {
    /// As text or Markdown; empty for [`Form::Json`].
    pub content: String,
    /// Blocks by page, for [`Form::Json`].
    pub pages: Option<Value>,
    /// The sheets shown: their facts, and their rows for [`Form::Json`].
    pub sheets: Option<Value>,
    /// Where this part lies.
    pub place: Place,
    /// Where the next part begins, if there is one.
    pub next: Option<usize>,
}

/// Where a part lies in the whole. What does not apply is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The first page in this part, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_page: Option<usize>,
    /// The last page in this part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_page: Option<usize>,
    /// How many pages the document has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_count: Option<usize>,
    /// The first character of this part, of what was selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_char: Option<usize>,
    /// One past its last character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_char: Option<usize>,
    /// How many characters were selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_chars: Option<usize>,
    /// The first row of this part, from 1, of the rows that were selected over all sheets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_row: Option<usize>,
    /// Its last row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_row: Option<usize>,
    /// How many rows were selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_rows: Option<usize>,
}

/// Something was asked for that the document does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotThere {
    /// No such page.
    #[error("the document has {count} {unit}")]
    Page {
        /// How many there are.
        count: usize,
        /// What they are called.
        unit: &'static str,
    },
    /// No such sheet.
    #[error("the workbook has no such sheet; it has {}", .names.join(", "))]
    Sheet {
        /// The sheets there are.
        names: Vec<String>,
    },
    /// Pages of a workbook, or sheets of a document.
    #[error("{0} is for another kind of file")]
    OtherKind(&'static str),
}

/// The part of a text that is wanted. Text has no pages or sheets: what is said of those is not looked at.
pub fn show_text(text: &str, wanted: &Wanted) -> Shown {
    text::show(&clean(text), wanted)
}

/// Shows the part that is wanted.
pub fn show(extracted: &Extracted, wanted: &Wanted) -> Result<Shown, NotThere> {
    match &extracted.body {
        Body::Paged { unit, pages } => {
            refuse(wanted.sheet.is_some() || wanted.range.is_some(), "a sheet or range")?;
            paged::show(*unit, pages, wanted)
        }
        Body::Workbook { sheets } => {
            refuse(wanted.start_page.is_some() || wanted.end_page.is_some(), "a page")?;
            workbook::show(sheets, wanted)
        }
        Body::Text { text } => {
            refuse(wanted.sheet.is_some() || wanted.range.is_some(), "a sheet or range")?;
            refuse(wanted.start_page.is_some() || wanted.end_page.is_some(), "a page")?;
            Ok(show_text(text, wanted))
        }
    }
}

fn refuse(is_asked: bool, what: &'static str) -> Result<(), NotThere> {
    if is_asked { Err(NotThere::OtherKind(what)) } else { Ok(()) }
}
