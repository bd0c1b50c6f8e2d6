//! An owner's switch: on or off, for everybody in the organization, from the next call on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::error::{Fault, HostError};
use super::Host;
use super::asker::Asker;
use super::json_body::JsonBody;

/// What `POST /api/organization` is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Switch {
    connector_enabled: bool,
}

pub(super) async fn switch(
    State(host): State<Host>,
    Asker(user): Asker,
    JsonBody(Switch { connector_enabled }): JsonBody<Switch>,
) -> Result<Json<Value>, HostError> {
    let organizations = Arc::clone(&host.organizations);
    let switched = tokio::task::spawn_blocking(move || organizations.switch(&user, connector_enabled));
    let owner = switched.await.map_err(|_| Fault::Interrupted)?.map_err(Fault::Vault)??;
    tracing::info!(%owner, connector_enabled, "an owner switched the connector");
    Ok(Json(json!({ "name": owner.organization, "connectorEnabled": connector_enabled })))
}
