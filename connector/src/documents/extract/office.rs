//! Word and PowerPoint, new and old, through `office_oxide`'s picture of them.

mod blocks;

use std::io::Cursor;

use office_oxide::ir::{DocumentIR, Element, HeaderFooter, Section, SectionBreakType};
use office_oxide::limits::Limits;
use office_oxide::options::ParseOptions;
use office_oxide::{Document, DocumentFormat, OfficeError};

use super::Unreadable;
use crate::documents::format::Format;
use crate::documents::model::{Block, Body, Extracted, Page, Remark, RemarkCode, Run, Unit};
use blocks::Blocks;

/// A flowing document has no pages until somebody prints it: a part ends at the next block after so many characters.
const PART_CHARS: usize = 3_000;

pub(super) fn read(format: Format, bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let kind = match format {
        Format::Pptx => DocumentFormat::Pptx,
        Format::Doc => DocumentFormat::Doc,
        Format::Ppt => DocumentFormat::Ppt,
        _ => DocumentFormat::Docx,
    };
    let mut options = ParseOptions::default();
    options.limits = Limits::strict();
    let document =
        Document::from_reader_with(Cursor::new(bytes.to_vec()), kind, &options).map_err(|error| refused(&error))?;
    let mut ir = document.to_ir();
    let unit = if matches!(format, Format::Pptx | Format::Ppt) { Unit::Slide } else { Unit::Part };
    let mut reader = Blocks::default();
    let pages = if unit == Unit::Slide { slides(&ir, &mut reader) } else { parts(&ir, &mut reader) };
    let mut remarks = Vec::new();
    if reader.cut || ir.metadata.text_truncated {
        let message = "Parts of the file were left out: they are damaged, too large or nested too deeply.".to_owned();
        remarks.push(Remark { code: RemarkCode::Incomplete, message });
    }
    let title = ir.metadata.title.take().filter(|title| !title.trim().is_empty());
    Ok(Extracted { title, body: Body::Paged { unit, pages }, remarks })
}

fn refused(error: &OfficeError) -> Unreadable {
    // The library has one error for all of a package's protections, told apart by its words alone.
    let words = error.to_string().to_ascii_lowercase();
    if words.contains("encrypt") || words.contains("password") {
        Unreadable::Protected
    } else if words.contains("limit") || words.contains("too large") {
        Unreadable::TooLarge
    } else {
        Unreadable::Damaged
    }
}

fn slides(ir: &DocumentIR, reader: &mut Blocks) -> Vec<Page> {
    ir.sections
        .iter()
        .map(|section| Page {
            title: section.title.clone().filter(|title| !title.trim().is_empty()),
            hidden: section.hidden,
            blocks: reader.of(&section.elements),
            speaker_notes: section.speaker_notes.as_deref().map(|notes| reader.of(notes)).unwrap_or_default(),
        })
        .collect()
}

fn parts(ir: &DocumentIR, reader: &mut Blocks) -> Vec<Page> {
    let mut parts = Parts::default();
    let (headers, footers) = margins(ir, reader);
    parts.extend(headers);
    for (index, section) in ir.sections.iter().enumerate() {
        if index > 0 && section.break_type != SectionBreakType::Continuous {
            parts.turn();
        }
        for element in &section.elements {
            let breaks_before = match element {
                Element::PageBreak => true,
                Element::Paragraph(paragraph) => paragraph.page_break_before,
                Element::Heading(heading) => heading.page_break_before,
                _ => false,
            };
            if breaks_before {
                parts.turn();
            }
            parts.extend(reader.of(std::slice::from_ref(element)));
        }
    }
    parts.extend(footers);
    parts.finish()
}

/// What stands above and below the pages, each text once.
fn margins(ir: &DocumentIR, reader: &mut Blocks) -> (Vec<Block>, Vec<Block>) {
    type Places = fn(&Section) -> [&Option<HeaderFooter>; 3];
    let mut once = |label: &str, places: Places| {
        let mut seen: Vec<Block> = Vec::new();
        for margin in ir.sections.iter().flat_map(places).flatten() {
            let words: Vec<Run> = vec![Run::from(
                reader.of(&margin.content).iter().map(Block::words).collect::<Vec<_>>().join(" ").trim(),
            )];
            let note = Block::Note { label: label.to_owned(), text: words };
            if note.words().trim() != "" && !seen.contains(&note) {
                seen.push(note);
            }
        }
        seen
    };
    let headers = once("header", |section| [&section.header, &section.first_page_header, &section.even_page_header]);
    let footers = once("footer", |section| [&section.footer, &section.first_page_footer, &section.even_page_footer]);
    (headers, footers)
}

#[derive(Default)]
struct Parts {
    done: Vec<Page>,
    open: Vec<Block>,
    chars: usize,
}

impl Parts {
    fn extend(&mut self, blocks: Vec<Block>) {
        for block in blocks {
            if self.chars >= PART_CHARS {
                self.turn();
            }
            self.chars += block.words().len();
            self.open.push(block);
        }
    }

    /// The next block begins a part.
    fn turn(&mut self) {
        if !self.open.is_empty() {
            self.done.push(Page { blocks: std::mem::take(&mut self.open), ..Page::default() });
        }
        self.chars = 0;
    }

    fn finish(mut self) -> Vec<Page> {
        self.turn();
        self.done
    }
}
