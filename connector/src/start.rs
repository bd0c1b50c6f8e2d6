//! What has to stand before the first request? Configuration, listeners, the edges, and the routes on them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::audit::{AuditFile, AuditSink, AuditStdout, AuditTrace};
use crate::caller::TenantId;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError};
use crate::documents::worker::NoWorkers;
use crate::documents::{Extractor, Workers};
use crate::entra::keys::{AuthorityKeys, ForHost, KeySource};
use crate::entra::obo::{Exchange, Registration};
use crate::host::vault::{Resealed, TokenVault};
use crate::host::{self, EntraSettings, HostDoors, HostParts, HostStartError};
use crate::metrics::{CountedAudit, CountedTransport, Metrics};
use crate::policy::Policy;
use crate::server::admission::{Admission, Listed, OfHost};
use crate::server::listen::{self, Identity, IdentityError};
use crate::server::{self, Server, operations};
use crate::transport::{self, Http, Transport};

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Connector;

/// What a connector is given rather than makes.
#[derive(Clone)]
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where audit events go, in place of what the configuration says.
    pub audit: Option<Arc<dyn AuditSink>>,
}

/// A connector that serves.
pub struct Running {
    /// Address of the MCP server, path included.
    pub mcp: Url,
    /// Origin of the host, if one was configured.
    pub host: Option<Url>,
    /// Origin of health and measurements, if they are served.
    pub operations: Option<Url>,
    doors: Option<HostDoors>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Why a connector does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address cannot be listened on. The kind tells one that is in use.
    #[error("{address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Certificate and key cannot be used.
    #[error("server.tls_cert_file: {0}")]
    Identity(#[from] IdentityError),
    /// The client for outgoing requests cannot be built: the extra roots are wrong, or the machine has none of its own.
    #[error(
        "tls.ca_file is no list of certificates, or the machine has no roots of its own (Debian: the package ca-certificates): {0}"
    )]
    Roots(#[from] reqwest::Error),
    /// The audit log cannot be opened.
    #[error("audit.file: {0}")]
    Audit(std::io::Error),
    /// The host cannot start.
    #[error(transparent)]
    Host(#[from] HostStartError),
}

type Front = Box<dyn FnOnce(Router) -> Router + Send>;

/// Faults to put in at the edges.
#[derive(Default)]
pub(crate) struct Wraps {
    pub(crate) transport: Option<Wrap<dyn Transport>>,
    pub(crate) keys: Option<Wrap<dyn KeySource>>,
    pub(crate) audit: Option<Wrap<dyn AuditSink>>,
    pub(crate) documents: Option<Wrap<dyn Extractor>>,
    pub(crate) vault: Option<Wrap<dyn TokenVault>>,
    pub(crate) front: Option<Front>,
    pub(crate) host_front: Option<Front>,
}

type Wrap<T> = Box<dyn FnOnce(Arc<T>) -> Arc<T> + Send>;

impl Default for Parts {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), audit: None }
    }
}

impl Connector {
    /// Starts the connector with the policy that ships.
    pub async fn start(config: Config, parts: Parts) -> Result<Running, StartError> {
        start(config, parts, Policy::STRICT, Wraps::default()).await
    }
}

impl Running {
    /// Stops listening and ends what is under way.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        for task in self.tasks.drain(..) {
            let _ = task.await;
        }
    }

    /// Takes the vault keys that `config` names now and seals older rows anew, while everything goes on.
    pub async fn rotate(&self, config: &Config) -> Result<Option<Resealed>, HostStartError> {
        match (&self.doors, &config.host) {
            (Some(doors), Some(host)) => doors.rotate(host).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Waits until the connector stops.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) async fn start(config: Config, parts: Parts, policy: Policy, wraps: Wraps) -> Result<Running, StartError> {
    config.check()?;
    let identity = config.identity()?.map(|(chain, key)| Identity::of_pem(&chain, &key)).transpose()?;
    let client =
        transport::client(config.extra_roots()?.as_deref(), Duration::from_secs(config.limits.request_seconds.into()))?;
    let metrics = Arc::new(Metrics::default());
    let transport = wrapped::<dyn Transport>(Arc::new(Http(client.clone())), wraps.transport);
    let transport: Arc<dyn Transport> =
        Arc::new(CountedTransport::new(transport, &config.graph.url, Arc::clone(&metrics)));
    let clock = parts.clock;
    let authority =
        Arc::new(AuthorityKeys::new(config.entra.login.clone(), Arc::clone(&transport), Arc::clone(&clock)));
    let keys = wrapped::<dyn KeySource>(Arc::clone(&authority) as _, wraps.keys);
    let audit: Arc<dyn AuditSink> = match (parts.audit, &config.audit.file) {
        (Some(sink), _) => sink,
        (None, Some(path)) => Arc::new(AuditFile::open(path).map_err(StartError::Audit)?),
        (None, None) if config.audit.stdout => Arc::new(AuditStdout),
        (None, None) => Arc::new(AuditTrace),
    };
    let audit = wrapped(audit, wraps.audit);
    let audit: Arc<dyn AuditSink> = Arc::new(CountedAudit { real: audit, metrics: Arc::clone(&metrics) });
    let documents: Arc<dyn Extractor> = match config.documents.program() {
        Some(program) => Arc::new(Workers::new(program, config.documents.limits())),
        None => Arc::new(NoWorkers),
    };
    let documents = wrapped(documents, wraps.documents);

    let (listener, address) = bind(config.server.listen).await?;
    let scheme = if identity.is_some() { "https" } else { "http" };
    let origin = config.server.public_url.clone().map_or_else(|| origin(scheme, address), Ok)?;
    let mcp = below(&origin, "/mcp");
    let stop = CancellationToken::new();
    let mut tasks = Vec::new();

    let listed = Listed {
        tenants: config.admission.tenants.iter().map(|id| TenantId::of_claim(&id.to_string())).collect(),
        disabled_tools: config.admission.disabled_tools.iter().cloned().collect(),
    };
    let (mut host_url, mut host_doors) = (None, None);
    let admission: Arc<dyn Admission> = if let Some(host_config) = config.host.clone() {
        let (listener, address) = bind(host_config.listen).await?;
        let public_url = host_config.public_url.clone().map_or_else(|| self::origin(scheme, address), Ok)?;
        let surroundings = host::Surroundings {
            entra: EntraSettings {
                login: config.entra.login.clone(),
                server_id: config.entra.client_id.clone(),
                app_id_uri: config.app_id_uri(),
                scope: config.entra.scope.clone(),
            },
            mcp: mcp.clone(),
            public_url: public_url.clone(),
            http: client,
            clock: Arc::clone(&clock),
            keys: Arc::new(ForHost(Arc::clone(&keys))),
            audit: Arc::clone(&audit),
        };
        let mut parts = HostParts::open_with(host_config, surroundings, policy.host)?;
        if let Some(wrap) = wraps.vault {
            parts.wrap_vault(wrap);
        }
        let doors = parts.doors();
        let resealing = doors.clone();
        tasks.push(tokio::spawn(async move {
            if let Err(error) = resealing.reseal().await {
                tracing::error!(%error, "rows could not be sealed anew");
            }
        }));
        let router = behind(wraps.host_front, host::router(parts));
        tasks.push(listen::serve(listener, identity.clone(), router, stop.clone()));
        host_url = Some(public_url);
        host_doors = Some(doors.clone());
        Arc::new(OfHost { host: doors, listed })
    } else {
        Arc::new(listed)
    };

    let registration = Registration {
        login: config.entra.login.clone(),
        client_id: config.entra.client_id.clone(),
        credential: config.credential()?,
        resource: config.graph.resource.clone(),
        max_age: SignedDuration::from_secs(config.obo.max_age_seconds.into()),
    };
    let exchange = Exchange::new(registration, policy, Arc::clone(&transport), Arc::clone(&clock));
    let server = Server::new(
        &config,
        origin,
        address,
        server::Parts { policy, clock, keys, audit, documents, admission, exchange, transport, stop: stop.clone() },
    )?;
    let router = behind(wraps.front, server.router());
    tasks.push(listen::serve(listener, identity, router, stop.clone()));
    let mut operations_url = None;
    if let Some(address) = config.operations.listen {
        let (listener, address) = bind(address).await?;
        tasks.push(listen::serve(listener, None, operations::router(authority, metrics), stop.clone()));
        operations_url = Some(self::origin("http", address)?);
    }
    Ok(Running { mcp, host: host_url, operations: operations_url, doors: host_doors, stop, tasks })
}

fn wrapped<T: ?Sized>(real: Arc<T>, wrap: Option<Wrap<T>>) -> Arc<T> {
    match wrap {
        Some(wrap) => wrap(real),
        None => real,
    }
}

fn behind(front: Option<Front>, router: Router) -> Router {
    match front {
        Some(front) => front(router),
        None => router,
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn origin(scheme: &str, address: SocketAddr) -> Result<Url, ConfigError> {
    let text = if address.ip().is_loopback() {
        format!("{scheme}://localhost:{}", address.port())
    } else {
        format!("{scheme}://{address}")
    };
    Url::parse(&text).map_err(|_| ConfigError::Value {
        key: "server.public_url",
        problem: format!("{text} is no address for clients; set one"),
    })
}

fn below(origin: &Url, path: &str) -> Url {
    let mut url = origin.clone();
    url.set_path(path);
    url
}
