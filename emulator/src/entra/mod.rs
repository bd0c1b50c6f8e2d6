//! The login host: what Microsoft Entra ID answers at `login.microsoftonline.com`.

mod assertion;
mod authorize;
mod claims;
mod client;
mod consent;
mod discovery;
pub mod error;
mod form;
pub mod keys;
pub(crate) mod mint;
pub mod rules;
mod scope;
pub mod store;
pub mod tenant;
mod token;
pub mod verify;

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};

use crate::world::State;

/// Answers every path of the login host. The tenant is always the first segment.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::v2))
        .route("/{tenant}/.well-known/openid-configuration", get(discovery::v1))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys_v2))
        .route("/{tenant}/discovery/keys", get(discovery::keys_v1))
        .route("/{tenant}/discovery/instance", get(discovery::instance))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::endpoint).post(authorize::endpoint))
        .route("/{tenant}/login", post(authorize::login))
        .route("/{tenant}/oauth2/v2.0/token", any(token::endpoint))
        .route("/{tenant}/v2.0/adminconsent", get(consent::endpoint).post(consent::decide))
        .route("/{tenant}/adminconsent", get(consent::endpoint).post(consent::decide))
        .fallback(unknown)
        .with_state(state)
}

/// Endpoints of the real service that are not modelled, below the tenant.
const NOT_MODELLED: [&str; 11] = [
    "oauth2/v2.0/devicecode",
    "oauth2/v2.0/logout",
    "oauth2/authorize",
    "oauth2/token",
    "oauth2/devicecode",
    "oauth2/logout",
    "oauth2/checksession",
    "openid/userinfo",
    "userrealm",
    "saml2",
    "kerberos",
];

/// What the login host does not know, or we do not model. Only the latter is counted: a browser's favicon is no gap of ours.
async fn unknown(Shared(state): Shared<Arc<State>>, method: Method, uri: Uri) -> Response {
    let endpoint = uri.path().trim_start_matches('/').split_once('/').map_or("", |(_, rest)| rest).to_ascii_lowercase();
    let Some(known) = NOT_MODELLED.iter().find(|known| endpoint.starts_with(**known)) else {
        return (StatusCode::NOT_FOUND, "404: no such endpoint at the login host.\n").into_response();
    };
    state.journal.unmodelled(format!("login: {method} /{{tenant}}/{known}"));
    (StatusCode::NOT_FOUND, format!("404: the endpoint {known} is not modelled by the emulator.\n")).into_response()
}
