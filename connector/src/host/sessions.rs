//! Which browser is signed in to the host, and as whom? A session lives in memory, is known by a cookie that is kept as a hash,
//! and changes nothing without its anti-forgery token: cookies travel by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::member::{HostUser, OrganizationName};
use crate::entropy::{self, NoEntropy};

/// A session that is not used for so long is over.
const IDLE: SignedDuration = SignedDuration::from_hours(12);

/// More than a busy day of one replica; the one that was idle longest makes room.
const MOST: usize = 10_000;

/// Names a session without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SessionId([u8; 32]);

/// A browser that is signed in.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) user: HostUser,
    pub(super) organization: Option<OrganizationName>,
    /// What the page sends with every change.
    pub(super) csrf: SecretString,
    /// Tools that are off in this session.
    pub(super) off: BTreeSet<String>,
    used_at: Timestamp,
}

/// The sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<BTreeMap<SessionId, Session>>);

impl SessionId {
    pub(super) fn of(cookie: &str) -> Self {
        Self(Sha256::digest(cookie.as_bytes()).into())
    }
}

impl Session {
    pub(super) fn csrf_matches(&self, presented: Option<&str>) -> bool {
        presented.is_some_and(|presented| presented.as_bytes().ct_eq(self.csrf.expose_secret().as_bytes()).into())
    }
}

impl Sessions {
    /// Begins a session; returns the cookie's value.
    pub(super) fn begin(
        &self,
        user: HostUser,
        organization: Option<OrganizationName>,
        now: Timestamp,
    ) -> Result<(SecretString, Session), NoEntropy> {
        let cookie = entropy::word()?;
        let session = Session { user, organization, csrf: entropy::word()?.into(), off: BTreeSet::new(), used_at: now };
        let mut sessions = self.lock();
        sessions.retain(|_, session| now.duration_since(session.used_at) < IDLE);
        if sessions.len() >= MOST
            && let Some(oldest) = sessions.iter().min_by_key(|(_, session)| session.used_at).map(|(id, _)| *id)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(SessionId::of(&cookie), session.clone());
        Ok((cookie.into(), session))
    }

    /// The session of a cookie.
    pub(super) fn find(&self, id: SessionId, now: Timestamp) -> Option<Session> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&id).filter(|session| now.duration_since(session.used_at) < IDLE)?;
        session.used_at = now;
        Some(session.clone())
    }

    /// Switches a tool in one session; `false` when it is over.
    pub(super) fn switch(&self, id: SessionId, tool: &str, on: bool) -> bool {
        let mut sessions = self.lock();
        let Some(session) = sessions.get_mut(&id) else { return false };
        if on {
            session.off.remove(tool);
        } else {
            session.off.insert(tool.to_owned());
        }
        true
    }

    /// Ends a session.
    pub(super) fn end(&self, id: SessionId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SessionId, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
