//! Is a bundle what was produced? Every file is there with its hash and nothing else, every JSON file has the shape it claims, and nothing in it looks
//! like a token that still works.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::bundle::{MANIFEST, SCHEMA, sha256};
use crate::recorder::Transcript;

/// What is wrong with the bundle in this folder; nothing, if it is as it was. `expect`: the manifest's SHA-256.
pub fn problems(folder: &Path, expect: Option<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut files = BTreeMap::new();
    if let Err(error) = read(folder, "", &mut files) {
        return vec![format!("{}: {error}", folder.display())];
    }
    let Some(bytes) = files.remove(MANIFEST) else { return vec![format!("there is no {MANIFEST}")] };
    let digest = sha256(&bytes);
    if let Some(expect) = expect
        && !expect.eq_ignore_ascii_case(&digest)
    {
        problems.push(format!("{MANIFEST} has SHA-256 {digest}, not {expect}"));
    }
    let Ok(manifest) = serde_json::from_slice::<Value>(&bytes) else {
        problems.push(format!("{MANIFEST} is no JSON"));
        return problems;
    };
    hashes(&manifest, &files, &mut problems);
    shapes(&manifest, &files, &mut problems);
    for (path, bytes) in &files {
        if let Some(what) = live_token(bytes) {
            problems.push(format!("{path}: {what}"));
        }
    }
    problems
}

/// Every file under a folder. Links are no files.
fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read(&entry.path(), &format!("{name}/"), files)?;
        } else if kind.is_file() {
            files.insert(name, std::fs::read(entry.path())?);
        } else {
            return Err(std::io::Error::other(format!("{name} is no file")));
        }
    }
    Ok(())
}

fn hashes(manifest: &Value, files: &BTreeMap<String, Vec<u8>>, problems: &mut Vec<String>) {
    if manifest.get("schema") != Some(&Value::from(SCHEMA)) {
        problems
            .push(format!("{MANIFEST}: schema {} is not known here", manifest.get("schema").unwrap_or(&Value::Null)));
    }
    let rows = manifest.get("files").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut listed = BTreeSet::new();
    for row in &rows {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let path = text("path");
        if !listed.insert(path.to_owned()) {
            problems.push(format!("{path} is listed twice"));
        }
        match files.get(path) {
            None => problems.push(format!("{path} is missing")),
            Some(bytes) if sha256(bytes) != text("sha256") => problems.push(format!("{path} was changed")),
            Some(_) => {}
        }
    }
    for path in files.keys().filter(|path| !listed.contains(*path)) {
        problems.push(format!("{path} is not in the manifest"));
    }
}

/// What each kind of file must have, and what must agree between them.
fn shapes(manifest: &Value, files: &BTreeMap<String, Vec<u8>>, problems: &mut Vec<String>) {
    for field in ["run", "tool", "command", "seed", "target", "clock", "verdicts", "redaction", "scenarios", "files"] {
        if manifest.get(field).is_none_or(Value::is_null) {
            problems.push(format!("{MANIFEST}: no {field}"));
        }
    }
    let scenarios = manifest.get("scenarios").and_then(Value::as_array).cloned().unwrap_or_default();
    for row in &scenarios {
        let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
        let json = |name: &str| {
            let path = format!("{id}/{name}");
            let value = files.get(&path).and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
            value.ok_or_else(|| format!("{path} is not there, or no JSON"))
        };
        if let Some(bytes) = files.get(&format!("{id}/transcript.json"))
            && let Err(error) = serde_json::from_slice::<Transcript>(bytes)
        {
            problems.push(format!("{id}/transcript.json is no transcript: {error}"));
        }
        match (json("transcript.json"), json("verdict.json")) {
            (Ok(transcript), Ok(verdict)) => agree(id, row, &transcript, &verdict, problems),
            (one, other) => problems.extend([one.err(), other.err()].into_iter().flatten()),
        }
        for name in ["scenario.json", "transcript.har"] {
            problems.extend(json(name).err());
        }
        for name in ["report.html", "sequence.svg", "sequence.mmd"] {
            if !files.contains_key(&format!("{id}/{name}")) {
                problems.push(format!("{id}/{name} is missing"));
            }
        }
    }
}

fn agree(id: &str, row: &Value, transcript: &Value, verdict: &Value, problems: &mut Vec<String>) {
    if row.get("verdict") != verdict.get("verdict") {
        problems.push(format!("{id}: manifest and verdict.json disagree about the verdict"));
    }
    if transcript.get("check").and_then(Value::as_str) != Some(id)
        || verdict.get("scenario").and_then(Value::as_str) != Some(id)
    {
        problems.push(format!("{id}: transcript.json or verdict.json is about another scenario"));
    }
    let assertions = verdict.get("assertions").and_then(Value::as_array).cloned().unwrap_or_default();
    let broken = assertions.iter().any(|assertion| assertion.get("held") != Some(&Value::Bool(true)));
    if broken && verdict.get("verdict").and_then(Value::as_str) == Some("pass") {
        problems.push(format!("{id}: a pass with an expectation that did not hold"));
    }
    let controls = verdict.get("controls").and_then(Value::as_array).cloned().unwrap_or_default();
    for pointed in assertions.iter().chain(&controls) {
        for at in pointed.get("at").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if transcript.pointer(at).and_then(|entry| entry.get("entry")).and_then(Value::as_str) != Some("hop") {
                problems.push(format!("{id}: {at} of verdict.json is no exchange of transcript.json"));
            }
        }
    }
    for entry in transcript.get("entries").and_then(Value::as_array).into_iter().flatten() {
        for message in ["request", "response"].into_iter().filter_map(|name| entry.get(name)) {
            let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
            let whole = STANDARD.decode(text("raw")).is_ok_and(|raw| String::from_utf8_lossy(&raw) == text("body"));
            if !whole {
                let seq = entry.get("seq").unwrap_or(&Value::Null);
                problems.push(format!("{id}: exchange {seq}: body and raw are not the same"));
            }
        }
    }
}

/// Whoever verifies has no list of secrets; but a whole JWS with a signature is none that may leave.
fn live_token(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    for word in words.filter(|word| word.starts_with("eyJ")) {
        let parts: Vec<&str> = word.split('.').collect();
        let [header, _, signature] = parts.as_slice() else { continue };
        let header = URL_SAFE_NO_PAD.decode(header).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        if header.is_some_and(|header| header.get("alg").is_some()) && signature.len() >= 40 {
            return Some("a token with its signature".to_owned());
        }
    }
    None
}
