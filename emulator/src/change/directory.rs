//! Changes of one tenant's directory.

use std::collections::BTreeSet;
use std::sync::Arc;

use fixtures::ids::{AppId, TenantId, UserId};
use fixtures::plan::Registration;

use super::{ChangeError, Moment};
use crate::apps::Apps;
use crate::directory::GrantKey;
use crate::world::World;

/// A change of a directory.
#[derive(Debug, Clone)]
pub enum DirectoryChange {
    /// Creates the application's service principal, if it is not there.
    AddServicePrincipal {
        /// Application.
        app: AppId,
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
    /// Enables or disables a user.
    EnableUser {
        /// User.
        user: UserId,
        /// `accountEnabled`.
        enabled: bool,
    },
    /// Voids everything the user signed in to before now.
    RevokeSessions {
        /// User.
        user: UserId,
    },
}

impl DirectoryChange {
    pub(super) fn apply(self, world: &mut World, id: TenantId, moment: &Moment) -> Result<(), ChangeError> {
        let apps = Arc::clone(&world.apps);
        let tenant = Arc::make_mut(world.tenants.get_mut(&id).ok_or(ChangeError::Tenant(id))?);
        let name = tenant.name.clone();
        let directory = Arc::make_mut(&mut tenant.directory);
        match self {
            Self::AddServicePrincipal { app } => directory.add_service_principal(&name, registration(&apps, app)?),
            Self::Consent { grant, scopes } => {
                if let Some(user) = grant.principal {
                    directory.user(user).ok_or(ChangeError::User(user))?;
                }
                for app in [grant.client, grant.resource] {
                    directory.add_service_principal(&name, registration(&apps, app)?);
                }
                directory.grant_mut(grant).extend(scopes);
            }
            Self::Revoke { grant, scopes } => {
                if !directory.revoke(grant, scopes.as_ref()) {
                    return Err(ChangeError::Grant);
                }
            }
            Self::EnableUser { user, enabled } => {
                directory.user_mut(user).ok_or(ChangeError::User(user))?.enabled = enabled;
            }
            Self::RevokeSessions { user } => {
                let user = directory.user_mut(user).ok_or(ChangeError::User(user))?;
                user.sessions_valid_from = Some(moment.now);
                user.session_generation += 1;
            }
        }
        Ok(())
    }
}

fn registration(apps: &Apps, id: AppId) -> Result<&Registration, ChangeError> {
    apps.get(id).map(Arc::as_ref).ok_or(ChangeError::App(id))
}
