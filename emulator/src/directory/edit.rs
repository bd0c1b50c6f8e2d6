//! How a directory becomes another one. Only [`DirectoryChange`](crate::change::DirectoryChange) comes here.

use jiff::Timestamp;

use super::{
    AppId, BTreeSet, Directory, GrantKey, Group, GroupId, Location, Member, Policy, PolicyId, ServicePrincipal,
    TokenLifetime, User, UserId,
};

impl Directory {
    /// Adds a user. `false` when the object id or the UPN is taken.
    pub(crate) fn add_user(&mut self, user: User) -> bool {
        let upn = user.upn.to_lowercase();
        if self.users.contains_key(&user.id) || self.deleted.contains_key(&user.id) || self.upns.contains_key(&upn) {
            return false;
        }
        self.upns.insert(upn, user.id);
        self.users.insert(user.id, user);
        true
    }

    /// Changes a user in place. The UPN is not to be changed here: it is indexed.
    pub(crate) fn edit_user<R>(&mut self, id: UserId, change: impl FnOnce(&mut User) -> R) -> Option<R> {
        self.users.edit(&id, change)
    }

    /// Moves a user to the recycle bin. Memberships, assignments and grants stay for the day of a restore.
    pub(crate) fn delete_user(&mut self, id: UserId, now: Timestamp) -> bool {
        let Some(user) = self.users.remove(&id) else { return false };
        self.upns.remove(&user.upn.to_lowercase());
        self.deleted.insert(id, User { closed_at: Some(now), ..User::clone(&user) });
        true
    }

    /// Takes a user out of the recycle bin. `false` when nobody is there, or the UPN was given to somebody else.
    pub(crate) fn restore_user(&mut self, id: UserId) -> bool {
        let Some(upn) = self.deleted.get(&id).map(|user| user.upn.to_lowercase()) else { return false };
        if self.upns.contains_key(&upn) {
            return false;
        }
        let Some(user) = self.deleted.remove(&id) else { return false };
        self.upns.insert(upn, id);
        self.users.insert(id, User::clone(&user));
        true
    }

    /// Adds a group. `false` when the object id is taken.
    pub(crate) fn add_group(&mut self, group: Group) -> bool {
        !self.groups.contains_key(&group.id) && self.groups.insert(group.id, group).is_none()
    }

    /// Removes a group, and with it what went through it.
    pub(crate) fn delete_group(&mut self, id: GroupId) -> bool {
        if self.groups.remove(&id).is_none() {
            return false;
        }
        let holding: Vec<_> =
            self.groups.values().filter(|group| group.groups.contains(&id)).map(|group| group.id).collect();
        for outer in holding {
            self.groups.edit(&outer, |group| group.groups.remove(&id));
        }
        let assigned: Vec<_> = self
            .service_principals
            .values()
            .filter(|principal| principal.assigned_groups.contains(&id))
            .map(|principal| principal.app)
            .collect();
        for app in assigned {
            self.service_principals.edit(&app, |principal| principal.assigned_groups.remove(&id));
        }
        true
    }

    /// Changes a group in place.
    pub(crate) fn edit_group<R>(&mut self, id: GroupId, change: impl FnOnce(&mut Group) -> R) -> Option<R> {
        self.groups.edit(&id, change)
    }

    /// Whether there is such a user or group.
    pub(crate) fn has(&self, member: Member) -> bool {
        match member {
            Member::User(id) => self.users.contains_key(&id),
            Member::Group(id) => self.groups.contains_key(&id),
        }
    }

    /// Adds a service principal unless the application has one.
    pub(crate) fn add_service_principal(&mut self, principal: ServicePrincipal) {
        if !self.service_principals.contains_key(&principal.app) {
            self.service_principals.insert(principal.app, principal);
        }
    }

    /// Removes a service principal, and the grants it is part of.
    pub(crate) fn remove_service_principal(&mut self, app: AppId) -> bool {
        if self.service_principals.remove(&app).is_none() {
            return false;
        }
        let gone: Vec<_> =
            self.grants().map(|grant| grant.key).filter(|key| key.client == app || key.resource == app).collect();
        for key in gone {
            self.grants.remove(&key);
        }
        true
    }

    /// Changes a service principal in place.
    pub(crate) fn edit_service_principal<R>(
        &mut self,
        app: AppId,
        change: impl FnOnce(&mut ServicePrincipal) -> R,
    ) -> Option<R> {
        self.service_principals.edit(&app, change)
    }

    /// Adds scopes to a grant.
    pub(crate) fn grant(&mut self, key: GrantKey, scopes: impl IntoIterator<Item = String>) {
        if !self.grants.contains_key(&key) {
            self.grants.insert(key, BTreeSet::new());
        }
        self.grants.edit(&key, |granted| granted.extend(scopes));
    }

    /// Takes scopes (all of them when `None`) out of a grant; an empty grant is gone. Returns whether anything was there.
    pub(crate) fn revoke(&mut self, key: GrantKey, scopes: Option<&BTreeSet<String>>) -> bool {
        let Some(granted) = self.grants.get(&key) else { return false };
        let left: BTreeSet<_> = match scopes {
            Some(scopes) => granted.difference(scopes).cloned().collect(),
            None => BTreeSet::new(),
        };
        let taken = left.len() < granted.len() || granted.is_empty();
        if left.is_empty() {
            self.grants.remove(&key);
        } else {
            self.grants.insert(key, left);
        }
        taken
    }

    pub(crate) fn put_policy(&mut self, policy: Policy) {
        self.policies.insert(policy.id, policy);
    }

    pub(crate) fn remove_policy(&mut self, id: PolicyId) -> bool {
        self.policies.remove(&id).is_some()
    }

    pub(crate) fn put_location(&mut self, location: Location) {
        self.locations.insert(location.name.clone(), location);
    }

    pub(crate) fn remove_location(&mut self, name: &str) -> bool {
        self.locations.remove(&name.to_owned()).is_some()
    }

    pub(crate) fn put_lifetime(&mut self, lifetime: TokenLifetime) {
        self.lifetimes.insert(lifetime.name.clone(), lifetime);
    }

    pub(crate) fn remove_lifetime(&mut self, name: &str) -> bool {
        self.lifetimes.remove(&name.to_owned()).is_some()
    }
}
