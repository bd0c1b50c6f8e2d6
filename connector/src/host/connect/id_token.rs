//! Who signed in? Said by an id_token that the authority signed, for this client, in answer to this very sign-in
//! (<https://learn.microsoft.com/entra/identity-platform/id-tokens>).

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::super::error::{Fault, HostError, Refusal};
use super::super::issuer::Issuer;
use super::super::vault::Account;

/// Seconds by which two clocks may differ.
const LEEWAY: i64 = 60;

/// A key that the authority signs with.
#[derive(Clone)]
pub struct SigningKey {
    /// The public key.
    pub key: DecodingKey,
    /// The key's `issuer` member: a concrete issuer, or one with `{tenantid}` in it.
    pub issuer: Option<String>,
}

/// The authority's keys could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the authority's keys could not be read: {0}")]
pub struct KeysUnavailable(pub String);

/// Where the authority's keys come from.
pub trait SigningKeys: Send + Sync {
    /// The key called `kid`, if there is one.
    fn find<'a>(&'a self, kid: &'a str) -> BoxFuture<'a, Result<Option<SigningKey>, KeysUnavailable>>;
}

/// What the token has to match.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a Issuer,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
    pub(super) rules: &'static [IdTokenRule],
}

/// Something that must hold of an id_token whose signature is good.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenRule {
    /// For the log.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: fn(&IdTokenFacts<'_>) -> bool,
}

/// What an id_token says, beside what was asked for.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenFacts<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// The issuer of the token's tenant at the configured authority.
    pub expected_issuer: &'a str,
    /// The `issuer` member of the signing key, for this tenant.
    pub key_issuer: Option<&'a str>,
    /// `aud`.
    pub audience: &'a str,
    /// This host's client.
    pub client_id: &'a str,
    /// `ver`.
    pub version: &'a str,
    /// `nonce`.
    pub nonce: &'a str,
    /// The nonce of this very sign-in.
    pub expected_nonce: &'a str,
    /// `exp`, in seconds.
    pub expires: i64,
    /// `nbf`, in seconds.
    pub not_before: i64,
    /// Seconds now.
    pub now: i64,
}

/// What must hold of an id_token.
pub const ID_TOKEN_RULES: &[IdTokenRule] = &[
    IdTokenRule { name: "issuer", holds: |facts| facts.issuer == facts.expected_issuer },
    IdTokenRule { name: "issuer of the key", holds: |facts| facts.key_issuer == Some(facts.expected_issuer) },
    IdTokenRule { name: "audience", holds: |facts| facts.audience == facts.client_id },
    IdTokenRule { name: "version", holds: |facts| facts.version == "2.0" },
    IdTokenRule { name: "nonce", holds: |facts| facts.nonce.as_bytes().ct_eq(facts.expected_nonce.as_bytes()).into() },
    IdTokenRule { name: "expired", holds: |facts| facts.now < facts.expires.saturating_add(LEEWAY) },
    IdTokenRule { name: "not yet valid", holds: |facts| facts.now >= facts.not_before.saturating_sub(LEEWAY) },
];

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    nbf: i64,
    ver: String,
    nonce: String,
    tid: Uuid,
    oid: Uuid,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

/// The account and its tenant, if the token proves them.
pub(super) async fn verify(
    token: &SecretString,
    expected: &Expected<'_>,
    keys: &dyn SigningKeys,
) -> Result<(Account, Uuid), HostError> {
    let token = token.expose_secret();
    let header = jsonwebtoken::decode_header(token).map_err(|_| unproven("header"))?;
    let kid = header.kid.as_deref().ok_or_else(|| unproven("key id"))?;
    let key = keys
        .find(kid)
        .await
        .map_err(|error| Fault::Issuer(error.to_string()))?
        .ok_or_else(|| unproven("unknown key"))?;
    let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &signature_only())
        .map_err(|_| unproven("signature or claims"))?
        .claims;

    let tenant = claims.tid.hyphenated().to_string();
    let issuer = expected.issuer.issuer_of(&tenant);
    let of_key = key.issuer.map(|template| template.replace("{tenantid}", &tenant));
    let facts = IdTokenFacts {
        issuer: &claims.iss,
        expected_issuer: &issuer,
        key_issuer: of_key.as_deref(),
        audience: &claims.aud,
        client_id: expected.issuer.client_id(),
        version: &claims.ver,
        nonce: &claims.nonce,
        expected_nonce: expected.nonce,
        expires: claims.exp,
        not_before: claims.nbf,
        now: expected.now.as_second(),
    };
    if let Some(broken) = expected.rules.iter().find(|rule| !(rule.holds)(&facts)) {
        return Err(unproven(broken.name));
    }
    let account = Account {
        tenant,
        object_id: claims.oid.hyphenated().to_string(),
        username: claims.preferred_username,
        display_name: claims.name,
    };
    Ok((account, claims.tid))
}

/// The library checks the signature; the claims are checked above, where time is a parameter and absent means refused.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

fn unproven(what: &'static str) -> HostError {
    tracing::warn!(what, "an id_token was refused");
    Refusal::Unproven.into()
}
