//! Client authentication by a signed assertion: a JWT of the client's own, signed with the key of a registered certificate.
//!
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>. Read as leniently as the service reads it: times may
//! be integers, floats or strings, `nbf` may be missing, thumbprints may be padded, and `x5c` is looked at by nobody.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::plan::Registration;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::error::EntraError;
use super::tenant::Authority;
use super::verify::text;
use crate::serve::Origins;
use crate::world::{State, World};

/// `client_assertion_type`.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far the client's clock may be off. What the service allows is not public.
const LEEWAY_SECONDS: i64 = 300;

/// An assertion taken apart; nothing of it is believed yet.
pub(super) struct Assertion<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    /// Header and claims as they were signed.
    signed: &'a str,
    signature: &'a str,
}

impl<'a> Assertion<'a> {
    /// Takes a compact JWS apart.
    pub(super) fn parse(kind: Option<&str>, value: &'a str) -> Result<Self, EntraError> {
        match kind {
            Some(TYPE) => {}
            Some(other) => {
                return Err(EntraError::InvalidParameter {
                    parameter: "client_assertion_type",
                    value: other.to_owned(),
                });
            }
            None => return Err(EntraError::ParameterMissing("client_assertion_type")),
        }
        let (signed, signature) = value.rsplit_once('.').ok_or(EntraError::ClientAssertionMalformed)?;
        let (header, claims) = signed.split_once('.').ok_or(EntraError::ClientAssertionMalformed)?;
        Ok(Self { header: object(header)?, claims: object(claims)?, signed, signature })
    }

    /// Who the assertion says it comes from.
    pub(super) fn issuer(&self) -> Option<&str> {
        text(&self.claims, "iss")
    }

    /// Whether it proves `client` to `authority` now.
    pub(super) fn check(
        &self,
        state: &State,
        world: &World,
        authority: Authority,
        client: &Registration,
    ) -> Result<(), EntraError> {
        self.check_signature(client)?;
        let id = client.app_id.to_string();
        if text(&self.claims, "iss") != text(&self.claims, "sub") {
            return Err(EntraError::ClientAssertionSubject);
        }
        let is_own = |name| text(&self.claims, name).is_some_and(|value| value.eq_ignore_ascii_case(&id));
        if !is_own("iss") || !is_own("sub") {
            return Err(EntraError::ClientAssertionOfOther);
        }
        let fits = |audience: &str| (state.rules.issuer.proof_audience)(&state.origins, world, authority, audience);
        let is_ours = match self.claims.get("aud") {
            Some(Value::String(audience)) => fits(audience),
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).any(fits),
            _ => false,
        };
        if !is_ours {
            return Err(EntraError::ClientAssertionAudience);
        }
        self.check_time(state.clock.now())
    }

    fn check_signature(&self, client: &Registration) -> Result<(), EntraError> {
        let algorithm = match text(&self.header, "alg") {
            Some("PS256") => Algorithm::PS256,
            Some("RS256") => Algorithm::RS256,
            _ => return Err(EntraError::ClientAssertionUnverified("The algorithm is not supported.")),
        };
        let thumbprint = |name| text(&self.header, name).map(|value| value.trim_end_matches('=').to_owned());
        let (sha256, sha1) = (thumbprint("x5t#S256"), thumbprint("x5t"));
        let unknown = || EntraError::AssertionOfUnknownCertificate(client.app_id.to_string());
        if sha256.is_none() && sha1.is_none() {
            return Err(unknown());
        }
        let certificate = client
            .certificates
            .iter()
            .filter_map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).ok())
            .find(|der| {
                let fits = |given: &Option<String>, algorithm| {
                    given.as_ref().is_none_or(|given| *given == URL_SAFE_NO_PAD.encode(digest(algorithm, der)))
                };
                fits(&sha256, &SHA256) && fits(&sha1, &SHA1_FOR_LEGACY_USE_ONLY)
            })
            .ok_or_else(unknown)?;
        let (_, parsed) = X509Certificate::from_der(&certificate).map_err(|_| unknown())?;
        let key = DecodingKey::from_rsa_der(&parsed.public_key().subject_public_key.data);
        match jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), &key, algorithm) {
            Ok(true) => Ok(()),
            _ => Err(EntraError::ClientAssertionUnverified(
                "The key was found, but use of the key to verify the signature failed.",
            )),
        }
    }

    fn check_time(&self, now: Timestamp) -> Result<(), EntraError> {
        let now = now.as_second();
        let not_yet = |name| match self.claims.get(name) {
            Some(value) => seconds(value).is_none_or(|from| from > now.saturating_add(LEEWAY_SECONDS)),
            None => false,
        };
        let is_over =
            self.claims.get("exp").and_then(seconds).is_none_or(|until| until.saturating_add(LEEWAY_SECONDS) <= now);
        if is_over || not_yet("nbf") || not_yet("iat") { Err(EntraError::ClientAssertionExpired) } else { Ok(()) }
    }
}

fn object(part: &str) -> Result<Map<String, Value>, EntraError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| EntraError::ClientAssertionMalformed)?;
    serde_json::from_slice(&bytes).map_err(|_| EntraError::ClientAssertionMalformed)
}

/// Seconds since 1970: MSAL for .NET writes strings, MSAL for Python floats.
fn seconds(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => return number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    number.parse().ok().or_else(|| whole(number.parse().ok()?))
}

/// A float's whole seconds, where an instant can have that many.
#[expect(clippy::cast_possible_truncation, reason = "the range is looked at first")]
fn whole(float: f64) -> Option<i64> {
    (float.abs() < 1e15).then_some(float as i64)
}

/// The token endpoint of the tenant that is asked, in either version, or its issuer.
pub(super) fn is_audience(origins: &Origins, world: &World, authority: Authority, audience: &str) -> bool {
    if let Authority::Tenant(tenant) = authority
        && audience == format!("https://sts.windows.net/{tenant}/")
    {
        return true;
    }
    let rest = ["/oauth2/v2.0/token", "/oauth2/token", "/v2.0"].iter().find_map(|end| audience.strip_suffix(end));
    rest.and_then(|rest| rest.rsplit_once('/')).is_some_and(|(origin, tenant)| {
        origins.is_login(origin) && Authority::parse(world, tenant).is_ok_and(|named| named == authority)
    })
}
