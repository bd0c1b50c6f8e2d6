//! Calls: what goes out, what comes back, and what is done about a refused token.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::issuer::ALICE;
use crate::scene::Scene;
use crate::server::{CLAIMS, Refuse};

#[tokio::test]
async fn a_call_is_one_stateless_request() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    assert_eq!(scene.call("alice").await.status, 200);
    let calls = scene.server.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].body["method"], "tools/call");
    assert_eq!(calls[0].body["params"]["name"], "outlook_email_search");
    assert_eq!(calls[0].body["params"]["arguments"], json!({ "query": "budget" }));
    assert_eq!(calls[0].body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
}

#[tokio::test]
async fn tools_are_listed_and_answers_may_come_as_a_stream() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.server.answer_as_stream();
    let listed = scene.get("alice", "/api/tools").await;
    assert_eq!(listed.body, json!({ "tools": [{ "name": "outlook_email_search", "on": { "user": true } }] }));
    assert_eq!(scene.call("alice").await.body["result"]["content"][0]["text"], "one mail");
}

#[tokio::test]
async fn a_claims_challenge_is_answered_by_one_renewal_that_carries_the_claims() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.server.refuse(Refuse::FirstWithClaims);
    assert_eq!(scene.call("alice").await.status, 200);
    let asked = scene.issuer.asked("refresh_token");
    assert_eq!(asked.len(), 1);
    let claims: Value = serde_json::from_str(&asked[0]["claims"]).unwrap();
    assert_eq!(
        claims,
        json!({ "access_token": { "nbf": { "essential": true, "value": "1768208400" }, "xms_cc": { "values": ["cp1"] } } })
    );
    assert_eq!(scene.server.calls().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_that_are_challenged_renew_once() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.server.refuse(Refuse::FirstWithClaims);
    for answer in join_all((0..8).map(|_| scene.call("alice"))).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(scene.issuer.asked("refresh_token").len(), 1);
}

#[tokio::test]
async fn a_second_challenge_ends_the_connection_and_the_next_sign_in_carries_the_claims() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.server.refuse(Refuse::AllWithClaims);
    let answer = scene.call("alice").await;
    assert_eq!((answer.status, answer.code()), (409, "SIGN_IN_REQUIRED"));
    assert_eq!(scene.server.calls().len(), 2, "no loop");
    assert_eq!(scene.connection("alice").await, "sign_in_required");

    let (url, _) = scene.start("alice").await;
    let url: url::Url = url.parse().unwrap();
    let claims = url.query_pairs().find(|(name, _)| name == "claims").unwrap().1.into_owned();
    assert_eq!(claims, CLAIMS);
}

#[tokio::test]
async fn a_bare_401_is_tried_once_more_and_costs_no_connection() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.server.refuse(Refuse::AllBare);
    assert_eq!(scene.call("alice").await.code(), "SIGN_IN_REQUIRED");
    assert_eq!(scene.server.calls().len(), 2);
    scene.server.refuse(Refuse::Nothing);
    assert_eq!(scene.call("alice").await.status, 200);
}

#[tokio::test]
async fn the_servers_own_gate_is_passed_on() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.server.refuse(Refuse::Gate);
    let answer = scene.call("alice").await;
    assert_eq!((answer.status, answer.code()), (403, "CONNECTOR_DISABLED"));
    assert_eq!(scene.connection("alice").await, "connected");
}

#[tokio::test]
async fn what_is_no_tool_call_is_refused_before_anything_is_sent() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    for path in ["/api/tools/..%2fx", "/api/tools/a%0d%0ab", "/api/tools/%C3%A9"] {
        assert_eq!(scene.post("alice", path, json!({})).await.code(), "INVALID_REQUEST", "{path}");
    }
    for body in [json!({ "arguments": [] }), json!({ "argument": {} }), json!([])] {
        let answer = scene.post("alice", "/api/tools/x", body.clone()).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_REQUEST"), "{body}");
    }
    let huge = json!({ "arguments": { "query": "x".repeat(2 * 1024 * 1024) } });
    assert_eq!(scene.post("alice", "/api/tools/x", huge).await.code(), "TOO_LARGE");
    assert_eq!(scene.server.calls().len(), 0);
}
