//! Does the owner's switch stop everybody from the next request on, and can nobody else turn it?

use fixtures::cast::{ADMIN_CONTOSO, ALICE};
use serde_json::json;

use super::super::QUERY;
use crate::bench::{As, Bench, PERSONAL};
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "host/organization-switch",
    title: "The owner of an organization switches the connector",
    requirements: &["R-GATE-1", "R-REV-1", "R-ID-5"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::Setup, Feature::Host],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: None,
    broken: &[&broken::HOST_ALWAYS_ON, &broken::HOST_ANYBODY_SWITCHES],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let search = Some(json!({ "arguments": { "query": QUERY } }));
    let call = ("POST", "/api/tools/outlook_email_search");
    bench.connected(ALICE).await?;
    bench.served("Alice calls a tool", As::Token(ALICE), call.0, call.1, search.clone()).await?;
    let off = Some(json!({ "connectorEnabled": false }));
    let member =
        bench.ask("Alice turns the switch", As::Token(ALICE), "POST", "/api/organization", off.clone()).await?;
    bench.expect_told("a member who is no owner", &member, "NOT_AN_OWNER")?;
    let personal =
        bench.ask("a tool without a membership", As::Token(PERSONAL), call.0, call.1, search.clone()).await?;
    bench.expect_told("a personal account", &personal, "NOT_A_MEMBER")?;
    bench.served("the owner switches off", As::Token(ADMIN_CONTOSO), "POST", "/api/organization", off).await?;
    for (method, path, body) in [(call.0, call.1, search.clone()), ("POST", "/api/connect", Some(json!({})))] {
        let stopped = bench.ask("the next request", As::Token(ALICE), method, path, body).await?;
        bench.expect_told("after the switch", &stopped, "CONNECTOR_DISABLED")?;
    }
    let on = Some(json!({ "connectorEnabled": true }));
    bench.served("the owner switches on", As::Token(ADMIN_CONTOSO), "POST", "/api/organization", on).await?;
    bench.served("Alice calls again", As::Token(ALICE), call.0, call.1, search).await.map(drop)
}
