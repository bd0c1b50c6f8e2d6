//! The whole: whether it is there, what it can be told, and back to its start.

use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::openapi;
use super::refusal::LabError;
use super::route::{Done, Nothing, Route, get, post};
use crate::world::State;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/lab/health", "Whether the emulator answers", health),
        get("/lab/openapi.json", "This document", description),
        post(
            "/lab/reset",
            "Back to the start: world, codes, refresh tokens, sessions, journal. The clock stays",
            reset,
        ),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// Always true: who cannot answer does not.
    ready: bool,
}

async fn health(_: Arc<State>, _: Nothing) -> Result<Health, LabError> {
    Ok(Health { ready: true })
}

async fn description(_: Arc<State>, _: Nothing) -> Result<&'static Value, LabError> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::document(super::table()));
    Ok(&*DOCUMENT)
}

async fn reset(state: Arc<State>, _: Nothing) -> Result<Done, LabError> {
    state.reset();
    Ok(Done {})
}
