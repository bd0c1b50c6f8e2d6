//! `…/manager`, `…/directReports`: who reports to whom.

use super::{page, user};
use crate::directory::User;
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{key, string};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::View;

/// Who the user reports to.
pub(super) fn manager(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    let properties = user::properties(ask)?;
    let user = super::named(view, ask)?;
    let Some(manager) = view.manager(user) else {
        return Err(GraphError::NoSuchObject("manager".to_owned()).because("the user has no manager"));
    };
    let mut out = super::document(&format!("{}/$metadata#directoryObjects/$entity", ask.root));
    write(&mut out, view, manager, &properties);
    Ok(super::closed(out))
}

/// Who reports to the user.
pub(super) fn reports(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select, Kind::Top, Kind::Count, Kind::SkipToken])?;
    let properties = user::properties(ask)?;
    let user = super::named(view, ask)?;
    let reports = view.reports(user).collect();
    let mut out = super::document(&format!("{}/$metadata#directoryObjects", ask.root));
    page::write(&mut out, view, ask, reports, |out, report| write(out, view, report, &properties))?;
    Ok(super::closed(out))
}

fn write(out: &mut Vec<u8>, view: &View<'_>, user: &User, properties: &[&str]) {
    key(out, "@odata.type");
    string(out, "#microsoft.graph.user");
    user::write(out, user, properties, view.profile(user));
}
