//! A tenant granted the connector to write: does it never ask for that, and never hold a token that could?

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::cast::{ALICE, BUDGET, CONTOSO};
use serde_json::Value;

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "read-only/no-write-scope",
    title: "No token that could write",
    requirements: &["R-RO-1", "R-ID-4"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[Feature::Exchange],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::DEFAULT_SCOPES],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    bench.consent(CONTOSO, super::WRITE_SCOPES).await?;
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    let uri = bench.uri_of(&alice, BUDGET, QUERY).await?;
    // A fresh sign-in: whatever was exchanged is exchanged again, in sight.
    let again = bench.sign_in(ALICE).await?;
    let search = bench.control("Alice searches", again.search(QUERY), &canary).await?;
    let read = bench.control("Alice reads", again.read(&uri), &canary).await?;
    let me = bench.control("Alice asks who she is", again.get_me(), "alice@contoso.example").await?;
    let replies = [&search, &read, &me];
    let requested: Vec<String> = replies
        .iter()
        .flat_map(|reply| reply.exchanges())
        .filter_map(|exchange| exchange.token_field("scope"))
        .collect();
    let held: Vec<String> = replies
        .iter()
        .flat_map(|reply| reply.graph())
        .filter_map(|request| scopes_of(request.header("authorization")?.strip_prefix("Bearer ")?))
        .collect();
    if requested.is_empty() || held.is_empty() {
        return Err(Finding::Inconclusive("control failed: no exchange or no Graph token was seen".to_owned()));
    }
    for (claim, scopes) in [("what is asked for", &requested), ("what its tokens carry", &held)] {
        let wrong: Vec<&str> =
            scopes.iter().flat_map(|scopes| scopes.split(' ')).filter(|scope| super::can_write(scope)).collect();
        let observed = if wrong.is_empty() { "none".to_owned() } else { wrong.join(" ") };
        bench.expect(&format!("{claim}: permissions that write"), "none", &observed, wrong.is_empty())?;
    }
    Ok(())
}

/// The scopes that a Graph token carries. Graph would look; so may we.
fn scopes_of(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get("scp").and_then(Value::as_str).map(str::to_owned)
}
