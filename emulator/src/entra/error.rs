//! Errors of the login host.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use crate::world::State;

pub(crate) fn too_large(_state: &State) -> Response {
    StatusCode::PAYLOAD_TOO_LARGE.into_response()
}
