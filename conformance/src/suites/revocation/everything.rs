//! A tenant withdraws the whole grant: is everybody of it blocked at the bound, and nobody else?

use fixtures::cast::{ALICE, BOB, BUDGET, BUDGET_MALLORY, CONTOSO, MALLORY};

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Feature, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "revocation/everything",
    title: "Revoking every permission of a tenant",
    requirements: &["R-REV-7", "R-REV-9"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[Feature::ClockControl],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::CACHE_NEVER_EXPIRES],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (alice, bob, mallory) = (bench.sign_in(ALICE).await?, bench.sign_in(BOB).await?, bench.sign_in(MALLORY).await?);
    let canaries = (bench.canary(BUDGET)?, bench.canary(BUDGET_MALLORY)?);
    bench.control("Alice finds her mail", alice.search(QUERY), &canaries.0).await?;
    bench.control("Bob is known", bob.get_me(), "bob@contoso.example").await?;
    bench.control("Alice is known", alice.get_me(), "alice@contoso.example").await?;
    bench.control("Mallory finds hers", mallory.search(QUERY), &canaries.1).await?;
    bench.revoke(CONTOSO, &[]).await?;
    let what = "revoking everything stops a tenant";
    super::blocked(bench, what, "Alice searches", &alice.search(QUERY)).await?;
    for (what, call) in [
        ("Alice searches", alice.search(QUERY)),
        ("Alice asks who she is", alice.get_me()),
        ("Bob asks who he is", bob.get_me()),
    ] {
        let reply = bench.attempt(what, call).await?;
        bench.expect(&format!("{what}: blocked"), "a refusal", &reply.summary(), !reply.served())?;
        bench.expect_only_own(what, &reply)?;
        let by = reply.refused_by();
        bench.expect(
            &format!("{what}: the issuer said no"),
            "issuer",
            &format!("{by:?}"),
            by == Some(Layer::Issuer),
        )?;
    }
    let other = bench.attempt("Mallory searches", mallory.search(QUERY)).await?;
    let unaffected = other.served() && other.shows(&canaries.1);
    bench.expect("another tenant notices nothing", "served, her canary", &other.summary(), unaffected)
}
