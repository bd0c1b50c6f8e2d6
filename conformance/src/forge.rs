//! Tokens that look genuine and are wrong in one thing: a genuine one is taken apart, changed, and signed again with a key of the fixtures.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, KeyPair as _, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::plan::SigningKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Map, Value, json};

/// A token being forged.
#[derive(Debug, Clone)]
pub struct Draft {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    /// Replaces the serialised claims: for what no JSON value can say, a claim given twice.
    payload: Option<String>,
    /// The genuine third part.
    signature: String,
    genuine: String,
    changes: Vec<String>,
}

/// A forged token and what is wrong with it.
#[derive(Clone)]
pub struct Forged {
    /// The compact form.
    pub token: String,
    /// Every change, for people.
    pub changes: Vec<String>,
    /// The token it was made from.
    pub genuine: String,
}

impl std::fmt::Debug for Forged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forged").field("changes", &self.changes).finish_non_exhaustive()
    }
}

/// Signature algorithms that a forger may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// What Entra uses.
    Rs256,
    /// The same key with another hash.
    Rs384,
    /// The same key with another hash.
    Rs512,
    /// The same key with another padding.
    Ps256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
        }
    }

    fn encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Self::Rs256 => &signature::RSA_PKCS1_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_SHA512,
            Self::Ps256 => &signature::RSA_PSS_SHA256,
        }
    }
}

/// Why a token cannot be forged. A failure of ours.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The genuine token is no compact JWS with JSON inside.
    #[error("the genuine token is not a JWT: {0}")]
    NotAToken(&'static str),
    /// The fixture key cannot be read.
    #[error("the key {0} cannot be read")]
    Key(String),
    /// The library refused to sign.
    #[error("signing failed")]
    Signing,
}

impl Draft {
    /// Takes a genuine token apart.
    pub fn of(genuine: &str) -> Result<Self, ForgeError> {
        let mut parts = genuine.split('.');
        let mut part = |what| parts.next().ok_or(ForgeError::NotAToken(what));
        let (header, payload, signature) = (part("no header")?, part("no payload")?, part("no signature")?);
        Ok(Self {
            header: object(header, "header")?,
            claims: object(payload, "payload")?,
            payload: None,
            signature: signature.to_owned(),
            genuine: genuine.to_owned(),
            changes: Vec::new(),
        })
    }

    /// A claim as it stands.
    pub fn get(&self, claim: &str) -> Option<&Value> {
        self.claims.get(claim)
    }

    /// Sets a claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.changes.push(format!("claim {name} = {value}"));
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Takes a claim out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.changes.push(format!("claim {name} removed"));
        self.claims.remove(name);
        self
    }

    /// Sets a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.changes.push(format!("header {name} = {value}"));
        self.header.insert(name.to_owned(), value);
        self
    }

    /// Writes a claim once more, in front of the others, whatever is there already: JSON as bytes, which no JSON value can say.
    #[must_use]
    pub fn repeated(mut self, name: &str, value: &Value) -> Self {
        self.changes.push(format!("claim {name} = {value}, in addition"));
        let rest = Value::Object(self.claims.clone()).to_string();
        let first = Value::from(name).to_string();
        self.payload = Some(format!("{{{first}:{value},{}", rest.trim_start_matches('{')));
        self
    }

    /// Signs with a fixture key under its own key id.
    pub fn sign(mut self, key: &SigningKey, algorithm: Algorithm) -> Result<Forged, ForgeError> {
        if self.header.get("kid").and_then(Value::as_str) != Some(&key.kid) {
            self.changes.push(format!("signed with key {}", key.kid));
        }
        if algorithm != Algorithm::Rs256 {
            self.changes.push(format!("header alg = {}", algorithm.name()));
        }
        self.header.insert("alg".to_owned(), algorithm.name().into());
        self.header.insert("kid".to_owned(), key.kid.as_str().into());
        if self.header.contains_key("x5t") {
            self.header.insert("x5t".to_owned(), key.kid.as_str().into());
        }
        let input = self.input();
        self.signed(&input, key, algorithm)
    }

    /// Signs with a fixture key but names another key.
    pub fn sign_as(mut self, key: &SigningKey, kid: &str) -> Result<Forged, ForgeError> {
        self.changes.push(format!("signed with key {}, header kid says {kid}", key.kid));
        self.header.insert("kid".to_owned(), kid.into());
        let input = self.input();
        self.signed(&input, key, Algorithm::Rs256)
    }

    /// Signs as Entra would, but the header names another algorithm.
    pub fn mislabelled(mut self, key: &SigningKey, spelling: &str) -> Result<Forged, ForgeError> {
        self.changes.push(format!("header alg = {spelling} over an RS256 signature"));
        self.header.insert("alg".to_owned(), spelling.into());
        self.header.insert("kid".to_owned(), key.kid.as_str().into());
        let input = self.input();
        self.signed(&input, key, Algorithm::Rs256)
    }

    fn signed(self, input: &str, key: &SigningKey, algorithm: Algorithm) -> Result<Forged, ForgeError> {
        let unreadable = || ForgeError::Key(key.kid.clone());
        let der = PrivatePkcs8KeyDer::from_pem_slice(key.private_pem.as_bytes()).map_err(|_| unreadable())?;
        let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| unreadable())?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(algorithm.encoding(), &SystemRandom::new(), input.as_bytes(), &mut signature)
            .map_err(|_| ForgeError::Signing)?;
        Ok(self.finish(input, &URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Signs with HMAC under a secret that everybody knows: what the issuer publishes of its key.
    pub fn sign_hs256(mut self, public: &[u8]) -> Forged {
        self.changes.push("header alg = HS256, keyed with the issuer's public key".to_owned());
        self.header.insert("alg".to_owned(), "HS256".into());
        let input = self.input();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public), input.as_bytes());
        self.finish(&input, &URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// Not signed at all: the algorithm says so, in the spelling given.
    pub fn unsigned(mut self, spelling: &str) -> Forged {
        self.changes.push(format!("header alg = {spelling}, no signature"));
        self.header.insert("alg".to_owned(), spelling.into());
        let input = self.input();
        self.finish(&input, "")
    }

    /// Keeps the genuine signature under changed contents.
    pub fn keep_signature(mut self) -> Forged {
        self.changes.push("the genuine token's signature".to_owned());
        let (input, signature) = (self.input(), self.signature.clone());
        self.finish(&input, &signature)
    }

    fn input(&self) -> String {
        let header = Value::Object(self.header.clone()).to_string();
        let payload = self.payload.clone().unwrap_or_else(|| Value::Object(self.claims.clone()).to_string());
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    fn finish(self, input: &str, signature: &str) -> Forged {
        Forged { token: format!("{input}.{signature}"), changes: self.changes, genuine: self.genuine }
    }
}

/// A key's certificate as DER, as `x5c` of the key set holds it.
pub fn certificate(key: &SigningKey) -> Option<Vec<u8>> {
    CertificateDer::from_pem_slice(key.certificate_pem.as_bytes()).ok().map(|der| der.to_vec())
}

/// A key as the key set shows it: JSON text, members in the order of the alphabet.
pub fn public_jwk(key: &SigningKey) -> Option<Vec<u8>> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(key.private_pem.as_bytes()).ok()?;
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()?;
    let public = pair.public_key();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({
        "e": number(public.exponent().big_endian_without_leading_zero()),
        "kid": key.kid,
        "kty": "RSA",
        "n": number(public.modulus().big_endian_without_leading_zero()),
        "use": "sig",
    });
    Some(jwk.to_string().into_bytes())
}

fn object(part: &str, what: &'static str) -> Result<Map<String, Value>, ForgeError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| ForgeError::NotAToken(what))?;
    serde_json::from_slice(&bytes).map_err(|_| ForgeError::NotAToken(what))
}
