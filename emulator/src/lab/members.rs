//! Groups and their members; applications of a tenant and who is assigned to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use fixtures::ids::{GroupId, TenantId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::directory::{app, tenant, user};
use super::refusal::{LabError, Refusal};
use super::route::{Done, Route, get, post};
use crate::change::{Change, DirectoryChange};
use crate::directory::{Directory, Group, Member};
use crate::world::{State, TenantWorld};

pub(super) fn routes() -> Vec<Route> {
    const MISSING: &[Refusal] = &[Refusal::Missing];
    vec![
        get("/lab/groups", "Groups of a tenant and their direct members", groups).refuses(MISSING),
        post("/lab/groups/add", "Adds a group", add_group).refuses(&[Refusal::Missing, Refusal::Conflict]),
        post("/lab/groups/delete", "Removes a group, and what went through it", delete_group).refuses(MISSING),
        post("/lab/groups/members/add", "Adds a direct member", add_member).refuses(MISSING),
        post("/lab/groups/members/remove", "Takes a direct member out", remove_member).refuses(MISSING),
        get("/lab/service-principals", "Applications of a tenant and who is assigned", principals).refuses(MISSING),
        post("/lab/service-principals/add", "Creates an application's service principal", add_principal)
            .refuses(&[Refusal::Missing, Refusal::Conflict]),
        post("/lab/service-principals/remove", "Removes it, and every grant it is part of", remove_principal)
            .refuses(MISSING),
        post(
            "/lab/service-principals/update",
            "Enables, disables, sets whether assignment is required",
            update_principal,
        )
        .refuses(MISSING),
        post("/lab/service-principals/assign", "Assigns a user or a group", assign).refuses(MISSING),
        post("/lab/service-principals/unassign", "Takes an assignment back", unassign).refuses(MISSING),
    ]
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneTenant {
    /// Name, domain or id.
    tenant: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct GroupRow {
    name: String,
    #[schemars(with = "Uuid")]
    id: GroupId,
    /// Direct members: user principal names, and `group:NAME`.
    members: Vec<String>,
}

async fn groups(state: Arc<State>, asked: OneTenant) -> Result<Vec<GroupRow>, LabError> {
    let world = state.world();
    let directory = &tenant(&world, &asked.tenant)?.directory;
    let row = |group: &Group| {
        let members = named(directory, group.users.iter().copied().map(Member::User))
            .chain(named(directory, group.groups.iter().copied().map(Member::Group)));
        GroupRow { name: group.name.clone(), id: group.id, members: members.collect() }
    };
    Ok(directory.groups().map(row).collect())
}

/// Members as people name them: user principal names, and `group:NAME`.
pub(super) fn named<'d>(
    directory: &'d Directory,
    members: impl Iterator<Item = Member> + 'd,
) -> impl Iterator<Item = String> + 'd {
    members.filter_map(|member| match member {
        Member::User(id) => directory.user(id).map(|user| user.upn.clone()),
        Member::Group(id) => directory.group(id).map(|group| format!("group:{}", group.name)),
    })
}

/// A user by any name, or a group as `group:NAME`.
pub(super) fn member(tenant: &TenantWorld, name: &str) -> Result<Member, LabError> {
    match name.strip_prefix("group:") {
        Some(group) => self::group(tenant, group).map(Member::Group),
        None => user(tenant, name).map(Member::User),
    }
}

fn group(tenant: &TenantWorld, name: &str) -> Result<GroupId, LabError> {
    tenant.directory.group_named(name).map(|group| group.id).ok_or_else(|| LabError::missing("group", name))
}

fn change(state: &State, tenant: TenantId, change: DirectoryChange) -> Result<Done, LabError> {
    state.apply(Change::directory(tenant, change))?;
    Ok(Done {})
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneGroup {
    tenant: String,
    /// Handle or object id.
    group: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    tenant: String,
    /// The handle; the display name too.
    name: String,
}

async fn add_group(state: Arc<State>, body: NewGroup) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let group = Group {
        id: GroupId::derived(&format!("{}/groups/{}", tenant.name, body.name)),
        display_name: body.name.clone(),
        name: body.name,
        mail: None,
        users: BTreeSet::new(),
        groups: BTreeSet::new(),
    };
    change(&state, tenant.id, DirectoryChange::AddGroup(Box::new(group)))
}

async fn delete_group(state: Arc<State>, body: OneGroup) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    change(&state, tenant.id, DirectoryChange::DeleteGroup { group: group(tenant, &body.group)? })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Membership {
    tenant: String,
    group: String,
    /// A user, or `group:NAME`.
    member: String,
}

async fn add_member(state: Arc<State>, body: Membership) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let (group, member) = (group(tenant, &body.group)?, member(tenant, &body.member)?);
    change(&state, tenant.id, DirectoryChange::AddMember { group, member })
}

async fn remove_member(state: Arc<State>, body: Membership) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let (group, member) = (group(tenant, &body.group)?, member(tenant, &body.member)?);
    change(&state, tenant.id, DirectoryChange::RemoveMember { group, member })
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PrincipalRow {
    /// Registration name.
    app: Option<String>,
    /// `accountEnabled`.
    enabled: bool,
    /// `appRoleAssignmentRequired`.
    assignment_required: bool,
    /// User principal names, and `group:NAME`.
    assigned: Vec<String>,
}

async fn principals(state: Arc<State>, asked: OneTenant) -> Result<Vec<PrincipalRow>, LabError> {
    let world = state.world();
    let directory = &tenant(&world, &asked.tenant)?.directory;
    let rows = directory.service_principals().map(|principal| {
        let assigned = named(directory, principal.assigned_users.iter().copied().map(Member::User))
            .chain(named(directory, principal.assigned_groups.iter().copied().map(Member::Group)));
        PrincipalRow {
            app: world.app(principal.app).map(|app| app.name.clone()),
            enabled: principal.enabled,
            assignment_required: principal.assignment_required,
            assigned: assigned.collect(),
        }
    });
    Ok(rows.collect())
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OnePrincipal {
    tenant: String,
    /// Registration name or application id.
    app: String,
}

async fn add_principal(state: Arc<State>, body: OnePrincipal) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?.id;
    change(&state, tenant, DirectoryChange::AddServicePrincipal { app: app(&world, &body.app)?.app_id })
}

async fn remove_principal(state: Arc<State>, body: OnePrincipal) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?.id;
    change(&state, tenant, DirectoryChange::RemoveServicePrincipal { app: app(&world, &body.app)?.app_id })
}

/// What is not named stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PrincipalUpdate {
    tenant: String,
    app: String,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    assignment_required: Option<bool>,
}

async fn update_principal(state: Arc<State>, body: PrincipalUpdate) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?.id;
    let app = app(&world, &body.app)?.app_id;
    let enabled = body.enabled.map(|enabled| DirectoryChange::EnableServicePrincipal { app, enabled });
    let required = body.assignment_required.map(|required| DirectoryChange::RequireAssignment { app, required });
    let changes: Vec<_> = [enabled, required].into_iter().flatten().collect();
    if changes.is_empty() {
        return Err(LabError::bad("say what to change: \"enabled\" or \"assignmentRequired\""));
    }
    for step in changes {
        change(&state, tenant, step)?;
    }
    Ok(Done {})
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Assignment {
    tenant: String,
    app: String,
    /// A user, or `group:NAME`.
    member: String,
}

async fn assign(state: Arc<State>, body: Assignment) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let (app, member) = (app(&world, &body.app)?.app_id, member(tenant, &body.member)?);
    change(&state, tenant.id, DirectoryChange::Assign { app, member })
}

async fn unassign(state: Arc<State>, body: Assignment) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let (app, member) = (app(&world, &body.app)?.app_id, member(tenant, &body.member)?);
    change(&state, tenant.id, DirectoryChange::Unassign { app, member })
}
