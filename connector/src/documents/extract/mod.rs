//! Bytes to structure, one file per family. Runs in a worker alone: whatever happens here, only one answer is lost.

mod html;
mod mail;
mod office;
mod pdf;
mod text;
mod workbook;

pub(crate) use html::to_text as html_to_text;

use super::format::Format;
use super::model::{Extracted, Remark, RemarkCode};

/// Why a file gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is damaged, or not what it says it is.
    #[error("the file is damaged or of another kind than its name says")]
    Damaged,
    /// It opens with a password only.
    #[error("the file is protected by a password")]
    Protected,
    /// What comes out of it is more than is given.
    #[error("the file holds more than can be read at once")]
    TooLarge,
}

/// Reads a file. `charset` is what its sender declared, for kinds that do not say it themselves.
pub fn extract(promised: Format, charset: Option<&str>, bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let format = promised.seen_in(bytes);
    let mut extracted = match format {
        Format::Docx | Format::Pptx | Format::Doc | Format::Ppt => office::read(format, bytes),
        Format::Xlsx | Format::Xls => workbook::read(format, bytes),
        Format::Pdf => pdf::read(bytes),
        Format::Html => html::read(&text::decode(bytes, charset)),
        Format::Eml => mail::read(bytes),
        Format::Text => Ok(text::read(bytes, charset)),
    }?;
    if format != promised {
        let message = format!("The file is read as what it is: {}.", format.mime_type());
        extracted.remarks.push(Remark { code: RemarkCode::OtherKind, message });
    }
    if !extracted.body.has_words() {
        let message = "No text is in this file: it is empty, a scan, or pictures.".to_owned();
        extracted.remarks.push(Remark { code: RemarkCode::NoText, message });
    }
    Ok(extracted)
}
