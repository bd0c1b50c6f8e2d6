//! Writing folders: create, rename, move, delete.

use fixtures::ids::exchange_id;
use http::StatusCode;

use super::folders;
use super::write::{change, destination, editable, handle};
use crate::change::{Change, MailChange};
use crate::graph::body::{self, Fields};
use crate::graph::effect::Effect;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::route::Ask;
use crate::graph::view::View;

const FOLDER: &[&str] =
    &["id", "displayName", "isHidden", "parentFolderId", "childFolderCount", "unreadItemCount", "totalItemCount"];

fn answered(change: Change, id: String, status: StatusCode) -> Effect {
    Effect::then(change, status, move |view, ask| folders::single(&view.mailbox(&ask.owner)?, ask, &id, "mailFolders"))
}

/// A name that a folder can have.
fn name(fields: &Fields<'_>) -> Result<String, GraphError> {
    let name = fields.need("displayName")?.trim();
    let is_possible = !name.is_empty() && name.chars().count() <= 255 && !name.contains(char::is_control);
    if is_possible { Ok(name.to_owned()) } else { Err(GraphError::PropertySet) }
}

pub(super) fn create(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Result<Effect, Refusal> {
    created(view, ask, "msgfolderroot")
}

pub(super) fn create_child(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Result<Effect, Refusal> {
    created(view, ask, ask.key(0))
}

fn created(view: &View<'_>, ask: &Ask<'_>, parent: &str) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    folders::find(&mailbox, parent)?;
    let body = body::parse(ask)?;
    let name = name(&Fields::of(&body, "mailFolder", FOLDER)?)?;
    let handle = handle(ask);
    let id = exchange_id("folder", mailbox.tenant(), mailbox.owner(), &handle);
    let create = MailChange::CreateFolder { parent: parent.to_owned(), name, handle };
    Ok(answered(change(&mailbox, create), id, StatusCode::CREATED))
}

pub(super) fn rename(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    folders::find(&mailbox, ask.key(at))?;
    let body = body::parse(ask)?;
    let name = name(&Fields::of(&body, "mailFolder", FOLDER)?)?;
    let id = ask.key(at).to_owned();
    let rename = MailChange::PlaceFolder { id: id.clone(), parent: None, name: Some(name) };
    Ok(answered(change(&mailbox, rename), id, StatusCode::OK))
}

pub(super) fn relocate(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    folders::find(&mailbox, ask.key(at))?;
    let parent = Some(destination(&mailbox, ask)?);
    let id = ask.key(at).to_owned();
    let relocate = MailChange::PlaceFolder { id: id.clone(), parent, name: None };
    Ok(answered(change(&mailbox, relocate), id, StatusCode::CREATED))
}

pub(super) fn delete(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    let mailbox = editable(view, ask)?;
    folders::find(&mailbox, ask.key(at))?;
    let delete = MailChange::DeleteFolder { id: ask.key(at).to_owned() };
    Ok(Effect::silent(change(&mailbox, delete), StatusCode::NO_CONTENT))
}
