//! Resources by address: the tool's rules under another method, and no way out of the closed list of reads.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::scene::{Scene, message};

#[tokio::test]
async fn what_is_offered_and_read_in_both_eras() {
    let scene = Scene::start().await;
    scene.stub.set_messages(vec![message("AAMk.1", "Hello", "2026-01-11T08:00:00Z")]);
    let alice = scene.alice();
    let new = scene.current_era(&alice, "resources/templates/list", json!({})).await.result();
    assert_eq!(new["cacheScope"], "private");
    insta::assert_json_snapshot!("resource_templates", new["resourceTemplates"]);
    let listed = scene.current_era(&alice, "resources/list", json!({})).await.result();
    assert_eq!(listed["resources"][0]["uri"], "mail:///folders/");
    for read in [
        scene.resource(&alice, "mail:///messages/AAMk%2E1").await,
        scene.earlier_era(&alice, "resources/read", json!({ "uri": "mail:///messages/AAMk.1" })).await,
    ] {
        let content = read.result()["contents"][0].clone();
        assert_eq!(content["uri"], "mail:///messages/AAMk.1");
        assert!(content["text"].as_str().unwrap().contains("Hello **larkspur**"), "{content}");
    }
}

#[tokio::test]
async fn a_resource_is_read_under_the_tools_rules() {
    let scene = Scene::with(|config| config.admission.disabled_tools = vec!["read_resource".into()]).await;
    let alice = scene.alice();
    let refused = scene.resource(&alice, "mail:///messages/a").await.json();
    assert_eq!(refused["error"]["data"]["error"]["code"], "TOOL_DISABLED");
    assert_eq!(scene.current_era(&alice, "resources/list", json!({})).await.result()["resources"], json!([]));

    let scene = Scene::start().await;
    let alice = scene.alice();
    let told = |answer: crate::scene::Answer| {
        let error = answer.json()["error"].clone();
        (error["code"].clone(), error["data"]["error"]["code"].clone())
    };
    let read = async |uri: &str| told(scene.resource(&alice, uri).await);
    assert_eq!(read("mail:///messages/unknown").await, (json!(-32602), json!("NOT_FOUND")));
    let missing = scene.resource(&alice, "mail:///messages/unknown").await.json();
    assert_eq!(missing["error"]["data"]["uri"], "mail:///messages/unknown");
    assert_eq!(read("meeting-transcript:///events/a").await, (json!(-32602), json!("UNSUPPORTED_TYPE")));
    assert_eq!(read("mail:///messages/..").await, (json!(-32602), json!("INVALID_URI")));
    scene.stub.revoke("Mail.Read");
    scene.clock.advance(60);
    assert_eq!(read("mail:///messages/a").await, (json!(-32603), json!("CONSENT_REQUIRED")));
    let old = scene.earlier_era(&alice, "resources/read", json!({ "uri": "mail:///messages/.." })).await;
    assert_eq!(told(old), (json!(-32602), json!("INVALID_URI")));
    scene.stub.refuse_exchange(400, json!({ "error": "invalid_grant", "error_codes": [50173] }));
    assert_eq!(
        scene.resource(&alice, "mail:///messages/a").await.status,
        401,
        "a sign-in that is over is told on HTTP"
    );
}

/// The paths that may be asked of Graph, written here a second time: `{}` is one segment.
const ALLOWED: &[&str] = &[
    "mailFolders",
    "mailFolders/{}",
    "mailFolders/{}/childFolders",
    "mailFolders/{}/messages",
    "messages/{}",
    "messages/{}/attachments",
    "messages/{}/attachments/{}",
];

fn allowed(path: &str) -> bool {
    let segments: Vec<_> = path.split('/').collect();
    let rest = match segments.as_slice() {
        ["", "v1.0", "me", rest @ ..] => rest,
        ["", "v1.0", "users", owner, rest @ ..] if owner.contains("%40") => rest,
        _ => return false,
    };
    let fits = |pattern: &&str| {
        let pattern: Vec<_> = pattern.split('/').collect();
        pattern.len() == rest.len()
            && pattern.iter().zip(rest).all(|(known, is)| known == is || (*known == "{}" && !is.is_empty()))
    };
    ALLOWED.iter().any(fits) && !path.contains("/../") && !path.contains("//")
}

fn texts() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        Just("messages"),
        Just("folders"),
        Just("attachments"),
        Just(".."),
        Just("."),
        Just("%2e%2e"),
        Just("%2F"),
        Just("/"),
        Just("%252F"),
        Just("\\"),
        Just("%5c"),
        Just("?"),
        Just("?owner="),
        Just("a@b"),
        Just("a%40b"),
        Just("#"),
        Just("%00"),
        Just("@"),
        Just("&"),
        Just("$value"),
        Just("microsoft.graph.forward"),
        Just("AAMk="),
        Just(":"),
        Just("ü"),
        Just(";"),
        Just("sendMail"),
        Just("%3F"),
        Just("*"),
        Just("users"),
    ];
    let scheme =
        prop_oneof![Just("mail:///"), Just("mail:///messages/"), Just("mail:///folders/"), Just("mail://"), Just("")];
    (scheme, proptest::collection::vec(bit, 0..6)).prop_map(|(scheme, bits)| format!("{scheme}{}", bits.concat()))
}

#[tokio::test]
async fn no_address_leads_out_of_the_closed_list() {
    let scene = Scene::with(|config| config.limits.calls_per_minute = 0).await;
    let alice = scene.alice();
    let mut runner = TestRunner::deterministic();
    let mut read = 0;
    for round in 0..40 {
        let uris: Vec<String> = (0..20).map(|_| texts().new_tree(&mut runner).unwrap().current()).collect();
        let result = scene.call(&alice, "read_resource", json!({ "uris": uris })).await.result();
        let results = result["structuredContent"]["results"].as_array().unwrap().clone();
        read += results.iter().filter(|result| result["error"]["code"] != "INVALID_URI").count();
        for asked in scene.stub.asked() {
            assert!(asked.method == "GET" && allowed(&asked.path), "round {round}: {asked:?} of {uris:?}");
        }
    }
    assert!(read > 50, "only {read} were addresses at all");
    let mut paths: Vec<Value> = scene.stub.asked().into_iter().map(|asked| asked.path.into()).collect();
    paths.sort_by_key(Value::to_string);
    paths.dedup();
    assert!(paths.len() > 20, "{paths:?}");
}
