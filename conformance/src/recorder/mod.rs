//! What happened, in order: steps, every hop on the wire, every expectation. Kept raw in memory; what leaves is redacted.

mod card;
mod redact;
mod sweep;
mod transcript;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::SignedDuration;
use url::Url;

pub use card::{Card, Difference};
pub use redact::{Leak, Needles, Redactor};
pub use sweep::{Found, MARKS, SECRETS, Sweep};
pub use transcript::{Entry, Message, Transcript};

use crate::check::Layer;
use crate::lab::Upstream;

/// One run's record.
#[derive(Debug, Default)]
pub struct Recorder {
    events: Vec<Event>,
    redactor: Redactor,
    /// Tokens in order of appearance, with what is known about them.
    tokens: Vec<KnownToken>,
    /// Text that differs from run to run (ports), and what stands in its place.
    names: BTreeMap<String, String>,
    steps: usize,
    /// The definition that is run: what stands in it is no secret, wherever the protocol would have one.
    definition: String,
    /// How far the clocks have been moved since the beginning.
    elapsed: SignedDuration,
    /// What is known about secrets, once nothing is added any more.
    scrub: OnceLock<transcript::Scrub>,
}

#[derive(Debug, Clone)]
enum Event {
    Step { number: usize, kind: StepKind, actor: String, label: String, at: SignedDuration },
    Hop(Hop),
    Answer(Answer),
    Control { held: bool, observed: String },
    Expectation(Expectation),
}

/// How an answer to the harness is to be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Answer {
    /// The exchange it is about.
    pub seq: usize,
    /// Whether it was served.
    pub served: bool,
    /// The code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The part that refused, told by who was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Layer>,
}

/// What a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// Gets something ready: a sign-in, a change in the lab.
    Prepare,
    /// What must work, so that a refusal later means something.
    Control,
    /// What is tried.
    Attempt,
}

/// One HTTP exchange.
#[derive(Debug, Clone)]
pub struct Hop {
    /// Who sent it: `harness` or `connector`.
    pub from: &'static str,
    /// For whom: the person of the step; empty for what the connector sends.
    pub actor: String,
    /// Who answered: `connector`, `login`, `graph`, `lab`.
    pub to: String,
    /// Request method.
    pub method: String,
    /// Address as sent.
    pub url: String,
    /// Request headers in order.
    pub request_headers: Vec<(String, String)>,
    /// Request body.
    pub request: Vec<u8>,
    /// Status; 0 when there was no answer.
    pub status: u16,
    /// Answer headers in order.
    pub response_headers: Vec<(String, String)>,
    /// Answer body.
    pub response: Vec<u8>,
}

/// Something that must hold, and whether it did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Expectation {
    /// What is claimed.
    pub claim: String,
    /// What should be seen.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// Whether they agree.
    pub held: bool,
}

#[derive(Clone)]
struct KnownToken {
    value: String,
    /// What it is, if somebody said so; its claims tell otherwise.
    what: Option<String>,
    changes: Option<Vec<String>>,
    /// The genuine token it was forged from.
    genuine: Option<String>,
}

impl std::fmt::Debug for KnownToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KnownToken").field("what", &self.what).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Names an origin, so that its port leaves no trace in evidence.
    pub(crate) fn name_origin(&mut self, name: &str, origin: &Url) {
        let whole = origin.as_str().trim_end_matches('/');
        self.names.insert(whole.to_owned(), format!("https://{name}.test"));
        if let (Some(host), Some(port)) = (origin.host_str(), origin.port()) {
            self.names.insert(format!("{host}:{port}"), format!("{name}.test"));
            self.names.insert(format!("{host}%3A{port}"), format!("{name}.test"));
        }
    }

    /// Begins a step; everything recorded until the next one belongs to it.
    pub(crate) fn step(&mut self, kind: StepKind, actor: &str, label: &str) {
        self.steps += 1;
        let (actor, label) = (actor.to_owned(), label.to_owned());
        self.add(Event::Step { number: self.steps, kind, actor, label, at: self.elapsed });
    }

    /// What is run, as its file says it.
    pub(crate) fn defined_by(&mut self, definition: String) {
        self.definition = definition;
    }

    /// The step that everything belongs to at the moment.
    pub(crate) fn step_number(&self) -> usize {
        self.steps
    }

    /// The clocks were moved.
    pub(crate) fn passed(&mut self, by: SignedDuration) {
        self.elapsed = self.elapsed.saturating_add(by);
    }

    /// How the last answer of an exchange is to be read. `back`: how many answers to the harness came after it.
    pub(crate) fn answered(&mut self, back: usize, served: bool, code: Option<String>, by: Option<Layer>) {
        let own =
            self.events.iter().filter_map(|event| if let Event::Hop(hop) = event { Some(hop.from) } else { None });
        let own: Vec<usize> = own.enumerate().filter(|(_, from)| *from == "harness").map(|(at, _)| at + 1).collect();
        if let Some(&seq) = own.iter().rev().nth(back) {
            self.add(Event::Answer(Answer { seq, served, code, by }));
        }
    }

    /// Whether what must work did.
    pub(crate) fn control(&mut self, held: bool, observed: &str) {
        self.add(Event::Control { held, observed: observed.to_owned() });
    }

    fn add(&mut self, event: Event) {
        self.scrub.take();
        self.events.push(event);
    }

    /// Registers a secret at its birth.
    pub(crate) fn secret(&mut self, kind: &'static str, value: &str) {
        self.scrub.take();
        self.redactor.register(kind, value);
    }

    /// Says what a token is.
    pub(crate) fn token(&mut self, what: &str, value: &str) {
        self.know(what, value, None, None);
    }

    /// Says what a forged token is, and what it was made from.
    pub(crate) fn forged(&mut self, what: &str, value: &str, changes: Vec<String>, genuine: &str) {
        self.know(what, value, Some(changes), Some(genuine.to_owned()));
    }

    fn know(&mut self, what: &str, value: &str, changes: Option<Vec<String>>, genuine: Option<String>) {
        self.notice_token(value);
        if let Some(known) = self.tokens.iter_mut().find(|token| token.value == value) {
            *known = KnownToken { value: value.to_owned(), what: Some(what.to_owned()), changes, genuine };
        }
    }

    fn notice_token(&mut self, value: &str) {
        self.scrub.take();
        if !self.tokens.iter().any(|token| token.value == value) {
            self.tokens.push(KnownToken { value: value.to_owned(), what: None, changes: None, genuine: None });
        }
    }

    /// Keeps an exchange of the harness's own.
    pub(crate) fn hop(&mut self, hop: Hop) {
        self.notice_secrets(&hop);
        self.add(Event::Hop(hop));
    }

    /// Keeps what the connector asked of Entra and Graph.
    pub(crate) fn upstream(&mut self, upstream: &Upstream) {
        self.hop(Hop {
            from: "connector",
            actor: String::new(),
            to: upstream.host.clone(),
            method: upstream.method.clone(),
            url: format!("https://{}.test{}", upstream.host, upstream.target),
            request_headers: upstream.request_headers.clone(),
            request: upstream.request(),
            status: upstream.status,
            response_headers: upstream.response_headers.clone(),
            response: upstream.response(),
        });
    }

    /// Keeps an expectation.
    pub(crate) fn expectation(&mut self, expectation: Expectation) {
        self.add(Event::Expectation(expectation));
    }

    /// The expectations so far.
    pub fn expectations(&self) -> impl Iterator<Item = &Expectation> {
        self.events.iter().filter_map(|event| match event {
            Event::Expectation(expectation) => Some(expectation),
            _ => None,
        })
    }

    /// Every exchange, as it was: with its secrets.
    pub(crate) fn exchanges(&self) -> impl Iterator<Item = &Hop> {
        self.events.iter().filter_map(|event| if let Event::Hop(hop) = event { Some(hop) } else { None })
    }

    /// Every exchange of the harness with its step's number and label, as it was.
    pub(crate) fn sent(&self) -> Vec<(usize, &str, &Hop)> {
        let (mut step, mut what, mut sent) = (0, "", Vec::new());
        for event in &self.events {
            match event {
                Event::Step { number, label, .. } => (step, what) = (*number, label),
                Event::Hop(hop) if hop.from == "harness" => sent.push((step, what, hop)),
                _ => {}
            }
        }
        sent
    }

    /// How many exchanges there were.
    pub fn hops(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Hop(_))).count()
    }

    /// Whatever in an exchange is a secret by its place in the protocol is one from now on.
    fn notice_secrets(&mut self, hop: &Hop) {
        let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&hop.request).unwrap_or_default();
        for (name, value) in form {
            let written = self.definition.contains(&value);
            if let Some(kind) = form_secret(&name).filter(|_| !written) {
                self.redactor.register(kind, &value);
            }
        }
        for (name, value) in hop.request_headers.iter().chain(&hop.response_headers) {
            if name.eq_ignore_ascii_case("cookie") || name.eq_ignore_ascii_case("set-cookie") {
                let cookies = value.split(';').filter_map(|pair| pair.split_once('='));
                cookies.for_each(|(_, value)| self.redactor.register("cookie", value.trim()));
            }
            if name.eq_ignore_ascii_case("location")
                && let Ok(location) = Url::parse(value)
            {
                let codes = location.query_pairs().filter(|(name, _)| name == "code");
                codes.for_each(|(_, code)| self.redactor.register("code", &code));
            }
        }
        if let Ok(body) = serde_json::from_slice::<serde_json::Value>(&hop.response) {
            for (name, kind) in [("refresh_token", "refresh-token"), ("device_code", "device-code")] {
                if let Some(value) = body.get(name).and_then(serde_json::Value::as_str) {
                    self.redactor.register(kind, value);
                }
            }
        }
        let bodies = [String::from_utf8_lossy(&hop.request), String::from_utf8_lossy(&hop.response)];
        let headers = hop.request_headers.iter().chain(&hop.response_headers).map(|(_, value)| value.as_str());
        let texts = bodies.iter().map(AsRef::as_ref).chain(headers).chain(std::iter::once(hop.url.as_str()));
        let found: Vec<String> = texts.flat_map(card::tokens).map(str::to_owned).collect();
        for token in &found {
            self.notice_token(token);
        }
    }
}

/// The form fields of OAuth that are secrets.
fn form_secret(name: &str) -> Option<&'static str> {
    Some(match name {
        "client_secret" => "client-secret",
        "code" => "code",
        "code_verifier" => "verifier",
        "refresh_token" => "refresh-token",
        "passwd" => "password",
        _ => return None,
    })
}
