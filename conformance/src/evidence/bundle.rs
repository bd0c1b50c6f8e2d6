//! Which files a bundle has, what the manifest says of them, and whether anything is in there that must not leave.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::scene::Change;
use super::sequence::Sequence;
use super::{Scene, finding, har, junit, page, sarif, summary};
use crate::check::Verdict;
use crate::recorder::{SECRETS, Sweep};
use crate::scenario::shipped;
use crate::target::Authorization;

/// The version of manifest.json's shape.
pub(super) const SCHEMA: u32 = 1;

/// The manifest's name.
pub(super) const MANIFEST: &str = "manifest.json";

/// Where and how a run took place.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Names this run among all.
    pub run: String,
    /// Decided every random value.
    pub seed: u64,
    /// The command line.
    pub command: Vec<String>,
    /// The commit of the harness, where it was known at build time.
    pub commit: Option<String>,
    /// SHA-256 of the program.
    pub program: Option<String>,
    /// The target.
    pub target: Described,
    /// The machine's time at the beginning and at the end.
    pub wall: Change,
    /// Names of the tenants by id.
    pub tenants: BTreeMap<String, String>,
}

/// The target, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its address, where it is one of somebody else's.
    pub address: Option<String>,
    /// What it says of itself: MCP's serverInfo.
    pub server_info: Option<Value>,
    /// Who allowed the test.
    pub authorization: Option<Authorization>,
}

/// The files of a bundle, by path.
#[derive(Debug)]
pub struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The folder is in use.
    #[error("{0} is not empty: a bundle has a folder of its own")]
    InUse(String),
    /// A file cannot be written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Something is in there that must not leave. Nothing was written.
    #[error("secrets would have been written: {0}")]
    Leak(String),
}

impl Bundle {
    /// Makes the files and searches them.
    pub fn new(environment: &Environment, scenes: &[Scene], sweep: &Sweep) -> Result<Self, BundleError> {
        let mut files = BTreeMap::new();
        for scene in scenes {
            for (name, bytes) in scene_files(environment, scene) {
                files.insert(format!("{}/{name}", scene.check.id), bytes);
            }
        }
        files.insert("summary.html".to_owned(), summary::render(environment, scenes).into_bytes());
        files.insert("results.sarif".to_owned(), pretty(&sarif::render(environment, scenes)));
        files.insert("junit.xml".to_owned(), junit::render(scenes).into_bytes());
        let manifest = pretty(&manifest(environment, scenes, &files));
        files.insert(MANIFEST.to_owned(), manifest);
        let bundle = Self { files };
        bundle.clean(sweep)?;
        Ok(bundle)
    }

    /// The redaction's self-check: every file, every disguise.
    fn clean(&self, sweep: &Sweep) -> Result<(), BundleError> {
        let found = self.files.iter().flat_map(|(path, bytes)| {
            let found =
                sweep.scan(bytes).into_iter().map(move |found| format!("{path}: {} ({})", found.label, found.encoding));
            found.take(1)
        });
        let leaks: Vec<String> = found.take(10).collect();
        if leaks.is_empty() { Ok(()) } else { Err(BundleError::Leak(leaks.join("; "))) }
    }

    /// The SHA-256 of the manifest: it stands for the whole.
    pub fn digest(&self) -> String {
        self.files.get(MANIFEST).map(|bytes| sha256(bytes)).unwrap_or_default()
    }

    /// The files.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// Writes them into a folder that is empty or not there.
    pub fn write(&self, folder: &Path) -> Result<(), BundleError> {
        let failed = |path: &Path| {
            let path = path.display().to_string();
            |source| BundleError::File { path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        if std::fs::read_dir(folder).map_err(failed(folder))?.next().is_some() {
            return Err(BundleError::InUse(folder.display().to_string()));
        }
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(failed(parent))?;
            }
            std::fs::write(&path, bytes).map_err(failed(&path))?;
        }
        Ok(())
    }
}

fn scene_files(environment: &Environment, scene: &Scene) -> Vec<(&'static str, Vec<u8>)> {
    let attacker = scene.check.attack.map(|attack| attack.by);
    let sequence = Sequence::of(&scene.transcript, attacker, &environment.tenants);
    let svg = sequence.svg();
    let began =
        scene.verdict.clock.as_ref().and_then(|clock| clock.before.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    let json = |value: serde_json::Result<Value>| pretty(&value.unwrap_or_default());
    let mut files = vec![
        ("scenario.json", pretty(&scene.definition())),
        ("transcript.json", json(serde_json::to_value(&scene.transcript))),
        ("transcript.har", pretty(&har::render(&scene.transcript, began))),
        ("verdict.json", json(serde_json::to_value(&scene.verdict))),
        ("report.html", page::render(scene, &svg).into_bytes()),
        ("sequence.mmd", sequence.mermaid().into_bytes()),
        ("sequence.svg", svg.into_bytes()),
    ];
    if scene.verdict.verdict == Verdict::Fail {
        files.push(("finding.md", finding::markdown(scene).into_bytes()));
    }
    files
}

fn manifest(environment: &Environment, scenes: &[Scene], files: &BTreeMap<String, Vec<u8>>) -> Value {
    let clocks: Vec<&Change> = scenes.iter().filter_map(|scene| scene.verdict.clock.as_ref()).collect();
    let scenarios: Vec<Value> = scenes
        .iter()
        .map(|scene| {
            json!({
                "id": scene.check.id,
                "verdict": scene.verdict.verdict,
                "source": scene.check.source,
                "sourceSha256": shipped::text(scene.check).map(|text| sha256(&text)),
                "again": scene.again,
            })
        })
        .collect();
    let files: Vec<Value> = files
        .iter()
        .map(|(path, bytes)| json!({ "path": path, "bytes": bytes.len(), "sha256": sha256(bytes) }))
        .collect();
    let of = |verdict| scenes.iter().filter(|scene| scene.verdict.verdict == verdict).count();
    json!({
        "schema": SCHEMA,
        "run": environment.run,
        "tool": {
            "name": "offline365",
            "version": env!("CARGO_PKG_VERSION"),
            "commit": environment.commit,
            "sha256": environment.program,
        },
        "command": environment.command,
        "seed": environment.seed,
        "fixtures": scenes.iter().find_map(|scene| scene.verdict.state.as_ref()).map(|state| &state.before),
        "target": {
            "name": environment.target.name,
            "address": environment.target.address,
            "serverInfo": environment.target.server_info,
            "version": environment.target.server_info.as_ref().and_then(|info| info.get("version")),
            "authorization": environment.target.authorization,
        },
        "clock": {
            "virtual": {
                "began": clocks.iter().map(|clock| clock.before.as_str()).min(),
                "ended": clocks.iter().map(|clock| clock.after.as_str()).max(),
            },
            "wall": { "began": environment.wall.before, "ended": environment.wall.after },
        },
        "verdicts": {
            "pass": of(Verdict::Pass),
            "fail": of(Verdict::Fail),
            "inconclusive": of(Verdict::Inconclusive),
            "notApplicable": of(Verdict::NotApplicable),
        },
        "redaction": {
            "policy": "every secret is registered by its value when it is first seen, and replaced by a label in whatever encoding it turns up; a token keeps header and claims on its card",
            "disguises": SECRETS,
            "selfCheck": "nothing found in any file",
        },
        "scenarios": scenarios,
        "files": files,
    })
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default()).into_bytes()
}

/// A hash as sixty-four digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Recorder;

    fn planted(path: &str, text: &str) -> Result<(), BundleError> {
        let mut recorder = Recorder::default();
        recorder.secret("client-secret", "a-secret-of-the-server~1");
        let files = BTreeMap::from([
            ("summary.html".to_owned(), b"<p>clean</p>".to_vec()),
            (path.to_owned(), text.as_bytes().to_vec()),
        ]);
        Bundle { files }.clean(&Recorder::sweep(std::iter::once(&recorder)))
    }

    #[test]
    fn a_secret_in_any_file_keeps_the_bundle_from_being_written() {
        planted("a/b/report.html", "nothing").unwrap();
        for path in ["a/b/report.html", "a/b/transcript.har", MANIFEST] {
            let leak = planted(path, "x YS1zZWNyZXQtb2YtdGhlLXNlcnZlcn4x y").unwrap_err();
            let told = leak.to_string();
            assert!(told.contains(path) && told.contains("<client-secret-1>"), "{told}");
            assert!(!told.contains("a-secret-of"), "the message repeats the secret");
        }
    }
}
