//! The whole: whether it is there, what it can be told, and back to its start.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::openapi;
use super::refusal::LabError;
use super::route::{Done, Nothing, Route, get, post};
use crate::save;
use crate::world::State;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/lab/health", "Whether the emulator answers", health),
        get("/lab/openapi.json", "This document", description),
        get(
            "/lab/files",
            "The world of this moment as files for `up --fixtures`, and what of it does not come up again",
            files,
        ),
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

/// The world as files.
#[derive(Debug, Serialize, JsonSchema)]
struct Files {
    /// Contents in base64, by path.
    files: BTreeMap<String, String>,
    /// What does not come up again as it is now: one sentence each. Tokens, sessions, the journal, faults and settings are no part of the
    /// world and are not among them.
    lost: Vec<String>,
}

async fn files(state: Arc<State>, _: Nothing) -> Result<Files, LabError> {
    let saved = save::save(&state).map_err(|error| LabError::bad(error.to_string()))?;
    let files = saved.files.into_iter().map(|(path, bytes)| (path, STANDARD.encode(bytes))).collect();
    Ok(Files { files, lost: saved.lost })
}

async fn reset(state: Arc<State>, _: Nothing) -> Result<Done, LabError> {
    state.reset();
    Ok(Done {})
}
