//! Who may use the lab: programs on this machine that mean it. Pages of a browser may not.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State as Shared};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;

use super::LabError;
use crate::world::State;

/// Refuses what a page of another site could send: anything with an `Origin`, and bodies that need no permission to cross origins.
/// (A foreign `Host`, as after DNS rebinding, got 421 before.)
pub(super) async fn refuse_strangers(_: Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) {
        return LabError::new(StatusCode::FORBIDDEN, "originRefused", "the lab answers no page: leave Origin out")
            .into_response();
    }
    if request.method() == Method::POST {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            let message = "send JSON as application/json";
            return LabError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupportedMediaType", message).into_response();
        }
    }
    next.run(request).await
}

/// A JSON body; what does not parse is refused in the lab's words.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = LabError;

    async fn from_request(request: Request, state: &S) -> Result<Self, LabError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| LabError::bad("the body broke off"))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| LabError::bad(error.to_string()))
    }
}
