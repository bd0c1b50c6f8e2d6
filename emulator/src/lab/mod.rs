//! The lab: reset, clock, grants, users, audit. Not part of the real services.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::world::State;

/// The lab's routes.
pub fn router(_state: Arc<State>) -> Router {
    Router::new().route("/lab/health", get(|| async { axum::Json(serde_json::json!({ "ready": true })) }))
}
