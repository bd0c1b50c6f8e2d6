//! How does a person sign in? As in a browser: authorization request with PKCE, code in the redirect, code redeemed
//! (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::Plan;
use fixtures::cast::{M365_CLIENT, M365_SERVER};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::recorder::Hop;

/// A registered redirect address; nobody listens there, the code is read from the redirect itself.
const REDIRECT: &str = "http://localhost";

/// One sign-in: what to send, in two requests.
#[derive(Debug)]
pub struct SignIn {
    authority: String,
    client: String,
    scope: String,
    upn: String,
    verifier: String,
    redirect: String,
    secret: Option<String>,
    claims: Option<String>,
}

/// The page that asks for a second factor.
pub(super) struct SecondFactor<'a>(&'a Hop);

impl<'a> SecondFactor<'a> {
    pub(super) fn of(answer: &'a Hop) -> Self {
        Self(answer)
    }

    /// The sign-in's cookie, which goes back with the code.
    pub(super) fn cookie(&self) -> String {
        let set = self.0.response_headers.iter().filter(|(name, _)| name == "set-cookie");
        let pairs = set.filter_map(|(_, value)| value.split(';').next());
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Where the form goes, and what is sent: its hidden fields and the code.
    pub(super) fn filled_in(&self, login: &Url, code: &str) -> Result<(Url, Vec<(String, String)>), String> {
        let page = String::from_utf8_lossy(&self.0.response);
        if !page.contains("name=otc") {
            return Err("no page asks for a second factor".to_owned());
        }
        let form = page.split("<form").nth(1).ok_or("the page has no form")?;
        let action = attribute(form, "action").ok_or("the form goes nowhere")?;
        let action = login.join(&action).map_err(|error| error.to_string())?;
        let mut fields = hidden_fields(form);
        fields.push(("otc".to_owned(), code.to_owned()));
        Ok((action, fields))
    }
}

/// What the first form of a page sends beside what a person fills in.
pub(super) fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let form = page.split("</form>").next().unwrap_or_default();
    let fields = form.split("<input").skip(1).filter(|input| input.contains("hidden"));
    fields.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?))).collect()
}

pub(super) fn attribute(element: &str, name: &str) -> Option<String> {
    let rest = element.split_once(&format!(" {name}="))?.1;
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split([' ', '>']).next()?,
    };
    Some(value.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&amp;", "&"))
}

/// The tokens of a sign-in.
pub struct Tokens {
    /// Access token for the connector.
    pub access: String,
    /// Refresh token.
    pub refresh: Option<String>,
}

impl SignIn {
    /// A sign-in of `who` (`alice@contoso`) at the login host for the connector. `number` keeps verifiers apart.
    pub fn new(plan: &Plan, login: &Url, who: &str, number: u64) -> Result<Self, String> {
        let (tenant, person) = plan.person(who).ok_or_else(|| format!("nobody is called {who}"))?;
        let client = plan.registration(M365_CLIENT).ok_or("no client registration")?;
        let server = plan.registration(M365_SERVER).ok_or("no server registration")?;
        let uri = server.identifier_uris.first().ok_or("the server has no App ID URI")?;
        let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("verifier of {who}, {number}")));
        Ok(Self {
            authority: format!("{}/{}/oauth2/v2.0", login.as_str().trim_end_matches('/'), tenant.id),
            client: client.app_id.to_string(),
            scope: format!("{uri}/access_as_user offline_access openid profile"),
            upn: person.upn(tenant),
            verifier,
            redirect: REDIRECT.to_owned(),
            secret: None,
            claims: None,
        })
    }

    /// The name the person signs in with.
    pub(super) fn upn(&self) -> &str {
        &self.upn
    }

    /// The same at another authority: a tenant's name or id, or `common`.
    #[must_use]
    pub fn at(mut self, plan: &Plan, login: &Url, authority: &str) -> Self {
        let id = plan.tenant(authority).map_or_else(|| authority.to_owned(), |tenant| tenant.id.to_string());
        self.authority = format!("{}/{id}/oauth2/v2.0", login.as_str().trim_end_matches('/'));
        self
    }

    /// The same by another client; with its secret, if it has one.
    pub fn client(mut self, plan: &Plan, name: &str) -> Result<Self, String> {
        let client = plan.registration(name).ok_or_else(|| format!("there is no registration {name}"))?;
        self.client = client.app_id.to_string();
        if let Some(redirect) = client.redirect_uris.first() {
            self.redirect.clone_from(&redirect.uri);
        }
        self.secret = client.secrets.first().filter(|_| !client.public_client).map(|secret| secret.value.clone());
        Ok(self)
    }

    /// The same for other scopes.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        scope.clone_into(&mut self.scope);
        self
    }

    /// The same with claims that a challenge asked for.
    #[must_use]
    pub fn claims(mut self, claims: &str) -> Self {
        self.claims = Some(claims.to_owned());
        self
    }

    /// The token endpoint and the form that renews a sign-in.
    pub fn renewal(&self, refresh: &str) -> (String, Vec<(&'static str, String)>) {
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", self.client.clone()),
            ("refresh_token", refresh.to_owned()),
            ("scope", self.scope.clone()),
        ];
        form.extend(self.secret.iter().map(|secret| ("client_secret", secret.clone())));
        form.extend(self.claims.iter().map(|claims| ("claims", claims.clone())));
        (format!("{}/token", self.authority), form)
    }

    /// The address the browser opens.
    pub fn authorize(&self) -> Result<Url, String> {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier));
        let claims = self.claims.iter().map(|claims| ("claims", claims.as_str()));
        let query = [
            ("client_id", self.client.as_str()),
            ("response_type", "code"),
            ("redirect_uri", self.redirect.as_str()),
            ("scope", &self.scope),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("login_hint", &self.upn),
            ("state", "harness"),
        ];
        let query = query.into_iter().chain(claims);
        Url::parse_with_params(&format!("{}/authorize", self.authority), query).map_err(|error| error.to_string())
    }

    /// The code, from the redirect that ends the sign-in.
    pub fn code(location: &str) -> Result<String, String> {
        let location = Url::parse(location).map_err(|error| format!("the redirect is no address: {error}"))?;
        let field = |name: &str| location.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned());
        field("code").ok_or_else(|| {
            let error = field("error").unwrap_or_else(|| "no code".to_owned());
            format!("{error}: {}", field("error_description").unwrap_or_default())
        })
    }

    /// The token endpoint and the form that redeems the code.
    pub fn redemption(&self, code: &str) -> (String, Vec<(&'static str, String)>) {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", self.client.clone()),
            ("code", code.to_owned()),
            ("redirect_uri", self.redirect.clone()),
            ("code_verifier", self.verifier.clone()),
            ("scope", self.scope.clone()),
        ];
        form.extend(self.secret.iter().map(|secret| ("client_secret", secret.clone())));
        form.extend(self.claims.iter().map(|claims| ("claims", claims.clone())));
        (format!("{}/token", self.authority), form)
    }

    /// The tokens, from the answer.
    pub fn tokens(body: &[u8]) -> Result<Tokens, String> {
        let body: Value =
            serde_json::from_slice(body).map_err(|error| format!("the token answer is no JSON: {error}"))?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let access = text("access_token")
            .ok_or_else(|| text("error_description").unwrap_or_else(|| "no access token".to_owned()))?;
        Ok(Tokens { access, refresh: text("refresh_token") })
    }
}
