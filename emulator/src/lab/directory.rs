//! Tenants, users and grants: read, and changed through [`Change`] like everything else.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Shared};
use fixtures::plan::Registration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::LabError;
use super::guard::Body;
use crate::change::{Change, DirectoryChange};
use crate::directory::GrantKey;
use crate::world::{State, TenantWorld, World};

pub(super) async fn tenants(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let world = state.world();
    let tenants: Vec<_> = world
        .tenants
        .values()
        .map(|tenant| {
            let users: Vec<_> = tenant
                .directory
                .users()
                .map(|user| {
                    json!({ "name": user.name, "upn": user.upn, "id": user.id, "roles": user.roles, "enabled": user.enabled })
                })
                .collect();
            json!({ "name": tenant.name, "id": tenant.id, "domain": tenant.domain, "users": users })
        })
        .collect();
    Json(json!(tenants))
}

/// `?tenant=contoso`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneTenant {
    tenant: String,
}

pub(super) async fn grants(
    Shared(state): Shared<Arc<State>>,
    query: Result<Query<OneTenant>, QueryRejection>,
) -> Result<Json<Value>, LabError> {
    let Query(asked) = query.map_err(|error| LabError::bad(error.body_text()))?;
    let world = state.world();
    let tenant = tenant(&world, &asked.tenant)?;
    let app = |id| world.app(id).map(|app| app.name.clone());
    let grants: Vec<_> = tenant
        .directory
        .grants()
        .map(|grant| {
            let principal = grant.key.principal.and_then(|id| tenant.directory.user(id)).map(|user| user.upn.clone());
            json!({
                "client": app(grant.key.client), "resource": app(grant.key.resource),
                "principal": principal, "scopes": grant.scopes,
            })
        })
        .collect();
    Ok(Json(json!(grants)))
}

/// Which grant, and which of its scopes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantBody {
    tenant: String,
    client: String,
    resource: String,
    #[serde(default)]
    principal: Option<String>,
    #[serde(default)]
    scopes: Option<BTreeSet<String>>,
}

pub(super) async fn consent(
    Shared(state): Shared<Arc<State>>,
    Body(body): Body<GrantBody>,
) -> Result<Json<Value>, LabError> {
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
    Ok(Json(json!({})))
}

pub(super) async fn revoke(
    Shared(state): Shared<Arc<State>>,
    Body(body): Body<GrantBody>,
) -> Result<Json<Value>, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let grant = key(&world, tenant, &body)?;
    state.apply(Change::directory(tenant.id, DirectoryChange::Revoke { grant, scopes: body.scopes }))?;
    Ok(Json(json!({})))
}

/// A user, and what becomes of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserBody {
    tenant: String,
    user: String,
    #[serde(default)]
    enabled: Option<bool>,
}

pub(super) async fn update_user(
    Shared(state): Shared<Arc<State>>,
    Body(body): Body<UserBody>,
) -> Result<Json<Value>, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let user = user(tenant, &body.user)?;
    let enabled = body.enabled.ok_or_else(|| LabError::bad("say what to change: \"enabled\""))?;
    state.apply(Change::directory(tenant.id, DirectoryChange::EnableUser { user, enabled }))?;
    Ok(Json(json!({})))
}

pub(super) async fn revoke_sessions(
    Shared(state): Shared<Arc<State>>,
    Body(body): Body<UserBody>,
) -> Result<Json<Value>, LabError> {
    if body.enabled.is_some() {
        return Err(LabError::bad("\"enabled\" does not belong here"));
    }
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let user = user(tenant, &body.user)?;
    state.apply(Change::directory(tenant.id, DirectoryChange::RevokeSessions { user }))?;
    Ok(Json(json!({})))
}

pub(super) fn tenant<'w>(world: &'w World, name: &str) -> Result<&'w TenantWorld, LabError> {
    world.tenant_named(name).ok_or_else(|| LabError::missing("tenant", name))
}

fn user(tenant: &TenantWorld, name: &str) -> Result<fixtures::ids::UserId, LabError> {
    tenant.directory.user_named(name).map(|user| user.id).ok_or_else(|| LabError::missing("user", name))
}

fn app<'w>(world: &'w World, name: &str) -> Result<&'w Registration, LabError> {
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
