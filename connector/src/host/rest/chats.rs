//! Conversations: opened, asked in, shared, searched, exported, followed, deleted.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::broadcast;

use super::super::chats::{ChatView, Export, Found, Listed, Question, Switches, TurnView};
use super::super::error::{HostError, Refusal};
use super::super::member::{HostUser, Member};
use super::super::notes::Event;
use super::asker::Asker;
use super::json_body::JsonBody;
use super::session::Done;
use super::tools::is_tool_name;
use super::{Host, Services};

/// Chats, newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct ChatList {
    chats: Vec<Listed>,
}

/// What a search found.
#[derive(Serialize, JsonSchema)]
pub(super) struct Hits {
    found: Vec<Found>,
}

/// A new chat.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewChat {
    #[serde(default)]
    title: Option<String>,
}

/// A question.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    question: String,
    /// The tool to call; the assistant chooses otherwise.
    #[serde(default)]
    tool: Option<String>,
    /// What the tool is given.
    #[serde(default)]
    arguments: Map<String, Value>,
}

/// Who is let in, or out again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Share {
    with: Vec<HostUser>,
    /// `false` lets them out again.
    #[serde(default = "yes")]
    shared: bool,
}

const fn yes() -> bool {
    true
}

pub(super) async fn list(State(host): State<Host>, asker: Asker) -> Result<Json<ChatList>, HostError> {
    Ok(Json(ChatList { chats: host.chats.list(&asker.member(&host)?).await? }))
}

pub(super) async fn create(
    State(host): State<Host>,
    asker: Asker,
    JsonBody(NewChat { title }): JsonBody<NewChat>,
) -> Result<Json<ChatView>, HostError> {
    Ok(Json(host.chats.create(&asker.member(&host)?, title).await?))
}

pub(super) async fn read(
    State(host): State<Host>,
    asker: Asker,
    Path(chat): Path<String>,
) -> Result<Json<ChatView>, HostError> {
    Ok(Json(host.chats.read(&asker.member(&host)?, &chat).await?))
}

pub(super) async fn delete(
    State(host): State<Host>,
    asker: Asker,
    Path(chat): Path<String>,
) -> Result<Json<Done>, HostError> {
    host.chats.delete(&asker.member(&host)?, &chat).await?;
    Ok(Json(Done { done: true }))
}

pub(super) async fn ask(
    State(host): State<Host>,
    asker: Asker,
    Path(chat): Path<String>,
    JsonBody(Ask { question, tool, arguments }): JsonBody<Ask>,
) -> Result<Json<TurnView>, HostError> {
    let member = asker.admitted(&host)?;
    if tool.as_deref().is_some_and(|tool| !is_tool_name(tool)) {
        return Err(Refusal::Malformed("A tool's name has 1 to 128 letters, digits, `_`, `-` or `.`.").into());
    }
    let question = Question { text: question, tool: tool.map(|tool| (tool, arguments)) };
    let switches = switches(&host, &asker, &member);
    // A task of its own: a page that goes away does not leave half a turn behind.
    let asking = tokio::spawn(async move { host.chats.ask(&member, &chat, question, &switches).await });
    Ok(Json(asking.await.map_err(|_| super::super::error::Fault::Interrupted)??))
}

pub(super) async fn share(
    State(host): State<Host>,
    asker: Asker,
    Path(chat): Path<String>,
    JsonBody(Share { with, shared }): JsonBody<Share>,
) -> Result<Json<ChatView>, HostError> {
    let member = asker.member(&host)?;
    let outcome = host.chats.share(&member, &chat, &with, shared).await;
    host.notes.outcome(&member, Event::ChatShared, &outcome);
    Ok(Json(outcome?))
}

pub(super) async fn search(
    State(host): State<Host>,
    asker: Asker,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Json<Hits>, HostError> {
    let text = query.get("q").map(String::as_str).unwrap_or_default();
    Ok(Json(Hits { found: host.chats.search(&asker.member(&host)?, text).await? }))
}

pub(super) async fn export(
    State(host): State<Host>,
    asker: Asker,
    Path(chat): Path<String>,
) -> Result<Json<Export>, HostError> {
    Ok(Json(host.chats.export(&asker.member(&host)?, &chat).await?))
}

/// The turns of a chat as they change, as server-sent events. What each event may show is asked when it is sent, not when the
/// stream began; it ends when its reader may not see the chat any more.
pub(super) async fn events(
    State(host): State<Host>,
    asker: Asker,
    Path(chat): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, HostError> {
    let after = query.get("after").and_then(|after| after.parse().ok()).unwrap_or(0);
    let member = asker.member(&host)?;
    let following =
        Following { changes: host.chats.changes(), told: BTreeMap::new(), started: false, host, member, chat, after };
    // Asked once before, so that a refusal is an answer and not an empty stream.
    following.host.chats.read(&following.member, &following.chat).await?;
    let body = Body::from_stream(stream::unfold(following, Following::next));
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))];
    Ok((kind, body).into_response())
}

struct Following {
    host: Host,
    member: Member,
    chat: String,
    after: u32,
    changes: broadcast::Receiver<super::super::chats::ChatId>,
    told: BTreeMap<u32, TurnView>,
    started: bool,
}

impl Following {
    /// The turns that are new or changed since the last event.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if self.started {
                match self.changes.recv().await {
                    Ok(changed) if changed.as_str() != self.chat => continue,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
            let first = !std::mem::replace(&mut self.started, true);
            let turns = self.host.chats.turns(&self.member, &self.chat, self.after).await.ok()?;
            let mut events = if first { ": here\n\n".to_owned() } else { String::new() };
            for turn in turns {
                if self.told.get(&turn.number) != Some(&turn) {
                    let data = serde_json::to_string(&turn).unwrap_or_default();
                    events.push_str("event: turn\ndata: ");
                    events.push_str(&data);
                    events.push_str("\n\n");
                    self.told.insert(turn.number, turn);
                }
            }
            if !events.is_empty() {
                return Some((Ok(events.into()), self));
            }
        }
    }
}

/// What the asker has off besides what is off in the chat.
pub(super) fn switches(host: &Services, asker: &Asker, member: &Member) -> Switches {
    Switches { user: host.toggles.off(member), session: asker.session.as_ref().map(|(_, session)| session.off.clone()) }
}
