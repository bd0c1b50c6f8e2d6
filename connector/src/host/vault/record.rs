//! What does a row say? That somebody is connected, with which account and tokens, or why they no longer are.

use jiff::Timestamp;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::issuer::SignInFailure;
use super::VaultError;

/// The content of one row.
#[derive(Debug, Clone)]
pub enum Record {
    /// Tokens are at hand.
    Connected(Connected),
    /// Tokens were at hand and are not any more: the person must sign in again.
    Ended(Ended),
}

/// A connected account.
#[derive(Debug, Clone)]
pub struct Connected {
    /// Whose account.
    pub account: Account,
    /// For the MCP server; never shown to anybody.
    pub access_token: SecretString,
    /// When that token ends.
    pub access_expires_at: Timestamp,
    /// What buys the next one.
    pub refresh_token: SecretString,
    /// When the refresh token was issued or last used; 90 days later it is dead.
    pub refreshed_at: Timestamp,
}

/// The Microsoft account behind a connection. `(tenant, object_id)` is the identity, the rest is for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// `tid`, lower case.
    pub tenant: String,
    /// `oid`, lower case.
    pub object_id: String,
    /// `preferred_username`; may change, names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// A connection that came to its end without the person asking for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// What the issuer or the server said.
    pub reason: SignInFailure,
    /// Claims that the next sign-in must bring, as JSON text
    /// (<https://learn.microsoft.com/entra/identity-platform/claims-challenge>).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Outgoing<'a> {
    Connected {
        account: &'a Account,
        access_token: &'a str,
        access_expires_at: Timestamp,
        refresh_token: &'a str,
        refreshed_at: Timestamp,
    },
    Ended(&'a Ended),
}

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Incoming {
    Connected {
        account: Account,
        access_token: SecretString,
        access_expires_at: Timestamp,
        refresh_token: SecretString,
        refreshed_at: Timestamp,
    },
    Ended(Ended),
}

impl Record {
    /// The row before it is sealed, in memory that is wiped. Reserved ahead so that growing leaves no copies behind.
    pub(super) fn to_plain(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (outgoing, secrets) = match self {
            Self::Connected(connected) => {
                let (access_token, refresh_token) =
                    (connected.access_token.expose_secret(), connected.refresh_token.expose_secret());
                let outgoing = Outgoing::Connected {
                    account: &connected.account,
                    access_token,
                    access_expires_at: connected.access_expires_at,
                    refresh_token,
                    refreshed_at: connected.refreshed_at,
                };
                (outgoing, access_token.len() + refresh_token.len())
            }
            Self::Ended(ended) => (Outgoing::Ended(ended), 0),
        };
        // Six bytes (`\u00xx`) is the most that JSON makes of one.
        let mut plain = Zeroizing::new(Vec::with_capacity(6 * secrets + 4096));
        serde_json::to_writer(&mut *plain, &outgoing).map_err(|_| VaultError::Unreadable)?;
        Ok(plain)
    }

    pub(super) fn from_plain(plain: &[u8]) -> Result<Self, VaultError> {
        let incoming = serde_json::from_slice(plain).map_err(|_| VaultError::Unreadable)?;
        Ok(match incoming {
            Incoming::Connected { account, access_token, access_expires_at, refresh_token, refreshed_at } => {
                Self::Connected(Connected { account, access_token, access_expires_at, refresh_token, refreshed_at })
            }
            Incoming::Ended(ended) => Self::Ended(ended),
        })
    }
}
