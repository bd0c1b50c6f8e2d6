//! Which scope opens which row, and what writes get.

use serde_json::json;

use crate::scene::Scene;

const PATHS: [&str; 12] = [
    "/me",
    "/users",
    "/users/bob@contoso.example",
    "/me/messages",
    "/me/messages/{id}",
    "/me/messages/{id}/$value",
    "/me/messages/{id}/attachments",
    "/me/mailFolders",
    "/me/mailFolders/inbox",
    "/me/mailFolders/inbox/childFolders",
    "/me/mailFolders/inbox/messages",
    "/me/mailFolders/inbox/messages/{id}",
];

#[tokio::test]
async fn rows_open_with_their_scopes_alone() {
    let scene = Scene::new().await;
    let id = scene.message(fixtures::cast::BUDGET);
    let mut opened = std::collections::BTreeMap::new();
    for scope in [
        "User.Read",
        "User.ReadBasic.All",
        "User.Read.All",
        "Mail.ReadBasic",
        "Mail.Read",
        "Mail.ReadWrite",
        "Mail.Read.Shared",
        "Calendars.Read",
        "Mail.ReadWrit",
    ] {
        let alice = scene.caller(fixtures::cast::ALICE, scope);
        let mut paths = Vec::new();
        for path in PATHS {
            let reply = alice.get(&path.replace("{id}", &id)).await;
            match reply.status {
                200 => paths.push(path),
                403 => {}
                status => panic!("{scope} {path}: {status}"),
            }
        }
        opened.insert(scope, paths);
    }
    insta::assert_json_snapshot!("scopes", opened);
}

#[tokio::test]
async fn the_basic_scope_shows_no_bodies() {
    let scene = Scene::new().await;
    let id = scene.message(fixtures::cast::BUDGET);
    let canary = scene.plan.message(fixtures::cast::BUDGET).unwrap().1.canary.clone().unwrap();
    let alice = scene.caller(fixtures::cast::ALICE, "Mail.ReadBasic");
    for path in [
        format!("/me/messages/{id}"),
        format!("/me/messages/{id}?$select=subject,body,bodyPreview,uniqueBody"),
        "/me/messages?$top=100".to_owned(),
        "/me/messages?$search=\"budget\"".to_owned(),
    ] {
        let reply = alice.get(&path).await;
        assert_eq!(reply.status, 200, "{path}");
        let text = String::from_utf8(reply.bytes).unwrap();
        let has_body = ["body", "bodyPreview", "uniqueBody"].iter().any(|name| text.contains(&format!("\"{name}\":")));
        assert!(!text.contains(&canary) && !has_body, "{path}: {text}");
    }
    // Nor can a filter or a search find out what stands in them.
    assert!(alice.get(&format!("/me/messages?$search=\"{canary}\"")).await.values().is_empty());
    assert!(alice.get(&format!("/me/messages?$filter=contains(body/content,'{canary}')")).await.values().is_empty());
    assert!(alice.get(&format!("/me/messages?$filter=contains(bodyPreview,'{canary}')")).await.values().is_empty());
    assert_eq!(alice.get(&format!("/me/messages/{id}?$expand=attachments")).await.code(), "403 ErrorAccessDenied");
    let reader = scene.caller(fixtures::cast::ALICE, "Mail.Read");
    assert_eq!(reader.get(&format!("/me/messages?$search=\"{canary}\"")).await.values().len(), 1);
    assert_eq!(reader.get(&format!("/me/messages?$filter=contains(body/content,'{canary}')")).await.values().len(), 1);
}

#[tokio::test]
async fn writes_are_refused_as_without_the_scope_and_written_down() {
    let scene = Scene::new().await;
    let id = scene.message(fixtures::cast::BUDGET);
    let alice = scene.caller(fixtures::cast::ALICE, "Mail.Read");
    let before = scene.running.state().world().content_fingerprint();
    let mut answers = std::collections::BTreeMap::new();
    for (method, path) in [
        ("POST", "/me/sendMail".to_owned()),
        ("POST", "/me/messages".to_owned()),
        ("PATCH", format!("/me/messages/{id}")),
        ("DELETE", format!("/me/messages/{id}")),
        ("POST", format!("/me/messages/{id}/move")),
        ("POST", "/me/mailFolders".to_owned()),
        ("PATCH", "/me/mailboxSettings".to_owned()),
        ("POST", "/me/events".to_owned()),
        ("PUT", "/me/drive/root:/x.txt:/content".to_owned()),
        ("POST", "/chats/19:x@thread.v2/messages".to_owned()),
        ("PATCH", "/me".to_owned()),
        ("POST", "/groups".to_owned()),
        ("POST", "/frobnicate".to_owned()),
    ] {
        let reply = alice.send(method, &path, &json!({})).await;
        answers.insert(format!("{method} {}", path.replace(&id, "{id}")), reply.code());
    }
    insta::assert_json_snapshot!("writes", answers);
    let rows = scene.running.state().journal.audit_since(0);
    assert_eq!(rows.iter().filter(|row| row.kind == "graph-write").count(), answers.len());
    assert_eq!(scene.running.state().world().content_fingerprint(), before);
}
