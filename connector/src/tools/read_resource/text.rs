//! The HTML of a message as text. Converted aside: one that takes long, or that the converter cannot stand, is one refusal and no
//! more. A message's body comes from Graph, which has cleaned it; files go to a worker.

use std::time::Duration;

use super::super::Note;
use crate::documents::extract::{self, Unreadable};
use crate::refusal::{Code, Refusal};

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn of_html(html: String, notes: &mut Vec<Note>) -> Result<String, Refusal> {
    let conversion = tokio::task::spawn_blocking(move || extract::html_to_text(&html));
    match tokio::time::timeout(PATIENCE, conversion).await {
        Ok(Ok(Ok((text, remark)))) => {
            notes.extend(remark.map(|remark| Note::new(remark.code.as_str(), remark.message)));
            Ok(text)
        }
        Ok(Ok(Err(Unreadable::TooLarge))) => {
            Err(Refusal::new(Code::TooLarge, "The HTML is larger than this connector converts."))
        }
        Ok(_) => Err(Refusal::new(Code::ConversionFailed, "The HTML could not be made into text.")),
        Err(_) => Err(Refusal::new(Code::ConversionFailed, "The HTML takes too long to be made into text.")),
    }
}
