//! What callers write into messages: JSON in, the parts of a message out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::graph::body::Fields;
use crate::graph::error::GraphError;
use crate::mailbox::{AttachmentKind, Correspondent, Draft, Importance, MessageEdit, Part};

/// Members of a message. Those that callers cannot set are taken and ignored, as the real service does with what clients send back.
const MESSAGE: &[&str] = &[
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "receivedDateTime",
    "sentDateTime",
    "hasAttachments",
    "internetMessageId",
    "internetMessageHeaders",
    "subject",
    "body",
    "bodyPreview",
    "importance",
    "parentFolderId",
    "sender",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "conversationId",
    "conversationIndex",
    "uniqueBody",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "isRead",
    "isDraft",
    "webLink",
    "inferenceClassification",
    "flag",
    "attachments",
    "singleValueExtendedProperties",
    "multiValueExtendedProperties",
    "extensions",
];
/// What only drafts let change.
const OF_DRAFTS: &[&str] = &[
    "subject",
    "body",
    "sender",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "internetMessageId",
    "internetMessageHeaders",
];
const IMPORTANCE: &[(&str, Importance)] =
    &[("low", Importance::Low), ("normal", Importance::Normal), ("high", Importance::High)];

/// A message object.
pub(super) struct Written<'a> {
    fields: Fields<'a>,
}

impl<'a> Written<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self, GraphError> {
        Fields::of(value, "message", MESSAGE).map(|fields| Self { fields })
    }

    /// Whether it says anything that only drafts let change.
    pub(super) fn is_for_drafts(&self) -> bool {
        self.fields.any(OF_DRAFTS).is_some()
    }

    pub(super) fn has_body(&self) -> bool {
        self.fields.get("body").is_some()
    }

    /// Lays what it says over a draft.
    pub(super) fn onto(&self, draft: &mut Draft) -> Result<(), GraphError> {
        let fields = &self.fields;
        if let Some(subject) = fields.text("subject")? {
            subject.clone_into(&mut draft.subject);
        }
        if let Some(body) = fields.get("body").filter(|body| !body.is_null()) {
            let body = Fields::of(body, "itemBody", &["contentType", "content"])?;
            draft.is_text = body
                .word("contentType", "microsoft.graph.bodyType", &[("text", true), ("html", false)])?
                .unwrap_or(true);
            body.text("content")?.unwrap_or_default().clone_into(&mut draft.body);
        }
        for (name, list) in [
            ("toRecipients", &mut draft.to),
            ("ccRecipients", &mut draft.cc),
            ("bccRecipients", &mut draft.bcc),
            ("replyTo", &mut draft.reply_to),
        ] {
            if let Some(people) = recipients(fields, name)? {
                *list = people;
            }
        }
        for (name, place) in [("from", &mut draft.from), ("sender", &mut draft.sender)] {
            if let Some(person) = fields.get(name).filter(|person| !person.is_null()) {
                *place = Some(recipient(person)?);
            }
        }
        if let Some(importance) = fields.word("importance", "microsoft.graph.importance", IMPORTANCE)? {
            draft.importance = importance;
        }
        if let Some(wants) = fields.flag("isReadReceiptRequested")? {
            draft.wants_read_receipt = wants;
        }
        if let Some(wants) = fields.flag("isDeliveryReceiptRequested")? {
            draft.wants_delivery_receipt = wants;
        }
        if let Some(id) = fields.text("internetMessageId")?.filter(|id| !id.trim().is_empty()) {
            id.clone_into(&mut draft.message_id);
        }
        for header in fields.items("internetMessageHeaders")?.unwrap_or_default() {
            let header = Fields::of(header, "internetMessageHeader", &["name", "value"])?;
            let (name, value) = (header.need("name")?, header.need("value")?);
            if !is_header_name(name) {
                return Err(GraphError::InternetHeader(name.chars().take(60).collect()));
            }
            draft.headers.push((name.to_owned(), value.to_owned()));
        }
        for attachment in fields.items("attachments")?.unwrap_or_default() {
            draft.attachments.push(part(attachment)?);
        }
        Ok(())
    }

    /// What it says that is no part of the file.
    pub(super) fn edit(&self) -> Result<MessageEdit, GraphError> {
        let fields = &self.fields;
        // A word that is not known is refused; there is nothing to learn from, so a known one changes nothing.
        fields.word(
            "inferenceClassification",
            "microsoft.graph.inferenceClassificationType",
            &[("focused", ()), ("other", ())],
        )?;
        Ok(MessageEdit {
            is_read: fields.flag("isRead")?,
            is_flagged: flag(fields)?,
            categories: fields.texts("categories")?,
            importance: fields.word("importance", "microsoft.graph.importance", IMPORTANCE)?,
            wants_read_receipt: fields.flag("isReadReceiptRequested")?,
            wants_delivery_receipt: fields.flag("isDeliveryReceiptRequested")?,
            file: None,
            is_sent: false,
        })
    }
}

fn flag(fields: &Fields<'_>) -> Result<Option<bool>, GraphError> {
    let Some(flag) = fields.get("flag").filter(|flag| !flag.is_null()) else { return Ok(None) };
    let known = &["flagStatus", "startDateTime", "dueDateTime", "completedDateTime"];
    let status = &[("flagged", true), ("notFlagged", false), ("complete", false)];
    Fields::of(flag, "followupFlag", known)?.word("flagStatus", "microsoft.graph.followupFlagStatus", status)
}

/// Names of the caller's own begin with `x-`.
fn is_header_name(name: &str) -> bool {
    let is_own = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"));
    is_own
        && name.len() > 2
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_')
}

pub(super) fn recipients(fields: &Fields<'_>, name: &str) -> Result<Option<Vec<Correspondent>>, GraphError> {
    fields.items(name)?.map(|items| items.iter().map(recipient).collect()).transpose()
}

fn recipient(value: &Value) -> Result<Correspondent, GraphError> {
    correspondent(&Fields::of(value, "recipient", &["emailAddress"])?)
}

/// The `emailAddress` of a recipient or of something more.
pub(in crate::graph) fn correspondent(recipient: &Fields<'_>) -> Result<Correspondent, GraphError> {
    let Some(address) = recipient.get("emailAddress").filter(|address| !address.is_null()) else {
        return Err(GraphError::Recipients);
    };
    let address = Fields::of(address, "emailAddress", &["name", "address"])?;
    let (name, address) = (address.text("name")?, address.text("address")?.unwrap_or_default().trim());
    // No address that mail could carry holds these, and none may become a header.
    if address.is_empty()
        || address.contains(|letter: char| letter.is_control() || letter.is_whitespace() || "<>,;\"()".contains(letter))
    {
        return Err(GraphError::Recipients);
    }
    let name = name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(address);
    Ok(Correspondent { name: name.to_owned(), address: address.to_owned() })
}

/// An attachment object.
pub(super) fn part(value: &Value) -> Result<Part, GraphError> {
    const KNOWN: &[&str] = &[
        "id",
        "name",
        "contentType",
        "contentBytes",
        "contentId",
        "contentLocation",
        "isInline",
        "size",
        "lastModifiedDateTime",
        "item",
    ];
    let fields = Fields::of(value, "attachment", KNOWN)?;
    let kind = fields.text("@odata.type")?.unwrap_or_default().trim_start_matches('#').to_ascii_lowercase();
    let name = fields.text("name")?.unwrap_or_default().to_owned();
    let is_inline = fields.flag("isInline")?.unwrap_or(false);
    let content_id = fields.text("contentId")?.map(str::to_owned);
    match kind.as_str() {
        "microsoft.graph.fileattachment" | "" => {
            let bytes = STANDARD.decode(fields.need("contentBytes")?).map_err(|_| {
                GraphError::RequestBody(
                    "Cannot convert the value of 'contentBytes' to the expected type 'Edm.Binary'.".to_owned(),
                )
            })?;
            Ok(Part {
                kind: AttachmentKind::File,
                name: if name.is_empty() { "attachment".to_owned() } else { name },
                content_type: fields.text("contentType")?.unwrap_or("application/octet-stream").to_owned(),
                is_inline,
                content_id: content_id.or_else(|| is_inline.then(|| "inline".to_owned())),
                content: bytes.into(),
            })
        }
        "microsoft.graph.itemattachment" => {
            let item = fields
                .get("item")
                .ok_or_else(|| GraphError::RequestBody("The property 'item' is required.".to_owned()))?;
            let mut draft = Draft::default();
            Written::of(item)?.onto(&mut draft)?;
            Ok(Part {
                kind: AttachmentKind::Item,
                name: if name.is_empty() { draft.subject.clone() } else { name },
                content_type: String::new(),
                is_inline: false,
                content_id: None,
                content: draft.file(jiff::Timestamp::UNIX_EPOCH),
            })
        }
        _ => Err(GraphError::RequestBody(format!("A type named '{kind:.60}' could not be resolved by the model."))),
    }
}
