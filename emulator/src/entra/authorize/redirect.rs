//! Where an answer goes: registered redirect URIs, response modes, and the page that posts a form.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use fixtures::plan::{RedirectKind, RedirectUri, Registration};
use url::{Host, Url};

use crate::entra::error::{EntraError, Trace};
use crate::entra::pages::form_post;
use crate::entra::rules::IssuerRules;

/// How parameters travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

/// A registered redirect URI, as the request spelled it, and what travels back with every answer.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) uri: String,
    pub(crate) kind: RedirectKind,
    pub(crate) mode: ResponseMode,
    pub(crate) state: Option<String>,
    target: Url,
}

impl Destination {
    /// The destination of a request, if its redirect URI is registered.
    ///
    /// <https://learn.microsoft.com/entra/identity-platform/reply-url>: exact and case-sensitive; for `localhost` the port is ignored.
    pub(crate) fn registered(
        rules: &IssuerRules,
        app: &Registration,
        uri: &str,
        state: Option<&str>,
    ) -> Result<Self, EntraError> {
        let mismatch = || EntraError::RedirectMismatch { uri: uri.to_owned(), app: app.app_id.to_string() };
        let target = Url::parse(uri).map_err(|_| mismatch())?;
        let kind = (rules.redirect)(app, &target, uri).ok_or_else(mismatch)?;
        let state = state.map(str::to_owned);
        Ok(Self { uri: uri.to_owned(), kind, mode: ResponseMode::Query, state, target })
    }

    /// The answer with these parameters, `state` added.
    pub(crate) fn send(&self, parameters: &[(&str, &str)]) -> Response {
        let mut all = parameters.to_vec();
        if let Some(state) = &self.state {
            all.push(("state", state));
        }
        match self.mode {
            ResponseMode::Query => {
                let mut target = self.target.clone();
                if !all.is_empty() {
                    target.query_pairs_mut().extend_pairs(&all);
                }
                found(target.as_str())
            }
            ResponseMode::Fragment => {
                let mut target = self.target.clone();
                target.set_fragment(Some(&serde_urlencoded::to_string(&all).unwrap_or_default()));
                found(target.as_str())
            }
            // The others end in a slash where there is no path; a form is posted to what was registered.
            ResponseMode::FormPost => form_post::page(&self.uri, &all),
        }
    }

    /// Where the answer goes, `state` added.
    pub(crate) fn address(&self) -> String {
        let mut target = self.target.clone();
        if let Some(state) = &self.state {
            target.query_pairs_mut().append_pair("state", state);
        }
        target.into()
    }

    /// The answer that says no.
    pub(crate) fn refuse(&self, trace: &Trace, error: &EntraError) -> Response {
        self.send(&[
            ("error", error.oauth_on_redirect()),
            ("error_description", &trace.description(error)),
            ("error_uri", &trace.error_uri(error)),
        ])
    }
}

/// What a redirect URI is registered as.
pub(crate) fn registered_as(app: &Registration, target: &Url, spelled: &str) -> Option<RedirectKind> {
    if !target.username().is_empty() || target.password().is_some() || target.fragment().is_some() {
        return None;
    }
    let fits = |registered: &&RedirectUri| registered.uri == spelled || is_same_loopback(&registered.uri, target);
    app.redirect_uris.iter().find(fits).map(|redirect| redirect.kind)
}

fn found(target: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(location) = HeaderValue::try_from(target) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Whether both are the same address of this machine, the port left aside.
fn is_same_loopback(registered: &str, asked: &Url) -> bool {
    let Ok(registered) = Url::parse(registered) else { return false };
    let is_loopback = match registered.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        _ => false,
    };
    is_loopback
        && registered.scheme() == asked.scheme()
        && registered.host() == asked.host()
        && registered.path() == asked.path()
        && registered.query() == asked.query()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_this_machine_may_differ() {
        let plan = fixtures::Plan::embedded().unwrap();
        let app = plan.registration("m365-client").unwrap();
        for fits in [
            "http://localhost",
            "http://localhost:8400",
            "http://localhost:8400/",
            "https://localhost:1/connect/callback",
        ] {
            assert!(Destination::registered(&IssuerRules::STRICT, app, fits, None).is_ok(), "{fits}");
        }
        for other in [
            "https://localhost:8400",
            "http://localhost:8400/other",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://127.0.0.1:8400",
            "http://localhost:8400/#x",
            "http://localhost:8400/?next=1",
            "javascript:alert(1)",
            "",
        ] {
            assert!(Destination::registered(&IssuerRules::STRICT, app, other, None).is_err(), "{other}");
        }
    }
}
