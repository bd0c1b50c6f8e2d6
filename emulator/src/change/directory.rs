//! Changes of one tenant's directory.

use std::collections::BTreeSet;
use std::sync::Arc;

use fixtures::ids::{AppId, GroupId, PolicyId, TenantId, UserId};
use fixtures::plan::{Device, Person, PersonKind, Registration, Tenant};
use jiff::SignedDuration;

use super::{ChangeError, Moment};
use crate::apps::Apps;
use crate::calendar::Calendars;
use crate::directory::{
    Directory, GrantKey, Group, Location, Member, Password, Policy, ServicePrincipal, TokenLifetime, User,
};
use crate::drive::Drive;
use crate::mailbox::Mailbox;
use crate::world::World;

/// A change of a directory.
#[derive(Debug, Clone)]
pub enum DirectoryChange {
    /// Adds a user object, and the mailbox, calendar and drive that a member has.
    AddUser {
        /// What a row would say of them; `home` is not looked at.
        person: Box<Person>,
        /// For a guest: tenant and object id at home.
        home: Option<(TenantId, UserId)>,
    },
    /// Moves a user to the recycle bin; memberships and grants wait there for a restore.
    DeleteUser {
        /// User.
        user: UserId,
    },
    /// Takes a user out of the recycle bin.
    RestoreUser {
        /// User.
        user: UserId,
    },
    /// Enables or disables a user.
    EnableUser {
        /// User.
        user: UserId,
        /// `accountEnabled`.
        enabled: bool,
    },
    /// Sets a user's directory roles.
    SetRoles {
        /// User.
        user: UserId,
        /// By display name, for example `Global Administrator`.
        roles: Vec<String>,
    },
    /// Gives a user another password, and voids what that voids.
    SetPassword {
        /// User.
        user: UserId,
        /// The new one.
        password: Password,
        /// Who did it, and where.
        by: PasswordSetBy,
    },
    /// Voids everything the user signed in to before now.
    RevokeSessions {
        /// User.
        user: UserId,
    },
    /// Says which device a user works on.
    SetDevice {
        /// User.
        user: UserId,
        /// Its state.
        device: Device,
    },
    /// Registers a second factor, or takes it away.
    SetSecondFactor {
        /// User.
        user: UserId,
        /// What the page takes.
        code: Option<Password>,
    },
    /// Adds a conditional access policy, or replaces the one with its id.
    PutPolicy(Box<Policy>),
    /// Removes a conditional access policy.
    RemovePolicy {
        /// Policy.
        policy: PolicyId,
    },
    /// Adds a named location, or replaces the one with its name.
    PutLocation(Location),
    /// Removes a named location.
    RemoveLocation {
        /// Its name.
        name: String,
    },
    /// Adds a token lifetime policy, or replaces the one with its name.
    PutLifetime(TokenLifetime),
    /// Removes a token lifetime policy.
    RemoveLifetime {
        /// Its name.
        name: String,
    },
    /// Adds a group.
    AddGroup(Box<Group>),
    /// Removes a group, and what went through it.
    DeleteGroup {
        /// Group.
        group: GroupId,
    },
    /// Adds a direct member to a group.
    AddMember {
        /// Group.
        group: GroupId,
        /// Who.
        member: Member,
    },
    /// Takes a direct member out of a group.
    RemoveMember {
        /// Group.
        group: GroupId,
        /// Who.
        member: Member,
    },
    /// Creates the application's service principal, if it is not there.
    AddServicePrincipal {
        /// Application.
        app: AppId,
    },
    /// Removes the application's service principal, and every grant it is part of.
    RemoveServicePrincipal {
        /// Application.
        app: AppId,
    },
    /// Enables or disables an application in this tenant.
    EnableServicePrincipal {
        /// Application.
        app: AppId,
        /// `accountEnabled`.
        enabled: bool,
    },
    /// Sets whether users must be assigned to an application.
    RequireAssignment {
        /// Application.
        app: AppId,
        /// `appRoleAssignmentRequired`.
        required: bool,
    },
    /// Assigns a user or a group to an application.
    Assign {
        /// Application.
        app: AppId,
        /// Who.
        member: Member,
    },
    /// Takes an assignment back.
    Unassign {
        /// Application.
        app: AppId,
        /// Who.
        member: Member,
    },
    /// Adds scopes to a grant, creating it and the service principals it connects where they are missing.
    Consent {
        /// Client, resource and principal.
        grant: GrantKey,
        /// What is granted.
        scopes: BTreeSet<String>,
    },
    /// Takes scopes out of a grant.
    Revoke {
        /// Client, resource and principal.
        grant: GrantKey,
        /// What is taken; the whole grant when absent.
        scopes: Option<BTreeSet<String>>,
    },
}

/// Who sets a password: it decides which refresh tokens survive.
///
/// <https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-revocation>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordSetBy {
    /// The user, by change or self-service reset, or an administrator in the Azure portal.
    User,
    /// An administrator, in the Entra admin center.
    Administrator,
}

impl DirectoryChange {
    pub(super) fn apply(self, world: &mut World, id: TenantId, moment: &Moment) -> Result<(), ChangeError> {
        let apps = Arc::clone(&world.apps);
        if let Self::AddUser { person, home } = self {
            return add_user(world, id, &person, home, moment);
        }
        let tenant = Arc::make_mut(world.tenants.get_mut(&id).ok_or(ChangeError::Tenant(id))?);
        let principal_of = |app: AppId| created(&tenant.name, registration(&apps, app)?);
        let directory = Arc::make_mut(&mut tenant.directory);
        match self {
            // Above: it touches more than the directory.
            Self::AddUser { .. } => Ok(()),
            Self::DeleteUser { user } => done(directory.delete_user(user, moment.now), ChangeError::User(user)),
            Self::RestoreUser { user } => done(directory.restore_user(user), ChangeError::User(user)),
            Self::EnableUser { user, enabled } => edit(directory, user, |user| {
                user.enabled = enabled;
                user.closed_at = (!enabled).then_some(moment.now);
            }),
            Self::SetRoles { user, roles } => edit(directory, user, |user| user.roles = roles),
            Self::SetPassword { user, password, by } => edit(directory, user, |user| {
                match by {
                    PasswordSetBy::User => user.voided.marks.password_changed += 1,
                    PasswordSetBy::Administrator => user.voided.marks.password_reset += 1,
                }
                user.voided.since = Some(moment.now);
                user.set_password(password);
            }),
            Self::RevokeSessions { user } => edit(directory, user, |user| {
                user.voided.marks.revoked += 1;
                user.voided.since = Some(moment.now);
            }),
            Self::SetDevice { user, device } => edit(directory, user, |user| user.device = device),
            Self::SetSecondFactor { user, code } => edit(directory, user, |user| user.set_second_factor(code)),
            Self::PutPolicy(policy) => {
                directory.put_policy(*policy);
                Ok(())
            }
            Self::RemovePolicy { policy } => done(directory.remove_policy(policy), ChangeError::Policy),
            Self::PutLocation(location) => {
                directory.put_location(location);
                Ok(())
            }
            Self::RemoveLocation { name } => done(directory.remove_location(&name), ChangeError::Policy),
            Self::PutLifetime(lifetime) => {
                directory.put_lifetime(lifetime);
                Ok(())
            }
            Self::RemoveLifetime { name } => done(directory.remove_lifetime(&name), ChangeError::Policy),
            Self::AddGroup(group) => taken(directory.add_group(*group)),
            Self::DeleteGroup { group } => done(directory.delete_group(group), ChangeError::Group(group)),
            Self::AddMember { group, member } => {
                known(directory, member)?;
                let added = directory.edit_group(group, |group| member.put(&mut group.users, &mut group.groups));
                added.map(|_| ()).ok_or(ChangeError::Group(group))
            }
            Self::RemoveMember { group, member } => {
                let removed = directory.edit_group(group, |group| member.take(&mut group.users, &mut group.groups));
                done(removed.ok_or(ChangeError::Group(group))?, ChangeError::Member)
            }
            Self::AddServicePrincipal { app } => {
                directory.add_service_principal(principal_of(app)?);
                Ok(())
            }
            Self::RemoveServicePrincipal { app } => {
                done(directory.remove_service_principal(app), ChangeError::App(app))
            }
            Self::EnableServicePrincipal { app, enabled } => {
                edit_principal(directory, app, |principal| principal.enabled = enabled)
            }
            Self::RequireAssignment { app, required } => {
                edit_principal(directory, app, |principal| principal.assignment_required = required)
            }
            Self::Assign { app, member } => {
                known(directory, member)?;
                edit_principal(directory, app, |app| member.put(&mut app.assigned_users, &mut app.assigned_groups))
                    .map(|_| ())
            }
            Self::Unassign { app, member } => {
                let take = |app: &mut ServicePrincipal| member.take(&mut app.assigned_users, &mut app.assigned_groups);
                let removed = edit_principal(directory, app, take)?;
                done(removed, ChangeError::Member)
            }
            Self::Consent { grant, scopes } => {
                if let Some(user) = grant.principal {
                    directory.user(user).ok_or(ChangeError::User(user))?;
                }
                for app in [grant.client, grant.resource] {
                    directory.add_service_principal(principal_of(app)?);
                }
                directory.grant(grant, scopes);
                Ok(())
            }
            Self::Revoke { grant, scopes } => done(directory.revoke(grant, scopes.as_ref()), ChangeError::Grant),
        }
    }
}

fn add_user(
    world: &mut World,
    id: TenantId,
    person: &Person,
    home: Option<(TenantId, UserId)>,
    moment: &Moment,
) -> Result<(), ChangeError> {
    let at_home = home
        .map(|(tenant, user)| {
            let known = world.tenant(tenant).and_then(|tenant| tenant.directory.user(user));
            known.cloned().ok_or(ChangeError::User(user))
        })
        .transpose()?;
    let tenant = Arc::make_mut(world.tenants.get_mut(&id).ok_or(ChangeError::Tenant(id))?);
    let row = Tenant::bare(tenant.name.clone(), id, tenant.domain.clone());
    let user = User::of(&row, person, None).with_home(home, at_home.as_ref());
    let owner = user.has_mailbox.then_some(user.id);
    taken(Arc::make_mut(&mut tenant.directory).add_user(user))?;
    if let Some(owner) = owner {
        tenant.mailboxes.insert(owner, Arc::new(Mailbox::of(&row, person, SignedDuration::ZERO)));
        tenant.calendars.insert(owner, Arc::new(Calendars::of(&row, person, SignedDuration::ZERO)));
        if person.kind == PersonKind::Member {
            // An empty one has no dates but when it was made: as that of everybody, before the world began.
            tenant.drives.insert(owner, Drive::new_onedrive(&row, person, moment.shift));
        }
    }
    Ok(())
}

fn done(happened: bool, otherwise: ChangeError) -> Result<(), ChangeError> {
    if happened { Ok(()) } else { Err(otherwise) }
}

fn taken(added: bool) -> Result<(), ChangeError> {
    done(added, ChangeError::Taken)
}

fn edit(directory: &mut Directory, user: UserId, change: impl FnOnce(&mut User)) -> Result<(), ChangeError> {
    directory.edit_user(user, change).ok_or(ChangeError::User(user))
}

fn edit_principal<R>(
    directory: &mut Directory,
    app: AppId,
    change: impl FnOnce(&mut ServicePrincipal) -> R,
) -> Result<R, ChangeError> {
    directory.edit_service_principal(app, change).ok_or(ChangeError::App(app))
}

fn known(directory: &Directory, member: Member) -> Result<(), ChangeError> {
    let missing = match member {
        Member::User(id) => ChangeError::User(id),
        Member::Group(id) => ChangeError::Group(id),
    };
    done(directory.has(member), missing)
}

fn registration(apps: &Apps, id: AppId) -> Result<&Registration, ChangeError> {
    apps.get(id).map(Arc::as_ref).ok_or(ChangeError::App(id))
}

/// A service principal is of the tenant's own application, or of one that any tenant may have.
fn created(tenant: &str, registration: &Registration) -> Result<ServicePrincipal, ChangeError> {
    let may_be_here = registration.multi_tenant || registration.home == tenant;
    done(may_be_here, ChangeError::SingleTenant(registration.app_id))?;
    Ok(ServicePrincipal::created(tenant, registration))
}
