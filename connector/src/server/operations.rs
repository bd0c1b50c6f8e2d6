//! What does the machine room ask? On a listener of its own, never where clients come in: is the process alive, can it serve, and
//! how much has it done.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;

use crate::entra::keys::AuthorityKeys;
use crate::metrics::Metrics;

/// `/livez`, `/readyz` and `/metrics`.
pub(crate) fn router(keys: Arc<AuthorityKeys>, metrics: Arc<Metrics>) -> Router {
    let ready = move || {
        let keys = Arc::clone(&keys);
        async move {
            match keys.ready().await {
                Ok(()) => (StatusCode::OK, "ready\n".to_owned()).into_response(),
                Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
            }
        }
    };
    let text = move || {
        let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
        std::future::ready((kind, metrics.text()))
    };
    Router::new()
        .route("/livez", get(|| std::future::ready("alive\n")))
        .route("/readyz", get(ready))
        .route("/metrics", get(text))
}
