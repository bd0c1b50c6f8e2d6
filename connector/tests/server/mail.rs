//! Mail through the tools.

use serde_json::{Value, json};

use crate::scene::{ALICE, FABRIKAM, Scene, message};

fn messages(count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| message(&format!("AAMk{n:02}="), &format!("Budget {n}"), &format!("2026-01-{:02}T08:00:00Z", 11 - n)))
        .collect()
}

fn subjects(result: &Value) -> Vec<String> {
    let items = result["structuredContent"]["items"].as_array().unwrap();
    items.iter().map(|item| item["subject"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn filters_become_a_filter_and_words_a_search() {
    let scene = Scene::start().await;
    scene.stub.set_messages(messages(2));
    let arguments = json!({ "sender": "bob@contoso.example", "afterDateTime": "last week", "unreadOnly": true, "hasAttachments": false });
    let result = scene.tool("outlook_email_search", arguments).await.result();
    assert_eq!(subjects(&result), ["Budget 0", "Budget 1"]);
    let query = &scene.stub.asked()[0].query;
    assert_eq!(
        query["$filter"],
        "receivedDateTime ge 2026-01-05T00:00:00Z and from/emailAddress/address eq 'bob@contoso.example' and isRead eq false and hasAttachments eq false"
    );
    assert_eq!((query["$orderby"].as_str(), query["$top"].as_str()), ("receivedDateTime desc", "10"));
    assert_eq!(result["structuredContent"]["notes"][0]["code"], "DATE_INTERPRETED");

    scene.tool("outlook_email_search", json!({ "query": r#"subject:"the budget""# })).await.result();
    let asked = scene.stub.asked();
    assert_eq!(asked[1].query["$search"], r#""subject:\"the budget\"""#);
    assert!(!asked[1].query.contains_key("$filter") && !asked[1].query.contains_key("$orderby"));
    assert!(asked.iter().all(|asked| asked.method == "GET"));
}

#[tokio::test]
async fn a_recipient_is_found_in_cc_and_by_name() {
    let scene = Scene::start().await;
    scene.stub.set_messages(messages(1));
    for (arguments, found) in [
        (json!({ "recipient": "carol" }), 1),
        (json!({ "recipient": "carol", "recipientField": "to" }), 0),
        (json!({ "recipient": "carol@contoso.example", "recipientField": "cc" }), 1),
        (json!({ "sender": "builder" }), 1),
        (json!({ "sender": "mallory" }), 0),
    ] {
        let result = scene.tool("outlook_email_search", arguments.clone()).await.result();
        assert_eq!(subjects(&result).len(), found, "{arguments}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_a_cursor_is_its_askers() {
    let scene = Scene::start().await;
    scene.stub.set_messages(messages(3));
    let arguments = |cursor: Option<&str>| match cursor {
        None => json!({ "query": "budget", "limit": 2 }),
        Some(cursor) => json!({ "query": "budget", "limit": 2, "cursor": cursor }),
    };
    let first = scene.tool("outlook_email_search", arguments(None)).await.result();
    assert_eq!(subjects(&first), ["Budget 0", "Budget 1"]);
    let page = &first["structuredContent"]["page"];
    assert_eq!((&page["moreResults"], &page["nextOffset"]), (&json!(true), &json!(null)));
    let cursor = page["nextCursor"].as_str().unwrap();
    let second = scene.tool("outlook_email_search", arguments(Some(cursor))).await.result();
    assert_eq!(subjects(&second), ["Budget 2"]);
    assert_eq!(second["structuredContent"]["page"]["moreResults"], false);

    let mallory = scene.token(FABRIKAM, ALICE);
    assert_eq!(scene.call(&mallory, "outlook_email_search", arguments(Some(cursor))).await.code(), "INVALID_CURSOR");
    let other = json!({ "query": "salary", "cursor": cursor });
    assert_eq!(scene.tool("outlook_email_search", other).await.code(), "INVALID_CURSOR");
    let altered = format!("A{cursor}");
    assert_eq!(scene.tool("outlook_email_search", arguments(Some(&altered))).await.code(), "INVALID_CURSOR");
}

#[tokio::test]
async fn a_next_link_to_another_origin_gets_no_token() {
    let scene = Scene::start().await;
    // The stub's issuer listens there and would take the request, token and all.
    let elsewhere = format!("{}v1.0/me/messages", scene.stub.login);
    scene.stub.script(200, vec![], json!({ "value": [], "@odata.nextLink": elsewhere }));
    let answer = scene.tool("outlook_email_search", json!({ "recipient": "x" })).await;
    assert_eq!(answer.code(), "UPSTREAM_ERROR");
    assert!(answer.text.contains("leads away from Graph"), "{}", answer.text);
    assert_eq!(scene.stub.asked().len(), 1);
}

#[tokio::test]
async fn arguments_that_cannot_be_are_refused_before_graph() {
    let scene = Scene::start().await;
    for (arguments, code) in [
        (json!({ "subject": "x" }), "INVALID_ARGUMENT"),
        (json!({ "limit": 0 }), "INVALID_ARGUMENT"),
        (json!({ "offset": 1001 }), "INVALID_ARGUMENT"),
        (json!({ "afterDateTime": "soon" }), "INVALID_DATE"),
        (json!({ "query": "x", "order": "newest" }), "UNSUPPORTED_COMBINATION"),
        (json!({ "query": "x", "offset": 5 }), "UNSUPPORTED_COMBINATION"),
        (json!({ "mailboxOwnerEmail": "../users/bob" }), "INVALID_ARGUMENT"),
    ] {
        assert_eq!(scene.tool("outlook_email_search", arguments.clone()).await.code(), code, "{arguments}");
    }
    for (uri, code) in [
        ("mail:///messages/..%2Fx", "INVALID_URI"),
        ("http://graph.microsoft.com/v1.0/me", "INVALID_URI"),
        ("meeting-transcript:///events/1", "UNSUPPORTED_TYPE"),
        ("teams:///chats/1/messages/..%2Fx", "INVALID_URI"),
    ] {
        assert_eq!(scene.tool("read_resource", json!({ "uri": uri })).await.code(), code, "{uri}");
    }
    assert!(scene.stub.asked().is_empty() && scene.stub.exchanges().is_empty());
}

#[tokio::test]
async fn a_message_is_read_as_text_in_parts() {
    let scene = Scene::start().await;
    scene.stub.set_messages(vec![message("m", "Hello", "2026-01-11T08:00:00Z")]);
    let whole = scene.tool("read_resource", json!({ "uri": "mail:///messages/m" })).await.result();
    let content = whole["structuredContent"]["content"].as_str().unwrap().to_owned();
    assert!(content.contains("larkspur") && !content.contains("evil.example"), "{content}");
    let (mut joined, mut cursor) = (String::new(), None::<String>);
    loop {
        let mut arguments = json!({ "uri": "mail:///messages/m", "maxChars": 4 });
        if let Some(cursor) = &cursor {
            arguments["cursor"] = json!(cursor);
        }
        let part = scene.tool("read_resource", arguments).await.result()["structuredContent"].clone();
        joined.push_str(part["content"].as_str().unwrap());
        cursor = part["nextCursor"].as_str().map(str::to_owned);
        assert_eq!(part["truncated"], cursor.is_some());
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(joined, content);
}

#[tokio::test]
async fn an_attachment_is_read_if_it_is_text_and_refused_by_name_if_not() {
    let scene = Scene::start().await;
    let facts = |name: &str, kind: &str| json!({ "@odata.type": "#microsoft.graph.fileAttachment", "id": "a", "name": name, "contentType": kind, "size": 5 });
    let mut whole = facts("notes.md", "application/octet-stream");
    whole["contentBytes"] = json!("Y2Fmw6k=");
    scene.stub.script(200, vec![], facts("notes.md", "application/octet-stream"));
    scene.stub.script(200, vec![], whole);
    let uri = json!({ "uri": "mail:///messages/m/attachments/a%3D" });
    let read = scene.tool("read_resource", uri.clone()).await.result();
    assert_eq!(read["structuredContent"]["content"], "café");
    scene.stub.script(200, vec![], facts("app.js", "application/x-javascript"));
    let refused = scene.tool("read_resource", uri).await;
    assert_eq!(refused.code(), "UNSUPPORTED_TYPE");
    assert!(refused.text.contains("mime type 'application/x-javascript' is not allowed"), "{}", refused.text);
    assert!(scene.stub.asked().iter().all(|asked| asked.path == "/v1.0/me/messages/m/attachments/a%3D"));
    assert_eq!(scene.stub.asked().len(), 3, "what is refused is not downloaded");
}

#[tokio::test]
async fn several_are_read_in_one_call_each_with_its_own_outcome() {
    let scene = Scene::start().await;
    scene.stub.set_messages(vec![message("m", "Hello", "2026-01-11T08:00:00Z")]);
    let uris = json!({ "uris": ["mail:///messages/m", "mail:///messages/none"] });
    let results = scene.tool("read_resource", uris).await.result()["structuredContent"]["results"].clone();
    assert_eq!(results[0]["title"], "Hello");
    assert_eq!(results[1]["error"]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn unknown_and_foreign_look_alike() {
    let scene = Scene::start().await;
    let refused = |code: &str, id: &str| {
        scene.stub.script(
            if code == "ErrorInvalidIdMalformed" { 400 } else { 404 },
            vec![("request-id", id.to_owned())],
            json!({ "error": { "code": code } }),
        );
    };
    refused("ErrorItemNotFound", "one");
    let foreign = scene.tool("read_resource", json!({ "uri": "mail:///messages/a" })).await.text;
    refused("ErrorInvalidIdMalformed", "two");
    let unknown = scene.tool("read_resource", json!({ "uri": "mail:///messages/b" })).await.text;
    assert_eq!(foreign, unknown);
    for (status, code) in [(403, "ErrorAccessDenied"), (404, "ErrorInvalidUser"), (404, "Request_ResourceNotFound")] {
        scene.stub.script(status, vec![("request-id", status.to_string())], json!({ "error": { "code": code } }));
    }
    let arguments = json!({ "mailboxOwnerEmail": "bob@contoso.example" });
    let first = scene.tool("outlook_email_search", arguments.clone()).await;
    assert_eq!(first.code(), "FORBIDDEN");
    for _ in 0..2 {
        assert_eq!(scene.tool("outlook_email_search", arguments.clone()).await.text, first.text);
    }
}

#[tokio::test]
async fn a_throttled_read_waits_briefly_or_says_how_long() {
    let scene = Scene::start().await;
    let body = || json!({ "error": { "code": "ApplicationThrottled" } });
    scene.stub.script(429, vec![("retry-after", "0".into())], body());
    scene.tool("outlook_email_search", json!({})).await.result();
    scene.stub.script(429, vec![("retry-after", "62".into())], body());
    let answer = scene.tool("outlook_email_search", json!({})).await;
    assert_eq!(answer.code(), "THROTTLED");
    assert_eq!(answer.result()["structuredContent"]["error"]["retryAfterSeconds"], 62);
    assert_eq!(scene.stub.asked().len(), 3);
}

#[tokio::test]
async fn a_folder_is_found_by_path() {
    let scene = Scene::start().await;
    scene.stub.set_messages(messages(1));
    scene.stub.script(
        200,
        vec![],
        json!({ "value": [{ "id": "p=", "displayName": "Projects", "childFolderCount": 1 }] }),
    );
    scene.stub.script(200, vec![], json!({ "value": [{ "id": "b", "displayName": "Budget" }] }));
    let result = scene.tool("outlook_email_search", json!({ "folderName": "projects/budget" })).await.result();
    assert_eq!(result["structuredContent"]["effective"]["folder"], "Projects/Budget");
    let paths: Vec<_> = scene.stub.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(
        paths,
        ["/v1.0/me/mailFolders", "/v1.0/me/mailFolders/p%3D/childFolders", "/v1.0/me/mailFolders/b/messages"]
    );
}
