//! Sending: `sendMail`, `send`, and the answers to a message.
//!
//! <https://learn.microsoft.com/graph/api/user-sendmail>. A message goes to every mailbox of the world that one of its addresses names;
//! an address that names none is taken without a word, as the real service takes it and tells later.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{StatusCode, header};

use super::parse::{self, Written};
use super::write::{blank, change, create_draft, editable, handle, named, owner};
use crate::change::MailChange;
use crate::graph::body::{self, Fields};
use crate::graph::effect::Effect;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::route::Ask;
use crate::graph::view::{MailboxView, View};
use crate::mailbox::{BodyKind, Correspondent, Draft, Importance, Item, Message, MessageEdit, NewMessage};

/// A body of type `text/plain` is the MIME form in base64.
pub(super) fn mime_of(ask: &Ask<'_>) -> Result<Option<Bytes>, GraphError> {
    let kind = ask.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.trim().to_ascii_lowercase().starts_with("text/plain") {
        return Ok(None);
    }
    let text: Vec<u8> = ask.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let mime = STANDARD.decode(text).map_err(|_| GraphError::MimeContent)?;
    if mime.is_empty() { Err(GraphError::MimeContent) } else { Ok(Some(mime.into())) }
}

pub(super) fn send_mail(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    if let Some(mime) = mime_of(ask)? {
        let item = Item::read(mime, mailbox.tenant(), mailbox.owner(), "sent");
        let mut draft = Draft::of(&item);
        if draft.from.is_none() {
            draft.from = owner(view, mailbox.owner());
        }
        return sent(view, &mailbox, ask, &draft, None, true);
    }
    let body = body::parse(ask)?;
    let fields = Fields::of(&body, "sendMail", &["message", "saveToSentItems"])?;
    let Some(message) = fields.get("message") else { return Err(GraphError::Recipients.into()) };
    // Microsoft's own samples have the flag as a word.
    let keeps = match fields.get("saveToSentItems") {
        Some(serde_json::Value::String(word)) => !word.eq_ignore_ascii_case("false"),
        _ => fields.flag("saveToSentItems")?.unwrap_or(true),
    };
    let mut draft = blank(view, &mailbox, ask);
    Written::of(message)?.onto(&mut draft)?;
    sent(view, &mailbox, ask, &draft, None, keeps)
}

pub(super) fn send(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    let message = named(&mailbox, ask, at)?;
    if !message.is_draft {
        return Err(GraphError::NotADraft.into());
    }
    sent(view, &mailbox, ask, &Draft::of(message), Some(message.id.clone()), true)
}

fn sent(
    view: &View<'_>,
    mailbox: &MailboxView<'_>,
    ask: &Ask<'_>,
    draft: &Draft,
    was: Option<String>,
    keeps: bool,
) -> Result<Effect, Refusal> {
    let own = owner(view, mailbox.owner());
    let is_own = |person: &Option<Correspondent>| {
        person.as_ref().zip(own.as_ref()).is_none_or(|(person, own)| person.address.eq_ignore_ascii_case(&own.address))
    };
    if !is_own(&draft.from) || !is_own(&draft.sender) {
        return Err(GraphError::SendAs.because("mail goes out in the name of the mailbox it is sent from"));
    }
    let recipients: BTreeSet<String> = [&draft.to, &draft.cc, &draft.bcc]
        .into_iter()
        .flatten()
        .map(|person| person.address.to_ascii_lowercase())
        .collect();
    if recipients.is_empty() {
        return Err(GraphError::Recipients.into());
    }
    let handle = handle(ask);
    let kept = keeps.then(|| NewMessage {
        handle: handle.clone(),
        mime: draft.file(ask.now),
        received: ask.now,
        is_read: true,
        is_draft: false,
        is_flagged: false,
        categories: Vec::new(),
    });
    let mime = Draft { bcc: Vec::new(), ..draft.clone() }.file(ask.now);
    let send = MailChange::Send { draft: was, kept, mime, recipients, handle };
    Ok(Effect::silent(change(mailbox, send), StatusCode::ACCEPTED))
}

/// How a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answering {
    Sender,
    All,
    Forward,
}

pub(super) fn create_reply(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    drafted(view, ask, at, Answering::Sender)
}

pub(super) fn create_reply_all(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    drafted(view, ask, at, Answering::All)
}

pub(super) fn create_forward(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    drafted(view, ask, at, Answering::Forward)
}

pub(super) fn reply(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    answered(view, ask, at, Answering::Sender)
}

pub(super) fn reply_all(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    answered(view, ask, at, Answering::All)
}

pub(super) fn forward(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    answered(view, ask, at, Answering::Forward)
}

fn drafted(view: &View<'_>, ask: &Ask<'_>, at: usize, how: Answering) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    let draft = answer_to(view, &mailbox, ask, named(&mailbox, ask, at)?, how)?;
    Ok(create_draft(&mailbox, ask, "drafts", &draft, MessageEdit::default()))
}

fn answered(view: &View<'_>, ask: &Ask<'_>, at: usize, how: Answering) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    let draft = answer_to(view, &mailbox, ask, named(&mailbox, ask, at)?, how)?;
    sent(view, &mailbox, ask, &draft, None, true)
}

fn answer_to(
    view: &View<'_>,
    mailbox: &MailboxView<'_>,
    ask: &Ask<'_>,
    message: &Message,
    how: Answering,
) -> Result<Draft, Refusal> {
    let body = body::parse_or_empty(ask)?;
    let fields = Fields::of(&body, "reply", &["comment", "message", "toRecipients"])?;
    let comment = fields.text("comment")?;
    let mut draft = blank(view, mailbox, ask);
    let own = draft.from.clone().map(|own| own.address).unwrap_or_default();
    draft.is_text = false;
    let mark = if how == Answering::Forward { "FW: " } else { "RE: " };
    let has_mark = message.subject.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark));
    draft.subject = if has_mark { message.subject.clone() } else { format!("{mark}{}", message.subject) };
    draft.references = Draft::of(message).references;
    draft.references.extend(message.internet_message_id.clone());
    draft.importance = Importance::Normal;
    if how == Answering::Forward {
        draft.attachments = Draft::of(message).attachments;
    } else {
        let author: Vec<_> = message.from.iter().cloned().collect();
        draft.to = if message.reply_to.is_empty() { author } else { message.reply_to.clone() };
    }
    if how == Answering::All {
        let others = |people: &[Correspondent], known: &[Correspondent]| -> Vec<Correspondent> {
            let is_new = |person: &&Correspondent| {
                let is_same = |other: &Correspondent| other.address.eq_ignore_ascii_case(&person.address);
                !person.address.eq_ignore_ascii_case(&own) && !known.iter().any(is_same)
            };
            people.iter().filter(is_new).cloned().collect()
        };
        let more = others(&message.to, &draft.to);
        draft.to.extend(more);
        draft.cc = others(&message.cc, &draft.to);
    }
    if let Some(people) = parse::recipients(&fields, "toRecipients")? {
        draft.to = people;
    }
    draft.body = quoted(comment.unwrap_or_default(), message);
    if let Some(written) = fields.get("message").filter(|message| !message.is_null()) {
        let written = Written::of(written)?;
        if comment.is_some() && written.has_body() {
            let message = "Specify either the comment or the body property of the message, not both.";
            return Err(GraphError::BadRequest(message.to_owned()).into());
        }
        written.onto(&mut draft)?;
    }
    Ok(draft)
}

/// The comment, a line, and the message it answers.
fn quoted(comment: &str, message: &Message) -> String {
    let who = message.from.as_ref().map(|from| from.name.as_str()).unwrap_or_default();
    format!(
        "<html><body>{}<hr><div><b>From:</b> {}<br><b>Subject:</b> {}</div>{}</body></html>",
        escaped(comment),
        escaped(who),
        escaped(&message.subject),
        message.body.content(BodyKind::Html)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>")
}
