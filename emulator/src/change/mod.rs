//! What can become different, by area. Whoever changes anything says so with a [`Change`]; [`State::apply`](crate::State::apply) is the
//! only door, and what a change touches is copied, nothing else.
//!
//! Directories and registrations are one fingerprint, content another: an area is in one of the two, never in both.

mod apps;
mod calendar;
mod directory;
mod drive;
mod mail;
mod own_apps;
mod teams;
mod tenants;

use fixtures::ids::{AppId, GroupId, TenantId, UserId};
use jiff::{SignedDuration, Timestamp};

use crate::calendar::CalendarError;
use crate::drive::DriveEditError;
use crate::mailbox::EditError;
use crate::teams::NoSuchThread;
use crate::world::World;

pub use apps::AppChange;
pub use calendar::CalendarChange;
pub use directory::{DirectoryChange, PasswordSetBy};
pub use drive::DriveChange;
pub use mail::MailChange;
pub use teams::TeamsChange;
pub use tenants::TenantChange;

/// A change of the world.
#[derive(Debug, Clone)]
pub enum Change {
    /// Registrations, which no tenant owns alone.
    App(AppChange),
    /// Which tenants there are.
    Tenant(TenantChange),
    /// Users, groups, service principals, grants, policies of one tenant.
    Directory {
        /// Tenant.
        tenant: TenantId,
        /// What becomes of it.
        change: DirectoryChange,
    },
    // Content: one variant and one file per workload, below.
    /// Mail of one mailbox.
    Mail {
        /// Tenant.
        tenant: TenantId,
        /// Object id of the mailbox's owner.
        mailbox: UserId,
        /// What becomes of it.
        change: MailChange,
    },
    /// Chats, teams and channels of one tenant.
    Teams {
        /// Tenant.
        tenant: TenantId,
        /// What becomes of them.
        change: TeamsChange,
    },
    /// Files of one drive.
    Drive {
        /// Tenant.
        tenant: TenantId,
        /// Its id.
        drive: String,
        /// Who changes it.
        by: UserId,
        /// What becomes of it.
        change: DriveChange,
    },
    /// Calendars of one mailbox.
    Calendar {
        /// Tenant.
        tenant: TenantId,
        /// Object id of the mailbox's owner.
        mailbox: UserId,
        /// What becomes of it.
        change: CalendarChange,
    },
}

impl Change {
    /// A change of one tenant's directory.
    pub const fn directory(tenant: TenantId, change: DirectoryChange) -> Self {
        Self::Directory { tenant, change }
    }

    /// Works on a copy that nobody sees yet; when it fails, the copy is thrown away.
    pub(crate) fn apply(self, world: &mut World, moment: &Moment) -> Result<(), ChangeError> {
        match self {
            Self::App(change) => change.apply(world),
            Self::Tenant(change) => change.apply(world),
            Self::Directory { tenant, change } => change.apply(world, tenant, moment),
            Self::Mail { tenant, mailbox, change } => change.apply(world, tenant, mailbox, moment),
            Self::Teams { tenant, change } => change.apply(world, tenant),
            Self::Drive { tenant, drive, by, change } => change.apply(world, tenant, &drive, by, moment),
            Self::Calendar { tenant, mailbox, change } => change.apply(world, tenant, mailbox, moment),
        }
    }
}

/// What changes may know beside the world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The world's time.
    pub(crate) now: Timestamp,
    /// By how much the plan's dates were moved when the world began.
    pub(crate) shift: SignedDuration,
}

/// A change of something that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// No such tenant.
    #[error("no such tenant: {0}")]
    Tenant(TenantId),
    /// No such user.
    #[error("no such user in this tenant: {0}")]
    User(UserId),
    /// No such group.
    #[error("no such group in this tenant: {0}")]
    Group(GroupId),
    /// Neither member of that group, nor assigned to that application.
    #[error("not a member, or not assigned")]
    Member,
    /// What a row of the user's own names is not there.
    #[error("no such {0}")]
    Unknown(String),
    /// No such application.
    #[error("no such application: {0}")]
    App(AppId),
    /// Another tenant's application, which is no other's.
    #[error("a single-tenant application of another tenant: {0}")]
    SingleTenant(AppId),
    /// An object with this id or name is there already.
    #[error("an object with this id or name is there already")]
    Taken,
    /// No such policy or named location.
    #[error("there is no such policy or named location")]
    Policy,
    /// No such grant, or none of these scopes in it.
    #[error("there is no such grant")]
    Grant,
    /// The user has no mailbox.
    #[error("this user has no mailbox: {0}")]
    Mailbox(UserId),
    /// Not there.
    #[error(transparent)]
    Thread(#[from] NoSuchThread),
    /// Not in this mailbox, or not possible there.
    #[error(transparent)]
    Mail(#[from] EditError),
    /// Not in this drive, or not possible there.
    #[error(transparent)]
    Drive(#[from] DriveEditError),
    /// Not in these calendars.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}
