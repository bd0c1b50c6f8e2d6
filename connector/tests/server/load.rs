//! Many people at once, and what the program leaves behind. Short here; `.ci/deep` sets `OFFLINE365_LOAD_SECONDS=60`.

use std::io::Read as _;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::program::{Program, SECRET};
use crate::scene::{CONTOSO, FABRIKAM, Scene, message};

const CANARY: &str = "larkspur-canary-7f3a";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_people_get_their_own_and_nothing_stays_behind() {
    let seconds: u64 = std::env::var("OFFLINE365_LOAD_SECONDS").ok().map_or(2, |text| text.parse().unwrap());
    let mut scene = Scene::start().await;
    let mut mail = message("m", CANARY, "2026-01-11T08:00:00Z");
    mail["bodyPreview"] = CANARY.into();
    mail["body"] = json!({ "contentType": "text", "content": CANARY });
    scene.stub.set_messages(vec![mail]);
    let program = Program::start(&mut scene, &[]);

    // The same hundred object ids in both tenants.
    let people: Vec<(&str, String, String)> = (0..100)
        .flat_map(|number| {
            let user = format!("a11ce000-0365-4c11-a0ff-{number:012}");
            [CONTOSO, FABRIKAM].map(|tenant| (tenant, user.clone(), scene.token(tenant, &user)))
        })
        .collect();
    let begun = Instant::now();
    let (mut calls, mut early) = (0_u32, 0);
    while begun.elapsed() < Duration::from_secs(seconds) || calls < 200 {
        for some in people.chunks(20) {
            let round = some.iter().map(async |(tenant, user, token)| {
                let me = scene.call(token, "get_me", json!({})).await.result();
                assert_eq!(me["structuredContent"]["id"], format!("{tenant}/{user}"), "somebody else's answer");
            });
            calls += u32::try_from(join_all(round).await.len()).unwrap();
        }
        let (_, _, token) = &people[calls as usize % people.len()];
        let found = scene.call(token, "outlook_email_search", json!({ "query": CANARY })).await;
        assert!(found.text.contains(CANARY), "the canary is there to be lost");
        scene.call(token, "read_resource", json!({ "uri": "mail:///messages/m" })).await.result();
        if early == 0 && begun.elapsed() >= Duration::from_secs(seconds / 6) {
            early = program.resident();
        }
    }
    let late = program.resident();
    // Something for the log: without a line in it the search below would prove nothing.
    scene.stub.revoke("User.Read");
    let stranger = scene.token(CONTOSO, "57a46e00-0365-4c11-a0ff-000000000001");
    assert_eq!(scene.call(&stranger, "get_me", json!({})).await.code(), "CONSENT_REQUIRED");
    println!("{calls} calls in {:?}; resident {early} kB, at the end {late} kB", begun.elapsed());
    if seconds >= 60 {
        assert!(late * 10 <= early * 11, "resident memory grew from {early} to {late} kB");
    }
    let mut secrets: Vec<String> =
        people.iter().map(|(_, _, token)| token.rsplit('.').next().unwrap().to_owned()).collect();
    secrets.extend([CANARY, "graph-token-", SECRET].map(str::to_owned));
    let left = program.end();
    assert!(left.iter().any(|(name, bytes)| name.ends_with("audit.jsonl") && !bytes.is_empty()), "the audit is there");
    assert!(left.iter().any(|(name, bytes)| name.ends_with("log") && !bytes.is_empty()), "the log is there");
    for (name, bytes) in left {
        let mut text = String::new();
        bytes.as_slice().read_to_string(&mut text).unwrap();
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} in {name}");
        }
    }
}
