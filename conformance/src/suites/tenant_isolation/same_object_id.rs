//! Two users of two tenants share an object id: does each get their own mail, from a token of their own?

use fixtures::cast::{ALICE, BUDGET, BUDGET_MALLORY, MALLORY};

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "tenant-isolation/same-object-id",
    title: "One object id in two tenants, one cache",
    requirements: &["R-USER-1", "R-ID-3", "R-TOK-3"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: MALLORY, knows: "an object id equal to Alice's", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::CACHE_BY_OBJECT_ID, &broken::CACHE_SHARED, &broken::ANSWERS_BY_ADDRESS],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (alice, mallory) = (bench.sign_in(ALICE).await?, bench.sign_in(MALLORY).await?);
    let (hers, mallorys) = (bench.canary(BUDGET)?, bench.canary(BUDGET_MALLORY)?);
    bench.control("Alice finds her own mail, and warms whatever is kept", alice.search(QUERY), &hers).await?;
    let reply = bench.attempt("Mallory asks the same", mallory.search(QUERY)).await?;
    bench.expect_only_own("Mallory's answer", &reply)?;
    let own = reply.served() && reply.shows(&mallorys);
    bench.expect("Mallory gets her own mail", "served, her canary", &reply.summary(), own)?;
    let exchanges = reply.exchanges().count();
    bench.expect("her token was exchanged for one of her own", "1 exchange", &exchanges.to_string(), exchanges == 1)?;
    let again = bench.control("Alice asks again", alice.search(QUERY), &hers).await?;
    bench.expect_only_own("Alice's second answer", &again)
}
