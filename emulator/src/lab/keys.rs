//! Signing keys: listed, announced, rolled over, removed in a hurry.

use std::sync::Arc;

use fixtures::ids::TenantId;
use fixtures::plan::KeyIssuer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::directory::tenant;
use super::refusal::{LabError, Refusal};
use super::route::{Nothing, Route, get, post};
use crate::entra::keys::{Key, RingError};
use crate::world::State;

pub(super) fn routes() -> Vec<Route> {
    const MISSING: &[Refusal] = &[Refusal::Missing];
    vec![
        get("/lab/keys", "Signing keys, and how many tokens they signed", list),
        post("/lab/keys/add", "Announces a key: brought, or the next spare one, or a new one", add)
            .refuses(&[Refusal::Missing, Refusal::Conflict]),
        post("/lab/keys/activate", "Signs with an announced key from now on", activate).refuses(MISSING),
        post(
            "/lab/keys/roll-over",
            "A planned roll-over: the announced key signs, the old one stays published, another is announced",
            roll_over,
        )
        .refuses(MISSING),
        post(
            "/lab/keys/remove",
            "An emergency: the key leaves the documents at once, and nothing it signed is good any more",
            remove,
        )
        .refuses(&[Refusal::Missing, Refusal::Conflict]),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
struct KeyList {
    /// Tokens signed since the start.
    signatures: u64,
    /// In the order of the documents.
    keys: Vec<KeyRow>,
    /// Ids of keys that are not published yet.
    spare: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct KeyRow {
    /// `kid` and `x5t`.
    kid: String,
    /// The one tenant whose tokens it may sign; every organization's without it.
    #[schemars(with = "Option<Uuid>")]
    tenant: Option<TenantId>,
    /// Whether it signs now.
    active: bool,
}

async fn list(state: Arc<State>, _: Nothing) -> Result<KeyList, LabError> {
    Ok(shown(&state))
}

fn shown(state: &State) -> KeyList {
    let published = state.keys.published();
    let row = |(at, key): (usize, &Arc<Key>)| KeyRow {
        kid: key.kid().to_owned(),
        tenant: match key.issuer() {
            KeyIssuer::Template => None,
            KeyIssuer::Tenant(tenant) => Some(*tenant),
        },
        active: !published.iter().take(at).any(|before| before.issuer() == key.issuer()),
    };
    KeyList {
        signatures: state.keys.signatures(),
        keys: published.iter().enumerate().map(row).collect(),
        spare: state.keys.spare().iter().map(|key| key.kid().to_owned()).collect(),
    }
}

/// A key to announce.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Add {
    /// The tenant whose own it is: name, domain or id. Without it the key is shared by all organizations.
    #[serde(default)]
    tenant: Option<String>,
    /// RSA private key, PKCS#8 PEM.
    #[serde(default)]
    private_key: Option<String>,
}

async fn add(state: Arc<State>, asked: Add) -> Result<KeyRow, LabError> {
    let issuer = issuer(&state, asked.tenant.as_deref())?;
    let key = state.keys.publish(issuer, asked.private_key.as_deref())?;
    row(&state, key.kid())
}

fn issuer(state: &State, name: Option<&str>) -> Result<KeyIssuer, LabError> {
    let world = state.world();
    name.map_or(Ok(KeyIssuer::Template), |name| tenant(&world, name).map(|tenant| KeyIssuer::Tenant(tenant.id)))
}

fn row(state: &State, kid: &str) -> Result<KeyRow, LabError> {
    let mut rows = shown(state).keys.into_iter();
    rows.find(|row| row.kid == kid).ok_or_else(|| LabError::missing("key", kid))
}

/// One key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// Its id.
    kid: String,
}

async fn activate(state: Arc<State>, asked: One) -> Result<KeyRow, LabError> {
    state.keys.activate(&asked.kid)?;
    row(&state, &asked.kid)
}

/// Whose key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Whose {
    /// The tenant's own: name, domain or id. Without it the shared one.
    #[serde(default)]
    tenant: Option<String>,
}

async fn roll_over(state: Arc<State>, asked: Whose) -> Result<KeyList, LabError> {
    state.keys.roll_over(&issuer(&state, asked.tenant.as_deref())?)?;
    Ok(shown(&state))
}

async fn remove(state: Arc<State>, asked: One) -> Result<KeyList, LabError> {
    state.keys.remove(&asked.kid)?;
    Ok(shown(&state))
}

impl From<RingError> for LabError {
    fn from(error: RingError) -> Self {
        let refusal = match error {
            RingError::Unknown(_) => Refusal::Missing,
            RingError::Published(_) | RingError::Last(_) => Refusal::Conflict,
            RingError::Key(_) => Refusal::Malformed,
        };
        Self::new(refusal, error.to_string())
    }
}
