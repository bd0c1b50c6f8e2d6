//! An owner's switch: on or off, for everybody in the organization, from the next call on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::error::{Fault, HostError};
use super::super::member::OrganizationName;
use super::super::notes::Event;
use super::Host;
use super::asker::Asker;
use super::json_body::JsonBody;

/// What `POST /api/organization` is given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Switch {
    connector_enabled: bool,
}

/// How the switch stands.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Switched {
    name: OrganizationName,
    connector_enabled: bool,
}

pub(super) async fn switch(
    State(host): State<Host>,
    asker: Asker,
    JsonBody(Switch { connector_enabled }): JsonBody<Switch>,
) -> Result<Json<Switched>, HostError> {
    let owner = asker.member(&host)?;
    let organizations = Arc::clone(&host.organizations);
    let by = owner.clone();
    let switched = tokio::task::spawn_blocking(move || organizations.switch(&by, connector_enabled));
    let outcome = switched.await.map_err(|_| Fault::Interrupted)?.map_err(Fault::Vault)?;
    let event = if connector_enabled { Event::ConnectorEnabled } else { Event::ConnectorDisabled };
    host.notes.outcome(&owner, event, &outcome.map_err(HostError::from));
    outcome?;
    tracing::info!(%owner, connector_enabled, "an owner switched the connector");
    Ok(Json(Switched { name: owner.organization, connector_enabled }))
}
