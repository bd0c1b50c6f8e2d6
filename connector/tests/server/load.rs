//! Many people at once, and what the program leaves behind. Short here; `.ci/deep` sets `OFFLINE365_LOAD_SECONDS=60`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use connector::clock::{Clock as _, SystemClock};
use futures_util::future::join_all;
use serde_json::json;

use crate::scene::{CLIENT, CONTOSO, FABRIKAM, SERVER, Scene, message};

const CANARY: &str = "larkspur-canary-7f3a";

/// Resident memory, in kilobytes.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_people_get_their_own_and_nothing_stays_behind() {
    let seconds: u64 = std::env::var("OFFLINE365_LOAD_SECONDS").ok().map_or(2, |text| text.parse().unwrap());
    let mut scene = Scene::start().await;
    // The program has the machine's clock.
    scene.clock.advance(SystemClock.now().duration_since(scene.clock.now()).as_secs());
    let mut mail = message("m", CANARY, "2026-01-11T08:00:00Z");
    mail["bodyPreview"] = CANARY.into();
    mail["body"] = json!({ "contentType": "text", "content": CANARY });
    scene.stub.set_messages(vec![mail]);
    let left = tempfile::tempdir().unwrap();
    let (state, temporary, audit) =
        (left.path().join("state"), left.path().join("tmp"), left.path().join("audit.jsonl"));
    std::fs::create_dir_all(&state).unwrap();
    std::fs::create_dir_all(&temporary).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_offline365-connector"))
        .current_dir(&state)
        .env("TMPDIR", &temporary)
        .env("HOME", &state)
        .env("RUST_LOG", "trace")
        .env("OFFLINE365_CONNECTOR__SERVER__ALLOW_PLAIN_HTTP", "true")
        .env("OFFLINE365_CONNECTOR__ENTRA__LOGIN", scene.stub.login.as_str())
        .env("OFFLINE365_CONNECTOR__ENTRA__CLIENT_ID", SERVER)
        .env("OFFLINE365_CONNECTOR__ENTRA__CLIENT_SECRET", "a secret of the load test")
        .env("OFFLINE365_CONNECTOR__ENTRA__ALLOWED_CLIENTS", format!("[\"{CLIENT}\"]"))
        .env("OFFLINE365_CONNECTOR__GRAPH__URL", scene.stub.graph.as_str())
        .env("OFFLINE365_CONNECTOR__LIMITS__CALLS_PER_MINUTE", "0")
        .env("OFFLINE365_CONNECTOR__AUDIT__FILE", &audit)
        .env("OFFLINE365_CONNECTOR__ADMISSION__TENANTS", format!("[\"{CONTOSO}\", \"{FABRIKAM}\"]"))
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(left.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut first).unwrap();
    scene.running.mcp = first.trim().strip_prefix("MCP server: ").unwrap().parse().unwrap();

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
            early = resident(program.id());
        }
    }
    let late = resident(program.id());
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
    secrets.extend([CANARY, "graph-token-", "a secret of the load test"].map(str::to_owned));
    program.kill().unwrap();
    program.wait().unwrap();
    let left = files(left.path());
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
