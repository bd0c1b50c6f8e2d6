//! What stands before MCP: names, origins, tenants, where a token may be.

use serde_json::json;

use crate::scene::{ALICE, Scene, read};

#[tokio::test]
async fn a_foreign_name_and_a_foreign_page_are_turned_away() {
    let scene = Scene::start().await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let answer = scene.post(&scene.alice(), &[("host", "evil.example")], &body).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (421, Some("misdirected_request")));
    for origin in ["https://evil.example", "null", "http://localhost"] {
        let answer = scene.post(&scene.alice(), &[("origin", origin)], &body).await;
        assert_eq!(answer.status, 403, "{origin}");
    }
}

#[tokio::test]
async fn a_page_that_the_operator_names_may_call() {
    let scene = Scene::with(|config| config.server.allowed_origins = vec!["https://app.example".into()]).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let answer = scene.post(&scene.alice(), &[("origin", "https://app.example")], &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(scene.post(&scene.alice(), &[("origin", "https://app.example.evil.example")], &body).await.status, 403);
}

#[tokio::test]
async fn a_token_in_the_address_is_no_token() {
    let scene = Scene::start().await;
    let mut url = scene.running.mcp.clone();
    url.query_pairs_mut().append_pair("access_token", &scene.alice());
    let answer = scene.http.post(url).json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })).send().await;
    assert_eq!(read(answer.unwrap()).await.status, 401);
}

#[tokio::test]
async fn two_tokens_are_one_too_many() {
    let scene = Scene::start().await;
    let bearer = format!("Bearer {}", scene.alice());
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let request = scene.http.post(scene.running.mcp.clone()).header("authorization", &bearer);
    let answer = read(request.header("authorization", &bearer).json(&body).send().await.unwrap()).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (400, Some("invalid_request")));
    assert!(answer.challenge().contains("error=\"invalid_request\""), "{}", answer.challenge());
}

#[tokio::test]
async fn what_a_switched_off_tool_finds_is_not_read_either() {
    let off = ["chat_message_search", "sharepoint_search"].map(str::to_owned);
    let scene = Scene::with(|config| config.admission.disabled_tools = off.into_iter().collect()).await;
    let token = scene.alice();
    let read = async |uri: &str| scene.call(&token, "read_resource", json!({ "uri": uri })).await.json();
    let code = |answer: &serde_json::Value| answer["result"]["structuredContent"]["error"]["code"].clone();
    assert_eq!(code(&read("teams:///chats/19%3Aa/messages/1").await), "TOOL_DISABLED");
    // One of the two tools that find files is still on.
    assert_ne!(code(&read("file:///b/c").await), "TOOL_DISABLED");
}

#[tokio::test]
async fn a_tenant_that_nobody_enabled_sees_no_tool() {
    let scene = Scene::start().await;
    let token = scene.token("cccccccc-0365-4c11-a0ff-00000000000c", ALICE);
    let answer = scene.earlier_era(&token, "tools/list", json!({})).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (403, Some("tenant_not_enabled")));
}

#[tokio::test]
async fn a_tool_that_is_off_is_neither_listed_nor_called() {
    let scene = Scene::with(|config| config.admission.disabled_tools = vec!["outlook_email_search".into()]).await;
    let listed = scene.earlier_era(&scene.alice(), "tools/list", json!({})).await.result();
    let names: Vec<_> = listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["chat_message_search", "get_me", "read_resource"]);
    assert_eq!(scene.tool("outlook_email_search", json!({})).await.code(), "TOOL_DISABLED");
    assert!(scene.stub.asked().is_empty());
    let me = scene.tool("get_me", json!({})).await.result();
    assert_eq!(me["structuredContent"]["disabledTools"], json!(["outlook_email_search"]));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let scene = Scene::with(|config| config.server.max_body_bytes = 2000).await;
    let answer = scene.tool("outlook_email_search", json!({ "query": "x".repeat(3000) })).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (413, Some("body_too_large")));
    for _ in 0..5 {
        let answer = scene.tool("outlook_email_search", json!({ "query": "x".repeat(5 * 1024 * 1024) })).await;
        assert_eq!(answer.status, 413);
    }
}

#[tokio::test]
async fn a_body_that_is_no_message_is_told_what_it_is() {
    let scene = Scene::start().await;
    let alice = scene.alice();
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for (body, kind, status, code) in [
        ("{", "application/json", 400, json!(-32700)),
        ("", "application/json", 400, json!(-32700)),
        (deep.as_str(), "application/json", 400, json!(-32700)),
        ("[]", "application/json", 400, json!(-32600)),
        ("{}", "application/json; charset=utf-8", 400, json!(-32600)),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#,
            "application/json",
            400,
            json!(-32700),
        ),
        ("{}", "text/plain", 415, json!("unsupported_media_type")),
    ] {
        let request = scene.http.post(scene.running.mcp.clone()).bearer_auth(&alice).header("content-type", kind);
        let request = request.header("accept", "application/json, text/event-stream").body(body.to_owned());
        let answer = read(request.send().await.unwrap()).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &code), "{kind} {body:.40}");
    }
    let nowhere = scene.http.get(scene.running.mcp.join("/nowhere").unwrap()).send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
}

#[tokio::test]
async fn there_are_no_sessions_and_no_streams() {
    let scene = Scene::start().await;
    let alice = scene.alice();
    let initialize = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
    });
    let answer = scene.earlier_era(&alice, "initialize", initialize).await;
    assert_eq!(answer.result()["protocolVersion"], "2025-11-25");
    assert!(answer.headers.get("mcp-session-id").is_none());
    let get = scene.http.get(scene.running.mcp.clone()).bearer_auth(&alice).header("accept", "text/event-stream");
    assert_eq!(read(get.send().await.unwrap()).await.status, 405);
    // Whoever names one is told that there is none, whatever they ask, and after they have said who they are.
    for method in [http::Method::GET, http::Method::POST, http::Method::DELETE] {
        let named = scene.http.request(method.clone(), scene.running.mcp.clone()).header("mcp-session-id", "s1");
        let nobody = named.try_clone().unwrap();
        let answer = read(named.bearer_auth(&alice).send().await.unwrap()).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &json!("unknown_session")), "{method}");
        assert_eq!(read(nobody.send().await.unwrap()).await.status, 401, "{method}");
    }
}

#[tokio::test]
async fn heads_and_arguments_have_bounds() {
    let scene = Scene::start().await;
    let alice = scene.alice();
    let large = scene.http.get(scene.running.mcp.clone()).header("x-large", "x".repeat(150_000));
    assert_eq!(read(large.send().await.unwrap()).await.status, 431);
    let long = scene.call(&alice, "outlook_email_search", json!({ "query": "x".repeat(20_000) })).await.result();
    assert_eq!(long["structuredContent"]["error"]["code"], "INVALID_ARGUMENT");
    assert_eq!(long["structuredContent"]["error"]["parameters"], json!(["query"]));
}

#[tokio::test]
async fn a_newer_client_discovers_the_server() {
    let scene = Scene::start().await;
    let result = scene.current_era(&scene.alice(), "server/discover", json!({})).await.result();
    assert_eq!(result["supportedVersions"], json!(["2025-11-25", "2026-07-28"]));
}
