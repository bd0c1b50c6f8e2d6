//! `Mail.ReadBasic` alone opens lists at Graph: does the connector keep its promise that mail needs `Mail.Read`?

use fixtures::cast::{ALICE, BUDGET, CONTOSO};
use serde_json::json;

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "delegated-permissions/basic-alone",
    title: "Mail with Mail.ReadBasic alone",
    requirements: &["R-LIM-1", "R-REV-3"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::BASIC_IS_ENOUGH],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    let uri = bench.uri_of(&alice, BUDGET, QUERY).await?;
    bench.control("Alice reads the mail", alice.read(&uri), &canary).await?;
    bench.revoke(CONTOSO, &["Mail.Read", "Mail.Read.Shared"]).await?;
    let again = bench.sign_in(ALICE).await?;
    let list = json!({ "limit": 25, "order": "newest" });
    let calls = [
        ("searches by word", again.search(QUERY)),
        ("lists the newest mail", again.call("outlook_email_search", list)),
        ("reads it by its address", again.read(&uri)),
    ];
    for (what, call) in calls {
        let reply = bench.attempt(&format!("Alice, with Mail.ReadBasic left, {what}"), call).await?;
        bench.expect(&format!("{what}: not served"), "a refusal", &reply.summary(), !reply.served())?;
        super::expect_names(bench, &reply, "Mail.Read")?;
        let asked = reply.graph().count();
        bench.expect(&format!("{what}: Graph was not asked"), "0 requests", &asked.to_string(), asked == 0)?;
    }
    let me = bench.attempt("Alice asks who she is", again.get_me()).await?;
    bench.expect("other tools go on", "served", &me.summary(), me.served())
}
