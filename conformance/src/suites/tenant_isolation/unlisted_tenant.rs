//! A perfectly good token of a tenant that nobody admitted: is it kept out before it learns anything?

use fixtures::cast::{ALICE, BUDGET, CONTOSO, MALLORY};

use super::super::QUERY;
use crate::bench::{Bench, Refusal};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "tenant-isolation/unlisted-tenant",
    title: "Valid token of a tenant that never onboarded",
    requirements: &["R-GATE-1", "R-ID-5"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[Feature::TenantGate, Feature::Setup],
    setup: Setup { admitted: &[CONTOSO], ..Setup::SHIPPED },
    attack: Some(Attack { by: MALLORY, knows: "nothing: her own, genuine token", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::ANY_TENANT],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (alice, mallory) = (bench.sign_in(ALICE).await?, bench.sign_in(MALLORY).await?);
    let canary = bench.canary(BUDGET)?;
    bench.control("Alice, whose tenant is admitted, finds her mail", alice.search(QUERY), &canary).await?;
    for (what, call) in [("asks for the tools", mallory.list_tools()), ("searches her mail", mallory.search(QUERY))] {
        let reply = bench.attempt(&format!("Mallory {what}"), call).await?;
        bench.expect_refused(what, &reply, Refusal::forbidden("tenant_not_enabled"))?;
        let upstream = reply.upstream.len();
        bench.expect("nobody else heard of it", "0 requests", &upstream.to_string(), upstream == 0)?;
    }
    bench.control("Alice goes on", alice.search(QUERY), &canary).await.map(drop)
}
