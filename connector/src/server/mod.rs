//! How a request comes in.
//!
//! | module | answers |
//! |---|---|
//! | `listen` | how do connections come in? |
//! | `guard` | is this request meant for us, and may a page have sent it? |
//! | `bearer` | who is calling, and are they let in? |
//! | `session_id` | does somebody bring a session? |
//! | `body` | is the body one JSON object that means one thing? |
//! | [`admission`] | is this tenant in, is this tool on? |
//! | `metadata` | where does a client sign in? |
//! | `request_id` | what is this request called? |
//! | `operations` | is the process alive, can it serve, how much has it done? |
//! | `resources` | what can be read by address as an MCP resource? |
//! | `mcp` | which tools are there, and how do they answer? |

pub mod admission;
mod bearer;
mod body;
mod guard;
pub(crate) mod listen;
mod mcp;
mod metadata;
pub(crate) mod operations;
pub(crate) mod request_id;
mod resources;
mod session_id;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use http::StatusCode;
use jiff::Timestamp;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::audit::AuditSink;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::documents::Extractor;
use crate::entra::keys::KeySource;
use crate::entra::obo::Exchange;
use crate::graph::client::Graph;
use crate::limits::Limits;
use crate::policy::Policy;
use crate::transport::Transport;
use admission::Admission;
use metadata::Metadata;

/// What the server is made of.
pub(crate) struct Parts {
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Arc<dyn KeySource>,
    pub(crate) audit: Arc<dyn AuditSink>,
    pub(crate) documents: Arc<dyn Extractor>,
    pub(crate) admission: Arc<dyn Admission>,
    pub(crate) exchange: Exchange,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) stop: CancellationToken,
}

/// The server, ready to be served.
pub(crate) struct Server(Arc<Services>);

/// What every request may use.
pub(crate) struct Services {
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Arc<dyn KeySource>,
    pub(crate) audit: Arc<dyn AuditSink>,
    /// What reads documents.
    pub(crate) documents: Arc<dyn Extractor>,
    pub(crate) admission: Arc<dyn Admission>,
    pub(crate) graph: Graph,
    /// Seals cursors. Derived from the registration's credential, so that replicas and restarts share it.
    pub(crate) cursor_key: hmac::Key,
    login: Url,
    client_id: String,
    scope: String,
    clients: BTreeSet<String>,
    metadata: Metadata,
    /// Tokens that were let in, until they die: the first time is an event.
    signed_in: Mutex<BTreeMap<[u8; 32], Timestamp>>,
    reach: guard::Reach,
    max_body: usize,
    pub(crate) limited_mode: bool,
    /// Until a tool has answered.
    call_patience: Duration,
    stop: CancellationToken,
}

impl Server {
    pub(crate) fn new(config: &Config, origin: Url, address: SocketAddr, parts: Parts) -> Result<Self, ConfigError> {
        let cursor_key = config.credential()?.derived("offline365 cursor v1");
        let Parts { policy, clock, keys, audit, documents, admission, exchange, transport, stop } = parts;
        Ok(Self(Arc::new(Services {
            graph: Graph::new(
                config.graph.url.clone(),
                config.download_origins()?,
                policy,
                exchange,
                transport,
                Limits::new(&config.limits, Arc::clone(&clock)),
            ),
            limited_mode: config.limited_mode,
            call_patience: Duration::from_secs(config.limits.call_seconds.into()),
            policy,
            clock,
            keys,
            audit,
            documents,
            admission,
            cursor_key,
            login: config.entra.login.clone(),
            client_id: config.entra.client_id.clone(),
            scope: config.entra.scope.clone(),
            clients: config.entra.allowed_clients.iter().cloned().collect(),
            metadata: Metadata::new(config, &origin),
            signed_in: Mutex::default(),
            reach: guard::Reach::new(&origin, address, &config.server.allowed_origins),
            max_body: config.server.max_body_bytes,
            stop,
        })))
    }

    pub(crate) fn router(self) -> Router {
        let services = self.0;
        let handler_services = Arc::clone(&services);
        let config = StreamableHttpServerConfig::default()
            // Stateless: a session that another tenant's token could meet does not exist.
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(services.max_body)
            .with_cancellation_token(services.stop.child_token())
            // `guard` has checked both, for every route.
            .disable_allowed_hosts()
            .disable_allowed_origins();
        let mcp = StreamableHttpService::new(
            move || Ok(mcp::Handler::new(Arc::clone(&handler_services))),
            Arc::new(NeverSessionManager::default()),
            config,
        );
        let metadata = services.metadata.document.clone();
        let document = get(move || std::future::ready(axum::Json(metadata.clone())));
        Router::new()
            .route_service("/mcp", mcp)
            .route_layer(from_fn_with_state(Arc::clone(&services), body::check))
            .route_layer(from_fn(session_id::check))
            .route_layer(from_fn_with_state(Arc::clone(&services), bearer::check))
            .route("/.well-known/oauth-protected-resource", document.clone())
            .route("/.well-known/oauth-protected-resource/mcp", document)
            .fallback(async || guard::refuse(StatusCode::NOT_FOUND, "not_found", "There is nothing here."))
            .layer(from_fn_with_state(Arc::clone(&services), guard::check))
            .layer(from_fn(guard::no_store))
            .layer(from_fn(request_id::name))
    }
}
