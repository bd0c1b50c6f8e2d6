//! Applications that ask in their own name.
//!
//! No application permission exists in this world, so every such request is refused: `/me` because there is no `me`, everything else as
//! the workload refuses a token without the role. <https://learn.microsoft.com/graph/auth-v2-service>

use super::error::{GraphError, Refusal};
use super::path::Path;
use super::route::{self, Owner, Workload};
use super::writes;
use http::Method;
use std::collections::BTreeSet;

/// What an application that asks in its own name is told.
pub(super) fn refusal(method: &Method, path: &str) -> Refusal {
    let reason = "the token is an application's own: no user is behind it, and it carries no role";
    let Ok(mut path) = Path::parse(path) else {
        return GraphError::BadRequest("The path is not valid.".to_owned()).into();
    };
    path.version();
    if path.owner().0 == Owner::Caller {
        let message = "/me request is only valid with delegated authentication flow.";
        return GraphError::BadRequest(message.to_owned()).because(reason);
    }
    match route::find(method, &path) {
        // Teams speaks of roles to applications, and of scopes to users.
        Some((row, ..)) if row.workload() != Workload::Teams => {
            row.workload().denied(row.needed(true), &BTreeSet::new()).because(reason)
        }
        _ => writes::denied_to_application(&path).because(reason),
    }
}
