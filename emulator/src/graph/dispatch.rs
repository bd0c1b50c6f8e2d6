//! One request from its token to its audit row.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use jiff::Timestamp;

use super::answer::{Answer, Ids};
use super::effect::Effect;
use super::error::{GraphError, Refusal};
use super::link::Links;
use super::odata::options::Options;
use super::path::Path;
use super::prefer::Prefer;
use super::route::{self, Ask, Owner, Row, Verb, operation};
use super::view::View;
use super::{application, batch, challenge, userinfo, writes};
use crate::entra::verify::{self, GraphAuthFailure};
use crate::journal::{AuditRow, SideEffect};
use crate::principal::Principal;
use crate::serve::address;
use crate::stub::Stub;
use crate::world::State;

/// What answers requests: the emulator's state, and the key of next links.
#[derive(Debug)]
pub(super) struct Service {
    state: Arc<State>,
    links: Links,
}

/// A request, or an item of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
    /// The origin it came in at: what links of the answer begin with.
    pub(super) origin: &'a str,
}

/// What became of a request, before it is written down.
struct Outcome {
    operation: String,
    is_write: bool,
    is_stubbed: bool,
    result: Result<Answer, Refusal>,
    unmodelled: Vec<String>,
}

impl Outcome {
    fn refused(operation: String, refusal: impl Into<Refusal>) -> Self {
        Self { operation, is_write: false, is_stubbed: false, result: Err(refusal.into()), unmodelled: Vec::new() }
    }
}

impl Service {
    pub(super) fn new(state: Arc<State>) -> Self {
        let links = Links::new(&state.seed.draw("graph-next-link"));
        Self { state, links }
    }

    /// The Graph host's own origin.
    pub(super) fn origin(&self) -> &str {
        self.state.origins.graph.as_str().trim_end_matches('/')
    }

    /// Answers a request that came in by itself.
    pub(super) fn serve(&self, call: &Call<'_>) -> http::Response<axum::body::Body> {
        let now = self.state.clock.now();
        let ids = self.ids(call.headers);
        let answer = match self.authenticate(call.headers) {
            Ok(principal) => self.answer(&principal, call, &ids, now, false),
            Err(error) => self.refuse(error, call, &ids, now),
        };
        answer.into_response(&ids, now)
    }

    /// Answers what no user asks.
    fn refuse(&self, error: GraphError, call: &Call<'_>, ids: &Ids, now: Timestamp) -> Answer {
        let (refusal, tenant, client) = match error {
            GraphError::Token(GraphAuthFailure::Application { tenant, client }) => {
                (application::refusal(call.method, call.path), Some(tenant), Some(client))
            }
            error => (Refusal::from(error), None, None),
        };
        let mut answer = Answer::error(&refusal.error, ids, now);
        if answer.status == StatusCode::UNAUTHORIZED {
            answer = answer.challenge(&challenge::header(&refusal.error, self.state.origins.login_origin(), now));
        }
        let outcome = Outcome::refused(call.method.to_string(), refusal);
        let mut row = row(None, call, ids, now, &outcome, answer.status.as_u16());
        (row.tenant, row.client) = (tenant, client);
        tell(&row);
        self.state.journal.audit(row);
        answer
    }

    /// Answers for a principal: a whole request, or an item of a batch.
    pub(super) fn answer(
        &self,
        principal: &Principal,
        call: &Call<'_>,
        ids: &Ids,
        now: Timestamp,
        in_batch: bool,
    ) -> Answer {
        let mut outcome = self.outcome(principal, call, now, in_batch);
        for what in outcome.unmodelled.drain(..) {
            self.state.journal.unmodelled(what);
        }
        if outcome.is_write && !outcome.is_stubbed && outcome.result.is_ok() {
            self.state.journal.side_effect(SideEffect {
                seq: 0,
                time: now,
                tenant: principal.tenant,
                user: principal.user,
                client: principal.client,
                operation: outcome.operation.clone(),
                resource: after_version(call.path).to_owned(),
                request_id: ids.request.clone(),
            });
        }
        let answer = match std::mem::replace(&mut outcome.result, Ok(Answer::json(Bytes::new()))) {
            Ok(answer) => answer,
            Err(refusal) => {
                let answer = Answer::error(&refusal.error, ids, now);
                outcome.result = Err(refusal);
                answer
            }
        };
        let row = row(Some(principal), call, ids, now, &outcome, answer.status.as_u16());
        tell(&row);
        self.state.journal.audit(row);
        answer
    }

    fn outcome(&self, principal: &Principal, call: &Call<'_>, now: Timestamp, in_batch: bool) -> Outcome {
        let method = call.method;
        let Ok(mut path) = Path::parse(call.path) else {
            return Outcome::refused(method.to_string(), GraphError::BadRequest("The path is not valid.".to_owned()));
        };
        if call.path == userinfo::PATH && [Method::GET, Method::POST].contains(method) {
            let world = self.state.world();
            let result = View::of(&world, principal, &self.state.rules)
                .ok_or_else(|| GraphError::Token(GraphAuthFailure::Gone).into())
                .and_then(|view| userinfo::answer(&view));
            return Outcome {
                operation: "GET /oidc/userinfo".to_owned(),
                is_write: false,
                is_stubbed: false,
                result,
                unmodelled: Vec::new(),
            };
        }
        match path.version().as_deref() {
            Some(version) if version.eq_ignore_ascii_case("v1.0") => {}
            Some(version) if version.eq_ignore_ascii_case("beta") => {
                let mut outcome =
                    Outcome::refused(method.to_string(), GraphError::NotModelled("version beta".to_owned()));
                outcome.unmodelled.push("version beta".to_owned());
                return outcome;
            }
            version => {
                let version = version.unwrap_or_default().to_owned();
                return Outcome::refused(method.to_string(), GraphError::Version(version));
            }
        }
        if method == Method::POST && path.segments().keys("/$batch").is_some() {
            let result = if in_batch {
                Err(GraphError::BadRequest("A batch cannot contain another batch.".to_owned()).into())
            } else {
                batch::answer(self, principal, call, now).map_err(Refusal::from)
            };
            return Outcome {
                operation: "POST /$batch".to_owned(),
                is_write: false,
                is_stubbed: false,
                result,
                unmodelled: Vec::new(),
            };
        }
        let world = self.state.world();
        let principal = &*(self.state.rules.asks_as)(&world, principal, path.segments().all());
        let Some(view) = View::of(&world, principal, &self.state.rules) else {
            return Outcome::refused(method.to_string(), GraphError::Token(GraphAuthFailure::Gone));
        };
        let row = route::find(method, &path);
        if let Some(throttle) = self.state.options.throttle
            && let Err(seconds) = self.state.meter.count(throttle, principal.client, principal.user, now)
        {
            let code = row.as_ref().map_or("TooManyRequests", |(route, ..)| route.workload().throttled());
            let reason =
                format!("the setting `throttle` lets {} requests pass in {} s", throttle.requests, throttle.seconds);
            return Outcome::refused(method.to_string(), GraphError::Throttled { seconds, code }.because(reason));
        }
        if let Some((route, owner, keys)) = row {
            return self.run(route, owner, keys, call, &view, now);
        }
        let attempt = if method == Method::GET { writes::unknown(&path) } else { writes::answer(method, &path, &view) };
        // Only what we do not know ourselves: a refusal that the real service gives stays one.
        if !attempt.unmodelled.is_empty()
            && let Some(answer) = self.stubbed(method, &path)
        {
            let (operation, is_write) = (attempt.operation, attempt.is_write);
            return Outcome { operation, is_write, is_stubbed: true, result: Ok(answer), unmodelled: Vec::new() };
        }
        Outcome {
            operation: attempt.operation,
            is_write: attempt.is_write,
            is_stubbed: false,
            result: Err(attempt.refusal),
            unmodelled: attempt.unmodelled,
        }
    }

    /// The canned answer for a request, counted.
    fn stubbed(&self, method: &Method, path: &Path<'_>) -> Option<Answer> {
        let fits = |stub: &&Stub| stub.method == method.as_str() && path.segments().keys(&stub.path).is_some();
        let stub = self.state.options.stubs.iter().find(fits)?;
        self.state.journal.stubbed(format!("{} {}", stub.method, stub.path));
        let body = stub.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut answer = Answer { status: StatusCode::from_u16(stub.status).ok()?, ..Answer::json(body) };
        for (name, value) in &stub.headers {
            if let Ok(name) = HeaderName::try_from(name) {
                answer = answer.with(name, value);
            }
        }
        Some(answer)
    }

    /// Checks the row's scopes and asks its handler.
    fn run(
        &self,
        row: Row,
        owner: Owner,
        keys: Vec<String>,
        call: &Call<'_>,
        view: &View<'_>,
        now: Timestamp,
    ) -> Outcome {
        let operation = operation(call.method, &owner, row.template());
        let mut is_write = row.is_write();
        let needed = row.needed(view.is_own(&owner));
        if !view.admits(needed) {
            let reason = missing(&operation, needed, view.principal());
            return Outcome {
                is_write,
                ..Outcome::refused(operation, row.workload().denied(needed, &view.principal().scopes).because(reason))
            };
        }
        let options = match Options::parse(call.query) {
            Ok(options) => options,
            Err(error) => return Outcome { is_write, ..Outcome::refused(operation, error) },
        };
        let prefer = Prefer::of(call.headers);
        let unmodelled = prefer.unknown.clone();
        // No parameter of Graph's; what somebody might try.
        let named = options.parameter("tenantId").and_then(|id| id.parse().ok());
        let audited = (self.state.rules.audited)(view.tenant_id(), named);
        let ask = Ask {
            owner,
            keys,
            options,
            prefer,
            headers: call.headers,
            body: call.body,
            root: format!("{}/v1.0", call.origin),
            content: self.state.origins.content.as_str().trim_end_matches('/'),
            path: after_version(call.path),
            now,
            seed: &self.state.seed,
            audit: self.state.journal.of(audited),
            links: &self.links,
            gaps: &self.state.options.search_gaps,
            unmodelled: RefCell::new(unmodelled),
        };
        let result = match row {
            Row::Read(row) => (row.handler)(view, &ask),
            Row::Write(row) => {
                let effect = (row.handler)(view, &ask, row.at);
                // A GET is a write when it changes something: a OneDrive that is opened for the first time.
                is_write = row.verb != Verb::Get || effect.as_ref().is_ok_and(|effect| effect.change.is_some());
                effect.and_then(|effect| self.take_effect(effect, view, &ask))
            }
        };
        Outcome { operation, is_write, is_stubbed: false, result, unmodelled: ask.unmodelled.into_inner() }
    }

    /// Makes the change and answers from the world in which it is made.
    fn take_effect(&self, effect: Effect, view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        if let Some(change) = effect.change {
            self.state.apply(change).map_err(|error| GraphError::from(&error).because(error.to_string()))?;
        }
        let world = self.state.world();
        let Some(view) = View::of(&world, view.principal(), &self.state.rules) else {
            return Err(GraphError::Token(GraphAuthFailure::Gone).into());
        };
        (effect.then)(&view, ask)
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, GraphError> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => "",
        };
        if token.is_empty() {
            return Err(GraphError::NoToken);
        }
        verify::principal_from(&self.state, token, address::of(headers)).map_err(GraphError::Token)
    }

    /// Ids of an answer: ours, and the caller's if it sent one that fits a header.
    pub(super) fn ids(&self, headers: &HeaderMap) -> Ids {
        let request = self.state.seed.guid("request-id").to_string();
        let client = headers
            .get("client-request-id")
            .and_then(|value| value.to_str().ok())
            .filter(|sent| !sent.is_empty() && sent.len() <= 128)
            .map_or_else(|| request.clone(), str::to_owned);
        Ids { request, client }
    }
}

/// One line for who looks at the log: the permission row, the scope missing or held, the access rule. Never content.
fn tell(row: &AuditRow) {
    if let Some(error) = &row.error {
        let reason = row.reason.as_deref().unwrap_or_default();
        tracing::info!(
            target: "offline365::refused",
            "{} {} {error}: {reason} (offline365 why {})", row.operation, row.status, row.request_id
        );
    }
}

/// The audit row of a request.
fn row(
    principal: Option<&Principal>,
    call: &Call<'_>,
    ids: &Ids,
    now: Timestamp,
    outcome: &Outcome,
    status: u16,
) -> AuditRow {
    let refusal = outcome.result.as_ref().err();
    AuditRow {
        seq: 0,
        time: now,
        kind: match (outcome.is_stubbed, outcome.is_write) {
            (true, _) => "graph-stub",
            (false, true) => "graph-write",
            (false, false) => "graph-read",
        },
        tenant: principal.map(|principal| principal.tenant),
        user: principal.map(|principal| principal.user),
        client: principal.map(|principal| principal.client),
        operation: outcome.operation.clone(),
        resource: after_version(call.path).to_owned(),
        scopes: principal.map(|principal| principal.scopes.iter().cloned().collect()).unwrap_or_default(),
        status,
        error: refusal.map(|refusal| refusal.error.answer().1.to_owned()),
        reason: refusal.map(|refusal| refusal.reason.clone().unwrap_or_else(|| refusal.error.to_string())),
        request_id: ids.request.clone(),
        client_request_id: (ids.client != ids.request).then(|| ids.client.clone()),
    }
}

/// Why a permission row does not let a token pass, for people.
pub(super) fn missing(operation: &str, needed: &[&str], principal: &Principal) -> String {
    let held = principal.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    format!("permission row `{operation}` needs one of {}; the token holds: {held}", needed.join(", "))
}

/// `/me` of `//v1.0/me`: the path below the service root, as sent.
fn after_version(path: &str) -> &str {
    let path = path.trim_start_matches('/');
    path.find('/').and_then(|at| path.get(at..)).unwrap_or_default()
}
