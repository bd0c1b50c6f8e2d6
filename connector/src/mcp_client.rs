//! How is one call put on the wire, and what came back? As a single JSON-RPC request of MCP's stateless revision: no
//! session, nothing that a second person's call could meet
//! (<https://modelcontextprotocol.io/specification/2026-07-28/basic/transports>).

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use crate::answer;
use crate::entra::challenge;

const REVISION: &str = "2026-07-28";

/// The largest answer of the server that is read.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Long enough for a search that the server retries.
const PATIENCE: Duration = Duration::from_mins(2);

/// A client of one MCP server.
pub(crate) struct McpClient {
    mcp: Url,
    name: &'static str,
    http: reqwest::Client,
}

/// One JSON-RPC request.
pub(crate) enum Request {
    ListTools,
    CallTool { name: String, arguments: Map<String, Value> },
}

/// What the server answered.
pub(crate) enum Answer {
    /// The JSON-RPC result.
    Result(Value),
    /// A JSON-RPC error, in the server's words.
    Rejected(String),
    /// The token is refused, or there was none.
    TokenRefused(Asked),
    /// The person or the tenant is refused, or the token lacks a scope.
    Forbidden { code: String, message: String, asked: Asked },
    /// Too many calls; seconds to wait, as the server wrote them.
    Throttled(Option<String>),
}

/// What the challenge of a refusal asks for.
pub(crate) struct Asked {
    /// Claims that another token must bring, as JSON text.
    pub(crate) claims: Option<String>,
    /// Scopes that another token must have.
    pub(crate) scope: Option<String>,
    /// Where the server says who gives tokens.
    pub(crate) resource_metadata: Option<String>,
}

#[derive(Deserialize)]
struct RpcAnswer {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    result: Option<Value>,
    #[serde(default)]
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
    message: String,
}

impl McpClient {
    /// `name` is what the server is told about who asks.
    pub(crate) fn new(mcp: Url, name: &'static str, http: reqwest::Client) -> Self {
        Self { mcp, name, http }
    }

    /// Sends `request` with `token`. `Err` says in what way the server could not be understood.
    pub(crate) async fn send(&self, request: &Request, token: Option<&SecretString>) -> Result<Answer, String> {
        let answer = self
            .http
            .post(self.mcp.clone())
            .headers(request.headers(token)?)
            .timeout(PATIENCE)
            .json(&request.body(self.name))
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status == StatusCode::UNAUTHORIZED {
            return Ok(Answer::TokenRefused(Asked::from(&headers)));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            let after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            return Ok(Answer::Throttled(after.map(str::to_owned)));
        }
        let body = answer::read(answer, MAX_ANSWER).await?;
        if status == StatusCode::FORBIDDEN {
            let (code, message) = forbidden(&body);
            return Ok(Answer::Forbidden { code, message, asked: Asked::from(&headers) });
        }
        rpc_answer(&headers, &body).ok_or_else(|| format!("the server answered {status} without a JSON-RPC message"))
    }
}

impl Request {
    fn method(&self) -> &'static str {
        match self {
            Self::ListTools => "tools/list",
            Self::CallTool { .. } => "tools/call",
        }
    }

    fn headers(&self, token: Option<&SecretString>) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .map_err(|_| "the token cannot be sent in a header".to_owned())?;
            bearer.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, bearer);
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert("mcp-protocol-version", HeaderValue::from_static(REVISION));
        headers.insert("mcp-method", HeaderValue::from_static(self.method()));
        if let Self::CallTool { name, .. } = self {
            let name =
                HeaderValue::from_str(name).map_err(|_| "the tool's name cannot be sent in a header".to_owned())?;
            headers.insert("mcp-name", name);
        }
        Ok(headers)
    }

    fn body(&self, name: &str) -> Value {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientInfo": { "name": name, "version": env!("CARGO_PKG_VERSION") },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = match self {
            Self::ListTools => json!({ "_meta": meta }),
            Self::CallTool { name, arguments } => json!({ "name": name, "arguments": arguments, "_meta": meta }),
        };
        json!({ "jsonrpc": "2.0", "id": 1, "method": self.method(), "params": params })
    }
}

impl From<&HeaderMap> for Asked {
    fn from(headers: &HeaderMap) -> Self {
        Self {
            claims: challenge::claims(headers),
            scope: challenge::bearer(headers, "scope"),
            resource_metadata: challenge::bearer(headers, "resource_metadata"),
        }
    }
}

fn rpc_answer(headers: &HeaderMap, body: &[u8]) -> Option<Answer> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let answer = if kind.starts_with("text/event-stream") {
        events(std::str::from_utf8(body).ok()?).find_map(|data| final_message(data.as_bytes()))?
    } else {
        final_message(body)?
    };
    match (answer.result, answer.error) {
        (Some(result), None) => Some(Answer::Result(result)),
        (None, Some(error)) => Some(Answer::Rejected(format!("{} ({})", error.message, error.code))),
        _ => None,
    }
}

/// The answer to our request; notifications on the way to it are none of a REST caller's business.
fn final_message(json: &[u8]) -> Option<RpcAnswer> {
    let answer: RpcAnswer = serde_json::from_slice(json).ok()?;
    let ours = answer.id == json!(1) || (answer.id.is_null() && answer.error.is_some());
    ours.then_some(answer)
}

/// The data of each server-sent event (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
fn events(stream: &str) -> impl Iterator<Item = String> + '_ {
    let mut lines = stream.lines();
    std::iter::from_fn(move || {
        let mut data: Option<String> = None;
        for line in lines.by_ref() {
            if line.is_empty() {
                if data.is_some() {
                    return data;
                }
            } else if let Some(text) = line.strip_prefix("data:") {
                let text = text.strip_prefix(' ').unwrap_or(text);
                match &mut data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(text);
                    }
                    None => data = Some(text.to_owned()),
                }
            }
        }
        data
    })
}

/// Code and message of a 403: `{"error":{"code","message"}}`, or OAuth's `{"error","error_description"}`.
fn forbidden(body: &[u8]) -> (String, String) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let code = text("/error/code").or_else(|| text("/error")).unwrap_or_default();
    let message = text("/error/message").or_else(|| text("/error_description")).unwrap_or_else(|| "refused".to_owned());
    (code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_found_behind_notifications() {
        let stream = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n: keep-alive\n\n\
                      data: {\"jsonrpc\":\"2.0\",\"id\":1,\ndata: \"result\":{\"ok\":true}}\n\n";
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        let Some(Answer::Result(result)) = rpc_answer(&headers, stream.as_bytes()) else { panic!("no result") };
        assert_eq!(result, json!({ "ok": true }));
    }

    #[test]
    fn an_answer_to_another_request_is_none() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert!(rpc_answer(&headers, br#"{"jsonrpc":"2.0","id":2,"result":{}}"#).is_none());
        assert!(rpc_answer(&headers, b"[]").is_none());
    }
}
