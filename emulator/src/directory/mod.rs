//! One tenant's identity side: users, groups, service principals, grants, sessions.
//!
//! *May this user get a token for this app and resource now?* is answered in one place, [`decide`]; every grant type asks it.
//! Revocation is then nothing special: the next question gets another answer.

pub mod access;
mod build;
mod decide;
mod edit;
mod grounds;
mod object;
mod sign_in;

use std::collections::{BTreeMap, BTreeSet};

use fixtures::ids::{AppId, GroupId, PolicyId, TenantId, UserId};
use sha2::{Digest as _, Sha256};

use crate::tallied::Tallied;

pub use access::{Circumstances, Conditions, Location, Policy, TokenLifetime, Unmet};
pub use build::DirectoryError;
pub use decide::{Denial, OIDC_SCOPES, Permitted, Question, Requested, decide, decide_application};
pub(crate) use decide::{account_of, consented, critical};
pub use grounds::{Consent, Grounds};
pub use object::{Grant, GrantKey, Group, Member, Password, Photo, ServicePrincipal, User};
pub use sign_in::{Credential, Marks, Presented, SignedIn, Voided};

/// The directory of one tenant: an immutable value.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Tenant id.
    pub tenant: TenantId,
    users: Tallied<UserId, User>,
    /// Lower-case UPN → object id.
    upns: BTreeMap<String, UserId>,
    /// Users in the recycle bin: nobody, until they are restored.
    deleted: Tallied<UserId, User>,
    groups: Tallied<GroupId, Group>,
    service_principals: Tallied<AppId, ServicePrincipal>,
    grants: Tallied<GrantKey, BTreeSet<String>>,
    policies: Tallied<PolicyId, Policy>,
    locations: Tallied<String, Location>,
    lifetimes: Tallied<String, TokenLifetime>,
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

    /// Users that were deleted and may be restored, by object id.
    pub fn deleted_users(&self) -> impl Iterator<Item = &User> {
        self.deleted.values()
    }

    /// A group by object id.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// A group by object id or fixture handle.
    pub fn group_named(&self, name: &str) -> Option<&Group> {
        name.parse().ok().and_then(|id| self.group(id)).or_else(|| self.groups().find(|group| group.name == name))
    }

    /// All groups, by object id.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// The groups somebody is in, through nested ones too.
    pub fn groups_of(&self, user: UserId) -> BTreeSet<GroupId> {
        let mut found: BTreeSet<GroupId> =
            self.groups().filter(|group| group.users.contains(&user)).map(|group| group.id).collect();
        loop {
            let outer: Vec<_> = self
                .groups()
                .filter(|group| !found.contains(&group.id) && !group.groups.is_disjoint(&found))
                .map(|group| group.id)
                .collect();
            if outer.is_empty() {
                return found;
            }
            found.extend(outer);
        }
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

    /// A hash over everything in it, except secrets, which show themselves by what their change voids.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [
            self.users.fingerprint(),
            self.deleted.fingerprint(),
            self.groups.fingerprint(),
            self.service_principals.fingerprint(),
            self.grants.fingerprint(),
            self.policies.fingerprint(),
            self.locations.fingerprint(),
            self.lifetimes.fingerprint(),
        ] {
            hash.update(part);
        }
        hash.finalize().into()
    }
}
