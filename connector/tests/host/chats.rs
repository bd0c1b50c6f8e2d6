//! Chats: answers for everybody in them, results for whoever asked.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::issuer::{ALICE, BOB, CONTOSO};
use crate::scene::{Answer, Scene, api_token};
use crate::server::CANARY;

const QUESTION: &str = "What does the mail about the budget say?";

#[tokio::test]
async fn the_asker_sees_the_result_and_a_colleague_only_the_answer() {
    let scene = Scene::new().await;
    let chat = asked(&scene, "alice", ALICE).await;
    let mine = scene.get("alice", &format!("/api/chats/{chat}")).await;
    assert_eq!(mine.body["turns"][0]["answer"], "Found 1: “Budget”.");
    assert_eq!(mine.body["turns"][0]["call"]["arguments"], json!({ "query": "budget" }));
    assert!(mine.text.contains(CANARY), "the control: {mine:?}");

    for user in ["bob", "olga", "mallory", "pat"] {
        for path in ["", "/export", "/events"] {
            let answer = scene.get(user, &format!("/api/chats/{chat}{path}")).await;
            assert!(["NO_SUCH_CHAT", "NOT_A_MEMBER"].contains(&answer.code()), "{user} {path}: {answer:?}");
        }
    }
    let shared = scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": ["bob"] })).await;
    assert_eq!(shared.body["sharedWith"], json!(["bob"]));
    // Once connected himself, Bob still sees no result of Alice's.
    scene.connect("bob", BOB).await;
    for answer in every_way_out(&scene, "bob", &chat).await {
        assert!(answer.text.contains("Found 1"), "{answer:?}");
        assert!(!answer.text.contains(CANARY) && !answer.text.contains("\"call\""), "{answer:?}");
    }
    for answer in every_way_out(&scene, "alice", &chat).await {
        assert!(answer.text.contains(CANARY), "{answer:?}");
    }
    let search = scene.get("bob", &format!("/api/chats/search?q={CANARY}")).await;
    assert_eq!(search.body["found"], json!([]), "a search finds nothing by what one may not see");
    let search = scene.get("alice", &format!("/api/chats/search?q={CANARY}")).await;
    assert_eq!(search.body["found"].as_array().unwrap().len(), 1);

    let out =
        scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": ["bob"], "shared": false })).await;
    assert_eq!(out.status, 200);
    assert_eq!(scene.get("bob", &format!("/api/chats/{chat}")).await.code(), "NO_SUCH_CHAT");
}

#[tokio::test]
async fn a_guest_asks_with_their_own_token_and_keeps_the_result_from_the_owner() {
    let scene = Scene::new().await;
    let chat = asked(&scene, "alice", ALICE).await;
    scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": ["bob"] })).await;
    let path = format!("/api/chats/{chat}/ask");
    assert_eq!(scene.post("bob", &path, json!({ "question": QUESTION })).await.code(), "NOT_CONNECTED");
    scene.connect("bob", BOB).await;
    let asked = scene.post("bob", &path, json!({ "question": QUESTION })).await;
    assert!(asked.text.contains(&format!("{CANARY}-of-{BOB}")), "{asked:?}");
    let chat_path = format!("/api/chats/{chat}");
    let of = |answer: Answer, oid: &str| answer.text.contains(&format!("{CANARY}-of-{oid}"));
    assert!(!of(scene.get("alice", &chat_path).await, BOB), "the chat's owner is not the asker");
    assert!(of(scene.get("alice", &chat_path).await, ALICE));
    assert!(!of(scene.get("bob", &chat_path).await, ALICE));
}

#[tokio::test]
async fn only_the_owner_shares_switches_and_deletes_and_only_with_colleagues() {
    let scene = Scene::new().await;
    let chat = asked(&scene, "alice", ALICE).await;
    for stranger in ["mallory", "pat", "nobody", "alice"] {
        let answer = scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": [stranger] })).await;
        assert_eq!((answer.status, answer.code()), (403, "NOT_A_COLLEAGUE"), "{stranger}");
    }
    scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": ["bob"] })).await;
    let share = scene.post("bob", &format!("/api/chats/{chat}/share"), json!({ "with": ["olga"] })).await;
    let switch = scene.put("bob", "/api/tools/outlook_email_search", json!({ "on": false, "chat": chat })).await;
    let delete = scene.delete("bob", &format!("/api/chats/{chat}")).await;
    for answer in [share, switch, delete] {
        assert_eq!((answer.status, answer.code()), (403, "NOT_CHAT_OWNER"));
    }
    assert_eq!(scene.delete("alice", &format!("/api/chats/{chat}")).await.status, 200);
    for user in ["alice", "bob"] {
        assert_eq!(scene.get(user, &format!("/api/chats/{chat}")).await.code(), "NO_SUCH_CHAT");
        assert_eq!(scene.get(user, "/api/chats").await.body, json!({ "chats": [] }));
    }
}

#[tokio::test]
async fn a_tool_that_is_off_is_not_called_in_the_chat_the_session_or_anywhere() {
    let scene = Scene::new().await;
    let chat = asked(&scene, "alice", ALICE).await;
    let tool = "/api/tools/outlook_email_search";
    let ask = format!("/api/chats/{chat}/ask");
    let question = json!({ "question": QUESTION, "tool": "outlook_email_search", "arguments": { "query": "budget" } });
    let browser = scene.browser("alice").await;
    let calls = || scene.server.calls().len();

    scene.put("alice", tool, json!({ "on": false, "chat": chat })).await;
    let before = calls();
    assert_eq!(scene.post("alice", &ask, question.clone()).await.code(), "TOOL_DISABLED");
    assert_eq!(calls(), before);
    let other = scene.post("alice", "/api/chats", json!({})).await.body["id"].as_str().unwrap().to_owned();
    let elsewhere = scene.post("alice", &format!("/api/chats/{other}/ask"), question.clone()).await;
    assert_eq!(elsewhere.status, 200, "other chats go on: {elsewhere:?}");
    scene.put("alice", tool, json!({ "on": true, "chat": chat })).await;

    let session = json!({ "on": false, "session": true });
    assert_eq!(browser.ask(Method::PUT, tool, Some(session.clone())).await.status, 200);
    assert_eq!(browser.ask(Method::POST, &ask, Some(question.clone())).await.code(), "TOOL_DISABLED");
    assert_eq!(browser.ask(Method::POST, tool, Some(json!({}))).await.code(), "TOOL_DISABLED");
    assert_eq!(scene.post("alice", &ask, question.clone()).await.status, 200, "other sessions go on");
    assert_eq!(scene.put("alice", tool, session).await.code(), "INVALID_REQUEST");

    scene.put("alice", tool, json!({ "on": false })).await;
    for code in [scene.post("alice", &ask, question.clone()).await, scene.call("alice").await] {
        assert_eq!(code.code(), "TOOL_DISABLED");
    }
    let listed = scene.get("alice", "/api/tools").await;
    assert_eq!(listed.body["tools"][0]["on"]["user"], false, "{listed:?}");
    // The assistant does not choose it either; nothing else is there to choose.
    assert_eq!(scene.post("alice", &ask, json!({ "question": QUESTION })).await.code(), "NOTHING_TO_ASK");
    scene.put("alice", tool, json!({ "on": true })).await;
    assert_eq!(scene.post("alice", &ask, question).await.status, 200);
}

#[tokio::test]
async fn what_somebody_switched_off_outlives_a_restart() {
    let mut scene = Scene::new().await;
    let chat = asked(&scene, "alice", ALICE).await;
    scene.put("alice", "/api/tools/outlook_email_search", json!({ "on": false })).await;
    scene.close().await;
    scene.open().await;
    assert_eq!(scene.call("alice").await.code(), "TOOL_DISABLED");
    let kept = scene.get("alice", &format!("/api/chats/{chat}")).await;
    assert!(kept.text.contains(CANARY), "the chat too: {kept:?}");
}

#[tokio::test]
async fn with_the_connector_off_nobody_sees_a_result_and_nobody_asks() {
    let scene = Scene::new().await;
    let chat = asked(&scene, "alice", ALICE).await;
    scene.post("olga", "/api/organization", json!({ "connectorEnabled": false })).await;
    for answer in every_way_out(&scene, "alice", &chat).await {
        assert!(!answer.text.contains(CANARY), "{answer:?}");
    }
    let ask = scene.post("alice", &format!("/api/chats/{chat}/ask"), json!({ "question": QUESTION })).await;
    assert_eq!(ask.code(), "CONNECTOR_DISABLED");
    scene.post("olga", "/api/organization", json!({ "connectorEnabled": true })).await;
    let again = scene.get("alice", &format!("/api/chats/{chat}")).await;
    assert!(again.text.contains(CANARY), "kept, not lost: {again:?}");
}

#[tokio::test]
async fn sharing_while_a_tool_is_called_shows_the_colleague_the_answer_alone() {
    let scene = Scene::new().await;
    let chat = opened(&scene, "alice", ALICE).await;
    scene.server.hold();
    let sharing = async {
        scene.server.arrival().await;
        let shared = scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": ["bob"] })).await;
        assert_eq!(shared.status, 200);
        let early = scene.get("bob", &format!("/api/chats/{chat}")).await;
        assert_eq!(early.body["turns"][0]["state"], "asking");
        scene.server.release();
    };
    let question = json!({ "question": QUESTION });
    let path = format!("/api/chats/{chat}/ask");
    let (answer, ()) = tokio::join!(scene.post("alice", &path, question), sharing);
    assert!(answer.text.contains(CANARY));
    let seen = scene.get("bob", &format!("/api/chats/{chat}")).await;
    assert_eq!(seen.body["turns"][0]["answer"], "Found 1: “Budget”.");
    assert!(!seen.text.contains(CANARY));
}

#[tokio::test]
async fn a_call_that_comes_back_after_the_owner_switched_off_keeps_and_shows_nothing() {
    let scene = Scene::new().await;
    let chat = opened(&scene, "alice", ALICE).await;
    scene.server.hold();
    let switching = async {
        scene.server.arrival().await;
        scene.post("olga", "/api/organization", json!({ "connectorEnabled": false })).await;
        scene.server.release();
    };
    let path = format!("/api/chats/{chat}/ask");
    let (answer, ()) = tokio::join!(scene.post("alice", &path, json!({ "question": QUESTION })), switching);
    assert_eq!(answer.code(), "CONNECTOR_DISABLED");
    assert!(!answer.text.contains(CANARY));
    scene.post("olga", "/api/organization", json!({ "connectorEnabled": true })).await;
    let chat = scene.get("alice", &format!("/api/chats/{chat}")).await;
    assert!(!chat.text.contains(CANARY), "{chat:?}");
    assert_eq!(chat.body["turns"][0]["state"], "failed");
}

#[tokio::test]
async fn a_stream_tells_a_guest_answers_as_they_come_and_ends_when_they_are_let_out() {
    let scene = Scene::new().await;
    let chat = opened(&scene, "alice", ALICE).await;
    scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": ["bob"] })).await;
    let mut stream = scene
        .http
        .get(scene.host.join(&format!("/api/chats/{chat}/events")).unwrap())
        .bearer_auth(api_token("bob"))
        .send()
        .await
        .unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    scene.post("alice", &format!("/api/chats/{chat}/ask"), json!({ "question": QUESTION })).await;
    scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": ["bob"], "shared": false })).await;
    let mut told = String::new();
    let reading = async {
        while let Some(chunk) = stream.chunk().await.unwrap() {
            told.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(5), reading).await.expect("the stream ends");
    assert!(!told.contains(CANARY), "{told}");
}

#[tokio::test]
async fn two_people_asking_at_once_lose_neither_question() {
    let scene = Scene::new().await;
    let chat = opened(&scene, "alice", ALICE).await;
    scene.connect("bob", BOB).await;
    scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": ["bob"] })).await;
    let path = format!("/api/chats/{chat}/ask");
    let asks = (0..6).map(|n| {
        scene.post(if n % 2 == 0 { "alice" } else { "bob" }, &path, json!({ "question": format!("mail {n}") }))
    });
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let seen = scene.get("bob", &format!("/api/chats/{chat}")).await;
    let turns = seen.body["turns"].as_array().unwrap();
    let numbers: Vec<_> = turns.iter().map(|turn| turn["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    let with_result = turns.iter().filter(|turn| turn.get("call").is_some());
    assert!(with_result.into_iter().all(|turn| turn["asker"] == "bob"));
}

#[tokio::test]
async fn a_chat_is_not_told_from_one_that_never_was() {
    let scene = Scene::new().await;
    let chat = asked(&scene, "alice", ALICE).await;
    let foreign = scene.get("bob", &format!("/api/chats/{chat}")).await;
    let never = scene.get("bob", &format!("/api/chats/{}", "x".repeat(43))).await;
    let malformed = scene.get("bob", "/api/chats/..%2F..").await;
    assert_eq!(foreign.text, never.text);
    assert_eq!(foreign.text, malformed.text);
}

#[tokio::test]
async fn the_audit_says_who_did_what_and_nothing_of_what_was_read() {
    let scene = Scene::new().await;
    let chat = asked(&scene, "alice", ALICE).await;
    scene.post("alice", &format!("/api/chats/{chat}/share"), json!({ "with": ["bob"] })).await;
    scene.clock.advance(3600);
    scene.call("alice").await;
    scene.put("alice", "/api/tools/get_me", json!({ "on": false })).await;
    scene.post("alice", "/api/disconnect", json!({})).await;
    scene.post("alice", "/api/organization", json!({ "connectorEnabled": false })).await;
    scene.post("olga", "/api/organization", json!({ "connectorEnabled": false })).await;
    let told: Vec<_> =
        scene.audit.of("alice").into_iter().map(|(event, outcome)| format!("{event} {outcome}")).collect();
    assert_eq!(
        told,
        [
            "connectStarted ok",
            "connectFinished ok",
            "toolCalled ok",
            "chatShared ok",
            "tokenRenewed ok",
            "toolCalled ok",
            "toolSwitched off",
            "disconnected ok",
            "connectorDisabled NOT_AN_OWNER",
        ]
    );
    assert_eq!(scene.audit.of("olga"), [("connectorDisabled".to_owned(), "ok".to_owned())]);
    let text = serde_json::to_string(&scene.audit.lines()).unwrap();
    for secret in scene.issuer.secrets().iter().map(String::as_str).chain([CANARY, "budget", QUESTION, chat.as_str()]) {
        assert!(!text.contains(secret), "{secret}");
    }
    let connected = &scene.audit.lines()[1];
    assert_eq!(
        (&connected["tenant"], &connected["user"], &connected["organization"]),
        (&json!(CONTOSO), &json!(ALICE), &json!("contoso"))
    );
}

/// A chat of `user`, who is connected.
async fn opened(scene: &Scene, user: &str, oid: &str) -> String {
    scene.connect(user, oid).await;
    let chat = scene.post(user, "/api/chats", json!({ "title": "Budget" })).await;
    assert_eq!(chat.status, 200, "{chat:?}");
    chat.body["id"].as_str().unwrap().to_owned()
}

/// The same, with one question asked in it.
async fn asked(scene: &Scene, user: &str, oid: &str) -> String {
    let chat = opened(scene, user, oid).await;
    let turn = scene.post(user, &format!("/api/chats/{chat}/ask"), json!({ "question": QUESTION })).await;
    assert_eq!((turn.status, &turn.body["state"]), (200, &json!("answered")), "{turn:?}");
    chat
}

/// Reading, exporting, searching and streaming, each as `user` sees it.
async fn every_way_out(scene: &Scene, user: &str, chat: &str) -> Vec<Answer> {
    let mut ways = vec![
        scene.get(user, &format!("/api/chats/{chat}")).await,
        scene.get(user, &format!("/api/chats/{chat}/export")).await,
        scene.get(user, "/api/chats/search?q=budget").await,
    ];
    let events = scene.host.join(&format!("/api/chats/{chat}/events")).unwrap();
    let mut stream = scene.http.get(events).bearer_auth(api_token(user)).send().await.unwrap();
    let status = stream.status().as_u16();
    let first = stream.chunk().await.unwrap().unwrap();
    let text = String::from_utf8(first.to_vec()).unwrap();
    ways.push(Answer { status, body: Value::Null, text, cookie: None });
    ways
}
