//! Who asks, in the host's own words: a person of an organization. Microsoft's identities come later and are bound to these.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of a person of the host. Not a Microsoft account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct HostUser(String);

/// Name of an organization of the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct OrganizationName(String);

/// A person within an organization: the owner of one connection, and of what the vault keeps for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The organization.
    pub organization: OrganizationName,
    /// The person.
    pub user: HostUser,
}

impl Member {
    /// The person `user` of `organization`.
    pub fn new(organization: impl Into<OrganizationName>, user: impl Into<HostUser>) -> Self {
        Self { organization: organization.into(), user: user.into() }
    }
}

impl HostUser {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OrganizationName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for HostUser {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl From<&str> for OrganizationName {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for HostUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organization, self.user)
    }
}
