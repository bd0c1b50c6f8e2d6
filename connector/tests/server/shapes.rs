//! The bytes that clients rely on.

use serde_json::{Value, json};

use crate::scene::{Scene, read};

/// Ports are the only thing that differs from run to run.
fn normalised(scene: &Scene, text: &str) -> String {
    let port = |url: &url::Url| format!(":{}", url.port().unwrap());
    text.replace(&port(&scene.running.mcp), ":MCP").replace(&port(&scene.stub.login), ":LOGIN")
}

#[tokio::test]
async fn the_list_of_tools() {
    let scene = Scene::start().await;
    let new = scene.current_era(&scene.alice(), "tools/list", json!({})).await.result();
    assert_eq!((&new["cacheScope"], &new["nextCursor"]), (&json!("private"), &Value::Null));
    let old = scene.earlier_era(&scene.alice(), "tools/list", json!({})).await.result();
    assert_eq!(new["tools"], old["tools"]);
    for tool in new["tools"].as_array().unwrap() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{}", tool["name"]);
        assert_eq!(tool["outputSchema"]["type"], "object");
        // Formats that JSON Schema does not know make the TypeScript SDK warn, at every call.
        let schemas = format!("{}{}", tool["inputSchema"], tool["outputSchema"]);
        assert!(!schemas.contains(r#""format":""#), "{}", tool["name"]);
    }
    insta::assert_json_snapshot!("tools_list", new);
}

#[tokio::test]
async fn the_resources_metadata() {
    let scene = Scene::start().await;
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"] {
        let answer = read(scene.http.get(scene.running.mcp.join(path).unwrap()).send().await.unwrap()).await;
        assert_eq!(answer.status, 200);
        let document: Value = serde_json::from_str(&normalised(&scene, &answer.text)).unwrap();
        insta::assert_json_snapshot!("protected_resource_metadata", document);
    }
}

#[tokio::test]
async fn the_challenges() {
    let scene = Scene::start().await;
    let none = scene.earlier_era("", "tools/list", json!({})).await;
    let bad = scene.earlier_era("a.b.c", "tools/list", json!({})).await;
    assert_eq!((none.status, bad.status), (401, 401));
    insta::assert_snapshot!("challenge_no_token", normalised(&scene, &none.challenge()));
    insta::assert_snapshot!("challenge_bad_token", normalised(&scene, &bad.challenge()));
}

#[tokio::test]
async fn a_refusal() {
    let scene = Scene::start().await;
    scene.stub.revoke("Mail.Read");
    let refused = scene.tool("outlook_email_search", json!({ "query": "budget" })).await.result();
    insta::assert_json_snapshot!("refusal", refused);
}
