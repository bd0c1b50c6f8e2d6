//! A tenant granted the connector to write: does it never ask for that, never hold a token that could, and use none that it was given all the
//! same?

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::cast::{ALICE, BUDGET, CONTOSO};
use serde_json::{Value, json};

use super::super::QUERY;
use crate::bench::{Bench, Refusal, Reply};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "read-only/write-scope-in-token",
    title: "No token that could write",
    requirements: &["R-RO-1", "R-ID-4"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[Feature::Exchange],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: ALICE,
        knows: "permissions to write, granted to the same application long ago",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::DEFAULT_SCOPES, &broken::TOKENS_NOT_LOOKED_AT],
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
    let mut replies = Vec::new();
    for (label, call, proof) in [
        ("Alice searches", again.search(QUERY), canary.as_str()),
        ("Alice reads", again.read(&uri), canary.as_str()),
        ("Alice asks who she is", again.get_me(), "alice@contoso.example"),
    ] {
        replies.push(bench.control(label, call, proof).await?);
    }
    for (tool, arguments) in [
        ("outlook_calendar_search", json!({ "query": "*" })),
        ("sharepoint_search", json!({ "query": "Budget" })),
        ("chat_message_search", json!({ "query": "Budget" })),
        ("find_meeting_availability", json!({ "attendees": ["bob@contoso.example"], "duration": "PT30M" })),
    ] {
        replies.push(bench.attempt(&format!("Alice calls {tool}"), again.call(tool, arguments)).await?);
    }
    let requested: Vec<String> =
        replies.iter().flat_map(Reply::exchanges).filter_map(|exchange| exchange.token_field("scope")).collect();
    let held: Vec<String> = replies
        .iter()
        .flat_map(Reply::graph)
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
    more_than_was_asked_for(bench, &canary).await
}

/// An issuer may put everything into a token that the tenant granted, whatever was asked for. One that could write is not used.
async fn more_than_was_asked_for(bench: &mut Bench, canary: &str) -> Result<(), Finding> {
    let everything = json!({ "grantedScopes": "all" });
    bench.control_world("the issuer gives everything that was granted", "/lab/settings", &everything).await?;
    let later = bench.sign_in(ALICE).await?;
    let refused = bench.attempt("Alice searches with a token that could write", later.search(QUERY)).await?;
    let (given, used) = (refused.exchanges().count(), refused.graph().count());
    if given == 0 {
        return Err(Finding::Inconclusive("control failed: no exchange was seen".to_owned()));
    }
    bench.expect("a token that could write goes to Graph", "0 requests", &format!("{used} requests"), used == 0)?;
    let refusal = Refusal::of(200, "FORBIDDEN", Layer::Connector);
    bench.expect_refused("a token that could write is thrown away", &refused, refusal)?;
    bench.revoke(CONTOSO, super::WRITE_SCOPES).await?;
    let last = bench.sign_in(ALICE).await?;
    bench.control("the permissions are withdrawn: Alice searches", last.search(QUERY), canary).await.map(drop)
}

/// The scopes that a Graph token carries. Graph would look; so may we.
fn scopes_of(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get("scp").and_then(Value::as_str).map(str::to_owned)
}
