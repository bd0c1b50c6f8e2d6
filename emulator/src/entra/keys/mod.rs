//! Signing keys: loaded from the plan, published as JWKS, used for every token, rolled over.
//!
//! Keys are no part of the world's fingerprint: they say who speaks, not what is true. A reset brings back the plan's.

mod forge;
mod key;
mod verified;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::ids::TenantId;
use fixtures::plan::{KeyIssuer, SigningKey};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value, json};

pub use forge::ForgedAlgorithm;
pub use key::{Key, KeyError};
use verified::Verified;

use super::tenant::CONSUMERS;

/// The issuer's keys.
pub struct Keys {
    ring: ArcSwap<Ring>,
    /// The plan's: what reset goes back to.
    start: Arc<Ring>,
    /// One writer at a time.
    writing: Mutex<()>,
    signatures: AtomicU64,
}

/// One instant of them.
#[derive(Debug, Default)]
struct Ring {
    /// In the documents; of those with the same issuer the first one signs.
    published: Vec<Arc<Key>>,
    /// Not published yet, in the order in which they will be.
    spare: Vec<Arc<Key>>,
    /// What these keys were seen to have signed.
    verified: Verified,
}

impl Clone for Ring {
    /// The same keys. What was seen of them is not taken over: a copy is made to be changed, and other keys have to see for themselves.
    fn clone(&self) -> Self {
        Self { published: self.published.clone(), spare: self.spare.clone(), verified: Verified::default() }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ring.load().fmt(f)
    }
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

/// A change of the keys that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// No key has this id.
    #[error("no published key has the id {0:?}")]
    Unknown(String),
    /// A key with this id is published already.
    #[error("a key with the id {0:?} is published already")]
    Published(String),
    /// Without it nobody could sign for organizations.
    #[error("{0:?} is the only key that signs for organizations; add another first")]
    Last(String),
    /// The key itself.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Keys {
    /// Loads the keys of a plan.
    pub fn load(published: &[SigningKey], spare: &[SigningKey]) -> Result<Self, KeyError> {
        let load = |rows: &[SigningKey]| -> Result<Vec<_>, KeyError> {
            rows.iter().map(|row| Key::load(row.clone()).map(Arc::new)).collect()
        };
        let ring = Arc::new(Ring { published: load(published)?, spare: load(spare)?, verified: Verified::default() });
        Ok(Self {
            ring: ArcSwap::new(Arc::clone(&ring)),
            start: ring,
            writing: Mutex::new(()),
            signatures: AtomicU64::new(0),
        })
    }

    /// Signs claims for `tenant` with its active key. `None` when no key may sign for it.
    ///
    /// A v1 token's header carries `x5t` beside `kid`; a v2 token's does not.
    pub fn sign(&self, tenant: TenantId, version: Version, claims: &Map<String, Value>) -> Option<String> {
        let ring = self.ring.load();
        let key = ring.active(tenant)?;
        let mut header = json!({ "typ": "JWT", "alg": "RS256", "kid": key.kid() });
        if version == Version::V1 {
            header["x5t"] = json!(key.kid());
        }
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims).ok()?, &mut token);
        let signature = key.sign(token.as_bytes())?;
        self.signatures.fetch_add(1, Ordering::Relaxed);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }

    /// The claims of a token that one of our keys signed for the tenant it names. Says nothing about time or audience.
    ///
    /// A token that these very keys were seen to have signed is not looked at again: only its signature is kept, so time, audience, tenant and
    /// revocation are the caller's to ask each time.
    pub fn verify(&self, token: &str) -> Result<Arc<Map<String, Value>>, Unverified> {
        let ring = self.ring.load();
        if let Some(claims) = ring.verified.get(token) {
            return Ok(claims);
        }
        let claims = Arc::new(ring.verify(token)?);
        ring.verified.put(token, &claims);
        Ok(claims)
    }

    /// The JWK set of one tenant, or of all (`common`, `organizations`, `consumers`). `login` is the login host's origin: the v2
    /// document names an issuer per key.
    ///
    /// A tenant's document leaves out the keys of other organizations; those of personal accounts stand in all of them, as at the
    /// real service: only the issuer beside a key tells what it may sign.
    pub fn document(&self, version: Version, login: &str, of: Option<TenantId>) -> Value {
        let ring = self.ring.load();
        let is_shown = |key: &&Arc<Key>| match (key.issuer(), of) {
            (KeyIssuer::Template, _) | (_, None) => true,
            (KeyIssuer::Tenant(own), Some(of)) => *own == of || own.to_string() == CONSUMERS,
        };
        let keys: Vec<_> = ring.published.iter().filter(is_shown).map(|key| key.public(version, login)).collect();
        json!({ "keys": keys })
    }

    /// How many tokens were signed since the start.
    pub fn signatures(&self) -> u64 {
        self.signatures.load(Ordering::Relaxed)
    }

    /// The published keys; of those with the same issuer the first one signs.
    pub fn published(&self) -> Vec<Arc<Key>> {
        self.ring.load().published.clone()
    }

    /// Keys nobody published yet.
    pub fn spare(&self) -> Vec<Arc<Key>> {
        self.ring.load().spare.clone()
    }

    /// The key that signs for a tenant now.
    pub fn active(&self, tenant: TenantId) -> Option<Arc<Key>> {
        self.ring.load().active(tenant).cloned()
    }

    /// A key by id, published or not.
    pub fn named(&self, kid: &str) -> Option<Arc<Key>> {
        let ring = self.ring.load();
        ring.published.iter().chain(&ring.spare).find(|key| key.kid() == kid).cloned()
    }

    /// Publishes one more key for one tenant or for all: the one brought (PKCS#8 PEM), the next spare one, or a new one. It does not
    /// sign yet, unless the issuer had none.
    pub fn publish(&self, issuer: KeyIssuer, pem: Option<&str>) -> Result<Arc<Key>, RingError> {
        self.change(|ring| {
            let key = match pem {
                Some(pem) => Key::brought(pem, issuer)?,
                None => ring.next(issuer)?,
            };
            if ring.published(key.kid()).is_some() {
                return Err(RingError::Published(key.kid().to_owned()));
            }
            let key = Arc::new(key);
            ring.published.push(Arc::clone(&key));
            Ok(key)
        })
    }

    /// Makes a published key the one that signs for its issuer.
    pub fn activate(&self, kid: &str) -> Result<Arc<Key>, RingError> {
        self.change(|ring| {
            let key = ring.take(kid)?;
            ring.published.insert(0, Arc::clone(&key));
            Ok(key)
        })
    }

    /// A planned roll-over: the next announced key of the issuer signs from now on, the one that did stays published, and another
    /// one is announced. Returns the key that signs now.
    pub fn roll_over(&self, issuer: &KeyIssuer) -> Result<Arc<Key>, RingError> {
        self.change(|ring| {
            let mut same = ring.published.iter().filter(|key| key.issuer() == issuer).map(|key| key.kid().to_owned());
            let (retiring, next) = (same.next(), same.next());
            drop(same);
            let next = match next {
                Some(kid) => ring.take(&kid)?,
                None => Arc::new(ring.next(issuer.clone())?),
            };
            if let Some(retiring) = retiring {
                // To the end: it is the last of those that may still be met.
                let retiring = ring.take(&retiring)?;
                let announced = Arc::new(ring.next(issuer.clone())?);
                ring.published.extend([announced, retiring]);
            }
            ring.published.insert(0, Arc::clone(&next));
            Ok(next)
        })
    }

    /// An emergency: the key is gone from the documents at once, and nothing it signed is good any more.
    pub fn remove(&self, kid: &str) -> Result<(), RingError> {
        self.change(|ring| {
            ring.take(kid)?;
            if ring.published.iter().any(|key| *key.issuer() == KeyIssuer::Template) {
                Ok(())
            } else {
                Err(RingError::Last(kid.to_owned()))
            }
        })
    }

    /// Back to the plan's keys.
    pub(crate) fn reset(&self) {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.ring.store(Arc::clone(&self.start));
    }

    fn change<T>(&self, with: impl FnOnce(&mut Ring) -> Result<T, RingError>) -> Result<T, RingError> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ring = Ring::clone(&self.ring.load());
        let done = with(&mut ring)?;
        self.ring.store(Arc::new(ring));
        Ok(done)
    }
}

impl Ring {
    fn verify(&self, token: &str) -> Result<Map<String, Value>, Unverified> {
        let header = decode_header(token).map_err(|_| Unverified::Malformed)?;
        let kid = header.kid.ok_or(Unverified::UnknownKey)?;
        let key = self.published(&kid).ok_or(Unverified::UnknownKey)?;
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
        match (key.issuer(), tenant) {
            (KeyIssuer::Template, Some(_)) => Ok(claims),
            (KeyIssuer::Tenant(own), Some(tenant)) if *own == tenant => Ok(claims),
            _ => Err(Unverified::ForeignKey),
        }
    }

    /// A key of the tenant's own goes before the shared ones.
    fn active(&self, tenant: TenantId) -> Option<&Arc<Key>> {
        let own = self.published.iter().find(|key| *key.issuer() == KeyIssuer::Tenant(tenant));
        own.or_else(|| self.published.iter().find(|key| *key.issuer() == KeyIssuer::Template))
    }

    fn published(&self, kid: &str) -> Option<&Arc<Key>> {
        self.published.iter().find(|key| key.kid() == kid)
    }

    fn take(&mut self, kid: &str) -> Result<Arc<Key>, RingError> {
        let at = self.published.iter().position(|key| key.kid() == kid);
        at.map(|at| self.published.remove(at)).ok_or_else(|| RingError::Unknown(kid.to_owned()))
    }

    fn next(&mut self, issuer: KeyIssuer) -> Result<Key, KeyError> {
        if self.spare.is_empty() { Key::made(issuer) } else { self.spare.remove(0).for_issuer(issuer) }
    }
}
