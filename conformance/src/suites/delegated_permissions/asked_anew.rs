//! The same question twice: is Graph asked each time, so that nothing is answered out of memory?

use fixtures::cast::{ALICE, BUDGET};

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "delegated-permissions/asked-anew",
    title: "No content is kept between questions",
    requirements: &["R-DATA-1", "R-TOK-3"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::KEEPS_ANSWERS, &broken::ANSWERS_BY_ADDRESS],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    let uri = bench.uri_of(&alice, BUDGET, QUERY).await?;
    for (what, call) in [("searches", alice.search(QUERY)), ("reads", alice.read(&uri))] {
        let first = bench.control(&format!("Alice {what}"), call.clone(), &canary).await?;
        let second = bench.control(&format!("Alice {what} again"), call, &canary).await?;
        for (time, reply) in [("the first time", first), ("the second time", second)] {
            let asked = reply.graph().count();
            bench.expect(
                &format!("Alice {what}, {time}: Graph is asked"),
                "at least 1",
                &asked.to_string(),
                asked > 0,
            )?;
        }
    }
    Ok(())
}
