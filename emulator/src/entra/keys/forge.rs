//! Tokens that no service would issue, for tests of those who must refuse them: any header, any bytes, any key, any algorithm.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Key;

/// How a forged token is signed. The header says the same unless it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub enum ForgedAlgorithm {
    /// As the service does.
    #[default]
    RS256,
    /// The same padding, SHA-384.
    RS384,
    /// The same padding, SHA-512.
    RS512,
    /// PSS, SHA-256.
    PS256,
    /// PSS, SHA-384.
    PS384,
    /// PSS, SHA-512.
    PS512,
    /// HMAC under a secret that everybody knows: the key's certificate, PEM.
    HS256,
    /// Not signed.
    #[serde(rename = "none")]
    None,
}

impl ForgedAlgorithm {
    /// As a header spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::HS256 => "HS256",
            Self::None => "none",
        }
    }

    fn encoding(self) -> Option<&'static dyn RsaEncoding> {
        match self {
            Self::RS256 => Some(&signature::RSA_PKCS1_SHA256),
            Self::RS384 => Some(&signature::RSA_PKCS1_SHA384),
            Self::RS512 => Some(&signature::RSA_PKCS1_SHA512),
            Self::PS256 => Some(&signature::RSA_PSS_SHA256),
            Self::PS384 => Some(&signature::RSA_PSS_SHA384),
            Self::PS512 => Some(&signature::RSA_PSS_SHA512),
            Self::HS256 | Self::None => None,
        }
    }
}

impl Key {
    /// A compact JWS over these bytes, whatever they are. `None` when the library refuses.
    pub fn forge(&self, header: &Map<String, Value>, payload: &[u8], algorithm: ForgedAlgorithm) -> Option<String> {
        let header = serde_json::to_vec(header).ok()?;
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = match (algorithm.encoding(), algorithm) {
            (Some(encoding), _) => self.sign_with(encoding, input.as_bytes())?,
            (None, ForgedAlgorithm::HS256) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.row().certificate_pem.as_bytes());
                hmac::sign(&key, input.as_bytes()).as_ref().to_vec()
            }
            (None, _) => Vec::new(),
        };
        Some(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
