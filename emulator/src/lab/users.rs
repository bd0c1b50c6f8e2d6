//! Users: made, closed, reopened, given another password, device or second factor.

use std::sync::Arc;

use fixtures::ids::UserId;
use fixtures::plan::{Device, Person, PersonKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::directory::{tenant, user};
use super::refusal::{LabError, Refusal};
use super::route::{Done, Route, post};
use crate::change::{Change, DirectoryChange, PasswordSetBy};
use crate::directory::Password;
use crate::world::State;

pub(super) fn routes() -> Vec<Route> {
    const MISSING: &[Refusal] = &[Refusal::Missing];
    const TAKEN: &[Refusal] = &[Refusal::Missing, Refusal::Conflict];
    vec![
        post("/lab/users/add", "Adds a member with an empty mailbox, or a guest from another tenant", add)
            .refuses(TAKEN),
        post("/lab/users/update", "Enables or disables a user; sets roles, device, second factor", update)
            .refuses(MISSING),
        post("/lab/users/set-password", "Gives a user another password, and voids what that voids", set_password)
            .refuses(MISSING),
        post("/lab/users/revoke-sessions", "Voids everything the user signed in to before now", revoke_sessions)
            .refuses(MISSING),
        post("/lab/users/delete", "Moves a user to the recycle bin", delete).refuses(MISSING),
        post("/lab/users/restore", "Takes a user out of the recycle bin", restore).refuses(MISSING),
    ]
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewUser {
    tenant: String,
    /// The handle, for example `judy`; the user principal name begins with it.
    name: String,
    #[serde(default)]
    display_name: Option<String>,
    /// What the sign-in page takes; a guest signs in with the one at home.
    #[serde(default)]
    password: Option<String>,
    /// For a guest: who that is at home, for example `mallory@fabrikam`.
    #[serde(default)]
    guest_of: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Added {
    #[schemars(with = "Uuid")]
    id: UserId,
    /// `userPrincipalName`.
    upn: String,
}

async fn add(state: Arc<State>, body: NewUser) -> Result<Added, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let home = match &body.guest_of {
        None => None,
        Some(reference) => {
            let (name, at) = reference.split_once('@').ok_or_else(|| LabError::missing("user", reference))?;
            let home = super::directory::tenant(&world, at)?;
            Some((home.id, home.directory.user_named(name).ok_or_else(|| LabError::missing("user", reference))?))
        }
    };
    if body.name.is_empty() || !body.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(LabError::bad("\"name\" is letters, digits, '-', '_' and '.'"));
    }
    let mail = home.map(|(_, user)| user.mail.clone().unwrap_or_else(|| user.upn.clone()));
    let upn = match &mail {
        Some(mail) => format!("{}#EXT#@{}", mail.replace('@', "_"), tenant.domain),
        None => format!("{}@{}", body.name, tenant.domain),
    };
    let person = Person {
        display_name: body.display_name.unwrap_or_else(|| body.name.clone()),
        name: body.name,
        id: None,
        given_name: None,
        surname: None,
        upn: Some(upn.clone()),
        mail,
        job_title: None,
        department: None,
        office: None,
        mobile_phone: None,
        language: None,
        password: body.password,
        second_factor: None,
        device: Device::Unmanaged,
        roles: Vec::new(),
        enabled: true,
        kind: if home.is_some() { PersonKind::Guest } else { PersonKind::Member },
        home: None,
        manager: None,
        photo: None,
    };
    let home = home.map(|(tenant, user)| (tenant, user.id));
    state.apply(Change::directory(tenant.id, DirectoryChange::AddUser { person: Box::new(person), home }))?;
    let world = state.world();
    let added = super::directory::tenant(&world, &body.tenant)?.directory.user_by_upn(&upn);
    let id = added.map(|user| user.id).ok_or_else(|| LabError::missing("user", &upn))?;
    Ok(Added { id, upn })
}

/// A user, and what becomes of them: what is not named stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct UserUpdate {
    tenant: String,
    user: String,
    /// `accountEnabled`.
    #[serde(default)]
    enabled: Option<bool>,
    /// Directory roles, by display name.
    #[serde(default)]
    roles: Option<Vec<String>>,
    /// The device they work on.
    #[serde(default)]
    device: Option<DeviceState>,
    /// The code that the page for a second factor takes; empty: still to be registered.
    #[serde(default)]
    second_factor: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DeviceState {
    Unmanaged,
    Registered,
    Compliant,
}

async fn update(state: Arc<State>, body: UserUpdate) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let user = user(tenant, &body.user)?;
    let enabled = body.enabled.map(|enabled| DirectoryChange::EnableUser { user, enabled });
    let roles = body.roles.map(|roles| DirectoryChange::SetRoles { user, roles });
    let device = body.device.map(|device| {
        let device = match device {
            DeviceState::Unmanaged => Device::Unmanaged,
            DeviceState::Registered => Device::Registered,
            DeviceState::Compliant => Device::Compliant,
        };
        DirectoryChange::SetDevice { user, device }
    });
    let second_factor = body.second_factor.map(|code| {
        let code = (!code.is_empty()).then(|| Password::new(code));
        DirectoryChange::SetSecondFactor { user, code }
    });
    let changes: Vec<_> = [enabled, roles, device, second_factor].into_iter().flatten().collect();
    if changes.is_empty() {
        return Err(LabError::bad("say what to change: \"enabled\", \"roles\", \"device\" or \"secondFactor\""));
    }
    for change in changes {
        state.apply(Change::directory(tenant.id, change))?;
    }
    Ok(Done {})
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    tenant: String,
    user: String,
    password: String,
    /// Who sets it: it decides which refresh tokens live on.
    by: SetBy,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SetBy {
    /// The user, or an administrator in the Azure portal.
    User,
    /// An administrator, in the Entra admin center.
    Administrator,
}

async fn set_password(state: Arc<State>, body: NewPassword) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let user = user(tenant, &body.user)?;
    let by = match body.by {
        SetBy::User => PasswordSetBy::User,
        SetBy::Administrator => PasswordSetBy::Administrator,
    };
    let password = Password::new(body.password);
    state.apply(Change::directory(tenant.id, DirectoryChange::SetPassword { user, password, by }))?;
    Ok(Done {})
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneUser {
    tenant: String,
    /// User principal name, object id or handle.
    user: String,
}

async fn revoke_sessions(state: Arc<State>, body: OneUser) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let user = user(tenant, &body.user)?;
    state.apply(Change::directory(tenant.id, DirectoryChange::RevokeSessions { user }))?;
    Ok(Done {})
}

async fn delete(state: Arc<State>, body: OneUser) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let user = user(tenant, &body.user)?;
    state.apply(Change::directory(tenant.id, DirectoryChange::DeleteUser { user }))?;
    Ok(Done {})
}

async fn restore(state: Arc<State>, body: OneUser) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let is_named = |name: &str| name.eq_ignore_ascii_case(&body.user);
    let user = tenant
        .directory
        .deleted_users()
        .find(|user| is_named(&user.upn) || is_named(&user.name) || is_named(&user.id.to_string()))
        .ok_or_else(|| LabError::missing("deleted user", &body.user))?
        .id;
    state.apply(Change::directory(tenant.id, DirectoryChange::RestoreUser { user }))?;
    Ok(Done {})
}
