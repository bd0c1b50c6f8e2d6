//! `$batch`: one request, many rights.

use serde_json::json;

use crate::scene::Scene;

#[tokio::test]
async fn each_item_stands_for_itself() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read Mail.Read");
    let id = scene.message(fixtures::cast::BUDGET);
    let reply = alice
        .send("POST", "/$batch", &json!({ "requests": [
            { "id": "1", "method": "GET", "url": "/me?$select=displayName", "depends_on": [] },
            { "id": "2", "method": "GET", "url": "users/bob@contoso.example" },
            { "id": "3", "method": "GET", "url": format!("/me/messages/{id}/$value") },
            { "id": "4", "method": "GET", "url": "/me", "dependsOn": ["2"] },
            { "id": "5", "method": "POST", "url": "/me/sendMail", "body": {}, "headers": { "Content-Type": "application/json" } },
            { "id": "6", "method": "POST", "url": "/$batch", "body": { "requests": [] }, "headers": { "Content-Type": "application/json" } },
            { "id": "7", "method": "GET", "url": "/me/mailFolders/inbox", "headers": { "Authorization": "Bearer stolen" } },
        ] }))
        .await;
    assert_eq!(reply.status, 200);
    let answers = reply.json()["responses"].as_array().unwrap().clone();
    let statuses: Vec<_> =
        answers.iter().map(|answer| (answer["id"].as_str().unwrap(), answer["status"].as_u64().unwrap())).collect();
    assert_eq!(statuses, [("1", 200), ("2", 403), ("3", 200), ("4", 424), ("5", 403), ("6", 400), ("7", 200)]);
    assert_eq!(answers[0]["body"]["displayName"], "Alice Hansen");
    assert_eq!(answers[1]["body"]["error"]["code"], "Authorization_RequestDenied");
    assert!(answers[2]["body"].as_str().unwrap().len() > 1000, "bytes come as base64");
    let rows = scene.running.state().journal.audit_since(0);
    let written: Vec<_> = rows.iter().map(|row| (row.kind, row.operation.as_str(), row.status)).collect();
    assert!(written.contains(&("graph-write", "POST /me/sendMail", 403)), "{written:?}");
    assert_eq!(written.len(), 7, "six items that ran and the batch itself: {written:?}");
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_whole() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read");
    let item = |id: &str| json!({ "id": id, "method": "GET", "url": "/me" });
    let many: Vec<_> = (0..21).map(|at| item(&at.to_string())).collect();
    for body in [
        json!({ "requests": many }),
        json!({ "requests": [item("a"), item("A")] }),
        json!({ "requests": [{ "id": "1", "method": "GET", "url": "/me", "dependsOn": ["9"] }] }),
        json!({ "requests": "none" }),
        json!([]),
    ] {
        assert_eq!(alice.send("POST", "/$batch", &body).await.code(), "400 BadRequest");
    }
}

#[tokio::test]
async fn items_wait_for_those_they_depend_on() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read");
    let reply = alice
        .send(
            "POST",
            "/$batch",
            &json!({ "requests": [
            { "id": "last", "method": "GET", "url": "/me", "dependsOn": ["Middle"] },
            { "id": "middle", "method": "GET", "url": "/me", "dependsOn": ["first"] },
            { "id": "first", "method": "GET", "url": "/me/messages" },
        ] }),
        )
        .await;
    let answers = reply.json()["responses"].as_array().unwrap().clone();
    let statuses: Vec<_> = answers.iter().map(|answer| (answer["id"].as_str().unwrap(), &answer["status"])).collect();
    assert_eq!(statuses, [("first", &json!(403)), ("middle", &json!(424)), ("last", &json!(424))]);
    for body in [
        json!({ "requests": [
            { "id": "1", "method": "GET", "url": "/me", "dependsOn": ["2"] },
            { "id": "2", "method": "GET", "url": "/me", "dependsOn": ["1"] },
        ] }),
        json!({ "requests": [{ "id": "1", "method": "GET", "url": "/me", "dependsOn": ["1"] }] }),
        json!({ "requests": [{ "id": "1", "method": "POST", "url": "/me/messages", "body": { "subject": "x" } }] }),
    ] {
        assert_eq!(alice.send("POST", "/$batch", &body).await.code(), "400 BadRequest");
    }
}

#[tokio::test]
async fn an_item_is_throttled_by_itself() {
    let throttle = Some(emulator::throttle::Throttle { requests: 2, seconds: 60 });
    let scene = Scene::with(emulator::Options { throttle, ..emulator::Options::default() }).await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read Mail.Read");
    let item = |id: &str, url: &str| json!({ "id": id, "method": "GET", "url": url });
    let items = [item("1", "/me"), item("2", "/me"), item("3", "/me"), item("4", "/me/messages")];
    let reply = alice.send("POST", "/$batch", &json!({ "requests": items })).await;
    assert_eq!(reply.status, 200);
    let answers = reply.json()["responses"].as_array().unwrap().clone();
    let statuses: Vec<_> = answers.iter().map(|answer| answer["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 200, 429, 429]);
    assert_eq!(answers[2]["headers"]["retry-after"], "60");
    assert_eq!(answers[2]["body"]["error"]["code"], "Request_ThrottledTemporarily");
    assert_eq!(answers[3]["body"]["error"]["code"], "ApplicationThrottled");
}

#[tokio::test]
async fn whole_addresses_of_this_service_are_taken_and_no_others() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read Mail.Read");
    let root = format!("{}/v1.0", scene.running.graph.as_str().trim_end_matches('/'));
    let items = [
        format!("{root}/me/messages?$top=1"),
        format!("{root}evil/me"),
        "https://elsewhere.example/v1.0/me".to_owned(),
    ];
    let requests: Vec<_> =
        (0..).zip(&items).map(|(id, url)| json!({ "id": id.to_string(), "method": "GET", "url": url })).collect();
    let reply = alice.send("POST", "/$batch", &json!({ "requests": requests })).await.json();
    let statuses: Vec<_> =
        reply["responses"].as_array().unwrap().iter().map(|answer| answer["status"].clone()).collect();
    assert_eq!(statuses, [200, 400, 400]);
}
