//! Signing keys: loaded from the plan, published as JWKS, used for every token.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fixtures::ids::TenantId;
use fixtures::plan::{KeyIssuer, SigningKey};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation, decode, decode_header};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};

/// The issuer's keys, the active one first.
pub struct Keys {
    keys: Vec<Key>,
}

struct Key {
    kid: String,
    /// Parsed once: parsing costs a good part of what a signature does.
    signing: RsaKeyPair,
    verifying: DecodingKey,
    modulus: String,
    exponent: String,
    certificate: String,
    issuer: KeyIssuer,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.kid)).finish()
    }
}

/// A key file that cannot be used, or a tenant that no key may sign for.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The private key is not an RSA key in PEM.
    #[error("signing key {kid}: {source}")]
    Private {
        /// Key id.
        kid: String,
        /// What is wrong.
        source: jsonwebtoken::errors::Error,
    },
    /// The certificate is not PEM.
    #[error("certificate of signing key {kid}: {reason}")]
    Certificate {
        /// Key id.
        kid: String,
        /// What is wrong.
        reason: String,
    },
}

/// Which form of the key document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `/{t}/discovery/keys`: without `issuer`.
    V1,
    /// `/{t}/discovery/v2.0/keys`.
    V2,
}

/// Why a token is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// Not a compact JWS with an RS256 header and JSON claims.
    #[error("malformed")]
    Malformed,
    /// The header names a key we do not have.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("signature")]
    Signature,
    /// The key may not sign for the tenant that the token names.
    #[error("key of another issuer")]
    ForeignKey,
}

impl Keys {
    /// Loads the keys of a plan.
    pub fn load(rows: &[SigningKey]) -> Result<Self, KeyError> {
        rows.iter().map(Key::load).collect::<Result<_, _>>().map(|keys| Self { keys })
    }

    /// Signs claims for `tenant` with its active key. `None` when no key may sign for it.
    ///
    /// A v1 token's header carries `x5t` beside `kid`; a v2 token's does not.
    pub fn sign(&self, tenant: TenantId, version: Version, claims: &Map<String, Value>) -> Option<String> {
        // A key of the tenant's own goes before the shared ones.
        let own = self.keys.iter().find(|key| key.issuer == KeyIssuer::Tenant(tenant));
        let key = own.or_else(|| self.keys.iter().find(|key| key.issuer == KeyIssuer::Template))?;
        let mut header = json!({ "typ": "JWT", "alg": "RS256", "kid": key.kid });
        if version == Version::V1 {
            header["x5t"] = json!(key.kid);
        }
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims).ok()?, &mut token);
        let mut signature = vec![0; key.signing.public_modulus_len()];
        key.signing.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature).ok()?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }

    /// The claims of a token that one of our keys signed for the tenant it names. Says nothing about time or audience.
    pub fn verify(&self, token: &str) -> Result<Map<String, Value>, Unverified> {
        let header = decode_header(token).map_err(|_| Unverified::Malformed)?;
        let kid = header.kid.ok_or(Unverified::UnknownKey)?;
        let key = self.keys.iter().find(|key| key.kid == kid).ok_or(Unverified::UnknownKey)?;
        let mut validation = Validation::new(Algorithm::RS256);
        // Times are compared with the world's clock, audience and issuer with the request: by the callers.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = decode::<Map<String, Value>>(token, &key.verifying, &validation)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => Unverified::Signature,
                _ => Unverified::Malformed,
            })?
            .claims;
        let tenant = claims.get("tid").and_then(Value::as_str).and_then(|tid| tid.parse().ok());
        match (&key.issuer, tenant) {
            (KeyIssuer::Template, Some(_)) => Ok(claims),
            (KeyIssuer::Tenant(own), Some(tenant)) if *own == tenant => Ok(claims),
            _ => Err(Unverified::ForeignKey),
        }
    }

    /// The JWK set. `login` is the login host's origin: the v2 document names an issuer per key.
    pub fn document(&self, version: Version, login: &str) -> Value {
        let keys: Vec<_> = self.keys.iter().map(|key| key.public(version, login)).collect();
        json!({ "keys": keys })
    }
}

impl Key {
    fn load(row: &SigningKey) -> Result<Self, KeyError> {
        let private = |source| KeyError::Private { kid: row.kid.clone(), source };
        let unfit = || private(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat.into());
        let pem = EncodingKey::from_rsa_pem(row.private_pem.as_bytes()).map_err(private)?;
        let jwk = Jwk::from_encoding_key(&pem, Algorithm::RS256).map_err(private)?;
        let AlgorithmParameters::RSA(public) = jwk.algorithm else { return Err(unfit()) };
        let signing = RsaKeyPair::from_der(pem.as_bytes()).map_err(|_| unfit())?;
        let certificate = CertificateDer::from_pem_slice(row.certificate_pem.as_bytes())
            .map_err(|error| KeyError::Certificate { kid: row.kid.clone(), reason: error.to_string() })?;
        Ok(Self {
            kid: row.kid.clone(),
            verifying: DecodingKey::from_rsa_components(&public.n, &public.e).map_err(private)?,
            signing,
            modulus: public.n,
            exponent: public.e,
            certificate: STANDARD.encode(&certificate),
            issuer: row.issuer.clone(),
        })
    }

    fn public(&self, version: Version, login: &str) -> Value {
        let mut key = json!({
            "kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid,
            "n": self.modulus, "e": self.exponent, "x5c": [self.certificate],
        });
        if version == Version::V2 {
            key["cloud_instance_name"] = json!("microsoftonline.com");
            key["issuer"] = match self.issuer {
                KeyIssuer::Template => json!(format!("{login}/{{tenantid}}/v2.0")),
                KeyIssuer::Tenant(tenant) => json!(format!("{login}/{tenant}/v2.0")),
            };
        }
        key
    }
}
