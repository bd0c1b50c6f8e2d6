//! The one HTTP client of the harness: no redirects, no proxies, a time-out.

use std::time::Duration;

use reqwest::{Client, redirect};

/// How long any single answer may take before the request counts as unanswered.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that follows nothing and asks nobody else.
#[expect(clippy::disallowed_methods, reason = "the one place of the harness that builds a client")]
pub(crate) fn build() -> Result<Client, reqwest::Error> {
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .user_agent(concat!("offline365-harness/", env!("CARGO_PKG_VERSION")))
        .build()
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
