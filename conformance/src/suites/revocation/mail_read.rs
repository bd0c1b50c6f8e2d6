//! `Mail.Read` is revoked while a session is warm: is mail blocked at the declared bound, by name, and nothing else?

use fixtures::cast::{ALICE, BUDGET, BUDGET_MALLORY, CONTOSO, MALLORY};

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "revocation/mail-read",
    title: "Revoking Mail.Read",
    requirements: &["R-REV-3", "R-REV-9", "R-GATE-4"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[Feature::ClockControl],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::CACHE_NEVER_EXPIRES, &broken::ONE_SCOPE_SET, &broken::REFUSAL_WITHOUT_A_REASON],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (alice, mallory) = (bench.sign_in(ALICE).await?, bench.sign_in(MALLORY).await?);
    let canaries = (bench.canary(BUDGET)?, bench.canary(BUDGET_MALLORY)?);
    let uri = bench.uri_of(&alice, BUDGET, QUERY).await?;
    bench.control("Alice reads mail: everything is warm", alice.read(&uri), &canaries.0).await?;
    bench.control("Mallory's company works, too", mallory.search(QUERY), &canaries.1).await?;
    bench.revoke(CONTOSO, &["Mail.Read"]).await?;
    let search = super::blocked(bench, "revoking Mail.Read stops mail", "Alice searches", &alice.search(QUERY)).await?;
    let read = bench.attempt("Alice reads the mail by its address", alice.read(&uri)).await?;
    bench.expect("reading is blocked", "a refusal", &read.summary(), !read.served())?;
    for refused in [&search, &read] {
        bench.expect_only_own("the refusal", refused)?;
        super::super::delegated_permissions::expect_names(bench, refused, "Mail.Read")?;
    }
    let me = bench.attempt("Alice asks who she is", alice.get_me()).await?;
    bench.expect("other tools go on", "served", &me.summary(), me.served())?;
    let other = bench.attempt("Mallory searches", mallory.search(QUERY)).await?;
    let unaffected = other.served() && other.shows(&canaries.1);
    bench.expect("another tenant notices nothing", "served, her canary", &other.summary(), unaffected)?;

    bench.consent(CONTOSO, &["Mail.Read"]).await?;
    let restored = bench.attempt("consent is given again; Alice searches", alice.search(QUERY)).await?;
    let works = restored.served() && restored.shows(&canaries.0);
    bench.expect("consent restores it", "served, her canary", &restored.summary(), works)
}
