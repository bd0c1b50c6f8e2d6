//! Which token does Graph get for this caller? One exchanged On-Behalf-Of, with exactly the scopes that are needed, at the
//! authority of the caller's tenant
//! (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow>).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::challenge;
use crate::caller::Caller;
use crate::clock::Clock;
use crate::policy::Policy;
use crate::policy::cache::{CacheKey, Lifetimes, Owner};
use crate::policy::refusals::ExchangeFailure;
use crate::policy::scopes::Need;
use crate::refusal::{Code, Refusal, RestoredBy};
use crate::transport::{Outgoing, Transport, TransportError};

const LIMIT: usize = 256 * 1024;

/// How often dead entries are looked for at most.
const SWEEP: SignedDuration = SignedDuration::from_secs(30);

/// What the exchange needs to know of this server.
pub(crate) struct Registration {
    pub(crate) login: Url,
    pub(crate) client_id: String,
    pub(crate) secret: SecretString,
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
    slots: BTreeMap<CacheKey, Arc<tokio::sync::Mutex<Option<Entry>>>>,
    swept: Timestamp,
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
        let token = if self.registration.max_age.is_zero() {
            self.exchange(caller, required, &scopes, key, claims).await?.token
        } else {
            let slot = self.slot(&key);
            let mut slot = slot.lock().await;
            let now = self.clock.now();
            let kept = slot.as_ref().filter(|kept| now < kept.until && (self.policy.cache_owner)(caller, &kept.owner));
            if let Some(kept) = kept {
                kept.token.clone()
            } else {
                *slot = None;
                let entry = self.exchange(caller, required, &scopes, key, claims).await?;
                let token = entry.token.clone();
                *slot = Some(entry);
                token
            }
        };
        match (self.policy.missing_scope)(&self.registration.resource, required, &token.granted) {
            None => Ok(token),
            Some(permission) => {
                self.forget(&token);
                Err(Refusal::new(
                    Code::PermissionRevoked,
                    format!("The Microsoft Graph permission {permission} is no longer granted to this connector in your tenant."),
                )
                .permission(permission)
                .restored_by(RestoredBy::TenantAdmin, crate::policy::refusals::how_to_restore(permission)))
            }
        }
    }

    /// Drops a token that Graph refused.
    pub(crate) fn forget(&self, token: &GraphToken) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).slots.remove(&token.key);
    }

    fn slot(&self, key: &CacheKey) -> Arc<tokio::sync::Mutex<Option<Entry>>> {
        let now = self.clock.now();
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(cache.swept) >= SWEEP {
            cache.swept = now;
            cache.slots.retain(|_, slot| {
                slot.try_lock().map_or(true, |slot| slot.as_ref().is_some_and(|entry| now < entry.until))
            });
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
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("requested_token_use", "on_behalf_of"),
            ("client_id", &self.registration.client_id),
            ("client_secret", self.registration.secret.expose_secret()),
            ("assertion", caller.assertion().expose_secret()),
            ("scope", &scopes.join(" ")),
            ("claims", &challenge::with_capability(claims)),
        ];
        let body = serde_urlencoded::to_string(form)
            .map_err(|_| Refusal::new(Code::UpstreamError, "The request to the issuer cannot be written."))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        Ok(Outgoing { method: Method::POST, url, headers, body: Bytes::from(body), limit: LIMIT })
    }
}
