//! In which form does a question reach the target? As one request, inside a session, or as a line to a program.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::actor::SESSIONS;
use super::{Call, execute};
use crate::client::chain;
use crate::recorder::Hop;
use crate::target::Programs;

/// The form.
#[derive(Debug, Clone, Default)]
pub enum Speech {
    /// One request that says everything (MCP 2026-07-28).
    #[default]
    Stateless,
    /// A request inside the session that the same token began (MCP 2025-11-25).
    Sessions(Arc<Sessions>),
    /// A line to the program that serves the caller.
    Programs(Arc<Programs>),
}

/// Which session a token is in: its id, or nothing where the target keeps none.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<BTreeMap<String, Option<String>>>);

impl Speech {
    /// Ends every session and every program: the next question begins anew.
    pub async fn forget(&self) {
        match self {
            Self::Stateless => {}
            Self::Sessions(sessions) => sessions.0.lock().await.clear(),
            Self::Programs(programs) => programs.end().await,
        }
    }

    /// Asks, and keeps the exchange.
    pub(super) async fn ask(
        &self,
        http: &reqwest::Client,
        mcp: &Url,
        call: &Call,
        mark: Option<http::HeaderValue>,
    ) -> Result<Hop, String> {
        match self {
            Self::Stateless => post(http, mcp, call.headers(), call.body(), mark).await,
            Self::Sessions(sessions) => sessions.ask(http, mcp, call, mark).await,
            Self::Programs(programs) => tell(programs, mcp, call).await,
        }
    }
}

impl Sessions {
    async fn ask(
        &self,
        http: &reqwest::Client,
        mcp: &Url,
        call: &Call,
        mark: Option<http::HeaderValue>,
    ) -> Result<Hop, String> {
        // What begins a session, and what comes from nobody or is no message of ours, stands outside of any.
        let Some(token) = call.token.as_deref().filter(|_| call.raw.is_none() && call.method != "initialize") else {
            return post(http, mcp, call.session_headers(None), call.session_body(), mark).await;
        };
        for fresh in [false, true] {
            let known = self.0.lock().await.get(token).cloned().filter(|_| !fresh);
            let session = if let Some(session) = known {
                session
            } else {
                match begin(http, mcp, call, mark.clone()).await? {
                    Ok(session) => session,
                    // Whoever is not let in is not let in for the question.
                    Err(refused) => return Ok(refused),
                }
            };
            self.0.lock().await.insert(token.to_owned(), session.clone());
            let hop =
                post(http, mcp, call.session_headers(session.as_deref()), call.session_body(), mark.clone()).await?;
            // A session that ended is begun anew, once.
            if hop.status != 404 || session.is_none() || fresh {
                return Ok(hop);
            }
        }
        Err("a new session is not known either".to_owned())
    }
}

/// Begins a session: its id, if there is one, or the refusal.
async fn begin(
    http: &reqwest::Client,
    mcp: &Url,
    call: &Call,
    mark: Option<http::HeaderValue>,
) -> Result<Result<Option<String>, Hop>, String> {
    let greeting = json!({
        "protocolVersion": SESSIONS,
        "capabilities": {},
        "clientInfo": { "name": "offline365-harness", "version": env!("CARGO_PKG_VERSION") },
    });
    let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": greeting });
    let mut headers = call.session_headers(None);
    headers.retain(|(name, _)| name != "mcp-protocol-version");
    let hop = post(http, mcp, headers, message.to_string().into_bytes(), mark.clone()).await?;
    if hop.status != 200 {
        return Ok(Err(hop));
    }
    let session = hop.response_headers.iter().find(|(name, _)| name == "mcp-session-id");
    let session = session.map(|(_, id)| id.clone());
    let message = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let headers = call.session_headers(session.as_deref());
    post(http, mcp, headers, message.to_string().into_bytes(), mark).await?;
    Ok(Ok(session))
}

async fn post(
    http: &reqwest::Client,
    mcp: &Url,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    mark: Option<http::HeaderValue>,
) -> Result<Hop, String> {
    let mut request = http.post(mcp.clone()).body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.build().map_err(|error| chain(&error))?;
    execute(http, "connector", request, mark).await
}

/// A line, and the line that answers; told as an exchange, for the record.
async fn tell(programs: &Programs, mcp: &Url, call: &Call) -> Result<Hop, String> {
    let token = call.token.as_deref().ok_or("a program serves whoever signed in")?;
    let message: Value = serde_json::from_slice(&call.session_body()).map_err(|error| error.to_string())?;
    let params = message.get("params").cloned().unwrap_or_default();
    let answer = programs.ask(token, &call.method, &params, &call.id).await?;
    Ok(Hop {
        from: "harness",
        actor: String::new(),
        to: "connector".to_owned(),
        method: "POST".to_owned(),
        url: mcp.to_string(),
        request_headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        request: message.to_string().into_bytes(),
        status: 200,
        response_headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        response: answer.to_string().into_bytes(),
    })
}
