//! How does an administrator let both applications in? One after the other, the server first, each for the whole tenant.
//!
//! Who may consent is Microsoft's to decide, on its own page, where the administrator signs in; what comes back in the address
//! proves nothing and grants nothing here. It only says which page is next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;
use uuid::Uuid;

use super::super::error::{HostError, Refusal};
use super::super::issuer::{App, Issuer};
use super::super::member::Member;
use super::Started;
use crate::clock::Clock;
use crate::entropy;

const LIFETIME: SignedDuration = SignedDuration::from_mins(30);
const MOST: usize = 1000;

/// Consents under way.
pub(in super::super) struct Consents {
    issuer: Arc<Issuer>,
    clock: Arc<dyn Clock>,
    redirect_uri: Url,
    pending: Mutex<BTreeMap<[u8; 32], Pending>>,
}

struct Pending {
    member: Member,
    tenant: Uuid,
    app: App,
    browser: [u8; 32],
    started_at: Timestamp,
}

/// What the administrator's browser brings back.
#[derive(Deserialize)]
pub(in super::super) struct ConsentCallback {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
}

/// What is next.
pub(in super::super) enum Next {
    /// The other application's page.
    Go(Started),
    /// Both are in.
    Done(Member),
}

impl Consents {
    pub(in super::super) fn new(issuer: Arc<Issuer>, clock: Arc<dyn Clock>, redirect_uri: Url) -> Self {
        Self { issuer, clock, redirect_uri, pending: Mutex::default() }
    }

    /// Starts with the server's application.
    pub(in super::super) fn start(&self, member: &Member, tenant: Uuid) -> Result<Started, HostError> {
        self.step(member, tenant, App::Server)
    }

    fn step(&self, member: &Member, tenant: Uuid, app: App) -> Result<Started, HostError> {
        let (state, browser) = (entropy::word()?, entropy::word()?);
        let started_at = self.clock.now();
        let mut pending = self.lock();
        pending.retain(|_, row| started_at.duration_since(row.started_at) < LIFETIME);
        if pending.len() >= MOST
            && let Some(oldest) = pending.iter().min_by_key(|(_, row)| row.started_at).map(|(state, _)| *state)
        {
            pending.remove(&oldest);
        }
        let row = Pending { member: member.clone(), tenant, app, browser: hash(&browser), started_at };
        pending.insert(hash(&state), row);
        let tenant = tenant.hyphenated().to_string();
        let authorization_url = self.issuer.consent_url(&tenant, app, &self.redirect_uri, &state);
        tracing::info!(%member, ?app, "an administrator's consent was started");
        Ok(Started { authorization_url, browser: browser.into() })
    }

    /// Goes on to the client's application, or ends.
    pub(in super::super) fn finish(
        &self,
        callback: &ConsentCallback,
        browser: Option<&str>,
    ) -> Result<Next, HostError> {
        let state = callback.state.as_deref().ok_or(Refusal::UnknownSignIn)?;
        let row = {
            let mut pending = self.lock();
            let key = hash(state);
            let row = pending.get(&key).ok_or(Refusal::UnknownSignIn)?;
            if !browser.is_some_and(|browser| hash(browser).ct_eq(&row.browser).into()) {
                return Err(Refusal::OtherBrowser.into());
            }
            pending.remove(&key).ok_or(Refusal::UnknownSignIn)?
        };
        if self.clock.now().duration_since(row.started_at) >= LIFETIME {
            return Err(Refusal::UnknownSignIn.into());
        }
        if let Some(error) = &callback.error {
            let description = callback.error_description.as_deref().unwrap_or_default();
            return Err(Refusal::SignIn(self.issuer.failure(error, description)).into());
        }
        let tenant = callback.tenant.as_deref().and_then(|tenant| Uuid::try_parse(tenant).ok());
        if tenant != Some(row.tenant) {
            return Err(Refusal::ConsentElsewhere.into());
        }
        match row.app {
            App::Server => Ok(Next::Go(self.step(&row.member, row.tenant, App::Client)?)),
            App::Client => {
                tracing::info!(member = %row.member, tenant = %row.tenant, "an administrator consented to both applications");
                Ok(Next::Done(row.member))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<[u8; 32], Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
