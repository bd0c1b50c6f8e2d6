//! An account is disabled while its token is still good: is it blocked at the bound, and its colleagues not?

use fixtures::cast::{ALICE, BOB, BUDGET, CONTOSO};

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Setup, Severity};

/// A mail of Bob's, and the word that finds it.
const BOBS: &str = "contoso/mail/bob/contract-review";
const WORD: &str = "Northwind";

pub(super) const CHECK: Check = Check {
    id: "revocation/disabled-user",
    title: "Account disabled while the session lives",
    requirements: &["R-REV-7"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[Feature::ClockControl],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: BOB, knows: "a token that has not expired", stopped_by: &[Layer::Issuer] }),
    broken: &[&broken::KEEPS_ANSWERS],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (alice, bob) = (bench.sign_in(ALICE).await?, bench.sign_in(BOB).await?);
    let canary = bench.canary(BUDGET)?;
    bench.control("Bob is known", bob.get_me(), "bob@contoso.example").await?;
    let bobs = bench.canary(BOBS)?;
    bench.control("Bob finds his mail: everything is warm", bob.search(WORD), &bobs).await?;
    bench.control("Alice finds her mail", alice.search(QUERY), &canary).await?;
    bench.enable(CONTOSO, "bob", false).await?;
    super::blocked(bench, "disabling an account stops it", "Bob searches", &bob.search(WORD)).await?;
    let me = bench.attempt("Bob asks who he is", bob.get_me()).await?;
    bench.expect("Bob is not known any more", "a refusal", &me.summary(), !me.served())?;
    bench.control("a colleague goes on", alice.search(QUERY), &canary).await?;
    bench.enable(CONTOSO, "bob", true).await?;
    bench.control("enabled again, Bob is served", bob.get_me(), "bob@contoso.example").await.map(drop)
}
