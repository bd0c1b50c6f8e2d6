//! The host's addresses, who may use them, and the two shapes of its answers: JSON for programs, a page for the browser that
//! comes back from the sign-in.
//!
//! The table of addresses is in the documentation of [`host`](super).

mod asker;
mod callback;
mod connection;
mod json_body;
mod organization;
mod tools;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::connect::Connect;
use super::error::Refusal;
use super::organizations::Organizations;
use super::tools::Tools;
use super::users::Users;
use super::vault::TokenVault;
use callback::BrowserCookie;

/// Arguments of a tool call are small.
const MAX_BODY: usize = 1024 * 1024;

/// What the addresses work with.
pub(super) struct Services {
    pub(super) users: Users,
    pub(super) organizations: Arc<Organizations>,
    pub(super) connect: Connect,
    pub(super) tools: Tools,
    pub(super) vault: Arc<dyn TokenVault>,
    /// Whether browsers reach the host by https.
    pub(super) secure: bool,
}

type Host = Arc<Services>;

pub(super) fn router(services: Services) -> Router {
    Router::new()
        .route("/api/health", get(health))
        .route("/api/me", get(connection::me))
        .route("/api/connect", post(connection::connect))
        .route("/api/disconnect", post(connection::disconnect))
        .route("/api/organization", post(organization::switch))
        .route("/api/tools", get(tools::list))
        .route("/api/tools/{name}", post(tools::call))
        .route("/connect/callback", get(callback::finish))
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::map_response(private))
        .with_state(Arc::new(services))
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Nothing here is for a cache, and the callback's address (it holds a code) is for no other site.
async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
