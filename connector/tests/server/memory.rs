//! What stays in the program's memory and folders when calls are over: nothing that anybody asked or was told, and no token but those at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::program::{Program, SECRET};
use crate::scene::{CONTOSO, FABRIKAM, Scene, message};

/// What the mail says.
const CONTENT: &str = "larkspur-canary-7f3a";
/// What is looked for.
const QUERY: &str = "monkshood-canary-91bd";
/// How long connections that nobody uses stay open, and a little more.
const QUIET: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_leave_no_content_and_no_token_but_those_at_hand() {
    let mut scene = Scene::start().await;
    let mut mail = message("m", CONTENT, "2026-01-11T08:00:00Z");
    mail["bodyPreview"] = CONTENT.into();
    mail["body"] = json!({ "contentType": "text", "content": CONTENT.repeat(500) });
    scene.stub.set_messages(vec![mail]);
    let program = Program::start(&mut scene, &[("OFFLINE365_CONNECTOR__OBO__MAX_AGE_SECONDS", "2")]);
    let people: Vec<String> = (0..10)
        .flat_map(|number| {
            let user = format!("a11ce000-0365-4c11-a0ff-{number:012}");
            [CONTOSO, FABRIKAM].map(|tenant| scene.token(tenant, &user))
        })
        .collect();
    let (mut calls, mut waited) = (0, false);
    while calls < 1000 {
        if calls >= 500 && !std::mem::replace(&mut waited, true) {
            // What is at hand is over: everything is exchanged once more.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let round = people.iter().map(async |token| {
            let me = scene.call(token, "get_me", json!({})).await;
            let found = scene.call(token, "outlook_email_search", json!({ "query": QUERY })).await;
            assert!(found.text.contains(CONTENT), "the canary is there to be lost: {}", found.text);
            let read = scene.call(token, "read_resource", json!({ "uri": "mail:///messages/m" })).await;
            assert!(read.text.contains(CONTENT));
            for told in [me, found, read] {
                assert_eq!(told.status, 200);
                assert!(!told.text.contains("graph-token-") && !format!("{:?}", told.headers).contains("graph-token-"));
            }
        });
        calls += 3 * join_all(round).await.len();
    }
    // What was exchanged last for the same person and scopes is at hand; what was before it is over.
    let mut at_hand = BTreeMap::new();
    for (number, (tenant, form)) in scene.stub.exchanges().iter().enumerate() {
        at_hand.insert((form["assertion"].clone(), form["scope"].clone()), format!("{}-{tenant}", number + 1));
    }
    let at_hand: BTreeSet<String> = at_hand.into_values().collect();
    assert!(scene.stub.exchanges().len() > at_hand.len(), "nothing was exchanged twice");
    // Something for the log: without a line in it, that nothing is found there would prove nothing.
    scene.stub.revoke("User.Read");
    let stranger = scene.token(CONTOSO, "57a46e00-0365-4c11-a0ff-000000000001");
    assert_eq!(scene.call(&stranger, "get_me", json!({})).await.code(), "CONSENT_REQUIRED");
    // The host goes away.
    scene.http = reqwest::Client::new();

    let mut secrets: Vec<(String, String)> = people
        .iter()
        .map(|token| ("a caller's token".to_owned(), token.rsplit('.').next().unwrap().to_owned()))
        .collect();
    secrets.extend([("content", CONTENT), ("a query", QUERY)].map(|(what, text)| (what.to_owned(), text.to_owned())));
    let (begun, mut left) = (Instant::now(), vec![String::new()]);
    while !left.is_empty() && begun.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let memory = program.memory();
        let tokens = graph_tokens(&memory);
        assert!(tokens.iter().any(|token| at_hand.contains(token)), "the tokens at hand are seen, so others would be");
        left = tokens.difference(&at_hand).map(|token| format!("graph-token-{token}")).collect();
        for (what, secret) in &secrets {
            let times: usize = memory.iter().map(|region| region.matches(secret.as_str()).count()).sum();
            if times > 0 {
                left.push(format!("{what}, {times} times"));
            }
        }
    }
    println!("{calls} calls; quiet after {:?}; {} tokens at hand", begun.elapsed(), at_hand.len());
    secrets.extend(
        [("a token for Graph", "graph-token-"), ("the client secret", SECRET)]
            .map(|(what, text)| (what.to_owned(), text.to_owned())),
    );
    let files = program.end();
    assert!(
        ["audit.jsonl", "log"]
            .iter()
            .all(|name| files.iter().any(|(file, bytes)| file.ends_with(name) && !bytes.is_empty()))
    );
    for (file, bytes) in files {
        let text = String::from_utf8_lossy(&bytes);
        left.extend(
            secrets.iter().filter(|(_, secret)| text.contains(secret)).map(|(what, _)| format!("{what} in {file}")),
        );
    }
    assert!(left.is_empty(), "after {QUIET:?}: {left:?}");
}

/// The tokens for Graph, without the word in front.
fn graph_tokens(memory: &[String]) -> BTreeSet<String> {
    let ends = |text: &str| text.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(text.len());
    memory
        .iter()
        .flat_map(|region| region.split("graph-token-").skip(1))
        .map(|rest| rest[..ends(rest)].to_owned())
        // `{number}-{tenant}`, whole.
        .filter(|token| token.split_once('-').is_some_and(|(_, tenant)| tenant.len() == 36))
        .collect()
}
