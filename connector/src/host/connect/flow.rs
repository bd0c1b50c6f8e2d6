//! Which sign-ins are under way, and whose are they? A few per member, for ten minutes, each good for one callback from the
//! browser that started it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::super::error::Refusal;
use super::super::member::Member;
use crate::oauth::Verifier;

const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
const PER_MEMBER: usize = 5;

/// One sign-in under way.
#[derive(Clone)]
pub(super) struct Flow {
    pub(super) member: Member,
    /// Whether somebody with a browser session started it.
    pub(super) on_page: bool,
    pub(super) verifier: Verifier,
    pub(super) nonce: String,
    /// Claims that the sign-in must satisfy.
    pub(super) claims: Option<String>,
    pub(super) started_at: Timestamp,
}

/// The sign-ins under way. States and cookies are kept as hashes: what is looked up in a tree must not be a secret.
#[derive(Default)]
pub(super) struct Flows {
    by_state: Mutex<BTreeMap<Hash, Pending>>,
}

/// A sign-in that is being finished: nobody else can take it, but its member can still call it off.
pub(super) struct Taken {
    pub(super) flow: Flow,
    state: Hash,
}

type Hash = [u8; 32];

struct Pending {
    flow: Flow,
    browser: Hash,
    taken: bool,
}

impl Flows {
    pub(super) fn insert(&self, state: &str, browser: &str, flow: Flow) {
        let mut flows = self.lock();
        let now = flow.started_at;
        flows.retain(|_, pending| now.duration_since(pending.flow.started_at) < LIFETIME);
        let mut of_member: Vec<_> = flows
            .iter()
            .filter(|(_, pending)| pending.flow.member == flow.member)
            .map(|(state, pending)| (pending.flow.started_at, *state))
            .collect();
        of_member.sort_unstable();
        for (_, oldest) in of_member.iter().take((of_member.len() + 1).saturating_sub(PER_MEMBER)) {
            flows.remove(oldest);
        }
        flows.insert(hash(state), Pending { flow, browser: hash(browser), taken: false });
    }

    /// The sign-in that `state` names, if it is open and `fits` says so of it, told whether `browser` started it. One that
    /// does not fit is not used up.
    pub(super) fn take(
        &self,
        state: &str,
        browser: Option<&str>,
        now: Timestamp,
        fits: impl FnOnce(&Flow, bool) -> Result<(), Refusal>,
    ) -> Result<Taken, Refusal> {
        let state = hash(state);
        let mut flows = self.lock();
        let pending = flows.get_mut(&state).ok_or(Refusal::UnknownSignIn)?;
        if pending.taken || now.duration_since(pending.flow.started_at) >= LIFETIME {
            return Err(Refusal::UnknownSignIn);
        }
        let same_browser = browser.is_some_and(|browser| hash(browser).ct_eq(&pending.browser).into());
        fits(&pending.flow, same_browser)?;
        pending.taken = true;
        Ok(Taken { flow: pending.flow.clone(), state })
    }

    /// Closes a taken sign-in; `false` when its member called it off meanwhile.
    pub(super) fn close(&self, taken: &Taken) -> bool {
        self.lock().remove(&taken.state).is_some()
    }

    /// Calls off every sign-in of `member`.
    pub(super) fn forget(&self, member: &Member) {
        self.lock().retain(|_, pending| pending.flow.member != *member);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Hash, Pending>> {
        self.by_state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}
