//! Messages, folders and attachments as JSON.
//!
//! Each property of a message is written once, when it is first asked for, and copied from then on.

use super::super::json::{array, boolean, key, number, optional, recipient, string, time};
use crate::graph::error::GraphError;
use crate::graph::exchange_id::IdType;
use crate::graph::odata::record::{Record, Schema, Type, Value};
use crate::graph::prefer::Prefer;
use crate::mailbox::{Attachment, AttachmentKind, BodyKind, Correspondent, Folder, Item, Message, Wire};

/// A set of properties, one bit each, by their place in [`PROPERTIES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Properties(u32);

/// Properties of a message in the order in which Graph writes them. The last ones come only on request.
const PROPERTIES: &[&str] = &[
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "receivedDateTime",
    "sentDateTime",
    "hasAttachments",
    "internetMessageId",
    "subject",
    "bodyPreview",
    "importance",
    "parentFolderId",
    "conversationId",
    "conversationIndex",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "isRead",
    "isDraft",
    "webLink",
    "inferenceClassification",
    "body",
    "sender",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "flag",
    "uniqueBody",
    "internetMessageHeaders",
];
const ON_REQUEST: usize = 2;
/// What `Mail.ReadBasic` does not show.
const BODIES: [&str; 3] = ["body", "bodyPreview", "uniqueBody"];

impl Properties {
    /// What is answered without `$select`.
    pub(super) const DEFAULT: Self = Self((1 << (PROPERTIES.len() - ON_REQUEST)) - 1);

    /// What `$select` names. `id` is always there.
    pub(super) fn selected(names: &[String]) -> Result<Self, GraphError> {
        let mut set = 0;
        for name in names {
            match PROPERTIES.iter().position(|known| known.eq_ignore_ascii_case(name)) {
                Some(at) => set |= 1 << at,
                None if name.eq_ignore_ascii_case("id") => {}
                None if name == "*" => set |= Self::DEFAULT.0,
                None => return Err(super::no_property(name, "Message")),
            }
        }
        Ok(Self(set))
    }

    /// Without what shows the body.
    pub(super) fn without_bodies(self) -> Self {
        Self(BODIES.iter().fold(self.0, |set, name| set & !Self::bit(name)))
    }

    fn bit(name: &str) -> u32 {
        PROPERTIES.iter().position(|known| *known == name).map_or(0, |at| 1 << at)
    }

    fn each(self) -> impl Iterator<Item = (usize, &'static str)> {
        PROPERTIES.iter().enumerate().filter(move |(at, _)| self.0 & (1 << at) != 0).map(|(at, name)| (at, *name))
    }
}

/// A message without its closing brace, for more to follow.
pub(super) fn message(out: &mut Vec<u8>, message: &Message, folder_id: &str, set: Properties, prefer: &Prefer) {
    let body = prefer.body_kind();
    out.extend_from_slice(b"\"@odata.etag\":\"W/\\\"");
    out.extend_from_slice(message.change_key.as_bytes());
    out.extend_from_slice(b"\\\"\"");
    key(out, "id");
    string(out, &id(message, prefer));
    let wire = message.wire(|| written(message, folder_id));
    for (at, name) in set.each() {
        if body == BodyKind::Text && matches!(name, "body" | "uniqueBody") {
            key(out, name);
            item_body(out, message, body);
        } else {
            out.push(b',');
            out.extend_from_slice(wire.part(at));
        }
    }
}

/// A message's id in the form that the caller prefers.
pub(super) fn id<'a>(message: &'a Message, prefer: &Prefer) -> std::borrow::Cow<'a, str> {
    prefer.ids.of(&message.id, message.first_id())
}

fn written(message: &Message, folder_id: &str) -> Wire {
    let mut wire = Wire::default();
    for name in PROPERTIES {
        let mut out = Vec::new();
        string(&mut out, name);
        out.push(b':');
        property(&mut out, name, message, folder_id);
        wire.push(&out);
    }
    wire
}

fn property(out: &mut Vec<u8>, name: &str, message: &Message, folder_id: &str) {
    match name {
        "createdDateTime" | "receivedDateTime" => time(out, message.received),
        "lastModifiedDateTime" => time(out, message.modified),
        "sentDateTime" => time(out, message.sent.unwrap_or(message.received)),
        "changeKey" => string(out, &message.change_key),
        "categories" => array(out, &message.categories, |out, category| string(out, category)),
        "parentFolderId" => string(out, folder_id),
        "conversationId" => string(out, &message.conversation_id),
        "conversationIndex" => string(out, &message.conversation_index),
        "isRead" => boolean(out, message.is_read),
        "isDraft" => boolean(out, message.is_draft),
        "webLink" => {
            let id = percent_encoding::utf8_percent_encode(&message.id, percent_encoding::NON_ALPHANUMERIC);
            string(out, &format!("https://outlook.office365.com/owa/?ItemID={id}&exvsurl=1&viewmodel=ReadMessageItem"));
        }
        "inferenceClassification" => string(out, "focused"),
        "flag" => {
            out.extend_from_slice(b"{\"flagStatus\":");
            string(out, flag_status(message));
            out.push(b'}');
        }
        _ => item_property(out, name, message),
    }
}

/// Properties that come from the file alone.
fn item_property(out: &mut Vec<u8>, name: &str, item: &Item) {
    let one = |out: &mut Vec<u8>, person: Option<&Correspondent>| match person {
        Some(person) => recipient(out, person),
        None => out.extend_from_slice(b"null"),
    };
    match name {
        "hasAttachments" => boolean(out, item.has_attachments()),
        "internetMessageId" => optional(out, item.internet_message_id.as_deref()),
        "subject" => string(out, &item.subject),
        "bodyPreview" => string(out, item.body.preview()),
        "importance" => string(out, item.importance.as_str()),
        "isDeliveryReceiptRequested" => boolean(out, item.wants_delivery_receipt),
        "isReadReceiptRequested" => boolean(out, item.wants_read_receipt),
        "body" | "uniqueBody" => item_body(out, item, BodyKind::Html),
        "sender" => one(out, item.sender.as_ref()),
        "from" => one(out, item.from.as_ref()),
        "toRecipients" => array(out, &item.to, recipient),
        "ccRecipients" => array(out, &item.cc, recipient),
        "bccRecipients" => array(out, &item.bcc, recipient),
        "replyTo" => array(out, &item.reply_to, recipient),
        "internetMessageHeaders" => array(out, &item.headers, |out, (name, value)| {
            out.extend_from_slice(b"{\"name\":");
            string(out, name);
            out.extend_from_slice(b",\"value\":");
            string(out, value);
            out.push(b'}');
        }),
        _ => out.extend_from_slice(b"null"),
    }
}

fn item_body(out: &mut Vec<u8>, item: &Item, kind: BodyKind) {
    out.extend_from_slice(b"{\"contentType\":");
    string(out, kind.as_str());
    out.extend_from_slice(b",\"content\":");
    string(out, item.body.content(kind));
    out.push(b'}');
}

fn flag_status(message: &Message) -> &'static str {
    if message.is_flagged { "flagged" } else { "notFlagged" }
}

/// What messages can be filtered and ordered by.
pub(super) const MESSAGE: &Schema = &[
    ("id", Type::Text),
    ("subject", Type::Text),
    ("bodyPreview", Type::Text),
    ("body/content", Type::Text),
    ("receivedDateTime", Type::Time),
    ("sentDateTime", Type::Time),
    ("createdDateTime", Type::Time),
    ("lastModifiedDateTime", Type::Time),
    ("isRead", Type::Bool),
    ("isDraft", Type::Bool),
    ("hasAttachments", Type::Bool),
    ("isDeliveryReceiptRequested", Type::Bool),
    ("isReadReceiptRequested", Type::Bool),
    ("importance", Type::Text),
    ("inferenceClassification", Type::Text),
    ("flag/flagStatus", Type::Text),
    ("from/emailAddress/address", Type::Text),
    ("from/emailAddress/name", Type::Text),
    ("sender/emailAddress/address", Type::Text),
    ("sender/emailAddress/name", Type::Text),
    ("toRecipients", Type::People),
    ("ccRecipients", Type::People),
    ("bccRecipients", Type::People),
    ("replyTo", Type::People),
    ("categories", Type::Texts),
    ("conversationId", Type::Text),
    ("internetMessageId", Type::Text),
    ("parentFolderId", Type::Text),
    ("changeKey", Type::Text),
];

/// A message to filter by.
pub(super) struct Filtered<'a> {
    pub(super) message: &'a Message,
    pub(super) folder_id: &'a str,
    /// Who may not read bodies may not probe them by filter either.
    pub(super) shows_body: bool,
}

impl Record for Filtered<'_> {
    fn value(&self, name: &str) -> Value<'_> {
        let message = self.message;
        match name {
            "id" => Value::Text(&message.id),
            "subject" => Value::Text(&message.subject),
            "bodyPreview" if self.shows_body => Value::Text(message.body.preview()),
            "body/content" if self.shows_body => Value::Text(message.body.content(BodyKind::Html)),
            "receivedDateTime" | "createdDateTime" => Value::Time(message.received),
            "lastModifiedDateTime" => Value::Time(message.modified),
            "sentDateTime" => Value::Time(message.sent.unwrap_or(message.received)),
            "isRead" => Value::Bool(message.is_read),
            "isDraft" => Value::Bool(message.is_draft),
            "hasAttachments" => Value::Bool(message.has_attachments()),
            "isDeliveryReceiptRequested" => Value::Bool(message.wants_delivery_receipt),
            "isReadReceiptRequested" => Value::Bool(message.wants_read_receipt),
            "importance" => Value::Text(message.importance.as_str()),
            "inferenceClassification" => Value::Text("focused"),
            "flag/flagStatus" => Value::Text(flag_status(message)),
            "from/emailAddress/address" => address(message.from.as_ref()),
            "from/emailAddress/name" => name_of(message.from.as_ref()),
            "sender/emailAddress/address" => address(message.sender.as_ref()),
            "sender/emailAddress/name" => name_of(message.sender.as_ref()),
            "toRecipients" => Value::People(&message.to),
            "ccRecipients" => Value::People(&message.cc),
            "bccRecipients" => Value::People(&message.bcc),
            "replyTo" => Value::People(&message.reply_to),
            "categories" => Value::Texts(&message.categories),
            "conversationId" => Value::Text(&message.conversation_id),
            "internetMessageId" => message.internet_message_id.as_deref().map_or(Value::Null, Value::Text),
            "parentFolderId" => Value::Text(self.folder_id),
            "changeKey" => Value::Text(&message.change_key),
            _ => Value::Null,
        }
    }
}

fn address(person: Option<&Correspondent>) -> Value<'_> {
    person.map_or(Value::Null, |person| Value::Text(&person.address))
}

fn name_of(person: Option<&Correspondent>) -> Value<'_> {
    person.map_or(Value::Null, |person| Value::Text(&person.name))
}

/// A folder's properties, in order.
pub(super) const FOLDER: &[&str] =
    &["displayName", "parentFolderId", "childFolderCount", "unreadItemCount", "totalItemCount", "isHidden"];

/// A folder without its closing brace.
pub(super) fn folder(out: &mut Vec<u8>, folder: &Folder, parent_id: &str, children: usize, select: Option<&[String]>) {
    key(out, "id");
    string(out, &folder.id);
    for name in FOLDER {
        if select.is_some_and(|select| !select.iter().any(|selected| selected.eq_ignore_ascii_case(name))) {
            continue;
        }
        key(out, name);
        match *name {
            "displayName" => string(out, &folder.display_name),
            "parentFolderId" => string(out, parent_id),
            "childFolderCount" => number(out, children),
            "unreadItemCount" => number(out, folder.unread),
            "totalItemCount" => number(out, folder.total),
            _ => boolean(out, false),
        }
    }
}

/// An attachment's properties, in order.
pub(super) const ATTACHMENT: &[&str] = &[
    "lastModifiedDateTime",
    "name",
    "contentType",
    "size",
    "isInline",
    "contentId",
    "contentLocation",
    "contentBytes",
];

/// An attachment without its closing brace.
pub(super) fn attachment(
    out: &mut Vec<u8>,
    attachment: &Attachment,
    message: &Message,
    select: Option<&[String]>,
    ids: IdType,
) {
    use base64::Engine as _;
    key(out, "@odata.type");
    string(out, attachment.kind.odata_type());
    if let Some(content_type) = &attachment.content_type {
        key(out, "@odata.mediaContentType");
        string(out, content_type);
    }
    key(out, "id");
    ids.write(out, &attachment.id);
    for name in ATTACHMENT {
        let is_of_files = matches!(*name, "contentId" | "contentLocation" | "contentBytes");
        if (is_of_files && attachment.kind != AttachmentKind::File)
            || select.is_some_and(|select| !select.iter().any(|selected| is_named(selected, name)))
        {
            continue;
        }
        key(out, name);
        match *name {
            "lastModifiedDateTime" => time(out, message.received),
            "name" => string(out, &attachment.name),
            "contentType" => optional(out, attachment.content_type.as_deref()),
            "size" => number(out, attachment.content.len()),
            "isInline" => boolean(out, attachment.is_inline),
            "contentId" => optional(out, attachment.content_id.as_deref()),
            "contentLocation" => optional(out, attachment.content_location.as_deref()),
            _ => {
                out.push(b'"');
                out.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(&attachment.content).as_bytes());
                out.push(b'"');
            }
        }
    }
}

/// `contentBytes`, or with its cast `microsoft.graph.fileAttachment/contentBytes`.
fn is_named(selected: &str, name: &str) -> bool {
    selected.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(name))
}

/// Whether `$select` of attachments names only what there is.
pub(super) fn check_attachment_select(select: Option<&[String]>) -> Result<(), GraphError> {
    for name in select.into_iter().flatten() {
        if !name.eq_ignore_ascii_case("id") && !ATTACHMENT.iter().any(|known| is_named(name, known)) {
            return Err(super::no_property(name, "Attachment"));
        }
    }
    Ok(())
}

/// An attached message, as `$expand=microsoft.graph.itemAttachment/item` shows it.
pub(super) fn attached_item(out: &mut Vec<u8>, item: &Item, received: jiff::Timestamp, body: BodyKind) {
    out.extend_from_slice(b"{\"@odata.type\":\"#microsoft.graph.message\",\"id\":\"\"");
    for name in [
        "receivedDateTime",
        "sentDateTime",
        "hasAttachments",
        "internetMessageId",
        "subject",
        "importance",
        "isDeliveryReceiptRequested",
        "isReadReceiptRequested",
        "body",
        "sender",
        "from",
        "toRecipients",
        "ccRecipients",
        "bccRecipients",
        "replyTo",
    ] {
        key(out, name);
        match name {
            "receivedDateTime" | "sentDateTime" => time(out, item.sent.unwrap_or(received)),
            "body" => item_body(out, item, body),
            _ => item_property(out, name, item),
        }
    }
    out.push(b'}');
}
