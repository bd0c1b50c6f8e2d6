//! Who sees the raw result of a tool call in a shared chat: by reading, listing, exporting, searching, listening, and by its address?

use fixtures::cast::{ADMIN_CONTOSO, ALICE, BOB, BUDGET, CAROL, MALLORY};
use serde_json::{Value, json};

use super::super::QUERY;
use crate::bench::{As, Bench, Told};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "data-handling/shared-chat-raw-results",
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
    for person in [ALICE, BOB] {
        bench.connected(person).await?;
    }
    let chat = bench.served("opens a chat", As::Token(ALICE), "POST", "/api/chats", Some(json!({}))).await?;
    let path = format!("/api/chats/{}", chat.word("/id")?);
    let question = json!({ "question": "mail", "tool": "outlook_email_search", "arguments": { "query": QUERY } });
    bench.served("asks", As::Token(ALICE), "POST", &format!("{path}/ask"), Some(question)).await?;
    // An error is a result, too: what she asked for is in it.
    let wrong = json!({ "question": "one mail", "tool": "read_resource", "arguments": { "uri": "mail:///messages/private-to-alice" } });
    bench.served("asks for what is not there", As::Token(ALICE), "POST", &format!("{path}/ask"), Some(wrong)).await?;
    let own = bench.served("Alice reads", As::Token(ALICE), "GET", &path, None).await?;
    let uri = uri_in(&own, &canary)
        .ok_or_else(|| Finding::Inconclusive("control failed: Alice does not see her own result".to_owned()))?;
    let raw = Raw { texts: [canary.clone(), uri.clone(), "private-to-alice".to_owned()] };
    let ways = [
        path.clone(),
        format!("{path}/export"),
        format!("/api/chats/search?q={canary}"),
        "/api/chats/search?q=private-to-alice".to_owned(),
        "/api/chats".to_owned(),
    ];
    for stranger in [CAROL, MALLORY] {
        for way in [path.clone(), format!("{path}/export"), format!("{path}/events?after=0")] {
            let closed = bench.ask("somebody who was not let in", As::Token(stranger), "GET", &way, None).await?;
            bench.expect_told("a chat that was not shared", &closed, "NO_SUCH_CHAT")?;
        }
        let found = bench.served("searches for it", As::Token(stranger), "GET", &ways[2], None).await?;
        raw.hidden(bench, "no raw result by searching", &found)?;
    }
    let with = Some(json!({ "with": [BOB] }));
    bench.served("shares it", As::Token(ALICE), "POST", &format!("{path}/share"), with).await?;
    for way in &ways {
        let seen = bench.served("Bob looks", As::Token(BOB), "GET", way, None).await?;
        raw.hidden(bench, "no raw result for Bob", &seen)?;
    }
    let shared = bench.served("Bob reads what was said", As::Token(BOB), "GET", &path, None).await?;
    let answered = shared.text.contains("\"question\":\"mail\"");
    bench.expect("Bob sees question and answer", "them", if answered { "them" } else { "nothing" }, answered)?;
    let overheard = bench.overheard("Bob listens", BOB, &format!("{path}/events?after=0")).await?;
    let heard = overheard.text.contains("mail");
    bench.expect("the stream tells Bob of the turn", "a turn", if heard { "a turn" } else { "nothing" }, heard)?;
    raw.hidden(bench, "no raw result in the stream", &overheard)?;
    // The citation's own address opens nothing with Bob's rights.
    let cited = Some(json!({ "arguments": { "uri": uri } }));
    let opened = bench.ask("Bob opens the citation", As::Token(BOB), "POST", "/api/tools/read_resource", cited).await?;
    let leaks = opened.text.contains(&canary);
    bench.expect("what the citation leads to", "hidden", if leaks { "shown" } else { "hidden" }, !leaks)?;
    for way in [path.clone(), format!("{path}/export"), format!("{path}/events?after=0")] {
        let foreign = bench.ask("Mallory knows the id", As::Token(MALLORY), "GET", &way, None).await?;
        bench.expect_told("a chat of another organization", &foreign, "NO_SUCH_CHAT")?;
    }
    let off = Some(json!({ "connectorEnabled": false }));
    bench.served("the owner switches off", As::Token(ADMIN_CONTOSO), "POST", "/api/organization", off).await?;
    let later = bench.served("Alice reads again", As::Token(ALICE), "GET", &path, None).await?;
    let shown = later.text.contains(&canary);
    bench.expect("no kept result while the connector is off", "hidden", if shown { "shown" } else { "hidden" }, !shown)
}

/// What only the asker may see of a result: content, address, and what was asked for.
struct Raw {
    texts: [String; 3],
}

impl Raw {
    fn hidden(&self, bench: &mut Bench, claim: &str, told: &Told) -> Result<(), Finding> {
        // Somebody who searches is told what they searched for at most.
        let shown: Vec<&str> = self.texts.iter().filter(|text| told.text.contains(*text)).map(String::as_str).collect();
        let observed = if shown.is_empty() { "the answer alone" } else { "the result" };
        bench.expect(claim, "the answer alone", observed, shown.is_empty())
    }
}

/// The address of the hit with this word, anywhere in what the back end answered.
fn uri_in(told: &Told, word: &str) -> Option<String> {
    fn within(value: &Value, word: &str) -> Option<String> {
        match value {
            Value::Object(fields) => {
                let inner = fields.values().find_map(|value| within(value, word));
                let uri = || fields.get("uri").and_then(Value::as_str).filter(|_| value.to_string().contains(word));
                inner.or_else(|| uri().map(str::to_owned))
            }
            Value::Array(items) => items.iter().find_map(|value| within(value, word)),
            _ => None,
        }
    }
    within(&told.body, word)
}
