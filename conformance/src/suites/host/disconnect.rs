//! Are tokens, and sign-ins under way, gone when a person disconnects?

use fixtures::cast::ALICE;
use serde_json::json;

use super::super::QUERY;
use crate::bench::{As, Bench};
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "host/disconnect",
    title: "Nothing is left after a disconnect",
    requirements: &["R-REV-6"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::Setup, Feature::Host],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: None,
    broken: &[&broken::HOST_KEEPS_TOKENS],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let call = ("POST", "/api/tools/outlook_email_search");
    let search = Some(json!({ "arguments": { "query": QUERY } }));
    bench.connected(ALICE).await?;
    bench.served("Alice calls a tool", As::Token(ALICE), call.0, call.1, search.clone()).await?;
    let (cookie, back) = bench.sign_in_to_connect(ALICE, ALICE).await?;
    bench.served("disconnects", As::Token(ALICE), "POST", "/api/disconnect", Some(json!({}))).await?;
    let gone = bench.ask("calls again", As::Token(ALICE), call.0, call.1, search).await?;
    bench.expect_told("a call after the disconnect", &gone, "NOT_CONNECTED")?;
    let late = bench.ask("a sign-in from before comes back", As::Browser(&cookie, &[]), "GET", &back, None).await?;
    bench.expect_told("a sign-in that was under way", &late, "UNKNOWN_SIGN_IN")
}
