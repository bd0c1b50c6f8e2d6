//! One run for somebody who wants to understand it, a page for each step: what is sent, the answer, the token, what to notice.

use std::fmt::Write as _;

use serde_json::Value;

use super::terminal::printable;
use crate::check::Layer;
use crate::recorder::{Card, Entry, Message, StepKind, Transcript};

/// How much of a body is shown.
const LONGEST: usize = 900;

/// The pages, one for each step.
pub fn pages(transcript: &Transcript) -> Vec<String> {
    let mut pages: Vec<String> = Vec::new();
    let mut shown: Vec<&str> = Vec::new();
    let mut page = String::new();
    for entry in &transcript.entries {
        if let Entry::Step { number, kind, actor, label, at } = entry {
            if !page.is_empty() {
                pages.push(std::mem::take(&mut page));
            }
            let why = match kind {
                StepKind::Prepare => "gets something ready",
                StepKind::Control => "must work, so that a refusal later means something",
                StepKind::Attempt => "is tried",
            };
            let at = if *at > 0 { format!(", {at} s after the beginning") } else { String::new() };
            let _ = writeln!(page, "step {number}: {}: {}\n({why}{at})", printable(actor), printable(label));
            continue;
        }
        told(&mut page, entry, transcript, &mut shown);
    }
    if !page.is_empty() {
        pages.push(page);
    }
    pages
}

fn told<'t>(page: &mut String, entry: &'t Entry, transcript: &'t Transcript, shown: &mut Vec<&'t str>) {
    match entry {
        Entry::Step { .. } => {}
        Entry::Hop { seq, from, to, method, url, request, status, response, .. } => {
            let _ = writeln!(page, "\n#{seq} {from} → {to}: {method} {}", printable(url));
            if from == "harness" {
                message(page, "sent", request);
            }
            for card in carried(request, transcript) {
                let first = !shown.contains(&card.label.as_str());
                if first {
                    shown.push(&card.label);
                }
                token(page, card, first);
            }
            let _ = writeln!(page, "answered {}", if *status == 0 { "nothing".to_owned() } else { status.to_string() });
            if from == "harness" {
                message(page, "got", response);
            }
        }
        Entry::Answer(answer) if answer.served => {}
        Entry::Answer(answer) => {
            let by = match answer.by {
                Some(Layer::Connector) => " It was the connector: nobody behind it said no.",
                Some(Layer::Issuer) => " It was the issuer: the connector asked for a token and got none.",
                Some(Layer::Graph) => {
                    " It was Graph: the connector asked, with the caller's own token, and was told no."
                }
                None => "",
            };
            let code = answer.code.as_deref().unwrap_or("no code");
            let _ = writeln!(page, "\nnotice: it is refused, {}.{by}", printable(code));
        }
        Entry::Control { held, observed } => {
            let word = if *held { "it works" } else { "it does not work: nothing that follows means anything" };
            let _ = writeln!(page, "\nnotice: {word} ({})", printable(observed));
        }
        Entry::Expectation(it) => {
            let mark = if it.held { "✓" } else { "✗" };
            let (expected, observed) = (cut(&it.expected), cut(&it.observed));
            let _ = writeln!(page, "{mark} {}: expected {expected}, saw {observed}", printable(&it.claim));
        }
    }
}

/// The tokens that a request carries.
fn carried<'t>(request: &Message, transcript: &'t Transcript) -> Vec<&'t Card> {
    let text: Vec<&str> =
        request.headers.iter().map(|(_, value)| value.as_str()).chain([request.body.as_str()]).collect();
    let carried = |card: &&Card| {
        let label = format!("<{}>", card.label);
        text.iter().any(|text| text.contains(&label))
    };
    transcript.tokens.iter().filter(carried).collect()
}

fn token(page: &mut String, card: &Card, whole: bool) {
    let forged = if card.forged { ", FORGED" } else { "" };
    let _ = writeln!(page, "with token {}{forged}: {}", card.label, printable(&card.what));
    if !whole {
        return;
    }
    for (field, value) in
        card.header.as_object().into_iter().flatten().chain(card.claims.as_object().into_iter().flatten())
    {
        let _ = writeln!(page, "    {:<20} {}", printable(field), cut(&value.to_string()));
    }
    for it in &card.difference {
        let value = |value: &Option<Value>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), |value| cut(&value.to_string()))
        };
        let genuine = card.genuine.as_deref().unwrap_or("the genuine one");
        let _ = writeln!(
            page,
            "notice: {}: {genuine} says {}, this one {}",
            printable(&it.field),
            value(&it.genuine),
            value(&it.here)
        );
    }
    for change in &card.changes {
        let _ = writeln!(page, "notice: {}", printable(change));
    }
}

fn message(page: &mut String, word: &str, message: &Message) {
    if let Some(why) = &message.withheld {
        let _ = writeln!(page, "{word}: withheld: {}", printable(why));
    } else if !message.body.is_empty() {
        let pretty = serde_json::from_str::<Value>(&message.body).ok().filter(|_| message.body.len() < 100_000);
        let pretty = pretty.and_then(|value| serde_json::to_string_pretty(&value).ok());
        let body = pretty.as_deref().unwrap_or(&message.body);
        let shown: String = body.chars().take(LONGEST).collect();
        let _ = writeln!(page, "{word}:");
        for line in shown.lines() {
            let _ = writeln!(page, "    {}", printable(line));
        }
        if shown.len() < body.len() {
            let _ = writeln!(page, "    … {} bytes in all", message.body.len());
        }
    }
}

fn cut(text: &str) -> String {
    printable(&text.chars().take(200).collect::<String>())
}
