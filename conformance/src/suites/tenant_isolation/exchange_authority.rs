//! Whose authority exchanges a token: the token's own tenant's, and no other?

use fixtures::cast::{ALICE, BUDGET, BUDGET_MALLORY, MALLORY};

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "tenant-isolation/exchange-authority",
    title: "The exchange is asked of the token's tenant",
    requirements: &["R-ID-3", "R-TOK-2"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[Feature::Exchange],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::COMMON_AUTHORITY],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    for (who, handle) in [(ALICE, BUDGET), (MALLORY, BUDGET_MALLORY)] {
        let actor = bench.sign_in(who).await?;
        let canary = bench.canary(handle)?;
        let plan = bench.plan.clone();
        let tenant = plan.person(who).map(|(tenant, _)| tenant.id.to_string()).unwrap_or_default();
        let reply = bench.attempt(&format!("{who} searches"), actor.search(QUERY)).await?;
        let asked: Vec<String> = reply
            .exchanges()
            .map(|exchange| exchange.path().trim_start_matches('/').split('/').next().unwrap_or_default().to_owned())
            .collect();
        if asked.is_empty() {
            return Err(Finding::Inconclusive("control failed: no exchange was seen".to_owned()));
        }
        let own = asked.iter().all(|authority| *authority == tenant);
        bench.expect(&format!("{who}'s token is exchanged by their own tenant"), &tenant, &asked.join(", "), own)?;
        bench.control(&format!("{who} is served"), actor.search(QUERY), &canary).await?;
    }
    Ok(())
}
