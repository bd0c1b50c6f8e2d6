//! How often one application may ask Graph for one user before it is told to wait.
//!
//! <https://learn.microsoft.com/graph/throttling>: what is asked while throttled counts too, and every item of a batch counts by itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use fixtures::ids::{AppId, UserId};
use jiff::Timestamp;

/// So many requests in so many seconds, for each application and user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// How many requests pass.
    pub requests: u32,
    /// Length of the window; the next one begins with the first request after it.
    pub seconds: u32,
}

/// Counts requests.
#[derive(Debug, Default)]
pub struct Meter {
    windows: Mutex<BTreeMap<(AppId, UserId), Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Timestamp,
    asked: u32,
}

impl Meter {
    /// Counts a request. `Err` says in how many seconds to come back; never less than one.
    pub fn count(&self, throttle: Throttle, app: AppId, user: UserId, now: Timestamp) -> Result<(), u32> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry((app, user)).or_insert(Window { since: now, asked: 0 });
        let passed = now.as_second() - window.since.as_second();
        if !(0..i64::from(throttle.seconds)).contains(&passed) {
            *window = Window { since: now, asked: 0 };
        }
        window.asked = window.asked.saturating_add(1);
        if window.asked <= throttle.requests {
            return Ok(());
        }
        let passed = u32::try_from(now.as_second() - window.since.as_second()).unwrap_or(0);
        Err(throttle.seconds.saturating_sub(passed).max(1))
    }

    /// Forgets what was counted.
    pub fn clear(&self) {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
