//! What one principal may see of the people of a tenant.

use fixtures::ids::GroupId;

use super::View;
use crate::directory::{Group, User};
use crate::graph::error::{GraphError, Refusal};
use crate::graph::people::{EVERYBODY, GROUPS, ONESELF, ROLES};
use crate::rules::DirectorySight;

/// How much of a user is shown, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::graph) enum Profile {
    /// What guests see of others.
    Guest,
    /// What `User.ReadBasic.All` shows.
    Basic,
    /// Everything.
    Whole,
}

/// What somebody is a member of.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) enum Membership<'a> {
    /// A group.
    Group(&'a Group),
    /// A directory role, by name.
    Role(&'a str),
}

impl<'a> View<'a> {
    fn directory_sight(&self) -> DirectorySight {
        (self.rules.directory)(self.tenant, self.principal.user)
    }

    /// Name of the organization.
    pub(in crate::graph) fn organization(&self) -> &'a str {
        &self.tenant.display_name
    }

    /// What fixture rows call the tenant.
    pub(in crate::graph) fn tenant_name(&self) -> &'a str {
        &self.tenant.name
    }

    /// All users, for who may list them.
    pub(in crate::graph) fn everybody(&self) -> Result<impl Iterator<Item = &'a User> + use<'a>, Refusal> {
        if self.directory_sight() == DirectorySight::Named {
            let reason = "access rule `directory`: guests do not list the users of the tenant";
            return Err(GraphError::DirectoryDenied.because(reason));
        }
        Ok(self.tenant.directory.users())
    }

    /// How much of a user the caller sees.
    pub(in crate::graph) fn profile(&self, user: &User) -> Profile {
        let is_own = user.id == self.principal.user;
        if is_own && self.admits(ONESELF) {
            return Profile::Whole;
        }
        if !is_own && self.directory_sight() == DirectorySight::Named {
            return Profile::Guest;
        }
        if self.admits(EVERYBODY) { Profile::Whole } else { Profile::Basic }
    }

    /// Who a user reports to.
    pub(in crate::graph) fn manager(&self, user: &User) -> Option<&'a User> {
        self.tenant.directory.user(user.manager?)
    }

    /// Who reports to a user.
    pub(in crate::graph) fn reports(&self, user: &User) -> impl Iterator<Item = &'a User> + use<'a> {
        let manager = user.id;
        self.tenant.directory.users().filter(move |user| user.manager == Some(manager))
    }

    /// Groups, through nested ones if asked, and directory roles.
    pub(in crate::graph) fn memberships(
        &self,
        user: &'a User,
        is_transitive: bool,
    ) -> Result<Vec<Membership<'a>>, Refusal> {
        if user.id != self.principal.user && self.directory_sight() == DirectorySight::Named {
            let reason = "access rule `directory`: guests see their own memberships alone";
            return Err(GraphError::DirectoryDenied.because(reason));
        }
        let directory = &self.tenant.directory;
        let groups: Vec<GroupId> = if is_transitive {
            directory.groups_of(user.id).into_iter().collect()
        } else {
            directory.groups().filter(|group| group.users.contains(&user.id)).map(|group| group.id).collect()
        };
        let groups = groups.into_iter().filter_map(|id| directory.group(id)).map(Membership::Group);
        Ok(groups.chain(user.roles.iter().map(|role| Membership::Role(role))).collect())
    }

    /// Whether the token shows what a thing is called, or only that it is there.
    pub(in crate::graph) fn shows(&self, membership: &Membership<'_>) -> bool {
        match membership {
            Membership::Group(_) => self.admits(GROUPS),
            Membership::Role(_) => self.admits(ROLES),
        }
    }
}
