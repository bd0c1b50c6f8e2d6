//! The login host: what Microsoft Entra ID answers at `login.microsoftonline.com`.

pub mod error;
pub mod keys;
pub mod store;
pub mod verify;

use std::sync::Arc;

use axum::Router;

use crate::world::State;

/// Answers every path of the login host.
pub fn router(state: Arc<State>) -> Router {
    Router::new().with_state(state)
}
