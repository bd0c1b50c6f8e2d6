//! Registrations of the user's own, with what a tenant's administrator would have set up for them.

use std::collections::BTreeSet;

use fixtures::own_apps::OwnApp;

use super::{AppChange, Change, ChangeError, DirectoryChange};
use crate::directory::{GrantKey, Member};
use crate::world::{TenantWorld, World};

impl Change {
    /// The changes that add an application: its registration, its service principals, its assignments, its grants.
    ///
    /// [`ChangeError::Unknown`] says what it names that the world does not hold.
    pub fn own_app(world: &World, app: &OwnApp) -> Result<Vec<Self>, ChangeError> {
        let mut registration = app.registration();
        let unknown = |what: &str, name: &str| ChangeError::Unknown(format!("{what} {name:?}"));
        if world.apps.all().any(|known| known.name == app.name || known.app_id == app.client_id) {
            return Err(ChangeError::Taken);
        }
        if let Some(client) = app.pre_authorized.iter().find(|client| world.app_named(client).is_none()) {
            return Err(unknown("application", client));
        }
        let home = world.tenant_named(&app.tenant).ok_or_else(|| unknown("tenant", &app.tenant))?;
        registration.home.clone_from(&home.name);
        let mut changes = vec![Self::App(AppChange::Put(Box::new(registration.clone())))];
        for (place, name) in app.tenants().into_iter().enumerate() {
            let tenant = world.tenant_named(name).ok_or_else(|| unknown("tenant", name))?;
            let directory = |change| Self::directory(tenant.id, change);
            changes.push(directory(DirectoryChange::AddServicePrincipal { app: app.client_id }));
            if place == 0 && app.assignment_required {
                changes.push(directory(DirectoryChange::RequireAssignment { app: app.client_id, required: true }));
            }
            for reference in app.assigned.iter().filter(|_| place == 0) {
                let member = member(tenant, reference).ok_or_else(|| unknown("user or group", reference))?;
                changes.push(directory(DirectoryChange::Assign { app: app.client_id, member }));
            }
            let here = app.grants.iter().filter(|grant| place == 0 || grant.tenants.iter().any(|other| other == name));
            for grant in here {
                let is_own = grant.resource == app.name;
                let resource = if is_own { Some(&registration) } else { world.app_named(&grant.resource) };
                let resource = resource.ok_or_else(|| unknown("application", &grant.resource))?;
                let principal = grant.principal.as_deref().map(|reference| match member(tenant, reference) {
                    Some(Member::User(user)) => Ok(user),
                    _ => Err(unknown("user", reference)),
                });
                let key =
                    GrantKey { client: app.client_id, resource: resource.app_id, principal: principal.transpose()? };
                let scopes: BTreeSet<_> = grant.scopes.iter().cloned().collect();
                let is_known = |scope: &&String| {
                    crate::directory::OIDC_SCOPES.contains(&scope.as_str())
                        || resource.scopes.iter().any(|known| known.value == **scope)
                };
                if let Some(scope) = scopes.iter().find(|scope| !is_known(scope)) {
                    return Err(unknown("permission of this resource", scope));
                }
                changes.push(directory(DirectoryChange::Consent { grant: key, scopes }));
            }
        }
        Ok(changes)
    }
}

/// `alice@contoso`, or `group:staff@contoso`.
fn member(tenant: &TenantWorld, reference: &str) -> Option<Member> {
    let (kind, named) = match reference.strip_prefix("group:") {
        Some(group) => ("group", group),
        None => ("user", reference),
    };
    let name = named.strip_suffix(&format!("@{}", tenant.label())).unwrap_or(named);
    match kind {
        "group" => tenant.directory.group_named(name).map(|group| Member::Group(group.id)),
        _ => tenant.directory.user_named(name).map(|user| Member::User(user.id)),
    }
}
