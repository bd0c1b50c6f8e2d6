//! The login host: what Microsoft Entra ID answers at `login.microsoftonline.com`.

mod assertion;
mod authorize;
mod claims;
mod client;
mod consent;
mod device;
mod discovery;
pub mod error;
mod flow;
mod form;
pub mod keys;
mod logout;
pub(crate) mod mint;
mod pages;
pub mod rules;
mod scope;
mod second_factor;
pub mod store;
pub mod tenant;
mod token;
pub mod verify;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};

pub(crate) use self::claims::pairwise;
use crate::world::State;

/// Answers every path of the login host. The tenant is always the first segment.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::v2))
        .route("/{tenant}/.well-known/openid-configuration", get(discovery::v1))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys_v2))
        .route("/{tenant}/discovery/keys", get(discovery::keys_v1))
        .route("/{tenant}/discovery/instance", get(discovery::instance))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::v2).post(authorize::v2))
        .route("/{tenant}/oauth2/authorize", get(authorize::v1).post(authorize::v1))
        .route("/{tenant}/login", post(authorize::login))
        .route("/{tenant}/SAS/ProcessAuth", post(second_factor::endpoint))
        .route("/{tenant}/Consent/Set", post(consent::set))
        .route("/{tenant}/oauth2/v2.0/token", any(token::v2))
        .route("/{tenant}/oauth2/token", any(token::v1))
        .route("/{tenant}/oauth2/v2.0/devicecode", any(device::v2))
        .route("/{tenant}/oauth2/devicecode", any(device::v1))
        .route("/device", get(device::short))
        .route("/{tenant}/oauth2/deviceauth", get(device::enter).post(device::enter))
        .route("/{tenant}/appverify", post(device::verify))
        .route("/{tenant}/oauth2/v2.0/logout", get(logout::endpoint).post(logout::endpoint))
        .route("/{tenant}/oauth2/logout", get(logout::endpoint).post(logout::endpoint))
        .route("/{tenant}/oauth2/v2.0/logoutsession", get(logout::silent))
        .route("/{tenant}/v2.0/adminconsent", get(consent::v2))
        .route("/{tenant}/adminconsent", get(consent::v1))
        .fallback(unknown)
        .with_state(state)
}

/// Endpoints of the real service that are not modelled, below the tenant.
const NOT_MODELLED: [&str; 6] = ["oauth2/checksession", "openid/userinfo", "userrealm", "saml2", "wsfed", "kerberos"];

/// What the login host does not know, or we do not model. Only the latter is counted: a browser's favicon is no gap of ours.
async fn unknown(Shared(state): Shared<Arc<State>>, method: Method, uri: Uri) -> Response {
    let endpoint = uri.path().trim_start_matches('/').split_once('/').map_or("", |(_, rest)| rest).to_ascii_lowercase();
    let Some(known) = NOT_MODELLED.iter().find(|known| endpoint.starts_with(**known)) else {
        return (StatusCode::NOT_FOUND, "404: no such endpoint at the login host.\n").into_response();
    };
    state.journal.unmodelled(format!("login: {method} /{{tenant}}/{known}"));
    (StatusCode::NOT_FOUND, format!("404: the endpoint {known} is not modelled by the emulator.\n")).into_response()
}
