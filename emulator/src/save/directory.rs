//! A directory as rows: the inverse of `directory/build.rs`.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fixtures::ids::{AppId, GroupId, UserId};
use fixtures::plan::{
    ConditionalAccessPolicy, Grant, Group, LifetimePolicy, NamedLocation, Person, ServicePrincipal, Tenant,
};

use super::Saving;
use crate::directory::{Directory, Member, Policy, ServicePrincipal as Principal, User, Voided};
use crate::world::TenantWorld;

pub(super) fn write(saving: &mut Saving<'_>, tenant: &TenantWorld, directory: &Directory, rows: &mut Tenant) {
    let writer = Writer { saving, tenant, directory };
    rows.groups = directory.groups().map(|group| writer.group(group)).collect();
    rows.service_principals = directory.service_principals().filter_map(|app| writer.principal(app)).collect();
    rows.grants = directory.grants().filter_map(|grant| writer.grant(&grant)).collect();
    rows.policies = directory
        .policies()
        .filter(|policy| writer.is_kept(&policy.resources))
        .map(|policy| writer.policy(policy))
        .collect();
    rows.locations = directory
        .locations()
        .map(|location| NamedLocation { name: location.name.clone(), ranges: location.ranges.clone() })
        .collect();
    rows.lifetimes = directory
        .lifetimes()
        .filter(|lifetime| writer.is_kept(&lifetime.resources))
        .map(|lifetime| LifetimePolicy {
            name: lifetime.name.clone(),
            access_token: lifetime.access_token,
            apps: writer.apps(&lifetime.resources),
        })
        .collect();
    let mut lost = Vec::new();
    for user in directory.users() {
        if user.voided != Voided::default() || user.closed_at.is_some() {
            lost.push(format!(
                "{}@{}: when their sign-ins were voided or the account closed; nobody is signed in to a world that starts",
                user.name, tenant.name
            ));
        }
        match writer.person(user) {
            Some(person) => rows.people.push(person),
            None => lost.push(format!("{}@{}: a guest whose home is not saved", user.name, tenant.name)),
        }
    }
    for user in directory.deleted_users() {
        lost.push(format!("{}@{}: lies in the recycle bin, with what is theirs", user.name, tenant.name));
    }
    saving.lost.extend(lost);
}

struct Writer<'a, 'b> {
    saving: &'a Saving<'b>,
    tenant: &'a TenantWorld,
    directory: &'a Directory,
}

impl Writer<'_, '_> {
    fn person(&self, user: &User) -> Option<Person> {
        let home = match user.home {
            None => None,
            Some((tenant, id)) => {
                let tenant = self.saving.world.tenant(tenant).filter(|tenant| tenant.copy.is_none())?;
                Some(tenant.reference(id)?)
            }
        };
        let derived = UserId::derived(&format!("{}/people/{}", self.tenant.name, user.name));
        let usual_upn = format!("{}@{}", user.name, self.tenant.domain);
        Some(Person {
            name: user.name.clone(),
            id: (user.id != derived).then_some(user.id),
            display_name: user.display_name.clone(),
            given_name: user.given_name.clone(),
            surname: user.surname.clone(),
            upn: (user.upn != usual_upn).then(|| user.upn.clone()),
            mail: match &user.mail {
                Some(mail) if *mail == user.upn => None,
                Some(mail) => Some(mail.clone()),
                None => Some(String::new()),
            },
            job_title: user.job_title.clone(),
            department: user.department.clone(),
            office: user.office.clone(),
            mobile_phone: user.mobile_phone.clone(),
            language: user.language.clone(),
            password: user.password_row(),
            second_factor: user.second_factor_row(),
            device: user.device,
            roles: user.roles.clone(),
            enabled: user.enabled,
            kind: user.kind,
            home,
            manager: user.manager.and_then(|manager| self.tenant.reference(manager)),
            photo: user.photo.as_ref().map(|photo| STANDARD.encode(photo.bytes())),
        })
    }

    fn group(&self, group: &crate::directory::Group) -> Group {
        let derived = GroupId::derived(&format!("{}/groups/{}", self.tenant.name, group.name));
        Group {
            name: group.name.clone(),
            id: (group.id != derived).then_some(group.id),
            display_name: group.display_name.clone(),
            mail: group.mail.clone(),
            members: self.both(&group.users, &group.groups),
        }
    }

    /// Microsoft's own services are everywhere: they have a row where something about them is special.
    fn principal(&self, app: &Principal) -> Option<ServicePrincipal> {
        let registration = self.saving.world.app(app.app)?;
        let is_special = !app.enabled
            || app.assignment_required
            || !app.assigned_users.is_empty()
            || !app.assigned_groups.is_empty();
        (registration.home != "microsoft" || is_special).then(|| ServicePrincipal {
            app: registration.name.clone(),
            enabled: app.enabled,
            assignment_required: app.assignment_required,
            assigned: self.both(&app.assigned_users, &app.assigned_groups),
        })
    }

    fn grant(&self, grant: &crate::directory::Grant<'_>) -> Option<Grant> {
        let principal = match grant.key.principal {
            None => None,
            Some(user) => Some(self.tenant.reference(user)?),
        };
        Some(Grant {
            client: self.app(grant.key.client)?,
            resource: self.app(grant.key.resource)?,
            principal,
            scopes: grant.scopes.iter().cloned().collect(),
        })
    }

    fn policy(&self, policy: &Policy) -> ConditionalAccessPolicy {
        ConditionalAccessPolicy {
            name: policy.name.clone(),
            enabled: policy.enabled,
            include: self.members(&policy.include),
            exclude: self.members(&policy.exclude),
            apps: self.apps(&policy.resources),
            contexts: policy.contexts.iter().cloned().collect(),
            locations: policy.locations.iter().cloned().collect(),
            except_locations: policy.except_locations.iter().cloned().collect(),
            demands: policy.demands.clone(),
        }
    }

    /// Whether a list of resources, none of which means all, still has one that is there.
    fn is_kept(&self, resources: &BTreeSet<AppId>) -> bool {
        resources.is_empty() || resources.iter().any(|id| self.saving.world.app(*id).is_some())
    }

    fn app(&self, id: AppId) -> Option<String> {
        self.saving.world.app(id).map(|app| app.name.clone())
    }

    fn apps(&self, ids: &BTreeSet<AppId>) -> Vec<String> {
        ids.iter().filter_map(|id| self.app(*id)).collect()
    }

    fn both(&self, users: &BTreeSet<UserId>, groups: &BTreeSet<GroupId>) -> Vec<String> {
        let users = users.iter().filter_map(|user| self.tenant.reference(*user));
        users.chain(groups.iter().filter_map(|group| self.group_reference(*group))).collect()
    }

    fn members(&self, members: &BTreeSet<Member>) -> Vec<String> {
        let reference = |member: &Member| match member {
            Member::User(user) => self.tenant.reference(*user),
            Member::Group(group) => self.group_reference(*group),
        };
        members.iter().filter_map(reference).collect()
    }

    fn group_reference(&self, group: GroupId) -> Option<String> {
        Some(format!("group:{}@{}", self.directory.group(group)?.name, self.tenant.name))
    }
}
