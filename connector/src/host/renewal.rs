//! Which access token may be used now? The kept one, or a new one in time before it ends; asked for once however many calls
//! wait for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::error::{Fault, HostError, Refusal};
use super::issuer::{Issuer, NoGrant, SignInFailure};
use super::member::Member;
use super::notes::{Event, Notes};
use super::policy::{Age, HostPolicy, Renew};
use super::vault::{Connected, Ended, Record, Revision, Stored, TokenVault, VaultError};
use crate::clock::Clock;

/// Below this a token is not used even when it cannot be renewed.
const LAST_MOMENT: SignedDuration = SignedDuration::from_secs(10);

/// Hands out access tokens and renews them.
pub(super) struct Renewal {
    vault: Arc<dyn TokenVault>,
    issuer: Arc<Issuer>,
    clock: Arc<dyn Clock>,
    policy: HostPolicy,
    notes: Notes,
    flights: Arc<Mutex<Flights>>,
}

/// A token to call the server with.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub(super) token: SecretString,
    pub(super) revision: Revision,
}

#[derive(Default)]
struct Flights {
    under_way: BTreeMap<Member, Flight>,
    /// The last renewal with claims, so that calls which were refused before it do not ask for the same again.
    challenged: BTreeMap<Member, (String, Revision)>,
}

struct Flight {
    claims: Option<String>,
    outcome: Shared<BoxFuture<'static, Outcome>>,
}

type Outcome = Result<Access, NotRenewed>;

#[derive(Debug, Clone)]
enum NotRenewed {
    NotConnected,
    Ended(SignInFailure),
    Unavailable(String),
    Vault(Arc<VaultError>),
    Interrupted,
}

impl Renewal {
    pub(super) fn new(
        vault: Arc<dyn TokenVault>,
        issuer: Arc<Issuer>,
        clock: Arc<dyn Clock>,
        policy: HostPolicy,
        notes: Notes,
    ) -> Self {
        Self { vault, issuer, clock, policy, notes, flights: Arc::default() }
    }

    /// A token that `member` may use now.
    pub(super) async fn access(&self, member: &Member) -> Result<Access, HostError> {
        let Stored { record, revision } = self.vault.read(member).await?.ok_or(Refusal::NotConnected)?;
        let connected = match record {
            Record::Connected(connected) => connected,
            Record::Ended(ended) => return Err(Refusal::SignInRequired(ended.reason).into()),
        };
        let age = age(&connected, self.clock.now());
        let left = age.left;
        if (self.policy.renewal)(&age) == Renew::No {
            return Ok(Access { token: connected.access_token, revision });
        }
        match self.renewed(member, revision, None).await {
            Err(NotRenewed::Unavailable(why)) if left > LAST_MOMENT => {
                tracing::warn!(%member, why, "a token could not be renewed ahead of its end");
                Ok(Access { token: connected.access_token, revision })
            }
            outcome => Ok(outcome?),
        }
    }

    /// A newer token than that of `refused`, which the server turned down, asking for `claims` if it named any.
    pub(super) async fn renew(
        &self,
        member: &Member,
        refused: Revision,
        claims: Option<&str>,
    ) -> Result<Access, HostError> {
        Ok(self.renewed(member, refused, claims).await?)
    }

    /// Ends the connection of `member` because the server turns down even a fresh token.
    pub(super) async fn end(
        &self,
        member: &Member,
        refused: Revision,
        claims: Option<String>,
    ) -> Result<(), HostError> {
        let ended = Ended { reason: SignInFailure::RefusedByServer, claims };
        self.vault.replace(member, refused, Record::Ended(ended)).await?;
        self.notes.member(member, Event::ConnectionEnded, SignInFailure::RefusedByServer.code());
        tracing::info!(%member, "a connection ended: the server refuses its tokens");
        Ok(())
    }

    async fn renewed(&self, member: &Member, stale: Revision, claims: Option<&str>) -> Outcome {
        loop {
            let (outcome, answers_me) = self.join(member, stale, claims);
            let outcome = outcome.await;
            if answers_me {
                return outcome;
            }
        }
    }

    /// The renewal under way, or a new one; and whether its outcome is what was asked for. A renewal that did not ask for
    /// the claims at issue is waited for, since two at a time would overtake each other, but does not answer.
    fn join(
        &self,
        member: &Member,
        stale: Revision,
        claims: Option<&str>,
    ) -> (Shared<BoxFuture<'static, Outcome>>, bool) {
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.under_way.get(member) {
            return (flight.outcome.clone(), claims.is_none() || flight.claims.as_deref() == claims);
        }
        // A task of its own: a caller that goes away does not tear a renewal in half.
        let task = tokio::spawn(
            Renewing {
                vault: Arc::clone(&self.vault),
                issuer: Arc::clone(&self.issuer),
                clock: Arc::clone(&self.clock),
                policy: self.policy,
                notes: self.notes.clone(),
                landing: Landing { flights: Arc::clone(&self.flights), member: member.clone() },
                stale,
                claims: claims.map(str::to_owned),
            }
            .run(),
        );
        let outcome = async { task.await.unwrap_or(Err(NotRenewed::Interrupted)) }.boxed().shared();
        let flight = Flight { claims: claims.map(str::to_owned), outcome: outcome.clone() };
        flights.under_way.insert(member.clone(), flight);
        (outcome, true)
    }
}

/// One renewal.
struct Renewing {
    vault: Arc<dyn TokenVault>,
    issuer: Arc<Issuer>,
    clock: Arc<dyn Clock>,
    policy: HostPolicy,
    notes: Notes,
    landing: Landing,
    stale: Revision,
    claims: Option<String>,
}

/// Takes a flight off the list when it is over, however it ends.
struct Landing {
    flights: Arc<Mutex<Flights>>,
    member: Member,
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.flights).under_way.remove(&self.member);
    }
}

impl Renewing {
    async fn run(self) -> Outcome {
        let member = &self.landing.member;
        let Stored { record, revision } = self.vault.read(member).await?.ok_or(NotRenewed::NotConnected)?;
        let connected = match record {
            Record::Connected(connected) => connected,
            Record::Ended(ended) => return Err(NotRenewed::Ended(ended.reason)),
        };
        if self.is_settled(revision) {
            return Ok(Access { token: connected.access_token, revision });
        }
        let now = self.clock.now();
        // A token that the server turned down is renewed however long it has left; only death is asked here.
        if (self.policy.renewal)(&Age { left: SignedDuration::ZERO, ..age(&connected, now) }) == Renew::Dead {
            return self.ended(revision, SignInFailure::SessionEnded).await;
        }
        match self.issuer.refresh(&connected.account.tenant, &connected.refresh_token, self.claims.as_deref()).await {
            Ok(grant) => {
                let renewed = Connected {
                    account: connected.account,
                    access_token: grant.access_token.clone(),
                    access_expires_at: ends_at(now, grant.expires_in),
                    refresh_token: grant.refresh_token.unwrap_or(connected.refresh_token),
                    refreshed_at: now,
                };
                self.kept(revision, renewed, grant.access_token).await
            }
            Err(NoGrant::Refused(failure)) => self.ended(revision, failure).await,
            Err(NoGrant::Unavailable(why) | NoGrant::Misunderstood(why)) => Err(NotRenewed::Unavailable(why)),
        }
    }

    /// Somebody else renewed between the caller's look and this one.
    fn is_settled(&self, revision: Revision) -> bool {
        match &self.claims {
            None => revision != self.stale,
            Some(claims) => {
                revision != self.stale
                    && lock(&self.landing.flights)
                        .challenged
                        .get(&self.landing.member)
                        .is_some_and(|(answered, by)| answered == claims && *by == revision)
            }
        }
    }

    /// Keeps the new tokens, unless the member disconnected (or connected anew) meanwhile: then these are nobody's.
    async fn kept(&self, seen: Revision, renewed: Connected, token: SecretString) -> Outcome {
        let member = &self.landing.member;
        let revision =
            self.vault.replace(member, seen, Record::Connected(renewed)).await?.ok_or(NotRenewed::NotConnected)?;
        if let Some(claims) = &self.claims {
            lock(&self.landing.flights).challenged.insert(member.clone(), (claims.clone(), revision));
        }
        self.notes.member(member, Event::TokenRenewed, "ok");
        tracing::info!(%member, "a token was renewed");
        Ok(Access { token, revision })
    }

    async fn ended(&self, seen: Revision, reason: SignInFailure) -> Outcome {
        let member = &self.landing.member;
        let ended = Ended { reason, claims: self.claims.clone() };
        self.vault.replace(member, seen, Record::Ended(ended)).await?;
        self.notes.member(member, Event::ConnectionEnded, reason.code());
        tracing::info!(%member, reason = reason.code(), "a connection ended");
        Err(NotRenewed::Ended(reason))
    }
}

fn age(connected: &Connected, now: Timestamp) -> Age {
    Age { left: connected.access_expires_at.duration_since(now), unused: now.duration_since(connected.refreshed_at) }
}

pub(super) fn ends_at(now: Timestamp, expires_in: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(expires_in)).unwrap_or(now)
}

fn lock(flights: &Mutex<Flights>) -> MutexGuard<'_, Flights> {
    flights.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<VaultError> for NotRenewed {
    fn from(error: VaultError) -> Self {
        Self::Vault(Arc::new(error))
    }
}

impl From<NotRenewed> for HostError {
    fn from(reason: NotRenewed) -> Self {
        match reason {
            NotRenewed::NotConnected => Refusal::NotConnected.into(),
            NotRenewed::Ended(failure) => Refusal::SignInRequired(failure).into(),
            NotRenewed::Unavailable(why) => Fault::Issuer(why).into(),
            NotRenewed::Vault(error) => Fault::Renewal(error).into(),
            NotRenewed::Interrupted => Fault::Interrupted.into(),
        }
    }
}
