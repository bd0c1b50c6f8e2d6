//! PDF, page by page: lines in reading order. A PDF holds glyphs at places, no headings or tables.

use pdf_oxide::PdfDocument;

use super::Unreadable;
use crate::documents::model::{Block, Body, Extracted, Page, Remark, RemarkCode, Run, Unit};

/// Pages given of one file.
const MAX_PAGES: usize = 2_000;

pub(super) fn read(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let document = PdfDocument::from_bytes(bytes.to_vec()).map_err(|_| Unreadable::Damaged)?;
    // Many files are encrypted for their permissions only, with an empty password.
    if document.is_encrypted() && !document.is_authenticated() && !document.authenticate(b"").unwrap_or(false) {
        return Err(Unreadable::Protected);
    }
    let count = document.page_count().map_err(|_| Unreadable::Damaged)?;
    let mut remarks = Vec::new();
    if count > MAX_PAGES {
        let message = format!("Only the first {MAX_PAGES} of {count} pages are given.");
        remarks.push(Remark { code: RemarkCode::Incomplete, message });
    }
    let mut unread = Vec::new();
    let pages: Vec<Page> = (0..count.min(MAX_PAGES))
        .map(|index| {
            let text = document.extract_text(index).unwrap_or_else(|_| {
                unread.push((index + 1).to_string());
                String::new()
            });
            Page { blocks: blocks(&text), ..Page::default() }
        })
        .collect();
    // What cannot be decrypted comes out as empty pages.
    if document.is_encrypted() && pages.iter().all(|page: &Page| page.blocks.is_empty()) {
        return Err(Unreadable::Protected);
    }
    if !unread.is_empty() {
        let message = format!("These pages are damaged and were left out: {}.", unread.join(", "));
        remarks.push(Remark { code: RemarkCode::Incomplete, message });
    }
    Ok(Extracted { title: None, body: Body::Paged { unit: Unit::Page, pages }, remarks })
}

/// Lines between empty lines are a paragraph.
fn blocks(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines
        .split(|line| line.trim().is_empty())
        .filter(|lines| !lines.is_empty())
        .map(|lines| Block::Paragraph { text: vec![Run::from(lines.join("\n").as_str())] })
        .collect()
}
