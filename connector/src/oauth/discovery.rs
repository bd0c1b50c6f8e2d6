//! Which authorization server does an MCP server name, and where are its endpoints?
//! (<https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization>, RFC 9728, RFC 8414)
//!
//! Documents that somebody else wrote: each must name the identifier it was asked for, and every address in it must be HTTPS or
//! this machine. Nothing is followed but what they name; redirects are not.

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::answer;

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
    /// An address that neither HTTPS nor this machine serves.
    #[error("{0:?} is an address that tokens are not sent to: neither HTTPS nor this machine")]
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

/// Asks `server`, whose 401 named `metadata` if anything, who gives tokens for it. `app_id_uri`: the server may name its App ID
/// URI instead of its address, because Entra takes no other `resource` (AADSTS9010010).
pub(crate) async fn discover(
    http: &reqwest::Client,
    server: &Url,
    metadata: Option<&str>,
    app_id_uri: bool,
) -> Result<AuthorizationServer, Unfound> {
    let resource = resource(http, server, metadata, app_id_uri).await?;
    let issuer = resource.authorization_servers.first().ok_or(Unfound::NoAuthorizationServer)?;
    let near = is_this_machine(server);
    let document = issuer_document(http, issuer, near).await?;
    Ok(AuthorizationServer {
        resource: resource.resource,
        scopes: resource.scopes_supported,
        issuer: document.issuer,
        authorization_endpoint: address(&document.authorization_endpoint, near)?,
        token_endpoint: address(&document.token_endpoint, near)?,
        announces_pkce: document.code_challenge_methods_supported.iter().any(|method| method == "S256"),
        promises_iss: document.authorization_response_iss_parameter_supported,
    })
}

/// The address in the challenge; without one, the well-known address of the whole URL, then that of its origin (RFC 9728, 3.1
/// and 5).
async fn resource(
    http: &reqwest::Client,
    server: &Url,
    metadata: Option<&str>,
    app_id_uri: bool,
) -> Result<ResourceDocument, Unfound> {
    let places = match metadata {
        Some(named) => vec![(address(named, is_this_machine(server))?, server.clone())],
        None => well_known(server, "oauth-protected-resource"),
    };
    let mut tried = Vec::new();
    for (place, asked) in places {
        if let Some(document) = fetch::<ResourceDocument>(http, &place).await {
            // Compared as addresses: an origin may be written with or without its slash. An App ID URI counts at home only.
            let named = Url::parse(&document.resource);
            let at_home = place.origin() == server.origin();
            if named.is_ok_and(|named| named == asked || (app_id_uri && at_home && named.scheme() == "api")) {
                return Ok(document);
            }
            return Err(Unfound::OtherResource { asked: asked.into(), came: document.resource });
        }
        tried.push(place.into());
    }
    Err(Unfound::NoDocument { what: "protected resource metadata", tried })
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

/// OAuth's address first, then OpenID Connect's two; with a path in the issuer it goes behind the well-known part or before it
/// (RFC 8414, 3.1 and 5).
async fn issuer_document(http: &reqwest::Client, issuer: &str, near: bool) -> Result<IssuerDocument, Unfound> {
    let base = address(issuer, near)?;
    let mut places = vec![inserted(&base, "oauth-authorization-server"), inserted(&base, "openid-configuration")];
    if base.path() != "/" {
        let mut appended = base.clone();
        appended.set_path(&format!("{}/.well-known/openid-configuration", base.path().trim_end_matches('/')));
        places.push(appended);
    }
    let mut tried = Vec::new();
    for place in places {
        if let Some(document) = fetch::<IssuerDocument>(http, &place).await {
            if same_issuer(issuer, &document.issuer) {
                return Ok(document);
            }
            return Err(Unfound::OtherIssuer { asked: issuer.to_owned(), came: document.issuer });
        }
        tried.push(place.into());
    }
    Err(Unfound::NoDocument { what: "authorization server metadata", tried })
}

/// Compared as text (RFC 8414, 3.3). Entra's documents for several tenants name a template instead
/// (<https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc>): there the tenant's place is left out.
fn same_issuer(asked: &str, came: &str) -> bool {
    asked == came
        || came.split_once("{tenantid}").is_some_and(|(before, after)| {
            asked
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|tenant| ["organizations", "common"].contains(&tenant))
        })
}

fn inserted(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_path(&format!("/.well-known/{name}{}", base.path().trim_end_matches('/')));
    url
}

/// An address that tokens may be sent to, and a browser. Plain HTTP stays on this machine, and only a server on it (`near`) may
/// name one: what a stranger writes must not lead to what listens here.
fn address(text: &str, near: bool) -> Result<Url, Unfound> {
    Url::parse(text)
        .ok()
        .filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none())
        .filter(|url| url.scheme() == "https" || (near && url.scheme() == "http" && is_this_machine(url)))
        .ok_or_else(|| Unfound::Address(text.to_owned()))
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_compared_as_text() {
        let tenant = "https://login.microsoftonline.com/organizations/v2.0";
        assert!(same_issuer(tenant, tenant));
        assert!(same_issuer(tenant, "https://login.microsoftonline.com/{tenantid}/v2.0"));
        assert!(!same_issuer(
            "https://login.microsoftonline.com/a/b/v2.0",
            "https://login.microsoftonline.com/{tenantid}/v2.0"
        ));
        assert!(!same_issuer(tenant, "https://login.microsoftonline.com/organizations/v2.0/"));
        assert!(!same_issuer(tenant, "https://evil.example/{tenantid}/v2.0"));
        assert!(!same_issuer(tenant, "{tenantid}"));
    }

    #[test]
    fn tokens_go_to_https_or_this_machine() {
        for good in ["https://login.example/token", "http://localhost:8443/x", "http://127.0.0.1/x", "http://[::1]:1/x"]
        {
            assert!(address(good, true).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example/token",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://user@login.example/",
            "http://localhost.evil.example/",
            "http://169.254.169.254/latest",
            "",
        ] {
            assert!(address(bad, true).is_err(), "{bad}");
        }
        assert!(address("http://127.0.0.1/x", false).is_err(), "named by a stranger");
    }
}
