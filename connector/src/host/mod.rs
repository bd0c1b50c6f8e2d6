//! The assistant's back end around the server: who may connect, how their tokens are kept, and calls in their name.
//!
//! # Addresses
//!
//! Requests under `/api` (health aside) present an API token of the host: `Authorization: Bearer …`. Bodies and answers are
//! JSON; a refusal is `{"error":{"code","message"}}`, and `SIGN_IN_REQUIRED` adds a `reason`.
//!
//! | address | does | answers |
//! |---|---|---|
//! | `GET /api/health` | says that the host serves | `{"status":"ok"}` |
//! | `GET /api/me` | how things stand for the asker | `{"user","organization":{"name","owner","connectorEnabled"}\|null,"connection":{"state":"connected","account":{…}}}`; other states: `not_connected`, `sign_in_required` with `reason` and `message` |
//! | `POST /api/connect` `{"loginHint"?}` | starts a sign-in; sets the cookie that the same browser must bring back | `{"authorizationUrl"}` |
//! | `GET /connect/callback` | the issuer sends the browser here | a page; with `Accept: application/json` `{"connected":{…}}` or a refusal |
//! | `POST /api/disconnect` | forgets the asker's tokens and sign-ins under way | `{"disconnected":true\|false}` |
//! | `GET /api/tools` | the tools that the server shows this person | `{"tools":[…]}` |
//! | `POST /api/tools/{name}` `{"arguments"?}` | calls a tool with this person's token | `{"tool","result":{…}}`, the result as MCP's `CallToolResult`, also with `isError` |
//! | `POST /api/organization` `{"connectorEnabled"}` | an owner's switch; acts on the next call | `{"name","connectorEnabled"}` |
//!
//! | code | status | when |
//! |---|---|---|
//! | `UNAUTHENTICATED` | 401 | no API token, or an unknown one |
//! | `NOT_A_MEMBER`, `CONNECTOR_DISABLED`, `NOT_AN_OWNER` | 403 | the organization gate |
//! | `TENANT_NOT_ENABLED`, `PERSONAL_ACCOUNT` | 403 | the account's tenant is not one of the organization's |
//! | `ADMIN_CONSENT_REQUIRED`, `APP_NOT_IN_TENANT`, `NOT_ASSIGNED`, `SIGN_IN_DECLINED`, `POLICY_BLOCKED`, `ACCOUNT_UNUSABLE`, `SIGN_IN_FAILED` | 403 | the issuer did not let the person in |
//! | `UNKNOWN_SIGN_IN`, `OTHER_BROWSER`, `IDENTITY_NOT_PROVEN` | 400 | the callback is not this browser's, or proves nobody |
//! | `OTHER_USER` | 403 | the callback came with another person's API token |
//! | `NOT_CONNECTED`, `SIGN_IN_REQUIRED`, `DISCONNECTED` | 409 | there are no tokens, or no longer |
//! | `INVALID_REQUEST`, `INVALID_TOOL_CALL` | 400 | not understood, here or by the server |
//! | `JSON_REQUIRED`, `TOO_LARGE`, `NOT_FOUND`, `METHOD_NOT_ALLOWED` | 415, 413, 404, 405 | |
//! | `THROTTLED` | 429 | the server asks to slow down; `Retry-After` is passed on |
//! | `REFUSED_BY_SERVER` | 403 | any other refusal of the server |
//! | `ISSUER_UNAVAILABLE`, `SERVER_UNAVAILABLE` | 502 | could not be asked |
//! | `INTERNAL` | 500 | ours; the reason is in the log |
//!
//! # Parts
//!
//! | module | answers |
//! |---|---|
//! | `organizations` | may this person, or tenant, use the connector now? |
//! | `users` | which person presents this API token? |
//! | `connect` | whose account is this, and for whom may it be kept? |
//! | `vault` | where do tokens rest? |
//! | `renewal` | which access token may be used now? |
//! | `tools` | how does a call reach the server? |
//! | `issuer` | what does the issuer say? |
//! | `rest` | the addresses above |

mod body;
mod config;
mod connect;
mod entropy;
mod error;
mod issuer;
mod member;
mod organizations;
mod renewal;
mod rest;
mod tools;
mod users;
pub mod vault;

use std::sync::Arc;

use url::{Host, Url};

use crate::clock::Clock;
use connect::Connect;
use issuer::Issuer;
use renewal::Renewal;
use rest::Services;
use tools::{Server, Tools};
use users::Users;
use vault::{KeyError, RedbVault, StateFile, TokenVault, VaultError};

pub use config::{HostConfig, OrganizationConfig, UserConfig};
pub use connect::{KeysUnavailable, SigningKey, SigningKeys};
pub use entropy::NoEntropy;
pub use issuer::SignInFailure;
pub use member::{HostUser, Member, OrganizationName};
pub use organizations::{Closed, Organizations, OrganizationsError};
pub use users::ApiTokenHash;
pub use vault::VaultKey;

/// What the host shares with the server it stands beside.
pub struct Surroundings {
    /// The issuer and what is asked of it.
    pub entra: EntraSettings,
    /// The MCP server's address.
    pub mcp: Url,
    /// The origin that browsers reach the host under.
    pub public_url: Url,
    /// The client for every outgoing request: no redirects, bounded in time.
    pub http: reqwest::Client,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The authority's signing keys.
    pub keys: Arc<dyn SigningKeys>,
}

/// The issuer, and the permission that the host asks for its users.
#[derive(Debug, Clone)]
pub struct EntraSettings {
    /// Sign-in address without a tenant, such as `https://login.microsoftonline.com`.
    pub login: Url,
    /// App ID URI of the server's registration.
    pub app_id_uri: String,
    /// The scope beneath it, such as `access_as_user`.
    pub scope: String,
}

/// A host that is ready to be served by [`router`].
pub struct HostParts {
    config: HostConfig,
    surroundings: Surroundings,
    organizations: Arc<Organizations>,
    vault: Arc<dyn TokenVault>,
}

/// Why the host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HostStartError {
    /// See [`KeyError`].
    #[error(transparent)]
    Key(#[from] KeyError),
    /// See [`VaultError`].
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// See [`OrganizationsError`].
    #[error(transparent)]
    Organizations(#[from] OrganizationsError),
    /// The sign-in address would lead elsewhere.
    #[error("host.authority_tenant: `{0}` is neither a tenant id, nor a domain, nor `organizations`")]
    AuthorityTenant(String),
    /// The host would be reached in the clear from another machine.
    #[error("host.public_url: `{0}` must be an https address, or http on this machine")]
    PublicUrl(Url),
}

impl HostParts {
    /// Opens the vault and loads the organizations. Nothing is asked of the network.
    pub fn open(config: HostConfig, surroundings: Surroundings) -> Result<Self, HostStartError> {
        if !is_path_segment(&config.authority_tenant) {
            return Err(HostStartError::AuthorityTenant(config.authority_tenant));
        }
        if !is_confidential(&surroundings.public_url) {
            return Err(HostStartError::PublicUrl(surroundings.public_url));
        }
        let key = VaultKey::of(&config)?;
        let file = StateFile::open(&config.state_dir)?;
        let users = config.users.keys().cloned().collect();
        let organizations = Arc::new(Organizations::load(&config.organizations, &users, file.clone())?);
        let vault = Arc::new(RedbVault::within(file, &key));
        Ok(Self { config, surroundings, organizations, vault })
    }

    /// Keeps tokens in `vault` instead of the file: a store that several replicas share, or one that a test holds.
    #[must_use]
    pub fn with_vault(mut self, vault: Arc<dyn TokenVault>) -> Self {
        self.vault = vault;
        self
    }

    /// The organizations, which also decide what the server admits.
    pub fn organizations(&self) -> Arc<Organizations> {
        Arc::clone(&self.organizations)
    }
}

/// The host's addresses.
pub fn router(parts: HostParts) -> axum::Router {
    let HostParts { config, surroundings, organizations, vault } = parts;
    let Surroundings { entra, mcp, public_url, http, clock, keys } = surroundings;
    let secure = public_url.scheme() == "https";
    let issuer = Arc::new(Issuer::new(&entra, &config, redirect_uri(public_url), http.clone()));
    let renewal = Arc::new(Renewal::new(Arc::clone(&vault), Arc::clone(&issuer), Arc::clone(&clock)));
    rest::router(Services {
        users: Users::new(&config.users),
        connect: Connect::new(issuer, keys, Arc::clone(&vault), Arc::clone(&organizations), clock),
        tools: Tools::new(Server::new(mcp, http), renewal),
        organizations,
        vault,
        secure,
    })
}

fn redirect_uri(mut public_url: Url) -> Url {
    public_url.set_query(None);
    public_url.set_fragment(None);
    public_url.set_path("/connect/callback");
    public_url
}

fn is_path_segment(tenant: &str) -> bool {
    tenant.starts_with(|first: char| first.is_ascii_alphanumeric())
        && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn is_confidential(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}
