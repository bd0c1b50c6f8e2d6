//! The tools, for the person who asks: the server's answer to their call goes to them and is kept nowhere.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::error::{HostError, Refusal};
use super::Host;
use super::asker::Asker;
use super::json_body::JsonBody;

/// What `POST /api/tools/{name}` is given.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallRequest {
    #[serde(default)]
    arguments: Map<String, Value>,
}

pub(super) async fn list(State(host): State<Host>, Asker(user): Asker) -> Result<Json<Value>, HostError> {
    let member = host.organizations.gate(&user)?;
    let listed = host.tools.list(&member).await?;
    Ok(Json(json!({ "tools": listed.get("tools").cloned().unwrap_or_else(|| json!([])) })))
}

pub(super) async fn call(
    State(host): State<Host>,
    Asker(user): Asker,
    Path(name): Path<String>,
    JsonBody(CallRequest { arguments }): JsonBody<CallRequest>,
) -> Result<Json<Value>, HostError> {
    let member = host.organizations.gate(&user)?;
    if !is_tool_name(&name) {
        return Err(Refusal::Malformed("A tool's name has 1 to 128 letters, digits, `_`, `-` or `.`.").into());
    }
    let result = host.tools.call(&member, name.clone(), arguments).await?;
    Ok(Json(json!({ "tool": name, "result": result })))
}

/// The names MCP allows (<https://modelcontextprotocol.io/specification/2026-07-28/server/tools#tool-names>).
fn is_tool_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}
