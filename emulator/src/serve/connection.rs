//! One connection: TLS or plain by its first byte, HTTP/1.1 or HTTP/2, with a limit on how long headers may take.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::Host;

/// How long a peer may take to say its first byte, to finish its handshake, and to send its headers.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

pub(super) async fn accept(listener: TcpListener, host: Arc<Host>, tls: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(welcome(stream, peer.ip(), Arc::clone(&host), tls.clone()));
                }
                // Out of file handles, or the peer is gone already: others may still come.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn welcome(stream: TcpStream, peer: IpAddr, host: Arc<Host>, tls: Option<TlsAcceptor>) {
    // Small answers on a kept connection wait for nothing.
    let _ = stream.set_nodelay(true);
    let mut first = [0];
    let Ok(Ok(1)) = timeout(PATIENCE, stream.peek(&mut first)).await else { return };
    match tls {
        Some(tls) if first == [TLS_HANDSHAKE] => {
            // A handshake that breaks off is the peer's business: the connection is closed, others go on.
            if let Ok(Ok(stream)) = timeout(PATIENCE, tls.accept(stream)).await {
                serve(stream, peer, host).await;
            }
        }
        _ => serve(stream, peer, host).await,
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: IpAddr, host: Arc<Host>) {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(64 * 1024);
    server.http2().timer(TokioTimer::new()).max_header_list_size(64 * 1024);
    let service = service_fn(move |request| {
        let host = Arc::clone(&host);
        async move { Ok::<_, std::convert::Infallible>(host.answer(request, Some(peer)).await) }
    });
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended early");
    }
}
