//! Which tenants there are, and copies of them: one for each worker that must not disturb the others.

use std::sync::Arc;

use fixtures::ids::{TenantId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::directory::tenant;
use super::refusal::{LabError, Refusal};
use super::route::{Done, Nothing, Route, get, post};
use crate::change::{Change, TenantChange};
use crate::world::{State, TenantWorld};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/lab/tenants", "Tenants and their users", tenants),
        post(
            "/lab/tenants/clone",
            "Copies a tenant under a new id, with users, grants and content, in a few milliseconds",
            clone,
        )
        .refuses(&[Refusal::Missing, Refusal::Conflict]),
        post("/lab/tenants/delete", "Removes a tenant with everything in it", delete).refuses(&[Refusal::Missing]),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TenantRow {
    /// Short name, for example `contoso`.
    name: String,
    /// `tid`.
    #[schemars(with = "Uuid")]
    id: TenantId,
    /// Verified domain.
    domain: String,
    /// The tenant it was copied from, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_of: Option<String>,
    users: Vec<UserRow>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct UserRow {
    /// The handle of fixture rows, for example `alice`.
    name: String,
    /// `userPrincipalName`.
    upn: String,
    /// Object id: unique only together with the tenant.
    #[schemars(with = "Uuid")]
    id: UserId,
    /// Directory roles.
    roles: Vec<String>,
    /// `accountEnabled`.
    enabled: bool,
}

async fn tenants(state: Arc<State>, _: Nothing) -> Result<Vec<TenantRow>, LabError> {
    Ok(state.world().tenants.values().map(|tenant| TenantRow::of(tenant)).collect())
}

impl TenantRow {
    fn of(tenant: &TenantWorld) -> Self {
        let users = tenant.directory.users().map(|user| UserRow {
            name: user.name.clone(),
            upn: user.upn.clone(),
            id: user.id,
            roles: user.roles.clone(),
            enabled: user.enabled,
        });
        Self {
            name: tenant.label().to_owned(),
            id: tenant.id,
            domain: tenant.domain.clone(),
            copy_of: tenant.copy.as_ref().map(|_| tenant.name.clone()),
            users: users.collect(),
        }
    }
}

/// `{"tenant": "contoso", "name": "worker-3"}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Clone {
    /// What to copy, as it is now: name, domain or id.
    tenant: String,
    /// The copy's name: letters, digits, hyphens. Its domain is `<name>.example`; the user principal names stay as they are. Without it
    /// one is made.
    #[serde(default)]
    name: Option<String>,
    /// The copy's id, where a configuration has one already; made from the name without it.
    #[serde(default)]
    #[schemars(with = "Option<Uuid>")]
    id: Option<TenantId>,
}

/// The copy. Sign in to it by its id or domain: at `common` a user principal name leads to the original.
#[derive(Debug, Serialize, JsonSchema)]
struct Copied {
    /// Its name.
    name: String,
    /// `tid`.
    #[schemars(with = "Uuid")]
    id: TenantId,
    /// Verified domain.
    domain: String,
}

async fn clone(state: Arc<State>, asked: Clone) -> Result<Copied, LabError> {
    let of = tenant(&state.world(), &asked.tenant)?.id;
    let name = asked.name.unwrap_or_else(|| format!("copy-{}", state.seed.guid("tenant-copy").simple()));
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(is_plain) {
        return Err(LabError::bad("\"name\" has 1 to 63 lower-case letters, digits and hyphens"));
    }
    // The same name has the same id in every run.
    let id = asked.id.unwrap_or_else(|| TenantId::derived(&format!("copy/{name}")));
    let domain = format!("{name}.example");
    state.apply(Change::Tenant(TenantChange::Copy { of, id, name: name.clone() }))?;
    Ok(Copied { name, id, domain })
}

/// One tenant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// Name, domain or id.
    tenant: String,
}

async fn delete(state: Arc<State>, asked: One) -> Result<Done, LabError> {
    let id = tenant(&state.world(), &asked.tenant)?.id;
    state.apply(Change::Tenant(TenantChange::Delete(id)))?;
    Ok(Done {})
}
