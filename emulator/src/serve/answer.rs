//! What happens to every request before and after its handler: Host check, body limit, recording.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::json;
use tower::ServiceExt as _;
use url::Url;

use super::{HostKind, address, under_name};
use crate::entra;
use crate::faults::{self, Act, Asked};
use crate::journal::Exchange;
use crate::world::State;

const MIB: usize = 1024 * 1024;
/// The largest request body, in bytes.
const BODY_LIMIT: usize = 4 * MIB;
/// The largest piece of an upload session, in bytes (<https://learn.microsoft.com/graph/api/driveitem-createuploadsession>).
const PIECE_LIMIT: usize = 60 * MIB;
/// The largest file that is sent in one request, in bytes (<https://learn.microsoft.com/graph/api/driveitem-put-content>).
const FILE_LIMIT: usize = 250 * MIB;
/// How much more than its limit is read of a body, and dropped, before the answer, in bytes.
const DROP_LIMIT: usize = 64 * MIB;

/// The origin a request came in at: what documents and links of its answer begin with. No slash at the end.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// For example `https://localhost:8443`.
    pub origin: String,
}

/// One host: its name, its router, its place.
#[derive(Debug)]
pub(crate) struct Host {
    kind: HostKind,
    router: Router,
    state: Arc<State>,
    origin: Url,
}

impl Host {
    pub(crate) fn new(kind: HostKind, router: Router, state: Arc<State>, origin: Url) -> Self {
        Self { kind, router, state, origin }
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: Option<IpAddr>) -> Response {
        let Some(origin) = self.origin_of(&request) else {
            return (StatusCode::MISDIRECTED_REQUEST, "This host does not answer under that name.\n").into_response();
        };
        let (mut parts, body) = request.into_parts();
        let body = match read(body, self.limit(&parts)).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => return self.too_large(),
            // The peer broke off: there is nobody to answer.
            Err(Unread::BrokenOff) => return StatusCode::BAD_REQUEST.into_response(),
        };
        parts.extensions.insert(Arrived { origin });
        if self.kind == HostKind::Lab || !self.state.journal.is_recording() {
            return self.met(parts, body, peer).await;
        }
        let asked = parts.clone();
        let answer = self.met(parts, body.clone(), peer).await;
        self.record(&asked, &body, answer).await
    }

    /// The answer, with the fault that the lab put in its way.
    async fn met(&self, parts: http::request::Parts, body: Bytes, peer: Option<IpAddr>) -> Response {
        let asked = Asked { host: self.kind, method: &parts.method, path: parts.uri.path(), body: &body };
        let fault = if self.kind == HostKind::Lab { None } else { self.state.faults.meet(&asked).await };
        let request = |parts, body| Request::from_parts(parts, Body::from(body));
        match fault {
            Some(Act::Status { status, retry_after, body }) => {
                faults::refusal(&self.state, self.kind, status, retry_after, body)
            }
            Some(Act::Redirect(location)) => faults::redirect(location),
            Some(Act::NextLink(link)) => faults::goes_on_at(self.handle(request(parts, body), peer).await, &link).await,
            Some(Act::CutShort) => faults::cut_short(self.handle(request(parts, body), peer).await).await,
            Some(Act::Delay(_) | Act::Hold) | None => self.handle(request(parts, body), peer).await,
        }
    }

    async fn handle(&self, mut request: Request<Body>, peer: Option<IpAddr>) -> Response {
        address::mark(request.headers_mut(), peer, self.state.live().client_address, &self.state.rules.issuer);
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Which of this host's origins the request names; `None` when it names somebody else.
    ///
    /// Client libraries insist that issuer and the address they used agree, so an alias gets documents of its own.
    fn origin_of(&self, request: &Request<Incoming>) -> Option<String> {
        let named = match request.uri().authority() {
            Some(authority) => authority.as_str(),
            None => request.headers().get(header::HOST)?.to_str().ok()?,
        };
        let (name, port) = match named.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, Some(port)),
            _ => (named, None),
        };
        if port.is_some_and(|port| port.parse().ok() != self.origin.port_or_known_default()) {
            return None;
        }
        let own = self.origin.host_str()?;
        let alias = self.state.origins.aliases.iter().find(|alias| alias.eq_ignore_ascii_case(name));
        let name = if own.eq_ignore_ascii_case(name) { own } else { alias? };
        Some(under_name(&self.origin, name)?.trim_end_matches('/').to_owned())
    }

    /// How large the request's body may be, in bytes.
    fn limit(&self, asked: &http::request::Parts) -> usize {
        match self.kind {
            HostKind::Content => PIECE_LIMIT,
            HostKind::Graph if asked.method == Method::PUT && asked.uri.path().ends_with("/content") => FILE_LIMIT,
            HostKind::Login | HostKind::Graph | HostKind::Lab => BODY_LIMIT,
        }
    }

    fn too_large(&self) -> Response {
        let code = "RequestEntityTooLarge";
        let message = "The request body is too large.";
        match self.kind {
            HostKind::Login => entra::error::too_large(&self.state),
            HostKind::Graph => {
                let id = self.state.seed.guid("request-id");
                let date = self.state.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
                let inner = json!({ "date": date, "request-id": id, "client-request-id": id });
                let body = json!({ "error": { "code": code, "message": message, "innerError": inner } });
                (StatusCode::PAYLOAD_TOO_LARGE, axum::Json(body)).into_response()
            }
            HostKind::Content => (StatusCode::PAYLOAD_TOO_LARGE, message).into_response(),
            HostKind::Lab => {
                let body = json!({ "error": { "code": code, "message": message } });
                (StatusCode::PAYLOAD_TOO_LARGE, axum::Json(body)).into_response()
            }
        }
    }

    async fn record(&self, asked: &http::request::Parts, sent: &Bytes, answer: Response) -> Response {
        let (head, body) = answer.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        self.state.journal.exchange(Exchange {
            seq: 0,
            time: self.state.clock.now(),
            host: self.kind.as_str(),
            method: asked.method.to_string(),
            target: asked.uri.path_and_query().map_or_else(|| asked.uri.to_string(), ToString::to_string),
            request_headers: listed(&asked.headers),
            request_body: STANDARD.encode(sent),
            status: head.status.as_u16(),
            response_headers: listed(&head.headers),
            response_body: STANDARD.encode(&body),
        });
        Response::from_parts(head, Body::from(body))
    }
}

/// Why there is no body.
enum Unread {
    TooLarge,
    BrokenOff,
}

/// Reads a body up to the limit. What is beyond it is read and dropped, within reason: a peer that is still sending when the answer
/// comes sees a broken connection instead of the answer.
async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, Unread> {
    let mut kept = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::BrokenOff)?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if length > limit.saturating_add(DROP_LIMIT) {
            break;
        }
    }
    if length <= limit { Ok(kept.freeze()) } else { Err(Unread::TooLarge) }
}

fn listed(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
