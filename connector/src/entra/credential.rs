//! How does this server prove to the issuer who it is? With a secret, or with a signature by the key of a certificate that is
//! registered there (<https://learn.microsoft.com/entra/identity-platform/certificate-credentials>).

use std::fmt::Write as _;

use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

/// Seconds that a signed assertion is good for. It is used at once.
const LIFETIME: i64 = 300;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What proves it.
pub(crate) enum Credential {
    /// A secret of the registration.
    Secret(SecretString),
    /// A certificate of the registration.
    Certificate(Box<Certificate>),
}

/// A certificate and its key.
pub(crate) struct Certificate {
    key: EncodingKey,
    key_pem: SecretString,
    /// SHA-256 of the certificate.
    thumbprint: [u8; 32],
}

/// Why certificate and key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadCertificate {
    #[error("no certificate in the PEM")]
    NoCertificate,
    #[error("no RSA private key in the PEM; Entra takes RSA keys alone")]
    NoKey,
}

/// The issuer cannot be told who we are.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connector's credential cannot be used")]
pub(crate) struct Unprovable;

impl Credential {
    /// Reads certificate and key, both PEM.
    pub(crate) fn of_pem(certificate: &str, key: &SecretString) -> Result<Self, BadCertificate> {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| BadCertificate::NoCertificate)?;
        let encoding = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes()).map_err(|_| BadCertificate::NoKey)?;
        // A key that is PEM and none shows when it signs.
        crypto::sign(b"", &encoding, Algorithm::PS256).map_err(|_| BadCertificate::NoKey)?;
        Ok(Self::Certificate(Box::new(Certificate {
            key: encoding,
            key_pem: key.clone(),
            thumbprint: Sha256::digest(&der).into(),
        })))
    }

    /// The form fields that prove `client_id` to the token endpoint `at`.
    pub(crate) fn fields(
        &self,
        client_id: &str,
        at: &Url,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, SecretString)>, Unprovable> {
        match self {
            Self::Secret(secret) => Ok(vec![("client_secret", secret.clone())]),
            Self::Certificate(certificate) => Ok(vec![
                ("client_assertion_type", ASSERTION_TYPE.into()),
                ("client_assertion", certificate.assertion(client_id, at, now)?.into()),
            ]),
        }
    }

    /// A key for other purposes than signing in, derived from the credential, so that replicas and restarts share it.
    pub(crate) fn derived(&self, purpose: &str) -> hmac::Key {
        let master = match self {
            Self::Secret(secret) => secret,
            Self::Certificate(certificate) => &certificate.key_pem,
        };
        let master = hmac::Key::new(hmac::HMAC_SHA256, master.expose_secret().as_bytes());
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, purpose.as_bytes()).as_ref())
    }
}

impl Certificate {
    /// The certificate's SHA-256, in hex.
    pub(crate) fn sha256(&self) -> String {
        self.thumbprint.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    fn assertion(&self, client_id: &str, at: &Url, now: Timestamp) -> Result<String, Unprovable> {
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_| Unprovable)?;
        let now = now.as_second();
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(self.thumbprint) });
        let claims = json!({
            "aud": at.as_str(), "iss": client_id, "sub": client_id, "jti": uuid::Builder::from_random_bytes(id).into_uuid(),
            "iat": now, "nbf": now, "exp": now.saturating_add(LIFETIME),
        });
        let part = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = crypto::sign(signed.as_bytes(), &self.key, Algorithm::PS256).map_err(|_| Unprovable)?;
        Ok(format!("{signed}.{signature}"))
    }
}
