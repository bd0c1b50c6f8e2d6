//! Connectors of other shapes than ours: a program over stdio, one that passes tokens on, one that signs its people in itself, one by device
//! code, and a resource server that refuses with a bare status. Each is `examples/plain_connector.rs`, somebody else's program; its twin is wrong in
//! something that happens.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use conformance::check::{Check, Verdict};
use conformance::run::{Outcome, Runner};
use conformance::suites;
use conformance::target::{Profile, Target};
use fixtures::Plan;

/// The program: built beside the tests, or now, where a single test was asked for.
fn program() -> &'static str {
    static BUILT: OnceLock<String> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_BIN_EXE_offline365")).parent().unwrap().join("examples");
        let program = folder.join(format!("plain_connector{}", std::env::consts::EXE_SUFFIX));
        if !program.is_file() {
            let build = ["build", "--quiet", "--package", "conformance", "--example", "plain_connector"];
            assert!(Command::new(env!("CARGO")).args(build).status().unwrap().success());
        }
        program.to_str().unwrap().to_owned()
    })
}

/// A shipped profile, with one more line of environment where a twin is meant.
fn profile(name: &str, more: &str) -> Profile {
    let text = std::fs::read_to_string(format!("{}/targets/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let text = text.replace("target/debug/examples/plain_connector", program());
    let text = text.replace("[start.env]\n", &format!("[start.env]\n{more}\n"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("profile.toml");
    std::fs::write(&file, text).unwrap();
    Profile::read(&file).unwrap()
}

async fn ask(profile: &Profile, checks: &[&'static Check]) -> Vec<Outcome> {
    Runner::new(Plan::embedded().unwrap(), 365).run(checks, &Target::Remote(Box::new(profile.clone()))).await
}

fn of(suites: &[&str]) -> Vec<&'static Check> {
    suites::all().filter(|check| suites.contains(&check.suite())).collect()
}

fn named(ids: &[&str]) -> Vec<&'static Check> {
    ids.iter().map(|id| suites::all().find(|check| check.id == *id).unwrap()).collect()
}

/// Nothing is red, and enough was asked.
fn holds(outcomes: &[Outcome], least: usize) {
    let red: Vec<_> = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.verdict, Verdict::Fail | Verdict::Inconclusive))
        .map(|outcome| (outcome.check.id, outcome.verdict, outcome.told()))
        .collect();
    assert!(red.is_empty(), "{red:#?}");
    let held = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Pass).count();
    assert!(held >= least, "only {held} of {} could be asked", outcomes.len());
}

fn failed(outcomes: &[Outcome]) -> Vec<&'static str> {
    outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fail).map(|outcome| outcome.check.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_passes_tokens_on_is_one_finding() {
    let profile = profile("plain-passthrough", "");
    let findings = profile.findings();
    assert!(matches!(findings.as_slice(), [one] if one.starts_with("R-TOK-1")), "{findings:?}");
    holds(&ask(&profile, &of(&["tenant-isolation", "read-only", "token-validation", "oauth-flow"])).await, 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_signs_its_people_in_itself() {
    let checks = of(&["tenant-isolation"]);
    holds(&ask(&profile("plain-own-login", ""), &checks).await, 8);
    let twin = ask(&profile("plain-own-login", "ONE_FOR_ALL = \"yes\""), &checks).await;
    let failed = failed(&twin);
    assert!(failed.iter().any(|id| id.starts_with("tenant-isolation/")), "{twin:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_device_codes_and_one_that_shares_their_cache() {
    let checks = named(&["tenant-isolation/lookalike-searches"]);
    holds(&ask(&profile("plain-device-code", ""), &checks).await, 1);
    let shared = tempfile::tempdir().unwrap();
    let cache = format!("TOKEN_CACHE = {:?}", shared.path().join("cache").display().to_string());
    assert_eq!(
        failed(&ask(&profile("plain-device-code", &cache), &checks).await),
        ["tenant-isolation/lookalike-searches"]
    );
}

/// What a plain resource server is asked about tokens, and holds.
const TOKENS: &[&str] = &[
    "token-validation/algorithm",
    "token-validation/alg-none-variants",
    "token-validation/aud-lookalike",
    "token-validation/expiry",
    "token-validation/hs256-with-public-key",
    "token-validation/issuer",
    "token-validation/signature",
    "tenant-isolation/forged-tenant",
    "tenant-isolation/lookalike-reads",
    "delegated-permissions/colleague-item",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_refusal_is_one_and_a_signature_that_nobody_looks_at_is_seen() {
    holds(&ask(&profile("plain-obo", ""), &named(TOKENS)).await, TOKENS.len());
    let twin = ask(&profile("plain-obo", "UNSIGNED_PASSES = \"yes\""), &named(TOKENS)).await;
    let failed = failed(&twin);
    assert!(failed.contains(&"token-validation/signature"), "{failed:?}");
    assert!(failed.contains(&"tenant-isolation/forged-tenant"), "{failed:?}");
    assert!(!failed.contains(&"delegated-permissions/colleague-item"), "{failed:?}");
}

#[test]
fn what_does_not_go_together_is_said() {
    let told = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profile.toml");
        std::fs::write(&file, text).unwrap();
        Profile::read(&file).unwrap_err().to_string()
    };
    let start = "[start]\ncommand = [\"x\"]\n";
    for (text, word) in [
        ("name = \"x\"\n".to_owned(), "mcp is missing"),
        ("name = \"x\"\ntransport = \"stdio\"\n".to_owned(), "[start]"),
        (format!("name = \"x\"\ntransport = \"stdio\"\nmcp = \"http://localhost:1/mcp\"\n{start}"), "leave mcp out"),
        (format!("name = \"x\"\ntransport = \"stdio\"\nsign_in = \"own-login\"\n{start}"), "device-code"),
        ("name = \"x\"\nmcp = \"http://localhost:1/mcp\"\nsign_in = \"device-code\"\n".to_owned(), "stdio"),
        ("name = \"x\"\nmcp = \"http://localhost:1/mcp\"\nsign_in = \"own-login\"\n".to_owned(), "redirect_uri"),
    ] {
        let why = told(&text);
        assert!(why.contains(word), "{why}");
    }
}
