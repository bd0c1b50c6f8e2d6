//! The commit that the harness is built from, for manifests: what `OFFLINE365_COMMIT` says where it is set, else git's where there is a work tree;
//! else absent.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=OFFLINE365_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("OFFLINE365_COMMIT").is_some_and(|commit| !commit.is_empty()) {
        return;
    }
    // Of this repository alone: sources that were unpacked inside somebody else's work tree are not of their commit.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if !root.join(".git").exists() {
        return;
    }
    let git = |arguments: &[&str]| {
        let answer = Command::new("git").arg("-C").arg(&root).args(arguments).output().ok()?;
        let text = String::from_utf8(answer.stdout).ok()?;
        answer.status.success().then(|| text.trim().to_owned())
    };
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file]).map(|path| root.join(path));
        if let Some(path) = path.filter(|path| path.exists()) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    if let Some(commit) = git(&["rev-parse", "HEAD"]) {
        println!("cargo::rustc-env=OFFLINE365_COMMIT={commit}");
    }
}
