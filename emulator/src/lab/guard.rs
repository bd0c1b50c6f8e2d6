//! Who may use the lab: programs on this machine that mean it. Pages of a browser may not.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::refusal::{LabError, Refusal};
use crate::world::State;

/// Refuses what a page of another site could send: anything with an `Origin`, and bodies that need no permission to cross origins.
/// (A foreign `Host`, as after DNS rebinding, got 421 before.)
pub(super) async fn refuse_strangers(_: Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) {
        return LabError::new(Refusal::Origin, "the lab answers no page: leave Origin out").into_response();
    }
    if request.method() == Method::POST {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return LabError::new(Refusal::MediaType, "send JSON as application/json").into_response();
        }
    }
    next.run(request).await
}
