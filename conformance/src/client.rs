//! The one HTTP client of the harness: no redirects, a time-out, and no proxy but the one that somebody wants to look through.

use std::time::Duration;

use reqwest::{Certificate, Client, Proxy, redirect};
use url::Url;

/// How long any single answer may take before the request counts as unanswered.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take when a person holds the request in a proxy.
const PATIENCE_OF_A_PERSON: Duration = Duration::from_mins(10);

/// A proxy that the harness's own requests go through: Burp, ZAP, mitmproxy.
#[derive(Debug, Clone)]
pub struct Via {
    /// Its address.
    pub proxy: Url,
    /// The certificate it signs with, as PEM: needed where a target is reached over TLS.
    pub ca: Option<Vec<u8>>,
}

/// A client that follows nothing and asks nobody else.
pub(crate) fn build() -> Result<Client, reqwest::Error> {
    build_via(None)
}

/// The same through a proxy, if one is named.
#[expect(clippy::disallowed_methods, reason = "the one place of the harness that builds a client")]
pub(crate) fn build_via(via: Option<&Via>) -> Result<Client, reqwest::Error> {
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("offline365-harness/", env!("CARGO_PKG_VERSION")));
    let Some(via) = via else { return client.timeout(PATIENCE).build() };
    let mut client = client.timeout(PATIENCE_OF_A_PERSON).proxy(Proxy::all(via.proxy.clone())?);
    if let Some(ca) = &via.ca {
        client = client.tls_certs_merge(Certificate::from_pem_bundle(ca)?);
    }
    client.build()
}

/// An error with its causes: reqwest's own text stops before the one that tells.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
