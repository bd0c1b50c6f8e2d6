//! A tool that is switched off: is it neither listed nor callable, while the others go on?

use fixtures::cast::ALICE;

use super::super::QUERY;
use crate::bench::{Bench, Refusal};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "delegated-permissions/disabled-tool",
    title: "Disabled tool called by name",
    requirements: &["R-REV-8"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[Feature::ToolToggles, Feature::Setup],
    setup: Setup { disabled_tools: &["outlook_email_search"], ..Setup::SHIPPED },
    attack: Some(Attack { by: ALICE, knows: "the name of the tool", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::TOGGLES_IGNORED],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    bench.control("another tool is served", alice.get_me(), "alice@contoso.example").await?;
    let call = bench.attempt("Alice calls it by name", alice.search(QUERY)).await?;
    bench.expect_only_own("Alice's answer", &call)?;
    bench.expect_refused("the call", &call, Refusal::tool("TOOL_DISABLED", Layer::Connector))?;
    let upstream = call.upstream.len();
    bench.expect("nobody else heard of it", "0 requests", &upstream.to_string(), upstream == 0)?;
    let list = bench.control("the tools are listed", alice.list_tools(), "get_me").await?;
    let listed = list.shows("\"outlook_email_search\"");
    bench.expect("it is not in the list", "absent", if listed { "listed" } else { "absent" }, !listed)
}
