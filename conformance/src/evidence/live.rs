//! Requests that run as they are against a world that was left up: real tokens, real addresses. No part of a bundle: for the reviewer's own eyes, in a
//! folder of its own that nobody else may read.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::curl::{header, quoted};
use crate::recorder::{Hop, Recorder};
use crate::report::terminal::printable;

/// Longer bodies, and those that are no text, are files of their own.
const LONGEST: usize = 32_000;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The file for a shell.
    pub file: PathBuf,
    /// The status that was recorded.
    pub status: u16,
}

/// Writes what the harness sent: a `.sh` and an `.http` file each. What works once (a code that was redeemed) is left out. The folder must not be there yet.
pub fn write(folder: &Path, recorder: &Recorder) -> std::io::Result<Vec<Live>> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::DirBuilder::new().mode(0o700).create(folder)?;
    let mut written = Vec::new();
    for (step, what, hop) in recorder.sent() {
        if hop.status == 0 || works_once(hop) {
            continue;
        }
        let slug: String = hop.actor.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let name = format!("{:02}-step-{step}-{slug}", written.len() + 1);
        let told = format!("step {step}, {}: {}", printable(&hop.actor), printable(what));
        let body = body(folder, &name, hop)?;
        let mut line = format!("exec curl -sS -i -X {} {}", quoted(&hop.method), quoted(&hop.url));
        for (field, value) in &hop.request_headers {
            let _ = write!(line, " \\\n  -H {}", header(field, value));
        }
        line.push_str(&body);
        let file = folder.join(format!("{name}.sh"));
        keep(&file, format!("#!/bin/sh\n# {told}\n# recorded: {}\n{line}\n", hop.status).as_bytes())?;
        keep(&folder.join(format!("{name}.http")), &http(&told, hop))?;
        written.push(Live { file, status: hop.status });
    }
    Ok(written)
}

/// A code is redeemed once.
fn works_once(hop: &Hop) -> bool {
    let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&hop.request).unwrap_or_default();
    let query = url::Url::parse(&hop.url).is_ok_and(|url| url.query_pairs().any(|(name, _)| name == "code"));
    query || form.iter().any(|(name, _)| name == "code")
}

fn body(folder: &Path, name: &str, hop: &Hop) -> std::io::Result<String> {
    if hop.request.is_empty() {
        return Ok(String::new());
    }
    let text = std::str::from_utf8(&hop.request).ok().filter(|text| text.len() < LONGEST && !text.contains('\0'));
    if let Some(text) = text {
        return Ok(format!(" \\\n  --data-raw {}", quoted(text)));
    }
    keep(&folder.join(format!("{name}.body")), &hop.request)?;
    Ok(format!(" \\\n  --data-binary @\"$(dirname \"$0\")/{name}.body\""))
}

/// As editors' REST clients read it.
fn http(told: &str, hop: &Hop) -> Vec<u8> {
    let mut out = format!("### {told}\n# recorded: {}\n{} {}\n", hop.status, hop.method, hop.url);
    for (name, value) in &hop.request_headers {
        let _ = writeln!(out, "{name}: {value}");
    }
    out.push('\n');
    let mut out = out.into_bytes();
    out.extend(&hop.request);
    out.push(b'\n');
    out
}

fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}
