//! Conditional access: what policies of the tenant demand of a request that would otherwise succeed.
//!
//! Asked by [`decide`](super::decide) for every grant type alike, with the circumstances of that very request.
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies>

mod policy;

use std::collections::BTreeSet;
use std::net::IpAddr;

use fixtures::access::Demand;
use fixtures::ids::{AppId, PolicyId};
use fixtures::plan::Device;
use jiff::{SignedDuration, Timestamp};

use super::{Credential, Denial, Directory, Question, User};

pub use policy::{Location, Policy, TokenLifetime};

/// What a request comes with beside its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// When.
    pub now: Timestamp,
    /// From where; `None` lies in no named location.
    pub address: Option<IpAddr>,
    /// Authentication contexts that it asks for (`acrs`).
    pub contexts: BTreeSet<String>,
    /// Policies that a claims challenge named (`capolids`): they are evaluated whatever the request is for.
    pub policies: BTreeSet<PolicyId>,
}

impl Circumstances {
    /// A request that asks for no authentication context.
    pub const fn plain(now: Timestamp, address: Option<IpAddr>) -> Self {
        Self { now, address, contexts: BTreeSet::new(), policies: BTreeSet::new() }
    }
}

/// What a policy demands and the request does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// Nothing helps.
    Blocked,
    /// A second factor, which the user has and did not show.
    SecondFactor,
    /// A second factor, which the user has still to register.
    SecondFactorUnregistered,
    /// A compliant device: this one is registered and not in order.
    DeviceNotCompliant,
    /// A compliant device: this one is not managed at all.
    DeviceUnmanaged,
    /// A sign-in that is no older.
    SignInTooOld(SignedDuration),
}

/// What was demanded of a request and satisfied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Authentication contexts that it asked for.
    pub contexts: BTreeSet<String>,
    /// The policies that applied.
    pub policies: BTreeSet<PolicyId>,
}

/// Whether every policy that applies is satisfied.
///
/// Of several unmet demands the one that no interaction helps comes first, then the oldest sign-in, the second factor, the device: the
/// order in which the real service walks a person through them is not public.
pub(crate) fn satisfied(
    directory: &Directory,
    user: &User,
    account: &User,
    question: &Question<'_>,
) -> Result<Conditions, Denial> {
    let circumstances = question.circumstances;
    let contexts = circumstances.contexts.clone();
    if directory.policies.is_empty() {
        return Ok(Conditions { contexts, policies: BTreeSet::new() });
    }
    let groups = directory.groups_of(user.id);
    let resource = question.resource.app_id;
    let applying: Vec<_> = directory
        .policies()
        .filter(|policy| policy.enabled && policy.is_about(user.id, &groups) && policy.targets(resource, circumstances))
        .filter(|policy| policy.is_in_place(directory, circumstances.address))
        // A resource that evaluates access continuously knows where a request comes from, and nothing else of all this.
        .filter(|policy| question.presented.credential != Credential::AccessToken || policy.is_about_place())
        .collect();
    for rank in [is_block, is_frequency, is_second_factor, is_device] {
        for policy in &applying {
            for demand in policy.demands.iter().filter(|demand| rank(demand)) {
                if let Some(unmet) = unmet(*demand, user, account, question) {
                    return Err(Denial::AccessConditions { policy: policy.id, unmet });
                }
            }
        }
    }
    Ok(Conditions { contexts, policies: applying.into_iter().map(|policy| policy.id).collect() })
}

fn unmet(demand: Demand, user: &User, account: &User, question: &Question<'_>) -> Option<Unmet> {
    let signed_in = question.presented.signed_in;
    match demand {
        Demand::Block => Some(Unmet::Blocked),
        Demand::SignInFrequency(age) => {
            (question.circumstances.now.duration_since(signed_in.at) > age).then_some(Unmet::SignInTooOld(age))
        }
        Demand::SecondFactor if signed_in.second_factor_at.is_some() => None,
        Demand::SecondFactor if account.has_second_factor() => Some(Unmet::SecondFactor),
        Demand::SecondFactor => Some(Unmet::SecondFactorUnregistered),
        Demand::CompliantDevice => match user.device {
            Device::Compliant => None,
            Device::Registered => Some(Unmet::DeviceNotCompliant),
            Device::Unmanaged => Some(Unmet::DeviceUnmanaged),
        },
    }
}

const fn is_block(demand: &Demand) -> bool {
    matches!(demand, Demand::Block)
}

const fn is_frequency(demand: &Demand) -> bool {
    matches!(demand, Demand::SignInFrequency(_))
}

const fn is_second_factor(demand: &Demand) -> bool {
    matches!(demand, Demand::SecondFactor)
}

const fn is_device(demand: &Demand) -> bool {
    matches!(demand, Demand::CompliantDevice)
}

impl Directory {
    /// Conditional access policies, by id.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.policies.values()
    }

    /// A policy by id.
    pub fn policy(&self, id: PolicyId) -> Option<&Policy> {
        self.policies.get(&id)
    }

    /// Named locations, by name.
    pub fn locations(&self) -> impl Iterator<Item = &Location> {
        self.locations.values()
    }

    /// Token lifetime policies, by name.
    pub fn lifetimes(&self) -> impl Iterator<Item = &TokenLifetime> {
        self.lifetimes.values()
    }

    /// How long access tokens for this resource live, where a policy says so: its own, or else the organization's default.
    ///
    /// <https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes>
    pub fn access_token_lifetime(&self, resource: AppId) -> Option<SignedDuration> {
        let own = self.lifetimes().find(|policy| policy.resources.contains(&resource));
        own.or_else(|| self.lifetimes().find(|policy| policy.resources.is_empty())).map(|policy| policy.access_token)
    }
}
