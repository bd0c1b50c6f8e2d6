//! Broken connectors that do not keep to MCP: nobody's content is shown, and clients are led astray all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use connector::danger::Edges;
use connector::policy::Policy;
use http::header;
use serde_json::{Value, json};

use super::Broken;

/// As much of a body as is looked at.
const MUCH: usize = 4 * 1024 * 1024;

fn in_front(front: fn(Router) -> Router) -> (Policy, Edges) {
    (Policy::STRICT, Edges { front: Some(Box::new(front)), ..Edges::default() })
}

/// The answer, its body changed if it is JSON.
async fn changed(response: Response, change: impl FnOnce(&mut Value)) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MUCH).await.unwrap_or_default();
    let Ok(mut message) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    change(&mut message);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(message.to_string()))
}

async fn without_challenge(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().remove(header::WWW_AUTHENTICATE);
    response
}

/// A refusal does not say where to sign in.
pub const SILENT_CHALLENGE: Broken = Broken {
    name: "silent-challenge",
    sentence: "A 401 comes without a challenge: no client finds out where to sign in, and for what.",
    reference: None,
    fault: || in_front(|server| server.layer(from_fn(without_challenge))),
};

async fn nothing_for_unknown(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    changed(response, |message| {
        if message.pointer("/error/code") == Some(&json!(-32602)) {
            let empty = json!({ "resultType": "complete", "contents": [] });
            *message = json!({ "jsonrpc": "2.0", "id": message["id"], "result": empty });
        }
    })
    .await
}

/// What does not exist is empty.
pub const EMPTY_FOR_UNKNOWN: Broken = Broken {
    name: "empty-for-unknown",
    sentence: "A resource that does not exist is read as an empty one: a model takes nothing for an answer.",
    reference: None,
    fault: || in_front(|server| server.layer(from_fn(nothing_for_unknown))),
};

async fn turned_around(State(turn): State<Arc<AtomicBool>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    changed(response, |message| {
        if let Some(tools) = message.pointer_mut("/result/tools").and_then(Value::as_array_mut)
            && turn.fetch_xor(true, Ordering::Relaxed)
        {
            tools.reverse();
        }
    })
    .await
}

/// The list of tools is in another order each time.
pub const LIST_IN_ANY_ORDER: Broken = Broken {
    name: "list-in-any-order",
    sentence: "The tools are listed in another order each time: no client can cache the list, no prompt stays the same.",
    reference: None,
    fault: || in_front(|server| server.layer(from_fn_with_state(Arc::new(AtomicBool::new(false)), turned_around))),
};

/// Nobody is slowed down.
pub const NO_RATE_LIMIT: Broken = Broken {
    name: "no-rate-limit",
    sentence: "Somebody may ask as often as they like, and use up what Microsoft 365 gives the whole company.",
    reference: None,
    fault: || {
        let edges = Edges { config: Some(|config| config.limits.calls_per_minute = 0), ..Edges::default() };
        (Policy::STRICT, edges)
    },
};
