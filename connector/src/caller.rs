//! Who calls? A tenant, a user and the token that proved them. Made by the token check alone.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::policy::token::Presented;

/// A tenant, as its `tid` names it, in lower case. The rule `tenant-id` vouches for the shape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TenantId(Box<str>);

/// A user within one tenant, as its `oid` names it, in lower case. The rule `identity` vouches for the shape. Means
/// nothing without the tenant: two tenants may use the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserId(Box<str>);

/// A validated token: who it speaks for, and the token itself to be exchanged.
pub struct Caller {
    tenant: TenantId,
    user: UserId,
    client: Box<str>,
    address: Option<Box<str>>,
    expires: Timestamp,
    assertion: SecretString,
    digest: [u8; 32],
}

impl TenantId {
    /// The tenant that a `tid` names.
    pub fn of_claim(tid: &str) -> Self {
        Self(tid.to_ascii_lowercase().into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UserId {
    /// The user that an `oid` names.
    pub fn of_claim(oid: &str) -> Self {
        Self(oid.to_ascii_lowercase().into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Caller {
    /// The caller that a token names. Every claim read here is vouched for by a rule; `presented` has passed them.
    pub(crate) fn of(presented: &Presented, assertion: SecretString) -> Self {
        let claim = |name| presented.claims.text(name).unwrap_or_default();
        let digest = Sha256::digest(assertion.expose_secret().as_bytes()).into();
        Self {
            tenant: TenantId::of_claim(claim("tid")),
            user: UserId::of_claim(claim("oid")),
            client: claim("azp").to_ascii_lowercase().into(),
            address: presented.claims.text("preferred_username").map(Into::into),
            expires: presented.claims.instant("exp").unwrap_or(Timestamp::MAX),
            assertion,
            digest,
        }
    }

    /// The tenant whose data this is about.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The user, within that tenant.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The application that the user signed in with.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// When the token dies.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// SHA-256 of the token.
    pub fn assertion_digest(&self) -> [u8; 32] {
        self.digest
    }

    /// How the token calls its user. Mutable, and proof of nothing: good for naming somebody to Graph, which decides for itself.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Whether `address` is how the token calls its own user. The claim is mutable and proves nothing, so this may
    /// only ever narrow a request to the user's own mailbox.
    pub(crate) fn goes_by(&self, address: &str) -> bool {
        self.address.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(address))
    }

    /// The token, for the exchange and nothing else.
    pub(crate) fn assertion(&self) -> &SecretString {
        &self.assertion
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("tenant", &self.tenant).field("user", &self.user).finish_non_exhaustive()
    }
}
