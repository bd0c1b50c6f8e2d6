//! Users and grants: read, and changed through [`Change`] like everything else.

use std::collections::BTreeSet;
use std::sync::Arc;

use fixtures::ids::UserId;
use fixtures::plan::Registration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::refusal::{LabError, Refusal};
use super::route::{Done, Route, get, post};
use crate::change::{Change, DirectoryChange};
use crate::directory::{Grant, GrantKey};
use crate::world::{State, TenantWorld, World};

pub(super) fn routes() -> Vec<Route> {
    const MISSING: &[Refusal] = &[Refusal::Missing];
    vec![
        get("/lab/grants", "Delegated permission grants of a tenant", grants).refuses(MISSING),
        post("/lab/grants/consent", "Grants scopes, for everybody or one user", consent).refuses(MISSING),
        post("/lab/grants/revoke", "Takes scopes out of a grant; all of it without scopes", revoke).refuses(MISSING),
    ]
}

/// `?tenant=contoso`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneTenant {
    /// Name, domain or id.
    tenant: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct GrantRow {
    /// Name of the application that may call.
    client: Option<String>,
    /// Name of the application that may be called.
    resource: Option<String>,
    /// The one user, by user principal name; everybody without it.
    principal: Option<String>,
    scopes: BTreeSet<String>,
}

async fn grants(state: Arc<State>, asked: OneTenant) -> Result<Vec<GrantRow>, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &asked.tenant)?;
    let app = |id| world.app(id).map(|app| app.name.clone());
    let row = |grant: Grant<'_>| GrantRow {
        client: app(grant.key.client),
        resource: app(grant.key.resource),
        principal: grant.key.principal.and_then(|id| tenant.directory.user(id)).map(|user| user.upn.clone()),
        scopes: grant.scopes.clone(),
    };
    Ok(tenant.directory.grants().map(row).collect())
}

/// Which grant, and which of its scopes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GrantBody {
    tenant: String,
    client: String,
    resource: String,
    #[serde(default)]
    principal: Option<String>,
    #[serde(default)]
    scopes: Option<BTreeSet<String>>,
}

async fn consent(state: Arc<State>, body: GrantBody) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let grant = key(&world, tenant, &body)?;
    let scopes = body.scopes.filter(|scopes| !scopes.is_empty()).ok_or_else(|| LabError::bad("say which scopes"))?;
    let resource = world.app(grant.resource);
    if let Some(unknown) =
        scopes.iter().find(|scope| !resource.is_some_and(|app| app.scopes.iter().any(|known| known.value == **scope)))
    {
        return Err(LabError::missing("scope of this resource", unknown));
    }
    state.apply(Change::directory(tenant.id, DirectoryChange::Consent { grant, scopes }))?;
    Ok(Done {})
}

async fn revoke(state: Arc<State>, body: GrantBody) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let grant = key(&world, tenant, &body)?;
    state.apply(Change::directory(tenant.id, DirectoryChange::Revoke { grant, scopes: body.scopes }))?;
    Ok(Done {})
}

pub(super) fn tenant<'w>(world: &'w World, name: &str) -> Result<&'w TenantWorld, LabError> {
    world.tenant_named(name).ok_or_else(|| LabError::missing("tenant", name))
}

pub(super) fn user(tenant: &TenantWorld, name: &str) -> Result<UserId, LabError> {
    tenant.directory.user_named(name).map(|user| user.id).ok_or_else(|| LabError::missing("user", name))
}

pub(super) fn app<'w>(world: &'w World, name: &str) -> Result<&'w Registration, LabError> {
    world
        .app_named(name)
        .or_else(|| name.parse().ok().and_then(|id| world.app(id)))
        .ok_or_else(|| LabError::missing("application", name))
}

fn key(world: &World, tenant: &TenantWorld, body: &GrantBody) -> Result<GrantKey, LabError> {
    Ok(GrantKey {
        client: app(world, &body.client)?.app_id,
        resource: app(world, &body.resource)?.app_id,
        principal: body.principal.as_deref().map(|name| user(tenant, name)).transpose()?,
    })
}
