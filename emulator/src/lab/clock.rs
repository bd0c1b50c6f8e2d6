//! The world's clock: read, moved, set.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::LabError;
use super::guard::Body;
use crate::world::State;

/// `{"advance": "PT1H"}` or `{"set": "2026-01-12T10:00:00Z"}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    advance: Option<SignedDuration>,
    set: Option<Timestamp>,
}

pub(super) async fn read(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    shown(&state)
}

pub(super) async fn set(Shared(state): Shared<Arc<State>>, Body(to): Body<Move>) -> Result<Json<Value>, LabError> {
    match to {
        Move { advance: Some(by), set: None } => state.clock.advance(by),
        Move { advance: None, set: Some(instant) } => state.clock.set(instant),
        _ => {
            return Err(LabError::bad(
                "say either \"advance\" (an ISO 8601 duration of hours, minutes, seconds) or \"set\" (an instant)",
            ));
        }
    }
    Ok(shown(&state))
}

fn shown(state: &State) -> Json<Value> {
    Json(json!({ "now": state.clock.now(), "running": state.clock.is_running() }))
}
