//! Who sees the raw result of a tool call in a shared chat, by reading, exporting and searching?

use fixtures::cast::{ADMIN_CONTOSO, ALICE, BOB, BUDGET, CAROL};
use serde_json::json;

use super::super::QUERY;
use crate::bench::{As, Bench};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "host/shared-results",
    title: "Raw results in a shared chat",
    requirements: &["R-DATA-2", "R-REV-1"],
    profile: Profile::Extended,
    severity: Severity::Critical,
    needs: &[Feature::Setup, Feature::Host],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: Some(Attack {
        by: BOB,
        knows: "a chat that Alice shared with him; Mallory, its id",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::HOST_RESULTS_FOR_EVERYBODY, &broken::HOST_CHATS_BY_ID, &broken::HOST_RESULTS_OUTLIVE_THE_SWITCH],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let canary = bench.canary(BUDGET)?;
    bench.connected(ALICE).await?;
    let chat = bench.served("opens a chat", As::Token(ALICE), "POST", "/api/chats", Some(json!({}))).await?;
    let path = format!("/api/chats/{}", chat.word("/id")?);
    let question = json!({ "question": "mail", "tool": "outlook_email_search", "arguments": { "query": QUERY } });
    bench.served("asks", As::Token(ALICE), "POST", &format!("{path}/ask"), Some(question)).await?;
    let own = bench.served("Alice reads", As::Token(ALICE), "GET", &path, None).await?;
    if !own.text.contains(&canary) {
        return Err(Finding::Inconclusive("control failed: Alice does not see her own result".to_owned()));
    }
    let stranger = bench.ask("a colleague who was not let in", As::Token(CAROL), "GET", &path, None).await?;
    bench.expect_told("a chat that was not shared", &stranger, "NO_SUCH_CHAT")?;
    let with = Some(json!({ "with": [BOB] }));
    bench.served("shares it", As::Token(ALICE), "POST", &format!("{path}/share"), with).await?;
    for way in [path.clone(), format!("{path}/export"), format!("/api/chats/search?q={canary}")] {
        let seen = bench.served("Bob looks", As::Token(BOB), "GET", &way, None).await?;
        let leaks = seen.text.contains(&canary);
        bench.expect(
            "no raw result for Bob",
            "the answer alone",
            if leaks { "the result" } else { "the answer alone" },
            !leaks,
        )?;
    }
    let off = Some(json!({ "connectorEnabled": false }));
    bench.served("the owner switches off", As::Token(ADMIN_CONTOSO), "POST", "/api/organization", off).await?;
    let later = bench.served("Alice reads again", As::Token(ALICE), "GET", &path, None).await?;
    let shown = later.text.contains(&canary);
    bench.expect("no kept result while the connector is off", "hidden", if shown { "shown" } else { "hidden" }, !shown)
}
