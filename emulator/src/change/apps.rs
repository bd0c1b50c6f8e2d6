//! Changes of registrations.

use std::sync::Arc;

use fixtures::ids::AppId;
use fixtures::plan::Registration;

use super::ChangeError;
use crate::world::World;

/// A change of the global side of applications.
#[derive(Debug, Clone)]
pub enum AppChange {
    /// Adds a registration, or replaces the one with the same application id. Service principals of it stay as they are.
    Put(Box<Registration>),
    /// Removes a registration. Its service principals stay, as at the real service; nobody can sign in to them any more.
    Remove(AppId),
}

impl AppChange {
    pub(super) fn apply(self, world: &mut World) -> Result<(), ChangeError> {
        let apps = Arc::make_mut(&mut world.apps);
        match self {
            Self::Put(registration) => apps.put(*registration),
            Self::Remove(id) => {
                apps.remove(id).ok_or(ChangeError::App(id))?;
            }
        }
        Ok(())
    }
}
