//! What comes out of a file: pages of blocks, sheets of cells, or text. The wire format between a worker and the connector.

use serde::{Deserialize, Serialize};

/// A file as read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extracted {
    /// The title that the file gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it says.
    pub body: Body,
    /// What is missing or was guessed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Body {
    /// A document or presentation.
    Paged {
        /// What a page is.
        unit: Unit,
        /// In reading order.
        pages: Vec<Page>,
    },
    /// A workbook.
    Workbook {
        /// In the order of their tabs.
        sheets: Vec<Sheet>,
    },
    /// Text without structure.
    Text {
        /// All of it.
        text: String,
    },
}

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A page of a PDF, as it is printed.
    Page,
    /// A part of a flowing document: up to the next page break that the file holds, or about a page's worth of text.
    Part,
    /// A slide.
    Slide,
}

/// One page, part or slide.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// A slide's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A slide that is left out when presenting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// What is on it.
    pub blocks: Vec<Block>,
    /// What the presenter sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speaker_notes: Vec<Block>,
}

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum Block {
    /// A heading.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Its words.
        text: Vec<Run>,
    },
    /// A paragraph.
    Paragraph {
        /// Its words.
        text: Vec<Run>,
    },
    /// An entry of a list.
    Item {
        /// 0 for the outermost list.
        depth: u8,
        /// Its number in a numbered list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
        /// Its words.
        text: Vec<Run>,
    },
    /// A table.
    Table {
        /// Rows of cells. A merged cell stands where it begins; what it covers is empty.
        rows: Vec<Vec<String>>,
    },
    /// A footnote, endnote or comment.
    Note {
        /// How the text refers to it.
        label: String,
        /// Its words.
        text: Vec<Run>,
    },
    /// Text whose spaces and line breaks matter.
    Code {
        /// As it stands.
        text: String,
    },
}

/// Words that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The words.
    pub text: String,
    /// Where they lead. Web and mail addresses only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl From<&str> for Run {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), link: None }
    }
}

/// A sheet of a workbook. Only cells that hold something are in it: a sheet with one cell at its far end is small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// The name on its tab.
    pub name: String,
    /// Whether Excel hides the tab.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// By row, then by column.
    pub rows: Vec<SheetRow>,
}

/// A row that holds something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SheetRow {
    /// Counted from 0.
    pub row: u32,
    /// Columns, counted from 0, and what is in them, by column.
    pub cells: Vec<(u32, Cell)>,
}

/// A cell that holds something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cell {
    /// Text.
    Text(String),
    /// A number, by value.
    Number(f64),
    /// True or false.
    Bool(bool),
    /// A date, a time or both, in ISO 8601 without a zone (a workbook knows none); a duration as `PT26H30M`.
    Date(String),
    /// `#DIV/0!` and its kin.
    Error(String),
}

/// What is missing or was guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// Which of the kinds.
    pub code: RemarkCode,
    /// In words.
    pub message: String,
}

/// Kinds of [`Remark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RemarkCode {
    /// There is no text in it: a scan, or pictures of text.
    NoText,
    /// More was in the file than is given.
    Incomplete,
    /// Structure was given up, words kept.
    Flattened,
    /// The file is another kind than its name says.
    OtherKind,
}

impl RemarkCode {
    /// As answers print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoText => "NO_TEXT",
            Self::Incomplete => "INCOMPLETE",
            Self::Flattened => "FLATTENED",
            Self::OtherKind => "OTHER_KIND",
        }
    }
}

impl Body {
    /// Whether there is anything to read.
    pub fn has_words(&self) -> bool {
        let any = |blocks: &[Block]| blocks.iter().any(|block| !block.words().trim().is_empty());
        match self {
            Self::Paged { pages, .. } => pages.iter().any(|page| any(&page.blocks) || any(&page.speaker_notes)),
            Self::Workbook { sheets } => sheets.iter().any(|sheet| !sheet.rows.is_empty()),
            Self::Text { text } => !text.trim().is_empty(),
        }
    }
}

impl Block {
    /// Its words, without marks.
    pub fn words(&self) -> String {
        let joined = |runs: &[Run]| runs.iter().map(|run| run.text.as_str()).collect::<String>();
        match self {
            Self::Heading { text, .. }
            | Self::Paragraph { text }
            | Self::Item { text, .. }
            | Self::Note { text, .. } => joined(text),
            Self::Table { rows } => rows.iter().map(|row| row.join("\t")).collect::<Vec<_>>().join("\n"),
            Self::Code { text } => text.clone(),
        }
    }
}
