//! A connector with another policy, or with faults at its edges. For a test harness that must see its checks fail: what starts
//! here may not keep any promise. Behind the feature `broken`, which opens this door and changes nothing else.

use std::sync::Arc;

use crate::audit::AuditSink;
use crate::config::Config;
use crate::documents::Extractor;
use crate::host::vault::TokenVault;
use crate::policy::Policy;
use crate::start::{self, Parts, Running, StartError};
use crate::transport::Transport;

pub use crate::entra::keys::KeySource;

/// Turns the real thing into one with a fault.
pub type Wrap<T> = Box<dyn FnOnce(Arc<T>) -> Arc<T> + Send>;

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
}

/// Starts a connector whose decisions are `policy`.
pub async fn start_with_policy(
    config: Config,
    parts: Parts,
    policy: Policy,
    edges: Edges,
) -> Result<Running, StartError> {
    let wraps = start::Wraps {
        transport: edges.transport,
        keys: edges.keys,
        audit: edges.audit,
        vault: edges.vault,
        documents: edges.documents,
    };
    start::start(config, parts, policy, wraps).await
}
