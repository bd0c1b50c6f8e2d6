//! Tokens on demand: as the service writes them, or as it never would.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::ids::TenantId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::directory::{app, tenant, user};
use super::refusal::{LabError, Refusal};
use super::route::{Route, post};
use crate::entra::keys::{ForgedAlgorithm, Key};
use crate::entra::mint::{Order, genuine};
use crate::world::{State, World};

pub(super) fn routes() -> Vec<Route> {
    vec![
        post(
            "/lab/mint",
            "A token with any claims, header, key and algorithm; the directory is not asked whether anybody may have it",
            mint,
        )
        .refuses(&[Refusal::Missing]),
    ]
}

/// What the token says. With `tenant`, `user` and `client` it starts as the service would write it; `claims` and `header` then change
/// it, member by member. Without them it starts empty.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mint {
    /// Whose token: name, domain or id of a tenant.
    #[serde(default)]
    tenant: Option<String>,
    /// A user of that tenant: handle, user principal name or object id.
    #[serde(default)]
    user: Option<String>,
    /// The client it is issued to: name or application id.
    #[serde(default)]
    client: Option<String>,
    /// The resource it is for: name or application id. Without it the token is an id token for the client.
    #[serde(default)]
    resource: Option<String>,
    /// Its scopes; without them all that were granted.
    #[serde(default)]
    scopes: Option<BTreeSet<String>>,
    /// Whether the client declared `cp1`.
    #[serde(default)]
    claims_capable: bool,
    /// Claims to set; `null` takes one out.
    #[serde(default)]
    claims: Map<String, Value>,
    /// The payload as text, instead of all claims: what JSON cannot say (a claim twice, no JSON at all).
    #[serde(default)]
    payload: Option<String>,
    /// The payload as bytes, base64url without padding.
    #[serde(default)]
    payload_bytes: Option<String>,
    /// Header members to set; `null` takes one out. `alg` here says so and no more: `algorithm` is what is done.
    #[serde(default)]
    header: Map<String, Value>,
    /// What it is signed with: the id of any key of `GET /lab/keys`, published or spare. Without it the tenant's active key.
    #[serde(default)]
    key: Option<String>,
    /// How it is signed.
    #[serde(default)]
    algorithm: ForgedAlgorithm,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Minted {
    /// Compact serialization.
    token: String,
    /// Its header.
    header: Map<String, Value>,
    /// Its claims, where the payload is JSON.
    claims: Option<Map<String, Value>>,
}

async fn mint(state: Arc<State>, asked: Mint) -> Result<Minted, LabError> {
    let world = state.world();
    let of = asked.tenant.as_deref().map(|name| tenant(&world, name)).transpose()?.map(|tenant| tenant.id);
    let (mut header, mut claims) = match of {
        Some(of) if asked.user.is_some() || asked.client.is_some() => start(&state, &world, of, &asked)?,
        _ if asked.user.is_some() || asked.client.is_some() || asked.resource.is_some() => {
            return Err(LabError::bad("\"user\", \"client\" and \"resource\" belong to a \"tenant\""));
        }
        _ => (Map::new(), Map::new()),
    };
    change(&mut claims, &asked.claims);
    let payload = match (&asked.payload, &asked.payload_bytes) {
        (None, None) => serde_json::to_vec(&claims).map_err(|error| LabError::bad(error.to_string()))?,
        (Some(text), None) => text.clone().into_bytes(),
        (None, Some(bytes)) => URL_SAFE_NO_PAD
            .decode(bytes)
            .map_err(|error| LabError::bad(format!("payload_bytes: {error}; base64url without padding is meant")))?,
        (Some(_), Some(_)) => return Err(LabError::bad("say either \"payload\" or \"payload_bytes\"")),
    };
    let key = key(&state, of, asked.key.as_deref())?;
    header.insert("typ".to_owned(), json!("JWT"));
    header.insert("alg".to_owned(), json!(asked.algorithm.name()));
    header.insert("kid".to_owned(), json!(key.kid()));
    if header.contains_key("x5t") {
        header.insert("x5t".to_owned(), json!(key.kid()));
    }
    change(&mut header, &asked.header);
    let token = key
        .forge(&header, &payload, asked.algorithm)
        .ok_or_else(|| LabError::bad("the key is too small for this algorithm"))?;
    Ok(Minted { token, header, claims: serde_json::from_slice(&payload).ok() })
}

type Members = Map<String, Value>;

/// Header and claims of the genuine token.
fn start(state: &State, world: &World, of: TenantId, asked: &Mint) -> Result<(Members, Members), LabError> {
    let tenant = world.tenant(of).ok_or_else(|| LabError::missing("tenant", &of.to_string()))?;
    let (Some(name), Some(client)) = (&asked.user, &asked.client) else {
        return Err(LabError::bad("say both \"user\" and \"client\", or neither"));
    };
    let id = user(tenant, name)?;
    let user = tenant.directory.user(id).ok_or_else(|| LabError::missing("user", name))?;
    let client = app(world, client)?;
    let resource = asked.resource.as_deref().map(|name| app(world, name)).transpose()?;
    let scopes = match (&asked.scopes, resource) {
        (Some(scopes), _) => scopes.clone(),
        (None, Some(resource)) => tenant.directory.granted(client.app_id, resource.app_id, id),
        (None, None) => ["openid", "profile", "email"].map(str::to_owned).into(),
    };
    let order = Order { tenant, user, client, resource, scopes: &scopes, claims_capable: asked.claims_capable };
    let token = genuine(state, world, &order).map_err(|error| LabError::bad(error.to_string()))?;
    let mut parts = token.split('.').map(part);
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(header), Some(claims)) => Ok((header, claims)),
        _ => Err(LabError::bad("no token could be made")),
    }
}

fn part(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn change(members: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, value) in changes {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
}

fn key(state: &State, of: Option<TenantId>, kid: Option<&str>) -> Result<Arc<Key>, LabError> {
    match (kid, of) {
        (Some(kid), _) => state.keys.named(kid).ok_or_else(|| LabError::missing("key", kid)),
        (None, Some(of)) => {
            state.keys.active(of).ok_or_else(|| LabError::missing("key of this tenant", &of.to_string()))
        }
        (None, None) => state.keys.published().into_iter().next().ok_or_else(|| LabError::missing("key", "any")),
    }
}
