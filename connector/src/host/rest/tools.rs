//! The tools, for the person who asks: which there are, which are on, and a call outside any chat, whose result goes to the
//! caller and is kept nowhere.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, Query, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::error::{Fault, HostError, Refusal};
use super::super::notes::Event;
use super::super::policy::Toggles;
use super::super::vault::Record;
use super::Host;
use super::asker::Asker;
use super::chats::switches;
use super::json_body::JsonBody;
use super::session::Done;

/// What `POST /api/tools/{name}` is given.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CallRequest {
    #[serde(default)]
    arguments: Map<String, Value>,
}

/// What a tool answered.
#[derive(Serialize, JsonSchema)]
pub(super) struct CallAnswer {
    tool: String,
    /// MCP's `CallToolResult`, also with `isError`.
    result: Value,
}

/// The tools that the server shows this person.
#[derive(Serialize, JsonSchema)]
pub(super) struct ToolList {
    /// As the server describes them, each with `on`: where it is switched on. Those that the asker has off everywhere come with
    /// their name alone.
    tools: Vec<Value>,
}

/// Where a tool is on.
#[derive(Serialize, JsonSchema)]
struct On {
    user: bool,
    /// In the chat that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<bool>,
    /// In this browser session.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<bool>,
}

/// A switch of one tool.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolSwitch {
    on: bool,
    /// Only in this chat, for everybody there.
    #[serde(default)]
    chat: Option<String>,
    /// Only in this browser session.
    #[serde(default)]
    session: bool,
}

/// Which chat the tools are listed for.
#[derive(Deserialize)]
pub(super) struct InChat {
    #[serde(default)]
    chat: Option<String>,
}

pub(super) async fn list(
    State(host): State<Host>,
    asker: Asker,
    Query(InChat { chat }): Query<InChat>,
) -> Result<Json<ToolList>, HostError> {
    let member = asker.admitted(&host)?;
    let in_chat = match chat {
        Some(chat) => Some(host.chats.off(&member, &chat).await?),
        None => None,
    };
    let listed = host.tools.list(&member).await?;
    let switches = switches(&host, &asker, &member);
    let mut tools = listed.get("tools").and_then(Value::as_array).cloned().unwrap_or_default();
    // The server does not show what somebody has off; here they must find it, to have it on again.
    for off in &switches.user {
        if !tools.iter().any(|tool| tool.get("name").and_then(Value::as_str) == Some(off)) {
            tools.push(json!({ "name": off }));
        }
    }
    for tool in &mut tools {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let on = |off: &BTreeSet<String>| !off.contains(&name);
        let on =
            On { user: on(&switches.user), chat: in_chat.as_ref().map(on), session: switches.session.as_ref().map(on) };
        if let (Some(tool), Ok(on)) = (tool.as_object_mut(), serde_json::to_value(on)) {
            tool.insert("on".to_owned(), on);
        }
    }
    Ok(Json(ToolList { tools }))
}

pub(super) async fn call(
    State(host): State<Host>,
    asker: Asker,
    Path(name): Path<String>,
    JsonBody(CallRequest { arguments }): JsonBody<CallRequest>,
) -> Result<Json<CallAnswer>, HostError> {
    let member = asker.admitted(&host)?;
    if !is_tool_name(&name) {
        return Err(Refusal::Malformed("A tool's name has 1 to 128 letters, digits, `_`, `-` or `.`.").into());
    }
    let switches = switches(&host, &asker, &member);
    let toggles = Toggles { user: &switches.user, chat: None, session: switches.session.as_ref() };
    if !(host.policy.tool_on)(&toggles, &name) {
        return Err(Refusal::ToolOff(name).into());
    }
    let result = host.tools.call(&member, name.clone(), arguments).await?;
    // An answer that comes after the gate closed is shown to nobody.
    host.organizations.gate(&member)?;
    Ok(Json(CallAnswer { tool: name, result }))
}

/// Switches a tool for the asker everywhere, in one chat, or in this session. Open while the connector is off: off stays off.
pub(super) async fn switch(
    State(host): State<Host>,
    asker: Asker,
    Path(name): Path<String>,
    JsonBody(ToolSwitch { on, chat, session }): JsonBody<ToolSwitch>,
) -> Result<Json<Done>, HostError> {
    let member = asker.member(&host)?;
    if !is_tool_name(&name) {
        return Err(Refusal::Malformed("A tool's name has 1 to 128 letters, digits, `_`, `-` or `.`.").into());
    }
    match (chat, session, &asker.session) {
        (Some(chat), false, _) => drop(host.chats.switch(&member, &chat, &name, on).await?),
        (None, true, Some((id, _))) => {
            if !host.sessions.switch(*id, &name, on) {
                return Err(Refusal::Unauthenticated.into());
            }
        }
        (None, true, None) => {
            return Err(Refusal::Malformed("There is no session: this came with an API token.").into());
        }
        (Some(_), true, _) => return Err(Refusal::Malformed("Name a chat or the session, not both.").into()),
        (None, false, _) => {
            let stored = host.vault.read(&member).await.map_err(Fault::Vault)?;
            let account = match stored.map(|stored| stored.record) {
                Some(Record::Connected(connected)) => Some(connected.account),
                Some(Record::Ended(_)) | None => None,
            };
            host.toggles.switch(&member, account.as_ref(), &name, on).await?;
        }
    }
    host.notes.tool(&member, Event::ToolSwitched, &name, if on { "on" } else { "off" });
    Ok(Json(Done { done: true }))
}

/// The names MCP allows (<https://modelcontextprotocol.io/specification/2026-07-28/server/tools#tool-names>).
pub(super) fn is_tool_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}
