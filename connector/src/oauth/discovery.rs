//! Which authorization server does an MCP server name, and where are its endpoints?
//! (<https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization>, RFC 9728, RFC 8414)
//!
//! Documents that somebody else wrote: whose they are and where they lead is decided in [`crate::policy::discovery`]. Nothing is
//! followed but what they name; redirects are not.

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::answer;
use crate::policy::discovery::{DiscoveryPolicy, Told};

/// Metadata documents are a few kilobytes.
const MAX_DOCUMENT: usize = 256 * 1024;

/// What an MCP server says about who gives tokens for it, and what that one says of itself.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationServer {
    /// The identifier of the server that the tokens are for.
    pub(crate) resource: String,
    /// The scopes that the MCP server names, if it names any.
    pub(crate) scopes: Option<Vec<String>>,
    /// The issuer's identifier.
    pub(crate) issuer: String,
    /// Where a person signs in.
    pub(crate) authorization_endpoint: Url,
    /// Where a code becomes tokens.
    pub(crate) token_endpoint: Url,
    /// Whether it announces PKCE with S256.
    pub(crate) announces_pkce: bool,
    /// Whether it promises `iss` in its redirects.
    pub(crate) promises_iss: bool,
}

/// Why there is no authorization server to go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfound {
    /// No document at any of the addresses where one may stand.
    #[error("there is no {what} at {}", .tried.join(" or "))]
    NoDocument {
        /// Which document.
        what: &'static str,
        /// Where it was looked for.
        tried: Vec<String>,
    },
    /// The metadata is another server's.
    #[error("the protected resource metadata is of {came:?}, not of {asked:?}")]
    OtherResource {
        /// What was asked for.
        asked: String,
        /// What the document names.
        came: String,
    },
    /// It names nobody who gives tokens.
    #[error("the protected resource metadata names no authorization server")]
    NoAuthorizationServer,
    /// The metadata is another issuer's.
    #[error("the authorization server's metadata is of {came:?}, not of {asked:?}")]
    OtherIssuer {
        /// What was asked for.
        asked: String,
        /// What the document names.
        came: String,
    },
    /// An address that neither a browser nor a token is sent to.
    #[error("{0:?} is an address that nobody is sent to: not HTTPS, or of this machine or a private network")]
    Address(String),
}

#[derive(Deserialize)]
struct ResourceDocument {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct IssuerDocument {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What is asked, and what is believed.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) http: &'a reqwest::Client,
    pub(crate) policy: &'a DiscoveryPolicy,
    /// The server, and whose it is.
    pub(crate) told: Told<'a>,
    /// The server may name its App ID URI instead of its address, because Entra takes no other `resource` (AADSTS9010010).
    pub(crate) app_id_uri: bool,
}

/// Asks the server, whose 401 named `metadata` if anything, who gives tokens for it.
pub(crate) async fn discover(asking: &Asking<'_>, metadata: Option<&str>) -> Result<AuthorizationServer, Unfound> {
    let resource = asking.resource(metadata).await?;
    let issuer = resource.authorization_servers.first().ok_or(Unfound::NoAuthorizationServer)?;
    let document = asking.issuer_document(issuer).await?;
    Ok(AuthorizationServer {
        resource: resource.resource,
        scopes: resource.scopes_supported,
        issuer: document.issuer,
        authorization_endpoint: asking.address(&document.authorization_endpoint)?,
        token_endpoint: asking.address(&document.token_endpoint)?,
        announces_pkce: document.code_challenge_methods_supported.iter().any(|method| method == "S256"),
        promises_iss: document.authorization_response_iss_parameter_supported,
    })
}

impl Asking<'_> {
    fn address(&self, text: &str) -> Result<Url, Unfound> {
        (self.policy.address)(text, &self.told).ok_or_else(|| Unfound::Address(text.to_owned()))
    }

    /// The address in the challenge; without one, the well-known address of the whole URL, then that of its origin (RFC 9728, 3.1
    /// and 5).
    async fn resource(&self, metadata: Option<&str>) -> Result<ResourceDocument, Unfound> {
        let server = self.told.server;
        let places = match metadata {
            Some(named) => vec![(self.address(named)?, server.clone())],
            None => well_known(server, "oauth-protected-resource"),
        };
        let mut tried = Vec::new();
        for (place, asked) in places {
            if let Some(document) = fetch::<ResourceDocument>(self.http, &place).await {
                // An App ID URI counts at home only.
                let at_home = place.origin() == server.origin();
                if (self.policy.same_resource)(&document.resource, &asked, self.app_id_uri && at_home) {
                    return Ok(document);
                }
                return Err(Unfound::OtherResource { asked: asked.into(), came: document.resource });
            }
            tried.push(place.into());
        }
        Err(Unfound::NoDocument { what: "protected resource metadata", tried })
    }

    /// OAuth's address first, then OpenID Connect's two; with a path in the issuer it goes behind the well-known part or before it
    /// (RFC 8414, 3.1 and 5).
    async fn issuer_document(&self, issuer: &str) -> Result<IssuerDocument, Unfound> {
        let base = self.address(issuer)?;
        let mut places = vec![inserted(&base, "oauth-authorization-server"), inserted(&base, "openid-configuration")];
        if base.path() != "/" {
            let mut appended = base.clone();
            appended.set_path(&format!("{}/.well-known/openid-configuration", base.path().trim_end_matches('/')));
            places.push(appended);
        }
        let mut tried = Vec::new();
        for place in places {
            if let Some(document) = fetch::<IssuerDocument>(self.http, &place).await {
                if (self.policy.same_issuer)(issuer, &document.issuer) {
                    return Ok(document);
                }
                return Err(Unfound::OtherIssuer { asked: issuer.to_owned(), came: document.issuer });
            }
            tried.push(place.into());
        }
        Err(Unfound::NoDocument { what: "authorization server metadata", tried })
    }
}

/// The well-known addresses of `server` as a whole, and of its origin.
fn well_known(server: &Url, name: &str) -> Vec<(Url, Url)> {
    let mut origin = server.clone();
    origin.set_path("/");
    origin.set_query(None);
    let whole = inserted(server, name);
    let mut places = vec![(whole, server.clone())];
    if server.path() != "/" {
        places.push((inserted(&origin, name), origin));
    }
    places
}

fn inserted(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_path(&format!("/.well-known/{name}{}", base.path().trim_end_matches('/')));
    url
}

/// The document at `place`; none if there is nothing, or nothing of that shape.
async fn fetch<T: DeserializeOwned>(http: &reqwest::Client, place: &Url) -> Option<T> {
    let answer = http.get(place.clone()).header(http::header::ACCEPT, "application/json").send().await.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    let body = answer::read(answer, MAX_DOCUMENT).await.ok()?;
    serde_json::from_slice(&body).ok()
}
