//! Where does the browser come back to? A port of this machine, as native applications do it
//! (<https://www.rfc-editor.org/rfc/rfc8252#section-7.3>).

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::oauth::Response;

/// A sign-in with a second factor, at leisure.
const PATIENCE: Duration = Duration::from_mins(10);

/// A page that stays when the browser comes back.
const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Signed in</title>\
                    <p>Back in the terminal it says what came of it. This window can be closed.</p></html>";

/// Waits for a browser.
pub(super) struct Listener {
    redirect_uri: String,
    responses: mpsc::Receiver<Response>,
    serving: JoinHandle<()>,
}

impl Listener {
    /// Listens on `port`, or on a free one.
    pub(super) async fn start(port: Option<u16>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        // Entra takes `http://localhost` with any port, but not the address that it stands for.
        let redirect_uri = format!("http://localhost:{}", listener.local_addr()?.port());
        let (sender, responses) = mpsc::channel(1);
        let take = move |Query(response): Query<Response>| async move {
            // What comes while one response waits is not looked at.
            let _ = sender.try_send(response);
            Html(PAGE)
        };
        let router = Router::new().route("/", get(take));
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { redirect_uri, responses, serving })
    }

    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The next response; none if nobody comes.
    pub(super) async fn response(&mut self) -> Option<Response> {
        tokio::time::timeout(PATIENCE, self.responses.recv()).await.ok().flatten()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
