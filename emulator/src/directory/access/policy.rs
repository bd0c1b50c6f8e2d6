//! Policies, and whom, what and where they are about.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fixtures::access::{AddressRange, Demand};
use fixtures::ids::{AppId, GroupId, PolicyId, UserId};
use jiff::SignedDuration;

use super::Circumstances;
use crate::directory::{Directory, Member};

/// A conditional access policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Object id: what claims challenges name (`capolids`).
    pub id: PolicyId,
    /// The handle of fixture rows.
    pub name: String,
    /// Whether it is enforced.
    pub enabled: bool,
    /// Users and groups it is about; none means all.
    pub include: BTreeSet<Member>,
    /// Users and groups it is not about, whatever else says so.
    pub exclude: BTreeSet<Member>,
    /// Target resources; none means all.
    pub resources: BTreeSet<AppId>,
    /// With any, it applies only to requests that ask for one of these authentication contexts.
    pub contexts: BTreeSet<String>,
    /// Named locations in which it applies; none means everywhere.
    pub locations: BTreeSet<String>,
    /// Named locations in which it does not apply.
    pub except_locations: BTreeSet<String>,
    /// What it demands: all of it.
    pub demands: Vec<Demand>,
}

/// A named location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub ranges: Vec<AddressRange>,
}

/// A token lifetime policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLifetime {
    /// Its name.
    pub name: String,
    /// Resources whose tokens it is about; none means the organization's default.
    pub resources: BTreeSet<AppId>,
    /// `AccessTokenLifetime`.
    pub access_token: SignedDuration,
}

impl Policy {
    /// Whether it is about this user, nested groups included.
    pub(super) fn is_about(&self, user: UserId, groups: &BTreeSet<GroupId>) -> bool {
        let names = |members: &BTreeSet<Member>| {
            members.contains(&Member::User(user)) || groups.iter().any(|group| members.contains(&Member::Group(*group)))
        };
        (self.include.is_empty() || names(&self.include)) && !names(&self.exclude)
    }

    /// Whether it is about this resource, or about an authentication context that is asked for, or named by a claims challenge.
    pub(super) fn targets(&self, resource: AppId, circumstances: &Circumstances) -> bool {
        let resource = self.resources.is_empty() || self.resources.contains(&resource);
        let is_named = circumstances.policies.contains(&self.id);
        is_named || resource && (self.contexts.is_empty() || !self.contexts.is_disjoint(&circumstances.contexts))
    }

    /// Whether it applies to requests from there. An address that is not known lies in no named location.
    pub(super) fn is_in_place(&self, directory: &Directory, address: Option<IpAddr>) -> bool {
        let lies_in = |names: &BTreeSet<String>| {
            names.iter().filter_map(|name| directory.locations.get(name)).any(|location| {
                address.is_some_and(|address| location.ranges.iter().any(|range| range.contains(address)))
            })
        };
        (self.locations.is_empty() || lies_in(&self.locations)) && !lies_in(&self.except_locations)
    }

    /// Whether it closes the door to a place.
    pub(super) fn is_about_place(&self) -> bool {
        let has_place = !self.locations.is_empty() || !self.except_locations.is_empty();
        has_place && self.demands.contains(&Demand::Block)
    }
}
