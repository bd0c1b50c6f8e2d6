//! What the machine room sees: health, counts, and one name for a request wherever it shows.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use connector::audit::{AuditEvent, AuditSink};
use connector::{Config, Connector, Parts};
use serde_json::{Value, json};

use crate::scene::{ALICE, FABRIKAM, Scene, read};
use crate::stub::{Fault, Place};

async fn scene() -> Scene {
    Scene::with(|config| config.operations.listen = Some("127.0.0.1:0".parse().unwrap())).await
}

async fn asked(scene: &Scene, path: &str) -> (u16, String) {
    let url = scene.running.operations.clone().unwrap().join(path).unwrap();
    let answer = read(scene.http.get(url).send().await.unwrap()).await;
    (answer.status, answer.text)
}

#[tokio::test]
async fn it_is_ready_when_it_can_judge_tokens() {
    let scene = scene().await;
    scene.stub.fail(Place::Discovery, &Fault::Status(503, None), 1);
    assert_eq!(asked(&scene, "/livez").await.0, 200);
    assert_eq!(asked(&scene, "/readyz").await.0, 503);
    scene.clock.advance(10);
    assert_eq!(asked(&scene, "/readyz").await, (200, "ready\n".to_owned()));
    let keys = scene.stub.key_requests();
    for _ in 0..5 {
        asked(&scene, "/readyz").await;
    }
    assert_eq!(scene.stub.key_requests(), keys, "asking costs nothing");
    for path in ["/livez", "/readyz", "/metrics"] {
        let outside = scene.http.get(scene.running.mcp.join(path).unwrap()).send().await.unwrap();
        assert_eq!(outside.status(), 404, "clients do not see {path}");
    }
    assert_eq!(asked(&scene, "/mcp").await.0, 404);
}

#[tokio::test]
async fn calls_are_counted_without_naming_anybody() {
    let scene = scene().await;
    scene.tool("get_me", json!({})).await.result();
    scene.call(&scene.token(FABRIKAM, ALICE), "get_me", json!({})).await.result();
    scene.stub.revoke("Mail.Read");
    scene.tool("outlook_email_search", json!({})).await.result();
    scene.call("a.b.c", "get_me", json!({})).await;
    let (status, text) = asked(&scene, "/metrics").await;
    assert_eq!(status, 200);
    insta::assert_snapshot!("metrics", text);
    for name in [ALICE, FABRIKAM, "alice"] {
        assert!(!text.contains(name), "{name}");
    }
}

/// A log in memory.
#[derive(Default)]
struct Kept(Mutex<Vec<Value>>);

impl AuditSink for Kept {
    fn record(&self, event: &AuditEvent) {
        self.0.lock().unwrap().push(serde_json::to_value(event).unwrap());
    }
}

#[tokio::test]
async fn a_request_has_one_name_in_the_answer_the_audit_and_at_graph() {
    let scene = Scene::start().await;
    let kept = Arc::new(Kept::default());
    let mut config = Config::new(crate::scene::SERVER, "a secret".into(), crate::scene::CLIENT);
    config.server.allow_plain_http = true;
    config.entra.login = scene.stub.login.clone();
    config.graph.url = scene.stub.graph.clone();
    config.admission.tenants = vec![crate::scene::CONTOSO.parse().unwrap()];
    let parts = Parts { clock: Arc::new(scene.clock.clone()), audit: Some(Arc::clone(&kept) as _) };
    let running = Connector::start(config, parts).await.unwrap();
    let body =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "get_me", "arguments": {} } });
    let call = async |name: Option<&str>| {
        let mut request = scene.http.post(running.mcp.clone()).bearer_auth(scene.alice()).json(&body);
        request = request
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25");
        if let Some(name) = name {
            request = request.header("x-request-id", name);
        }
        read(request.send().await.unwrap()).await.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    let mine = "0d5f8a5e-0365-4c11-a0ff-000000000001";
    assert_eq!(call(Some(mine)).await, mine);
    let others = [call(None).await, call(Some("larkspur\" } evil")).await, call(Some("{0d5f8a5e}")).await];
    assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), 3, "a name of its own each");
    let events = kept.0.lock().unwrap().clone();
    let names: Vec<_> = events.iter().map(|event| (event["event"].clone(), event["outcome"].clone())).collect();
    assert_eq!(names[0], (json!("authentication"), json!("ok")), "the first time a token is seen");
    assert_eq!(names[1..], vec![(json!("tool"), json!("ok")); 4], "and not again");
    assert_eq!(events[1]["requestId"], mine);
    let at_graph: Vec<_> = scene.stub.asked().into_iter().map(|asked| asked.client_request_id).collect();
    assert_eq!(at_graph[0], mine);
    assert_eq!(at_graph[1..], others);
}
