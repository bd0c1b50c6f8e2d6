//! Who signed in? Said by an id_token that the authority signed, for this client, in answer to this very sign-in
//! (<https://learn.microsoft.com/entra/identity-platform/id-tokens>).

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use uuid::{Uuid, uuid};

use super::super::error::{Fault, HostError, Refusal};
use super::super::issuer::Issuer;
use super::super::vault::Account;

/// The tenant of all personal Microsoft accounts.
pub(super) const PERSONAL_ACCOUNTS: Uuid = uuid!("9188040d-6c67-4c5b-b112-36a304b66dad");

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
}

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
    let now = expected.now.as_second();
    for (holds, what) in [
        (claims.iss == issuer, "issuer"),
        (of_key.as_deref() == Some(issuer.as_str()), "issuer of the key"),
        (claims.aud == expected.issuer.client_id(), "audience"),
        (claims.ver == "2.0", "version"),
        (claims.nonce.as_bytes().ct_eq(expected.nonce.as_bytes()).into(), "nonce"),
        (now < claims.exp.saturating_add(LEEWAY), "expired"),
        (now >= claims.nbf.saturating_sub(LEEWAY), "not yet valid"),
    ] {
        if !holds {
            return Err(unproven(what));
        }
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
