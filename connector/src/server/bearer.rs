//! Who is calling, and are they let in? Asked on every request, before any MCP.

use std::sync::{Arc, OnceLock, PoisonError};

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::admission::Closed;
use super::guard::refuse;
use super::request_id::RequestId;
use super::{Services, body, metadata::Metadata};
use crate::audit::{AuditEvent, EventKind};
use crate::caller::Caller;
use crate::policy::bearer::NoBearer;
use crate::policy::token::{self, Answer, Expected, Rule};
use crate::refusal::Refusal;

/// Beyond so many living tokens, signing in is no event any more; calls still are.
const MANY_TOKENS: usize = 100_000;

/// One request's own: its caller, and what its answer turns into when a tool finds that the sign-in is not enough.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) caller: Arc<Caller>,
    pub(super) sign_in: Arc<OnceLock<Refusal>>,
    pub(super) request: RequestId,
}

/// Why a request gets no further.
enum Denied {
    /// No token.
    NoToken,
    /// More than one.
    Several,
    /// Not a token.
    Malformed,
    /// The token breaks a rule.
    Broken(&'static Rule),
    /// The tenant is not let in.
    Closed(Closed, Box<Caller>),
    /// The authority's keys are not to be had.
    KeysUnavailable,
}

pub(super) async fn check(State(services): State<Arc<Services>>, mut request: Request, next: Next) -> Response {
    let Some(id) = request.extensions().get::<RequestId>().copied() else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "The request has no name.");
    };
    let caller = match services.admitted(request.headers(), request.uri().query()).await {
        Ok(caller) => {
            services.note_sign_in(id, &caller);
            Arc::new(caller)
        }
        Err(denied) => {
            services.note(id, &denied);
            body::drain(request.into_body()).await;
            return denied.answer(&services.metadata);
        }
    };
    // Headers travel into the tools' context: the token stays here.
    request.headers_mut().remove(header::AUTHORIZATION);
    request.headers_mut().remove(header::COOKIE);
    let session = Session { caller, sign_in: Arc::default(), request: id };
    let sign_in = Arc::clone(&session.sign_in);
    request.extensions_mut().insert(session);
    let response = next.run(request).await;
    match sign_in.get() {
        Some(refusal) => sign_in_again(refusal, &services.metadata),
        None => response,
    }
}

impl Services {
    async fn admitted(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Caller, Denied> {
        let bearer = (self.policy.bearer)(headers, query).map_err(|none| match none {
            NoBearer::Absent => Denied::NoToken,
            NoBearer::Several => Denied::Several,
        })?;
        let mut presented = token::parse(bearer.expose_secret()).map_err(|_| Denied::Malformed)?;
        if let Some(kid) = presented.header.text("kid") {
            presented.key = self.keys.find(kid).await.map_err(|_| Denied::KeysUnavailable)?;
        }
        let expected = Expected {
            login: self.login.clone(),
            client_id: self.client_id.clone(),
            scope: self.scope.clone(),
            clients: self.clients.clone(),
            now: self.clock.now(),
        };
        if let Some(rule) = token::broken_rule(self.policy.token_rules, &presented, &expected) {
            return Err(Denied::Broken(rule));
        }
        let caller = Caller::of(&presented, bearer);
        match (self.policy.admit_tenant)(&*self.admission, &caller) {
            Ok(()) => Ok(caller),
            Err(closed) => Err(Denied::Closed(closed, Box::new(caller))),
        }
    }

    fn note_sign_in(&self, id: RequestId, caller: &Caller) {
        let now = self.clock.now();
        let mut known = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MANY_TOKENS {
            known.retain(|_, until| now < *until);
        }
        let is_new = known.len() < MANY_TOKENS && known.insert(caller.assertion_digest(), caller.expires()).is_none();
        drop(known);
        if is_new {
            self.audit.record(&self.event(id, "ok", Some(caller)));
        }
    }

    fn event(&self, id: RequestId, outcome: &str, caller: Option<&Caller>) -> AuditEvent {
        AuditEvent {
            request_id: Some(id.0),
            tenant: caller.map(|caller| caller.tenant().to_string()),
            user: caller.map(|caller| caller.user().to_string()),
            client: caller.map(|caller| caller.client().to_owned()),
            ..AuditEvent::new(self.clock.now(), EventKind::Authentication, outcome)
        }
    }

    fn note(&self, id: RequestId, denied: &Denied) {
        let (outcome, caller) = match denied {
            // Every client begins so, to learn where to sign in.
            Denied::NoToken => return,
            Denied::Several => ("several_tokens", None),
            Denied::Malformed => ("malformed", None),
            Denied::Broken(rule) => (rule.name, None),
            Denied::Closed(closed, caller) => (closed.code(), Some(caller)),
            Denied::KeysUnavailable => ("keys_unavailable", None),
        };
        self.audit.record(&self.event(id, outcome, caller.map(|caller| &**caller)));
    }
}

impl Denied {
    fn answer(&self, metadata: &Metadata) -> Response {
        match self {
            Self::NoToken => unauthorized(metadata.sign_in(), "sign_in_required", "Sign in to use this connector."),
            Self::Several => {
                let why = "The request brings more than one access token.";
                let mut response = refuse(StatusCode::BAD_REQUEST, "invalid_request", why);
                response.headers_mut().insert(header::WWW_AUTHENTICATE, metadata.several(why));
                response
            }
            Self::Malformed => {
                let why = "The access token was refused: it is not a signed JSON Web Token.";
                unauthorized(metadata.invalid(why), "invalid_token", why)
            }
            Self::Broken(rule) => {
                let why = format!("The access token was refused: {}.", rule.says);
                match rule.answer {
                    Answer::InvalidToken => unauthorized(metadata.refused(rule), "invalid_token", &why),
                    Answer::InsufficientScope => forbidden(metadata.refused(rule), "insufficient_scope", &why),
                    Answer::DelegatedRequired => forbidden(metadata.refused(rule), "delegated_token_required", &why),
                }
            }
            Self::Closed(closed, _) => refuse(StatusCode::FORBIDDEN, closed.code(), closed.message()),
            Self::KeysUnavailable => refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "keys_unavailable",
                "The issuer's signing keys cannot be read now.",
            ),
        }
    }
}

fn sign_in_again(refusal: &Refusal, metadata: &Metadata) -> Response {
    let challenge = match refusal.wanted_claims() {
        Some(claims) => metadata.claims(claims),
        None => metadata.invalid(refusal.message()),
    };
    let mut response = (StatusCode::UNAUTHORIZED, Json(json!({ "error": refusal.to_json() }))).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn forbidden(challenge: HeaderValue, code: &str, message: &str) -> Response {
    let mut response = refuse(StatusCode::FORBIDDEN, code, message);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn unauthorized(challenge: HeaderValue, code: &str, message: &str) -> Response {
    let mut response = refuse(StatusCode::UNAUTHORIZED, code, message);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
