//! Broken connectors that remember too much: what was refused once, what was given once, which key was good first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connector::KeysUnavailable;
use connector::danger::{Edges, KeySource};
use connector::policy::Policy;
use connector::policy::token::SigningKey;
use connector::transport::{Incoming, Outgoing, Transport, TransportError};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value};

use super::Broken;

/// Which answers are kept under what, and when they are given again.
#[derive(Clone, Copy)]
struct Memory {
    /// Under what an answer to this request is kept; `None` goes by.
    filed_by: fn(&Outgoing) -> Option<String>,
    /// Whether an answer is one that is kept.
    kept: fn(&Incoming) -> bool,
    /// Whether a kept one is given in place of this one; `None`: without asking at all.
    instead_of: Option<fn(&Incoming) -> bool>,
}

struct Remembers {
    real: Arc<dyn Transport>,
    memory: Memory,
    answers: Mutex<BTreeMap<String, Incoming>>,
}

impl Transport for Remembers {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let Some(key) = (self.memory.filed_by)(&request) else { return self.real.send(request).await };
            let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
            if let (Some(known), None) = (&known, self.memory.instead_of) {
                return Ok(known.clone());
            }
            let answer = self.real.send(request).await?;
            if (self.memory.kept)(&answer) {
                self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(key, answer.clone());
            }
            let instead = self.memory.instead_of.is_some_and(|refused| refused(&answer));
            Ok(known.filter(|_| instead).unwrap_or(answer))
        })
    }
}

fn remembers(memory: Memory) -> (Policy, Edges) {
    let transport =
        move |real| -> Arc<dyn Transport> { Arc::new(Remembers { real, memory, answers: Mutex::default() }) };
    (Policy::STRICT, Edges { transport: Some(Box::new(transport)), ..Edges::default() })
}

fn form(request: &Outgoing) -> BTreeMap<String, String> {
    serde_urlencoded::from_bytes(&request.body).unwrap_or_default()
}

fn claims(token: &str) -> Map<String, Value> {
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    payload.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
}

/// Whose token it is: tenant and object id.
fn person(token: &str) -> String {
    let claims = claims(token);
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    format!("{} {}", claim("tid"), claim("oid"))
}

/// The token that an exchange exchanges.
fn assertion(request: &Outgoing) -> Option<String> {
    (request.method == Method::POST && request.url.path().ends_with("/token"))
        .then(|| form(request).remove("assertion"))
        .flatten()
}

/// Whether Entra refused with this number (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).
fn is_refusal(answer: &Incoming, number: u32) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body.pointer("/error_codes/0").and_then(Value::as_u64) == Some(number.into())
}

/// By person and address: what the path of a request asks for begins so.
fn of_person(request: &Outgoing, is_asked: fn(&str) -> bool) -> Option<String> {
    let bearer = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let asked = request.method == Method::GET && is_asked(request.url.path());
    asked.then(|| format!("{} {}", person(bearer), request.url))
}

/// A policy acts on whoever was not served before.
pub const POLICY_OUTLIVED: Broken = Broken {
    name: "policy-outlived",
    sentence: "When a policy lets an exchange be refused, the token from before is taken until it expires.",
    reference: None,
    fault: || {
        remembers(Memory {
            filed_by: |request| Some(format!("{} {}", assertion(request)?, form(request).get("scope")?)),
            kept: |answer| answer.status.is_success(),
            instead_of: Some(|answer| is_refusal(answer, 53003)),
        })
    },
};

/// A disabled account stays so.
pub const DISABLED_FOR_EVER: Broken = Broken {
    name: "disabled-for-ever",
    sentence: "Whose exchange was refused because the account was disabled is refused for ever, though it is enabled again.",
    reference: None,
    fault: || {
        remembers(Memory {
            filed_by: |request| assertion(request).filter(|token| !claims(token).contains_key("idp")),
            kept: |answer| is_refusal(answer, 50057),
            instead_of: None,
        })
    },
};

/// A guest who was refused stays so.
pub const GUESTS_REFUSED_FOR_EVER: Broken = Broken {
    name: "guests-refused-for-ever",
    sentence: "A guest whose exchange was refused once is refused for ever.",
    reference: None,
    fault: || {
        remembers(Memory {
            filed_by: |request| assertion(request).filter(|token| claims(token).contains_key("idp")),
            kept: |answer| !answer.status.is_success(),
            instead_of: None,
        })
    },
};

/// Ended sessions end the next one, too.
pub const ENDED_FOR_EVER: Broken = Broken {
    name: "ended-for-ever",
    sentence: "Whose sessions were ended is refused for ever, though they signed in again.",
    reference: None,
    fault: || {
        remembers(Memory {
            filed_by: |request| Some(person(&assertion(request)?)),
            kept: |answer| is_refusal(answer, 50173),
            instead_of: None,
        })
    },
};

/// Files are kept.
pub const KEEPS_FILES: Broken = Broken {
    name: "keeps-files",
    sentence: "What Graph said of a file is kept for whoever asked: it is read on after its owner took it back.",
    reference: None,
    fault: || {
        remembers(Memory {
            filed_by: |request| of_person(request, |path| path.starts_with("/v1.0/drives/")),
            kept: |answer| answer.status.is_success() || answer.status.is_redirection(),
            instead_of: None,
        })
    },
};

/// Mails are kept.
pub const KEEPS_MESSAGES: Broken = Broken {
    name: "keeps-messages",
    sentence: "A mail that was read is kept for whoever read it: it is read on where it no longer is.",
    reference: None,
    fault: || {
        remembers(Memory {
            filed_by: |request| of_person(request, |path| path.contains("/messages/")),
            kept: |answer| answer.status.is_success(),
            instead_of: None,
        })
    },
};

/// The key that was good first, and no other.
struct FirstKey {
    real: Arc<dyn KeySource>,
    first: Mutex<Option<String>>,
}

impl KeySource for FirstKey {
    fn find<'a>(&'a self, kid: &'a str) -> BoxFuture<'a, Result<Option<SigningKey>, KeysUnavailable>> {
        Box::pin(async move {
            let found = self.real.find(kid).await?;
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            if found.is_some() && first.is_none() {
                *first = Some(kid.to_owned());
            }
            Ok(found.filter(|_| first.as_deref() == Some(kid)))
        })
    }
}

/// A roll-over of keys is not followed.
pub const FIRST_KEY_ONLY: Broken = Broken {
    name: "first-key-only",
    sentence: "The first key that signed a token is taken for the only one: after a roll-over nobody comes in.",
    reference: None,
    fault: || {
        let keys = |real| -> Arc<dyn KeySource> { Arc::new(FirstKey { real, first: Mutex::default() }) };
        (Policy::STRICT, Edges { keys: Some(Box::new(keys)), ..Edges::default() })
    },
};

/// Lists of tools, by the token that asked.
type Lists = Arc<Mutex<BTreeMap<HeaderValue, (HeaderMap, Bytes)>>>;

/// What tools there are was told once.
async fn listed_once(State(lists): State<Lists>, request: Request, next: Next) -> Response {
    let (request, message) = super::front::read(request).await;
    let lists_tools = message.get("method").is_some_and(|method| method == "tools/list");
    let Some(bearer) = request.headers().get(header::AUTHORIZATION).cloned().filter(|_| lists_tools) else {
        return next.run(request).await;
    };
    let known = lists.lock().unwrap_or_else(PoisonError::into_inner).get(&bearer).cloned();
    if let Some(known) = known {
        return known.into_response();
    }
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, 1024 * 1024).await.unwrap_or_default();
    if parts.status.is_success() {
        let answer = (parts.headers.clone(), body.clone());
        lists.lock().unwrap_or_else(PoisonError::into_inner).insert(bearer, answer);
    }
    (parts, body).into_response()
}

/// The list of tools does not follow the permissions.
pub const KEEPS_LISTS: Broken = Broken {
    name: "keeps-lists",
    sentence: "The list of tools that somebody was given once is given as long as their token lives, whatever was granted or withdrawn since.",
    reference: None,
    fault: || {
        let front = |router: Router| router.layer(from_fn_with_state(Lists::default(), listed_once));
        (Policy::STRICT, Edges { front: Some(Box::new(front)), ..Edges::default() })
    },
};

/// The way to the authority's keys, as it was gone first.
type WayToKeys = Arc<Mutex<Option<(Arc<dyn Transport>, Outgoing)>>>;

/// Remembers how keys are asked for.
struct Follows {
    real: Arc<dyn Transport>,
    way: WayToKeys,
}

impl Transport for Follows {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        if request.url.path().ends_with("/discovery/v2.0/keys") {
            let way = (Arc::clone(&self.real), request.clone());
            *self.way.lock().unwrap_or_else(PoisonError::into_inner) = Some(way);
        }
        self.real.send(request)
    }
}

/// Asks for keys at every name that nobody knows.
struct NeverTired {
    real: Arc<dyn KeySource>,
    way: WayToKeys,
}

impl KeySource for NeverTired {
    fn find<'a>(&'a self, kid: &'a str) -> BoxFuture<'a, Result<Option<SigningKey>, KeysUnavailable>> {
        Box::pin(async move {
            let found = self.real.find(kid).await?;
            let way = self.way.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let (None, Some((transport, request))) = (&found, way) {
                let _ = transport.send(request).await;
            }
            Ok(found)
        })
    }
}

/// Whoever makes up key names makes the connector ask.
pub const ASKS_FOR_EVERY_KEY: Broken = Broken {
    name: "asks-for-every-key",
    sentence: "The authority is asked for its keys at every key name that is not known: whoever makes some up has it asked without end.",
    reference: None,
    fault: || {
        let way = WayToKeys::default();
        let keys_by = Arc::clone(&way);
        let transport = move |real| -> Arc<dyn Transport> { Arc::new(Follows { real, way }) };
        let keys = move |real| -> Arc<dyn KeySource> { Arc::new(NeverTired { real, way: keys_by }) };
        let edges = Edges { transport: Some(Box::new(transport)), keys: Some(Box::new(keys)), ..Edges::default() };
        (Policy::STRICT, edges)
    },
};
