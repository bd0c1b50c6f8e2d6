//! Which part of a document is wanted, and what it looks like.

use serde::Serialize;

use super::super::{Note, Reach};
use super::{Content, Input};
use crate::documents::extract::Unreadable;
use crate::documents::render::{self, NotThere, Shown, Wanted};
use crate::documents::{self, ExtractError, Extracted, Job};
use crate::refusal::{Code, Refusal};

/// What the arguments ask for.
pub(super) fn wanted(input: &Input, max_chars: usize) -> Result<Wanted, Refusal> {
    for (name, page) in [("startPage", input.start_page), ("endPage", input.end_page)] {
        if page == Some(0) {
            return Err(Refusal::argument(name, format!("`{name}` counts from 1.")));
        }
    }
    let range = input.range.as_deref().map(str::parse).transpose();
    Ok(Wanted {
        form: input.format.unwrap_or_default(),
        start_page: input.start_page,
        end_page: input.end_page,
        sheet: input.sheet.clone(),
        range: range.map_err(|error| Refusal::argument("range", format!("`range` is not understood: {error}.")))?,
        from: 0,
        max_chars,
    })
}

/// What a cursor is good for: the same part of the same resource, however much of it is taken at a time.
pub(super) fn question<'q>(uri: &'q str, wanted: &'q Wanted) -> impl Serialize + 'q {
    let range = wanted.range.map(|range| range.to_string());
    (uri, wanted.form, wanted.start_page, wanted.end_page, &wanted.sheet, range)
}

/// The part that is wanted.
pub(super) fn show(content: &Content, wanted: &Wanted) -> Result<Shown, Refusal> {
    match content {
        Content::Text(text) => Ok(render::show_text(text, wanted)),
        Content::Document(extracted) => render::show(extracted, wanted).map_err(not_there),
    }
}

fn not_there(error: NotThere) -> Refusal {
    let parameter = match error {
        NotThere::Page { .. } => "startPage",
        NotThere::Sheet { .. } => "sheet",
        NotThere::OtherKind(_) => "uri",
    };
    Refusal::argument(parameter, format!("There is no such part: {error}."))
}

/// Reads a file, and says what its reader remarked.
pub(super) async fn extract(reach: &Reach<'_>, job: Job, notes: &mut Vec<Note>) -> Result<Extracted, Refusal> {
    let extracted = documents::read(&*reach.services.documents, job).await.map_err(|error| refused(&error))?;
    notes.extend(extracted.remarks.iter().map(|remark| Note::new(remark.code.as_str(), remark.message.clone())));
    Ok(extracted)
}

fn refused(error: &ExtractError) -> Refusal {
    let code = match error {
        ExtractError::TooLarge { .. } | ExtractError::Unreadable(Unreadable::TooLarge) => Code::TooLarge,
        ExtractError::Unreadable(_) | ExtractError::GaveUp | ExtractError::NoWorker => Code::ConversionFailed,
    };
    Refusal::new(code, format!("The document was not read: {error}."))
}
