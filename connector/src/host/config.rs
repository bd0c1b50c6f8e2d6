//! What an operator says about the host: who its users are, which organizations they belong to, and where tokens are kept.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::identity::IdentityConfig;
use super::member::{HostUser, OrganizationName};
use super::organizations::Plan;
use super::users::ApiTokenHash;
use super::vault::VaultKey;

/// The `[host]` section of the configuration.
///
/// ```toml
/// [host]
/// listen = "127.0.0.1:8446"
/// client_id = "c11e4700-0365-4c11-a0ff-11e036500001"
/// vault_key_file = "/run/secrets/vault-key"      # or vault_key_env, or vault_key
///
/// [host.users.alice]
/// token_sha256 = "…"                             # printf %s "$TOKEN" | sha256sum
///
/// [host.organizations.contoso]
/// plan = "team"
/// enabled = true
/// owners = ["olga"]
/// members = ["alice"]
/// tenants = ["1f0c…-…"]
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostConfig {
    /// Where the host listens; port 0 takes a free one.
    #[serde(default = "loopback")]
    pub listen: SocketAddr,
    /// The origin browsers reach the host under, when it is not what it listens on. The redirect URI registered for the
    /// client is `{public_url}/connect/callback`.
    #[serde(default)]
    pub public_url: Option<Url>,
    /// The folder of the vault. Created with access for its owner alone.
    #[serde(default = "state_dir")]
    pub state_dir: PathBuf,
    /// Application id of the public client that users sign in with.
    pub client_id: String,
    /// First path segment of the sign-in address: `organizations`, or one tenant's GUID or domain.
    #[serde(default = "organizations")]
    pub authority_tenant: String,
    /// The vault's key itself: 32 bytes in base64. Exactly one of the three places must be set.
    #[serde(default)]
    pub vault_key: Option<SecretString>,
    /// Name of the environment variable that holds the key.
    #[serde(default)]
    pub vault_key_env: Option<String>,
    /// File that holds the key.
    #[serde(default)]
    pub vault_key_file: Option<PathBuf>,
    /// Keys that rows may still be sealed with, in base64: they open, and are sealed anew with the key above.
    #[serde(default)]
    pub vault_old_keys: Vec<SecretString>,
    /// How people are known to the web page.
    #[serde(default)]
    pub identity: IdentityConfig,
    /// People who may use the host, by name.
    #[serde(default)]
    pub users: BTreeMap<HostUser, UserConfig>,
    /// Organizations, by name. A person may belong to several.
    #[serde(default)]
    pub organizations: BTreeMap<OrganizationName, OrganizationConfig>,
}

/// One person who may use the host.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserConfig {
    /// SHA-256 of the person's API token, as 64 hexadecimal digits; without one they use the web page only. The token itself is stored nowhere, and must be
    /// random (≥ 128 bits): a plain hash does not protect a guessable one.
    #[serde(default)]
    pub token_sha256: Option<ApiTokenHash>,
}

/// One organization of the host.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationConfig {
    /// What the organization pays for: the connector is part of `team` and `enterprise`.
    #[serde(default)]
    pub plan: Plan,
    /// Whether the connector is on, until an owner has decided otherwise (that decision outlives a restart).
    #[serde(default)]
    pub enabled: bool,
    /// Members who may also turn the connector on and off.
    #[serde(default)]
    pub owners: Vec<HostUser>,
    /// Everybody else.
    #[serde(default)]
    pub members: Vec<HostUser>,
    /// Tenant ids (GUIDs) whose accounts members may connect. Empty means none.
    #[serde(default)]
    pub tenants: Vec<String>,
}

impl HostConfig {
    /// A host of nobody, listening on a free loopback port: the start for code that embeds one.
    pub fn new(client_id: impl Into<String>, state_dir: impl Into<PathBuf>, key: &VaultKey) -> Self {
        Self {
            listen: loopback(),
            public_url: None,
            state_dir: state_dir.into(),
            client_id: client_id.into(),
            authority_tenant: organizations(),
            vault_key: Some(key.to_base64()),
            vault_key_env: None,
            vault_key_file: None,
            vault_old_keys: Vec::new(),
            identity: IdentityConfig::default(),
            users: BTreeMap::new(),
            organizations: BTreeMap::new(),
        }
    }

    /// Adds a person who signs in to the host with `api_token`.
    #[must_use]
    pub fn with_user(mut self, name: &str, api_token: &str) -> Self {
        self.users.insert(name.into(), UserConfig { token_sha256: Some(ApiTokenHash::of(api_token)) });
        self
    }

    /// Adds an organization.
    #[must_use]
    pub fn with_organization(mut self, name: &str, organization: OrganizationConfig) -> Self {
        self.organizations.insert(name.into(), organization);
        self
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn state_dir() -> PathBuf {
    PathBuf::from(".offline365/host")
}

fn organizations() -> String {
    "organizations".to_owned()
}
