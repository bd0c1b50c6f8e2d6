//! Drives themselves, and lists that go over several.

use fixtures::files::LinkScope;
use http::StatusCode;
use serde_json::{Map, json};

use super::items::{Form, answer, page};
use super::locate::{self, Home};
use super::shape;
use crate::change::{Change, DriveChange};
use crate::drive::Grantee;
use crate::graph::answer::Answer;
use crate::graph::effect::Effect;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::{DriveView, View};

type Answered = Result<Answer, Refusal>;

/// One drive.
pub(super) fn single(view: &View<'_>, ask: &Ask<'_>, drive: &DriveView<'_>) -> Answered {
    ask.only(&[Kind::Select, Kind::Expand])?;
    if let Some(expand) = ask.options.expand.first() {
        ask.unmodelled(format!("$expand={:.60} of a drive", expand.name));
        return Err(
            GraphError::DriveRequest(format!("The expand clause '{:.60}' is not supported.", expand.name)).into()
        );
    }
    let body = shape::selected(shape::drive(view, drive), ask.options.select.as_deref(), shape::DRIVE, "drive")?;
    Ok(answer(ask, "drives/$entity", body))
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>, home: Home) -> Answered {
    let drive = locate::drive(view, ask, home)?;
    single(view, ask, &drive)
}

fn several(view: &View<'_>, ask: &Ask<'_>, drives: &[DriveView<'_>]) -> Answered {
    ask.only(&[Kind::Select, Kind::Top, Kind::SkipToken, Kind::OrderBy, Kind::Count])?;
    let (skip, size) = super::items::window(view, ask)?;
    let select = ask.options.select.as_deref();
    let shown = drives.iter().skip(skip).take(size);
    let shaped = shown.map(|drive| shape::selected(shape::drive(view, drive), select, shape::DRIVE, "drive"));
    let mut body = Map::new();
    body.insert("value".to_owned(), json!(shaped.collect::<Result<Vec<_>, _>>()?));
    if drives.len() > skip.saturating_add(size) {
        body.insert("@odata.nextLink".to_owned(), json!(super::items::next(view, ask, skip + size)));
    }
    Ok(answer(ask, "drives", body))
}

/// The drives of one person: the OneDrive.
pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let drive = view.drive_of(&ask.owner)?;
    several(view, ask, &[drive])
}

pub(super) fn of_site(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    several(view, ask, &view.libraries(&view.site(ask.key(0))?))
}

pub(super) fn of_site_at(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    several(view, ask, &view.libraries(&view.site_at(ask.key(0), ask.key(1))?))
}

pub(super) fn of_group(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    several(view, ask, &view.libraries(&view.site_of_group(ask.key(0))?))
}

/// Files that the caller made or changed, wherever they lie, the newest first.
pub(super) fn recent(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let own = view.drive_of(&ask.owner)?;
    let caller = view.caller();
    let mut drives = view.drives();
    drives.retain(|drive| !drive.is_own);
    drives.push(own);
    let mut all: Vec<_> = drives
        .iter()
        .flat_map(|drive| drive.items().map(move |item| (drive, item)))
        .filter(|(_, item)| !item.is_folder() && (item.editor == caller || item.author == caller))
        .collect();
    all.sort_by(|(_, left), (_, right)| (right.modified, &right.id).cmp(&(left.modified, &left.id)));
    page(view, ask, all, "Collection(driveItem)", Form::Found)
}

/// What others gave the caller or a group of theirs: <https://learn.microsoft.com/graph/api/drive-sharedwithme>.
pub(super) fn shared_with_me(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    view.onedrive(&ask.owner)?;
    let drives = view.drives();
    let all = drives
        .iter()
        .filter(|drive| !drive.is_own)
        .flat_map(|drive| drive.items().map(move |item| (drive, item)))
        .filter(|(drive, item)| {
            item.grants.iter().any(|grant| {
                let is_named = grant.link.as_ref().is_none_or(|link| link.scope == LinkScope::Users);
                let named = grant.to.iter().any(|grantee| *grantee != Grantee::Everybody);
                is_named && named && drive.granted(grant).is_some()
            })
        })
        .collect();
    page(view, ask, all, "Collection(driveItem)", Form::Remote)
}

/// The OneDrive of somebody. Whoever reads it before anybody opened it opens it: a GET that writes
/// (<https://learn.microsoft.com/graph/api/drive-get>).
pub(super) fn open(view: &View<'_>, ask: &Ask<'_>, _: usize) -> Result<Effect, Refusal> {
    let drive = view.onedrive(&ask.owner)?;
    let read: fn(&View<'_>, &Ask<'_>) -> Answered = |view, ask| single(view, ask, &view.drive_of(&ask.owner)?);
    if drive.is_provisioned || !view.is_own(&ask.owner) {
        return Ok(Effect::none(read));
    }
    let change = Change::Drive {
        tenant: view.tenant_id(),
        drive: drive.id.clone(),
        by: view.caller(),
        change: DriveChange::Provision,
    };
    Ok(Effect::then(change, StatusCode::OK, read))
}
