//! What is left behind: audit lines without content, and no secret in any of them.

use serde_json::{Value, json};

use crate::scene::{ALICE, CONTOSO, Scene, message};

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
    assert_eq!(outcomes, ["ok", "ok", "CONSENT_REQUIRED", "malformed", "tenant_not_enabled"]);
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
