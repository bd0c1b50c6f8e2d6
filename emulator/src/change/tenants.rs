//! Changes of which tenants there are: copies come and go, so that each of several workers has a world of its own.

use std::sync::Arc;

use fixtures::ids::TenantId;

use super::ChangeError;
use crate::world::{TenantWorld, World};

/// A change of which tenants there are.
#[derive(Debug, Clone)]
pub enum TenantChange {
    /// Copies a tenant: its users with their object ids and names, groups, service principals, grants, policies, content. Everything is
    /// shared until one of the two changes it.
    Copy {
        /// The tenant to copy, as it is now.
        of: TenantId,
        /// The copy's id.
        id: TenantId,
        /// The copy's name.
        name: String,
    },
    /// Removes a tenant with everything in it.
    Delete(TenantId),
}

impl TenantChange {
    pub(super) fn apply(self, world: &mut World) -> Result<(), ChangeError> {
        match self {
            Self::Copy { of, id, name } => {
                let original = world.tenants.get(&of).ok_or(ChangeError::Tenant(of))?;
                let domain = format!("{name}.example");
                let is_taken = |tenant: &TenantWorld| {
                    tenant.id == id || tenant.label() == name || tenant.domain.eq_ignore_ascii_case(&domain)
                };
                if world.tenants.values().any(|tenant| is_taken(tenant)) {
                    return Err(ChangeError::Taken);
                }
                let mut copy = TenantWorld::clone(original);
                copy.id = id;
                copy.domain = domain;
                copy.copy = Some(name);
                Arc::make_mut(&mut copy.directory).tenant = id;
                world.tenants.insert(id, Arc::new(copy));
            }
            Self::Delete(id) => {
                world.tenants.remove(&id).ok_or(ChangeError::Tenant(id))?;
            }
        }
        Ok(())
    }
}
