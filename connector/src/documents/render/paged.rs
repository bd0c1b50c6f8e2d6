//! Documents and presentations.

use std::fmt::Write as _;

use serde_json::json;

use super::text::{clean, part};
use super::{Form, NotThere, Place, Shown, Wanted};
use crate::documents::model::{Block, Page, Run, Unit};

pub(super) fn show(unit: Unit, pages: &[Page], wanted: &Wanted) -> Result<Shown, NotThere> {
    let count = pages.len();
    let not_there = || NotThere::Page { count, unit: unit.plural() };
    let first = wanted.start_page.unwrap_or(1).max(1);
    let last = wanted.end_page.unwrap_or(count).min(count);
    if (first > count || first > last) && (wanted.start_page.is_some() || wanted.end_page.is_some()) {
        return Err(not_there());
    }
    let chosen = pages.get(first - 1..last).unwrap_or_default();
    Ok(if wanted.form == Form::Json {
        blocks(chosen, first, count, wanted)
    } else {
        written(unit, chosen, first, count, wanted)
    })
}

/// As text or Markdown, cut between characters.
fn written(unit: Unit, chosen: &[Page], first: usize, count: usize, wanted: &Wanted) -> Shown {
    let mut whole = String::new();
    // Where each page begins, in characters.
    let mut begins = Vec::new();
    let mut length = 0_usize;
    for (number, page) in (first..).zip(chosen) {
        begins.push(length);
        let text = clean(&one(unit, number, page, wanted.form));
        length = length.saturating_add(text.chars().count());
        whole.push_str(&text);
    }
    let part = part(&whole, wanted.from, wanted.max_chars);
    let page_at = |at: usize| first + begins.iter().take_while(|&&begin| begin <= at).count().saturating_sub(1);
    let (start_page, end_page) = (page_at(part.start), page_at(part.end.saturating_sub(1).max(part.start)));
    let next = (part.end < part.total).then_some(part.end);
    let mut content = part.text.to_owned();
    if count > 0 {
        let _ = write!(content, "\n[{} {start_page}\u{2013}{end_page} of {count}]", unit.plural());
    }
    Shown {
        content,
        place: Place {
            start_page: (count > 0).then_some(start_page),
            end_page: (count > 0).then_some(end_page),
            page_count: Some(count),
            start_char: Some(part.start),
            end_char: Some(part.end),
            total_chars: Some(part.total),
            ..Place::default()
        },
        next,
        ..Shown::default()
    }
}

/// As blocks, cut between them; one block at least, however long it is.
fn blocks(chosen: &[Page], first: usize, count: usize, wanted: &Wanted) -> Shown {
    let mut shown = Vec::new();
    let (mut ordinal, mut room, mut next) = (0_usize, wanted.max_chars, None);
    let (mut start_page, mut end_page) = (None, None);
    'pages: for (number, page) in (first..).zip(chosen) {
        let mut kept = Vec::new();
        let mut notes = Vec::new();
        let all =
            page.blocks.iter().map(|block| (block, false)).chain(page.speaker_notes.iter().map(|block| (block, true)));
        let mut is_cut = false;
        for (block, is_note) in all {
            let at = ordinal;
            ordinal += 1;
            if at < wanted.from {
                continue;
            }
            let size = block.words().chars().count() + 40;
            if size > room && at > wanted.from {
                next = Some(at);
                is_cut = true;
                break;
            }
            room = room.saturating_sub(size);
            (if is_note { &mut notes } else { &mut kept }).push(json!(cleaned(block)));
        }
        if !kept.is_empty() || !notes.is_empty() {
            start_page.get_or_insert(number);
            end_page = Some(number);
            shown.push(json!({
                "page": number, "title": page.title.as_deref().map(clean), "hidden": page.hidden,
                "blocks": kept, "speakerNotes": notes,
            }));
        }
        if is_cut {
            break 'pages;
        }
    }
    Shown {
        pages: Some(shown.into()),
        place: Place { start_page, end_page, page_count: Some(count), ..Place::default() },
        next,
        ..Shown::default()
    }
}

fn one(unit: Unit, number: usize, page: &Page, form: Form) -> String {
    let mut text = String::new();
    let hidden = if page.hidden { " (hidden)" } else { "" };
    let mark = if form == Form::Markdown { "## " } else { "" };
    let mut blocks = page.blocks.as_slice();
    match unit {
        Unit::Slide => {
            let title = page.title.as_deref().unwrap_or_default().trim();
            // The title stands among the blocks too.
            if let [first, rest @ ..] = blocks
                && !title.is_empty()
                && first.words().trim() == title
            {
                blocks = rest;
            }
            let colon = if title.is_empty() { "" } else { ": " };
            let _ = writeln!(text, "{mark}Slide {number}{colon}{}{hidden}\n", title.replace('\n', " "));
        }
        Unit::Page => {
            let _ = writeln!(text, "[page {number}]\n");
        }
        Unit::Part => {}
    }
    write_blocks(&mut text, blocks, form);
    if !page.speaker_notes.is_empty() {
        let _ = writeln!(text, "Speaker notes:\n");
        write_blocks(&mut text, &page.speaker_notes, form);
    }
    text
}

fn write_blocks(text: &mut String, blocks: &[Block], form: Form) {
    let is_markdown = form == Form::Markdown;
    let mut before_was_item = false;
    for block in blocks {
        let is_item = matches!(block, Block::Item { .. });
        if before_was_item && !is_item {
            text.push('\n');
        }
        before_was_item = is_item;
        let _ = match block {
            Block::Heading { level, text: runs } if is_markdown => {
                writeln!(text, "{} {}\n", "#".repeat(usize::from(*level)), line(runs, is_markdown).replace('\n', " "))
            }
            Block::Heading { text: runs, .. } | Block::Paragraph { text: runs } => {
                writeln!(text, "{}\n", line(runs, is_markdown))
            }
            Block::Item { depth, number, text: runs } => {
                let mark = number.map_or_else(|| "-".to_owned(), |number| format!("{number}."));
                let indent = "  ".repeat(usize::from(*depth));
                writeln!(text, "{indent}{mark} {}", line(runs, is_markdown).replace('\n', &format!("\n{indent}  ")))
            }
            Block::Table { rows } if is_markdown => {
                text.push_str(&table(rows));
                writeln!(text)
            }
            Block::Table { rows } => {
                for row in rows {
                    let _ = writeln!(
                        text,
                        "{}",
                        row.iter().map(|cell| cell.replace(['\n', '\t'], " ")).collect::<Vec<_>>().join("\t")
                    );
                }
                writeln!(text)
            }
            Block::Note { label, text: runs } => writeln!(text, "[{label}] {}\n", line(runs, is_markdown)),
            Block::Code { text: code } if is_markdown => writeln!(text, "```\n{code}\n```\n"),
            Block::Code { text: code } => writeln!(text, "{code}\n"),
        };
    }
    if before_was_item {
        text.push('\n');
    }
}

fn line(runs: &[Run], is_markdown: bool) -> String {
    runs.iter()
        .map(|run| match &run.link {
            Some(link) if is_markdown && link != run.text.trim() => {
                format!("[{}](<{}>)", run.text, link.replace(['<', '>'], ""))
            }
            _ => run.text.clone(),
        })
        .collect()
}

/// The first row is the head: Markdown has no table without one.
pub(super) fn table<T: AsRef<str>>(rows: &[Vec<T>]) -> String {
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for cell in row {
            let _ = write!(
                text,
                "| {} ",
                cell.as_ref().trim().replace('\\', "\\\\").replace('|', "\\|").replace('\n', "<br>")
            );
        }
        text.push_str("|\n");
        if index == 0 {
            text.push_str(&"| --- ".repeat(row.len()));
            text.push_str("|\n");
        }
    }
    text
}

fn cleaned(block: &Block) -> Block {
    let runs = |runs: &[Run]| runs.iter().map(|run| Run { text: clean(&run.text), link: run.link.clone() }).collect();
    match block {
        Block::Heading { level, text } => Block::Heading { level: *level, text: runs(text) },
        Block::Paragraph { text } => Block::Paragraph { text: runs(text) },
        Block::Item { depth, number, text } => Block::Item { depth: *depth, number: *number, text: runs(text) },
        Block::Note { label, text } => Block::Note { label: clean(label), text: runs(text) },
        Block::Code { text } => Block::Code { text: clean(text) },
        Block::Table { rows } => {
            Block::Table { rows: rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect() }
        }
    }
}

impl Unit {
    fn plural(self) -> &'static str {
        match self {
            Self::Page | Self::Part => "pages",
            Self::Slide => "slides",
        }
    }
}
