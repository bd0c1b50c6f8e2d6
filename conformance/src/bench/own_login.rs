//! How does a person sign in at a connector that is an authorization server itself? As an MCP client sees to it: protected resource metadata,
//! server metadata, registration, code and PKCE (<https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization>); on the way, Entra.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::sign_in::{SignIn, Tokens, attribute, hidden_fields};
use super::{Bench, Call};
use crate::recorder::Hop;

/// Where the harness is sent back to; nobody listens there, the code is read from the redirect itself.
const REDIRECT: &str = "http://127.0.0.1:3365/callback";

/// So many pages and redirects lie between the first address and the code, at most.
const LONGEST_WAY: usize = 20;

/// The authorization server of a connector, as far as a sign-in needs it.
struct Server {
    authorize: Url,
    token: Url,
    client: String,
    scope: Option<String>,
    resource: String,
}

impl Bench {
    /// Signs a person in at the connector. The error is whatever the way ended with.
    pub(super) async fn signed_in_there(&mut self, upn: &str) -> Result<Tokens, String> {
        let server = self.authorization_server().await?;
        let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("verifier of {upn}, {}", self.sign_ins)));
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let state = format!("harness-{}", self.sign_ins);
        let mut first = server.authorize.clone();
        first.query_pairs_mut().extend_pairs([
            ("client_id", server.client.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", &state),
            ("resource", &server.resource),
        ]);
        if let Some(scope) = &server.scope {
            first.query_pairs_mut().append_pair("scope", scope);
        }
        let code = self.walk(first, upn).await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &server.client),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", &verifier),
            ("resource", &server.resource),
        ];
        let answer = self.exchange("connector", self.http.post(server.token).form(&form)).await?;
        SignIn::tokens(&answer.response)
    }

    async fn authorization_server(&mut self) -> Result<Server, String> {
        let mcp = self.doors.mcp.clone();
        let call = Call::anonymous("tools/list");
        let refused = self.doors.speech.ask(&self.http, &mcp, &call, None).await?;
        let named = refused.response_headers.iter().find(|(name, _)| name == "www-authenticate");
        let named = named.and_then(|(_, value)| value.split_once("resource_metadata=\""));
        let named = named.and_then(|(_, rest)| rest.split('"').next()).and_then(|url| Url::parse(url).ok());
        self.recorder.hop(Hop { actor: self.acting.clone(), ..refused });
        let metadata = named.map_or_else(|| well_known(&mcp, "oauth-protected-resource"), Ok)?;
        let resource = self.document(metadata).await?;
        let issuer = resource.pointer("/authorization_servers/0").and_then(Value::as_str);
        let issuer = issuer.ok_or("its protected resource metadata names no authorization server")?;
        let issuer = Url::parse(issuer).map_err(|error| format!("its authorization server is no address: {error}"))?;
        let metadata = self.document(well_known(&issuer, "oauth-authorization-server")?).await?;
        let address = |name: &str| {
            let url = metadata.get(name).and_then(Value::as_str).and_then(|url| Url::parse(url).ok());
            url.ok_or_else(|| format!("its authorization server's metadata has no {name}"))
        };
        let client = match (&self.doors.own_login.client_id, address("registration_endpoint")) {
            (Some(known), _) => known.clone(),
            (None, Ok(registration)) => self.registered(registration).await?,
            (None, Err(_)) => return Err("nobody can register at it: say client_id in [own_login]".to_owned()),
        };
        let scopes = resource.get("scopes_supported").or_else(|| metadata.get("scopes_supported"));
        let scopes = scopes.and_then(Value::as_array).map(|scopes| {
            let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
            scopes.join(" ")
        });
        let named = resource.get("resource").and_then(Value::as_str);
        Ok(Server {
            authorize: address("authorization_endpoint")?,
            token: address("token_endpoint")?,
            client,
            scope: self.doors.own_login.scope.clone().or(scopes),
            resource: named.map_or_else(|| mcp.to_string(), str::to_owned),
        })
    }

    async fn document(&mut self, url: Url) -> Result<Value, String> {
        let answer = self.exchange("connector", self.http.get(url.clone())).await?;
        serde_json::from_slice(&answer.response).map_err(|_| format!("{url}: HTTP {}, no JSON", answer.status))
    }

    async fn registered(&mut self, registration: Url) -> Result<String, String> {
        let client = json!({
            "client_name": "offline365-harness",
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        let answer = self.exchange("connector", self.http.post(registration).json(&client)).await?;
        let answer: Value = serde_json::from_slice(&answer.response)
            .map_err(|_| format!("it registers nobody: HTTP {}", answer.status))?;
        let id = answer.get("client_id").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| "its registration gives no client_id".to_owned())
    }

    /// Goes where a browser would be sent, as this person, until the code comes back.
    async fn walk(&mut self, first: Url, upn: &str) -> Result<String, String> {
        let mut cookies: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut request = self.http.get(self.named(first.clone(), upn));
        let mut at = first;
        for _ in 0..LONGEST_WAY {
            let origin = at.origin().ascii_serialization();
            let known = cookies.entry(origin.clone()).or_default();
            if !known.is_empty() {
                let pairs: Vec<String> = known.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header("cookie", pairs.join("; "));
            }
            let to = if self.is_entra(&at) { "login" } else { "connector" };
            let answer = self.exchange(to, request).await?;
            let set = answer.response_headers.iter().filter(|(name, _)| name == "set-cookie");
            for (name, value) in set.filter_map(|(_, set)| set.split(';').next()?.split_once('=')) {
                known.insert(name.trim().to_owned(), value.to_owned());
            }
            let location = answer.response_headers.iter().find(|(name, _)| name == "location");
            if let Some((_, location)) = location {
                at = at.join(location).map_err(|error| format!("a redirect is no address: {error}"))?;
                if at.as_str().starts_with(REDIRECT) {
                    return SignIn::code(at.as_str());
                }
                if !self.is_entra(&at) && at.origin() != self.doors.mcp.origin() {
                    return Err(format!("the sign-in leads to {origin}, which is neither Entra nor the connector"));
                }
                request = self.http.get(self.named(at.clone(), upn));
                continue;
            }
            // A page of the connector's that asks whether this client may: a person says yes.
            let page = String::from_utf8_lossy(&answer.response).into_owned();
            let form = page.split("<form").nth(1).filter(|_| answer.status == 200 && !self.is_entra(&at));
            let Some(form) = form else { return Err(super::page(&answer)) };
            let action = attribute(form, "action").unwrap_or_default();
            at = at.join(&action).map_err(|error| format!("a form goes nowhere: {error}"))?;
            request = self.http.post(at.clone()).form(&hidden_fields(form));
        }
        Err(format!("the sign-in has more than {LONGEST_WAY} pages"))
    }

    fn is_entra(&self, url: &Url) -> bool {
        url.origin() == self.doors.login.origin()
    }

    /// At Entra, the person says who they are.
    fn named(&self, mut url: Url, upn: &str) -> Url {
        let asks = self.is_entra(&url) && url.path().ends_with("/authorize");
        if asks && !url.query_pairs().any(|(name, _)| name == "login_hint") {
            url.query_pairs_mut().append_pair("login_hint", upn);
        }
        url
    }
}

/// The address of a metadata document (RFC 8414, section 3.1; RFC 9728, section 3.1): between host and path.
fn well_known(of: &Url, name: &str) -> Result<Url, String> {
    let path = of.path().trim_end_matches('/');
    let url = format!("{}/.well-known/{name}{path}", of.origin().ascii_serialization());
    Url::parse(&url).map_err(|error| format!("{url}: {error}"))
}
