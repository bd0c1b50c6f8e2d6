//! A directory from the rows of a plan.

use fixtures::Plan;
use fixtures::ids::{PolicyId, ServicePrincipalId};
use fixtures::plan::{ConditionalAccessPolicy, Grant as PlannedGrant, LifetimePolicy, Person, Registration, Tenant};

use super::{
    AppId, BTreeMap, BTreeSet, Directory, GrantKey, Group, GroupId, Location, Member, Password, Photo, Policy,
    ServicePrincipal, TokenLifetime, User, UserId, Voided,
};
use crate::tallied::Tallied;

/// A plan row that no directory can be made from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// A row names an app, person or group that the plan does not hold.
    #[error("tenant {tenant}: {row} names {reference:?}, which the plan does not hold")]
    Unknown {
        /// Tenant name.
        tenant: String,
        /// Which row.
        row: String,
        /// The name.
        reference: String,
    },
}

impl Directory {
    /// The directory that the plan describes for `tenant`.
    pub fn of(plan: &Plan, tenant: &Tenant) -> Result<Self, DirectoryError> {
        let rows = Rows::of(plan, tenant);
        let users: Tallied<_, _> = tenant
            .people
            .iter()
            .map(|person| rows.user(person).map(|user| (user.id, user)))
            .collect::<Result<_, _>>()?;
        let upns = users.values().map(|user| (user.upn.to_lowercase(), user.id)).collect();
        let mut directory = Self {
            tenant: tenant.id,
            users,
            upns,
            deleted: Tallied::default(),
            groups: tenant
                .groups
                .iter()
                .map(|group| rows.group(group).map(|group| (group.id, group)))
                .collect::<Result<_, _>>()?,
            service_principals: rows.service_principals()?.into_iter().collect(),
            grants: Tallied::default(),
            policies: tenant
                .policies
                .iter()
                .map(|policy| rows.policy(policy).map(|policy| (policy.id, policy)))
                .collect::<Result<_, _>>()?,
            locations: tenant
                .locations
                .iter()
                .map(|row| (row.name.clone(), Location { name: row.name.clone(), ranges: row.ranges.clone() }))
                .collect(),
            lifetimes: tenant
                .lifetimes
                .iter()
                .map(|row| rows.lifetime(row).map(|lifetime| (lifetime.name.clone(), lifetime)))
                .collect::<Result<_, _>>()?,
        };
        for grant in &tenant.grants {
            let key = rows.grant_key(grant)?;
            directory.grant(key, grant.scopes.iter().cloned());
        }
        Ok(directory)
    }
}

impl ServicePrincipal {
    /// The service principal that consent or a first sign-in creates: enabled, open to everybody of the tenant.
    pub(crate) fn created(tenant_name: &str, registration: &Registration) -> Self {
        enabled_service_principal(tenant_name, registration)
    }
}

impl User {
    /// The object of a row, `home` being the person at home for a guest's. A guest proves who they are at home: with the password there.
    pub(crate) fn of(tenant: &Tenant, person: &Person, home: Option<(&Tenant, &Person)>) -> Self {
        let password = person.password.as_ref().or_else(|| home.and_then(|(_, at_home)| at_home.password.as_ref()));
        Self {
            id: person.id(tenant),
            name: person.name.clone(),
            upn: person.upn(tenant),
            display_name: person.display_name.clone(),
            given_name: person.given_name.clone(),
            surname: person.surname.clone(),
            mail: person.mail(tenant),
            job_title: person.job_title.clone(),
            department: person.department.clone(),
            office: person.office.clone(),
            mobile_phone: person.mobile_phone.clone(),
            language: person.language.clone(),
            enabled: person.enabled,
            kind: person.kind,
            has_mailbox: person.has_mailbox(),
            roles: person.roles.clone(),
            home: home.map(|(tenant, at_home)| (tenant.id, at_home.id(tenant))),
            closed_at: None,
            voided: Voided::default(),
            device: person.device,
            manager: person
                .manager
                .as_deref()
                .and_then(|reference| tenant.person(reference.split('@').next()?))
                .map(|manager| manager.id(tenant)),
            photo: person.picture().map(Photo::new),
            password: password.cloned().map(Password::new),
            second_factor: person.second_factor.clone().map(Password::new),
        }
    }
}

fn enabled_service_principal(tenant_name: &str, registration: &Registration) -> ServicePrincipal {
    ServicePrincipal {
        id: ServicePrincipalId::derived(&format!("{tenant_name}/apps/{}", registration.name)),
        app: registration.app_id,
        enabled: true,
        assignment_required: false,
        assigned_users: BTreeSet::new(),
        assigned_groups: BTreeSet::new(),
    }
}

struct Rows<'a> {
    plan: &'a Plan,
    tenant: &'a Tenant,
    /// Object ids by handle: a group of thousands names each of its members.
    people: BTreeMap<&'a str, UserId>,
}

impl<'a> Rows<'a> {
    fn of(plan: &'a Plan, tenant: &'a Tenant) -> Self {
        let people = tenant.people.iter().map(|person| (person.name.as_str(), person.id(tenant))).collect();
        Self { plan, tenant, people }
    }

    fn unknown(&self, row: &str, reference: &str) -> DirectoryError {
        DirectoryError::Unknown {
            tenant: self.tenant.name.clone(),
            row: row.to_owned(),
            reference: reference.to_owned(),
        }
    }

    fn app(&self, row: &str, name: &str) -> Result<&Registration, DirectoryError> {
        self.plan.registration(name).ok_or_else(|| self.unknown(row, name))
    }

    fn user(&self, person: &Person) -> Result<User, DirectoryError> {
        let home = person
            .home
            .as_ref()
            .map(|reference| self.plan.person(reference).ok_or_else(|| self.unknown(&person.name, reference)))
            .transpose()?;
        Ok(User::of(self.tenant, person, home))
    }

    fn group(&self, group: &fixtures::plan::Group) -> Result<Group, DirectoryError> {
        let (users, groups) = self.members(&group.name, &group.members)?;
        Ok(Group {
            id: group.id(self.tenant),
            name: group.name.clone(),
            display_name: group.display_name.clone(),
            mail: group.mail.clone(),
            users,
            groups,
        })
    }

    /// `alice@contoso` is a user, `group:leads@contoso` a group.
    fn members(
        &self,
        row: &str,
        references: &[String],
    ) -> Result<(BTreeSet<UserId>, BTreeSet<GroupId>), DirectoryError> {
        let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
        for reference in references {
            if let Some(group) = reference.strip_prefix("group:") {
                let name = group.split('@').next().unwrap_or(group);
                let group = self.tenant.group(name).ok_or_else(|| self.unknown(row, reference))?;
                groups.insert(group.id(self.tenant));
            } else {
                users.insert(self.person(row, reference)?);
            }
        }
        Ok((users, groups))
    }

    fn person(&self, row: &str, reference: &str) -> Result<UserId, DirectoryError> {
        reference
            .split_once('@')
            .filter(|(_, tenant)| *tenant == self.tenant.name)
            .and_then(|(name, _)| self.people.get(name).copied())
            .ok_or_else(|| self.unknown(row, reference))
    }

    fn policy(&self, row: &ConditionalAccessPolicy) -> Result<Policy, DirectoryError> {
        let members = |references| {
            let (users, groups) = self.members(&row.name, references)?;
            Ok(users.into_iter().map(Member::User).chain(groups.into_iter().map(Member::Group)).collect())
        };
        Ok(Policy {
            id: PolicyId::derived(&format!("{}/policies/{}", self.tenant.name, row.name)),
            name: row.name.clone(),
            enabled: row.enabled,
            include: members(&row.include)?,
            exclude: members(&row.exclude)?,
            resources: self.resources(&row.name, &row.apps)?,
            contexts: row.contexts.iter().cloned().collect(),
            locations: row.locations.iter().cloned().collect(),
            except_locations: row.except_locations.iter().cloned().collect(),
            demands: row.demands.clone(),
        })
    }

    fn lifetime(&self, row: &LifetimePolicy) -> Result<TokenLifetime, DirectoryError> {
        let resources = self.resources(&row.name, &row.apps)?;
        Ok(TokenLifetime { name: row.name.clone(), resources, access_token: row.access_token })
    }

    fn resources(&self, row: &str, apps: &[String]) -> Result<BTreeSet<AppId>, DirectoryError> {
        apps.iter().map(|app| self.app(row, app).map(|app| app.app_id)).collect()
    }

    fn service_principals(&self) -> Result<BTreeMap<AppId, ServicePrincipal>, DirectoryError> {
        // First-party resources are subscribed everywhere.
        let mut apps: BTreeMap<_, _> = self
            .plan
            .registrations
            .iter()
            .filter(|registration| registration.home == "microsoft")
            .map(|registration| (registration.app_id, enabled_service_principal(&self.tenant.name, registration)))
            .collect();
        for row in &self.tenant.service_principals {
            let registration = self.app("service_principal", &row.app)?;
            let (assigned_users, assigned_groups) = self.members(&row.app, &row.assigned)?;
            let built = ServicePrincipal {
                id: row.id(self.tenant),
                app: registration.app_id,
                enabled: row.enabled,
                assignment_required: row.assignment_required,
                assigned_users,
                assigned_groups,
            };
            apps.insert(registration.app_id, built);
        }
        Ok(apps)
    }

    fn grant_key(&self, grant: &PlannedGrant) -> Result<GrantKey, DirectoryError> {
        let principal = grant.principal.as_deref().map(|reference| self.person("grant", reference)).transpose()?;
        Ok(GrantKey {
            client: self.app("grant", &grant.client)?.app_id,
            resource: self.app("grant", &grant.resource)?.app_id,
            principal,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_plan_says_is_what_the_directory_holds() {
        let plan = Plan::embedded().unwrap();
        let contoso = plan.tenant("contoso").unwrap();
        let directory = Directory::of(&plan, contoso).unwrap();
        let alice = directory.user_by_upn("ALICE@contoso.example").unwrap();
        assert_eq!(alice.display_name, "Alice Hansen");
        assert!(alice.password_is("Passw0rd!alice") && !alice.password_is("Passw0rd!alicE") && !alice.password_is(""));
        assert!(!format!("{alice:?}").contains("Passw0rd"));
        assert_eq!(directory.grants().count(), contoso.grants.len());
    }
}
