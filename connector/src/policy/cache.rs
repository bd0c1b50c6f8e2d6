//! Who may be handed an exchanged token that is at hand? The one it was exchanged for, with the same token, the same scopes
//! and the same claims; and for how long?

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::caller::{Caller, TenantId, UserId};

/// What an exchanged token is filed under. A value of its own, not a joined text that two callers could spell alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CacheKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The user within it.
    pub user: UserId,
    /// The client application.
    pub client: String,
    /// SHA-256 of the caller's token.
    pub assertion: [u8; 32],
    /// The scopes, sorted.
    pub scopes: Vec<String>,
    /// SHA-256 of the claims that a challenge asked for.
    pub claims: Option<[u8; 32]>,
}

/// Whom an exchanged token was exchanged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The tenant.
    pub tenant: TenantId,
    /// The user within it.
    pub user: UserId,
    /// SHA-256 of the caller's token.
    pub assertion: [u8; 32],
}

/// How long things live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// The time of the exchange.
    pub now: Timestamp,
    /// When the exchanged token dies.
    pub token: Timestamp,
    /// When the caller's token dies.
    pub assertion: Timestamp,
    /// How long a token may be used again at most: the bound of "at once" after a revocation.
    pub max_age: SignedDuration,
}

pub(super) fn key(caller: &Caller, scopes: &[String], claims: Option<&str>) -> CacheKey {
    let mut scopes = scopes.to_vec();
    scopes.sort();
    CacheKey {
        tenant: caller.tenant().clone(),
        user: caller.user().clone(),
        client: caller.client().to_owned(),
        assertion: caller.assertion_digest(),
        scopes,
        claims: claims.map(|claims| Sha256::digest(claims.as_bytes()).into()),
    }
}

/// Asked again on every read: a mistake in the key must not hand one person's token to another.
pub(super) fn belongs(caller: &Caller, owner: &Owner) -> bool {
    owner.tenant == *caller.tenant() && owner.user == *caller.user() && owner.assertion == caller.assertion_digest()
}

/// The first of three deaths: of the token, of what it was exchanged for, of patience.
pub(super) fn usable_until(lifetimes: &Lifetimes) -> Timestamp {
    let patience = lifetimes.now.saturating_add(lifetimes.max_age).unwrap_or(lifetimes.now);
    patience.min(lifetimes.token).min(lifetimes.assertion)
}
