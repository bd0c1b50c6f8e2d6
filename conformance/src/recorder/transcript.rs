//! What leaves the recorder: the story with every secret replaced, ports named, tokens as cards. The same run gives the same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use super::card::{self, Card};
use super::redact::{Leak, Needles};
use super::{Event, Expectation, Hop, Recorder, StepKind};

/// The version of the transcript's shape.
const SCHEMA: u32 = 1;

/// A redacted record.
#[derive(Debug, Clone, Serialize)]
pub struct Transcript {
    /// Version of this shape.
    pub schema: u32,
    /// The check's id.
    pub check: String,
    /// Everything in order.
    pub entries: Vec<Entry>,
    /// Every token that was seen.
    pub tokens: Vec<Card>,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "entry", rename_all = "lowercase")]
pub enum Entry {
    /// A step begins.
    Step {
        /// Counts from 1.
        number: usize,
        /// What it is for.
        kind: StepKind,
        /// Who acts.
        actor: String,
        /// What is done.
        label: String,
    },
    /// One HTTP exchange.
    Hop {
        /// Counts from 1 over the whole record.
        seq: usize,
        /// Who sent it.
        from: String,
        /// Who answered.
        to: String,
        /// Request method.
        method: String,
        /// Address.
        url: String,
        /// The request.
        request: Message,
        /// The answer's status; 0: none came.
        status: u16,
        /// The answer.
        response: Message,
    },
    /// Something that must hold.
    Expectation(Expectation),
}

/// Headers and body.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text; base64 when it is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Whether `body` is base64.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub base64: bool,
}

impl Recorder {
    /// The redacted record. `Err` names the secrets that would have been written all the same: a fault of ours, and nothing may be written.
    pub fn transcript(&self, check: &str) -> Result<Transcript, Vec<Leak>> {
        let scrub = Scrub::new(self);
        let mut seq = 0;
        let entries = self.events.iter().map(|event| scrub.entry(event, &mut seq)).collect();
        let transcript = Transcript { schema: SCHEMA, check: check.to_owned(), entries, tokens: scrub.cards };
        let leaks = scrub.needles.scan(&serde_json::to_string(&transcript).unwrap_or_default());
        if leaks.is_empty() { Ok(transcript) } else { Err(leaks) }
    }
}

impl Recorder {
    /// The expectations and a text as they may leave: without secrets and ports.
    pub fn summary(&self, reason: Option<&str>) -> (Vec<Expectation>, Option<String>) {
        let scrub = Scrub::new(self);
        let expectations = self.expectations().map(|expectation| scrub.expectation(expectation)).collect();
        (expectations, reason.map(|reason| scrub.text(reason)))
    }
}

impl Transcript {
    /// The expectations in order.
    pub fn expectations(&self) -> Vec<Expectation> {
        let expectations = self.entries.iter().filter_map(|entry| match entry {
            Entry::Expectation(expectation) => Some(expectation.clone()),
            _ => None,
        });
        expectations.collect()
    }
}

/// Everything known about secrets at the end of a run.
struct Scrub<'a> {
    needles: Needles,
    cards: Vec<Card>,
    names: Vec<(&'a str, String)>,
}

impl<'a> Scrub<'a> {
    fn new(recorder: &'a Recorder) -> Self {
        let mut names: Vec<_> = recorder.names.iter().map(|(port, name)| (port.as_str(), name.clone())).collect();
        names.sort_by_key(|(port, _)| std::cmp::Reverse(port.len()));
        names.extend(request_ids(recorder));
        // Labels are given here, in order of appearance, so that they do not depend on when a secret was understood to be one.
        let mut redactor = recorder.redactor.clone();
        let mut cards = Vec::new();
        for (index, token) in recorder.tokens.iter().enumerate() {
            let label = format!("T{}", index + 1);
            redactor.register_as(format!("<{label}>"), &token.value);
            let Some((header, claims, signature)) = card::decode(&token.value) else { continue };
            redactor.register_as(format!("<signature of {label}>"), signature);
            let what = token.what.clone().unwrap_or_else(|| card::describe(&claims));
            let changes = token.changes.clone();
            let forged = changes.is_some();
            cards.push(Card { label, what, forged, changes: changes.unwrap_or_default(), header, claims });
        }
        let scrub = Self { needles: redactor.needles(), cards: Vec::new(), names };
        let cards = cards.into_iter().map(|card| scrub.card(card)).collect();
        Self { cards, ..scrub }
    }

    fn card(&self, card: Card) -> Card {
        let changes = card.changes.iter().map(|change| self.text(change)).collect();
        let what = self.text(&card.what);
        Card { what, header: self.value(card.header), claims: self.value(card.claims), changes, ..card }
    }

    fn entry(&self, event: &Event, seq: &mut usize) -> Entry {
        match event {
            Event::Step { number, kind, actor, label } => {
                Entry::Step { number: *number, kind: *kind, actor: actor.clone(), label: self.text(label) }
            }
            Event::Hop(hop) => {
                *seq += 1;
                self.hop(hop, *seq)
            }
            Event::Expectation(expectation) => Entry::Expectation(self.expectation(expectation)),
        }
    }

    fn expectation(&self, expectation: &Expectation) -> Expectation {
        Expectation {
            claim: self.text(&expectation.claim),
            expected: self.text(&expectation.expected),
            observed: self.text(&expectation.observed),
            held: expectation.held,
        }
    }

    fn hop(&self, hop: &Hop, seq: usize) -> Entry {
        Entry::Hop {
            seq,
            from: hop.from.to_owned(),
            to: hop.to.clone(),
            method: hop.method.clone(),
            url: self.text(&hop.url),
            request: self.message(&hop.request_headers, &hop.request),
            status: hop.status,
            response: self.message(&hop.response_headers, &hop.response),
        }
    }

    fn message(&self, headers: &[(String, String)], body: &[u8]) -> Message {
        let headers = headers.iter().filter(|(name, _)| !varies(name));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), self.text(value))).collect();
        match std::str::from_utf8(body) {
            Ok(text) => Message { headers, body: self.text(text), base64: false },
            Err(_) => Message { headers, body: self.text(&STANDARD.encode(body)), base64: true },
        }
    }

    fn text(&self, text: &str) -> String {
        let mut out = self.needles.redact(text);
        for (port, name) in &self.names {
            if out.contains(port) {
                out = out.replace(port, name);
            }
        }
        out
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (self.text(&name), self.value(value))).collect()
            }
            other => other,
        }
    }
}

/// The names that the target gives its requests are random: numbered, a chain of them reads the same in every run.
fn request_ids(recorder: &Recorder) -> Vec<(&str, String)> {
    let hops = recorder.events.iter().filter_map(|event| if let Event::Hop(hop) = event { Some(hop) } else { None });
    let headers = hops.flat_map(|hop| match (hop.from, hop.to.as_str()) {
        ("connector", _) => hop.request_headers.as_slice(),
        (_, "connector") => hop.response_headers.as_slice(),
        _ => &[],
    });
    let mut ids: Vec<&str> = Vec::new();
    for (name, value) in headers {
        let named = name.eq_ignore_ascii_case("x-request-id") || name.eq_ignore_ascii_case("client-request-id");
        if named && value.len() >= 16 && !ids.contains(&value.as_str()) {
            ids.push(value);
        }
    }
    ids.iter().enumerate().map(|(index, &id)| (id, format!("<request {}>", index + 1))).collect()
}

/// Headers that tell the machine's time, or nothing.
fn varies(name: &str) -> bool {
    name.eq_ignore_ascii_case("date") || name.eq_ignore_ascii_case("content-length")
}
