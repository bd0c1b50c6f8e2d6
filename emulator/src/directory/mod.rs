//! One tenant's identity side: users, groups, service principals, grants, sessions.
//!
//! *May this user get a token for this app and resource now?* is answered in one place, [`Directory::decide`]; every grant type asks
//! it. Revocation is then nothing special: the next question gets another answer.

mod build;
mod decide;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fixtures::ids::{AppId, GroupId, ServicePrincipalId, TenantId, UserId};
use fixtures::plan::{Grant as PlannedGrant, PersonKind, Plan, Registration, Tenant};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub use build::DirectoryError;
pub use decide::{Denial, OIDC_SCOPES, Permitted, Question, Requested, SignedIn};

/// The directory of one tenant: an immutable value.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Tenant id.
    pub tenant: TenantId,
    users: BTreeMap<UserId, User>,
    /// Lower-case UPN → object id.
    upns: BTreeMap<String, UserId>,
    groups: BTreeMap<GroupId, Group>,
    service_principals: BTreeMap<AppId, ServicePrincipal>,
    grants: BTreeMap<GrantKey, BTreeSet<String>>,
}

/// A user object.
#[derive(Debug, Clone)]
pub struct User {
    /// `id`: unique only together with the tenant.
    pub id: UserId,
    /// The handle of fixture rows, for example `alice`.
    pub name: String,
    /// `userPrincipalName`.
    pub upn: String,
    /// `displayName`.
    pub display_name: String,
    /// `givenName`.
    pub given_name: Option<String>,
    /// `surname`.
    pub surname: Option<String>,
    /// `mail`.
    pub mail: Option<String>,
    /// `jobTitle`.
    pub job_title: Option<String>,
    /// `department`.
    pub department: Option<String>,
    /// `officeLocation`.
    pub office: Option<String>,
    /// `mobilePhone`.
    pub mobile_phone: Option<String>,
    /// `preferredLanguage`.
    pub language: Option<String>,
    /// `accountEnabled`.
    pub enabled: bool,
    /// Member, guest, room or shared mailbox.
    pub kind: PersonKind,
    /// Whether Exchange holds a mailbox for this user in this tenant.
    pub has_mailbox: bool,
    /// Directory roles, for example `Global Administrator`.
    pub roles: Vec<String>,
    /// For guests: tenant and object id at home.
    pub home: Option<(TenantId, UserId)>,
    /// `signInSessionsValidFromDateTime`, once sessions were revoked.
    pub sessions_valid_from: Option<Timestamp>,
    /// How often sessions were revoked: a sign-in of an earlier generation is void.
    pub session_generation: u64,
    password: Option<Password>,
}

impl User {
    /// Whether this is the user's password. Users without one never sign in.
    pub fn password_is(&self, given: &str) -> bool {
        self.password.as_ref().is_some_and(|password| password.0.as_bytes().ct_eq(given.as_bytes()).into())
    }

    /// Whether a person can sign in with this object at all: rooms and shared mailboxes are nobody's account.
    pub fn signs_in(&self) -> bool {
        matches!(self.kind, PersonKind::Member | PersonKind::Guest)
    }

    /// Whether the user may consent for the whole organization.
    ///
    /// <https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent#prerequisites>
    pub fn is_administrator(&self) -> bool {
        const CONSENTING: [&str; 4] = [
            "Global Administrator",
            "Privileged Role Administrator",
            "Cloud Application Administrator",
            "Application Administrator",
        ];
        self.roles.iter().any(|role| CONSENTING.contains(&role.as_str()))
    }
}

/// A password of a fixture: a test value that still does not print.
#[derive(Clone)]
struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    /// `id`.
    pub id: GroupId,
    /// The handle of fixture rows.
    pub name: String,
    /// `displayName`.
    pub display_name: String,
    /// `mail`.
    pub mail: Option<String>,
    /// Direct members that are users.
    pub users: BTreeSet<UserId>,
    /// Direct members that are groups.
    pub groups: BTreeSet<GroupId>,
}

/// An enterprise application of the tenant.
#[derive(Debug, Clone)]
pub struct ServicePrincipal {
    /// Object id: another one in every tenant.
    pub id: ServicePrincipalId,
    /// Application id: the same in every tenant.
    pub app: AppId,
    /// `accountEnabled`.
    pub enabled: bool,
    /// `appRoleAssignmentRequired`.
    pub assignment_required: bool,
    /// Assigned users.
    pub assigned_users: BTreeSet<UserId>,
    /// Assigned groups. Only direct members count, as in the real service.
    pub assigned_groups: BTreeSet<GroupId>,
}

/// Which `oauth2PermissionGrant`: at most one per client, resource and principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantKey {
    /// The app that may call.
    pub client: AppId,
    /// The app that may be called.
    pub resource: AppId,
    /// One user, or everybody (`AllPrincipals`).
    pub principal: Option<UserId>,
}

/// A delegated permission grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<'a> {
    /// Client, resource and principal.
    pub key: GrantKey,
    /// Granted scopes.
    pub scopes: &'a BTreeSet<String>,
}

impl Directory {
    /// A user by object id.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.get(&id)
    }

    /// A user by `userPrincipalName`, in any letter case.
    pub fn user_by_upn(&self, upn: &str) -> Option<&User> {
        self.upns.get(&upn.to_lowercase()).and_then(|id| self.users.get(id))
    }

    /// A user by UPN, object id or fixture handle: how people name users to the lab.
    pub fn user_named(&self, name: &str) -> Option<&User> {
        self.user_by_upn(name)
            .or_else(|| name.parse().ok().and_then(|id| self.user(id)))
            .or_else(|| self.users().find(|user| user.name == name))
    }

    /// All users, by object id.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// All groups, by object id.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// The service principal of an application.
    pub fn service_principal(&self, app: AppId) -> Option<&ServicePrincipal> {
        self.service_principals.get(&app)
    }

    /// All service principals, by application id.
    pub fn service_principals(&self) -> impl Iterator<Item = &ServicePrincipal> {
        self.service_principals.values()
    }

    /// All grants, by client, resource and principal.
    pub fn grants(&self) -> impl Iterator<Item = Grant<'_>> {
        self.grants.iter().map(|(key, scopes)| Grant { key: *key, scopes })
    }

    /// What `user` let `client` do at `resource`: the union of everybody's grant and the user's own.
    pub fn granted(&self, client: AppId, resource: AppId, user: UserId) -> BTreeSet<String> {
        [None, Some(user)]
            .into_iter()
            .filter_map(|principal| self.grants.get(&GrantKey { client, resource, principal }))
            .flatten()
            .cloned()
            .collect()
    }

    pub(crate) fn user_mut(&mut self, id: UserId) -> Option<&mut User> {
        self.users.get_mut(&id)
    }

    pub(crate) fn grant_mut(&mut self, key: GrantKey) -> &mut BTreeSet<String> {
        self.grants.entry(key).or_default()
    }

    /// Takes scopes (all of them when `None`) out of a grant; an empty grant is gone. Returns whether anything was there.
    pub(crate) fn revoke(&mut self, key: GrantKey, scopes: Option<&BTreeSet<String>>) -> bool {
        let Some(granted) = self.grants.get_mut(&key) else { return false };
        let before = granted.len();
        match scopes {
            Some(scopes) => granted.retain(|scope| !scopes.contains(scope)),
            None => granted.clear(),
        }
        let taken = granted.len() < before;
        if granted.is_empty() {
            self.grants.remove(&key);
        }
        taken
    }

    pub(crate) fn add_service_principal(&mut self, tenant_name: &str, registration: &Registration) {
        self.service_principals
            .entry(registration.app_id)
            .or_insert_with(|| build::enabled_service_principal(tenant_name, registration));
    }

    /// A hash over everything in it.
    pub fn fingerprint(&self) -> [u8; 32] {
        // Every part is an ordered value whose Debug form shows all its fields, except the password, which nothing changes.
        let text = format!("{:?}{:?}{:?}{:?}", self.users, self.groups, self.service_principals, self.grants);
        Sha256::digest(text.as_bytes()).into()
    }
}
