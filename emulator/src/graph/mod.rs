//! The Graph host: what answers at `graph.microsoft.com`.
//!
//! ```text
//! request ─► dispatch: token → principal ─► path ─► route (permission row) ─► view of one snapshot ─► handler ─► headers, audit row
//! ```
//!
//! Addresses are not axum routes: keys in parentheses, any letter case and doubled slashes are Graph's own grammar, see `path`.

mod answer;
mod application;
mod audit;
mod batch;
mod body;
mod calendar;
mod challenge;
mod dispatch;
mod effect;
mod error;
mod exchange_id;
pub(crate) mod files;
mod json;
mod link;
mod mail;
mod odata;
mod path;
mod people;
mod prefer;
mod published;
mod route;
mod search;
mod subscriptions;
mod teams;
mod userinfo;
mod view;
mod writes;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;

use self::dispatch::{Call, Service};
pub use self::files::upload::Uploads;
use crate::serve::Arrived;
use crate::world::State;

/// One row of the permission table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Method and path, for example `GET /me/messages/{id}`; a row below `/me` stands for `/users/{id}` too.
    pub operation: String,
    /// One of these scopes, for what is the caller's own or nobody's.
    pub own: &'static [&'static str],
    /// One of these, for what is another's; empty where there is no such thing.
    pub others: &'static [&'static str],
}

/// The permission table: what nothing is served without.
pub fn permissions() -> impl Iterator<Item = Permission> {
    let reads = route::rows().map(|row| Permission { operation: row.operation(), own: row.own, others: row.others });
    let writes = effect::rows().map(|row| Permission { operation: row.operation(), own: row.own, others: row.others });
    reads.chain(writes)
}

/// Answers every path of the Graph host.
pub fn router(state: Arc<State>) -> Router {
    let service = Arc::new(Service::new(state));
    Router::new().fallback(answer).with_state(service)
}

async fn answer(Shared(service): Shared<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // The listener has read the body and limited it; one that breaks off is as good as none.
    let body = body.collect().await.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
    let origin = parts.extensions.get::<Arrived>().map_or_else(|| service.origin(), |arrived| arrived.origin.as_str());
    service.serve(&Call {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body: &body,
        origin,
    })
}
