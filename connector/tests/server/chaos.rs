//! What the caller is told when the issuer or Graph misbehaves: the right answer, a part with a note, or a clear error; never
//! a token for somebody else, never a wait without end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use futures_util::future::join_all;
use http::HeaderMap;
use serde_json::{Value, json};
use url::Url;

use crate::scene::{CONTOSO, Scene, message};
use crate::stub::{Fault, Place, serve};

/// An origin that is nobody's, and the Authorization headers that reached it.
pub(crate) async fn elsewhere() -> (Url, Arc<Mutex<Vec<HeaderMap>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let app = Router::new().fallback(move |headers: HeaderMap| {
        kept.lock().unwrap().push(headers);
        std::future::ready(axum::Json(json!({ "value": [] })))
    });
    (serve(app).await, seen)
}

async fn impatient() -> Scene {
    Scene::with(|config| {
        config.limits.request_seconds = 1;
        config.limits.calls_per_minute = 0;
    })
    .await
}

fn faults(away: &Url) -> Vec<(Fault, Option<&'static str>)> {
    vec![
        (Fault::Status(429, Some("0")), None),
        (Fault::Status(429, None), None),
        (Fault::Status(500, None), None),
        (Fault::Status(502, None), None),
        (Fault::Status(503, Some("1")), None),
        (Fault::Status(504, None), None),
        (Fault::Reset, None),
        (Fault::Truncated, None),
        (Fault::Hang, Some("TIMEOUT")),
        (Fault::Endless, Some("TOO_LARGE")),
        (Fault::Text("text/html", "<html>sign in</html>"), Some("UPSTREAM_ERROR")),
        (Fault::Text("application/json", "{\"value\":[{"), Some("UPSTREAM_ERROR")),
        (Fault::Text("application/json", "{}"), Some("UPSTREAM_ERROR")),
        (Fault::Text("text/html", "{\"value\":[]}"), Some("UPSTREAM_ERROR")),
        (Fault::Redirect(format!("{away}v1.0/me/messages")), Some("UPSTREAM_ERROR")),
    ]
}

#[tokio::test]
async fn one_bad_answer_of_graph_is_made_good_or_told() {
    let (away, seen) = elsewhere().await;
    for (fault, code) in faults(&away) {
        let scene = impatient().await;
        scene.stub.set_messages(vec![message("m", "Hello", "2026-01-11T08:00:00Z")]);
        scene.stub.fail(Place::Graph, &fault, 1);
        let answer = scene.tool("outlook_email_search", json!({})).await;
        match code {
            None => assert_eq!(answer.result()["structuredContent"]["items"][0]["subject"], "Hello", "{fault:?}"),
            Some(code) => assert_eq!(answer.code(), code, "{fault:?}"),
        }
    }
    assert!(seen.lock().unwrap().is_empty(), "nobody else was asked");
}

#[tokio::test]
async fn bad_answers_without_end_are_told() {
    for (fault, code) in [
        (Fault::Status(429, Some("0")), "THROTTLED"),
        (Fault::Status(500, None), "UPSTREAM_ERROR"),
        (Fault::Status(504, None), "TIMEOUT"),
        (Fault::Reset, "UPSTREAM_ERROR"),
        (Fault::Truncated, "UPSTREAM_ERROR"),
    ] {
        let scene = impatient().await;
        scene.stub.fail(Place::Graph, &fault, 9);
        assert_eq!(scene.tool("outlook_email_search", json!({})).await.code(), code, "{fault:?}");
        assert_eq!(scene.stub.asked().len(), 3, "{fault:?}: attempts end");
    }
}

#[tokio::test]
async fn a_bad_answer_of_the_issuer_is_told() {
    let (away, seen) = elsewhere().await;
    for (fault, code) in [
        (Fault::Status(429, Some("1")), "UPSTREAM_ERROR"),
        (Fault::Status(500, None), "UPSTREAM_ERROR"),
        (Fault::Reset, "UPSTREAM_ERROR"),
        (Fault::Truncated, "UPSTREAM_ERROR"),
        (Fault::Hang, "TIMEOUT"),
        (Fault::Endless, "UPSTREAM_ERROR"),
        (Fault::Text("text/html", "<html>"), "UPSTREAM_ERROR"),
        (Fault::Text("application/json", "{}"), "UPSTREAM_ERROR"),
        (Fault::Redirect(format!("{away}token")), "UPSTREAM_ERROR"),
    ] {
        let scene = impatient().await;
        scene.stub.fail(Place::Token, &fault, 1);
        assert_eq!(scene.tool("outlook_email_search", json!({})).await.code(), code, "{fault:?}");
        assert!(scene.stub.asked().is_empty(), "without a token nothing is asked");
        scene.tool("outlook_email_search", json!({})).await.result();
    }
    assert!(seen.lock().unwrap().is_empty(), "no assertion went elsewhere");
}

#[tokio::test]
async fn without_keys_nobody_comes_in_and_with_them_everybody_does() {
    let (away, seen) = elsewhere().await;
    for place in [Place::Discovery, Place::Keys] {
        for fault in [
            Fault::Status(500, None),
            Fault::Reset,
            Fault::Truncated,
            Fault::Hang,
            Fault::Endless,
            Fault::Text("text/html", "<html>"),
            Fault::Text("application/json", "{}"),
            Fault::Redirect(away.to_string()),
        ] {
            let scene = impatient().await;
            scene.stub.fail(place, &fault, 1);
            let refused = scene.tool("get_me", json!({})).await;
            let told = refused.json()["error"]["code"].clone();
            assert_eq!((refused.status, told), (503, json!("keys_unavailable")), "{place:?} {fault:?}");
            scene.clock.advance(30);
            scene.tool("get_me", json!({})).await.result();
        }
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_next_link_is_followed_to_our_lists_alone() {
    let (away, seen) = elsewhere().await;
    let scene = impatient().await;
    let item = message("m", "Hello", "2026-01-11T08:00:00Z");
    let graph = scene.stub.graph.clone();
    for link in [
        format!("{away}v1.0/me/messages?$skip=1"),
        format!("http://localhost@{}/v1.0/me/messages", away.authority()),
        format!("{graph}v1.0/me/sendMail"),
        format!("{graph}v1.0/me/drive/root/children"),
        format!("{graph}v1.0/me/messages/m/forward"),
        format!("{graph}beta/me/messages"),
    ] {
        scene.stub.script(200, vec![], json!({ "value": [item], "@odata.nextLink": link }));
        // A sender by name is matched here, page by page.
        let answer = scene.tool("outlook_email_search", json!({ "sender": "nobody" })).await;
        assert_eq!(answer.code(), "UPSTREAM_ERROR", "{link}");
    }
    assert!(scene.stub.asked().iter().all(|asked| asked.path == "/v1.0/me/messages"), "{:?}", scene.stub.asked());
    assert!(seen.lock().unwrap().is_empty(), "no token went elsewhere");
}

#[tokio::test]
async fn a_walk_that_is_throttled_gives_what_it_has() {
    let scene = impatient().await;
    let page = |n: usize, link: &str| {
        json!({
            "value": [message(&format!("m{n}"), &format!("Hello {n}"), "2026-01-11T08:00:00Z")],
            "@odata.nextLink": format!("{}v1.0/me/messages?$search=x&$skiptoken={link}", scene.stub.graph),
        })
    };
    for arguments in [json!({ "sender": "builder" }), json!({ "query": "hello" })] {
        scene.stub.script(200, vec![], page(1, "two"));
        scene.stub.script(429, vec![("retry-after", "62".into())], json!({ "error": { "code": "TooManyRequests" } }));
        let result = scene.tool("outlook_email_search", arguments.clone()).await.result()["structuredContent"].clone();
        assert_eq!((&result["items"][0]["subject"], &result["partial"]), (&json!("Hello 1"), &json!(true)));
        let notes: Vec<_> = result["notes"].as_array().unwrap().iter().map(|note| note["code"].clone()).collect();
        assert!(notes.contains(&json!("PARTIAL_THROTTLED")), "{notes:?}");
        assert_eq!(result["page"]["moreResults"], true);
        let goes_on = !result["page"]["nextOffset"].is_null() || !result["page"]["nextCursor"].is_null();
        assert!(goes_on, "{result}");
        // Until Graph may be asked again, the user's calls do not reach it.
        let before = scene.stub.asked().len();
        let told = scene.tool("get_me", json!({})).await;
        assert_eq!(told.code(), "THROTTLED");
        assert_eq!(told.result()["structuredContent"]["error"]["retryAfterSeconds"], 62);
        assert_eq!(scene.stub.asked().len(), before);
        scene.clock.advance(62);
    }
}

#[tokio::test]
async fn no_wish_of_graphs_locks_a_user_out_for_long() {
    let scene = impatient().await;
    scene.stub.script(429, vec![("retry-after", "86400".into())], json!({}));
    assert_eq!(scene.tool("outlook_email_search", json!({})).await.code(), "THROTTLED");
    scene.clock.advance(300);
    scene.tool("outlook_email_search", json!({})).await.result();
}

#[tokio::test]
async fn one_users_calls_are_counted_and_nobody_elses() {
    let scene = Scene::with(|config| config.limits.calls_per_minute = 3).await;
    for _ in 0..3 {
        scene.tool("get_me", json!({})).await.result();
    }
    let told = scene.tool("get_me", json!({})).await;
    assert_eq!(told.code(), "THROTTLED");
    assert_eq!(told.result()["structuredContent"]["error"]["retryAfterSeconds"], 20);
    let bob = scene.token(CONTOSO, "b0b00000-0365-4c11-a0ff-0000000000b1");
    scene.call(&bob, "get_me", json!({})).await.result();
    let many: Vec<_> = (0..4).map(|n| format!("mail:///messages/{n}")).collect();
    assert_eq!(scene.call(&bob, "read_resource", json!({ "uris": many })).await.code(), "THROTTLED", "each uri counts");
    scene.clock.advance(20);
    scene.tool("get_me", json!({})).await.result();
}

#[tokio::test]
async fn one_user_has_a_few_requests_under_way_and_no_more() {
    let scene = Scene::with(|config| {
        config.limits.requests_in_flight = 1;
        config.limits.request_seconds = 1;
        config.limits.calls_per_minute = 0;
    })
    .await;
    let alice = scene.alice();
    scene.call(&alice, "get_me", json!({})).await.result();
    scene.stub.fail(Place::Graph, &Fault::Hang, 2);
    let calls = (0..2).map(|_| scene.call(&alice, "get_me", json!({})));
    let watched = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        scene.stub.asked().len()
    };
    let (answers, under_way) = tokio::join!(join_all(calls), watched);
    assert_eq!(under_way, 2, "the first call's, and one of two that came together");
    assert!(answers.iter().all(|answer| answer.code() == "TIMEOUT"));
}

#[tokio::test]
async fn a_tool_ends_whatever_it_waits_for() {
    let scene = Scene::with(|config| config.limits.call_seconds = 1).await;
    scene.stub.fail(Place::Graph, &Fault::Hang, 1);
    assert_eq!(scene.tool("outlook_email_search", json!({})).await.code(), "TIMEOUT");
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_requests_with_it() {
    let scene = impatient().await;
    scene.stub.fail(Place::Graph, &Fault::Status(503, Some("1")), 9);
    let asked = async {
        while scene.stub.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        answer = scene.tool("outlook_email_search", json!({})) => panic!("it did not wait: {answer:?}"),
        () = asked => {}
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(scene.stub.asked().len(), 1, "nobody waits for a second attempt");
}

#[tokio::test]
async fn foreign_and_unknown_ids_are_told_alike() {
    let scene = impatient().await;
    let answers: [(u16, Value); 4] = [
        (
            404,
            json!({ "error": { "code": "ErrorItemNotFound", "message": "The specified object was not found in the store." } }),
        ),
        (404, json!({ "error": { "code": "ErrorItemNotFound", "message": "Mallory's." } })),
        (410, json!({ "error": { "code": "itemNotFound" } })),
        (400, json!({ "error": { "code": "ErrorInvalidIdMalformed", "message": "Id is malformed." } })),
    ];
    let mut told = Vec::new();
    for (status, body) in answers {
        scene.stub.script(status, vec![("request-id", format!("r{}", told.len()))], body);
        told.push(scene.tool("read_resource", json!({ "uri": "mail:///messages/a" })).await.text);
    }
    assert!(told.iter().all(|text| *text == told[0]), "{told:#?}");
    let mut mailboxes = Vec::new();
    for (status, code) in [(403, "ErrorAccessDenied"), (404, "ErrorInvalidUser"), (404, "MailboxNotEnabledForRESTAPI")]
    {
        scene.stub.script(status, vec![], json!({ "error": { "code": code } }));
        let arguments = json!({ "mailboxOwnerEmail": "x@contoso.example" });
        mailboxes.push(scene.tool("outlook_email_search", arguments).await.text);
    }
    assert!(mailboxes.iter().all(|text| *text == mailboxes[0]), "{mailboxes:#?}");
}
