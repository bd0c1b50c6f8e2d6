//! Somebody signs in anew after a revocation: does the new token never ride on an exchange of the old one?

use fixtures::cast::{ALICE, BUDGET, CONTOSO};

use super::super::QUERY;
use crate::bench::{Bench, Refusal};
use crate::broken;
use crate::check::{Check, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "revocation/new-sign-in",
    title: "A new sign-in after a revocation",
    requirements: &["R-REV-3", "R-TOK-3"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::CACHE_BY_OBJECT_ID, &broken::CACHE_SHARED],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    bench.control("Alice finds her mail: everything is warm", alice.search(QUERY), &canary).await?;
    bench.revoke(CONTOSO, &["Mail.Read"]).await?;
    let again = bench.sign_in(ALICE).await?;
    let reply = bench.attempt("Alice, signed in anew, searches", again.search(QUERY)).await?;
    bench.expect("it is blocked at once", "a refusal", &reply.summary(), !reply.served())?;
    bench.expect_refused(
        "the issuer refused the exchange",
        &reply,
        Refusal::tool("CONSENT_REQUIRED", Layer::Issuer),
    )?;
    bench.consent(CONTOSO, &["Mail.Read"]).await?;
    bench.control("consent restores it", again.search(QUERY), &canary).await.map(drop)
}
