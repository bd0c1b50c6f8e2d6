//! Are two runs the same? Compared is what a run means: verdicts with their grounds, and the transcripts; ids, times, ports and labels of tokens and
//! secrets are made alike first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

/// At most so many differences are told for one file.
const MOST: usize = 12;

/// What differs between two bundles, a line each; nothing, if they say the same. `Err`: one of them cannot be read.
pub fn differences(one: &Path, other: &Path) -> Result<Vec<String>, String> {
    let (before, after) = (scenarios(one)?, scenarios(other)?);
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut told = Vec::new();
    for id in ids {
        match (before.get(id), after.get(id)) {
            (Some(_), None) => told.push(format!("{id}: only in the first")),
            (None, Some(_)) => told.push(format!("{id}: only in the second")),
            (Some(before), Some(after)) if before != after => {
                told.push(format!("{id}: {before} before, {after} after"));
                told.extend(of(id, one, other)?);
            }
            _ => told.extend(of(id, one, other)?),
        }
    }
    Ok(told)
}

fn json(path: &Path) -> Result<Value, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// Scenario and verdict.
fn scenarios(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let manifest = json(&folder.join(super::bundle::MANIFEST))?;
    let rows = manifest.get("scenarios").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(rows.iter().map(|row| (text(row, "id"), text(row, "verdict"))).collect())
}

fn of(id: &str, one: &Path, other: &Path) -> Result<Vec<String>, String> {
    let mut told = Vec::new();
    for name in ["verdict.json", "transcript.json"] {
        let (before, after) = (json(&one.join(id).join(name))?, json(&other.join(id).join(name))?);
        let mut compared = Compared::default();
        compared.values("", &before, &after);
        let found = compared.told;
        let more = found.len().saturating_sub(MOST);
        told.extend(found.into_iter().take(MOST).map(|line| format!("{id}/{name}{line}")));
        if more > 0 {
            told.push(format!("{id}/{name}: {more} more"));
        }
    }
    Ok(told)
}

/// What `raw` says, `body` says; a token's print and the times in claims hang on the clock.
const LEFT_OUT: &[&str] = &["raw", "print", "iat", "nbf", "exp", "auth_time"];

/// Two files, read side by side. An id of the one stands for one id of the other, wherever it turns up.
#[derive(Default)]
struct Compared {
    told: Vec<String>,
    there: BTreeMap<String, String>,
    back: BTreeMap<String, String>,
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Same(&'t str),
    Id(&'t str),
    Time,
    Port(&'t str),
}

impl Compared {
    fn values(&mut self, at: &str, one: &Value, other: &Value) {
        match (one, other) {
            (Value::Object(a), Value::Object(b)) => {
                let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                for name in names.into_iter().filter(|name| !LEFT_OUT.contains(&name.as_str())) {
                    let none = &Value::Null;
                    self.values(&format!("{at}/{name}"), a.get(name).unwrap_or(none), b.get(name).unwrap_or(none));
                }
            }
            (Value::Array(a), Value::Array(b)) => {
                for index in 0..a.len().max(b.len()) {
                    let none = &Value::Null;
                    self.values(&format!("{at}/{index}"), a.get(index).unwrap_or(none), b.get(index).unwrap_or(none));
                }
            }
            (Value::String(a), Value::String(b)) => {
                if let Some((a, b)) = self.texts(a, b) {
                    self.told.push(format!("{at}: {} before, {} after", short(&a), short(&b)));
                }
            }
            (a, b) if a != b => {
                self.told.push(format!("{at}: {} before, {} after", short(&a.to_string()), short(&b.to_string())));
            }
            _ => {}
        }
    }

    /// Where two texts begin to differ.
    fn texts(&mut self, one: &str, other: &str) -> Option<(String, String)> {
        let (a, b) = (pieces(one), pieces(other));
        let differ = (0..a.len().max(b.len())).find(|&at| match (a.get(at), b.get(at)) {
            (Some(Piece::Id(a)), Some(Piece::Id(b))) => !self.stands_for(a, b),
            (a, b) => a != b,
        })?;
        let from = |pieces: &[Piece<'_>]| -> String {
            let text = |piece: &Piece<'_>| match piece {
                Piece::Same(text) | Piece::Id(text) => (*text).to_owned(),
                Piece::Time => "<time>".to_owned(),
                Piece::Port(host) => format!("{host}:<port>"),
            };
            pieces.iter().skip(differ.saturating_sub(4)).take(24).map(text).collect()
        };
        Some((from(&a), from(&b)))
    }

    /// Whether an id of the one is the other's, here as everywhere.
    fn stands_for(&mut self, one: &str, other: &str) -> bool {
        let there = self.there.entry(one.to_owned()).or_insert_with(|| other.to_owned()) == other;
        let back = self.back.entry(other.to_owned()).or_insert_with(|| one.to_owned()) == one;
        there && back
    }
}

fn short(text: &str) -> String {
    crate::report::terminal::printable(&text.chars().take(160).collect::<String>())
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '+');
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        // A weak ETag is one id, whatever characters are in it.
        if let Some(tag) = ["W/\"", "W/\\\""].iter().find_map(|open| rest.strip_prefix(open)) {
            let (tag, after) = tag.split_at(tag.find(['"', '\\']).unwrap_or(tag.len()));
            out.push(Piece::Id(tag));
            rest = after;
            continue;
        }
        let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let end = if end == 0 { rest.find(part).unwrap_or(rest.len()) } else { end };
        let (word, after) = rest.split_at(end);
        let bare = word.trim_end_matches(['.', ':']);
        out.push(piece(bare));
        if bare.len() < word.len() {
            out.push(Piece::Same(word.get(bare.len()..).unwrap_or_default()));
        }
        rest = after;
    }
    out
}

fn piece(word: &str) -> Piece<'_> {
    let time = word.parse::<jiff::Timestamp>().is_ok()
        || (word.contains('T') && word.parse::<jiff::civil::DateTime>().is_ok())
        || (word.contains(':') && word.parse::<jiff::civil::Time>().is_ok());
    if time {
        return Piece::Time;
    }
    if let Some((host, port)) = word.rsplit_once(':')
        && port.parse::<u16>().is_ok()
        && (host == "localhost" || host.parse::<std::net::IpAddr>().is_ok())
    {
        return Piece::Port(host);
    }
    let guid = word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if guid || (word.len() >= 20 && digits >= 2) { Piece::Id(word) } else { Piece::Same(word) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(one: Value, other: Value) -> Vec<String> {
        let mut compared = Compared::default();
        compared.values("", &one, &other);
        compared.told
    }

    #[test]
    fn other_ids_times_and_ports_are_the_same_and_ids_that_change_places_are_not() {
        let (alice, bob) = ("a11ce000-0365-4c11-a0ff-5a3e0b1ec700", "b0b00000-0365-4c11-a0ff-5a3e0b1ec700");
        let (ann, ben) = ("11111111-0365-4c11-a0ff-5a3e0b1ec700", "22222222-0365-4c11-a0ff-5a3e0b1ec700");
        let run = |one: &str, other: &str, time: &str, port: u16| {
            json!({
                "url": format!("http://127.0.0.1:{port}/users/{one}?since={time}"),
                "etag": format!("W/\"{}/+=\"", port),
                "body": format!("{{\"id\":\"{other}\",\"again\":\"{one}\",\"at\":\"{time}\",\"n\":3}}"),
            })
        };
        let before = run(alice, bob, "2026-01-12T09:00:00Z", 4711);
        assert_eq!(told(before.clone(), run(ann, ben, "2026-11-23T12:34:05.370080055Z", 80)), [""; 0]);
        let mut swapped = run(ann, ben, "2026-11-23T12:34:05Z", 80);
        swapped["body"] =
            json!(format!("{{\"id\":\"{ann}\",\"again\":\"{ben}\",\"at\":\"2026-11-23T12:34:05Z\",\"n\":3}}"));
        assert_eq!(told(before.clone(), swapped).len(), 1);
        assert_eq!(told(json!({ "served": true, "n": 3 }), json!({ "served": false, "n": 3 })).len(), 1);
        assert_eq!(told(json!({ "held": "yes" }), json!({ "held": "no", "more": 1 })).len(), 2);
    }
}
