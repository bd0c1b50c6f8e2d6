//! Which token does Graph get for this caller? One exchanged On-Behalf-Of, with exactly the scopes that are needed, at the
//! authority of the caller's tenant
//! (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow>).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::challenge;
use super::credential::Credential;
use crate::caller::Caller;
use crate::clock::Clock;
use crate::policy::Policy;
use crate::policy::cache::{CacheKey, Lifetimes, Owner};
use crate::policy::refusals::ExchangeFailure;
use crate::policy::scopes::{Grant, Need};
use crate::refusal::{Code, Refusal, RestoredBy};
use crate::transport::{Outgoing, Transport, TransportError};

const LIMIT: usize = 256 * 1024;

/// How often dead entries are looked for at most.
const SWEEP: SignedDuration = SignedDuration::from_secs(30);

/// What the exchange needs to know of this server.
pub(crate) struct Registration {
    pub(crate) login: Url,
    pub(crate) client_id: String,
    pub(crate) credential: Credential,
    /// Graph's resource name.
    pub(crate) resource: String,
    pub(crate) max_age: SignedDuration,
}

/// Exchanges tokens, and keeps them for a short while.
pub(crate) struct Exchange {
    registration: Registration,
    policy: Policy,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    cache: Mutex<Cache>,
}

/// A token for Graph, good for one caller's request.
#[derive(Clone)]
pub(crate) struct GraphToken {
    pub(crate) secret: SecretString,
    /// The permissions it holds, as the issuer says.
    pub(crate) granted: String,
    key: CacheKey,
}

/// One slot per key: whoever locks it first exchanges, and those who wait find the result.
#[derive(Default)]
struct Cache {
    slots: BTreeMap<CacheKey, Arc<Slot>>,
    /// What was found out about grants, and until when that may be told.
    grants: BTreeMap<CacheKey, (Grant, Timestamp)>,
    swept: Timestamp,
}

#[derive(Default)]
struct Slot {
    /// Exchanges that have come to an end.
    rounds: AtomicU64,
    outcome: tokio::sync::Mutex<Outcome>,
}

/// A refusal is kept for those alone who came before it was there: who asks later makes a new exchange, so that a permission
/// that was given back counts at once.
#[derive(Default)]
enum Outcome {
    #[default]
    Nothing,
    Kept(Box<Entry>),
    Refused(Refusal),
}

struct Entry {
    token: GraphToken,
    owner: Owner,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: i64,
    #[serde(default)]
    scope: String,
}

#[derive(Deserialize, Default)]
struct Denied {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(default)]
    claims: Option<String>,
}

fn revoked(permission: &str) -> Refusal {
    Refusal::new(
        Code::PermissionRevoked,
        format!("The Microsoft Graph permission {permission} is no longer granted to this connector in your tenant."),
    )
    .permission(permission)
    .restored_by(RestoredBy::TenantAdmin, crate::policy::refusals::how_to_restore(permission))
}

fn could_write(permission: &str) -> Refusal {
    let name = permission.rsplit('/').next().unwrap_or(permission);
    let message = format!(
        "The token for Microsoft 365 could change something ({name}), which this connector never does: it was thrown away."
    );
    let how = format!("withdraw the Microsoft Graph permission {name} from this connector's enterprise application");
    Refusal::new(Code::Forbidden, message).permission(name).restored_by(RestoredBy::TenantAdmin, how)
}

impl Exchange {
    pub(crate) fn new(
        registration: Registration,
        policy: Policy,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { registration, policy, transport, clock, cache: Mutex::default() }
    }

    /// A token with every permission that `need` requires. `claims` are what Graph's challenge asked for.
    pub(crate) async fn token(&self, caller: &Caller, need: Need, claims: Option<&str>) -> Result<GraphToken, Refusal> {
        let required = (self.policy.required_scopes)(need);
        let scopes = (self.policy.obo_scopes)(&self.registration.resource, required);
        let key = (self.policy.cache_key)(caller, &scopes, claims);
        let result =
            self.kept_or_exchanged(caller, required, &scopes, &key, claims).await.and_then(|(token, until)| {
                if let Some(permission) = (self.policy.writing_scope)(&token.granted) {
                    self.forget(&token);
                    return Err(could_write(permission));
                }
                let missing = (self.policy.missing_scope)(&self.registration.resource, required, &token.granted);
                let Some(permission) = missing else { return Ok((token, until)) };
                self.forget(&token);
                Err(revoked(permission))
            });
        if claims.is_none() {
            self.learn(key, &result);
        }
        result.map(|(token, _)| token)
    }

    /// Whether what `need` requires is granted, as found out within `max_age`. Asks the issuer if that is too long ago.
    pub(crate) async fn grant(&self, caller: &Caller, need: Need) -> Grant {
        let required = (self.policy.required_scopes)(need);
        let scopes = (self.policy.obo_scopes)(&self.registration.resource, required);
        let key = (self.policy.cache_key)(caller, &scopes, None);
        let now = self.clock.now();
        let known = self.locked().grants.get(&key).filter(|(_, until)| now < *until).map(|(grant, _)| *grant);
        match known {
            Some(grant) => grant,
            None => Grant::of(&self.token(caller, need, None).await),
        }
    }

    fn learn(&self, key: CacheKey, result: &Result<(GraphToken, Timestamp), Refusal>) {
        let now = self.clock.now();
        let until = match result {
            Ok((_, until)) => *until,
            Err(_) => now.saturating_add(self.registration.max_age).unwrap_or(now),
        };
        let grant = Grant::of(result);
        if grant != Grant::Unknown && now < until {
            self.locked().grants.insert(key, (grant, until));
        }
    }

    async fn kept_or_exchanged(
        &self,
        caller: &Caller,
        required: &[&str],
        scopes: &[String],
        key: &CacheKey,
        claims: Option<&str>,
    ) -> Result<(GraphToken, Timestamp), Refusal> {
        if self.registration.max_age.is_zero() {
            let entry = self.exchange(caller, required, scopes, key.clone(), claims).await?;
            return Ok((entry.token, entry.until));
        }
        let slot = self.slot(key);
        let came = slot.rounds.load(Ordering::Acquire);
        let mut outcome = slot.outcome.lock().await;
        let now = self.clock.now();
        match &*outcome {
            Outcome::Kept(kept) if now < kept.until && (self.policy.cache_owner)(caller, &kept.owner) => {
                return Ok((kept.token.clone(), kept.until));
            }
            Outcome::Refused(refusal) if slot.rounds.load(Ordering::Acquire) > came => return Err(refusal.clone()),
            _ => *outcome = Outcome::Nothing,
        }
        let result = self.exchange(caller, required, scopes, key.clone(), claims).await;
        slot.rounds.fetch_add(1, Ordering::AcqRel);
        match result {
            Ok(entry) => {
                let (token, until) = (entry.token.clone(), entry.until);
                *outcome = Outcome::Kept(Box::new(entry));
                Ok((token, until))
            }
            Err(refusal) => {
                *outcome = Outcome::Refused(refusal.clone());
                Err(refusal)
            }
        }
    }

    /// Drops a token that Graph refused.
    pub(crate) fn forget(&self, token: &GraphToken) {
        self.locked().slots.remove(&token.key);
    }

    fn locked(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, key: &CacheKey) -> Arc<Slot> {
        let now = self.clock.now();
        let mut cache = self.locked();
        if now.duration_since(cache.swept) >= SWEEP {
            cache.swept = now;
            cache.slots.retain(|_, slot| {
                let outcome = slot.outcome.try_lock();
                outcome.map_or(true, |outcome| matches!(&*outcome, Outcome::Kept(entry) if now < entry.until))
            });
            cache.grants.retain(|_, (_, until)| now < *until);
        }
        Arc::clone(cache.slots.entry(key.clone()).or_default())
    }

    async fn exchange(
        &self,
        caller: &Caller,
        required: &[&str],
        scopes: &[String],
        key: CacheKey,
        claims: Option<&str>,
    ) -> Result<Entry, Refusal> {
        let request = self.request(caller, scopes, claims)?;
        let now = self.clock.now();
        let answer = self.transport.send(request).await.map_err(|error| match error {
            TransportError::Timeout => Refusal::new(Code::Timeout, "The issuer did not answer in time."),
            _ => Refusal::new(Code::UpstreamError, "The issuer could not be asked. Try again."),
        })?;
        if !answer.status.is_success() {
            let denied: Denied = serde_json::from_slice(&answer.body).unwrap_or_default();
            let failure = ExchangeFailure {
                status: answer.status.as_u16(),
                error: denied.error,
                codes: denied.error_codes,
                claims: denied.claims.filter(|claims| !claims.is_empty()),
            };
            tracing::info!(status = failure.status, codes = ?failure.codes, "the issuer refused an exchange");
            return Err((self.policy.exchange_refusal)(&failure, required));
        }
        let granted: Granted = serde_json::from_slice(&answer.body)
            .map_err(|_| Refusal::new(Code::UpstreamError, "The issuer's answer is not understood."))?;
        let lifetimes = Lifetimes {
            now,
            token: now.saturating_add(SignedDuration::from_secs(granted.expires_in)).unwrap_or(now),
            assertion: caller.expires(),
            max_age: self.registration.max_age,
        };
        let owner = Owner {
            tenant: caller.tenant().clone(),
            user: caller.user().clone(),
            assertion: caller.assertion_digest(),
        };
        let token = GraphToken { secret: granted.access_token, granted: granted.scope, key };
        Ok(Entry { token, owner, until: (self.policy.usable_until)(&lifetimes) })
    }

    fn request(&self, caller: &Caller, scopes: &[String], claims: Option<&str>) -> Result<Outgoing, Refusal> {
        let mut url = self.registration.login.clone();
        url.path_segments_mut()
            .map_err(|()| Refusal::new(Code::UpstreamError, "The issuer's address cannot be used."))?
            .clear()
            .push(&(self.policy.obo_authority)(caller))
            .extend(["oauth2", "v2.0", "token"]);
        let (id, scope) = (&self.registration.client_id, scopes.join(" "));
        let proof =
            self.registration.credential.fields(id, &url, self.clock.now()).map_err(|error| {
                Refusal::new(Code::UpstreamError, format!("{error}; its operator has to repair it."))
            })?;
        let claims = challenge::with_capability(claims);
        let mut form = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("requested_token_use", "on_behalf_of"),
            ("client_id", id),
            ("assertion", caller.assertion().expose_secret()),
            ("scope", &scope),
            ("claims", &claims),
        ];
        form.extend(proof.iter().map(|(name, value)| (*name, value.expose_secret())));
        let body = serde_urlencoded::to_string(form)
            .map_err(|_| Refusal::new(Code::UpstreamError, "The request to the issuer cannot be written."))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        Ok(Outgoing { method: Method::POST, url, headers, body: Bytes::from(body), limit: LIMIT })
    }
}
