//! A connector with another policy, or with faults at its edges. For a test harness that must see its checks fail: what starts
//! here may not keep any promise. Behind the feature `broken`, which opens this door and changes nothing else.

use std::sync::Arc;

use axum::Router;

use crate::audit::AuditSink;
use crate::config::Config;
use crate::documents::Extractor;
use crate::host::vault::TokenVault;
use crate::policy::Policy;
use crate::policy::discovery::DiscoveryPolicy;
use crate::sign_in::{self, SignIn, SignInError, Step, Tried};
use crate::start::{self, Parts, Running, StartError};
use crate::transport::Transport;

pub use crate::entra::keys::KeySource;

/// Turns the real thing into one with a fault.
pub type Wrap<T> = Box<dyn FnOnce(Arc<T>) -> Arc<T> + Send>;

/// What stands between the listener and the server.
pub type Front = Box<dyn FnOnce(Router) -> Router + Send>;

/// Where faults that are not decisions can be put. Each edge gets the real one to build on; `None` leaves it as it is. The
/// clock is in [`Parts`].
#[derive(Default)]
pub struct Edges {
    /// The way out, to the issuer and to Graph.
    pub transport: Option<Wrap<dyn Transport>>,
    /// The authority's signing keys.
    pub keys: Option<Wrap<dyn KeySource>>,
    /// The audit log.
    pub audit: Option<Wrap<dyn AuditSink>>,
    /// What reads documents.
    pub documents: Option<Wrap<dyn Extractor>>,
    /// Where the host keeps tokens.
    pub vault: Option<Wrap<dyn TokenVault>>,
    /// What every request to the MCP server passes first.
    pub front: Option<Front>,
    /// The same of the host's server.
    pub host_front: Option<Front>,
    /// What the configuration says.
    pub config: Option<fn(&mut Config)>,
}

/// Starts a connector whose decisions are `policy`.
pub async fn start_with_policy(
    mut config: Config,
    parts: Parts,
    policy: Policy,
    edges: Edges,
) -> Result<Running, StartError> {
    if let Some(change) = edges.config {
        change(&mut config);
    }
    let wraps = start::Wraps {
        transport: edges.transport,
        keys: edges.keys,
        audit: edges.audit,
        vault: edges.vault,
        documents: edges.documents,
        front: edges.front,
        host_front: edges.host_front,
    };
    start::start(config, parts, policy, wraps).await
}

/// Signs a person in with an OAuth client that believes what `policy` believes.
///
/// # Errors
/// As [`sign_in::sign_in`].
pub async fn sign_in_with_policy(
    policy: &DiscoveryPolicy,
    what: &SignIn,
    tell: impl FnMut(Step) + Send,
) -> Result<Tried, SignInError> {
    sign_in::sign_in_with(policy, what, tell).await
}
