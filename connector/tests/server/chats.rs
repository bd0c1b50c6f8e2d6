//! What was said in Teams, through the tools.

use serde_json::{Value, json};

use crate::scene::Scene;

const CHAT: &str = "19:0bd0@thread.v2";

fn said(id: &str, by: &str, at: &str) -> Value {
    json!({ "summary": "the <c0>budget</c0> is late", "resource": {
        "id": id, "chatId": CHAT, "createdDateTime": at, "channelIdentity": {}, "subject": "",
        "from": { "emailAddress": { "name": by, "address": format!("{by}@contoso.example") } },
    } })
}

fn in_channel(id: &str) -> Value {
    let mut hit = said(id, "dave", "2026-01-09T08:00:00Z");
    hit["resource"]["chatId"] = Value::Null;
    hit["resource"]["channelIdentity"] = json!({ "teamId": "t", "channelId": "19:c@thread.tacv2" });
    hit
}

fn page(hits: &[Value], more: bool) -> Value {
    json!({ "value": [{ "hitsContainers": [{ "hits": hits, "moreResultsAvailable": more }] }] })
}

fn ids(result: &Value) -> Vec<&str> {
    result["structuredContent"]["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_search_is_one_post_and_filters_are_exact() {
    let scene = Scene::start().await;
    let hits = [
        said("1", "bob", "2026-01-09T07:59:59Z"),
        said("2", "bob", "2026-01-09T08:00:00Z"),
        said("3", "carol", "2026-01-09T08:00:00Z"),
        said("4", "bob", "2026-01-10T12:00:00Z"),
        said("5", "bob", "2026-01-10T12:00:01Z"),
    ];
    scene.stub.script(200, vec![], page(&hits, false));
    let arguments = json!({ "query": "a OR \"b\"", "sender": "Bob", "afterDateTime": "2026-01-09T08:00:00Z", "beforeDateTime": "2026-01-10T12:00:00Z" });
    let result = scene.tool("chat_message_search", arguments).await.result();
    assert_eq!(ids(&result), ["2", "4"]);
    let item = &result["structuredContent"]["items"][0];
    assert_eq!(item["uri"], "teams:///chats/19%3A0bd0%40thread.v2/messages/2");
    assert_eq!((&item["summary"], &item["chatType"]), (&json!("the budget is late"), &json!("group")));
    let asked = scene.stub.asked();
    assert_eq!((asked.len(), asked[0].method.as_str(), asked[0].path.as_str()), (1, "POST", "/v1.0/search/query"));
    let request = &asked[0].body["requests"][0];
    assert_eq!(request["entityTypes"], json!(["chatMessage"]));
    assert_eq!(request["query"]["queryString"], "(a OR \"b\") sent>=2026-01-09 sent<2026-01-11");
    assert!(scene.stub.exchanges()[0].1["scope"].ends_with("/Chat.Read"));
}

#[tokio::test]
async fn pages_follow_each_other_by_offset() {
    let scene = Scene::start().await;
    let hits: Vec<_> = ["1", "2", "3"].into_iter().map(|id| said(id, "bob", "2026-01-09T08:00:00Z")).collect();
    scene.stub.script(200, vec![], page(&hits, false));
    let first = scene.tool("chat_message_search", json!({ "query": "*", "limit": 2 })).await.result();
    assert_eq!(ids(&first), ["1", "2"]);
    assert_eq!(first["structuredContent"]["page"]["nextOffset"], 2);
    scene.stub.script(200, vec![], page(&hits[2..], false));
    let second = scene.tool("chat_message_search", json!({ "query": "*", "limit": 2, "offset": 2 })).await.result();
    assert_eq!(ids(&second), ["3"]);
    assert_eq!(second["structuredContent"]["page"]["moreResults"], false);
    assert_eq!(scene.stub.asked()[1].body["requests"][0]["from"], 2);
}

#[tokio::test]
async fn channels_are_searched_when_asked_for_and_need_both_permissions() {
    let scene = Scene::start().await;
    let both = json!({ "query": "budget", "includeChannels": true });
    scene.stub.script(200, vec![], page(&[in_channel("1")], false));
    let without = scene.tool("chat_message_search", json!({ "query": "budget" })).await.result();
    assert!(ids(&without).is_empty());
    let notes = without["structuredContent"]["notes"].to_string();
    assert!(notes.contains("CHANNELS_NOT_SEARCHED") && notes.contains("NOTHING_FOUND"), "{notes}");
    scene.stub.script(200, vec![], page(&[in_channel("1")], false));
    let with = scene.tool("chat_message_search", both.clone()).await.result();
    let uri = with["structuredContent"]["items"][0]["uri"].as_str().unwrap();
    assert_eq!(uri, "teams:///teams/t/channels/19%3Ac%40thread.tacv2/messages/1");

    let scene = Scene::start().await;
    scene.stub.revoke("Chat.Read");
    for (tool, arguments) in [
        ("chat_message_search", both),
        ("chat_message_search", json!({ "query": "budget" })),
        ("read_resource", json!({ "uri": uri })),
        ("read_resource", json!({ "uri": "teams:///chats/a/messages/b" })),
    ] {
        let refused = scene.tool(tool, arguments).await;
        assert_eq!(refused.code(), "CONSENT_REQUIRED");
        assert!(refused.text.contains("Chat.Read") && refused.text.contains("tenant admin"), "{}", refused.text);
    }
    scene.tool("outlook_email_search", json!({})).await.result();
    assert!(scene.stub.asked().iter().all(|asked| asked.path.ends_with("/me/messages")), "Graph heard of no chat");
}

#[tokio::test]
async fn a_message_is_read_and_others_chats_are_told_like_unknown_ones() {
    let scene = Scene::start().await;
    let body = json!({ "contentType": "html", "content": "<p>Hello <b>larkspur</b></p>" });
    let message = json!({ "id": "1", "from": { "user": { "displayName": "Bob" } }, "body": body, "attachments": [] });
    scene.stub.script(200, vec![], message);
    let uri = json!({ "uri": "teams:///chats/19%3A0bd0%40thread.v2/messages/1" });
    let read = scene.tool("read_resource", uri.clone()).await.result()["structuredContent"].clone();
    assert_eq!((&read["kind"], &read["metadata"]["from"]), (&json!("chatMessage"), &json!("Bob")));
    assert!(read["content"].as_str().unwrap().contains("larkspur"), "{read}");
    assert_eq!(scene.stub.asked()[0].path, "/v1.0/chats/19%3A0bd0%40thread%2Ev2/messages/1".replace("%2E", "."));
    let mut told = Vec::new();
    for (status, code) in [(403, "Forbidden"), (404, "NotFound"), (400, "BadRequest")] {
        scene.stub.script(status, vec![("request-id", status.to_string())], json!({ "error": { "code": code } }));
        told.push(scene.tool("read_resource", uri.clone()).await);
    }
    assert_eq!(told[0].code(), "NOT_FOUND");
    assert!(told.iter().all(|answer| answer.text == told[0].text), "{told:?}");
}

#[tokio::test]
async fn a_chat_a_channel_and_a_thread_are_listed_and_a_reply_is_that_reply() {
    let scene = Scene::start().await;
    let message = |id: &str, by: Value, text: &str| json!({ "id": id, "createdDateTime": "2026-01-09T08:00:00Z", "from": by, "body": { "contentType": "text", "content": text } });
    let bob = json!({ "user": { "displayName": "Bob" } });
    scene.stub.script(200, vec![], json!({ "id": CHAT, "topic": "Budget", "chatType": "group" }));
    let page = [message("2", bob.clone(), &"x".repeat(501)), message("1", Value::Null, "Bob joined")];
    scene.stub.script(
        200,
        vec![],
        json!({ "value": page, "@odata.nextLink": "https://graph.microsoft.com/v1.0/more" }),
    );
    let uri = "teams:///chats/19%3A0bd0%40thread.v2/messages";
    let chat = scene.tool("read_resource", json!({ "uri": uri })).await.result()["structuredContent"].clone();
    assert_eq!((&chat["kind"], &chat["title"], &chat["uri"]), (&json!("conversation"), &json!("Budget"), &json!(uri)));
    let listed = &chat["metadata"]["messages"];
    assert_eq!(listed[0]["uri"], format!("{uri}/2"));
    assert_eq!(
        (&listed[0]["isWhole"], &listed[1]["isWhole"], &listed[1]["from"]),
        (&json!(false), &json!(true), &Value::Null)
    );
    assert!(chat["notes"].to_string().contains("MORE_IN_CONVERSATION"), "{chat}");
    let asked: Vec<_> = scene.stub.asked().iter().map(|asked| asked.path.clone()).collect();
    assert_eq!(asked, ["/v1.0/chats/19%3A0bd0%40thread.v2", "/v1.0/chats/19%3A0bd0%40thread.v2/messages"]);

    let channel = "teams:///teams/t/channels/c/messages";
    for (uri, path) in [
        (channel.to_owned(), "/v1.0/teams/t/channels/c/messages"),
        (format!("{channel}/1/replies"), "/v1.0/teams/t/channels/c/messages/1/replies"),
    ] {
        scene.stub.script(200, vec![], json!({ "value": [message("7", bob.clone(), "hello")] }));
        let read = scene.tool("read_resource", json!({ "uri": uri })).await.result()["structuredContent"].clone();
        assert_eq!(read["metadata"]["messages"][0]["uri"], format!("{uri}/7"));
        assert_eq!(scene.stub.asked().last().unwrap().path, path);
    }
    let reply = format!("{channel}/1/replies/7");
    scene.stub.script(200, vec![], message("7", bob, "hello"));
    let read = scene.tool("read_resource", json!({ "uri": reply })).await.result()["structuredContent"].clone();
    assert_eq!((&read["kind"], &read["content"]), (&json!("chatMessage"), &json!("hello")));
    assert_eq!(scene.stub.asked().last().unwrap().path, "/v1.0/teams/t/channels/c/messages/1/replies/7");
}

#[tokio::test]
async fn a_throttled_walk_gives_what_it_has() {
    let scene = Scene::start().await;
    scene.stub.script(200, vec![], page(&[said("1", "bob", "2026-01-09T08:00:00Z")], true));
    scene.stub.script(429, vec![("retry-after", "62".into())], json!({ "error": { "code": "TooManyRequests" } }));
    let result = scene.tool("chat_message_search", json!({ "query": "budget" })).await.result();
    assert_eq!(ids(&result), ["1"]);
    assert_eq!(result["structuredContent"]["partial"], true);
    assert_eq!(result["structuredContent"]["page"]["nextOffset"], 1);
    assert!(result["structuredContent"]["notes"].to_string().contains("PARTIAL_THROTTLED"));
}

#[tokio::test]
async fn arguments_that_cannot_be_are_refused_before_graph() {
    let scene = Scene::start().await;
    for (arguments, code) in [
        (json!({}), "INVALID_ARGUMENT"),
        (json!({ "query": " " }), "INVALID_ARGUMENT"),
        (json!({ "query": "x", "limit": 0 }), "INVALID_ARGUMENT"),
        (json!({ "query": "x", "offset": 1001 }), "INVALID_ARGUMENT"),
        (json!({ "query": "x", "sender": "" }), "INVALID_ARGUMENT"),
        (json!({ "query": "x", "afterDateTime": "soon" }), "INVALID_DATE"),
        (json!({ "query": "x", "size": 500 }), "INVALID_ARGUMENT"),
    ] {
        assert_eq!(scene.tool("chat_message_search", arguments.clone()).await.code(), code, "{arguments}");
    }
    assert!(scene.stub.asked().is_empty() && scene.stub.exchanges().is_empty());
}
