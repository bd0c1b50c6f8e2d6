//! How much may one user ask of Microsoft 365 at a time and in a minute? Shared by everything they run: Graph counts per user and
//! application (<https://learn.microsoft.com/graph/throttling>), and one careless client must not use up another's share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::caller::{Caller, TenantId, UserId};
use crate::clock::Clock;
use crate::config::LimitsConfig;
use crate::refusal::{Code, Refusal};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A wish of Graph's that is longer is cut: an answer must not be able to lock a user out for a day.
const LONGEST_WISH: SignedDuration = SignedDuration::from_mins(5);

/// From how many users on those who are at rest are forgotten.
const MANY: usize = 1024;

/// Everybody's share.
pub(crate) struct Limits {
    clock: Arc<dyn Clock>,
    in_flight: usize,
    per_minute: u32,
    users: Mutex<BTreeMap<(TenantId, UserId), Share>>,
}

struct Share {
    requests: Arc<Semaphore>,
    /// When all that was asked for would be paid off at an even pace.
    paid_off: Timestamp,
    /// Until when Graph wants to be left alone.
    resting: Timestamp,
}

impl Limits {
    pub(crate) fn new(config: &LimitsConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            in_flight: config.requests_in_flight.into(),
            per_minute: config.calls_per_minute,
            users: Mutex::default(),
        }
    }

    /// Counts `calls` of this caller's, or says when there is room for them. While Graph wants rest nothing is counted.
    pub(crate) fn count(&self, caller: &Caller, calls: u32) -> Result<(), Refusal> {
        let now = self.clock.now();
        self.with(caller, now, |share| {
            if now < share.resting {
                return Err(throttled("Microsoft 365 asks to slow down.", share.resting.duration_since(now)));
            }
            if self.per_minute == 0 {
                return Ok(());
            }
            let pace = SignedDuration::from_nanos(60_000_000_000 / i64::from(self.per_minute));
            let cost = pace.saturating_mul(i32::try_from(calls).unwrap_or(i32::MAX));
            let paid_off = share.paid_off.max(now).saturating_add(cost).unwrap_or(Timestamp::MAX);
            let over = paid_off.duration_since(now).saturating_sub(MINUTE);
            if over.is_positive() {
                let message = format!("More than {} calls in a minute.", self.per_minute);
                return Err(throttled(&message, over));
            }
            share.paid_off = paid_off;
            Ok(())
        })
    }

    /// Waits until one more request of this caller's may be under way.
    pub(crate) async fn enter(&self, caller: &Caller) -> Option<OwnedSemaphorePermit> {
        let requests = self.with(caller, self.clock.now(), |share| Arc::clone(&share.requests));
        requests.acquire_owned().await.ok()
    }

    /// Graph asked this caller to wait.
    pub(crate) fn rest(&self, caller: &Caller, seconds: u64) {
        let now = self.clock.now();
        let wish = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)).min(LONGEST_WISH);
        self.with(caller, now, |share| share.resting = now.saturating_add(wish).unwrap_or(now));
    }

    fn with<T>(&self, caller: &Caller, now: Timestamp, act: impl FnOnce(&mut Share) -> T) -> T {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (caller.tenant().clone(), caller.user().clone());
        if users.len() >= MANY && !users.contains_key(&key) {
            users.retain(|_, share| {
                share.paid_off > now || share.resting > now || share.requests.available_permits() < self.in_flight
            });
        }
        act(users.entry(key).or_insert_with(|| Share {
            requests: Arc::new(Semaphore::new(self.in_flight)),
            paid_off: now,
            resting: now,
        }))
    }
}

fn throttled(why: &str, wait: SignedDuration) -> Refusal {
    // Rounded up: who comes back on the second must find room.
    let seconds = u64::try_from(wait.as_millis()).unwrap_or(0).div_ceil(1000).max(1);
    Refusal::new(Code::Throttled, format!("{why} Try again in {seconds} seconds.")).retry_after(Some(seconds))
}
