//! How does the web page know who sits in front of it? Not by a login of the host's own: a deployment plugs its identity in.
//!
//! | mode | who says so | for |
//! |---|---|---|
//! | `api_tokens` | nobody: there are no browser sessions, programs present API tokens | the API alone (the default) |
//! | `pick` | the person, from a list | development: refused unless the host is on this machine |
//! | `proxy` | a reverse proxy that has signed the person in, by a header | deployments |
//!
//! OIDC of the host's own would be another [`Identity`]; until then an OIDC proxy (`oauth2-proxy`, an ingress) does it.

use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::member::HostUser;

/// The `[host.identity]` section.
///
/// ```toml
/// [host.identity]
/// mode = "proxy"
/// header = "X-Forwarded-User"            # holds a name of [host.users]
/// secret_header = "X-Proxy-Secret"       # so that only the proxy can say it
/// secret = "…"
/// ```
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum IdentityConfig {
    /// No browser sessions.
    #[default]
    ApiTokens,
    /// Whoever opens the page picks who they are.
    Pick,
    /// A reverse proxy says it in a header.
    Proxy {
        /// The header with the person's name.
        header: String,
        /// The header in which the proxy proves itself.
        secret_header: String,
        /// What it says there: random, 128 bits or more.
        secret: SecretString,
    },
}

/// Who sits in front of a browser.
pub trait Identity: Send + Sync {
    /// Whether people say it themselves: then [`identify`](Self::identify) is not asked.
    fn picks(&self) -> bool {
        false
    }

    /// The person, said by somebody who is trusted to say it. `None` turns the browser away.
    fn identify(&self, headers: &HeaderMap) -> Option<HostUser>;
}

/// Nobody.
pub struct Nobody;

/// Whoever they say they are.
pub struct Picked;

/// Whoever the proxy says they are.
pub struct Proxied {
    header: String,
    secret_header: String,
    secret: SecretString,
}

impl IdentityConfig {
    /// The identity that this configuration asks for.
    pub fn build(&self) -> std::sync::Arc<dyn Identity> {
        match self.clone() {
            Self::ApiTokens => std::sync::Arc::new(Nobody),
            Self::Pick => std::sync::Arc::new(Picked),
            Self::Proxy { header, secret_header, secret } => {
                std::sync::Arc::new(Proxied::new(header, secret_header, secret))
            }
        }
    }
}

impl Proxied {
    /// See [`IdentityConfig::Proxy`].
    pub fn new(header: String, secret_header: String, secret: SecretString) -> Self {
        Self { header, secret_header, secret }
    }
}

impl Identity for Nobody {
    fn identify(&self, _: &HeaderMap) -> Option<HostUser> {
        None
    }
}

impl Identity for Picked {
    fn picks(&self) -> bool {
        true
    }

    fn identify(&self, _: &HeaderMap) -> Option<HostUser> {
        None
    }
}

impl Identity for Proxied {
    fn identify(&self, headers: &HeaderMap) -> Option<HostUser> {
        let only = |name: &str| {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (Some(value), None) => value.to_str().ok(),
                _ => None,
            }
        };
        let proof = only(&self.secret_header)?;
        let holds: bool = proof.as_bytes().ct_eq(self.secret.expose_secret().as_bytes()).into();
        if holds && !proof.is_empty() { only(&self.header).map(HostUser::from) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_proxy_can_say_who_somebody_is() {
        let config: IdentityConfig =
            toml::from_str("mode = \"proxy\"\nheader = \"X-User\"\nsecret_header = \"X-Proof\"\nsecret = \"s3\"")
                .unwrap();
        let identity = config.build();
        let said = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            identity.identify(&headers)
        };
        assert_eq!(said(&[("x-user", "alice"), ("x-proof", "s3")]), Some("alice".into()));
        assert_eq!(said(&[("x-user", "alice")]), None);
        assert_eq!(said(&[("x-user", "alice"), ("x-proof", "wrong")]), None);
        assert_eq!(said(&[("x-user", "alice"), ("x-user", "bob"), ("x-proof", "s3")]), None);
        assert!(!format!("{config:?}").contains("s3"));
    }
}
