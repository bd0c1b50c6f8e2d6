//! Writes: upload, folders, rename and move, delete, sharing. What is to change is decided here and done by a [`Change`].

use std::sync::Arc;

use fixtures::files::{LinkScope, Role};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::items::{answer, single};
use super::locate::{self, Home, Spot};
use super::shape;
use super::upload;
use crate::change::{Change, DriveChange};
use crate::drive::{Grant, Grantee, Item, Link, NewContent, link_url};
use crate::graph::body::{Fields, parse, parse_or_empty};
use crate::graph::effect::Effect;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::route::Ask;
use crate::graph::view::{DriveView, View};

type Changed = Result<Effect, Refusal>;

/// What happens when a name is taken: <https://learn.microsoft.com/graph/api/resources/driveitem#instance-attributes>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    Fail,
    Replace,
    Rename,
}

impl Conflict {
    fn named(word: &str) -> Result<Self, GraphError> {
        match word.to_ascii_lowercase().as_str() {
            "fail" => Ok(Self::Fail),
            "replace" => Ok(Self::Replace),
            "rename" => Ok(Self::Rename),
            _ => Err(GraphError::DriveRequest("The conflictBehavior is not one of fail, replace, rename.".to_owned())),
        }
    }
}

fn change(view: &View<'_>, drive: &DriveView<'_>, change: DriveChange) -> Change {
    Change::Drive { tenant: view.tenant_id(), drive: drive.drive().id.clone(), by: view.caller(), change }
}

/// Names that SharePoint does not take.
pub(super) fn check_name(name: &str) -> Result<(), GraphError> {
    let is_sound = !name.trim().is_empty()
        && name.len() <= 255
        && name != "."
        && name != ".."
        && !name.ends_with('.')
        && !name.starts_with(' ')
        && !name.contains(['"', '*', ':', '<', '>', '?', '/', '\\', '|'])
        && !name.chars().any(char::is_control);
    let message = "The provided name cannot contain any of these characters: \" * : < > ? / \\ |".to_owned();
    if is_sound { Ok(()) } else { Err(GraphError::DriveRequest(message)) }
}

/// `name`, or `name 1` and so on when it is taken.
fn free_name(drive: &DriveView<'_>, folder: &str, name: &str) -> String {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    (1..=10_000)
        .map(|number| format!("{stem} {number}{extension}"))
        .find(|name| drive.drive().child(folder, name).is_none())
        .unwrap_or_default()
}

/// Refuses a change of something that is no longer as the caller saw it.
fn check_tag(ask: &Ask<'_>, item: &Item) -> Result<(), GraphError> {
    let asked = ask.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    match asked {
        Some(asked) if asked != "*" && asked != item.e_tag() && asked != item.c_tag() => Err(GraphError::ETag),
        _ => Ok(()),
    }
}

fn shows(
    drive: &DriveView<'_>,
    id: String,
) -> impl FnOnce(&View<'_>, &Ask<'_>) -> Result<crate::graph::answer::Answer, Refusal> + 'static {
    let drive = drive.drive().id.clone();
    move |view, ask| {
        let drive = view.drive(&drive)?;
        let item = drive.item(&id)?;
        single(view, ask, &drive, item)
    }
}

/// Where an upload goes: a file that is there, or a name in a folder.
pub(super) enum Place<'a> {
    There(&'a Arc<Item>),
    New { folder: &'a Arc<Item>, name: String },
}

/// What an address of content names, whether it is there or not.
pub(super) fn place<'a>(
    view: &View<'a>,
    ask: &Ask<'_>,
    home: Home,
    spot: Spot,
) -> Result<(DriveView<'a>, Place<'a>), Refusal> {
    let drive = locate::drive(view, ask, home)?;
    let at = home.keys();
    let (start, path) = match spot {
        Spot::Root | Spot::Item => {
            let (drive, item) = locate::item(view, ask, home, spot)?;
            return Ok((drive, Place::There(item)));
        }
        Spot::RootPath => (drive.root()?, ask.key(at)),
        Spot::ItemPath if ask.key(at).eq_ignore_ascii_case("root") => (drive.root()?, ask.key(at + 1)),
        Spot::ItemPath => (drive.item(ask.key(at))?, ask.key(at + 1)),
    };
    if let Some(item) = drive.drive().below(&start.id, path) {
        let item = drive.item(&item.id)?;
        return Ok((drive, Place::There(item)));
    }
    let path = path.trim_matches('/');
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    check_name(name)?;
    let folder = drive.below(Some(&start.id), folder)?;
    Ok((drive, Place::New { folder, name: name.to_owned() }))
}

/// `@microsoft.graph.conflictBehavior` of the query.
fn conflict(ask: &Ask<'_>, usual: Conflict) -> Result<Conflict, GraphError> {
    ask.options.parameter("@microsoft.graph.conflictBehavior").map_or(Ok(usual), Conflict::named)
}

/// The change that lays bytes at a place, the id of the file, and the status that says which it was.
pub(super) fn laid(
    drive: &DriveView<'_>,
    place: &Place<'_>,
    bytes: bytes::Bytes,
    conflict: Conflict,
    handle: &str,
) -> Result<(DriveChange, String, StatusCode), Refusal> {
    let (folder, name) = match (place, conflict) {
        (Place::There(item), _) if item.is_folder() => {
            return Err(GraphError::DriveRequest("Cannot set content on a folder".to_owned()).into());
        }
        (Place::There(_), Conflict::Fail) => return Err(GraphError::NameExists.into()),
        (Place::There(item), Conflict::Replace) => {
            drive.may_edit(item)?;
            return Ok((DriveChange::Replace { id: item.id.clone(), bytes }, item.id.clone(), StatusCode::OK));
        }
        (Place::There(item), Conflict::Rename) => {
            let folder = drive.drive().parent(item).ok_or(GraphError::DriveItemNotFound)?;
            (folder, free_name(drive, &folder.id, &item.name))
        }
        (Place::New { folder, name }, _) => (*folder, name.clone()),
    };
    if !folder.is_folder() {
        return Err(GraphError::DriveRequest("The parent is not a folder".to_owned()).into());
    }
    drive.may_edit(folder)?;
    let id = new_id(drive, handle);
    let new = NewContent { name, parent: folder.id.clone(), bytes: Some(bytes), handle: handle.to_owned() };
    Ok((DriveChange::Add(new), id, StatusCode::CREATED))
}

fn new_id(drive: &DriveView<'_>, handle: &str) -> String {
    fixtures::ids::drive_item_id(&drive.drive().id, fixtures::ids::UniqueId::derived(handle))
}

/// `PUT …/content`: <https://learn.microsoft.com/graph/api/driveitem-put-content>.
pub(super) fn put(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Changed {
    let (drive, place) = place(view, ask, home, spot)?;
    if let Place::There(item) = &place {
        check_tag(ask, item)?;
    }
    let handle = ask.seed.guid("drive item").to_string();
    let conflict = conflict(ask, Conflict::Replace)?;
    let (made, id, status) = laid(&drive, &place, ask.body.clone(), conflict, &handle)?;
    Ok(Effect::then(change(view, &drive, made), status, shows(&drive, id)))
}

/// `POST …/children`: a folder: <https://learn.microsoft.com/graph/api/driveitem-post-children>.
pub(super) fn create(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Changed {
    let (drive, folder) = locate::item(view, ask, home, spot)?;
    let body = parse(ask)?;
    let fields = Fields::of(&body, "driveItem", &["name", "folder", "file", "description", "fileSystemInfo"])?;
    let name = fields.need("name")?;
    check_name(name)?;
    if fields.get("folder").is_none() {
        ask.unmodelled("POST children of anything but a folder");
        return Err(GraphError::DriveRequest("Only folders can be created this way.".to_owned()).into());
    }
    if !folder.is_folder() {
        return Err(GraphError::DriveRequest("The parent is not a folder".to_owned()).into());
    }
    drive.may_edit(folder)?;
    let wish = body.get("@microsoft.graph.conflictBehavior").and_then(Value::as_str);
    let wish = wish.map_or(Ok(Conflict::Fail), Conflict::named)?;
    let name = match (drive.drive().child(&folder.id, name), wish) {
        (None, _) => name.to_owned(),
        (Some(_), Conflict::Rename) => free_name(&drive, &folder.id, name),
        (Some(_), _) => return Err(GraphError::NameExists.into()),
    };
    let handle = ask.seed.guid("drive item").to_string();
    let id = new_id(&drive, &handle);
    let new = NewContent { name, parent: folder.id.clone(), bytes: None, handle };
    Ok(Effect::then(change(view, &drive, DriveChange::Add(new)), StatusCode::CREATED, shows(&drive, id)))
}

/// `PATCH`: another name, another folder: <https://learn.microsoft.com/graph/api/driveitem-update>.
pub(super) fn update(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Changed {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    let body = parse(ask)?;
    let fields = Fields::of(&body, "driveItem", &["name", "parentReference", "description", "fileSystemInfo", "id"])?;
    drive.may_edit(item)?;
    check_tag(ask, item)?;
    for what in ["description", "fileSystemInfo"].into_iter().filter(|what| fields.get(what).is_some()) {
        ask.unmodelled(format!("PATCH {what} of a driveItem"));
    }
    let name = fields.text("name")?.map(str::to_owned);
    if let Some(name) = &name {
        check_name(name)?;
    }
    let parent = match fields.get("parentReference") {
        None => None,
        Some(reference) => Some(new_parent(&drive, reference)?),
    };
    if let Some(parent) = &parent {
        drive.may_edit(parent)?;
    }
    let made = DriveChange::Place { id: item.id.clone(), name, parent: parent.map(|parent| parent.id.clone()) };
    Ok(Effect::then(change(view, &drive, made), StatusCode::OK, shows(&drive, item.id.clone())))
}

fn new_parent<'a>(drive: &DriveView<'a>, reference: &Value) -> Result<&'a Arc<Item>, Refusal> {
    let fields = Fields::of(reference, "itemReference", &["id", "path", "driveId", "driveType", "name", "siteId"])?;
    if fields.text("driveId")?.is_some_and(|id| id != drive.drive().id) {
        let message = "Moving an item to another drive is not supported.".to_owned();
        return Err(GraphError::DriveRequest(message).into());
    }
    if let Some(id) = fields.text("id")? {
        return if id.eq_ignore_ascii_case("root") { drive.root() } else { drive.item(id) };
    }
    let path = fields.text("path")?.unwrap_or_default();
    let path = path.split_once("root:").map_or("", |(_, path)| path);
    let plain = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    drive.below(None, &plain)
}

/// `DELETE`: <https://learn.microsoft.com/graph/api/driveitem-delete>.
pub(super) fn delete(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Changed {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    drive.may_edit(item)?;
    check_tag(ask, item)?;
    let made = DriveChange::Remove { id: item.id.clone() };
    Ok(Effect::silent(change(view, &drive, made), StatusCode::NO_CONTENT))
}

/// Answers with one permission of an item.
fn shows_permission(
    drive: &DriveView<'_>,
    item: &str,
    id: String,
) -> impl FnOnce(&View<'_>, &Ask<'_>) -> Result<crate::graph::answer::Answer, Refusal> + 'static {
    let (drive, item) = (drive.drive().id.clone(), item.to_owned());
    move |view, ask| {
        let drive = view.drive(&drive)?;
        let item = drive.item(&item)?;
        let grant = item.grants.iter().find(|grant| grant.id == id).ok_or(GraphError::DriveItemNotFound)?;
        let context = format!("drives('{}')/items('{}')/permissions/$entity", drive.drive().id, item.id);
        Ok(answer(ask, &context, shape::permission(view, &drive, grant, None)))
    }
}

/// `createLink`: the link that is there already, or a new one: <https://learn.microsoft.com/graph/api/driveitem-createlink>.
pub(super) fn create_link(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Changed {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    let body = parse_or_empty(ask)?;
    let known = ["type", "scope", "password", "expirationDateTime", "message", "retainInheritedPermissions"];
    let fields = Fields::of(&body, "createLink", &known)?;
    drive.may_edit(item)?;
    let role =
        fields.word("type", "Edm.String", &[("view", Role::Read), ("edit", Role::Write), ("embed", Role::Read)])?;
    let scopes =
        [("anonymous", LinkScope::Anonymous), ("organization", LinkScope::Organization), ("users", LinkScope::Users)];
    let scope = fields.word("scope", "Edm.String", &scopes)?.unwrap_or(LinkScope::Organization);
    let role = role.unwrap_or(Role::Read);
    for what in ["password", "expirationDateTime"].into_iter().filter(|what| fields.any(&[what]).is_some()) {
        ask.unmodelled(format!("createLink with {what}"));
    }
    let is_it = |grant: &&Grant| {
        drive.in_force(grant) && grant.role == role && grant.link.as_ref().is_some_and(|link| link.scope == scope)
    };
    if let Some(known) = item.grants.iter().find(is_it) {
        return Ok(Effect::none(shows_permission(&drive, &item.id, known.id.clone())));
    }
    let handle = ask.seed.guid("permission").to_string();
    let web = &drive.drive().web;
    let grant = Grant {
        id: crate::drive::permission_id(&handle),
        to: Vec::new(),
        role,
        link: Some(Link { scope, url: link_url(web, drive.drive().list, &item.name, scope, &handle) }),
        is_removed: false,
    };
    let then = shows_permission(&drive, &item.id, grant.id.clone());
    let made = DriveChange::Grant { id: item.id.clone(), grants: vec![grant] };
    Ok(Effect::then(change(view, &drive, made), StatusCode::CREATED, then))
}

/// Most people of one invitation, as a setting of ours: the page names none.
const RECIPIENTS: usize = 100;

/// `invite`: <https://learn.microsoft.com/graph/api/driveitem-invite>. Nobody is told: no mail is sent.
pub(super) fn invite(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Changed {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    let body = parse(ask)?;
    let known = [
        "recipients",
        "roles",
        "requireSignIn",
        "sendInvitation",
        "message",
        "expirationDateTime",
        "password",
        "retainInheritedPermissions",
    ];
    let fields = Fields::of(&body, "invite", &known)?;
    drive.may_edit(item)?;
    let roles = fields.texts("roles")?.unwrap_or_default();
    let role = match roles.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["read"] => Role::Read,
        ["write"] => Role::Write,
        ["owner"] => Role::Owner,
        _ => return Err(GraphError::DriveRequest("The roles must be one of read, write, owner.".to_owned()).into()),
    };
    let mut to = Vec::new();
    for recipient in fields.items("recipients")?.unwrap_or_default() {
        let fields = Fields::of(recipient, "driveRecipient", &["email", "objectId", "alias"])?;
        let user = match (fields.text("objectId")?, fields.text("email")?) {
            (Some(id), _) => view.user(id),
            (None, Some(email)) => view.addressee(email),
            (None, None) => None,
        };
        let unknown = || GraphError::DriveRequest("One or more users could not be resolved.".to_owned());
        to.push(Grantee::User(user.ok_or_else(unknown)?.id));
    }
    if to.is_empty() || to.len() > RECIPIENTS {
        let message = format!("Between 1 and {RECIPIENTS} recipients are required.");
        return Err(GraphError::DriveRequest(message).into());
    }
    // One permission for each of them.
    let granted = |grantee: Grantee| Grant {
        id: crate::drive::permission_id(&ask.seed.guid("permission").to_string()),
        to: vec![grantee],
        role,
        link: None,
        is_removed: false,
    };
    let grants: Vec<_> = to.into_iter().map(granted).collect();
    let (drive_id, item_id) = (drive.drive().id.clone(), item.id.clone());
    let ids: Vec<_> = grants.iter().map(|grant| grant.id.clone()).collect();
    let made = DriveChange::Grant { id: item.id.clone(), grants };
    Ok(Effect::then(change(view, &drive, made), StatusCode::OK, move |view, ask| {
        let drive = view.drive(&drive_id)?;
        let item = drive.item(&item_id)?;
        let given = item.grants.iter().filter(|grant| ids.contains(&grant.id));
        let given: Vec<_> = given.map(|grant| shape::permission(view, &drive, grant, None)).collect();
        let mut body = Map::new();
        body.insert("value".to_owned(), json!(given));
        Ok(answer(ask, "Collection(permission)", body))
    }))
}

/// `DELETE …/permissions/{id}`: <https://learn.microsoft.com/graph/api/permission-delete>.
pub(super) fn revoke(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Changed {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    drive.may_edit(item)?;
    let permission = ask.key(home.keys() + spot.keys()).to_owned();
    let made = DriveChange::Revoke { id: item.id.clone(), permission };
    Ok(Effect::silent(change(view, &drive, made), StatusCode::NO_CONTENT))
}

/// `createUploadSession`: an address that takes the bytes in pieces, without a token:
/// <https://learn.microsoft.com/graph/api/driveitem-createuploadsession>.
pub(super) fn open_session(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Changed {
    let (drive, place) = place(view, ask, home, spot)?;
    let body = parse_or_empty(ask)?;
    let fields = Fields::of(&body, "createUploadSession", &["item", "deferCommit"])?;
    let item = fields.get("item");
    let wish = item.and_then(|item| item.get("@microsoft.graph.conflictBehavior")).and_then(Value::as_str);
    let wish = wish.map_or(Ok(Conflict::Replace), Conflict::named)?;
    let handle = ask.seed.guid("drive item").to_string();
    // What would be refused at the end is refused now.
    let (made, id, _) = laid(&drive, &place, bytes::Bytes::new(), wish, &handle)?;
    let session = upload::Session::of(view, ask, &drive, &made, id, handle);
    let (url, expires) = session.url(ask);
    Ok(Effect::none(move |_, ask| {
        let mut body = Map::new();
        body.insert("uploadUrl".to_owned(), json!(url));
        body.insert("expirationDateTime".to_owned(), json!(shape::time(expires)));
        body.insert("nextExpectedRanges".to_owned(), json!(["0-"]));
        Ok(answer(ask, "microsoft.graph.uploadSession", body))
    }))
}
