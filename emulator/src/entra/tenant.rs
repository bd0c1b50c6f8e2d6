//! The first path segment: which tenant a request is about.

use fixtures::ids::TenantId;

use super::error::EntraError;
use crate::directory::User;
use crate::world::{TenantWorld, World};

/// The tenant of personal Microsoft accounts.
pub(crate) const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// What a path's tenant segment names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// One tenant.
    Tenant(TenantId),
    /// Any account, of whatever kind.
    Common,
    /// Any work or school account.
    Organizations,
}

impl Authority {
    /// GUID, verified domain, `common`, `organizations` or `consumers`, in any letter case (MSAL.js lower-cases it).
    pub(crate) fn parse(world: &World, segment: &str) -> Result<Self, EntraError> {
        let unknown = || EntraError::TenantNotFound(segment.to_owned());
        match segment.to_ascii_lowercase().as_str() {
            "common" => Ok(Self::Common),
            "organizations" => Ok(Self::Organizations),
            "consumers" => {
                let id = CONSUMERS.parse().map_err(|_| unknown())?;
                world.tenant(id).map(|tenant| Self::Tenant(tenant.id)).ok_or_else(unknown)
            }
            // Unlike the lab, the service does not know tenants by our short names.
            name => world
                .tenants
                .values()
                .find(|tenant| tenant.id.to_string() == name || tenant.domain.eq_ignore_ascii_case(name))
                .map(|tenant| Self::Tenant(tenant.id))
                .ok_or_else(unknown),
        }
    }

    /// How it stands in URLs of documents: a domain becomes the GUID.
    pub(crate) fn segment(self) -> String {
        match self {
            Self::Tenant(id) => id.to_string(),
            Self::Common => "common".to_owned(),
            Self::Organizations => "organizations".to_owned(),
        }
    }

    /// Whether a tenant's tokens may come from here.
    pub fn covers(self, tenant: TenantId) -> bool {
        match self {
            Self::Tenant(own) => own == tenant,
            Self::Common => true,
            Self::Organizations => tenant.to_string() != CONSUMERS,
        }
    }

    /// The tenants behind it.
    pub(crate) fn tenants(self, world: &World) -> impl Iterator<Item = &TenantWorld> {
        world.tenants.values().map(std::convert::AsRef::as_ref).filter(move |tenant| self.covers(tenant.id))
    }

    /// A user by the name they sign in with: the UPN, or for a guest the one at home. At `common` the home tenant is meant: a guest names the resource tenant instead, and so does a user of a copy.
    pub(crate) fn user<'w>(self, world: &'w World, upn: &str) -> Option<(&'w TenantWorld, &'w User)> {
        self.tenants(world)
            .filter_map(|tenant| tenant.directory.user_by_upn(upn).map(|user| (tenant, user)))
            .find(|(tenant, user)| matches!(self, Self::Tenant(_)) || (user.home.is_none() && tenant.copy.is_none()))
            .or_else(|| self.guest(world, upn))
    }

    fn guest<'w>(self, world: &'w World, upn: &str) -> Option<(&'w TenantWorld, &'w User)> {
        let Self::Tenant(id) = self else { return None };
        let tenant = world.tenant(id)?;
        let is_meant = |user: &&User| {
            user.home.is_some() && world.account(user).is_some_and(|account| account.upn.eq_ignore_ascii_case(upn))
        };
        tenant.directory.users().find(is_meant).map(|user| (tenant, user))
    }
}
