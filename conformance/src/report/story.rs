//! One run told step by step: who did what, what went over the wire, which tokens, what was expected and seen.

use std::fmt::Write as _;

use super::terminal::printable;
use crate::recorder::{Entry, Message, StepKind, Transcript};

/// The story as text.
pub fn render(transcript: &Transcript) -> String {
    let mut out = String::new();
    for entry in &transcript.entries {
        match entry {
            Entry::Step { number, kind, actor, label, at: _ } => {
                let kind = match kind {
                    StepKind::Prepare => "",
                    StepKind::Control => " [control]",
                    StepKind::Attempt => " [attempt]",
                };
                let _ = writeln!(out, "\n{number:>3}. {}: {}{kind}", printable(actor), printable(label));
            }
            Entry::Hop { seq, from, actor: _, to, method, url, request, status, response } => {
                let status = if *status == 0 { "no answer".to_owned() } else { status.to_string() };
                let _ = writeln!(out, "     #{seq} {from} → {to}: {method} {} → {status}", printable(&path(url)));
                if from == "harness" && to == "connector" {
                    said(&mut out, "sent", request);
                    said(&mut out, "got ", response);
                }
            }
            Entry::Answer(_) | Entry::Control { held: true, .. } => {}
            Entry::Control { held: false, observed } => {
                let _ = writeln!(out, "     ✗ this must work, and does not: {}", shortened(observed));
            }
            Entry::Expectation(expectation) => {
                let mark = if expectation.held { "✓" } else { "✗" };
                let (claim, observed) = (printable(&expectation.claim), shortened(&expectation.observed));
                let _ =
                    writeln!(out, "     {mark} {claim}: expected {}, saw {observed}", shortened(&expectation.expected));
            }
        }
    }
    if !transcript.tokens.is_empty() {
        let _ = writeln!(out, "\ntokens");
    }
    for card in &transcript.tokens {
        let claim = |name: &str| {
            card.claims.get(name).map_or_else(|| "–".to_owned(), |value| value.to_string().replace('"', ""))
        };
        let forged = if card.forged { " FORGED" } else { "" };
        let _ = writeln!(out, "  {:<4}{forged} {}", card.label, printable(&card.what));
        let kid = card.header.get("kid").map_or_else(|| "–".to_owned(), ToString::to_string);
        let _ = writeln!(
            out,
            "       aud {}, tid {}, oid {}, scp {}, exp {}, kid {}",
            printable(&claim("aud")),
            printable(&claim("tid")),
            printable(&claim("oid")),
            printable(&claim("scp")),
            printable(&claim("exp")),
            printable(&kid)
        );
    }
    out
}

fn said(out: &mut String, word: &str, message: &Message) {
    if !message.body.is_empty() {
        let _ = writeln!(out, "        {word} {}", shortened(&message.body));
    }
}

fn path(url: &str) -> String {
    shortened(url.split_once("://").map_or(url, |(_, rest)| rest))
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 220;
    let text = printable(text);
    if text.chars().count() <= LONGEST {
        text
    } else {
        format!("{}…", text.chars().take(LONGEST).collect::<String>())
    }
}
