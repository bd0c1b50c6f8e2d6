//! From the parts of a message to its file.
//!
//! What is written through Graph becomes a file first and is read back like every other: nothing a message shows comes from elsewhere.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{AttachmentKind, BodyKind, Correspondent, Importance, Item};

/// A message that is being written.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// `internetMessageId`, with angle brackets.
    pub message_id: String,
    /// `subject`.
    pub subject: String,
    /// `from`.
    pub from: Option<Correspondent>,
    /// `sender`, if it is another.
    pub sender: Option<Correspondent>,
    /// `toRecipients`.
    pub to: Vec<Correspondent>,
    /// `ccRecipients`.
    pub cc: Vec<Correspondent>,
    /// `bccRecipients`.
    pub bcc: Vec<Correspondent>,
    /// `replyTo`.
    pub reply_to: Vec<Correspondent>,
    /// `importance`.
    pub importance: Importance,
    /// `isReadReceiptRequested`.
    pub wants_read_receipt: bool,
    /// `isDeliveryReceiptRequested`.
    pub wants_delivery_receipt: bool,
    /// `body`, as HTML unless `is_text`.
    pub body: String,
    /// The body is plain text.
    pub is_text: bool,
    /// Message-IDs of the thread, oldest first, with angle brackets; the last is what this answers.
    pub references: Vec<String>,
    /// `internetMessageHeaders` of the caller's own.
    pub headers: Vec<(String, String)>,
    /// `attachments`.
    pub attachments: Vec<Part>,
}

/// An attachment that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// File or item.
    pub kind: AttachmentKind,
    /// `name`.
    pub name: String,
    /// `contentType`.
    pub content_type: String,
    /// `isInline`.
    pub is_inline: bool,
    /// `contentId`.
    pub content_id: Option<String>,
    /// Its bytes; for an item its MIME form.
    pub content: Bytes,
}

/// How long a line of base64 is.
const LINE: usize = 76;
/// How much text one encoded word holds: with its frame it stays below 76.
const WORD: usize = 42;

impl Draft {
    /// What a message says, to be written again with something changed. Headers that have no property here are lost.
    pub fn of(item: &Item) -> Self {
        let named = |name: &str| item.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        let references = named("References").or_else(|| named("In-Reply-To"));
        let is_text = !item.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("Content-Type") && !value.to_ascii_lowercase().starts_with("text/plain")
        });
        let kind = if is_text { BodyKind::Text } else { BodyKind::Html };
        Self {
            message_id: item.internet_message_id.clone().unwrap_or_default(),
            subject: item.subject.clone(),
            from: item.from.clone(),
            sender: item.sender.clone().filter(|sender| Some(sender) != item.from.as_ref()),
            to: item.to.clone(),
            cc: item.cc.clone(),
            bcc: item.bcc.clone(),
            reply_to: item.reply_to.clone(),
            importance: item.importance,
            wants_read_receipt: item.wants_read_receipt,
            wants_delivery_receipt: item.wants_delivery_receipt,
            body: item.body.content(kind).to_owned(),
            is_text,
            references: references
                .map(|(_, ids)| ids.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            headers: item.headers.iter().filter(|(name, _)| is_own_header(name)).cloned().collect(),
            attachments: item
                .attachments
                .iter()
                .map(|attachment| Part {
                    kind: attachment.kind,
                    name: attachment.name.clone(),
                    content_type: attachment.content_type.clone().unwrap_or_default(),
                    is_inline: attachment.is_inline,
                    content_id: attachment.content_id.clone(),
                    content: attachment.content.clone(),
                })
                .collect(),
        }
    }

    /// The file, dated `now`.
    pub fn file(&self, now: Timestamp) -> Bytes {
        let mut out = String::new();
        let date = now.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
        let from: Vec<_> = self.from.iter().cloned().collect();
        let sender: Vec<_> = self.sender.iter().cloned().collect();
        for (name, people) in [
            ("From", &from),
            ("Sender", &sender),
            ("To", &self.to),
            ("Cc", &self.cc),
            ("Bcc", &self.bcc),
            ("Reply-To", &self.reply_to),
        ] {
            if !people.is_empty() {
                let people: Vec<_> = people.iter().map(mailbox).collect();
                header(&mut out, name, &people.join(",\r\n "));
            }
        }
        header(&mut out, "Subject", &encoded(&one_line(&self.subject)));
        header(&mut out, "Date", &date);
        if !self.message_id.is_empty() {
            header(&mut out, "Message-ID", &one_line(&self.message_id));
        }
        if let Some(last) = self.references.last() {
            header(&mut out, "In-Reply-To", &one_line(last));
            let ids: Vec<_> = self.references.iter().map(|id| one_line(id)).collect();
            header(&mut out, "References", &ids.join("\r\n "));
        }
        if self.importance != Importance::Normal {
            header(&mut out, "Importance", self.importance.as_str());
        }
        let receipts_go_to = self.from.as_ref().map(mailbox).unwrap_or_default();
        if self.wants_read_receipt {
            header(&mut out, "Disposition-Notification-To", &receipts_go_to);
        }
        if self.wants_delivery_receipt {
            header(&mut out, "Return-Receipt-To", &receipts_go_to);
        }
        for (name, value) in &self.headers {
            header(&mut out, &one_line(name), &one_line(value));
        }
        header(&mut out, "MIME-Version", "1.0");
        self.content(&mut out);
        out.into()
    }

    fn content(&self, out: &mut String) {
        let kind = if self.is_text { "text/plain" } else { "text/html" };
        let body = |out: &mut String| {
            header(out, "Content-Type", &format!("{kind}; charset=utf-8"));
            header(out, "Content-Transfer-Encoding", "base64");
            out.push_str("\r\n");
            base64_lines(out, self.body.as_bytes());
        };
        if self.attachments.is_empty() {
            return body(out);
        }
        // No line of base64 begins with two hyphens: only an attached message could hold the boundary, and it is made of this one's id.
        let boundary = boundary(self);
        header(out, "Content-Type", &format!("multipart/mixed; boundary=\"{boundary}\""));
        let _ = write!(out, "\r\n--{boundary}\r\n");
        body(out);
        for part in &self.attachments {
            let _ = write!(out, "--{boundary}\r\n");
            part.write(out);
        }
        let _ = write!(out, "--{boundary}--\r\n");
    }
}

impl Part {
    fn write(&self, out: &mut String) {
        let kind = match self.kind {
            AttachmentKind::Item => "message/rfc822".to_owned(),
            AttachmentKind::File | AttachmentKind::Reference => media_type(&self.content_type),
        };
        header(out, "Content-Type", &kind);
        let how = if self.is_inline { "inline" } else { "attachment" };
        let name = percent_encoding::utf8_percent_encode(&self.name, percent_encoding::NON_ALPHANUMERIC);
        header(out, "Content-Disposition", &format!("{how};\r\n filename*=utf-8''{name}"));
        if let Some(id) = &self.content_id {
            header(out, "Content-ID", &format!("<{}>", one_line(id)));
        }
        // RFC 2046 forbids it for messages; every reader takes it, and so the bytes stay as they are.
        header(out, "Content-Transfer-Encoding", "base64");
        out.push_str("\r\n");
        base64_lines(out, &self.content);
    }
}

/// What a caller may set in `internetMessageHeaders`: names of its own alone.
pub(super) fn is_own_header(name: &str) -> bool {
    name.len() > 2 && name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-")) && name != "X-Priority"
}

fn header(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push_str(": ");
    out.push_str(value);
    out.push_str("\r\n");
}

/// Without what would end the line.
fn one_line(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// `type/subtype` as it is, anything else as bytes.
fn media_type(text: &str) -> String {
    let is_token = |text: &str| {
        !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "!#$&^_.+-".contains(letter))
    };
    match text.trim().split_once('/') {
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) && !kind.eq_ignore_ascii_case("multipart") => {
            text.trim().to_owned()
        }
        _ => "application/octet-stream".to_owned(),
    }
}

/// `Name <address>`.
fn mailbox(person: &Correspondent) -> String {
    let address = one_line(&person.address).replace(['<', '>', ',', ';'], "");
    if person.name.is_empty() || person.name == person.address {
        return format!("<{address}>");
    }
    let name = one_line(&person.name);
    let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == ' ');
    if is_plain { format!("{name} <{address}>") } else { format!("{} <{address}>", words(&name)) }
}

/// A subject: as it is when that is safe, in encoded words otherwise.
fn encoded(text: &str) -> String {
    let is_plain = text.len() <= 900
        && !text.contains("=?")
        && text.chars().all(|letter| letter.is_ascii_graphic() || letter == ' ')
        && text.trim() == text;
    if is_plain { text.to_owned() } else { words(text) }
}

/// RFC 2047, a word to a line.
fn words(text: &str) -> String {
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in text.chars() {
        if word.len() + letter.len_utf8() > WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter);
    }
    words.push(word);
    let words: Vec<_> = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join("\r\n ")
}

fn base64_lines(out: &mut String, bytes: &[u8]) {
    let text = STANDARD.encode(bytes);
    let mut rest = text.as_str();
    while let Some((line, more)) = rest.split_at_checked(LINE) {
        out.push_str(line);
        out.push_str("\r\n");
        rest = more;
    }
    if !rest.is_empty() {
        out.push_str(rest);
        out.push_str("\r\n");
    }
}

fn boundary(draft: &Draft) -> String {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(draft.message_id.as_bytes());
    digest.iter().take(12).fold("part_".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use fixtures::ids::{TenantId, UserId};
    use proptest::prelude::*;

    use super::*;

    fn read(draft: &Draft) -> Item {
        Item::read(draft.file(Timestamp::UNIX_EPOCH), TenantId::derived("t"), UserId::derived("u"), "h")
    }

    fn text() -> impl Strategy<Value = String> {
        // Any text: controls, line ends, other scripts, encoded words, header lines.
        prop_oneof![
            "\\PC{0,80}",
            ".{0,80}",
            Just("a\r\nBcc: eve@x.example".to_owned()),
            Just("=?utf-8?Q?x?=".to_owned())
        ]
    }

    proptest! {
        #[test]
        fn nothing_written_becomes_a_header(subject in text(), name in text(), header in text()) {
            let person = Correspondent { name, address: "ann@x.example".to_owned() };
            let draft = Draft {
                message_id: "<1@x.example>".to_owned(),
                subject, from: Some(person.clone()), to: vec![person],
                headers: vec![("X-Own".to_owned(), header)],
                is_text: true, body: "body".to_owned(),
                ..Draft::default()
            };
            let item = read(&draft);
            prop_assert!(item.bcc.is_empty());
            prop_assert_eq!(item.to.len(), 1);
            prop_assert_eq!(&item.to[0].address, "ann@x.example");
            prop_assert_eq!(item.body.content(BodyKind::Text).trim_end(), "body");
        }

        #[test]
        fn what_is_written_is_read(
            subject in "[ -~\u{e4}\u{5d0}\u{4e00}]{0,120}", body in "[^\r\u{0}]{0,400}", name in "[^\u{0}-\u{1f}/\\\\\u{7f}-\u{9f}]{1,40}",
            bytes in prop::collection::vec(any::<u8>(), 0..300), inline in any::<bool>(),
        ) {
            let part = Part {
                kind: AttachmentKind::File, name: name.trim().to_owned(), content_type: "image/png".to_owned(),
                is_inline: inline, content_id: inline.then(|| "cid1".to_owned()), content: bytes.into(),
            };
            prop_assume!(!part.name.is_empty());
            let draft = Draft {
                message_id: "<1@x.example>".to_owned(), subject, body,
                importance: Importance::High, references: vec!["<0@x.example>".to_owned()],
                attachments: vec![part.clone()], wants_read_receipt: true,
                from: Some(Correspondent { name: "Ann".to_owned(), address: "ann@x.example".to_owned() }),
                ..Draft::default()
            };
            let item = read(&draft);
            prop_assert_eq!(item.subject.trim(), draft.subject.trim());
            prop_assert_eq!(item.body.content(BodyKind::Html), draft.body.as_str());
            prop_assert_eq!(item.importance, Importance::High);
            prop_assert!(item.wants_read_receipt);
            prop_assert_eq!(item.attachments.len(), 1);
            prop_assert_eq!(&item.attachments[0].content, &part.content);
            prop_assert_eq!(&item.attachments[0].name, &part.name);
            prop_assert_eq!(item.attachments[0].is_inline, inline);
            let again = Draft::of(&item);
            prop_assert_eq!(again.attachments, draft.attachments);
            prop_assert_eq!(again.references, draft.references);
            prop_assert_eq!(again.body, draft.body);
        }
    }
}
