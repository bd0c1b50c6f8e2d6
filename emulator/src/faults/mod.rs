//! Faults of the services, injected by the lab: statuses, throttling, delays, answers that are held back or cut short.
//!
//! One table for all hosts. A request takes the first fault that matches it; a fault with a count is gone when it was taken that often.

mod answer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::sync::Notify;

use crate::serve::HostKind;

pub(crate) use answer::{cut_short, goes_on_at, redirect, refusal};

/// The longest delay: beyond it a client has given up.
pub const LONGEST_DELAY: Duration = Duration::from_mins(2);

/// Which requests a fault meets.
#[derive(Debug, Clone)]
pub struct Target {
    /// At which host.
    pub host: HostKind,
    /// With this method; any when `None`.
    pub method: Option<Method>,
    /// Whose path contains this, whatever its letter case; any when `None`.
    pub path: Option<String>,
    /// With this `grant_type`; any when `None`.
    pub grant: Option<String>,
}

/// What happens instead of an answer, or to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The service's own error with this status. 429 and 503 say `Retry-After`, in seconds.
    Status {
        /// 4xx or 5xx.
        status: StatusCode,
        /// `Retry-After`.
        retry_after: Option<u32>,
        /// A body that is not the service's: proxies and load balancers write HTML.
        body: Option<String>,
    },
    /// The answer comes late.
    Delay(Duration),
    /// The request waits, untouched, until the fault is released.
    Hold,
    /// The answer breaks off in the middle of its body; its length says so, so that clients read it to the end.
    CutShort,
    /// A redirect to somewhere else: what a hostile or mistaken service may answer.
    Redirect(http::HeaderValue),
    /// The answer says that it goes on there: `@odata.nextLink`, whether it had one or not.
    NextLink(String),
}

/// One row of the table.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Its name, for releasing it.
    pub id: u64,
    /// Which requests it meets.
    pub target: Target,
    /// What it does.
    pub act: Act,
    /// How often it is still taken; without end when `None`.
    pub left: Option<u32>,
    /// How often it was taken.
    pub taken: u64,
    /// How many requests wait for its release.
    pub waiting: u64,
    released: Arc<Notify>,
}

/// What a request looks like to the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) host: HostKind,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
}

impl Target {
    fn meets(&self, asked: &Asked<'_>) -> bool {
        let path = |part: &String| asked.path.to_ascii_lowercase().contains(&part.to_ascii_lowercase());
        self.host == asked.host
            && self.method.as_ref().is_none_or(|method| method == asked.method)
            && self.path.as_ref().is_none_or(path)
            && self.grant.as_ref().is_none_or(|grant| grant_of(asked.body).as_deref() == Some(grant))
    }
}

fn grant_of(body: &[u8]) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body).ok()?;
    pairs.into_iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value)
}

/// All faults that are to come.
#[derive(Debug, Default)]
pub struct Faults {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    rows: Vec<Fault>,
}

impl Faults {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault, and says its id.
    pub fn add(&self, target: Target, act: Act, count: Option<u32>) -> u64 {
        let mut table = self.table();
        table.next += 1;
        let id = table.next;
        table.rows.push(Fault { id, target, act, left: count, taken: 0, waiting: 0, released: Arc::default() });
        id
    }

    /// All of them, those that are used up and waited for included.
    pub fn rows(&self) -> Vec<Fault> {
        self.table().rows.clone()
    }

    /// Takes a fault out, and lets go whoever waits for it. `false` when there is none.
    pub fn release(&self, id: u64) -> bool {
        let mut table = self.table();
        let Some(at) = table.rows.iter().position(|row| row.id == id) else { return false };
        table.rows.remove(at).released.notify_waiters();
        true
    }

    /// Takes all out, and lets everybody go.
    pub fn clear(&self) {
        for row in self.table().rows.drain(..) {
            row.released.notify_waiters();
        }
    }

    /// What meets this request, if anything does. What is held or late has waited when this returns.
    pub(crate) async fn meet(&self, asked: &Asked<'_>) -> Option<Act> {
        let (act, id, released) = self.take(asked)?;
        match act {
            Act::Hold => {
                // Whether it was released in between is looked at after the wait is set up: nobody waits for ever.
                let wait = released.notified();
                tokio::pin!(wait);
                wait.as_mut().enable();
                if self.wait(id, 1) {
                    wait.await;
                    self.wait(id, -1);
                }
                None
            }
            Act::Delay(by) => {
                tokio::time::sleep(by.min(LONGEST_DELAY)).await;
                None
            }
            act => Some(act),
        }
    }

    fn take(&self, asked: &Asked<'_>) -> Option<(Act, u64, Arc<Notify>)> {
        let mut table = self.table();
        let row = table.rows.iter_mut().find(|row| row.left != Some(0) && row.target.meets(asked))?;
        row.left = row.left.map(|left| left.saturating_sub(1));
        row.taken += 1;
        Some((row.act.clone(), row.id, Arc::clone(&row.released)))
    }

    /// Counts who waits; `false` when the fault is gone.
    fn wait(&self, id: u64, by: i64) -> bool {
        let mut table = self.table();
        let Some(row) = table.rows.iter_mut().find(|row| row.id == id) else { return false };
        row.waiting = row.waiting.saturating_add_signed(by);
        true
    }
}
