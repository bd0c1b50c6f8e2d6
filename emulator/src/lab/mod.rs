//! The lab: reset, clock, grants, users, audit. Not part of the real services, on a listener of its own.
//!
//! `table` is all of it: what is a row there is answered and described, nothing else is. `route.rs` says how to add one.

mod access;
mod apps;
mod clock;
mod directory;
mod faults;
mod guard;
mod journal;
mod keys;
mod members;
mod mint;
mod openapi;
mod refusal;
mod route;
mod tenants;
mod users;
mod world;

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::routing::{MethodRouter, on};
use axum::{Router, middleware};

use crate::world::State;
use refusal::{LabError, Refusal};
use route::Route;

/// One area of the lab: its name, and its rows.
type Area = (&'static str, Vec<Route>);

/// Every control.
fn table() -> Vec<Area> {
    vec![
        ("world", world::routes()),
        ("clock", clock::routes()),
        ("tenants", tenants::routes()),
        ("apps", apps::routes()),
        ("directory", directory::routes()),
        ("users", users::routes()),
        ("members", members::routes()),
        ("access", access::routes()),
        ("keys", keys::routes()),
        ("tokens", mint::routes()),
        ("faults", faults::routes()),
        ("journal", journal::routes()),
    ]
}

/// The paths of every control that changes something, in the order of `docs/lab.md`.
pub fn controls() -> Vec<&'static str> {
    let routes = table().into_iter().flat_map(|(_, routes)| routes);
    routes.filter(|route| route.verb.as_str() == "post").map(|route| route.path).collect()
}

/// The lab's routes.
pub fn router(state: Arc<State>) -> Router {
    table()
        .into_iter()
        .flat_map(|(_, routes)| routes)
        .fold(Router::new(), |router, route| router.route(route.path, service(&route)))
        .method_not_allowed_fallback(|| async {
            LabError::new(Refusal::Method, "another method is meant: see /lab/openapi.json")
        })
        .fallback(|| async { LabError::new(Refusal::Missing, "no such control: see /lab/openapi.json") })
        .layer(middleware::from_fn_with_state(Arc::clone(&state), guard::refuse_strangers))
        .with_state(state)
}

fn service(route: &Route) -> MethodRouter<Arc<State>> {
    let handler = Arc::clone(&route.handler);
    on(route.verb.filter(), move |Shared(state): Shared<Arc<State>>, request: Request| handler(state, request))
}
