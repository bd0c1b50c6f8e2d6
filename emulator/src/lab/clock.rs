//! The world's clock: read, moved, set.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LabError;
use super::route::{Nothing, Route, get, post};
use crate::world::State;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/lab/clock", "The world's clock", read),
        post("/lab/clock", "Moves or sets the clock: one of the two", set),
    ]
}

/// `{"advance": "PT1H"}` or `{"set": "2026-01-12T10:00:00Z"}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// By how much: an ISO 8601 duration of hours, minutes, seconds; `-PT1H` moves back.
    advance: Option<SignedDuration>,
    /// To which instant.
    set: Option<Timestamp>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Time {
    /// The world's time.
    now: Timestamp,
    /// Whether it runs with the machine's clock, or stands until moved.
    running: bool,
}

async fn read(state: Arc<State>, _: Nothing) -> Result<Time, LabError> {
    Ok(shown(&state))
}

async fn set(state: Arc<State>, to: Move) -> Result<Time, LabError> {
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

fn shown(state: &State) -> Time {
    Time { now: state.clock.now(), running: state.clock.is_running() }
}
