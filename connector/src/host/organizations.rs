//! May this person, and may this tenant, use the connector now? Asked anew on every request, so that an owner's "off" acts
//! on the next call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use arc_swap::ArcSwap;
use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition};
use uuid::Uuid;

use super::config::OrganizationConfig;
use super::member::{HostUser, Member, OrganizationName};
use super::vault::{StateFile, VaultError};

/// Owners' decisions: organization to on or off. They outlive a restart and overrule the configuration.
pub(super) const SWITCHES: TableDefinition<'static, &'static str, bool> = TableDefinition::new("switches");

/// The organizations of the host.
pub struct Organizations {
    file: StateFile,
    rows: BTreeMap<OrganizationName, Organization>,
    membership: BTreeMap<HostUser, OrganizationName>,
    enabled: ArcSwap<BTreeSet<OrganizationName>>,
    writing: Mutex<()>,
}

struct Organization {
    owners: BTreeSet<HostUser>,
    tenants: BTreeSet<Uuid>,
}

/// Why somebody is kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The person belongs to no organization.
    NotAMember,
    /// An owner of the organization has not turned the connector on, or has turned it off.
    Disabled,
    /// No organization has this tenant.
    TenantNotEnabled,
    /// Only an owner may do this.
    NotAnOwner,
}

/// Why the organizations cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum OrganizationsError {
    /// A person is listed in two organizations.
    #[error(
        "host.organizations: {user} belongs to {first} and to {second}; a person belongs to one organization at most"
    )]
    TwoOrganizations {
        /// The person.
        user: HostUser,
        /// One organization.
        first: OrganizationName,
        /// The other.
        second: OrganizationName,
    },
    /// A member is not a person of the host.
    #[error("host.organizations.{organization}: {user} is not in host.users")]
    UnknownUser {
        /// The organization.
        organization: OrganizationName,
        /// The name that nobody has.
        user: HostUser,
    },
    /// A tenant is not named by its GUID.
    #[error("host.organizations.{organization}.tenants: `{tenant}` is not a tenant id (a GUID)")]
    Tenant {
        /// The organization.
        organization: OrganizationName,
        /// What was written.
        tenant: String,
    },
    /// The store of the owners' decisions failed.
    #[error(transparent)]
    Store(#[from] VaultError),
}

impl Organizations {
    pub(super) fn load(
        config: &BTreeMap<OrganizationName, OrganizationConfig>,
        users: &BTreeSet<HostUser>,
        file: StateFile,
    ) -> Result<Self, OrganizationsError> {
        let switches = switches(&file)?;
        let (mut rows, mut membership, mut enabled) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for (name, row) in config {
            for user in row.owners.iter().chain(&row.members).collect::<BTreeSet<_>>() {
                if !users.contains(user) {
                    return Err(OrganizationsError::UnknownUser { organization: name.clone(), user: user.clone() });
                }
                if let Some(first) = membership.insert(user.clone(), name.clone()) {
                    return Err(OrganizationsError::TwoOrganizations {
                        user: user.clone(),
                        first,
                        second: name.clone(),
                    });
                }
            }
            let tenants = row.tenants.iter().map(|tenant| {
                Uuid::try_parse(tenant)
                    .map_err(|_| OrganizationsError::Tenant { organization: name.clone(), tenant: tenant.clone() })
            });
            let organization = Organization {
                owners: row.owners.iter().cloned().collect(),
                tenants: tenants.collect::<Result<_, _>>()?,
            };
            if switches.get(name.as_str()).copied().unwrap_or(row.enabled) {
                enabled.insert(name.clone());
            }
            rows.insert(name.clone(), organization);
        }
        Ok(Self { file, rows, membership, enabled: ArcSwap::from_pointee(enabled), writing: Mutex::new(()) })
    }

    /// The membership of `user`, whether or not the connector is on.
    pub fn membership(&self, user: &HostUser) -> Result<Member, Closed> {
        let organization = self.membership.get(user).ok_or(Closed::NotAMember)?;
        Ok(Member { organization: organization.clone(), user: user.clone() })
    }

    /// The membership of `user` in an organization that has the connector on: the gate before everything that reaches
    /// company data.
    pub fn gate(&self, user: &HostUser) -> Result<Member, Closed> {
        let member = self.membership(user)?;
        if self.is_enabled(&member.organization) { Ok(member) } else { Err(Closed::Disabled) }
    }

    /// Whether the connector is on for `organization`.
    pub fn is_enabled(&self, organization: &OrganizationName) -> bool {
        self.enabled.load().contains(organization)
    }

    /// Whether `member` owns their organization.
    pub fn is_owner(&self, member: &Member) -> bool {
        self.rows.get(&member.organization).is_some_and(|row| row.owners.contains(&member.user))
    }

    /// Whether `organization` lets accounts of `tenant` be connected.
    pub fn allows_tenant(&self, organization: &OrganizationName, tenant: Uuid) -> bool {
        self.rows.get(organization).is_some_and(|row| row.tenants.contains(&tenant))
    }

    /// Whether any organization that has the connector on works with `tenant`: what the MCP server asks of a token.
    pub fn admit_tenant(&self, tenant: Uuid) -> Result<(), Closed> {
        let enabled = self.enabled.load();
        let mut of_tenant = self.rows.iter().filter(|(_, row)| row.tenants.contains(&tenant)).peekable();
        if of_tenant.peek().is_none() {
            return Err(Closed::TenantNotEnabled);
        }
        if of_tenant.any(|(name, _)| enabled.contains(name)) { Ok(()) } else { Err(Closed::Disabled) }
    }

    /// Turns the connector on or off for the organization that `owner` owns; kept before it takes effect.
    pub(super) fn switch(&self, owner: &HostUser, on: bool) -> Result<Result<Member, Closed>, VaultError> {
        let member = match self.membership(owner) {
            Ok(member) if self.is_owner(&member) => member,
            Ok(_) => return Ok(Err(Closed::NotAnOwner)),
            Err(closed) => return Ok(Err(closed)),
        };
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = self.file.0.begin_write()?;
        transaction.open_table(SWITCHES)?.insert(member.organization.as_str(), on)?;
        transaction.commit()?;
        let mut enabled = BTreeSet::clone(&self.enabled.load());
        if on {
            enabled.insert(member.organization.clone());
        } else {
            enabled.remove(&member.organization);
        }
        self.enabled.store(enabled.into());
        Ok(Ok(member))
    }
}

fn switches(file: &StateFile) -> Result<BTreeMap<String, bool>, VaultError> {
    let table = file.0.begin_read()?.open_table(SWITCHES)?;
    let mut switches = BTreeMap::new();
    for row in table.iter()? {
        let (name, on) = row?;
        switches.insert(name.value().to_owned(), on.value());
    }
    Ok(switches)
}
