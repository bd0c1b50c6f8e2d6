//! What was asked: audit rows, counts, fingerprints, raw exchanges.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Shared};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::LabError;
use super::directory::tenant;
use super::guard::Body;
use crate::world::State;

/// `?since=17&tenant=contoso`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    #[serde(default)]
    since: u64,
    #[serde(default)]
    tenant: Option<String>,
}

pub(super) async fn audit(
    Shared(state): Shared<Arc<State>>,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Json<Value>, LabError> {
    let Query(asked) = query.map_err(|error| LabError::bad(error.body_text()))?;
    let of = asked.tenant.map(|name| tenant(&state.world(), &name).map(|tenant| tenant.id)).transpose()?;
    let mut rows = state.journal.audit_since(asked.since);
    if of.is_some() {
        rows.retain(|row| row.tenant == of);
    }
    Ok(Json(json!({ "rows": rows })))
}

pub(super) async fn fingerprint(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let world = state.world();
    let (content, directory) = (world.content_fingerprint(), world.directory_fingerprint());
    let both = Sha256::new().chain_update(content).chain_update(directory).finalize();
    Json(json!({ "fingerprint": hex(&both), "content": hex(&content), "directory": hex(&directory) }))
}

pub(super) async fn unmodelled(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let items = state.journal.unmodelled_counts();
    Json(json!({ "count": items.values().sum::<u64>(), "items": items }))
}

/// `{"on": true}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recording {
    on: bool,
}

pub(super) async fn record(Shared(state): Shared<Arc<State>>, Body(recording): Body<Recording>) -> Json<Value> {
    state.journal.record(recording.on);
    Json(json!({ "on": recording.on }))
}

pub(super) async fn exchanges(
    Shared(state): Shared<Arc<State>>,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Json<Value>, LabError> {
    let Query(asked) = query.map_err(|error| LabError::bad(error.body_text()))?;
    Ok(Json(json!({ "exchanges": state.journal.exchanges_since(asked.since) })))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
