//! Is a tool that somebody switched off in a chat not called there, and still elsewhere?

use fixtures::cast::ALICE;
use serde_json::json;

use super::super::QUERY;
use crate::bench::{As, Bench};
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "host/switched-tool",
    title: "Tool that somebody switched off in a chat",
    requirements: &["R-REV-8"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::Setup, Feature::Host],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: None,
    broken: &[&broken::HOST_SWITCHES_IGNORED],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    bench.connected(ALICE).await?;
    let chat = bench.served("opens a chat", As::Token(ALICE), "POST", "/api/chats", Some(json!({}))).await?;
    let chat = chat.word("/id")?;
    let ask = format!("/api/chats/{chat}/ask");
    let question = Some(json!({ "question": "mail", "tool": "outlook_email_search", "arguments": { "query": QUERY } }));
    bench.served("asks", As::Token(ALICE), "POST", &ask, question.clone()).await?;
    let off = Some(json!({ "on": false, "chat": chat }));
    bench.served("switches it off there", As::Token(ALICE), "PUT", "/api/tools/outlook_email_search", off).await?;
    let stopped = bench.ask("asks again", As::Token(ALICE), "POST", &ask, question.clone()).await?;
    bench.expect_told("a tool that is off in this chat", &stopped, "TOOL_DISABLED")?;
    let other = bench.served("opens another", As::Token(ALICE), "POST", "/api/chats", Some(json!({}))).await?;
    let other = format!("/api/chats/{}/ask", other.word("/id")?);
    bench.served("asks there", As::Token(ALICE), "POST", &other, question).await.map(drop)
}
