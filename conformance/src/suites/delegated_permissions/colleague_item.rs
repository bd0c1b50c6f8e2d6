//! Bob knows the address of a colleague's mail: is it, to him, the same as one that never existed?

use fixtures::cast::{ALICE, BOB, BUDGET};

use super::super::QUERY;
use crate::bench::{Bench, Refusal};
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "delegated-permissions/colleague-item",
    title: "Mail of a colleague in the same tenant",
    requirements: &["R-USER-1", "R-ID-4"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: BOB,
        knows: "the address of Alice's mail",
        stopped_by: &[Layer::Connector, Layer::Graph],
    }),
    broken: &[&broken::CACHE_SHARED, &broken::ANSWERS_BY_ADDRESS],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (alice, bob) = (bench.sign_in(ALICE).await?, bench.sign_in(BOB).await?);
    let canary = bench.canary(BUDGET)?;
    let uri = bench.uri_of(&alice, BUDGET, QUERY).await?;
    bench.control("Alice reads her own mail", alice.read(&uri), &canary).await?;
    let foreign = bench.attempt("Bob asks for it by its address", bob.read(&uri)).await?;
    bench.expect_only_own("Bob's answer", &foreign)?;
    let unknown = bench
        .attempt("Bob asks for one that never existed", bob.read(&super::super::tenant_isolation::nowhere(&uri)))
        .await?;
    bench.expect_refused("a colleague's mail", &foreign, Refusal::tool("NOT_FOUND", Layer::Graph))?;
    bench.expect_same("a colleague's mail and none at all cannot be told apart", &unknown, &foreign)
}
