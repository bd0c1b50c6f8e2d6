//! Faults that the lab injects: throttling, outages, answers held, late or cut short, at either host.

use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::*;

const ALICE: &str = "alice@contoso.example";

async fn rows(scene: &Scene) -> Value {
    let answer = scene.http.get(scene.running.lab.join("/lab/faults").unwrap()).send().await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test]
async fn throttling_meets_one_grant_as_often_as_it_was_told() {
    let scene = scene().await;
    let fault = json!({
        "host": "login", "path": "/oauth2/v2.0/token", "grant": "authorization_code", "kind": "status", "status": 429,
        "retryAfter": 7, "count": 1,
    });
    scene.lab("/lab/faults/add", fault).await;
    let refresh = scene.token(CONTOSO, &[("grant_type", "refresh_token"), ("client_id", CLIENT)]).await;
    assert_eq!(refresh.status(), 400, "another grant");
    let code = scene.code(CONTOSO, ALICE).await;
    let throttled = scene.redeem(CONTOSO, &code, &[]).await;
    assert_eq!((throttled.status().as_u16(), &throttled.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    let body: Value = throttled.json().await.unwrap();
    assert_eq!((&body["error"], &body["error_codes"]), (&json!("temporarily_unavailable"), &json!([90055])));
    assert_eq!(scene.redeem(CONTOSO, &code, &[]).await.status(), 200, "the fault spent no code");
    assert_eq!(rows(&scene).await["faults"][0]["taken"], 1);
}

#[tokio::test]
async fn a_held_request_goes_on_when_it_is_released() {
    let scene = scene().await;
    let code = scene.code(CONTOSO, ALICE).await;
    let id =
        scene.lab("/lab/faults/add", json!({ "host": "login", "path": "token", "kind": "hold" })).await["id"].clone();
    let waits = scene.redeem(CONTOSO, &code, &[]);
    let lets_go = async {
        while rows(&scene).await["faults"][0]["waiting"] != 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        scene.lab("/lab/faults/release", json!({ "id": id })).await;
    };
    let (answer, ()) =
        tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(waits, lets_go) }).await.unwrap();
    assert_eq!(answer.status(), 200);
    // A reset lets everybody go as well.
    scene.lab("/lab/faults/add", json!({ "host": "login", "kind": "hold" })).await;
    scene.lab("/lab/reset", json!({})).await;
    assert_eq!(rows(&scene).await, json!({ "faults": [] }));
}

#[tokio::test]
async fn answers_break_off_come_late_and_come_from_a_proxy_at_either_host() {
    let scene = scene().await;
    scene.lab("/lab/faults/add", json!({ "host": "login", "kind": "cutShort", "count": 1 })).await;
    let document = scene.login("contoso.example/v2.0/.well-known/openid-configuration");
    let broken = scene.http.get(document.clone()).send().await.unwrap();
    assert_eq!(broken.status(), 200);
    let half = broken.text().await.unwrap();
    assert!(half.starts_with('{') && serde_json::from_str::<Value>(&half).is_err());
    let late = json!({ "host": "login", "kind": "delay", "delaySeconds": 0.05, "count": 1 });
    scene.lab("/lab/faults/add", late).await;
    assert_eq!(scene.http.get(document).send().await.unwrap().status(), 200);

    let proxy = json!({ "host": "graph", "kind": "status", "status": 502, "body": "<h1>Bad Gateway</h1>", "count": 1 });
    scene.lab("/lab/faults/add", proxy).await;
    scene.lab("/lab/faults/add", json!({ "host": "graph", "path": "/ME", "kind": "status", "status": 503 })).await;
    let me = async || scene.http.get(scene.running.graph.join("v1.0/me").unwrap()).send().await.unwrap();
    let first = me().await;
    assert_eq!(first.status(), 502);
    assert_eq!(first.text().await.unwrap(), "<h1>Bad Gateway</h1>");
    let second: Value = me().await.json().await.unwrap();
    assert_eq!(second["error"]["code"], "ServiceUnavailable");
    let bad = json!({ "host": "graph", "kind": "status", "status": 200 });
    let bad = scene.http.post(scene.running.lab.join("/lab/faults/add").unwrap()).json(&bad).send().await.unwrap();
    assert_eq!(bad.status(), 400);
}
