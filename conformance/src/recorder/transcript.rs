//! What leaves the recorder: the story with every secret replaced, ports named, tokens as cards. The same run gives the same bytes.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::card::{self, Card, Difference};
use super::redact::{Leak, Needles, Redactor};
use super::{Answer, Event, Expectation, Hop, Recorder, StepKind, Sweep};

/// The version of the transcript's shape.
const SCHEMA: u32 = 2;

/// A redacted record.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "entry", rename_all = "lowercase", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "most entries are exchanges: a box each would save nothing")]
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
        /// Virtual seconds since the beginning.
        at: i64,
    },
    /// One HTTP exchange.
    Hop {
        /// Counts from 1 over the whole record.
        seq: usize,
        /// Who sent it.
        from: String,
        /// For whom, where a person asks.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        actor: String,
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
    /// How an answer is to be read.
    Answer(Answer),
    /// Whether what must work did.
    Control {
        /// Whether it did.
        held: bool,
        /// What was seen.
        observed: String,
    },
    /// Something that must hold.
    Expectation(Expectation),
}

/// Headers and body.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text, as far as it is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The bytes of the body as base64, with the same replacements.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
    /// Why there is no body here although there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

impl Recorder {
    /// The redacted record. `Err` names the secrets that would have been written all the same: a fault of ours, and nothing may be written.
    pub fn transcript(&self, check: &str) -> Result<Transcript, Vec<Leak>> {
        let scrub = self.scrub();
        let mut seq = 0;
        let entries = self.events.iter().map(|event| scrub.entry(event, &mut seq)).collect();
        let transcript = Transcript { schema: SCHEMA, check: check.to_owned(), entries, tokens: scrub.cards.clone() };
        let leaks = scrub.needles.scan(&serde_json::to_string(&transcript).unwrap_or_default());
        if leaks.is_empty() { Ok(transcript) } else { Err(leaks) }
    }
}

impl Recorder {
    fn scrub(&self) -> &Scrub {
        self.scrub.get_or_init(|| Scrub::new(self))
    }

    /// What must not be anywhere in the evidence, ready to be looked for in every disguise.
    pub fn sweep<'r>(recorders: impl Iterator<Item = &'r Self>) -> Sweep {
        let mut secrets = std::collections::BTreeMap::new();
        for recorder in recorders {
            let (redactor, _) = labelled(recorder);
            for (value, label) in redactor.values() {
                secrets.entry(value.to_owned()).or_insert_with(|| label.to_owned());
            }
        }
        Sweep::for_secrets(&secrets)
    }

    /// The expectations and a text as they may leave: without secrets and ports.
    pub fn summary(&self, reason: Option<&str>) -> (Vec<Expectation>, Option<String>) {
        let scrub = self.scrub();
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
pub(super) struct Scrub {
    needles: Needles,
    sweep: Sweep,
    cards: Vec<Card>,
    /// What differs from run to run, and what stands in its place.
    names: Option<AhoCorasick>,
    stand_ins: Vec<String>,
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrub").finish_non_exhaustive()
    }
}

/// Labels are given here, in order of appearance, so that they do not depend on when a secret was understood to be one.
fn labelled(recorder: &Recorder) -> (Redactor, Vec<Card>) {
    let mut redactor = recorder.redactor.clone();
    let mut cards: Vec<Card> = Vec::new();
    let label = |index: usize| format!("T{}", index + 1);
    for (index, token) in recorder.tokens.iter().enumerate() {
        let label = label(index);
        redactor.register_as(format!("<{label}>"), &token.value);
        let Some((header, claims, signature)) = card::decode(&token.value) else { continue };
        redactor.register_as(format!("<signature of {label}>"), signature);
        let what = token.what.clone().unwrap_or_else(|| card::describe(&claims));
        let forged = token.changes.is_some();
        cards.push(Card {
            label,
            what,
            forged,
            changes: token.changes.clone().unwrap_or_default(),
            genuine: None,
            difference: Vec::new(),
            print: String::new(),
            header,
            claims,
        });
    }
    for token in &recorder.tokens {
        let Some(genuine) = &token.genuine else { continue };
        let at = |value: &String| recorder.tokens.iter().position(|token| token.value == *value).map(label);
        let (Some(genuine), Some(here)) = (at(genuine), at(&token.value)) else { continue };
        let of = |label: &str| cards.iter().find(|card| card.label == label).cloned();
        let (Some(original), Some(mine)) = (of(&genuine), of(&here)) else { continue };
        if let Some(card) = cards.iter_mut().find(|card| card.label == here) {
            card.difference = card::difference(&original, &mine);
            card.genuine = Some(genuine);
        }
    }
    (redactor, cards)
}

impl Scrub {
    fn new(recorder: &Recorder) -> Self {
        let mut names: Vec<_> = recorder.names.iter().map(|(port, name)| (port.as_str(), name.clone())).collect();
        names.extend(request_ids(recorder));
        let (names, stand_ins): (Vec<&str>, Vec<String>) = names.into_iter().unzip();
        let names = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .build(names)
            .ok();
        let (redactor, cards) = labelled(recorder);
        let secrets = redactor.values().map(|(value, label)| (value.to_owned(), label.to_owned())).collect();
        let sweep = Sweep::for_secrets(&secrets);
        let scrub = Self { needles: redactor.needles(), sweep, cards: Vec::new(), names, stand_ins };
        let cards = cards.into_iter().map(|card| scrub.card(card)).collect();
        Self { cards, ..scrub }
    }

    fn card(&self, card: Card) -> Card {
        let changes: Vec<String> = card.changes.iter().map(|change| self.text(change)).collect();
        let what = self.text(&card.what);
        let difference = card.difference.into_iter().map(|it| Difference {
            field: self.text(&it.field),
            genuine: it.genuine.map(|value| self.value(value)),
            here: it.here.map(|value| self.value(value)),
        });
        let difference = difference.collect();
        let (header, claims) = (self.value(card.header), self.value(card.claims));
        let print = card::print(&header, &claims, &changes);
        Card { what, changes, difference, print, header, claims, ..card }
    }

    fn entry(&self, event: &Event, seq: &mut usize) -> Entry {
        match event {
            Event::Step { number, kind, actor, label, at } => Entry::Step {
                number: *number,
                kind: *kind,
                actor: actor.clone(),
                label: self.text(label),
                at: at.as_secs(),
            },
            Event::Hop(hop) => {
                *seq += 1;
                self.hop(hop, *seq)
            }
            Event::Answer(answer) => {
                Entry::Answer(Answer { code: answer.code.as_ref().map(|code| self.text(code)), ..answer.clone() })
            }
            Event::Control { held, observed } => Entry::Control { held: *held, observed: self.text(observed) },
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
            actor: hop.actor.clone(),
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
        let text = String::from_utf8_lossy(body);
        let redacted = self.text(&text);
        // What no replacement reaches (compressed, in UTF-16, cut into pieces) is not shown at all.
        let found = match &text {
            Cow::Borrowed(_) => self.sweep.scan(redacted.as_bytes()),
            Cow::Owned(_) => self.sweep.scan(body),
        };
        if let Some(found) = found.first() {
            let why = format!("{} bytes that hold {} ({})", body.len(), found.label, found.encoding);
            return Message { headers, body: String::new(), raw: String::new(), withheld: Some(why) };
        }
        let raw = match &text {
            Cow::Borrowed(_) => STANDARD.encode(&redacted),
            Cow::Owned(_) => STANDARD.encode(body),
        };
        Message { headers, body: redacted, raw, withheld: None }
    }

    fn text(&self, text: &str) -> String {
        let out = self.needles.redact(text);
        match self.names.as_ref().filter(|names| names.is_match(&out)) {
            Some(names) => names.replace_all(&out, &self.stand_ins),
            None => out,
        }
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
