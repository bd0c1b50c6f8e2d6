//! Where does a client sign in? RFC 9728. The `resource` is the App ID URI, not our address: Entra refuses any other with
//! AADSTS9010010.

use http::HeaderValue;
use serde::Serialize;
use url::Url;

use crate::config::Config;
use crate::entra::challenge;
use crate::policy::token::{Answer, Rule};

/// The document, and the challenges that point to it.
pub(super) struct Metadata {
    pub(super) document: Document,
    address: String,
    scope: String,
    authorize: String,
    client_id: String,
}

/// Protected-resource metadata.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Document {
    resource: String,
    authorization_servers: Vec<String>,
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    resource_name: &'static str,
}

impl Metadata {
    pub(super) fn new(config: &Config, origin: &Url) -> Self {
        let login = config.entra.login.as_str().trim_end_matches('/');
        let resource = config.app_id_uri();
        let scope = format!("{resource}/{}", config.entra.scope);
        Self {
            document: Document {
                resource,
                authorization_servers: vec![format!("{login}/organizations/v2.0")],
                scopes_supported: vec![scope.clone()],
                bearer_methods_supported: ["header"],
                resource_name: "Microsoft 365",
            },
            address: format!("{}/.well-known/oauth-protected-resource/mcp", origin.as_str().trim_end_matches('/')),
            scope,
            authorize: format!("{login}/organizations/oauth2/v2.0/authorize"),
            client_id: config.entra.client_id.clone(),
        }
    }

    /// No token was shown.
    pub(super) fn sign_in(&self) -> HeaderValue {
        self.challenge(&[])
    }

    /// The token breaks `rule`.
    pub(super) fn refused(&self, rule: &Rule) -> HeaderValue {
        let error = match rule.answer {
            Answer::InvalidToken => "invalid_token",
            Answer::InsufficientScope | Answer::DelegatedRequired => "insufficient_scope",
        };
        let why = format!("The access token was refused: {}.", rule.says);
        self.challenge(&[("error", error), ("error_description", &why)])
    }

    /// The token cannot be read, or the sign-in behind it is over.
    pub(super) fn invalid(&self, why: &str) -> HeaderValue {
        self.challenge(&[("error", "invalid_token"), ("error_description", why)])
    }

    /// The request brings more than one token.
    pub(super) fn several(&self, why: &str) -> HeaderValue {
        self.challenge(&[("error", "invalid_request"), ("error_description", why)])
    }

    /// Another token must bring these claims.
    pub(super) fn claims(&self, claims: &str) -> HeaderValue {
        self.challenge(&[
            ("realm", ""),
            ("authorization_uri", &self.authorize),
            ("client_id", &self.client_id),
            ("error", "insufficient_claims"),
            ("claims", &challenge::encoded(claims)),
        ])
    }

    /// Separated by `", "`: MSAL.NET reads it no other way.
    fn challenge(&self, parameters: &[(&str, &str)]) -> HeaderValue {
        let ours = [("resource_metadata", self.address.as_str()), ("scope", self.scope.as_str())];
        let text: Vec<_> = parameters
            .iter()
            .chain(&ours)
            .map(|(name, value)| format!("{name}=\"{}\"", value.replace(['"', '\\'], "")))
            .collect();
        HeaderValue::try_from(format!("Bearer {}", text.join(", "))).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}
