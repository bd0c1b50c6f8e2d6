//! What stands in a token: claims of access and id tokens, v1 and v2, and how long they live.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::ids::{AppId, PolicyId, ServicePrincipalId, TenantId, UserId};
use fixtures::plan::{PersonKind, Registration};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::error::EntraError;
use super::keys::Version;
use super::scope::GRAPH;
use super::verify::{BACKDATED_SECONDS, write_note};
use crate::directory::{Circumstances, OIDC_SCOPES, SignedIn, User};
use crate::world::{State, TenantWorld};

/// Who a token is about, and who asked for it.
pub(crate) struct Subject<'a> {
    pub(crate) state: &'a State,
    pub(crate) tenant: &'a TenantWorld,
    pub(crate) user: &'a User,
    pub(crate) client: &'a Registration,
    pub(crate) signed_in: SignedIn,
    /// How the client proved itself.
    pub(crate) client_proof: ClientProof,
    /// Where the request came from, and the authentication contexts that are satisfied.
    pub(crate) circumstances: &'a Circumstances,
    pub(crate) now: Timestamp,
    /// The origin the request came in at: the issuer.
    pub(crate) origin: &'a str,
}

/// How a client proved itself: `appidacr` / `azpacr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientProof {
    /// It cannot: a public client.
    None,
    /// A secret.
    Secret,
    /// An assertion signed with the key of its certificate.
    Certificate,
}

impl ClientProof {
    /// For people.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::None => "public client",
            Self::Secret => "proved by a secret",
            Self::Certificate => "proved by a certificate",
        }
    }

    const fn digit(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Secret => "1",
            Self::Certificate => "2",
        }
    }
}

/// What an authorization answer carries beside an id token, which names it by a hash.
#[derive(Debug, Default)]
pub(crate) struct FrontChannel {
    pub(crate) code: Option<String>,
    pub(crate) access_token: Option<String>,
}

/// A signed token and how long it lives from now.
pub(crate) struct Minted {
    pub(crate) token: String,
    pub(crate) lifetime_seconds: i64,
}

impl Subject<'_> {
    /// An access token for `resource`, in the version that its manifest asks for.
    pub(crate) fn access_token(
        &self,
        resource: &Registration,
        scopes: &BTreeSet<String>,
        claims_capable: bool,
    ) -> Result<Minted, EntraError> {
        let is_graph = resource.app_id.to_string() == GRAPH;
        // A resource supports continuous access evaluation or not; of ours Graph alone does.
        let is_evaluated = claims_capable && is_graph;
        let draw = self.state.seed.draw("access-token-lifetime");
        let dice = i64::from(u32::from_be_bytes([draw[0], draw[1], draw[2], draw[3]]));
        // 60 to 90 minutes; 20 to 28 hours where access is evaluated all the time.
        let lifetime_seconds = match self.tenant.directory.access_token_lifetime(resource.app_id) {
            // Where access is evaluated, lifetime policies are not asked.
            _ if is_evaluated => 72_000 + dice % 28_801,
            Some(lifetime) => lifetime.as_secs(),
            None => 3_600 + dice % 1_801,
        };
        let version = if resource.access_token_version == 2 { Version::V2 } else { Version::V1 };
        let mut claims = self.common(resource, version, lifetime_seconds);
        let scp: Vec<_> = scopes.iter().map(String::as_str).filter(|scope| *scope != "offline_access").collect();
        claims.insert("scp".to_owned(), json!(scp.join(" ")));
        match version {
            Version::V2 => {
                claims.insert("aud".to_owned(), json!(resource.app_id));
                claims.insert("azp".to_owned(), json!(self.client.app_id));
                claims.insert("azpacr".to_owned(), json!(self.client_proof.digit()));
                claims.insert("preferred_username".to_owned(), json!(self.login_name()));
            }
            Version::V1 => self.v1_members(&mut claims, resource, is_graph),
        }
        if !self.circumstances.contexts.is_empty() {
            claims.insert("acrs".to_owned(), json!(self.circumstances.contexts));
        }
        if is_evaluated {
            claims.insert("xms_cc".to_owned(), json!(["CP1"]));
            claims.insert("xms_ssm".to_owned(), json!("1"));
        }
        self.sign(version, &claims, lifetime_seconds)
    }

    fn v1_members(&self, claims: &mut Map<String, Value>, resource: &Registration, is_graph: bool) {
        let audience = resource.identifier_uris.first().cloned().unwrap_or_else(|| resource.app_id.to_string());
        claims.insert("aud".to_owned(), json!(audience));
        claims.insert("acr".to_owned(), json!("1"));
        claims.insert("appid".to_owned(), json!(self.client.app_id));
        claims.insert("appidacr".to_owned(), json!(self.client_proof.digit()));
        self.person(claims);
        if is_graph {
            let acct = u8::from(self.user.kind == PersonKind::Guest);
            claims.insert("acct".to_owned(), json!(acct));
            claims.insert("app_displayname".to_owned(), json!(self.client.display_name));
            claims.insert("idtyp".to_owned(), json!("user"));
            claims.insert("platf".to_owned(), json!("14"));
            claims.insert("puid".to_owned(), json!(self.puid()));
            claims.insert("tenant_region_scope".to_owned(), json!("EU"));
            // Who this is to the client: userinfo answers with it.
            claims.insert("xms_st".to_owned(), json!({ "sub": self.pairwise(self.client) }));
        }
    }

    /// `amr`: how the user proved who they are.
    fn methods(&self) -> Vec<&'static str> {
        let password = self.signed_in.with_password.then_some("pwd");
        password.into_iter().chain(self.signed_in.second_factor_at.map(|_| "mfa")).collect()
    }

    /// An id token for the client, in the version of the endpoint that was asked. `front` is what travels beside it.
    pub(crate) fn id_token(
        &self,
        version: Version,
        asked: &BTreeSet<String>,
        nonce: Option<&str>,
        front: &FrontChannel,
    ) -> Result<String, EntraError> {
        let mut claims = self.common(self.client, version, 3_600);
        claims.insert("aud".to_owned(), json!(self.client.app_id));
        match version {
            Version::V1 => self.person(&mut claims),
            Version::V2 if asked.contains("profile") => {
                claims.insert("preferred_username".to_owned(), json!(self.login_name()));
            }
            Version::V2 => {
                for name in ["name", "oid"] {
                    claims.remove(name);
                }
            }
        }
        if asked.contains("email")
            && let Some(mail) = &self.user.mail
        {
            claims.insert("email".to_owned(), json!(mail));
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        for (name, value) in [("c_hash", &front.code), ("at_hash", &front.access_token)] {
            if let Some(value) = value {
                let hash = Sha256::digest(value.as_bytes());
                claims.insert(name.to_owned(), json!(URL_SAFE_NO_PAD.encode(hash.get(..16).unwrap_or_default())));
            }
        }
        self.sign(version, &claims, 3_600).map(|minted| minted.token)
    }

    /// What v1 tokens say about the person and the sign-in.
    fn person(&self, claims: &mut Map<String, Value>) {
        claims.insert("amr".to_owned(), json!(self.methods()));
        claims
            .insert("ipaddr".to_owned(), json!(self.circumstances.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))));
        claims.insert("unique_name".to_owned(), json!(self.login_name()));
        if self.user.kind != PersonKind::Guest {
            claims.insert("upn".to_owned(), json!(self.user.upn));
        }
        for (name, value) in [("given_name", &self.user.given_name), ("family_name", &self.user.surname)] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), json!(value));
            }
        }
    }

    /// `client_info`: who the account is at home.
    pub(crate) fn client_info(&self) -> String {
        let (tenant, user) = self.user.home.unwrap_or((self.tenant.id, self.user.id));
        URL_SAFE_NO_PAD.encode(json!({ "uid": user, "utid": tenant }).to_string())
    }

    fn common(&self, audience: &Registration, version: Version, lifetime_seconds: i64) -> Map<String, Value> {
        let tenant = self.tenant.id;
        let issuer = match version {
            Version::V1 => format!("https://sts.windows.net/{tenant}/"),
            Version::V2 => format!("{}/{tenant}/v2.0", self.origin),
        };
        let now = self.now.as_second();
        let uti = self.state.seed.draw("uti");
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(issuer));
        claims.insert("iat".to_owned(), json!(now - BACKDATED_SECONDS));
        claims.insert("nbf".to_owned(), json!(now - BACKDATED_SECONDS));
        claims.insert("exp".to_owned(), json!(now + lifetime_seconds));
        claims.insert("aio".to_owned(), json!(write_note(self.signed_in, uti.get(16..).unwrap_or_default())));
        claims.insert("name".to_owned(), json!(self.user.display_name));
        claims.insert("oid".to_owned(), json!(self.user.id));
        claims.insert("rh".to_owned(), json!(format!("1.{}.", digest("rh", &[&tenant.to_string()], 24))));
        claims.insert("sub".to_owned(), json!(self.pairwise(audience)));
        claims.insert("tid".to_owned(), json!(tenant));
        claims.insert("uti".to_owned(), json!(URL_SAFE_NO_PAD.encode(uti.get(..16).unwrap_or_default())));
        claims.insert("ver".to_owned(), json!(if version == Version::V1 { "1.0" } else { "2.0" }));
        if let Some((home, _)) = self.user.home {
            claims.insert("idp".to_owned(), json!(format!("https://sts.windows.net/{home}/")));
            if let Some(mail) = &self.user.mail {
                claims.insert("email".to_owned(), json!(mail));
            }
        }
        claims
    }

    /// `sub`: another one for each application the user meets.
    fn pairwise(&self, audience: &Registration) -> String {
        pairwise(self.tenant.id, self.user.id, audience.app_id)
    }

    fn puid(&self) -> String {
        let hash = Sha256::digest(format!("puid:{}:{}", self.tenant.id, self.user.id));
        let tail = hash.first_chunk().map_or(0, |four| u32::from_be_bytes(*four));
        format!("10032000{tail:08X}")
    }

    /// The name a person signs in with; a guest's is the address at home.
    fn login_name(&self) -> &str {
        match (self.user.kind, &self.user.mail) {
            (PersonKind::Guest, Some(mail)) => mail,
            _ => &self.user.upn,
        }
    }

    fn sign(&self, version: Version, claims: &Map<String, Value>, lifetime_seconds: i64) -> Result<Minted, EntraError> {
        let token = self
            .state
            .keys
            .sign(self.tenant.id, version, claims)
            .ok_or_else(|| EntraError::TenantNotFound(self.tenant.id.to_string()))?;
        Ok(Minted { token, lifetime_seconds })
    }
}

/// An application that acts as itself.
pub(crate) struct Application<'a> {
    pub(crate) state: &'a State,
    pub(crate) tenant: TenantId,
    pub(crate) client: &'a Registration,
    /// The application's object in the tenant: the token's subject.
    pub(crate) service_principal: ServicePrincipalId,
    pub(crate) client_proof: ClientProof,
    pub(crate) now: Timestamp,
    pub(crate) origin: &'a str,
}

impl Application<'_> {
    /// An access token without `scp`; without `roles` too, as this world has none.
    pub(crate) fn access_token(&self, resource: &Registration) -> Result<Minted, EntraError> {
        const LIFETIME_SECONDS: i64 = 3_600;
        let tenant = self.tenant;
        let now = self.now.as_second();
        let uti = self.state.seed.draw("uti");
        let proof = self.client_proof.digit();
        let claims = json!({
            "iat": now - BACKDATED_SECONDS,
            "nbf": now - BACKDATED_SECONDS,
            "exp": now + LIFETIME_SECONDS,
            "idtyp": "app",
            "oid": self.service_principal,
            "rh": format!("1.{}.", digest("rh", &[&tenant.to_string()], 24)),
            "sub": self.service_principal,
            "tid": tenant,
            "uti": URL_SAFE_NO_PAD.encode(uti.get(..16).unwrap_or_default()),
        });
        let (version, members) = if resource.access_token_version == 2 {
            let members = json!({
                "iss": format!("{}/{tenant}/v2.0", self.origin),
                "aud": resource.app_id, "azp": self.client.app_id, "azpacr": proof, "ver": "2.0",
            });
            (Version::V2, members)
        } else {
            let issuer = format!("https://sts.windows.net/{tenant}/");
            let audience = resource.identifier_uris.first().cloned().unwrap_or_else(|| resource.app_id.to_string());
            let members = json!({
                "iss": issuer, "idp": issuer, "aud": audience, "appid": self.client.app_id, "appidacr": proof,
                "app_displayname": self.client.display_name, "ver": "1.0",
            });
            (Version::V1, members)
        };
        let mut all = Map::new();
        for part in [claims, members] {
            if let Value::Object(part) = part {
                all.extend(part);
            }
        }
        let token = self
            .state
            .keys
            .sign(tenant, version, &all)
            .ok_or_else(|| EntraError::TenantNotFound(tenant.to_string()))?;
        Ok(Minted { token, lifetime_seconds: LIFETIME_SECONDS })
    }
}

/// The scopes a token carries: what was permitted, and for Graph the sign-in scopes beside it.
pub(crate) fn carried(
    resource: &Registration,
    permitted: BTreeSet<String>,
    oidc: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut scopes = permitted;
    if resource.app_id.to_string() == GRAPH {
        scopes.extend(oidc.iter().cloned());
    } else {
        scopes.retain(|scope| !OIDC_SCOPES.contains(&scope.as_str()));
    }
    scopes
}

/// `sub`: another one for each application the user meets.
pub(crate) fn pairwise(tenant: TenantId, user: UserId, app: AppId) -> String {
    let parts = [tenant.to_string(), user.to_string(), app.to_string()];
    digest("sub", &parts.each_ref().map(String::as_str), 43)
}

fn digest(label: &str, parts: &[&str], characters: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(label);
    for part in parts {
        hash.update([0]);
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize()).chars().take(characters).collect()
}

/// The authentication contexts that a `claims` parameter asks for (`acrs`).
pub(crate) fn contexts_asked(parameter: &str) -> BTreeSet<String> {
    let claims: Value = serde_json::from_str(parameter).unwrap_or_default();
    let asked = &claims["access_token"]["acrs"];
    let values = asked["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().chain([&asked["value"]]).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The conditional access policies that a `claims` parameter names, as challenges of the token endpoint do (`capolids`):
/// <https://learn.microsoft.com/entra/identity-platform/v2-conditional-access-dev-guide>.
pub(crate) fn policies_asked(parameter: &str) -> BTreeSet<PolicyId> {
    let claims: Value = serde_json::from_str(parameter).unwrap_or_default();
    let values = claims["access_token"]["capolids"]["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().filter_map(Value::as_str).filter_map(|id| id.parse().ok()).collect()
}

/// Whether a `claims` parameter declares the client capability `cp1`. `None` when it is not the JSON it should be.
pub(crate) fn declares_cp1(parameter: &str) -> Option<bool> {
    let claims: Value = serde_json::from_str(parameter).ok()?;
    let values = &claims["access_token"]["xms_cc"]["values"];
    let declared = values
        .as_array()
        .is_some_and(|values| values.iter().filter_map(Value::as_str).any(|value| value.eq_ignore_ascii_case("cp1")));
    claims.is_object().then_some(declared)
}
