//! App registrations: listed, added with all that belongs to them, removed.

use std::sync::Arc;

use fixtures::ids::AppId;
use fixtures::own_apps::OwnApp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::directory::app;
use super::refusal::{LabError, Refusal};
use super::route::{Done, Nothing, Route, get, post};
use crate::change::{AppChange, Change};
use crate::world::State;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/lab/apps", "App registrations", list),
        post(
            "/lab/apps/add",
            "Adds a registration of your own: client id, secrets, certificates, redirect URIs, permissions, grants",
            add,
        )
        .refuses(&[Refusal::Missing, Refusal::Conflict]),
        post("/lab/apps/remove", "Removes a registration: nobody can sign in to it any more", remove)
            .refuses(&[Refusal::Missing]),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AppRow {
    /// What rows and controls call it.
    name: String,
    /// Application (client) id.
    #[schemars(with = "Uuid")]
    client_id: AppId,
    /// Shown on consent pages.
    display_name: String,
    /// Home tenant, by name.
    home: String,
    /// Whether other tenants may use it.
    multi_tenant: bool,
    /// App ID URIs.
    identifier_uris: Vec<String>,
    /// Redirect URIs of all platforms.
    redirect_uris: Vec<String>,
}

async fn list(state: Arc<State>, _: Nothing) -> Result<Vec<AppRow>, LabError> {
    let world = state.world();
    let rows = world.apps.all().map(|app| AppRow {
        name: app.name.clone(),
        client_id: app.app_id,
        display_name: app.display_name.clone(),
        home: app.home.clone(),
        multi_tenant: app.multi_tenant,
        identifier_uris: app.identifier_uris.clone(),
        redirect_uris: app.redirect_uris.iter().map(|redirect| redirect.uri.clone()).collect(),
    });
    Ok(rows.collect())
}

async fn add(state: Arc<State>, asked: OwnApp) -> Result<Done, LabError> {
    if let Some(what) = asked.contradiction() {
        return Err(LabError::bad(what));
    }
    let changes = Change::own_app(&state.world(), &asked)?;
    state.apply_all(changes)?;
    Ok(Done {})
}

/// One application.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// Name or application id.
    app: String,
}

async fn remove(state: Arc<State>, asked: One) -> Result<Done, LabError> {
    let id = app(&state.world(), &asked.app)?.app_id;
    state.apply(Change::App(AppChange::Remove(id)))?;
    Ok(Done {})
}
