//! What the lab may turn while the emulator runs. A reset turns it back.

use std::net::IpAddr;

use jiff::SignedDuration;

use crate::entra::rules::UserConsent;
use crate::options::{GrantedScopes, RefreshReuse, Revocation};

/// Settings of this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// What becomes of access tokens that were issued before something was revoked.
    pub revocation: Revocation,
    /// How long a critical event takes to reach Graph: until then a token that is evaluated continuously is honoured. The issuer knows at
    /// once.
    pub propagation: SignedDuration,
    /// Where requests come from.
    pub client_address: ClientAddress,
    /// What `scp` holds.
    pub granted_scopes: GrantedScopes,
    /// What becomes of a refresh token that was used.
    pub refresh_reuse: RefreshReuse,
    /// Whether people may let applications in for themselves.
    pub user_consent: UserConsent,
}

/// Where requests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAddress {
    /// From where the connection does.
    #[default]
    Connection,
    /// From where `X-Forwarded-For` says, if it does.
    Forwarded,
    /// All from one address.
    Fixed(IpAddr),
}
