//! How does a request leave this process? Through one client: no redirects, no proxies, bounded in time and size.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

/// A request to the issuer or to Graph.
#[derive(Clone)]
pub struct Outgoing {
    /// GET, or POST for the few things that are asked by POST.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Its headers, the token among them.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The largest answer that is read, in bytes.
    pub limit: usize,
}

/// The answer.
#[derive(Clone)]
pub struct Incoming {
    /// HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// There was no answer that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Not within the time.
    #[error("no answer in time")]
    Timeout,
    /// Larger than asked for.
    #[error("the answer is too large")]
    TooLarge,
    /// No connection, or one that broke.
    #[error("the connection failed")]
    Connection,
}

/// The way out.
pub trait Transport: Send + Sync {
    /// Sends one request and reads its answer.
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>>;
}

/// Neither address (it may hold a search) nor headers (they hold tokens) are printed.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("status", &self.status).finish_non_exhaustive()
    }
}

/// How long a connection that nobody uses stays open. Its buffers hold what passed through it last.
const IDLE: Duration = Duration::from_secs(10);

/// Builds the client. `extra_roots` is PEM; an answer that is not whole after `patience` is none.
#[expect(clippy::disallowed_methods, reason = "the one place that builds a client")]
pub(crate) fn client(extra_roots: Option<&str>, patience: Duration) -> Result<reqwest::Client, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(patience.min(Duration::from_secs(5)))
        .timeout(patience)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("offline365-connector/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = extra_roots {
        for root in reqwest::Certificate::from_pem_bundle(pem.as_bytes())? {
            builder = builder.add_root_certificate(root);
        }
    }
    builder.build()
}

/// The client as a way out.
pub(crate) struct Http(pub(crate) reqwest::Client);

impl Transport for Http {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let mut answer = self
                .0
                .request(request.method, request.url)
                .headers(request.headers)
                .body(request.body)
                .send()
                .await
                .map_err(failure)?;
            let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
            let mut body = BytesMut::new();
            while let Some(chunk) = answer.chunk().await.map_err(failure)? {
                if body.len() + chunk.len() > request.limit {
                    return Err(TransportError::TooLarge);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Incoming { status, headers, body: body.freeze() })
        })
    }
}

fn failure(error: reqwest::Error) -> TransportError {
    if error.is_timeout() { TransportError::Timeout } else { TransportError::Connection }
}
