//! The lab: reset, clock, grants, users, audit. Not part of the real services, on a listener of its own.

mod clock;
mod directory;
mod guard;
mod journal;

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde_json::{Value, json};

use crate::change::ChangeError;
use crate::world::State;

/// The lab's own description, for people and generators.
const OPENAPI: &str = include_str!("openapi.json");

/// The lab's routes.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/lab/health", get(|| async { Json(json!({ "ready": true })) }))
        .route("/lab/openapi.json", get(|| async { ([("content-type", "application/json")], OPENAPI) }))
        .route("/lab/reset", post(reset))
        .route("/lab/clock", get(clock::read).post(clock::set))
        .route("/lab/tenants", get(directory::tenants))
        .route("/lab/grants", get(directory::grants))
        .route("/lab/grants/consent", post(directory::consent))
        .route("/lab/grants/revoke", post(directory::revoke))
        .route("/lab/users/update", post(directory::update_user))
        .route("/lab/users/revoke-sessions", post(directory::revoke_sessions))
        .route("/lab/audit", get(journal::audit))
        .route("/lab/fingerprint", get(journal::fingerprint))
        .route("/lab/unmodelled", get(journal::unmodelled))
        .route("/lab/recording", post(journal::record))
        .route("/lab/exchanges", get(journal::exchanges))
        .method_not_allowed_fallback(|| async {
            LabError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "methodNotAllowed",
                "another method is meant: see /lab/openapi.json",
            )
        })
        .fallback(|| async {
            LabError::new(StatusCode::NOT_FOUND, "notFound", "no such control: see /lab/openapi.json")
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&state), guard::refuse_strangers))
        .with_state(state)
}

async fn reset(Shared(state): Shared<Arc<State>>, guard::Body(_): guard::Body<Nothing>) -> Json<Value> {
    state.reset();
    Json(json!({}))
}

/// `{}`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A refusal of the lab.
#[derive(Debug, Clone)]
pub(super) struct LabError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl LabError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "badRequest", message)
    }

    fn missing(what: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", format!("no such {what}: {name:?}"))
    }
}

impl From<ChangeError> for LabError {
    fn from(error: ChangeError) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", error.to_string())
    }
}

impl IntoResponse for LabError {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        (self.status, Json(body)).into_response()
    }
}
