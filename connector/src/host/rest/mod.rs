//! The host's addresses, who may use them, and the shapes of its answers: JSON for programs, pages for browsers.

mod asker;
mod callback;
mod chats;
mod connection;
mod cookies;
mod json_body;
mod organization;
mod page;
mod route;
mod session;
mod tools;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router, middleware};
use http::{HeaderValue, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::chats::{ChatView, Chats, Export, TurnView};
use super::connect::{Connect, Consents};
use super::error::Refusal;
use super::identity::Identity;
use super::member::HostUser;
use super::notes::Notes;
use super::organizations::Organizations;
use super::policy::HostPolicy;
use super::sessions::Sessions;
use super::toggles::UserToggles;
use super::tools::Tools;
use super::users::Users;
use super::vault::TokenVault;
use crate::clock::Clock;
use route::{Access, Gives, Route, body};

/// Arguments of a tool call are small.
const MAX_BODY: usize = 1024 * 1024;

/// What the addresses work with.
pub(super) struct Services {
    pub(super) users: Users,
    /// Everybody whom the configuration names.
    pub(super) people: BTreeSet<HostUser>,
    pub(super) identity: Arc<dyn Identity>,
    pub(super) sessions: Sessions,
    pub(super) organizations: Arc<Organizations>,
    pub(super) connect: Connect,
    pub(super) consents: Consents,
    pub(super) tools: Arc<Tools>,
    pub(super) toggles: Arc<UserToggles>,
    pub(super) chats: Chats,
    pub(super) vault: Arc<dyn TokenVault>,
    pub(super) notes: Notes,
    pub(super) policy: HostPolicy,
    pub(super) clock: Arc<dyn Clock>,
    /// Whether browsers reach the host by https.
    pub(super) secure: bool,
    /// The origin that browsers reach it under.
    pub(super) origin: String,
    /// What describes the addresses.
    pub(super) openapi: Value,
}

type Host = Arc<Services>;

const fn json<T: JsonSchema>() -> Gives {
    Gives::Json(body::<T>)
}

const fn row(
    method: &'static str,
    path: &'static str,
    access: Access,
    does: &'static str,
    gives: Gives,
    handler: fn() -> MethodRouter<Host>,
) -> Route {
    Route { method, path, does, access, query: &[], takes: None, gives, handler }
}

const fn taking<T: JsonSchema>(route: Route) -> Route {
    Route { takes: Some(body::<T>), ..route }
}

const fn asked(route: Route, query: &'static [(&'static str, &'static str)]) -> Route {
    Route { query, ..route }
}

/// Every address.
#[rustfmt::skip]
const ROUTES: &[Route] = &[
    row("GET", "/api/health", Access::Open, "Says that the host serves.", json::<Health>(), || get(health)),
    row("GET", "/api/openapi.json", Access::Open, "This document.", json::<Value>(), || get(openapi)),
    row("GET", "/api/session", Access::Open, "Who this browser is signed in as, and who can be picked.", json::<session::SessionAnswer>(), || get(session::show)),
    taking::<session::Begin>(row("POST", "/api/session", Access::Open, "Signs this browser in to the host.", json::<session::SessionAnswer>(), || post(session::begin))),
    row("DELETE", "/api/session", Access::Person, "Signs this browser out.", json::<session::Done>(), || axum::routing::delete(session::end)),
    row("GET", "/api/me", Access::Person, "How things stand for the asker.", json::<connection::Me>(), || get(connection::me)),
    taking::<connection::ConnectRequest>(row("POST", "/api/connect", Access::Admitted, "Starts a sign-in; sets the cookie that the same browser must bring back.", json::<connection::Elsewhere>(), || post(connection::connect))),
    row("GET", "/connect/callback", Access::Open, "The issuer sends the browser here after a sign-in.", Gives::Page, || get(callback::finish)),
    row("POST", "/api/disconnect", Access::Person, "Forgets the asker's tokens and sign-ins under way.", json::<connection::Disconnected>(), || post(connection::disconnect)),
    taking::<connection::ConsentRequest>(row("POST", "/api/admin-consent", Access::Admitted, "Starts an administrator's consent: the server's application, then the client's.", json::<connection::Elsewhere>(), || post(connection::admin_consent))),
    row("GET", "/connect/admin-consent", Access::Open, "The issuer sends the administrator's browser here after each consent.", Gives::Page, || get(callback::consented)),
    taking::<organization::Switch>(row("POST", "/api/organization", Access::Owner, "Turns the connector on or off; acts on the next call.", json::<organization::Switched>(), || post(organization::switch))),
    asked(row("GET", "/api/tools", Access::Admitted, "The tools that the server shows the asker, and where they are on.", json::<tools::ToolList>(), || get(tools::list)), &[("chat", "also say whether they are on in this chat")]),
    taking::<tools::CallRequest>(row("POST", "/api/tools/{name}", Access::Admitted, "Calls a tool with the asker's token; keeps nothing.", json::<tools::CallAnswer>(), || post(tools::call))),
    taking::<tools::ToolSwitch>(row("PUT", "/api/tools/{name}", Access::Person, "Switches a tool for the asker, in a chat, or in this session.", json::<session::Done>(), || axum::routing::put(tools::switch))),
    row("GET", "/api/chats", Access::Person, "The chats that the asker may see.", json::<chats::ChatList>(), || get(chats::list)),
    taking::<chats::NewChat>(row("POST", "/api/chats", Access::Person, "Opens a chat.", json::<ChatView>(), || post(chats::create))),
    asked(row("GET", "/api/chats/search", Access::Person, "Turns that hold a text, as the asker sees them.", json::<chats::Hits>(), || get(chats::search)), &[("q", "the text")]),
    row("GET", "/api/chats/{chat}", Access::Person, "A chat; raw results of tool calls for whoever made them.", json::<ChatView>(), || get(chats::read)),
    row("DELETE", "/api/chats/{chat}", Access::Person, "Forgets a chat and every result in it; its owner's alone to do.", json::<session::Done>(), || axum::routing::delete(chats::delete)),
    taking::<chats::Ask>(row("POST", "/api/chats/{chat}/ask", Access::Admitted, "Asks; the tool is called with the asker's own token.", json::<TurnView>(), || post(chats::ask))),
    taking::<chats::Share>(row("POST", "/api/chats/{chat}/share", Access::Person, "Lets colleagues in, or out again; its owner's alone to do.", json::<ChatView>(), || post(chats::share))),
    row("GET", "/api/chats/{chat}/export", Access::Person, "The chat as Markdown, with the asker's own results.", json::<Export>(), || get(chats::export)),
    asked(row("GET", "/api/chats/{chat}/events", Access::Person, "Turns as they change.", Gives::Events, || get(chats::events)), &[("after", "turns from this number on")]),
    row("GET", "/", Access::Open, "The web page.", Gives::Page, || get(page::index)),
    row("GET", "/app.js", Access::Open, "Its script.", Gives::Page, || get(page::script)),
    row("GET", "/app.css", Access::Open, "Its style.", Gives::Page, || get(page::style)),
];

/// The OpenAPI document of the addresses.
pub(super) fn document() -> Value {
    route::openapi(ROUTES)
}

pub(super) fn router(services: Services) -> Router {
    ROUTES
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::map_response(private))
        .with_state(Arc::new(services))
}

#[derive(Serialize, JsonSchema)]
struct Health {
    status: &'static str,
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

async fn openapi(State(host): State<Host>) -> Json<Value> {
    Json(host.openapi.clone())
}

/// Nothing here is for a cache, and the callback's address (it holds a code) is for no other site.
async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
