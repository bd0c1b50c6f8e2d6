//! One signing key: read from a plan, made, published, used.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fixtures::plan::{KeyIssuer, SigningKey};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use super::Version;

/// A key of the issuer, or of somebody who would like to be it.
pub struct Key {
    /// The row it came from, or would be saved as.
    row: SigningKey,
    /// Parsed once: parsing costs a good part of what a signature does.
    signing: RsaKeyPair,
    pub(super) verifying: DecodingKey,
    modulus: String,
    exponent: String,
    certificate: String,
}

impl fmt::Debug for Key {
    /// Names it: the rest is private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.row.kid).finish()
    }
}

/// A key file that cannot be used, or a key that cannot be made.
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
    /// The library could not make one.
    #[error("no key could be made: {0}")]
    Make(String),
}

impl Key {
    pub(super) fn load(row: SigningKey) -> Result<Self, KeyError> {
        let private = |source| KeyError::Private { kid: row.kid.clone(), source };
        let unfit = || private(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat.into());
        let pem = EncodingKey::from_rsa_pem(row.private_pem.as_bytes()).map_err(private)?;
        let jwk = Jwk::from_encoding_key(&pem, Algorithm::RS256).map_err(private)?;
        let AlgorithmParameters::RSA(public) = jwk.algorithm else { return Err(unfit()) };
        let signing = RsaKeyPair::from_der(pem.as_bytes()).map_err(|_| unfit())?;
        let certificate = CertificateDer::from_pem_slice(row.certificate_pem.as_bytes())
            .map_err(|error| KeyError::Certificate { kid: row.kid.clone(), reason: error.to_string() })?;
        Ok(Self {
            verifying: DecodingKey::from_rsa_components(&public.n, &public.e).map_err(private)?,
            signing,
            modulus: public.n,
            exponent: public.e,
            certificate: STANDARD.encode(&certificate),
            row,
        })
    }

    /// A new key. Another one each time: the plan's spare keys are there for runs that repeat.
    pub(super) fn made(issuer: KeyIssuer) -> Result<Self, KeyError> {
        let make = |error: &dyn fmt::Display| KeyError::Make(error.to_string());
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|error| make(&error))?;
        let der = pair.as_der().map_err(|error| make(&error))?;
        Self::of_pkcs8(&PrivatePkcs8KeyDer::from(der.as_ref()), issuer)
    }

    /// A key that somebody brings: PKCS#8 PEM, RSA with at least 2048 bits.
    pub(super) fn brought(pem: &str, issuer: KeyIssuer) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| KeyError::Make(format!("not a PKCS#8 private key in PEM: {error}")))?;
        Self::of_pkcs8(&der, issuer)
    }

    /// A certificate of its own, as the fixture keys have one; its thumbprint is the key's id.
    fn of_pkcs8(der: &PrivatePkcs8KeyDer<'_>, issuer: KeyIssuer) -> Result<Self, KeyError> {
        let make = |error: rcgen::Error| KeyError::Make(error.to_string());
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(der, &PKCS_RSA_SHA256).map_err(make)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(make)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "accounts.accesscontrol.test");
        let certificate = params.self_signed(&pair).map_err(make)?;
        Self::load(SigningKey {
            kid: URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.der())),
            private_pem: Cow::Owned(pair.serialize_pem()),
            certificate_pem: Cow::Owned(certificate.pem()),
            issuer,
        })
    }

    /// The same key, bound to a tenant or to none.
    pub(super) fn for_issuer(&self, issuer: KeyIssuer) -> Result<Self, KeyError> {
        Self::load(SigningKey { issuer, ..self.row.clone() })
    }

    /// `kid` and `x5t`.
    pub fn kid(&self) -> &str {
        &self.row.kid
    }

    /// Which tenants' tokens it may sign.
    pub fn issuer(&self) -> &KeyIssuer {
        &self.row.issuer
    }

    /// As a row of a plan, private key included.
    pub fn row(&self) -> &SigningKey {
        &self.row
    }

    /// Signs as the service does.
    pub(super) fn sign(&self, input: &[u8]) -> Option<Vec<u8>> {
        self.sign_with(&RSA_PKCS1_SHA256, input)
    }

    pub(super) fn sign_with(&self, encoding: &'static dyn RsaEncoding, input: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.signing.public_modulus_len()];
        self.signing.sign(encoding, &SystemRandom::new(), input, &mut signature).ok()?;
        Some(signature)
    }

    pub(super) fn public(&self, version: Version, login: &str) -> Value {
        let kid = self.kid();
        let mut key = json!({
            "kty": "RSA", "use": "sig", "kid": kid, "x5t": kid,
            "n": self.modulus, "e": self.exponent, "x5c": [self.certificate],
        });
        if version == Version::V2 {
            key["cloud_instance_name"] = json!("microsoftonline.com");
            key["issuer"] = match self.row.issuer {
                KeyIssuer::Template => json!(format!("{login}/{{tenantid}}/v2.0")),
                KeyIssuer::Tenant(tenant) => json!(format!("{login}/{tenant}/v2.0")),
            };
        }
        key
    }
}
