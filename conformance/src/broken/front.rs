//! Broken connectors whose fault stands before the server: what it does to a request before anybody looks at it, or with an answer that is
//! ready.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use connector::danger::Edges;
use connector::policy::Policy;
use connector::transport::{Incoming, Outgoing, Transport, TransportError};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use tokio::sync::oneshot;

use super::Broken;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// As much of a body as is looked at.
const MUCH: usize = 4 * 1024 * 1024;

fn in_front(front: fn(Router) -> Router) -> (Policy, Edges) {
    (Policy::STRICT, Edges { front: Some(Box::new(front)), ..Edges::default() })
}

/// The request, and its body as JSON.
pub(super) async fn read(request: Request) -> (Request, Value) {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MUCH).await.unwrap_or_default();
    let message = serde_json::from_slice(&bytes).unwrap_or_default();
    (Request::from_parts(parts, Body::from(bytes)), message)
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Who opened which session.
type Sessions = Arc<Mutex<BTreeMap<String, HeaderValue>>>;

/// A session is its id: the token of whoever began it answers for everybody who names it.
async fn by_session_id(State(sessions): State<Sessions>, request: Request, next: Next) -> Response {
    let (mut request, message) = read(request).await;
    let lock = || sessions.lock().unwrap_or_else(PoisonError::into_inner);
    let bearer = request.headers().get(header::AUTHORIZATION).cloned();
    let named = text(request.headers(), &SESSION);
    request.headers_mut().remove(SESSION);
    if let Some(id) = &named {
        if request.method() == Method::DELETE {
            return if lock().remove(id).is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND }.into_response();
        }
        let Some(first) = lock().get(id).cloned() else { return StatusCode::NOT_FOUND.into_response() };
        request.headers_mut().insert(header::AUTHORIZATION, first);
    }
    let mut response = next.run(request).await;
    if message.get("method").is_some_and(|method| method == "initialize")
        && response.status().is_success()
        && let Some(bearer) = bearer
    {
        let mut sessions = lock();
        let id = format!("session-{}", sessions.len() + 1);
        if let Ok(value) = HeaderValue::try_from(id.as_str()) {
            response.headers_mut().insert(SESSION, value);
        }
        sessions.insert(id, bearer);
    }
    response
}

/// Sessions are keyed by their id alone.
pub const SESSION_BY_ID: Broken = Broken {
    name: "session-by-id",
    sentence: "A session is found by its id alone, and its first caller answers for everybody who names it.",
    reference: Some("Asana MCP exposure (2025): state of one organization served to another"),
    fault: || in_front(|server| server.layer(from_fn_with_state(Sessions::default(), by_session_id))),
};

/// Who waits for the answer to which id.
type Waiting = Arc<Mutex<BTreeMap<String, VecDeque<oneshot::Sender<Response>>>>>;

/// One table of who waits for which id, for everybody: the first answer goes to whoever asked first.
async fn by_message_id(State(waiting): State<Waiting>, request: Request, next: Next) -> Response {
    let (request, message) = read(request).await;
    let Some(id) = message.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)) else {
        return next.run(request).await;
    };
    let lock = || waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let (sender, receiver) = oneshot::channel();
    lock().entry(id.clone()).or_default().push_back(sender);
    let answer = next.run(request).await;
    let first = lock().get_mut(&id).and_then(VecDeque::pop_front);
    if let Some(first) = first {
        let _ = first.send(answer);
    }
    receiver.await.unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
}

/// Answers find their way by the message's id.
pub const ANSWERS_BY_MESSAGE_ID: Broken = Broken {
    name: "answers-by-message-id",
    sentence: "One table for everybody says who waits for the answer to which id: two clients that count alike get each other's.",
    reference: None,
    fault: || in_front(|server| server.layer(from_fn_with_state(Waiting::default(), by_message_id))),
};

/// The headers say what the body says, whatever they said.
async fn headers_of_the_body(request: Request, next: Next) -> Response {
    let (mut request, message) = read(request).await;
    for (name, pointer) in [
        ("mcp-method", "/method"),
        ("mcp-name", "/params/name"),
        ("mcp-protocol-version", "/params/_meta/io.modelcontextprotocol~1protocolVersion"),
    ] {
        if let Some(value) = message.pointer(pointer).and_then(Value::as_str)
            && let Ok(value) = HeaderValue::try_from(value)
        {
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    next.run(request).await
}

/// What the headers say is not compared with the body.
pub const HEADERS_NOT_COMPARED: Broken = Broken {
    name: "headers-not-compared",
    sentence: "What a request says of itself in its headers is not compared with what it is: a gateway that reads them lets anything through.",
    reference: None,
    fault: || in_front(|server| server.layer(from_fn(headers_of_the_body))),
};

/// Any page, under any name.
async fn from_anywhere(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(header::ORIGIN);
    let port = text(request.headers(), &header::HOST).and_then(|host| host.rsplit_once(':').map(|(_, p)| p.to_owned()));
    if let Some(Ok(host)) = port.map(|port| HeaderValue::try_from(format!("localhost:{port}"))) {
        request.headers_mut().insert(header::HOST, host);
    }
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Pages of every origin call the server, under every name.
pub const ANY_ORIGIN: Broken = Broken {
    name: "any-origin",
    sentence: "Neither Host nor Origin is looked at: any page that a user opens calls the server on their machine.",
    reference: Some("CVE-2025-66416 and its kind (DNS rebinding of local MCP servers)"),
    fault: || in_front(|server| server.layer(from_fn(from_anywhere))),
};

/// What the last client wanted its token to be asked for with.
type Wanted = Arc<Mutex<Option<String>>>;

/// Keeps the claims that a client sends along, in `_meta` or a header.
async fn wanted_claims(State(wanted): State<Wanted>, request: Request, next: Next) -> Response {
    let (request, message) = read(request).await;
    let in_meta = message.pointer("/params/_meta/claims").and_then(Value::as_str).map(str::to_owned);
    let in_header = text(request.headers(), &HeaderName::from_static("x-ms-claims"));
    *wanted.lock().unwrap_or_else(PoisonError::into_inner) = in_meta.or(in_header);
    next.run(request).await
}

/// The way out, with those claims in every exchange.
struct WithClaims {
    real: Arc<dyn Transport>,
    wanted: Wanted,
}

impl Transport for WithClaims {
    fn send(&self, mut request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(claims) = wanted.filter(|_| request.url.path().ends_with("/token")) {
            let mut form: BTreeMap<String, String> = serde_urlencoded::from_bytes(&request.body).unwrap_or_default();
            form.insert("claims".to_owned(), claims);
            request.body = serde_urlencoded::to_string(form).unwrap_or_default().into();
        }
        self.real.send(request)
    }
}

/// A client says which claims its token is asked for with.
pub const CLAIMS_FROM_CLIENT: Broken = Broken {
    name: "claims-from-client",
    sentence: "The claims that a client sends along go into the exchange, whoever wrote them.",
    reference: None,
    fault: || {
        let wanted = Wanted::default();
        let kept = Arc::clone(&wanted);
        let edges = Edges {
            front: Some(Box::new(move |server: Router| server.layer(from_fn_with_state(kept, wanted_claims)))),
            transport: Some(Box::new(move |real| Arc::new(WithClaims { real, wanted }))),
            ..Edges::default()
        };
        (Policy::STRICT, edges)
    },
};

/// Bodies of any size are read.
pub const BODIES_OF_ANY_SIZE: Broken = Broken {
    name: "bodies-of-any-size",
    sentence: "The size of a request's body has no bound.",
    reference: None,
    fault: || {
        let edges = Edges { config: Some(|config| config.server.max_body_bytes = usize::MAX / 2), ..Edges::default() };
        (Policy::STRICT, edges)
    },
};

/// A body is read as JSON whatever it is said to be, and what it says twice is settled.
async fn put_right(request: Request, next: Next) -> Response {
    let (request, message) = read(request).await;
    if !message.is_object() {
        return next.run(request).await;
    }
    let (mut parts, _) = request.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    next.run(Request::from_parts(parts, Body::from(message.to_string()))).await
}

/// A body has as many meanings as it has readers.
pub const BODIES_PUT_RIGHT: Broken = Broken {
    name: "bodies-put-right",
    sentence: "Of a name that occurs twice in a body the last one counts, and nobody asks what kind of text a body is said to be.",
    reference: Some("CVE-2017-12635 (CouchDB)"),
    fault: || in_front(|server| server.layer(from_fn(put_right))),
};

/// The cursors that were given out, by their seals.
type Sealed = Arc<Mutex<BTreeMap<String, String>>>;

/// A cursor whose second half is a known one's is taken for that.
async fn half_a_cursor(State(given): State<Sealed>, request: Request, next: Next) -> Response {
    let (request, mut message) = read(request).await;
    let lock = || given.lock().unwrap_or_else(PoisonError::into_inner);
    let seal = |cursor: &str| cursor.rsplit_once('.').map(|(_, seal)| seal.to_owned());
    let mut request = request;
    if let Some(Value::String(cursor)) = message.pointer_mut("/params/arguments/cursor")
        && let Some(known) = seal(cursor).and_then(|seal| lock().get(&seal).cloned())
    {
        *cursor = known;
        let (mut parts, _) = request.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        request = Request::from_parts(parts, Body::from(message.to_string()));
    }
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, MUCH).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let cursor = text.split_once("\"nextCursor\":\"").and_then(|(_, rest)| rest.split_once('"'));
    if let Some((cursor, _)) = cursor
        && let Some(seal) = seal(cursor)
    {
        lock().insert(seal, cursor.to_owned());
    }
    (parts, body).into_response()
}

/// The place that a cursor names is not under its seal.
pub const CURSOR_UNSEALED: Broken = Broken {
    name: "cursor-unsealed",
    sentence: "A cursor's seal says whose it is and nothing of the place that it names: any place goes with it.",
    reference: None,
    fault: || in_front(|server| server.layer(from_fn_with_state(Sealed::default(), half_a_cursor))),
};

/// Graph's wish to wait does not arrive.
struct Deaf(Arc<dyn Transport>);

impl Transport for Deaf {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let mut answer = self.0.send(request).await?;
            answer.headers.remove(header::RETRY_AFTER);
            Ok(answer)
        })
    }
}

/// Who is told to wait asks again at once.
pub const HEARS_NO_WISH_TO_WAIT: Broken = Broken {
    name: "hears-no-wish-to-wait",
    sentence: "How long Microsoft 365 wants somebody to wait is not heard: it is asked again at once, and slows everybody down.",
    reference: None,
    fault: || {
        let transport = |real| -> Arc<dyn Transport> { Arc::new(Deaf(real)) };
        (Policy::STRICT, Edges { transport: Some(Box::new(transport)), ..Edges::default() })
    },
};
