//! The bytes of answers: property by property, in the order in which they stand.

use serde_json::{Value, json};

use crate::scene::{ALL, Scene};

/// Replaces what changes with the port, after checking that it is there.
fn settled(reply: &crate::scene::Reply, scene: &Scene) -> Value {
    let origin = scene.running.graph.as_str().trim_end_matches('/');
    let text = String::from_utf8(reply.bytes.clone()).unwrap();
    assert!(text.contains(origin), "no absolute address in {text}");
    serde_json::from_str(&text.replace(origin, "https://graph.example")).unwrap()
}

/// The names of an object's members, in order.
fn names(bytes: &[u8]) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Keys(#[serde(deserialize_with = "keys")] Vec<String>);
    fn keys<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Vec<String>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut names = Vec::new();
                while let Some((name, serde::de::IgnoredAny)) = map.next_entry::<String, _>()? {
                    names.push(name);
                }
                Ok(names)
            }
        }
        from.deserialize_map(Visitor)
    }
    serde_json::from_slice::<Keys>(bytes).unwrap().0
}

#[tokio::test]
async fn a_message() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let id = scene.message(fixtures::cast::BUDGET);
    let reply = alice.get_with(&format!("/me/messages/{id}"), "Prefer", "outlook.body-content-type=\"text\"").await;
    assert_eq!(reply.header("preference-applied"), "outlook.body-content-type=\"text\"");
    insta::assert_json_snapshot!("message", settled(&reply, &scene));
    insta::assert_json_snapshot!("message_order", names(&reply.bytes));
}

#[tokio::test]
async fn a_list_of_messages() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let reply = alice
        .get("/me/mailFolders('Inbox')/messages?$select=subject,from,isRead,hasAttachments&$top=3&$count=true")
        .await;
    insta::assert_json_snapshot!("message_list", settled(&reply, &scene));
}

#[tokio::test]
async fn folders() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    insta::assert_json_snapshot!("folder_list", settled(&alice.get("/me/mailFolders?$top=50").await, &scene));
    insta::assert_json_snapshot!("folder", settled(&alice.get("/me/mailFolders/inbox").await, &scene));
}

#[tokio::test]
async fn attachments() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let id = scene.message(fixtures::cast::BUDGET);
    let reply = alice.get(&format!("/me/messages/{id}/attachments")).await;
    let mut shown = settled(&reply, &scene);
    for attachment in shown["value"].as_array_mut().unwrap() {
        let bytes = attachment["contentBytes"].as_str().expect("base64").len();
        attachment["contentBytes"] = json!(format!("{bytes} characters of base64"));
    }
    insta::assert_json_snapshot!("attachment_list", shown);
}

#[tokio::test]
async fn a_person() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read");
    insta::assert_json_snapshot!("me", settled(&alice.get("/me").await, &scene));
}

#[tokio::test]
async fn every_refusal() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let nowhere = scene.message(fixtures::cast::BUDGET_MALLORY);
    let mut seen = std::collections::BTreeMap::new();
    for path in [
        "/me/messages?$filter=subject eq 'x'&$orderby=receivedDateTime",
        "/me/messages?$search=\"x\"&$filter=isRead eq true",
        "/me/messages?$search=\"x\"&$orderby=subject",
        "/me/messages?$search=\"x\"&$skip=1",
        "/me/messages?$search=from:x",
        "/me/messages?$filter=subject eq",
        "/me/messages?$filter=frobnicate eq 1",
        "/me/messages?$filter=isRead gt true",
        "/me/messages?$select=frobnicate",
        "/me/messages?$expand=frobnicate",
        "/me/messages?$top=1001",
        "/me/messages?$top=x",
        "/me/messages?$frobnicate=1",
        "/me/messages/short",
        "/me/mailFolders/frobnicate",
        "/users/nobody@contoso.example",
        "/users/nobody@contoso.example/messages",
        "/users?$count=true",
        "/me/frobnicate",
        "/frobnicate",
        "/me/events",
    ] {
        let reply = alice.get(path).await;
        seen.insert(
            path.to_owned(),
            format!("{}: {}", reply.code(), reply.json()["error"]["message"].as_str().unwrap()),
        );
    }
    let reply = alice.get(&format!("/me/messages/{nowhere}")).await;
    seen.insert(
        "a foreign id".to_owned(),
        format!("{}: {}", reply.code(), reply.json()["error"]["message"].as_str().unwrap()),
    );
    insta::assert_json_snapshot!("refusals", seen);
    let error = reply.json();
    assert_eq!(error["error"]["innerError"]["date"], "2026-01-12T09:00:00");
    assert_eq!(error["error"]["innerError"]["request-id"], reply.header("request-id"));
    assert_eq!(error["error"]["innerError"]["client-request-id"], reply.header("client-request-id"));
}
