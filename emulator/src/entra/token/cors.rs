//! Which pages may read answers of the token endpoint: those of registered single-page applications.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use fixtures::ids::AppId;
use fixtures::plan::{RedirectKind, Registration};
use url::Url;

use crate::world::World;

/// The answer to a browser that asks before it posts. Nobody knows yet which application it will be.
pub(super) fn preflight(world: &World, headers: &HeaderMap) -> Response {
    let mut response = StatusCode::OK.into_response();
    let Some(origin) = headers.get(header::ORIGIN) else { return response };
    if world.apps.all().any(|app| is_page_of(app, origin)) {
        let answer = response.headers_mut();
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, OPTIONS"));
        if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        answer.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}

/// Lets the client's own pages read an answer.
pub(super) fn allow(world: &World, client: Option<AppId>, headers: &HeaderMap, response: &mut Response) {
    let Some(origin) = headers.get(header::ORIGIN) else { return };
    if client.and_then(|client| world.app(client)).is_some_and(|app| is_page_of(app, origin)) {
        let answer = response.headers_mut();
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// Whether a page of this origin is the application's: it holds a `spa` redirect URI there; on this machine any port.
fn is_page_of(app: &Registration, origin: &HeaderValue) -> bool {
    let Some(origin) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else { return false };
    app.redirect_uris.iter().filter(|redirect| redirect.kind == RedirectKind::Spa).any(|redirect| {
        Url::parse(&redirect.uri).is_ok_and(|registered| {
            let is_same_host = registered.scheme() == origin.scheme() && registered.host() == origin.host();
            is_same_host && (registered.origin() == origin.origin() || registered.host_str() == Some("localhost"))
        })
    })
}
