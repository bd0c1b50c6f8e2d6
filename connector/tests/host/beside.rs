//! The host beside the real server: one process, the host's organizations as the server's admission.

use std::sync::Arc;

use connector::{Config, Connector, Parts, Running};
use http::header;
use serde_json::{Value, json};

use crate::issuer::{ALICE, CLIENT, CONTOSO, FABRIKAM, SERVER};
use crate::scene::{Scene, read};

#[tokio::test]
async fn an_owners_switch_acts_on_the_servers_next_request_too() {
    let (scene, running) = beside().await;
    scene.connect("alice", ALICE).await;
    let listed = scene.get("alice", "/api/tools").await;
    assert!(listed.body["tools"].as_array().is_some_and(|tools| !tools.is_empty()), "{listed:?}");
    let (contoso, fabrikam) = (scene.issuer.token_for(CONTOSO, ALICE), scene.issuer.token_for(FABRIKAM, ALICE));
    assert_eq!(asked(&scene, &running, &contoso).await, (200, Value::Null));

    let off = scene.post("olga", "/api/organization", json!({ "connectorEnabled": false })).await;
    assert_eq!(off.status, 200);
    assert_eq!(asked(&scene, &running, &contoso).await, (403, json!("connector_disabled")));
    assert_eq!(asked(&scene, &running, &fabrikam).await, (200, Value::Null), "nobody else notices");
    assert_eq!(scene.get("alice", "/api/tools").await.code(), "CONNECTOR_DISABLED");

    scene.post("olga", "/api/organization", json!({ "connectorEnabled": true })).await;
    assert_eq!(asked(&scene, &running, &contoso).await, (200, Value::Null));
    running.shutdown().await;
}

#[tokio::test]
async fn a_tenant_that_no_organization_has_is_kept_out_of_the_server() {
    let (scene, running) = beside().await;
    let stranger = scene.issuer.token_for("cccccccc-0365-4c11-a0ff-00000000000c", ALICE);
    assert_eq!(asked(&scene, &running, &stranger).await, (403, json!("tenant_not_enabled")));
    running.shutdown().await;
}

/// The connector as it ships, with the scene's people, issuer and clock.
async fn beside() -> (Scene, Running) {
    let mut scene = Scene::new().await;
    scene.close().await;
    scene.issuer.serve_real_server();
    let mut config = Config::new(SERVER, "a secret of the server".to_owned().into(), CLIENT);
    config.entra.login = scene.issuer.login.clone();
    config.graph.url = "http://127.0.0.1:1".parse().unwrap();
    config.server.allow_plain_http = true;
    config.host = Some(scene.config());
    let parts = Parts { clock: Arc::new(scene.clock.clone()), ..Parts::default() };
    let running = Connector::start(config, parts).await.unwrap();
    scene.host = running.host.clone().unwrap();
    (scene, running)
}

/// Status and code of the server's answer to a request without the host.
async fn asked(scene: &Scene, running: &Running, token: &str) -> (u16, Value) {
    let request = scene
        .http
        .post(running.mcp.clone())
        .bearer_auth(token)
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }));
    let answer = read(request.send().await.unwrap()).await;
    (answer.status, answer.body["error"]["code"].clone())
}
