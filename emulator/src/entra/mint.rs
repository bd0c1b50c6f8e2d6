//! A token as the service would write it, for whomever the lab names: nobody is asked whether they may have it.

use std::collections::BTreeSet;

use fixtures::plan::Registration;

use super::claims::{ClientProof, FrontChannel, Subject};
use super::error::EntraError;
use super::keys::Version;
use crate::directory::{Circumstances, User};
use crate::world::{State, TenantWorld, World};

/// Who and what for.
pub(crate) struct Order<'a> {
    pub(crate) tenant: &'a TenantWorld,
    pub(crate) user: &'a User,
    pub(crate) client: &'a Registration,
    /// The resource of an access token; the client itself gets an id token.
    pub(crate) resource: Option<&'a Registration>,
    pub(crate) scopes: &'a BTreeSet<String>,
    pub(crate) claims_capable: bool,
}

/// The token, signed with the tenant's active key. The user signed in just now.
pub(crate) fn genuine(state: &State, world: &World, order: &Order<'_>) -> Result<String, EntraError> {
    let now = state.clock.now();
    let subject = Subject {
        state,
        tenant: order.tenant,
        user: order.user,
        client: order.client,
        signed_in: world.account(order.user).unwrap_or(order.user).sign_in(now),
        client_proof: if order.client.secrets.is_empty() { ClientProof::None } else { ClientProof::Secret },
        circumstances: &Circumstances::plain(now, None),
        now,
        origin: state.origins.login_origin(),
    };
    match order.resource {
        Some(resource) => subject.access_token(resource, order.scopes, order.claims_capable).map(|minted| minted.token),
        None => subject.id_token(Version::V2, order.scopes, None, &FrontChannel::default()),
    }
}
