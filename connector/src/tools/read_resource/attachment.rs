//! An attachment, if it is a kind of file that is read, or an Outlook item. Anything else is refused by name, before its content is asked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::super::Reach;
use super::{Content, Kind, Whole, document, object};
use crate::documents::{Format, Job, format};
use crate::graph::client::Reader;
use crate::graph::mail::Attachment;
use crate::graph::request::GraphRead;
use crate::refusal::{Code, Refusal};
use crate::resource_uri::{Mailbox, Segment};

/// Graph sends the content of files inside JSON: this much of it fits into the largest answer that is taken.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

pub(super) async fn read(
    reach: &Reach<'_>,
    graph: &Reader<'_>,
    mailbox: &Mailbox,
    message: &Segment,
    id: &Segment,
) -> Result<Whole, Refusal> {
    let facts: Attachment = graph.read(&GraphRead::AttachmentFacts { mailbox, message, id }).await?;
    let format = readable(&facts)?;
    let (attachment, format, bytes) = if facts.is_item() {
        let bytes = graph.raw(&GraphRead::AttachedItem { mailbox, message, id }).await?;
        // Events and contacts are exported as iCalendar and vCard, which are text.
        let format = if bytes.starts_with(b"BEGIN:V") { Format::Text } else { format };
        (facts, format, bytes.to_vec())
    } else {
        let attachment: Attachment = graph.read(&GraphRead::Attachment { mailbox, message, id }).await?;
        let not_there = || Refusal::new(Code::ConversionFailed, "The attachment comes without content.");
        let bytes =
            attachment.content_bytes.as_deref().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(not_there)?;
        (attachment, format, bytes)
    };
    let declared = attachment.content_type.as_deref().unwrap_or_default();
    let charset = declared.split(';').skip(1).find_map(|part| part.trim().strip_prefix("charset="));
    let charset = charset.map(|charset| charset.trim_matches('"').to_owned());
    let mut notes = Vec::new();
    let extracted = document::extract(reach, Job { format, charset, bytes }, &mut notes).await?;
    let mime_type = match format::essence(declared) {
        vague if vague.is_empty() || vague == "application/octet-stream" => format.mime_type().to_owned(),
        declared => declared,
    };
    Ok(Whole {
        kind: Kind::Attachment,
        mime_type,
        title: attachment.name.clone(),
        metadata: object(json!({
            "name": attachment.name,
            "contentType": attachment.content_type,
            "size": attachment.size,
            "isInline": attachment.is_inline,
            "documentTitle": extracted.title,
        })),
        content: Content::Document(extracted),
        notes,
    })
}

/// Which kind of file it is, or why it is not read.
pub(super) fn readable(attachment: &Attachment) -> Result<Format, Refusal> {
    let refuse = |mime: &str, why: &str| {
        Err(Refusal::new(
            Code::UnsupportedType,
            format!("This attachment is not read: mime type '{mime}' is not allowed{why}."),
        ))
    };
    if attachment.kind.as_deref() == Some("#microsoft.graph.referenceAttachment") {
        return refuse("application/octet-stream", " (it is a link to a file elsewhere)");
    }
    let format = if attachment.is_item() {
        Some(Format::Eml)
    } else {
        Format::of(attachment.name.as_deref(), attachment.content_type.as_deref())
    };
    let Some(format) = format else {
        let mime = format::essence(attachment.content_type.as_deref().unwrap_or_default());
        return refuse(if mime.is_empty() { "application/octet-stream" } else { &mime }, "");
    };
    if attachment.size.unwrap_or(0) > MAX_BYTES {
        let message = format!("The attachment is larger than {} MB.", MAX_BYTES / 1024 / 1024);
        return Err(Refusal::new(Code::TooLarge, message));
    }
    Ok(format)
}
