//! Is this request meant for us, and may a web page have sent it? Host and Origin are checked before anything else: a page that
//! rebinds a name to this address must not get through.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;
use url::{Origin, Url};

use super::Services;

/// Under which names the server is reached, and which pages may call it.
pub(super) struct Reach {
    hosts: BTreeSet<String>,
    origins: Vec<Origin>,
}

impl Reach {
    pub(super) fn new(public: &Url, address: SocketAddr, origins: &[String]) -> Self {
        let port = address.port();
        let mut hosts = BTreeSet::from([authority(public), address.to_string()]);
        if address.ip().is_loopback() {
            hosts.extend([format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")]);
        }
        let origins = origins.iter().filter_map(|origin| Url::parse(origin).ok()).map(|url| url.origin()).collect();
        Self { hosts, origins }
    }

    fn hosts(&self, host: &str) -> bool {
        self.hosts.contains(&host.to_ascii_lowercase())
    }

    fn lets_in(&self, origin: &HeaderValue) -> bool {
        let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
        origin.is_some_and(|url| url.origin().is_tuple() && self.origins.contains(&url.origin()))
    }
}

pub(super) async fn check(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let named: Vec<_> = request.headers().get_all(header::HOST).iter().map(|host| host.to_str().ok()).collect();
    // A request line in absolute form names a host, too: neither may be foreign.
    let in_line = request.uri().authority().map(http::uri::Authority::as_str);
    let known = |host: Option<&str>| host.is_some_and(|host| services.reach.hosts(host));
    if named.len() != 1 || !named.into_iter().chain(in_line.map(Some)).all(known) {
        return refuse(StatusCode::MISDIRECTED_REQUEST, "misdirected_request", "This server does not go by that name.");
    }
    let allowed_origin = match request.headers().get(header::ORIGIN) {
        None => None,
        Some(origin) if services.reach.lets_in(origin) => Some(origin.clone()),
        Some(_) => {
            return refuse(
                StatusCode::FORBIDDEN,
                "origin_not_allowed",
                "Pages of this origin may not call this server.",
            );
        }
    };
    let Some(origin) = allowed_origin else { return next.run(request).await };
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name"),
    );
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate"));
    response
}

/// Answers hold people's mail: nothing between here and the client may keep them.
pub(super) async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

pub(super) fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response()
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
