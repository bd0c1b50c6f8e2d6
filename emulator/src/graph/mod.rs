//! The Graph host.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::json;

use crate::world::State;

/// Answers every path of the Graph host.
pub fn router(_state: Arc<State>) -> Router {
    Router::new().fallback(|| async {
        let body = json!({ "error": { "code": "UnknownError", "message": "", "innerError": {} } });
        (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
    })
}
