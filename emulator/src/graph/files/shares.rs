//! `/shares/{id}`: sharing links and addresses, encoded as `u!…`.
//!
//! <https://learn.microsoft.com/graph/api/shares-get>. A link that the caller did not follow yet opens nothing by itself: `Prefer:
//! redeemSharingLinkIfNecessary` follows it for the one request. `Prefer: redeemSharingLink` follows it for good, which is a write.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Map, json};

use super::download::Door;
use super::items::{answer, children_of, content_of, single};
use super::shape;
use crate::change::{Change, DriveChange};
use crate::drive::Item;
use crate::graph::answer::Answer;
use crate::graph::effect::Effect;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::{DriveView, View};

type Answered = Result<Answer, Refusal>;

fn prefers(ask: &Ask<'_>, wish: &str) -> bool {
    let mut values = ask.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(|word| word.trim().eq_ignore_ascii_case(wish)))
}

/// The address that the path carries.
fn address(ask: &Ask<'_>) -> Result<String, GraphError> {
    let malformed = || GraphError::DriveRequest("The sharing URL is malformed.".to_owned());
    let encoded = ask.key(0).strip_prefix("u!").ok_or_else(malformed)?;
    let url = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).map_err(|_| malformed())?;
    let url = String::from_utf8(url).map_err(|_| malformed())?;
    Ok(url.split('?').next().unwrap_or_default().to_owned())
}

/// Follows a link for good, if the caller prefers that, has a link that works for them and did not follow it before: a GET that writes.
fn redeemed(view: &View<'_>, ask: &Ask<'_>, then: fn(&View<'_>, &Ask<'_>) -> Answered) -> Result<Effect, Refusal> {
    let found = if prefers(ask, "redeemSharingLink") { view.linked(&address(ask)?) } else { None };
    let Some((drive, item, grant)) =
        found.filter(|(drive, _, grant)| drive.granted(grant).is_none() && drive.works(grant))
    else {
        return Ok(Effect::none(then));
    };
    let change = Change::Drive {
        tenant: view.tenant_id(),
        drive: drive.drive().id.clone(),
        by: view.caller(),
        change: DriveChange::Follow { id: item.id.clone(), permission: grant.id.clone() },
    };
    Ok(Effect::then(change, StatusCode::OK, then))
}

/// What an encoded address leads to, as far as the caller may go there.
fn find<'a>(view: &View<'a>, ask: &Ask<'_>) -> Result<(DriveView<'a>, &'a Arc<Item>), Refusal> {
    let url = address(ask)?;
    let url = url.as_str();
    let unseen = || GraphError::DriveItemNotFound.because("the sharing link leads nowhere within reach of the caller");
    if let Some((drive, item, grant)) = view.linked(url) {
        let follows = prefers(ask, "redeemSharingLinkIfNecessary");
        if drive.granted(grant).is_some() || (follows && drive.works(grant)) || drive.role(item).is_some() {
            return Ok((drive, item));
        }
        let why = "access rule `follows`: the link is not for the caller, or was not followed yet";
        return Err(GraphError::DriveDenied.because(why));
    }
    let (drive, item) = view.addressed(url).ok_or_else(unseen)?;
    if drive.role(item).is_some() { Ok((drive, item)) } else { Err(unseen()) }
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>, _: usize) -> Result<Effect, Refusal> {
    redeemed(view, ask, share)
}

pub(super) fn item(view: &View<'_>, ask: &Ask<'_>, _: usize) -> Result<Effect, Refusal> {
    redeemed(view, ask, |view, ask| {
        let (drive, item) = find(view, ask)?;
        single(view, ask, &drive, item)
    })
}

fn share(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let (drive, item) = find(view, ask)?;
    ask.only(&[Kind::Select, Kind::Expand])?;
    let mut body = Map::new();
    body.insert("id".to_owned(), json!(ask.key(0)));
    body.insert("name".to_owned(), json!(item.name));
    body.insert("webUrl".to_owned(), json!(shape::web_url(drive.drive(), item)));
    body.insert("owner".to_owned(), shape::person(view, item.author));
    for expand in &ask.options.expand {
        let door = Door::of(ask);
        if expand.name.eq_ignore_ascii_case("driveItem") || expand.name.eq_ignore_ascii_case("root") {
            body.insert(expand.name.clone(), json!(shape::item(view, &drive, item, &door)));
        } else {
            ask.unmodelled(format!("$expand={:.60} of a share", expand.name));
        }
    }
    Ok(answer(ask, "shares/$entity", body))
}

pub(super) fn children(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let (drive, item) = find(view, ask)?;
    children_of(view, ask, &drive, item)
}

pub(super) fn content(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let (drive, item) = find(view, ask)?;
    content_of(view, ask, &drive, item)
}
