//! A server that answers each call with who called it, and refuses tokens when told so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use url::Url;

use crate::scene::serve;

/// The claims that a refusal asks for.
pub(crate) const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true, "value":"1768208400"}}}"#;

/// In every result, followed by whose it is; never in an answer of the assistant.
pub(crate) const CANARY: &str = "larkspur-in-the-result";

/// One running server.
#[derive(Clone)]
pub(crate) struct StubServer {
    pub(crate) mcp: Url,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<Inner>,
    /// Tool calls wait for a permit while they are held.
    held: AtomicBool,
    gate: Semaphore,
    arrived: Semaphore,
}

#[derive(Default)]
struct Inner {
    calls: Vec<Call>,
    refuse: Refuse,
    refused: Vec<String>,
    as_stream: bool,
}

/// What the server saw.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) token: String,
    pub(crate) body: Value,
}

/// Which tokens the server turns down, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Refuse {
    #[default]
    Nothing,
    /// The first token seen, with a claims challenge.
    FirstWithClaims,
    /// Every token, with a claims challenge.
    AllWithClaims,
    /// Every token, without saying why.
    AllBare,
    /// The organization, as the server's own gate does.
    Gate,
}

impl StubServer {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            held: AtomicBool::new(false),
            gate: Semaphore::new(0),
            arrived: Semaphore::new(0),
        });
        let app = Router::new().route("/mcp", routing::post(answer)).with_state(Arc::clone(&shared));
        let address = serve(app).await;
        Self { mcp: format!("http://{address}/mcp").parse().unwrap(), shared }
    }

    pub(crate) fn refuse(&self, refuse: Refuse) {
        self.shared.state.lock().unwrap().refuse = refuse;
    }

    /// Tool calls stop before they are answered, until released.
    pub(crate) fn hold(&self) {
        self.shared.held.store(true, Ordering::SeqCst);
    }

    /// Waits until a held call is there.
    pub(crate) async fn arrival(&self) {
        self.shared.arrived.acquire().await.unwrap().forget();
    }

    pub(crate) fn release(&self) {
        self.shared.held.store(false, Ordering::SeqCst);
        self.shared.gate.add_permits(100);
    }

    pub(crate) fn answer_as_stream(&self) {
        self.shared.state.lock().unwrap().as_stream = true;
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.state.lock().unwrap().calls.clone()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let token = headers[header::AUTHORIZATION].to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    assert_eq!(headers["mcp-method"], body["method"].as_str().unwrap());
    if shared.held.load(Ordering::SeqCst) && body["method"] == "tools/call" {
        shared.arrived.add_permits(1);
        shared.gate.acquire().await.unwrap().forget();
    }
    let mut inner = shared.state.lock().unwrap();
    inner.calls.push(Call { token: token.clone(), body: body.clone() });
    let challenge = format!(
        r#"Bearer realm="", authorization_uri="https://login.example/authorize", error="insufficient_claims", claims="{}""#,
        STANDARD.encode(CLAIMS)
    );
    let refused_before = inner.refused.contains(&token);
    match inner.refuse {
        Refuse::FirstWithClaims if inner.refused.is_empty() || refused_before => {
            inner.refused.push(token);
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
        }
        Refuse::AllWithClaims => {
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
        }
        Refuse::AllBare => {
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response();
        }
        Refuse::Gate => {
            let body = json!({ "error": { "code": "connector_disabled", "message": "switched off" } });
            return (StatusCode::FORBIDDEN, Json(body)).into_response();
        }
        Refuse::Nothing | Refuse::FirstWithClaims => {}
    }
    let oid = token.split('-').skip(3).take(5).collect::<Vec<_>>().join("-");
    let result = if body["method"] == "tools/list" {
        json!({ "tools": [{ "name": "outlook_email_search" }] })
    } else {
        json!({
            "content": [{ "type": "text", "text": "one mail" }],
            "structuredContent": {
                "calledBy": oid,
                "items": [{ "subject": "Budget", "summary": format!("{CANARY}-of-{oid}") }],
            },
        })
    };
    let message = json!({ "jsonrpc": "2.0", "id": body["id"], "result": result });
    if inner.as_stream {
        let stream =
            format!("data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}}\n\ndata: {message}\n\n");
        return ([(header::CONTENT_TYPE, "text/event-stream")], stream).into_response();
    }
    Json(message).into_response()
}
