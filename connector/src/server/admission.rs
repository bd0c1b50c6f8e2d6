//! Is this tenant let in, and is this tool on for this person? A port: asked on every request, answered by configuration
//! when the server stands alone, and by the host's organizations when it stands beside one.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::caller::{TenantId, UserId};
use crate::host;

/// Why somebody is kept out. Answered as HTTP 403, before any MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// No organization works with this tenant.
    TenantNotEnabled,
    /// The organization has the connector switched off.
    ConnectorDisabled,
}

/// Who may come in, and what is switched off for them. Answers are never kept: a switch acts on the next request.
pub trait Admission: Send + Sync {
    /// May this person of this tenant use the connector now?
    fn admit(&self, tenant: &TenantId, user: &UserId) -> Result<(), Closed>;

    /// Is this tool on for them?
    fn tool_enabled(&self, tenant: &TenantId, user: &UserId, tool: &str) -> bool;
}

/// What an operator wrote down.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The tenants that are let in.
    pub tenants: BTreeSet<TenantId>,
    /// Tools that are off for everybody.
    pub disabled_tools: BTreeSet<String>,
}

/// The host's organizations, and the operator's list of tools.
pub struct OfHost {
    /// Who may come in, and what they switched off for themselves.
    pub host: host::HostDoors,
    /// What is off for everybody.
    pub listed: Listed,
}

impl Closed {
    /// The code of the 403.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TenantNotEnabled => "tenant_not_enabled",
            Self::ConnectorDisabled => "connector_disabled",
        }
    }

    /// The words of the 403.
    pub const fn message(self) -> &'static str {
        match self {
            Self::TenantNotEnabled => {
                "This connector is not enabled for your tenant. An owner of the organization can enable it."
            }
            Self::ConnectorDisabled => "The connector is switched off. An owner of the organization can switch it on.",
        }
    }
}

impl Admission for Listed {
    fn admit(&self, tenant: &TenantId, _: &UserId) -> Result<(), Closed> {
        if self.tenants.contains(tenant) { Ok(()) } else { Err(Closed::TenantNotEnabled) }
    }

    fn tool_enabled(&self, _: &TenantId, _: &UserId, tool: &str) -> bool {
        !self.disabled_tools.contains(tool)
    }
}

impl Admission for OfHost {
    fn admit(&self, tenant: &TenantId, _: &UserId) -> Result<(), Closed> {
        let tenant = Uuid::try_parse(tenant.as_str()).map_err(|_| Closed::TenantNotEnabled)?;
        self.host.organizations().admit_tenant(tenant).map_err(|closed| match closed {
            host::Closed::Disabled | host::Closed::PlanWithoutConnector => Closed::ConnectorDisabled,
            host::Closed::TenantNotEnabled
            | host::Closed::NotAMember
            | host::Closed::OrganizationUnclear
            | host::Closed::NotAnOwner => Closed::TenantNotEnabled,
        })
    }

    fn tool_enabled(&self, tenant: &TenantId, user: &UserId, tool: &str) -> bool {
        self.listed.tool_enabled(tenant, user, tool) && !self.host.tool_off(tenant.as_str(), user.as_str(), tool)
    }
}
