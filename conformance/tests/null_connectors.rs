//! Connectors that do nothing pass nothing: a check that they pass would pass anything.

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use conformance::check::{Feature, Verdict};
use conformance::run::Runner;
use conformance::suites;
use conformance::target::{Profile, Target};
use fixtures::Plan;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Asks every check of a connector that answers everything so.
async fn ask(name: &str, answer: fn(Value) -> Response) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .fallback(move |body: Bytes| async move { answer(serde_json::from_slice(&body).unwrap_or_default()) });
    let served = tokio::spawn(async move { axum::serve(listener, app).await });
    nothing_passes(name, &format!("http://{address}/mcp")).await;
    served.abort();
}

async fn nothing_passes(name: &str, mcp: &str) {
    for error_codes in [true, false] {
        passes_nothing(name, Profile { error_codes, ..Profile::at(name, mcp.parse().unwrap()) }).await;
    }
}

async fn passes_nothing(name: &str, profile: Profile) {
    let checks: Vec<_> = suites::all().collect();
    let outcomes = Runner::new(Plan::embedded().unwrap(), 365).run(&checks, &Target::Remote(Box::new(profile))).await;
    assert_eq!(outcomes.len(), checks.len());
    for outcome in outcomes {
        // A URL has neither the assistant's back end nor a log nor a client, and its clock cannot be moved: who needs those may end there,
        // never well.
        let beyond = |need: &Feature| {
            matches!(need, Feature::Host | Feature::AuditLog | Feature::Client | Feature::ClockControl)
        };
        let expected = match outcome.verdict {
            Verdict::Fail | Verdict::Inconclusive => true,
            Verdict::NotApplicable => outcome.check.needs.iter().any(beyond),
            Verdict::Pass => false,
        };
        assert!(expected, "{name}: {} is {}", outcome.check.id, outcome.verdict);
        assert!(outcome.halt.is_none(), "{name}: {:?}", outcome.reason);
    }
}

fn rpc(result: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json!({ "jsonrpc": "2.0", "id": 1, "result": result }).to_string())
        .into_response()
}

fn tool_error(code: &str) -> Response {
    let text = format!("Failed to call tool: {code}: Mail.Read");
    let error = json!({ "code": code, "permission": "Mail.Read", "restoredBy": "tenant admin" });
    rpc(
        &json!({ "isError": true, "content": [{ "type": "text", "text": text }], "structuredContent": { "error": error } }),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    nothing_passes("dead port", &format!("http://{address}/mcp")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_forbids_everything() {
    ask("403", |_| (StatusCode::FORBIDDEN, r#"{"error":{"code":"tenant_not_enabled"}}"#).into_response()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_knows_nothing() {
    ask("404", |_| StatusCode::NOT_FOUND.into_response()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_believes_no_token() {
    ask("401", |_| {
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)]).into_response()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_everything_in_the_right_words() {
    ask("CONSENT_REQUIRED", |_| tool_error("CONSENT_REQUIRED")).await;
    ask("NOT_FOUND", |_| tool_error("NOT_FOUND")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_answers_everything_with_nothing() {
    ask("empty success", |request| match request.get("method").and_then(Value::as_str) {
        Some("tools/list") => rpc(&json!({ "tools": [] })),
        _ => rpc(&json!({ "content": [], "structuredContent": { "items": [], "page": {} } })),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_answers_with_something_plausible() {
    ask("plausible", |request| {
        let hint = json!({ "readOnlyHint": true });
        let tools = ["outlook_email_search", "get_me"].map(|name| json!({ "name": name, "annotations": hint }));
        let item = json!({ "uri": "mail:///messages/AAMk1", "subject": "Budget 2026", "summary": "the usual" });
        let page = json!({ "nextCursor": "b3BhcXVl", "moreResults": true });
        let answer = json!({ "items": [item], "page": page, "displayName": "Alice Hansen", "content": "the usual" });
        let text = json!({ "type": "text", "text": answer.to_string() });
        let listing = request.get("method").and_then(Value::as_str) == Some("tools/list");
        rpc(&if listing {
            json!({ "tools": tools })
        } else {
            json!({ "content": [text], "structuredContent": answer })
        })
    })
    .await;
}
