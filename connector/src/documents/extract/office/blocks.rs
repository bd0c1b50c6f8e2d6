//! The library's elements as our blocks. Its tree can be as deep as a hostile file wants: below a depth only a mark is kept.

use office_oxide::ir::{Element, InlineContent, List, Note, Table};

use crate::documents::model::{Block, Run};

const MAX_DEPTH: u8 = 32;

/// Cells given of one table, merged ones filled up.
const MAX_CELLS: usize = 50_000;

/// Turns elements into blocks, and remembers whether anything was left out.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) cut: bool,
}

impl Blocks {
    pub(super) fn of(&mut self, elements: &[Element]) -> Vec<Block> {
        let mut blocks = Vec::new();
        self.collect(elements, 0, &mut blocks);
        blocks
    }

    fn collect(&mut self, elements: &[Element], depth: u8, into: &mut Vec<Block>) {
        if depth > MAX_DEPTH {
            self.cut = true;
            return;
        }
        for element in elements {
            match element {
                Element::Heading(heading) => {
                    push(into, runs(&heading.content), |text| Block::Heading {
                        level: heading.level.clamp(1, 6),
                        text,
                    });
                }
                Element::Paragraph(paragraph) => {
                    push(into, runs(&paragraph.content), |text| Block::Paragraph { text });
                }
                Element::Table(table) => {
                    let rows = self.rows(table, depth);
                    if !rows.is_empty() {
                        into.push(Block::Table { rows });
                    }
                }
                Element::List(list) => self.items(list, depth, into),
                Element::TextBox(text_box) => self.collect(&text_box.content, depth + 1, into),
                Element::Footnote(note) | Element::Endnote(note) => self.note(note, depth, into),
                Element::CodeBlock(code) => into.push(Block::Code { text: code.content.clone() }),
                Element::Image(image) => {
                    if let Some(words) = image.alt_text.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
                        into.push(Block::Note { label: "picture".to_owned(), text: vec![words.into()] });
                    }
                }
                _ => {}
            }
        }
    }

    fn items(&mut self, list: &List, depth: u8, into: &mut Vec<Block>) {
        if depth > MAX_DEPTH {
            self.cut = true;
            return;
        }
        let first = list.start_number.unwrap_or(1);
        for (index, item) in (0_u32..).zip(&list.items) {
            let mut inner = Vec::new();
            self.collect(&item.content, depth + 1, &mut inner);
            let mut inner = inner.into_iter();
            let number = list.ordered.then(|| first.saturating_add(index));
            match inner.next() {
                Some(Block::Paragraph { text } | Block::Heading { text, .. }) => {
                    into.push(Block::Item { depth: list.level, number, text });
                }
                Some(other) => {
                    into.push(Block::Item { depth: list.level, number, text: Vec::new() });
                    into.push(other);
                }
                None => {}
            }
            into.extend(inner);
            if let Some(nested) = &item.nested {
                self.items(nested, depth + 1, into);
            }
        }
    }

    fn note(&mut self, note: &Note, depth: u8, into: &mut Vec<Block>) {
        let words = self.words(&note.content, depth);
        let label = note.marker.clone().unwrap_or_else(|| note.id.to_string());
        if !words.is_empty() {
            into.push(Block::Note { label, text: vec![words.as_str().into()] });
        }
    }

    /// Rows of equal width; a merged cell stands where it begins.
    fn rows(&mut self, table: &Table, depth: u8) -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut cells = 0_usize;
        for row in &table.rows {
            let mut line = Vec::new();
            for cell in &row.cells {
                line.push(self.words(&cell.content, depth));
                for _ in 1..cell.col_span.clamp(1, 64) {
                    line.push(String::new());
                }
            }
            cells = cells.saturating_add(line.len());
            if cells > MAX_CELLS {
                self.cut = true;
                break;
            }
            rows.push(line);
        }
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        if width.saturating_mul(rows.len()) <= MAX_CELLS {
            for row in &mut rows {
                row.resize(width, String::new());
            }
        }
        if rows.iter().flatten().all(String::is_empty) { Vec::new() } else { rows }
    }

    /// Everything inside, as one text.
    fn words(&mut self, elements: &[Element], depth: u8) -> String {
        let mut inner = Vec::new();
        self.collect(elements, depth + 1, &mut inner);
        inner.iter().map(Block::words).collect::<Vec<_>>().join("\n").trim().to_owned()
    }
}

fn push(into: &mut Vec<Block>, text: Vec<Run>, block: impl FnOnce(Vec<Run>) -> Block) {
    if text.iter().any(|run| !run.text.trim().is_empty()) {
        into.push(block(text));
    }
}

fn runs(content: &[InlineContent]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut add = |text: &str, link: Option<String>| match runs.last_mut() {
        Some(last) if last.link == link => last.text.push_str(text),
        _ => runs.push(Run { text: text.to_owned(), link }),
    };
    for piece in content {
        match piece {
            InlineContent::Text(span) => add(&span.text, span.hyperlink.as_deref().and_then(safe)),
            InlineContent::LineBreak => add("\n", None),
            InlineContent::FootnoteRef(mark) | InlineContent::EndnoteRef(mark) => {
                add(&format!("[{}]", mark.marker.clone().unwrap_or_else(|| mark.note_id.to_string())), None);
            }
            _ => {}
        }
    }
    runs
}

/// Links that a reader may follow: no script, no file, no program.
fn safe(link: &str) -> Option<String> {
    let url = url::Url::parse(link).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| link.to_owned())
}
