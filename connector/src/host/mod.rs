//! The assistant's back end around the server: who may connect, how their tokens are kept, and calls in their name.
//!
//! # Addresses
//!
//! `GET /api/openapi.json` describes every address; it and the router are made from one table (`rest`). Programs present an API
//! token of the host (`Authorization: Bearer …`, with `Offline365-Organization: NAME` if their person belongs to several); the
//! web page has a session cookie and sends `X-CSRF-Token` with every change. Bodies and answers are JSON; a refusal is
//! `{"error":{"code","message"}}`, and `SIGN_IN_REQUIRED` adds a `reason`.
//!
//! | code | status | when |
//! |---|---|---|
//! | `UNAUTHENTICATED` | 401 | no API token and no session, or an unknown one |
//! | `NO_SESSION`, `NOT_FROM_THIS_PAGE` | 403 | a browser that nobody vouches for; a request that another site sent |
//! | `ORGANIZATION_REQUIRED` | 400 | the person belongs to several organizations and names none |
//! | `NOT_A_MEMBER`, `PLAN_WITHOUT_CONNECTOR`, `CONNECTOR_DISABLED`, `NOT_AN_OWNER` | 403 | the organization gate |
//! | `TENANT_NOT_ENABLED`, `PERSONAL_ACCOUNT` | 403 | the account's tenant is not one of the organization's |
//! | `ADMIN_CONSENT_REQUIRED`, `APP_NOT_IN_TENANT`, `NOT_ASSIGNED`, `SIGN_IN_DECLINED`, `POLICY_BLOCKED`, `ACCOUNT_UNUSABLE`, `SIGN_IN_FAILED` | 403 | the issuer did not let the person in |
//! | `UNKNOWN_SIGN_IN`, `OTHER_BROWSER`, `IDENTITY_NOT_PROVEN` | 400 | the callback is not this browser's, or proves nobody |
//! | `OTHER_USER` | 403 | the callback came to a browser that another person is signed in to |
//! | `NOT_CONNECTED`, `SIGN_IN_REQUIRED`, `DISCONNECTED` | 409 | there are no tokens, or no longer |
//! | `NO_SUCH_CHAT` | 404 | there is none, or not for this person |
//! | `NOT_CHAT_OWNER`, `NOT_A_COLLEAGUE`, `TOOL_DISABLED` | 403 | what may be done in a chat |
//! | `INVALID_REQUEST`, `INVALID_TOOL_CALL`, `NOTHING_TO_ASK` | 400 | not understood, here or by the server |
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
//! | [`HostPolicy`] | every question of trust, one field each |
//! | `organizations` | may this person, or tenant, use the connector now? |
//! | `users` | which person presents this API token? |
//! | `identity`, `sessions` | who sits in front of this browser? |
//! | `connect` | whose account is this, and for whom may it be kept? |
//! | `vault` | where do tokens rest? |
//! | `renewal` | which access token may be used now? |
//! | `tools` | how does a call reach the server? |
//! | `chats` | what is kept of a conversation, and who sees which part? |
//! | `toggles` | which tools has somebody switched off? |
//! | `notes` | what goes into the audit log? |
//! | `issuer` | what does the issuer say? |
//! | `rest` | the addresses above |

mod chats;
mod config;
mod connect;
mod error;
mod identity;
mod issuer;
mod member;
mod notes;
mod organizations;
mod policy;
mod renewal;
mod rest;
mod sessions;
mod toggles;
mod tools;
mod users;
pub mod vault;

use std::sync::Arc;

use url::{Host, Url};

use crate::audit::AuditSink;
use crate::clock::Clock;
use crate::mcp_client::McpClient;
use chats::Chats;
use connect::{Connect, Consents, UnderWay};
use issuer::Issuer;
use notes::Notes;
use renewal::Renewal;
use rest::Services;
use sessions::Sessions;
use toggles::UserToggles;
use tools::Tools;
use users::Users;
use vault::{KeyError, KeyRing, RedbVault, StateFile, TokenVault, VaultError};

pub use crate::entropy::NoEntropy;
pub use config::{HostConfig, OrganizationConfig, UserConfig};
pub use connect::{ID_TOKEN_RULES, IdTokenFacts, IdTokenRule, KeysUnavailable, SigningKey, SigningKeys};
pub use identity::{Identity, IdentityConfig, Nobody, Picked, Proxied};
pub use issuer::SignInFailure;
pub use member::{HostUser, Member, OrganizationName};
pub use organizations::{Closed, Organizations, OrganizationsError, Plan};
pub use policy::{
    Age, Ambient, Candidate, ChatAccess, ChatFacts, Finisher, HostPolicy, PERSONAL_ACCOUNTS, Renew, ResultFacts,
    Standing, Stranger, Toggles, Unfit,
};
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
    /// Where the host's part of the audit log goes.
    pub audit: Arc<dyn AuditSink>,
}

/// The issuer, and the permission that the host asks for its users.
#[derive(Debug, Clone)]
pub struct EntraSettings {
    /// Sign-in address without a tenant, such as `https://login.microsoftonline.com`.
    pub login: Url,
    /// Application id of the server's registration.
    pub server_id: String,
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
    file: RedbVault,
    vault: Arc<dyn TokenVault>,
    toggles: Arc<UserToggles>,
    identity: Arc<dyn Identity>,
    policy: HostPolicy,
}

/// What outlives [`router`]: what the server asks of the host on every request, and how keys are changed while it serves.
#[derive(Clone)]
pub struct HostDoors {
    organizations: Arc<Organizations>,
    toggles: Arc<UserToggles>,
    file: RedbVault,
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
    /// People would pick who they are from another machine.
    #[error("host.identity: `pick` is for a host on this machine; `{0}` is reached from others, so set `proxy`")]
    PickedElsewhere(Url),
    /// A person without a name.
    #[error("host.users, host.organizations: an empty name names nobody")]
    EmptyName,
    /// The host would be reached in the clear from another machine.
    #[error("host.public_url: `{0}` must be an https address, or http on this machine")]
    PublicUrl(Url),
}

impl HostParts {
    /// Opens the vault and loads the organizations. Nothing is asked of the network.
    pub fn open(config: HostConfig, surroundings: Surroundings) -> Result<Self, HostStartError> {
        Self::open_with(config, surroundings, HostPolicy::STRICT)
    }

    pub(crate) fn open_with(
        config: HostConfig,
        surroundings: Surroundings,
        policy: HostPolicy,
    ) -> Result<Self, HostStartError> {
        if !is_path_segment(&config.authority_tenant) {
            return Err(HostStartError::AuthorityTenant(config.authority_tenant));
        }
        if !is_confidential(&surroundings.public_url) {
            return Err(HostStartError::PublicUrl(surroundings.public_url));
        }
        if matches!(config.identity, IdentityConfig::Pick) && !is_here(&surroundings.public_url) {
            return Err(HostStartError::PickedElsewhere(surroundings.public_url));
        }
        let names = config.users.keys().map(HostUser::as_str);
        if names.chain(config.organizations.keys().map(OrganizationName::as_str)).any(str::is_empty) {
            return Err(HostStartError::EmptyName);
        }
        let keys = KeyRing::of(&config)?;
        let state = StateFile::open(&config.state_dir)?;
        let users = config.users.keys().cloned().collect();
        let organizations = Arc::new(Organizations::load(&config.organizations, &users, state.clone(), policy)?);
        let file = RedbVault::within(state, &keys, policy.bound_to);
        let toggles = Arc::new(UserToggles::load(&file)?);
        let vault = Arc::new(file.clone());
        let identity = config.identity.build();
        Ok(Self { config, surroundings, organizations, file, vault, toggles, identity, policy })
    }

    /// Learns from `identity` who sits in front of a browser, instead of what the configuration says.
    #[must_use]
    pub fn with_identity(mut self, identity: Arc<dyn Identity>) -> Self {
        self.identity = identity;
        self
    }

    pub(crate) fn wrap_vault(&mut self, wrap: impl FnOnce(Arc<dyn TokenVault>) -> Arc<dyn TokenVault>) {
        self.vault = wrap(Arc::clone(&self.vault));
    }

    /// What outlives [`router`]: admission for the server, and the vault's keys.
    pub fn doors(&self) -> HostDoors {
        HostDoors {
            organizations: Arc::clone(&self.organizations),
            toggles: Arc::clone(&self.toggles),
            file: self.file.clone(),
        }
    }

    /// Keeps tokens in `vault` instead of the file: a store that several replicas share, or one that a test holds.
    #[must_use]
    pub fn with_vault(mut self, vault: Arc<dyn TokenVault>) -> Self {
        self.vault = vault;
        self
    }
}

impl HostDoors {
    /// The organizations, which also decide what the server admits.
    pub fn organizations(&self) -> &Organizations {
        &self.organizations
    }

    /// Whether somebody who connected this account has the tool off for themselves.
    pub fn tool_off(&self, tenant: &str, object_id: &str, tool: &str) -> bool {
        self.toggles.off_for_account(tenant, object_id, tool)
    }

    /// Takes the keys that `config` names now, and seals every row of an older key anew. Nobody has to wait meanwhile.
    pub async fn rotate(&self, config: &HostConfig) -> Result<vault::Resealed, HostStartError> {
        let keys = KeyRing::of(config)?;
        self.file.change_keys(&keys);
        Ok(self.reseal().await?)
    }

    /// Seals every row of an older key anew.
    pub async fn reseal(&self) -> Result<vault::Resealed, VaultError> {
        let done = self.file.reseal().await?;
        if done.unopened > 0 {
            tracing::warn!(rows = done.unopened, "no key opens these rows; their owners must connect again");
        }
        if done.sealed_anew > 0 {
            tracing::info!(rows = done.sealed_anew, "sealed anew: older keys are not needed any more");
        }
        Ok(done)
    }
}

/// The host's addresses.
pub fn router(parts: HostParts) -> axum::Router {
    let HostParts { config, surroundings, organizations, file, vault, toggles, identity, policy } = parts;
    let Surroundings { entra, mcp, public_url, http, clock, keys, audit } = surroundings;
    let secure = public_url.scheme() == "https";
    let origin = public_url.origin().ascii_serialization();
    let notes = Notes::new(audit, Arc::clone(&clock));
    let redirect = below(&public_url, "/connect/callback");
    let issuer = Arc::new(Issuer::new(&entra, &config, redirect, http.clone(), policy.sign_in_failure));
    let renewal =
        Arc::new(Renewal::new(Arc::clone(&vault), Arc::clone(&issuer), Arc::clone(&clock), policy, notes.clone()));
    let tools = Arc::new(Tools::new(McpClient::new(mcp, "offline365-host", http), renewal, notes.clone()));
    let chats = Chats::new(Arc::new(file), Arc::clone(&tools), Arc::clone(&organizations), Arc::clone(&clock), policy);
    let consents = Consents::new(Arc::clone(&issuer), Arc::clone(&clock), below(&public_url, "/connect/admin-consent"));
    rest::router(Services {
        users: Users::new(&config.users),
        people: config.users.keys().cloned().collect(),
        identity,
        sessions: Sessions::default(),
        connect: Connect {
            issuer,
            keys,
            vault: Arc::clone(&vault),
            organizations: Arc::clone(&organizations),
            toggles: Arc::clone(&toggles),
            clock: Arc::clone(&clock),
            policy,
            notes: notes.clone(),
            under_way: UnderWay::default(),
        },
        consents,
        tools,
        toggles,
        chats,
        organizations,
        vault,
        notes,
        policy,
        clock,
        secure,
        origin,
        openapi: rest::document(),
    })
}

fn below(public_url: &Url, path: &str) -> Url {
    let mut url = public_url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(path);
    url
}

fn is_path_segment(tenant: &str) -> bool {
    tenant.starts_with(|first: char| first.is_ascii_alphanumeric())
        && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn is_confidential(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_here(url))
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
