//! Who a Graph request is made for.

use std::collections::BTreeSet;

use fixtures::ids::{AppId, TenantId, UserId};
use jiff::Timestamp;

/// Tenant, user, client and delegated scopes of one Graph request. Made from a validated token, nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// `tid`.
    pub tenant: TenantId,
    /// `oid`.
    pub user: UserId,
    /// `appid`: for an On-Behalf-Of token the middle tier.
    pub client: AppId,
    /// `scp`, split.
    pub scopes: BTreeSet<String>,
    /// `uti`: ties audit rows to the token.
    pub token_id: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// Whether the token declared `cp1`: only then may Graph answer with a claims challenge.
    pub claims_capable: bool,
}
