//! May this person, and may this tenant, use the connector now? Asked anew on every request, so that an owner's "off" acts
//! on the next call. A person may belong to several organizations; what they do, they do as a member of one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use arc_swap::ArcSwap;
use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::config::OrganizationConfig;
use super::member::{HostUser, Member, OrganizationName};
use super::policy::{Candidate, HostPolicy, Standing, Unfit};
use super::vault::{StateFile, VaultError};

/// Owners' decisions: organization to on or off. They outlive a restart and overrule the configuration.
pub(super) const SWITCHES: TableDefinition<'static, &'static str, bool> = TableDefinition::new("switches");

/// The organizations of the host.
pub struct Organizations {
    file: StateFile,
    rows: BTreeMap<OrganizationName, Organization>,
    membership: BTreeMap<HostUser, BTreeSet<OrganizationName>>,
    enabled: ArcSwap<BTreeSet<OrganizationName>>,
    writing: Mutex<()>,
    policy: HostPolicy,
}

struct Organization {
    plan: Plan,
    owners: BTreeSet<HostUser>,
    members: BTreeSet<HostUser>,
    tenants: BTreeSet<Uuid>,
}

/// What an organization pays for. The connector is part of the plans for several people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// One person, nothing paid.
    Free,
    /// One person.
    Pro,
    /// One person who uses a lot.
    Max,
    /// Several people.
    #[default]
    Team,
    /// Many people.
    Enterprise,
}

impl Plan {
    /// Whether an owner may turn the connector on at all.
    pub const fn includes_connector(self) -> bool {
        matches!(self, Self::Team | Self::Enterprise)
    }
}

/// Why somebody is kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The person belongs to no organization, or not to the one that was named.
    NotAMember,
    /// The person belongs to several organizations and has not said for which one this is.
    OrganizationUnclear,
    /// The organization's plan has no connector.
    PlanWithoutConnector,
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
        policy: HostPolicy,
    ) -> Result<Self, OrganizationsError> {
        let switches = switches(&file)?;
        let mut membership = BTreeMap::<_, BTreeSet<_>>::new();
        let (mut rows, mut enabled) = (BTreeMap::new(), BTreeSet::new());
        for (name, row) in config {
            for user in row.owners.iter().chain(&row.members).collect::<BTreeSet<_>>() {
                if !users.contains(user) {
                    return Err(OrganizationsError::UnknownUser { organization: name.clone(), user: user.clone() });
                }
                membership.entry(user.clone()).or_default().insert(name.clone());
            }
            let tenants = row.tenants.iter().map(|tenant| {
                Uuid::try_parse(tenant)
                    .map_err(|_| OrganizationsError::Tenant { organization: name.clone(), tenant: tenant.clone() })
            });
            let organization = Organization {
                plan: row.plan,
                members: row.owners.iter().chain(&row.members).cloned().collect(),
                owners: row.owners.iter().cloned().collect(),
                tenants: tenants.collect::<Result<_, _>>()?,
            };
            if switches.get(name.as_str()).copied().unwrap_or(row.enabled) {
                enabled.insert(name.clone());
            }
            rows.insert(name.clone(), organization);
        }
        Ok(Self { file, rows, membership, enabled: ArcSwap::from_pointee(enabled), writing: Mutex::new(()), policy })
    }

    /// The membership of `user` in the organization they name, or in their only one, whether or not the connector is on.
    pub fn membership(&self, user: &HostUser, named: Option<&OrganizationName>) -> Result<Member, Closed> {
        let of_user = self.membership.get(user).ok_or(Closed::NotAMember)?;
        let organization = match named {
            Some(named) => of_user.get(named).ok_or(Closed::NotAMember)?,
            None => match (of_user.first(), of_user.len()) {
                (Some(only), 1) => only,
                _ => return Err(Closed::OrganizationUnclear),
            },
        };
        Ok(Member { organization: organization.clone(), user: user.clone() })
    }

    /// The organizations that `user` belongs to.
    pub fn of(&self, user: &HostUser) -> Vec<OrganizationName> {
        self.membership.get(user).into_iter().flatten().cloned().collect()
    }

    /// Everybody in `organization`, owners included.
    pub fn members(&self, organization: &OrganizationName) -> Vec<HostUser> {
        self.rows.get(organization).map(|row| row.members.iter().cloned().collect()).unwrap_or_default()
    }

    /// All organizations.
    pub fn names(&self) -> impl Iterator<Item = &OrganizationName> {
        self.rows.keys()
    }

    /// Whether `member`'s organization has the connector on: the gate before everything that reaches company data.
    pub fn gate(&self, member: &Member) -> Result<(), Closed> {
        (self.policy.gate)(self.standing(member).ok_or(Closed::NotAMember)?)
    }

    /// How `member` stands to their organization, if it still has them.
    pub fn standing(&self, member: &Member) -> Option<Standing> {
        let row = self.rows.get(&member.organization)?;
        row.members.contains(&member.user).then(|| Standing {
            plan: row.plan,
            enabled: self.is_enabled(&member.organization),
            owner: row.owners.contains(&member.user),
        })
    }

    /// Whether the connector is on for `organization`.
    pub fn is_enabled(&self, organization: &OrganizationName) -> bool {
        self.enabled.load().contains(organization)
    }

    /// The tenants that `organization` works with.
    pub fn tenants(&self, organization: &OrganizationName) -> Vec<Uuid> {
        self.rows.get(organization).map(|row| row.tenants.iter().copied().collect()).unwrap_or_default()
    }

    /// Whether an account of `tenant` may be connected for `organization`.
    pub fn account(&self, organization: &OrganizationName, tenant: Uuid) -> Result<(), Unfit> {
        let row = self.rows.get(organization).ok_or(Unfit::ForeignTenant)?;
        (self.policy.account)(&Candidate { tenant, allowed: &row.tenants })
    }

    /// Whether any organization that has the connector on works with `tenant`: what the MCP server asks of a token.
    pub fn admit_tenant(&self, tenant: Uuid) -> Result<(), Closed> {
        let enabled = self.enabled.load();
        let mut of_tenant = self.rows.iter().filter(|(_, row)| row.tenants.contains(&tenant)).peekable();
        if of_tenant.peek().is_none() {
            return Err(Closed::TenantNotEnabled);
        }
        let open = of_tenant.any(|(name, row)| {
            let standing = Standing { plan: row.plan, enabled: enabled.contains(name), owner: false };
            (self.policy.gate)(standing).is_ok()
        });
        if open { Ok(()) } else { Err(Closed::Disabled) }
    }

    /// Turns the connector on or off for the organization of `owner`; kept before it takes effect.
    pub(super) fn switch(&self, owner: &Member, on: bool) -> Result<Result<(), Closed>, VaultError> {
        let member = owner;
        let allowed = self.standing(member).ok_or(Closed::NotAMember).and_then(|row| (self.policy.may_switch)(row));
        if let Err(closed) = allowed {
            return Ok(Err(closed));
        }
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
        Ok(Ok(()))
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
