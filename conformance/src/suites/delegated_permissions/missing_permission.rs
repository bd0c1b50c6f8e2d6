//! A tenant that never granted `Mail.Read`: is mail refused before Graph is asked, by name, and everything else served?

use fixtures::cast::{ALICE, BUDGET, BUDGET_MALLORY, CONTOSO, MALLORY};

use super::super::QUERY;
use crate::bench::{Bench, Refusal};
use crate::broken;
use crate::check::{Check, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "delegated-permissions/missing-permission",
    title: "Mail without Mail.Read",
    requirements: &["R-GATE-2", "R-REV-3", "R-REV-9"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::BASIC_IS_ENOUGH, &broken::ONE_SCOPE_SET, &broken::REFUSAL_WITHOUT_A_REASON],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    bench.revoke(CONTOSO, &["Mail.Read"]).await?;
    let (alice, mallory) = (bench.sign_in(ALICE).await?, bench.sign_in(MALLORY).await?);
    let canaries = (bench.canary(BUDGET)?, bench.canary(BUDGET_MALLORY)?);
    bench.control("Mallory, whose tenant granted it, finds her mail", mallory.search(QUERY), &canaries.1).await?;
    let refused = bench.attempt("Alice searches her mail", alice.search(QUERY)).await?;
    bench.expect("Alice is not served", "a refusal", &refused.summary(), !refused.served())?;
    bench.expect_only_own("Alice's answer", &refused)?;
    super::expect_names(bench, &refused, "Mail.Read")?;
    bench.expect_refused(
        "the issuer refused the exchange",
        &refused,
        Refusal::tool("CONSENT_REQUIRED", Layer::Issuer),
    )?;
    let asked = refused.graph().count();
    bench.expect("Graph was not asked", "0 requests", &asked.to_string(), asked == 0)?;
    let me = bench.attempt("Alice asks who she is", alice.get_me()).await?;
    bench.expect("other tools go on", "served", &me.summary(), me.served())?;
    bench.consent(CONTOSO, &["Mail.Read"]).await?;
    bench.control("with the permission granted, Alice finds her mail", alice.search(QUERY), &canaries.0).await.map(drop)
}
