//! Changes of drives.

use std::sync::Arc;

use bytes::Bytes;
use fixtures::ids::{TenantId, UserId};

use super::{ChangeError, Moment};
use crate::drive::{Grant, NewContent};
use crate::world::World;

/// A change of one drive.
#[derive(Debug, Clone)]
pub enum DriveChange {
    /// Opens a OneDrive that nobody opened yet.
    Provision,
    /// Adds a file or folder.
    Add(NewContent),
    /// Replaces the bytes of a file.
    Replace {
        /// Item id.
        id: String,
        /// The new ones.
        bytes: Bytes,
    },
    /// Renames an item, puts it into another folder of the drive, or both.
    Place {
        /// Item id.
        id: String,
        /// The new name.
        name: Option<String>,
        /// Id of the new folder.
        parent: Option<String>,
    },
    /// Deletes an item with everything in it.
    Remove {
        /// Item id.
        id: String,
    },
    /// Gives something to somebody, or makes a sharing link.
    Grant {
        /// Item id.
        id: String,
        /// What is given. One of an id that is known takes its place.
        grants: Vec<Grant>,
    },
    /// Follows a sharing link for good.
    Follow {
        /// Item id.
        id: String,
        /// Id of the permission that is the link.
        permission: String,
    },
    /// Takes a permission back.
    Revoke {
        /// Item id.
        id: String,
        /// Id of the permission.
        permission: String,
    },
}

impl DriveChange {
    pub(super) fn apply(
        self,
        world: &mut World,
        tenant: TenantId,
        drive: &str,
        by: UserId,
        moment: &Moment,
    ) -> Result<(), ChangeError> {
        let tenant = world.tenants.get_mut(&tenant).ok_or(ChangeError::Tenant(tenant))?;
        let drives = &mut Arc::make_mut(tenant).drives;
        let drive = drives.get_mut(drive).ok_or_else(|| ChangeError::Unknown("drive".to_owned()))?;
        let drive = Arc::make_mut(drive);
        let now = moment.now;
        match self {
            Self::Provision => drive.provision(),
            Self::Add(new) => drive.add(new, by, now)?,
            Self::Replace { id, bytes } => drive.replace(&id, bytes, by, now)?,
            Self::Place { id, name, parent } => drive.place(&id, name, parent, by, now)?,
            Self::Remove { id } => drive.remove(&id)?,
            Self::Grant { id, grants } => grants.into_iter().try_for_each(|grant| drive.grant(&id, grant))?,
            Self::Follow { id, permission } => drive.follow(&id, &permission, by)?,
            Self::Revoke { id, permission } => drive.revoke(&id, &permission)?,
        }
        Ok(())
    }
}
