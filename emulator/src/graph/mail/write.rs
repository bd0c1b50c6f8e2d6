//! Writing messages: create, change, move, copy, delete; attachments.

use fixtures::ids::UserId;
use http::{StatusCode, header};

use super::parse::{self, Written};
use super::{attachments, messages};
use crate::change::{Change, MailChange};
use crate::graph::body;
use crate::graph::body::Fields;
use crate::graph::effect::Effect;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::exchange_id;
use crate::graph::route::Ask;
use crate::graph::view::{MailboxView, View};
use crate::mailbox::{Correspondent, Draft, Message, MessageEdit, NewMessage};

/// A change of this mailbox.
pub(super) fn change(mailbox: &MailboxView<'_>, change: MailChange) -> Change {
    Change::Mail { tenant: mailbox.tenant(), mailbox: mailbox.owner(), change }
}

/// The mailbox that the path names, if the caller may change it.
pub(super) fn editable<'a>(view: &View<'a>, ask: &Ask<'_>) -> Result<MailboxView<'a>, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    mailbox.may_edit()?;
    Ok(mailbox)
}

/// The message that the path names: key `at`, and the folder before it if there is one.
pub(super) fn named<'a>(mailbox: &MailboxView<'a>, ask: &Ask<'_>, at: usize) -> Result<&'a Message, Refusal> {
    match at.checked_sub(1) {
        Some(folder) => messages::find_in(mailbox, ask.key(folder), ask.key(at)).map(AsRef::as_ref),
        None => messages::find(mailbox, ask.key(at)).map(AsRef::as_ref),
    }
}

/// A name that nothing had before.
pub(super) fn handle(ask: &Ask<'_>) -> String {
    format!("written/{}", ask.seed.guid("written-item"))
}

/// The id that a message of this handle will have.
pub(super) fn id_of(mailbox: &MailboxView<'_>, handle: &str) -> String {
    fixtures::ids::exchange_id("message", mailbox.tenant(), mailbox.owner(), handle)
}

/// The mailbox's owner as a correspondent.
pub(super) fn owner(view: &View<'_>, owner: UserId) -> Option<Correspondent> {
    let user = view.user(&owner.to_string())?;
    let address = user.mail.clone().unwrap_or_else(|| user.upn.clone());
    Some(Correspondent { name: user.display_name.clone(), address })
}

/// An empty draft of this mailbox.
pub(super) fn blank(view: &View<'_>, mailbox: &MailboxView<'_>, ask: &Ask<'_>) -> Draft {
    Draft {
        message_id: format!("<{}@{}>", ask.seed.guid("internet-message-id").simple(), view.domain()),
        from: owner(view, mailbox.owner()),
        is_text: true,
        ..Draft::default()
    }
}

/// A message that is answered once it is there.
pub(super) fn answered(change: Change, id: String, status: StatusCode) -> Effect {
    Effect::then(change, status, move |view, ask| {
        let mailbox = view.mailbox(&ask.owner)?;
        messages::single(&mailbox, ask, messages::find(&mailbox, &id)?)
    })
}

/// Creates a draft in a folder and answers with it.
pub(super) fn create_draft(
    mailbox: &MailboxView<'_>,
    ask: &Ask<'_>,
    folder: &str,
    draft: &Draft,
    edit: MessageEdit,
) -> Effect {
    let handle = handle(ask);
    let id = id_of(mailbox, &handle);
    let message = NewMessage {
        handle,
        mime: draft.file(ask.now),
        received: ask.now,
        is_read: edit.is_read.unwrap_or(true),
        is_draft: true,
        is_flagged: edit.is_flagged.unwrap_or(false),
        categories: edit.categories.unwrap_or_default(),
    };
    answered(change(mailbox, MailChange::Create { message, folder: folder.to_owned() }), id, StatusCode::CREATED)
}

pub(super) fn create(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Result<Effect, Refusal> {
    created(view, ask, "drafts")
}

pub(super) fn create_in_folder(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Result<Effect, Refusal> {
    super::folders::find(&view.mailbox(&ask.owner)?, ask.key(0))?;
    created(view, ask, ask.key(0))
}

fn created(view: &View<'_>, ask: &Ask<'_>, folder: &str) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    if let Some(mime) = super::send::mime_of(ask)? {
        let handle = handle(ask);
        let id = id_of(&mailbox, &handle);
        let message = NewMessage {
            handle,
            mime,
            received: ask.now,
            is_read: true,
            is_draft: true,
            is_flagged: false,
            categories: Vec::new(),
        };
        let create = MailChange::Create { message, folder: folder.to_owned() };
        return Ok(answered(change(&mailbox, create), id, StatusCode::CREATED));
    }
    let body = body::parse(ask)?;
    let written = Written::of(&body)?;
    let mut draft = blank(view, &mailbox, ask);
    written.onto(&mut draft)?;
    Ok(create_draft(&mailbox, ask, folder, &draft, written.edit()?))
}

pub(super) fn update(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    let message = named(&mailbox, ask, at)?;
    check_match(ask, message)?;
    let body = body::parse(ask)?;
    let written = Written::of(&body)?;
    let mut edit = written.edit()?;
    if written.is_for_drafts() {
        if !message.is_draft {
            return Err(
                GraphError::PropertySet.because("only a draft lets its subject, body, people and headers be changed")
            );
        }
        let mut draft = Draft::of(message);
        written.onto(&mut draft)?;
        edit.file = Some(draft.file(ask.now));
    }
    let id = message.id.clone();
    Ok(answered(change(&mailbox, MailChange::Edit { id: id.clone(), edit }), id, StatusCode::OK))
}

/// `If-Match`: what the caller read must be what is there.
fn check_match(ask: &Ask<'_>, message: &Message) -> Result<(), GraphError> {
    let Some(etag) = ask.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()) else { return Ok(()) };
    let own = format!("W/\"{}\"", message.change_key);
    if etag.trim() == "*" || etag.split(',').any(|etag| etag.trim() == own) {
        Ok(())
    } else {
        Err(GraphError::ChangeKey)
    }
}

pub(super) fn relocate(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    place(view, ask, at, false)
}

pub(super) fn copy(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    place(view, ask, at, true)
}

fn place(view: &View<'_>, ask: &Ask<'_>, at: usize, is_copy: bool) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    let message = named(&mailbox, ask, at)?;
    let folder = destination(&mailbox, ask)?;
    let handle = handle(ask);
    let id = id_of(&mailbox, &handle);
    let place = MailChange::Place { id: message.id.clone(), folder, handle, is_copy };
    Ok(answered(change(&mailbox, place), id, StatusCode::CREATED))
}

/// The folder that `destinationId` names.
pub(super) fn destination(mailbox: &MailboxView<'_>, ask: &Ask<'_>) -> Result<String, Refusal> {
    let body = body::parse(ask)?;
    let key = Fields::of(&body, "move", &["destinationId"])?.need("destinationId")?;
    super::folders::find(mailbox, key)?;
    Ok(key.to_owned())
}

/// Into `Deleted Items`; from there, for good.
pub(super) fn delete(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    let message = named(&mailbox, ask, at)?;
    check_match(ask, message)?;
    let id = message.id.clone();
    let delete = if mailbox.is_binned(message.folder) {
        MailChange::Remove { id }
    } else {
        MailChange::Place { id, folder: "deleteditems".to_owned(), handle: handle(ask), is_copy: false }
    };
    Ok(Effect::silent(change(&mailbox, delete), StatusCode::NO_CONTENT))
}

pub(super) fn remove(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    let id = named(&mailbox, ask, at)?.id.clone();
    Ok(Effect::silent(change(&mailbox, MailChange::Remove { id }), StatusCode::NO_CONTENT))
}

pub(super) fn attach(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    let message = named(&mailbox, ask, at)?;
    let body = body::parse(ask)?;
    let mut draft = Draft::of(message);
    draft.attachments.push(parse::part(&body)?);
    let id = message.id.clone();
    let edit = MessageEdit { file: Some(draft.file(ask.now)), ..MessageEdit::default() };
    let edit = change(&mailbox, MailChange::Edit { id: id.clone(), edit });
    Ok(Effect::then(edit, StatusCode::CREATED, move |view, ask| {
        let mailbox = view.mailbox(&ask.owner)?;
        let message = messages::find(&mailbox, &id)?;
        let last = message.attachments.last().map_or("", |attachment| &attachment.id);
        attachments::single(&mailbox, ask, message, last)
    }))
}

pub(super) fn detach(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    let message = named(&mailbox, ask, at)?;
    let id = exchange_id::ordinary(ask.key(at + 1));
    let place = message.attachments.iter().position(|attachment| attachment.id == id);
    let place = place.ok_or_else(|| GraphError::ItemNotFound.because("the message has no such attachment"))?;
    let mut draft = Draft::of(message);
    draft.attachments.remove(place);
    let edit = MessageEdit { file: Some(draft.file(ask.now)), ..MessageEdit::default() };
    let edit = MailChange::Edit { id: message.id.clone(), edit };
    Ok(Effect::silent(change(&mailbox, edit), StatusCode::NO_CONTENT))
}
