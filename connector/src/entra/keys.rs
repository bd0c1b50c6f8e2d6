//! Which keys does the authority sign with? Asked of the configured authority alone, kept for a while, and asked again for a
//! `kid` that is not known, but not by everybody who makes one up
//! (<https://learn.microsoft.com/entra/identity-platform/signing-key-rollover>).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

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

/// Keys are asked for anew after this long: for so long one that was withdrawn goes on counting, at most.
const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// While the authority does not answer, the known keys serve this long.
const STALE: SignedDuration = SignedDuration::from_hours(24);

/// How often a `kid` that nobody knows makes this server ask, within [`UNKNOWN_SPAN`]: often enough for a roll-over, or two.
const UNKNOWN_ASKS: usize = 3;

const UNKNOWN_SPAN: SignedDuration = SignedDuration::from_mins(5);

/// After a failure the authority is left alone for this long.
const FAILURE_PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// Everybody who comes in waits for this answer.
const PATIENCE: Duration = Duration::from_secs(5);

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
    asking: Mutex<Asking>,
}

/// When was asked lately?
#[derive(Default)]
struct Asking {
    failed: Option<Timestamp>,
    unknown: VecDeque<Timestamp>,
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
        Self { login, transport, clock, known: ArcSwapOption::empty(), asking: Mutex::default() }
    }

    async fn lookup(&self, kid: &str) -> Result<Option<SigningKey>, KeysUnavailable> {
        let now = self.clock.now();
        let known = self.known.load_full();
        if let Some(key) = known.as_ref().and_then(|known| known.fresh(kid, now)) {
            return Ok(Some(key));
        }
        let mut asking = if let Some(key) = known.as_ref().and_then(|known| known.usable(kid, now)) {
            // Whoever comes while somebody else asks is served with what is known.
            let Ok(asking) = self.asking.try_lock() else { return Ok(Some(key)) };
            asking
        } else {
            self.asking.lock().await
        };
        let known = self.known.load_full();
        if let Some(key) = known.as_ref().and_then(|known| known.fresh(kid, now)) {
            return Ok(Some(key));
        }
        if asking.may_ask(known.as_deref(), now) {
            let answer = tokio::time::timeout(PATIENCE, self.ask()).await;
            match answer.unwrap_or(Err(KeysUnavailable("no answer in time"))) {
                Ok(keys) => {
                    asking.failed = None;
                    let found = keys.get(kid).cloned();
                    self.known.store(Some(Arc::new(Known { keys, asked: now })));
                    return Ok(found);
                }
                Err(error) => {
                    tracing::warn!(%error, "signing keys");
                    asking.failed = Some(now);
                }
            }
        }
        match known {
            Some(known) if known.age(now) < STALE => Ok(known.keys.get(kid).cloned()),
            _ => Err(KeysUnavailable("the authority did not answer")),
        }
    }

    /// Whether tokens can be judged: the keys are known, or can be had.
    pub(crate) async fn ready(&self) -> Result<(), KeysUnavailable> {
        let now = self.clock.now();
        if self.known.load().as_ref().is_some_and(|known| known.age(now) < STALE) {
            return Ok(());
        }
        self.lookup("").await.map(drop)
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

impl Asking {
    /// Whether the authority may be asked now, for a key that is not known or no longer fresh. Counts.
    fn may_ask(&mut self, known: Option<&Known>, now: Timestamp) -> bool {
        if self.failed.is_some_and(|failed| now.duration_since(failed) < FAILURE_PAUSE) {
            return false;
        }
        if known.is_none_or(|known| known.age(now) >= FRESH) {
            return true;
        }
        while self.unknown.front().is_some_and(|asked| now.duration_since(*asked) >= UNKNOWN_SPAN) {
            self.unknown.pop_front();
        }
        let room = self.unknown.len() < UNKNOWN_ASKS;
        if room {
            self.unknown.push_back(now);
        }
        room
    }
}

impl Known {
    fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.asked)
    }

    fn fresh(&self, kid: &str, now: Timestamp) -> Option<SigningKey> {
        (self.age(now) < FRESH).then(|| self.keys.get(kid).cloned()).flatten()
    }

    fn usable(&self, kid: &str, now: Timestamp) -> Option<SigningKey> {
        (self.age(now) < STALE).then(|| self.keys.get(kid).cloned()).flatten()
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
