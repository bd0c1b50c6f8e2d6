//! Attachments: files, inline images and attached messages.

use bytes::Bytes;
use fixtures::ids::{TenantId, UserId, exchange_id};
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, Message, MessagePart, MimeHeaders as _, PartType};

/// One attachment.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// `id`.
    pub id: String,
    /// File or item.
    pub kind: AttachmentKind,
    /// `name`.
    pub name: String,
    /// `contentType`; absent for items.
    pub content_type: Option<String>,
    /// `isInline`: shown inside the body; does not count for `hasAttachments`.
    pub is_inline: bool,
    /// `contentId`, without angle brackets.
    pub content_id: Option<String>,
    /// `contentLocation`.
    pub content_location: Option<String>,
    /// The decoded bytes; for an item its MIME form.
    pub content: Bytes,
}

/// Which of Graph's attachment types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentKind {
    /// `#microsoft.graph.fileAttachment`.
    File,
    /// `#microsoft.graph.itemAttachment`: another message.
    Item,
    /// `#microsoft.graph.referenceAttachment`: a link to a file that lies elsewhere (`message/external-body; access-type=URL`, RFC 2017).
    Reference,
}

impl AttachmentKind {
    /// `@odata.type`.
    pub const fn odata_type(self) -> &'static str {
        match self {
            Self::File => "#microsoft.graph.fileAttachment",
            Self::Item => "#microsoft.graph.itemAttachment",
            Self::Reference => "#microsoft.graph.referenceAttachment",
        }
    }
}

/// Where the attachments of one message belong.
pub(super) struct Place<'a> {
    pub(super) tenant: TenantId,
    pub(super) owner: UserId,
    pub(super) handle: &'a str,
    pub(super) mime: &'a Bytes,
}

impl Place<'_> {
    pub(super) fn attachment(&self, part: &MessagePart<'_>, number: usize) -> Attachment {
        let kind = match &part.body {
            PartType::Message(_) => AttachmentKind::Item,
            _ if is_reference(part) => AttachmentKind::Reference,
            _ => AttachmentKind::File,
        };
        let content_type = part.content_type().map(|kind| match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()).to_lowercase(),
            None => kind.ctype().to_lowercase(),
        });
        let disposition = part.content_disposition().map(|how| how.ctype().to_lowercase());
        let content_id = part.content_id().map(str::to_owned);
        let name = part
            .attachment_name()
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map_or_else(|| unnamed(part, content_type.as_deref(), number), str::to_owned);
        Attachment {
            id: exchange_id("attachment", self.tenant, self.owner, &format!("{}#{number}", self.handle)),
            kind,
            name,
            content_type: match kind {
                AttachmentKind::File => Some(content_type.unwrap_or_else(|| "text/plain".to_owned())),
                AttachmentKind::Item => None,
                AttachmentKind::Reference => self.referred_type(part),
            },
            is_inline: content_id.is_some() && disposition.as_deref() != Some("attachment"),
            content_id,
            content_location: part.content_location().map(str::to_owned),
            content: self.content(part),
        }
    }

    /// The type of the file that a reference leads to: in the headers that stand in the place of a body (RFC 2046, 5.2.3).
    fn referred_type(&self, part: &MessagePart<'_>) -> Option<String> {
        let headers = self.content(part);
        let headers = String::from_utf8_lossy(&headers).into_owned();
        let value = headers.lines().filter_map(|line| line.split_once(':'));
        let value =
            value.filter(|(name, _)| name.eq_ignore_ascii_case("content-type")).map(|(_, value)| value).next()?;
        Some(value.split(';').next().unwrap_or(value).trim().to_lowercase())
    }

    /// The bytes as they were before the transfer encoding: the parser's own text parts are already converted to UTF-8.
    fn content(&self, part: &MessagePart<'_>) -> Bytes {
        let end = (part.raw_end_offset() as usize).min(self.mime.len());
        let raw = (part.raw_body_offset() as usize).min(end)..end;
        let raw = self.mime.slice(raw);
        match (&part.body, part.encoding) {
            (PartType::Binary(bytes) | PartType::InlineBinary(bytes), Encoding::Base64 | Encoding::QuotedPrintable) => {
                Bytes::copy_from_slice(bytes)
            }
            (PartType::Message(message), Encoding::Base64 | Encoding::QuotedPrintable) => {
                Bytes::copy_from_slice(message.raw_message.as_ref())
            }
            (_, Encoding::Base64) => base64_decode(&raw).map_or(raw, Bytes::from),
            (_, Encoding::QuotedPrintable) => quoted_printable_decode(&raw).map_or(raw, Bytes::from),
            (_, Encoding::None) => raw,
        }
    }
}

/// Whether a part is a link to a file.
fn is_reference(part: &MessagePart<'_>) -> bool {
    part.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case("message")
            && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("external-body"))
            && kind.attribute("access-type").is_some_and(|access| access.eq_ignore_ascii_case("url"))
    })
}

/// A name for what has none, in the manner of Exchange.
fn unnamed(part: &MessagePart<'_>, content_type: Option<&str>, number: usize) -> String {
    if let PartType::Message(message) = &part.body {
        return message.subject().map_or_else(|| "Attached Message".to_owned(), str::to_owned);
    }
    let extension = match content_type {
        None | Some("text/plain") => "txt",
        Some("text/html") => "htm",
        Some("image/png") => "png",
        Some("image/jpeg") => "jpg",
        Some("image/gif") => "gif",
        Some("application/pdf") => "pdf",
        Some("message/rfc822") => "eml",
        Some(_) => "bin",
    };
    format!("ATT{:05}.{extension}", number + 1)
}

/// The attachments of a parsed message.
pub(super) fn all(message: &Message<'_>, places: &[u32], place: &Place<'_>) -> Vec<Attachment> {
    places.iter().enumerate().filter_map(|(number, at)| Some(place.attachment(message.part(*at)?, number))).collect()
}
