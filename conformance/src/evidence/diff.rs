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
        let (mut names, mut others) = (Names::default(), Names::default());
        let before = names.normal(json(&one.join(id).join(name))?);
        let after = others.normal(json(&other.join(id).join(name))?);
        let mut found = Vec::new();
        compare("", &before, &after, &mut found);
        let more = found.len().saturating_sub(MOST);
        told.extend(found.into_iter().take(MOST).map(|line| format!("{id}/{name}{line}")));
        if more > 0 {
            told.push(format!("{id}/{name}: {more} more"));
        }
    }
    Ok(told)
}

fn compare(at: &str, one: &Value, other: &Value, told: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let none = &Value::Null;
                compare(&format!("{at}/{name}"), a.get(name).unwrap_or(none), b.get(name).unwrap_or(none), told);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let none = &Value::Null;
                compare(&format!("{at}/{index}"), a.get(index).unwrap_or(none), b.get(index).unwrap_or(none), told);
            }
        }
        (a, b) if a != b => told.push(format!("{at}: {} before, {} after", short(a), short(b))),
        _ => {}
    }
}

fn short(value: &Value) -> String {
    crate::report::terminal::printable(&value.to_string().chars().take(160).collect::<String>())
}

/// What differs from run to run, numbered in order of appearance.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn normal(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.normal(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                // `raw` says what `body` says; a token's print and the times in claims hang on the clock.
                .filter(|(name, _)| !matches!(name.as_str(), "raw" | "print" | "iat" | "nbf" | "exp" | "auth_time"))
                .map(|(name, value)| (name, self.normal(value)))
                .collect(),
            other => other,
        }
    }

    fn text(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars().chain(std::iter::once('\0')) {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '+') {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                out.push_str(&self.word(&word));
                word.clear();
            }
            if c != '\0' {
                out.push(c);
            }
        }
        out
    }

    fn word(&mut self, word: &str) -> String {
        let bare = word.trim_end_matches(['.', ':']);
        if bare.parse::<jiff::Timestamp>().is_ok() {
            return "<time>".to_owned();
        }
        if let Some((host, port)) = bare.rsplit_once(':')
            && !host.is_empty()
            && port.parse::<u16>().is_ok()
            && (host == "localhost" || host.parse::<std::net::IpAddr>().is_ok())
        {
            return format!("{host}:<port>");
        }
        let guid = bare.len() == 36 && bare.bytes().filter(|byte| *byte == b'-').count() == 4;
        let digits = bare.bytes().filter(u8::is_ascii_digit).count();
        if !guid && (bare.len() < 24 || digits < 2) {
            return word.to_owned();
        }
        let next = self.0.len() + 1;
        self.0.entry(bare.to_owned()).or_insert_with(|| format!("<id {next}>")).clone()
    }
}
