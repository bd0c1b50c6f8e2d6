//! Six people of two companies ask at the same time: does each answer hold its own asker's content alone?

use fixtures::cast::{ALICE, ALICE_FABRIKAM, BOB, BOB_FABRIKAM, BUDGET, CAROL, MALLORY};

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "tenant-isolation/concurrent-canaries",
    title: "Answers mixed up under load",
    requirements: &["R-USER-1", "R-DATA-1"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: MALLORY, knows: "a busy hour", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::CACHE_SHARED, &broken::ANSWERS_BY_ADDRESS],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let canary = bench.canary(BUDGET)?;
    let mut actors = Vec::new();
    for who in [ALICE, MALLORY, BOB, BOB_FABRIKAM, CAROL, ALICE_FABRIKAM] {
        actors.push(bench.sign_in(who).await?);
    }
    let alice = actors.first().cloned().ok_or_else(|| Finding::Inconclusive("nobody signed in".to_owned()))?;
    bench.control("Alice finds her own mail", alice.search(QUERY), &canary).await?;
    for round in 1..=3 {
        let calls: Vec<_> = actors
            .iter()
            .flat_map(|actor| [actor.search(QUERY), actor.search("subject:budget"), actor.get_me()])
            .collect();
        let together = bench.together(&format!("everybody asks at once, round {round}"), calls).await?;
        for reply in &together.replies {
            bench.expect_only_own(&format!("round {round}, the answer to {}", reply.actor), reply)?;
            bench.expect(
                &format!("round {round}, {} is served", reply.actor),
                "served",
                &reply.summary(),
                reply.served(),
            )?;
        }
    }
    Ok(())
}
