//! Mallory knows the address of a mail in another company and asks for it: is it, to her, the same as one that never existed?

use fixtures::cast::{ALICE, BUDGET, MALLORY};

use super::super::QUERY;
use crate::bench::{Bench, Refusal};
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "tenant-isolation/foreign-id-read",
    title: "Direct object reference across tenants",
    requirements: &["R-USER-1", "R-ID-3"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: MALLORY,
        knows: "the address of every mail of contoso",
        stopped_by: &[Layer::Connector, Layer::Graph],
    }),
    broken: &[&broken::CACHE_SHARED, &broken::ANSWERS_BY_ADDRESS],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (alice, mallory) = (bench.sign_in(ALICE).await?, bench.sign_in(MALLORY).await?);
    let canary = bench.canary(BUDGET)?;
    let uri = bench.uri_of(&alice, BUDGET, QUERY).await?;
    bench.control("Alice reads her own mail", alice.read(&uri), &canary).await?;
    let foreign = bench.attempt("Mallory asks for it by its address", mallory.read(&uri)).await?;
    bench.expect_only_own("Mallory's answer", &foreign)?;
    let nowhere = super::nowhere(&uri);
    let unknown = bench.attempt("Mallory asks for one that never existed", mallory.read(&nowhere)).await?;
    bench.expect_refused("a foreign mail", &foreign, Refusal::tool("NOT_FOUND", Layer::Graph))?;
    bench.expect_same("a foreign mail and none at all cannot be told apart", &unknown, &foreign)
}
