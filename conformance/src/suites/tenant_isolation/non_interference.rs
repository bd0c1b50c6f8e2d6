//! Whatever happens in one company, the other is answered byte for byte as before.

use fixtures::cast::{ALICE, BUDGET, BUDGET_MALLORY, FABRIKAM, MALLORY};
use jiff::SignedDuration;

use super::super::QUERY;
use crate::bench::{Actor, Bench, Reply};
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "tenant-isolation/non-interference",
    title: "What one company does changes no byte of the other's answers",
    requirements: &["R-USER-1", "R-DATA-1"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[Feature::ClockControl],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::CACHE_SHARED],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    let mallory = bench.sign_in(MALLORY).await?;
    let canary = bench.canary(BUDGET_MALLORY)?;
    let uri = bench.uri_of(&alice, BUDGET, QUERY).await?;
    let before = questions(bench, &alice, &uri).await?;

    // Whatever the connector kept has run out: now the other company is the one that asks first.
    bench.advance(bench.bound() + SignedDuration::from_secs(1)).await?;
    bench.control("Mallory finds her own mail", mallory.search(QUERY), &canary).await?;
    bench.attempt("Mallory asks who she is", mallory.get_me()).await?;
    bench.attempt("Mallory reads what is Alice's", mallory.read(&uri)).await?;
    let meanwhile = questions(bench, &alice, &uri).await?;

    bench.revoke(FABRIKAM, &["Mail.Read"]).await?;
    bench.attempt("Mallory searches without the permission", mallory.search(QUERY)).await?;
    bench.enable(FABRIKAM, "mallory", false).await?;
    bench.attempt("Mallory searches without an account", mallory.search(QUERY)).await?;

    let after = questions(bench, &alice, &uri).await?;
    for (((question, one), (_, other)), (_, last)) in before.iter().zip(&meanwhile).zip(&after) {
        bench.expect_same(&format!("Alice {question} while Mallory asks: the same bytes"), one, other)?;
        bench.expect_same(&format!("Alice {question} after all that: the same bytes"), one, last)?;
    }
    Ok(())
}

/// The same questions, as often as one likes.
async fn questions(bench: &mut Bench, alice: &Actor, uri: &str) -> Result<Vec<(&'static str, Reply)>, Finding> {
    let asked = [
        ("asks who she is", alice.get_me()),
        ("searches", alice.search(QUERY)),
        ("searches for what is not there", alice.search("zzyzx")),
        ("reads", alice.read(uri)),
        ("reads what never was", alice.read("mail:///messages/AAMkAGZha2U%3D")),
        ("lists the tools", alice.list_tools()),
    ];
    let mut replies = Vec::new();
    for (question, call) in asked {
        replies.push((question, bench.attempt(&format!("Alice {question}"), call).await?));
    }
    Ok(replies)
}
