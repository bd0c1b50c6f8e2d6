//! What the host asks of the issuer: where to send a browser, and tokens for a code or a refresh token.
//!
//! A public client of the authorization code flow with PKCE
//! (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>). Addresses come from the configuration,
//! never from a document that somebody else wrote.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::super::{EntraSettings, HostConfig};
use super::SignInFailure;
use super::failure::number_in;
use crate::entra::challenge;
use crate::oauth::{self, Grant, NoTokens, Refused};

/// The issuer as the host's public client sees it.
pub(in super::super) struct Issuer {
    login: Url,
    authority_tenant: String,
    client_id: String,
    scope: String,
    redirect_uri: Url,
    server_id: String,
    app_id_uri: String,
    http: reqwest::Client,
    failure: fn(&str, Option<u32>) -> SignInFailure,
}

/// The two applications that an administrator lets in. The server is first: the client asks for a permission of it, and a
/// tenant that does not know it cannot grant that (AADSTS650052).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum App {
    Server,
    Client,
}

/// What goes into an authorization request besides what never changes.
pub(in super::super) struct SignInRequest<'a> {
    pub(in super::super) state: &'a str,
    pub(in super::super) nonce: &'a str,
    pub(in super::super) code_challenge: &'a str,
    pub(in super::super) login_hint: Option<&'a str>,
    pub(in super::super) claims: Option<&'a str>,
}

/// Why the token endpoint gave nothing.
#[derive(Debug, Clone)]
pub(in super::super) enum NoGrant {
    /// It decided so. The person has to act, or their administrator.
    Refused(SignInFailure),
    /// It could not be reached or is busy: asking again later is right.
    Unavailable(String),
    /// It does not accept how this host asks, or answered what is not understood: the operator has to act.
    Misunderstood(String),
}

impl Issuer {
    pub(in super::super) fn new(
        entra: &EntraSettings,
        config: &HostConfig,
        redirect_uri: Url,
        http: reqwest::Client,
        failure: fn(&str, Option<u32>) -> SignInFailure,
    ) -> Self {
        Self {
            server_id: entra.server_id.clone(),
            app_id_uri: entra.app_id_uri.trim_end_matches('/').to_owned(),
            failure,
            login: entra.login.clone(),
            authority_tenant: config.authority_tenant.clone(),
            client_id: config.client_id.clone(),
            scope: format!("{}/{} openid profile offline_access", entra.app_id_uri.trim_end_matches('/'), entra.scope),
            redirect_uri,
            http,
        }
    }

    /// The address to send the person's browser to.
    pub(in super::super) fn authorization_url(&self, request: &SignInRequest<'_>) -> Url {
        let mut more = vec![("response_mode", "query"), ("scope", self.scope.as_str()), ("nonce", request.nonce)];
        more.extend(request.login_hint.map(|hint| ("login_hint", hint)));
        more.extend(request.claims.map(|claims| ("claims", claims)));
        let endpoint = self.endpoint(&self.authority_tenant, "authorize");
        let (redirect_uri, challenge) = (self.redirect_uri.as_str(), request.code_challenge);
        oauth::authorization_url(&endpoint, &self.client_id, redirect_uri, request.state, challenge, &more)
    }

    /// Where an administrator of `tenant` lets one of the two applications in, for everybody
    /// (<https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>).
    pub(in super::super) fn consent_url(&self, tenant: &str, app: App, redirect_uri: &Url, state: &str) -> Url {
        let (client_id, scope) = match app {
            App::Server => (self.server_id.as_str(), "https://graph.microsoft.com/.default".to_owned()),
            App::Client => (self.client_id.as_str(), format!("{}/.default", self.app_id_uri)),
        };
        let mut url = self.login.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([tenant, "v2.0", "adminconsent"]);
        }
        url.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("scope", &scope)
            .append_pair("redirect_uri", redirect_uri.as_str())
            .append_pair("state", state);
        url
    }

    /// What the issuer's refusal in a callback means.
    pub(in super::super) fn failure(&self, error: &str, description: &str) -> SignInFailure {
        (self.failure)(error, number_in(description))
    }

    /// The issuer of version 2 tokens of `tenant`.
    pub(in super::super) fn issuer_of(&self, tenant: &str) -> String {
        format!("{}/{tenant}/v2.0", self.login.as_str().trim_end_matches('/'))
    }

    pub(in super::super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Redeems a code at the authority it was asked from: a code is bound to it.
    pub(in super::super) async fn redeem(
        &self,
        code: &SecretString,
        verifier: &SecretString,
        claims: Option<&str>,
    ) -> Result<Grant, NoGrant> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("code_verifier", verifier.expose_secret()),
        ];
        self.ask(&self.authority_tenant, &form, claims).await
    }

    /// Renews at the account's own tenant, so that a guest's tokens stay those of that tenant.
    pub(in super::super) async fn refresh(
        &self,
        tenant: &str,
        refresh_token: &SecretString,
        claims: Option<&str>,
    ) -> Result<Grant, NoGrant> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
        self.ask(tenant, &form, claims).await
    }

    async fn ask(&self, tenant: &str, form: &[(&str, &str)], claims: Option<&str>) -> Result<Grant, NoGrant> {
        let claims = challenge::with_capability(claims);
        let mut form = Vec::from(form);
        form.extend([("client_id", self.client_id.as_str()), ("scope", &self.scope), ("claims", &claims)]);
        oauth::ask(&self.http, self.endpoint(tenant, "token"), &form).await.map_err(|none| match none {
            NoTokens::Refused(refused) => self.no_grant(&refused),
            NoTokens::Unavailable(why) => NoGrant::Unavailable(why),
            NoTokens::Misunderstood(why) => NoGrant::Misunderstood(why),
        })
    }

    /// Only what is about the person ends their connection. A host that is configured wrong, or an issuer that is busy,
    /// must not throw everybody's tokens away.
    fn no_grant(&self, refused: &Refused) -> NoGrant {
        let number = refused.error_codes.first().copied().or_else(|| number_in(&refused.error_description));
        let failure = (self.failure)(&refused.error, number);
        tracing::info!(error = refused.error.escape_debug().to_string(), aadsts = number, "the issuer gave no token");
        match refused.error.as_str() {
            "invalid_grant" | "interaction_required" | "consent_required" | "login_required" | "access_denied" => {
                NoGrant::Refused(failure)
            }
            "temporarily_unavailable" | "server_error" => NoGrant::Unavailable("the issuer is busy".to_owned()),
            _ if failure == SignInFailure::Other => {
                NoGrant::Misunderstood("the issuer does not accept how this host asks".to_owned())
            }
            _ => NoGrant::Refused(failure),
        }
    }

    fn endpoint(&self, tenant: &str, name: &str) -> Url {
        let mut url = self.login.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([tenant, "oauth2", "v2.0", name]);
        }
        url
    }
}
