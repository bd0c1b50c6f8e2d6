//! An attachment, if it is a kind of text. Anything else is refused by name, before its content is asked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Kind, Whole, object, text};
use crate::graph::client::Reader;
use crate::graph::mail::Attachment;
use crate::graph::request::GraphRead;
use crate::refusal::{Code, Refusal};
use crate::resource_uri::{Mailbox, Segment};

const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The kinds of text, by the end of the name.
const EXTENSIONS: &[&str] = &["txt", "md", "csv", "tsv", "json", "xml", "html", "htm", "log"];

/// And by type.
const TYPES: &[&str] = &[
    "text/plain",
    "text/markdown",
    "text/csv",
    "text/tab-separated-values",
    "text/html",
    "text/xml",
    "application/json",
    "application/xml",
];

/// Types that say nothing: the name decides.
const VAGUE: &[&str] = &["", "application/octet-stream", "text/x-log", "text/x-markdown", "application/vnd.ms-excel"];

pub(super) async fn read(
    graph: &Reader<'_>,
    mailbox: &Mailbox,
    message: &Segment,
    id: &Segment,
) -> Result<Whole, Refusal> {
    let facts: Attachment = graph.read(&GraphRead::AttachmentFacts { mailbox, message, id }).await?;
    if let Some(refusal) = unreadable(&facts) {
        return Err(refusal);
    }
    let attachment: Attachment = graph.read(&GraphRead::Attachment { mailbox, message, id }).await?;
    let not_there = || Refusal::new(Code::ConversionFailed, "The attachment comes without content.");
    let bytes =
        attachment.content_bytes.as_deref().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(not_there)?;
    let declared = attachment.content_type.as_deref().unwrap_or_default();
    let charset = declared.split(';').skip(1).find_map(|part| part.trim().strip_prefix("charset="));
    let decoded = text::of_bytes(&bytes, charset.map(|charset| charset.trim_matches('"')));
    let mut notes = Vec::new();
    let is_html = essence(declared) == "text/html" || matches!(extension(&attachment).as_deref(), Some("html" | "htm"));
    let content = if is_html { text::of_html(decoded, &mut notes).await? } else { decoded };
    Ok(Whole {
        kind: Kind::Attachment,
        mime_type: if essence(declared).is_empty() { "text/plain".to_owned() } else { essence(declared) },
        title: attachment.name.clone(),
        metadata: object(json!({
            "name": attachment.name,
            "contentType": attachment.content_type,
            "size": attachment.size,
            "isInline": attachment.is_inline,
        })),
        content,
        notes,
    })
}

/// Why an attachment is not read, if it is not.
pub(super) fn unreadable(attachment: &Attachment) -> Option<Refusal> {
    let refuse = |mime: &str, why: &str| {
        Some(Refusal::new(
            Code::UnsupportedType,
            format!("This attachment is not read: mime type '{mime}' is not allowed{why}."),
        ))
    };
    match attachment.kind.as_deref() {
        Some("#microsoft.graph.itemAttachment") => return refuse("message/rfc822", " (it is an Outlook item)"),
        Some("#microsoft.graph.referenceAttachment") => {
            return refuse("application/octet-stream", " (it is a link to a file elsewhere)");
        }
        _ => {}
    }
    let mime = essence(attachment.content_type.as_deref().unwrap_or_default());
    let named = extension(attachment).is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()));
    if !(TYPES.contains(&mime.as_str()) || (VAGUE.contains(&mime.as_str()) && named)) {
        return refuse(if mime.is_empty() { "application/octet-stream" } else { &mime }, "");
    }
    (attachment.size.unwrap_or(0) > MAX_BYTES)
        .then(|| Refusal::new(Code::TooLarge, format!("The attachment is larger than {} MB.", MAX_BYTES / 1024 / 1024)))
}

/// The type without parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn extension(attachment: &Attachment) -> Option<String> {
    attachment.name.as_deref()?.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
}
