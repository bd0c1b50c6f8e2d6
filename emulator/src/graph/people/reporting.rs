//! `…/manager`, `…/directReports`: who reports to whom.

use super::user;
use crate::directory::User;
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, key, string};
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

/// Who reports to the user: never so many that there is a second page.
pub(super) fn reports(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    let properties = user::properties(ask)?;
    let user = super::named(view, ask)?;
    let mut out = super::document(&format!("{}/$metadata#directoryObjects", ask.root));
    key(&mut out, "value");
    array(&mut out, view.reports(user), |out, report| {
        out.push(b'{');
        write(out, view, report, &properties);
        out.push(b'}');
    });
    Ok(super::closed(out))
}

fn write(out: &mut Vec<u8>, view: &View<'_>, user: &User, properties: &[&str]) {
    key(out, "@odata.type");
    string(out, "#microsoft.graph.user");
    user::write(out, user, properties, view.profile(user));
}
