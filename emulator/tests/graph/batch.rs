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
