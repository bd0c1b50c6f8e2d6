//! Which keys does the authority sign with? Asked of the configured authority alone, kept for a while, and asked again for a
//! `kid` that is not known, but not by everybody who makes one up
//! (<https://learn.microsoft.com/entra/identity-platform/signing-key-rollover>).

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use crate::clock::Clock;
use crate::host;
use crate::policy::token::SigningKey;
use crate::transport::{Outgoing, Transport};

/// Keys are asked for anew after this long, so that one that was withdrawn stops counting.
const FRESH: SignedDuration = SignedDuration::from_hours(1);

/// While the authority does not answer, the known keys serve this long.
const STALE: SignedDuration = SignedDuration::from_hours(24);

/// At least this long between two requests for a `kid` that nobody knows.
const UNKNOWN_KID_PAUSE: SignedDuration = SignedDuration::from_mins(5);

const LIMIT: usize = 1024 * 1024;

/// The keys could not be asked for.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the authority's keys could not be read: {0}")]
pub struct KeysUnavailable(pub &'static str);

/// Where keys come from.
pub trait KeySource: Send + Sync {
    /// The key called `kid`, if the authority has one.
    fn find<'a>(&'a self, kid: &'a str) -> BoxFuture<'a, Result<Option<SigningKey>, KeysUnavailable>>;
}

/// The keys of one authority, over the network.
pub(crate) struct AuthorityKeys {
    login: Url,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    known: ArcSwapOption<Known>,
    asking: Mutex<()>,
}

struct Known {
    keys: BTreeMap<String, SigningKey>,
    asked: Timestamp,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: Url,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    issuer: Option<String>,
}

impl AuthorityKeys {
    pub(crate) fn new(login: Url, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { login, transport, clock, known: ArcSwapOption::empty(), asking: Mutex::new(()) }
    }

    async fn lookup(&self, kid: &str) -> Result<Option<SigningKey>, KeysUnavailable> {
        let now = self.clock.now();
        if let Some(known) = self.known.load_full()
            && !known.must_be_asked(kid, now)
        {
            return Ok(known.keys.get(kid).cloned());
        }
        let _one_at_a_time = self.asking.lock().await;
        let known = self.known.load_full();
        if let Some(known) = &known
            && !known.must_be_asked(kid, now)
        {
            return Ok(known.keys.get(kid).cloned());
        }
        match self.ask().await {
            Ok(keys) => {
                let found = keys.get(kid).cloned();
                self.known.store(Some(Arc::new(Known { keys, asked: now })));
                Ok(found)
            }
            Err(error) => match known {
                Some(known) if now.duration_since(known.asked) < STALE => Ok(known.keys.get(kid).cloned()),
                _ => Err(error),
            },
        }
    }

    /// Discovery of the configured authority, then its keys. An answer that points to another origin, or speaks for another
    /// issuer, is not believed.
    async fn ask(&self) -> Result<BTreeMap<String, SigningKey>, KeysUnavailable> {
        let base = self.login.as_str().trim_end_matches('/');
        let discovery: Discovery = self.get(&format!("{base}/common/v2.0/.well-known/openid-configuration")).await?;
        if discovery.issuer != format!("{base}/{{tenantid}}/v2.0") || discovery.jwks_uri.origin() != self.login.origin()
        {
            return Err(KeysUnavailable("discovery speaks for another authority"));
        }
        let set: KeySet = self.get(discovery.jwks_uri.as_str()).await?;
        Ok(set.keys.into_iter().filter_map(Jwk::signing_key).collect())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, KeysUnavailable> {
        let url = Url::parse(url).map_err(|_| KeysUnavailable("the address is none"))?;
        let request =
            Outgoing { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new(), limit: LIMIT };
        let answer = self.transport.send(request).await.map_err(|_| KeysUnavailable("no answer"))?;
        if !answer.status.is_success() {
            return Err(KeysUnavailable("the answer is an error"));
        }
        serde_json::from_slice(&answer.body).map_err(|_| KeysUnavailable("the answer is not what it should be"))
    }
}

impl Known {
    fn must_be_asked(&self, kid: &str, now: Timestamp) -> bool {
        let age = now.duration_since(self.asked);
        age >= FRESH || (!self.keys.contains_key(kid) && age >= UNKNOWN_KID_PAUSE)
    }
}

impl Jwk {
    fn signing_key(self) -> Option<(String, SigningKey)> {
        if self.kty != "RSA" || self.r#use.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let key = DecodingKey::from_rsa_components(&self.n?, &self.e?).ok()?;
        Some((self.kid?, SigningKey { key, issuer: self.issuer }))
    }
}

impl KeySource for AuthorityKeys {
    fn find<'a>(&'a self, kid: &'a str) -> BoxFuture<'a, Result<Option<SigningKey>, KeysUnavailable>> {
        Box::pin(self.lookup(kid))
    }
}

/// The same keys, for the host's check of id tokens.
pub(crate) struct ForHost(pub(crate) Arc<dyn KeySource>);

impl host::SigningKeys for ForHost {
    fn find<'a>(&'a self, kid: &'a str) -> BoxFuture<'a, Result<Option<host::SigningKey>, host::KeysUnavailable>> {
        Box::pin(async move {
            let found = self.0.find(kid).await.map_err(|error| host::KeysUnavailable(error.to_string()))?;
            Ok(found.map(|SigningKey { key, issuer }| host::SigningKey { key, issuer }))
        })
    }
}
