//! One message: what is in its file, read once, and what its mailbox adds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fixtures::ids::{TenantId, UserId, exchange_id};
use fixtures::plan::{Dates, Message as Row};
use jiff::{SignedDuration, Timestamp};
use mail_parser::{Header, HeaderName, HeaderValue, MessageParser};
use sha2::{Digest as _, Sha256};

use super::attachment::{self, Attachment, Place};
use super::{Body, Correspondent, FolderIndex, dates, mime};

/// A message in a folder of a mailbox. Dereferences to what its file says.
#[derive(Debug, Clone)]
pub struct Message {
    /// `id`.
    pub id: String,
    /// The `id` it came into its mailbox with, when it has been moved since: what its immutable id is made of.
    pub(super) first_id: Option<String>,
    /// The folder it lies in.
    pub folder: FolderIndex,
    /// `changeKey`; inside `W/"…"` the etag.
    pub change_key: String,
    /// `conversationId`.
    pub conversation_id: String,
    /// `conversationIndex`, base64.
    pub conversation_index: String,
    /// `receivedDateTime` and `createdDateTime`.
    pub received: Timestamp,
    /// `lastModifiedDateTime`.
    pub modified: Timestamp,
    /// `isRead`.
    pub is_read: bool,
    /// `isDraft`.
    pub is_draft: bool,
    /// `flag.flagStatus` is `flagged`.
    pub is_flagged: bool,
    /// `categories`.
    pub categories: Vec<String>,
    /// What the file says.
    pub item: Item,
    /// Message-IDs of the thread, oldest first: those of `References` and `In-Reply-To`.
    thread: Vec<String>,
    owner: (TenantId, UserId),
    wire: OnceLock<Wire>,
    digest: OnceLock<[u8; 32]>,
}

/// A message that comes into being while the emulator runs: its file, and what its mailbox adds.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Ids derive from it.
    pub handle: String,
    /// The file.
    pub mime: Bytes,
    /// `receivedDateTime`.
    pub received: Timestamp,
    /// `isRead`.
    pub is_read: bool,
    /// `isDraft`.
    pub is_draft: bool,
    /// `flag.flagStatus` is `flagged`.
    pub is_flagged: bool,
    /// `categories`.
    pub categories: Vec<String>,
}

/// The properties of a message as they go over the wire, written once. Whoever shows messages decides what they look like.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Wire {
    /// Adds a part.
    pub fn push(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
        self.ends.push(self.bytes.len());
    }

    /// A part by the order in which it was added; nothing if there are not so many.
    pub fn part(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        start.zip(self.ends.get(at)).and_then(|(start, end)| self.bytes.get(start..*end)).unwrap_or_default()
    }
}

impl std::ops::Deref for Message {
    type Target = Item;
    fn deref(&self) -> &Item {
        &self.item
    }
}

/// What a message's file says.
#[derive(Debug, Clone, Default)]
pub struct Item {
    /// The file: what `$value` answers.
    pub mime: Bytes,
    /// `internetMessageId`, with angle brackets.
    pub internet_message_id: Option<String>,
    /// `subject`.
    pub subject: String,
    /// `from`.
    pub from: Option<Correspondent>,
    /// `sender`: who sent it for whoever it is from.
    pub sender: Option<Correspondent>,
    /// `toRecipients`.
    pub to: Vec<Correspondent>,
    /// `ccRecipients`.
    pub cc: Vec<Correspondent>,
    /// `bccRecipients`.
    pub bcc: Vec<Correspondent>,
    /// `replyTo`.
    pub reply_to: Vec<Correspondent>,
    /// `sentDateTime`.
    pub sent: Option<Timestamp>,
    /// When the last server took it, if one said so.
    delivered: Option<Timestamp>,
    /// `importance`.
    pub importance: Importance,
    /// `isReadReceiptRequested`.
    pub wants_read_receipt: bool,
    /// `isDeliveryReceiptRequested`.
    pub wants_delivery_receipt: bool,
    /// `internetMessageHeaders`, in order.
    pub headers: Vec<(String, String)>,
    /// `body`.
    pub body: Body,
    /// `attachments`.
    pub attachments: Vec<Attachment>,
}

/// `importance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Importance {
    /// `low`.
    Low,
    /// `normal`.
    #[default]
    Normal,
    /// `high`.
    High,
}

impl Importance {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

impl Item {
    /// `hasAttachments`: inline ones do not count.
    pub fn has_attachments(&self) -> bool {
        self.attachments.iter().any(|attachment| !attachment.is_inline)
    }

    /// Reads a file. Whatever it is, something comes of it.
    pub fn read(file: Bytes, tenant: TenantId, owner: UserId, handle: &str) -> Self {
        Self::read_threaded(file, tenant, owner, handle).0
    }

    fn read_threaded(file: Bytes, tenant: TenantId, owner: UserId, handle: &str) -> (Self, Vec<String>) {
        // The parser takes no header without a line end, and a file may stop in the middle of one.
        let ended = if file.ends_with(b"\n") { file.clone() } else { [file.as_ref(), b"\n"].concat().into() };
        let parser = MessageParser::default();
        // Messages inside messages are dropped one inside the other: a file made of nothing else would end the stack.
        let parsed =
            if nesting(&ended) > NESTING { parser.parse_headers(ended.as_ref()) } else { parser.parse(ended.as_ref()) };
        let Some(parsed) = parsed else {
            return (Self { mime: file, ..Self::default() }, Vec::new());
        };
        let headers = parsed.headers();
        let parts = mime::leaves(&parsed);
        let text = |at: Option<u32>| at.and_then(|at| parsed.part(at)?.text_contents());
        let place = Place { tenant, owner, handle, mime: &file };
        let from = Correspondent::all(address(headers, &HeaderName::From)).into_iter().next();
        let sender = Correspondent::all(address(headers, &HeaderName::Sender)).into_iter().next();
        let mut thread = ids(headers, &HeaderName::References);
        thread.extend(ids(headers, &HeaderName::InReplyTo));
        let item = Self {
            internet_message_id: ids(headers, &HeaderName::MessageId).into_iter().next().map(|id| format!("<{id}>")),
            subject: first(headers, &HeaderName::Subject).and_then(HeaderValue::as_text).unwrap_or_default().to_owned(),
            sender: sender.or_else(|| from.clone()),
            from,
            to: Correspondent::all(address(headers, &HeaderName::To)),
            cc: Correspondent::all(address(headers, &HeaderName::Cc)),
            bcc: Correspondent::all(address(headers, &HeaderName::Bcc)),
            reply_to: Correspondent::all(address(headers, &HeaderName::ReplyTo)),
            sent: first(headers, &HeaderName::Date).and_then(HeaderValue::as_datetime).and_then(dates::instant),
            delivered: first(headers, &HeaderName::Received)
                .and_then(HeaderValue::as_received)
                .and_then(|received| dates::instant(received.date.as_ref()?)),
            importance: importance(headers),
            wants_read_receipt: named(headers, "Disposition-Notification-To").is_some(),
            wants_delivery_receipt: named(headers, "Return-Receipt-To").is_some(),
            headers: headers.iter().map(|header| written(header, &file)).collect(),
            body: Body::of(text(parts.plain), text(parts.html)),
            attachments: attachment::all(&parsed, &parts.attachments, &place),
            mime: file.clone(),
        };
        (item, thread)
    }
}

impl Message {
    pub(super) fn of(
        row: &Row,
        tenant: TenantId,
        owner: UserId,
        folder: FolderIndex,
        shift: SignedDuration,
        arrived: Timestamp,
    ) -> Self {
        let (follows, shift) = match row.dates {
            Dates::FollowClock => (true, shift),
            Dates::AsWritten => (false, SignedDuration::ZERO),
        };
        let file = if follows && !shift.is_zero() { moved(row.mime.clone(), shift) } else { row.mime.clone() };
        let file = match file {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let (item, thread) = Item::read_threaded(file, tenant, owner, &row.handle);
        let delivered = item.delivered.and_then(|at| at.checked_add(shift).ok());
        let said = row.received.and_then(|at| at.checked_add(shift).ok());
        let received = said.or(delivered).or(item.sent).unwrap_or(arrived);
        let mut message = Self {
            id: row.id.clone().unwrap_or_else(|| exchange_id("message", tenant, owner, &row.handle)),
            first_id: row.first_id.clone(),
            folder,
            change_key: String::new(),
            conversation_id: String::new(),
            conversation_index: String::new(),
            received,
            modified: received,
            is_read: row.is_read,
            is_draft: row.draft.unwrap_or(row.folder == "Drafts"),
            is_flagged: row.flagged,
            categories: row.categories.clone(),
            item,
            thread,
            owner: (tenant, owner),
            wire: OnceLock::new(),
            digest: OnceLock::new(),
        };
        message.change_key = message.next_change_key();
        message
    }

    /// A message that comes into being now. The caller gives it its conversation.
    pub(super) fn new(new: NewMessage, tenant: TenantId, owner: UserId, folder: FolderIndex) -> Self {
        let (item, thread) = Item::read_threaded(new.mime, tenant, owner, &new.handle);
        let mut message = Self {
            id: exchange_id("message", tenant, owner, &new.handle),
            first_id: None,
            folder,
            change_key: String::new(),
            conversation_id: String::new(),
            conversation_index: String::new(),
            received: new.received,
            modified: new.received,
            is_read: new.is_read,
            is_draft: new.is_draft,
            is_flagged: new.is_flagged,
            categories: new.categories,
            item,
            thread,
            owner: (tenant, owner),
            wire: OnceLock::new(),
            digest: OnceLock::new(),
        };
        message.change_key = message.next_change_key();
        message
    }

    /// Reads another file in the place of the one it has; `handle` names its attachments.
    pub(super) fn replace_file(&mut self, mime: Bytes, handle: &str) {
        let (tenant, owner) = self.owner;
        (self.item, self.thread) = Item::read_threaded(mime, tenant, owner, handle);
    }

    /// Whatever was changed: it is no longer what it was.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.modified = now;
        self.wire = OnceLock::new();
        self.digest = OnceLock::new();
        self.change_key = self.next_change_key();
    }

    /// The message that started its thread, as far as its file says.
    pub(super) fn thread_root(&self) -> Option<&str> {
        self.thread.first().map(String::as_str)
    }

    /// Puts it into a conversation.
    pub(super) fn join(&mut self, conversation_id: String) {
        let thread = Sha256::digest(conversation_id.as_bytes());
        // A header block: version, five bytes of time, the thread's GUID; here all but the version is derived.
        self.conversation_index = STANDARD.encode([&[0x01], thread.get(..21).unwrap_or_default()].concat());
        self.conversation_id = conversation_id;
    }

    /// The `id` that it came into its mailbox with.
    pub fn first_id(&self) -> &str {
        self.first_id.as_deref().unwrap_or(&self.id)
    }

    /// Its wire form, made with `write` when it is first asked for.
    pub fn wire(&self, write: impl FnOnce() -> Wire) -> &Wire {
        self.wire.get_or_init(write)
    }

    fn next_change_key(&self) -> String {
        let mut key = vec![0x09, 0x00, 0x00, 0x00, 0x16, 0x00, 0x00, 0x00];
        key.extend_from_slice(&self.digest()[..16]);
        key.extend_from_slice(&[0x00; 8]);
        STANDARD.encode(key)
    }

    /// A hash over the file and everything the mailbox adds to it.
    pub fn digest(&self) -> [u8; 32] {
        *self.digest.get_or_init(|| self.counted())
    }

    fn counted(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.id.as_bytes());
        hash.update(self.folder.0.to_be_bytes());
        hash.update([u8::from(self.is_read), u8::from(self.is_draft), u8::from(self.is_flagged)]);
        hash.update([self.importance as u8, u8::from(self.wants_read_receipt), u8::from(self.wants_delivery_receipt)]);
        for category in &self.categories {
            hash.update((category.len() as u64).to_be_bytes());
            hash.update(category.as_bytes());
        }
        hash.update(&self.mime);
        hash.finalize().into()
    }
}

/// Gives every message the conversation of the oldest message of its thread, as far as this mailbox knows it.
pub(super) fn join_conversations(messages: &mut [Message]) {
    let parents: BTreeMap<String, String> = messages
        .iter()
        .filter_map(|message| {
            let id = bare(message.internet_message_id.as_deref()?);
            Some((id.to_owned(), message.thread.first()?.clone()))
        })
        .collect();
    for message in messages {
        let mut root = match (message.thread.first(), &message.item.internet_message_id) {
            (Some(first), _) => first.clone(),
            (None, Some(id)) => bare(id).to_owned(),
            (None, None) => message.id.clone(),
        };
        // A chain may be a ring in hostile mail: as many steps as there are messages is enough for any honest one.
        for _ in 0..parents.len() {
            match parents.get(&root) {
                Some(older) if *older != root => root.clone_from(older),
                _ => break,
            }
        }
        let (tenant, owner) = message.owner;
        message.join(exchange_id("conversation", tenant, owner, &root));
    }
}

/// A Message-ID without its angle brackets.
pub(super) fn bare(id: &str) -> &str {
    id.trim_start_matches('<').trim_end_matches('>')
}

/// The file with its `Date` moved.
pub(crate) fn moved(file: Cow<'static, [u8]>, shift: SignedDuration) -> Cow<'static, [u8]> {
    let place = MessageParser::default().parse_headers(file.as_ref()).and_then(|parsed| {
        let header = parsed.headers().iter().find(|header| header.name == HeaderName::Date)?;
        let date = *header.value.as_datetime()?;
        let range = header.offset_start as usize..header.offset_end as usize;
        let ends = file.get(range.clone())?.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        Some((range.start..range.end - ends, date))
    });
    match place {
        Some((range, date)) => dates::moved(file, range, &date, shift),
        None => file,
    }
}

/// How many messages may lie in one file before its parts are left alone. Real digests hold some hundreds, side by side.
const NESTING: usize = 500;

/// No fewer than the messages that lie in each other: every one of them is announced by one of these words.
fn nesting(file: &[u8]) -> usize {
    let is_word = |bytes: Option<&[u8]>, word: &[u8]| bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(word));
    let slashes = file.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    slashes
        .filter(|at| {
            is_word(at.checked_sub(7).and_then(|start| file.get(start..*at)), b"message")
                || is_word(file.get(at + 1..at + 7), b"digest")
        })
        .count()
}

fn first<'h, 'x>(headers: &'h [Header<'x>], name: &HeaderName<'_>) -> Option<&'h HeaderValue<'x>> {
    headers.iter().find(|header| header.name == *name).map(|header| &header.value)
}

fn address<'h, 'x>(headers: &'h [Header<'x>], name: &HeaderName<'_>) -> Option<&'h mail_parser::Address<'x>> {
    first(headers, name).and_then(HeaderValue::as_address)
}

fn ids(headers: &[Header<'_>], name: &HeaderName<'_>) -> Vec<String> {
    match first(headers, name) {
        Some(HeaderValue::Text(id)) => vec![id.to_string()],
        Some(HeaderValue::TextList(ids)) => ids.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn named<'h, 'x>(headers: &'h [Header<'x>], name: &str) -> Option<&'h Header<'x>> {
    headers.iter().find(|header| header.name.as_str().eq_ignore_ascii_case(name))
}

/// `Importance` and `X-Priority` as mail programs write them.
fn importance(headers: &[Header<'_>]) -> Importance {
    let text =
        |name| named(headers, name).and_then(|header| header.value.as_text()).map(|text| text.trim().to_lowercase());
    match text("Importance").as_deref() {
        Some("high") => return Importance::High,
        Some("low") => return Importance::Low,
        Some("normal") => return Importance::Normal,
        _ => {}
    }
    match text("X-Priority").and_then(|text| text.chars().next()) {
        Some('1' | '2') => Importance::High,
        Some('4' | '5') => Importance::Low,
        _ => Importance::Normal,
    }
}

fn written(header: &Header<'_>, file: &[u8]) -> (String, String) {
    let value = file.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default();
    let value = String::from_utf8_lossy(value);
    // Unfolded: a line break with the white space after it is one space.
    let value = value.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    (header.name.as_str().to_owned(), value)
}
