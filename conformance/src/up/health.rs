//! When everything serves: a real request to each listener, over TLS with our CA, until each gives the answer of a working service.

use std::time::Duration;

use reqwest::{Certificate, Client, StatusCode};

use super::failure::Failure;
use super::ready::Ready;

/// How long all five together may take. Listeners are bound before this is asked, so the wait is for the first answer only.
const PATIENCE: Duration = Duration::from_secs(10);

/// Returns when every listener has answered as it should, or says which did not and how.
pub(super) async fn serves(ready: &Ready, ca_pem: &str) -> Result<(), Failure> {
    let client = client(ca_pem)?;
    let tenant = ready.tenants.first().map_or("common", |tenant| tenant.id.as_str());
    let metadata = |mcp: &str| match mcp.strip_suffix("/mcp") {
        Some(origin) => format!("{origin}/.well-known/oauth-protected-resource/mcp"),
        None => mcp.to_owned(),
    };
    let probes = [
        ("login", format!("{}/{tenant}/v2.0/.well-known/openid-configuration", ready.login), StatusCode::OK),
        // Graph has nothing to say without a token, and says so itself.
        ("graph", format!("{}/v1.0/me", ready.graph), StatusCode::UNAUTHORIZED),
        ("content", format!("{}/", ready.content), StatusCode::UNAUTHORIZED),
        ("lab", format!("{}/lab/health", ready.lab), StatusCode::OK),
        ("mcp", metadata(&ready.mcp), StatusCode::OK),
        ("host", format!("{}/api/health", ready.host), StatusCode::OK),
    ];
    let asks = probes.map(|(what, url, expected)| ask(client.clone(), what, url, expected));
    futures_util::future::try_join_all(asks).await.map(drop)
}

async fn ask(client: Client, what: &'static str, url: String, expected: StatusCode) -> Result<(), Failure> {
    let mut why = "no answer".to_owned();
    let answered = async {
        loop {
            match client.get(&url).send().await {
                Ok(answer) if answer.status() == expected => return,
                Ok(answer) => why = format!("answered {}, not {expected}", answer.status()),
                Err(error) => why = chain(&error),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, answered).await;
    in_time.map_err(|_| Failure::NotServing { what, url, why })
}

/// An error with its causes: reqwest's own text stops before the one that tells.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "the one client of `up`: our CA alone, no proxy, no redirects")]
fn client(ca_pem: &str) -> Result<Client, Failure> {
    let unusable = |error: reqwest::Error| Failure::Start { part: "health client", why: chain(&error) };
    let ca = Certificate::from_pem(ca_pem.as_bytes()).map_err(unusable)?;
    Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(5))
        .build()
        .map_err(unusable)
}
