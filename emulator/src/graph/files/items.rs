//! Items: themselves, what lies in them, their bytes, who has them.

use std::cmp::Ordering;
use std::sync::Arc;

use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::download::Door;
use super::locate::{self, Home, Spot};
use super::shape;
use crate::drive::Item;
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::{DriveView, View};

type Answered = Result<Answer, Refusal>;

/// Items of a page, unless `$top` says otherwise: <https://learn.microsoft.com/graph/api/driveitem-list-children>.
const PAGE: usize = 200;
const LIMIT: usize = 999;

/// JSON with its context first.
pub(super) fn answer(ask: &Ask<'_>, context: &str, mut body: Map<String, Value>) -> Answer {
    body.insert("@odata.context".to_owned(), json!(format!("{}/$metadata#{context}", ask.root)));
    Answer::json(Value::Object(body).to_string())
}

pub(super) fn single(view: &View<'_>, ask: &Ask<'_>, drive: &DriveView<'_>, item: &Item) -> Answered {
    ask.only(&[Kind::Select, Kind::Expand])?;
    let door = Door::of(ask);
    let mut body = shape::selected(
        shape::item(view, drive, item, &door),
        ask.options.select.as_deref(),
        shape::ITEM,
        "driveItem",
    )?;
    expand(view, ask, drive, item, &door, &mut body)?;
    let id = &drive.drive().id;
    Ok(answer(ask, &format!("drives('{id}')/items/$entity"), body))
}

fn expand(
    view: &View<'_>,
    ask: &Ask<'_>,
    drive: &DriveView<'_>,
    item: &Item,
    door: &Door<'_>,
    body: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    for expand in &ask.options.expand {
        let select = expand.select.as_deref();
        let value = match expand.name.to_ascii_lowercase().as_str() {
            "children" => {
                let children = drive.children(item).take(PAGE);
                let shaped = children.map(|child| {
                    shape::selected(shape::item(view, drive, child, door), select, shape::ITEM, "driveItem")
                });
                json!(shaped.collect::<Result<Vec<_>, _>>()?)
            }
            "thumbnails" => json!([]),
            "permissions" => json!(shown_permissions(view, drive, item)),
            "listitem" => Value::Object(super::lists::library_item(view, drive, item, None)),
            other => {
                ask.unmodelled(format!("$expand={other:.60} of a driveItem"));
                return Err(
                    GraphError::DriveRequest(format!("The expand clause '{other:.60}' is not supported.")).into()
                );
            }
        };
        let name = ["children", "thumbnails", "permissions", "listItem"];
        let name = name.into_iter().find(|name| name.eq_ignore_ascii_case(&expand.name)).unwrap_or_default();
        body.insert(name.to_owned(), value);
    }
    Ok(())
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Answered {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    single(view, ask, &drive, item)
}

pub(super) fn children(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Answered {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    children_of(view, ask, &drive, item)
}

pub(super) fn children_of(view: &View<'_>, ask: &Ask<'_>, drive: &DriveView<'_>, item: &Item) -> Answered {
    let all: Vec<_> = drive.children(item).collect();
    let context = format!("drives('{}')/items('{}')/children", drive.drive().id, item.id);
    page(view, ask, all.into_iter().map(|item| (drive, item)).collect(), &context, Form::Own)
}

pub(super) fn search(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Answered {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    let searched = view.searched(&drive, ask.gaps);
    let below = |found: &&Arc<Item>| drive.drive().above(found).any(|above| above.id == item.id);
    let found = searched.beginning(ask.key(home.keys() + spot.keys()));
    let all = found.into_iter().filter(below).map(|item| (&drive, item)).collect();
    page(view, ask, all, "Collection(driveItem)", Form::Found)
}

/// Beside what lies in the drive, a search of one's own drive finds what others share:
/// <https://learn.microsoft.com/graph/api/driveitem-search>.
pub(super) fn search_drive(view: &View<'_>, ask: &Ask<'_>, home: Home) -> Answered {
    let drive = locate::drive(view, ask, home)?;
    let text = ask.key(home.keys());
    let others = if drive.is_own { view.drives() } else { Vec::new() };
    let others = others.into_iter().filter(|other| !other.is_own && is_personal(other));
    let drives: Vec<_> = std::iter::once(drive).chain(others).collect();
    let searched: Vec<_> = drives.iter().map(|drive| view.searched(drive, ask.gaps)).collect();
    let all = searched
        .iter()
        .flat_map(|searched| searched.beginning(text).into_iter().map(move |item| (searched.drive, item)))
        .collect();
    page(view, ask, all, "Collection(driveItem)", Form::Found)
}

fn is_personal(drive: &DriveView<'_>) -> bool {
    matches!(drive.drive().kind, crate::drive::Kind::Personal(_))
}

/// How items of a list stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As themselves.
    Own,
    /// As what a search found: what lies elsewhere as `remoteItem`.
    Found,
    /// What lies elsewhere as `remoteItem`.
    Remote,
}

pub(super) fn page(
    view: &View<'_>,
    ask: &Ask<'_>,
    mut all: Vec<(&DriveView<'_>, &Arc<Item>)>,
    context: &str,
    form: Form,
) -> Answered {
    ask.only(&[Kind::Select, Kind::Top, Kind::SkipToken, Kind::OrderBy, Kind::Expand, Kind::Count])?;
    sort(ask, &mut all)?;
    let (skip, size) = window(view, ask)?;
    let door = Door::of(ask);
    let select = ask.options.select.as_deref();
    let mut value = Vec::new();
    for (drive, item) in all.iter().skip(skip).take(size) {
        let mut shaped = if form == Form::Own || (drive.is_own && form == Form::Found) || !elsewhere(ask, form, drive) {
            shape::item(view, drive, item, &door)
        } else {
            shape::remote(view, drive, item)
        };
        if form == Form::Found {
            shaped.insert("searchResult".to_owned(), json!({}));
        }
        let mut shaped = shape::selected(shaped, select, shape::ITEM, "driveItem")?;
        if !ask.options.expand.is_empty() {
            expand(view, ask, drive, item, &door, &mut shaped)?;
        }
        value.push(Value::Object(shaped));
    }
    let mut body = Map::new();
    if ask.options.count {
        body.insert("@odata.count".to_owned(), json!(all.len()));
    }
    if all.len() > skip.saturating_add(size) {
        body.insert("@odata.nextLink".to_owned(), json!(next(view, ask, skip + size)));
    }
    body.insert("value".to_owned(), Value::Array(value));
    Ok(answer(ask, context, body))
}

/// Whether an item belongs elsewhere than where the caller asks: only searches and lists of one's own drive mix drives.
fn elsewhere(ask: &Ask<'_>, form: Form, drive: &DriveView<'_>) -> bool {
    form == Form::Remote || (!drive.is_own && ask.owner == crate::graph::route::Owner::Caller)
}

/// `$top` and `$skiptoken`: how much is left out, and how much comes.
pub(super) fn window(view: &View<'_>, ask: &Ask<'_>) -> Result<(usize, usize), Refusal> {
    let size = match ask.options.top {
        Some(0) => return Err(GraphError::DriveRequest("$top must be greater than 0.".to_owned()).into()),
        Some(top) => top.min(LIMIT),
        None => PAGE,
    };
    let skip = match &ask.options.skip_token {
        None => 0,
        Some(token) => ask.links.offset(view.principal(), &ask.bound_query(), token).ok_or_else(|| {
            let message = "The skip token is not valid.".to_owned();
            GraphError::DriveRequest(message).because("the token is another caller's, another query's, or made up")
        })?,
    };
    Ok((skip, size))
}

pub(super) fn next(view: &View<'_>, ask: &Ask<'_>, offset: usize) -> String {
    ask.next(Kind::SkipToken, &ask.links.token(view.principal(), &ask.bound_query(), offset))
}

fn sort(ask: &Ask<'_>, all: &mut [(&DriveView<'_>, &Arc<Item>)]) -> Result<(), Refusal> {
    let by: fn(&Item, &Item) -> Ordering = match ask.options.order_by.as_slice() {
        [] => return Ok(()),
        [order] => match order.path.to_ascii_lowercase().as_str() {
            "name" => |left, right| left.name.to_lowercase().cmp(&right.name.to_lowercase()),
            "size" => |left, right| left.size().cmp(&right.size()),
            "lastmodifieddatetime" => |left, right| left.modified.cmp(&right.modified),
            "createddatetime" => |left, right| left.created.cmp(&right.created),
            other => return Err(unsorted(ask, other)),
        },
        [_, other, ..] => return Err(unsorted(ask, &other.path)),
    };
    let descending = ask.options.order_by.first().is_some_and(|order| order.descending);
    all.sort_by(|(_, left), (_, right)| if descending { by(right, left) } else { by(left, right) });
    Ok(())
}

fn unsorted(ask: &Ask<'_>, by: &str) -> Refusal {
    ask.unmodelled(format!("$orderby={by:.60} of driveItems"));
    GraphError::DriveRequest("The requested sort order is not supported.".to_owned()).into()
}

pub(super) fn content(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Answered {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    content_of(view, ask, &drive, item)
}

pub(super) fn content_of(view: &View<'_>, ask: &Ask<'_>, drive: &DriveView<'_>, item: &Item) -> Answered {
    if item.is_folder() {
        let message = "You cannot get content for a folder".to_owned();
        return Err(GraphError::DriveRequest(message).into());
    }
    if ask.options.has(Kind::Format) || ask.options.parameter("format").is_some() {
        return Err(GraphError::NoConversion
            .because("conversions are refused as the real service refuses workbooks: docs/fidelity.md"));
    }
    let url = Door::of(ask).url(view, drive.drive(), item);
    let answer = Answer::bytes("text/plain", bytes::Bytes::new()).with(header::LOCATION, &url);
    Ok(Answer { status: StatusCode::FOUND, ..answer })
}

/// What is shown of an item's permissions: to its owner all of them, to others those that are theirs
/// (<https://learn.microsoft.com/graph/api/driveitem-list-permissions>).
fn shown_permissions(view: &View<'_>, drive: &DriveView<'_>, item: &Item) -> Vec<Value> {
    let sees_all = drive.role(item) == Some(fixtures::files::Role::Owner);
    let mut found = Vec::new();
    let mut at = Some(item);
    while let Some(here) = at {
        let from = (here.id != item.id).then_some(here);
        let grants = here.grants.iter().filter(|grant| drive.in_force(grant));
        let grants = grants.filter(|grant| sees_all || drive.granted(grant).is_some());
        found.extend(grants.map(|grant| Value::Object(shape::permission(view, drive, grant, from))));
        at = if here.inherits { drive.drive().parent(here).map(Arc::as_ref) } else { None };
    }
    found
}

pub(super) fn permissions(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Answered {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    ask.only(&[Kind::Select])?;
    let mut body = Map::new();
    body.insert("value".to_owned(), json!(shown_permissions(view, &drive, item)));
    let context = format!("drives('{}')/items('{}')/permissions", drive.drive().id, item.id);
    Ok(answer(ask, &context, body))
}

pub(super) fn permission(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Answered {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    ask.only(&[Kind::Select])?;
    let id = ask.key(home.keys() + spot.keys());
    let found = shown_permissions(view, &drive, item).into_iter().find(|permission| permission["id"] == id);
    let Some(Value::Object(body)) = found else {
        return Err(GraphError::DriveItemNotFound.because("no such permission of this item"));
    };
    let context = format!("drives('{}')/items('{}')/permissions/$entity", drive.drive().id, item.id);
    Ok(answer(ask, &context, body))
}

/// The current version; older ones are not kept.
pub(super) fn versions(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Answered {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    ask.only(&[Kind::Select, Kind::Top])?;
    let mut value = Vec::new();
    if !item.is_folder() {
        let (modified, by) = (shape::time(item.modified), shape::person(view, item.editor));
        let id = format!("{}.0", item.version);
        value.push(json!({ "id": id, "lastModifiedDateTime": modified, "lastModifiedBy": by, "size": item.size() }));
    }
    let mut body = Map::new();
    body.insert("value".to_owned(), json!(value));
    Ok(answer(ask, &format!("drives('{}')/items('{}')/versions", drive.drive().id, item.id), body))
}

/// None: no pictures are made here.
pub(super) fn thumbnails(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Answered {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    let mut body = Map::new();
    body.insert("value".to_owned(), json!([]));
    Ok(answer(ask, &format!("drives('{}')/items('{}')/thumbnails", drive.drive().id, item.id), body))
}
