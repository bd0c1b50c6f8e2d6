//! Listeners: login, Graph, content and lab, each at an origin of its own.

pub(crate) mod address;
mod answer;
mod connection;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use url::Url;

pub use answer::Arrived;
pub(crate) use answer::Host;

use crate::options::Options;
use crate::world::State;

/// Where each host is reached.
#[derive(Debug, Clone)]
pub struct Origins {
    /// The login host; no path: the tenant is the first segment.
    pub login: Url,
    /// The Graph host; no path: the version is the first segment.
    pub graph: Url,
    /// The host of downloads: bytes for who has an address that Graph gave out.
    pub content: Url,
    /// The lab: plain HTTP.
    pub lab: Url,
    /// Host names under which login and Graph answer too, with documents and links of their own.
    pub aliases: Vec<String>,
}

impl Origins {
    /// The login host's origin without a slash at its end, as it stands in issuers.
    pub fn login_origin(&self) -> &str {
        self.login.as_str().trim_end_matches('/')
    }

    /// Whether `origin` is the login host's under one of its names.
    pub fn is_login(&self, origin: &str) -> bool {
        self.names().any(|name| under_name(&self.login, name).is_some_and(|own| own.trim_end_matches('/') == origin))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.login.host_str().into_iter().chain(self.aliases.iter().map(String::as_str))
    }
}

/// The same origin under another host name.
fn under_name(origin: &Url, name: &str) -> Option<String> {
    let mut other = origin.clone();
    other.set_host(Some(name)).ok()?;
    Some(other.into())
}

/// Which of the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// `login.microsoftonline.com`.
    Login,
    /// `graph.microsoft.com`.
    Graph,
    /// `contoso.sharepoint.com`, where downloads come from.
    Content,
    /// Test controls.
    Lab,
}

impl HostKind {
    /// The word for it in recordings and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Graph => "graph",
            Self::Content => "content",
            Self::Lab => "lab",
        }
    }
}

/// A listener that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the {} host cannot listen at {address}: {source}", host.as_str())]
pub struct BindError {
    /// Which host.
    pub host: HostKind,
    /// Where it should have listened.
    pub address: SocketAddr,
    /// Why not; [`io::ErrorKind::AddrInUse`] when somebody else does.
    pub source: io::Error,
}

/// Listeners that are open and do not answer yet: their ports are known before the world is made.
pub(crate) struct Bound {
    login: TcpListener,
    graph: TcpListener,
    content: TcpListener,
    lab: TcpListener,
    pub(crate) origins: Origins,
}

impl Bound {
    pub(crate) async fn open(options: &Options) -> Result<Self, BindError> {
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let (login, login_url) = listen(HostKind::Login, options, options.login_port, scheme).await?;
        let (graph, graph_url) = listen(HostKind::Graph, options, options.graph_port, scheme).await?;
        let (content, content_url) = listen(HostKind::Content, options, options.content_port, scheme).await?;
        let (lab, lab_url) = listen(HostKind::Lab, options, options.lab_port, "http").await?;
        let aliases = ["localhost", "127.0.0.1", "[::1]"]
            .into_iter()
            .filter(|name| *name != options.host_name)
            .map(str::to_owned)
            .collect();
        let origins = Origins { login: login_url, graph: graph_url, content: content_url, lab: lab_url, aliases };
        Ok(Self { login, graph, content, lab, origins })
    }

    /// Starts to answer. Dropping the set closes everything at once.
    pub(crate) fn serve(self, state: &Arc<State>, tls: Option<TlsAcceptor>) -> JoinSet<()> {
        let mut running = JoinSet::new();
        let login = host(HostKind::Login, crate::entra::router(Arc::clone(state)), state, &self.origins.login);
        let graph = host(HostKind::Graph, crate::graph::router(Arc::clone(state)), state, &self.origins.graph);
        let content = crate::content::router(Arc::clone(state));
        let content = host(HostKind::Content, content, state, &self.origins.content);
        let lab = host(HostKind::Lab, crate::lab::router(Arc::clone(state)), state, &self.origins.lab);
        running.spawn(connection::accept(self.login, login, tls.clone()));
        running.spawn(connection::accept(self.graph, graph, tls.clone()));
        running.spawn(connection::accept(self.content, content, tls));
        running.spawn(connection::accept(self.lab, lab, None));
        running
    }
}

fn host(kind: HostKind, router: Router, state: &Arc<State>, origin: &Url) -> Arc<Host> {
    Arc::new(Host::new(kind, router, Arc::clone(state), origin.clone()))
}

async fn listen(host: HostKind, options: &Options, port: u16, scheme: &str) -> Result<(TcpListener, Url), BindError> {
    let address = SocketAddr::new(options.bind, port);
    let failed = |source| BindError { host, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    // The lab's guard compares the Host header: a number cannot be pointed elsewhere by a name server.
    let name = if host == HostKind::Lab && options.host_name == "localhost" { "127.0.0.1" } else { &options.host_name };
    let url = Url::parse(&format!("{scheme}://{name}:{port}/"))
        .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    Ok((listener, url))
}
