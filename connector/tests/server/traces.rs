//! What is left behind: audit lines without content, and no secret in any line.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use connector::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::scene::{ALICE, CLIENT, CONTOSO, SERVER, Scene, message};

#[tokio::test]
async fn each_call_leaves_a_line_that_says_who_and_how_but_not_what() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("audit.jsonl");
    let scene = Scene::with(|config| config.audit.file = Some(file.clone())).await;
    scene.stub.set_messages(vec![message("m", "Hello", "2026-01-11T08:00:00Z")]);
    let alice = scene.alice();
    scene.call(&alice, "outlook_email_search", json!({ "query": "larkspur" })).await.result();
    scene.call(&alice, "read_resource", json!({ "uri": "mail:///messages/m" })).await.result();
    scene.stub.revoke("User.Read");
    scene.call(&alice, "get_me", json!({})).await.result();
    scene.call("a.b.c", "get_me", json!({})).await;
    scene.call(&scene.token("cccccccc-0365-4c11-a0ff-00000000000c", ALICE), "get_me", json!({})).await;

    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["ok", "ok", "ok", "CONSENT_REQUIRED", "malformed", "tenant_not_enabled"]);
    assert_eq!(lines[0]["event"], "authentication");
    let lines = &lines[1..];
    assert_eq!((&lines[0]["tenant"], &lines[0]["user"]), (&json!(CONTOSO), &json!(ALICE)));
    assert_eq!((&lines[0]["tool"], &lines[0]["graphRequests"]), (&json!("outlook_email_search"), &json!(["req-1"])));
    assert_eq!(lines[2]["permission"], "User.Read");
    for secret in ["larkspur", "Hello", "graph-token", "a secret", alice.as_str(), alice.rsplit('.').next().unwrap()] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn no_answer_holds_a_token_for_graph() {
    let scene = Scene::start().await;
    scene.stub.script(500, vec![], json!({ "error": { "code": "graph-token-1" } }));
    for arguments in [json!({}), json!({ "query": "x" })] {
        let answer = scene.tool("outlook_email_search", arguments).await;
        assert!(!answer.text.contains(&format!("graph-token-1-{CONTOSO}")) && !answer.text.contains("a secret"));
    }
}

#[tokio::test]
async fn the_program_logs_no_content_and_no_token_even_when_asked_for_everything() {
    let mut scene = Scene::start().await;
    // The program has the machine's clock.
    let ahead = SystemClock.now().duration_since(scene.clock.now()).as_secs();
    scene.clock.advance(ahead);
    scene.stub.set_messages(vec![message("m", "Hello", "2026-01-11T08:00:00Z")]);
    let mut program = Command::new(env!("CARGO_BIN_EXE_offline365-connector"))
        .env("RUST_LOG", "trace,rmcp::transport=trace,hyper_util::client=trace")
        .env("OFFLINE365_CONNECTOR__SERVER__ALLOW_PLAIN_HTTP", "true")
        .env("OFFLINE365_CONNECTOR__ENTRA__LOGIN", scene.stub.login.as_str())
        .env("OFFLINE365_CONNECTOR__ENTRA__CLIENT_ID", SERVER)
        .env("OFFLINE365_CONNECTOR__ENTRA__CLIENT_SECRET", "a secret")
        .env("OFFLINE365_CONNECTOR__ENTRA__ALLOWED_CLIENTS", format!("[\"{CLIENT}\"]"))
        .env("OFFLINE365_CONNECTOR__GRAPH__URL", scene.stub.graph.as_str())
        .env("OFFLINE365_CONNECTOR__ADMISSION__TENANTS", format!("[\"{CONTOSO}\"]"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut first).unwrap();
    scene.running.mcp = first.trim().strip_prefix("MCP server: ").unwrap().parse().unwrap();

    let alice = scene.alice();
    scene.call(&alice, "outlook_email_search", json!({ "query": "larkspur" })).await.result();
    scene.call(&alice, "read_resource", json!({ "uri": "mail:///messages/m" })).await.result();
    scene.call(&alice, "larkspur", json!({ "query": 7 })).await;
    scene.call("a.b.c", "get_me", json!({})).await;
    program.kill().unwrap();
    let mut log = String::new();
    program.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    program.wait().unwrap();
    assert!(log.contains("outlook_email_search"), "the audit is in the log: {log}");
    for secret in ["Hello", "graph-token", "a secret", alice.as_str(), alice.rsplit('.').next().unwrap()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert!(log.lines().all(|line| !line.contains("larkspur") || line.contains("there is no such tool")), "{log}");
}
