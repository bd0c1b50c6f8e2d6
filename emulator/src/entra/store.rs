//! What was handed out and is opaque to its holder: authorization codes, refresh tokens, sign-in cookies.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fixtures::ids::{AppId, TenantId, UserId};
use fixtures::plan::RedirectKind;
use jiff::Timestamp;
use uuid::Uuid;

use super::tenant::Authority;
use crate::directory::{Requested, SignedIn};

/// An authorization code's side of the story.
#[derive(Debug, Clone)]
pub struct Code {
    /// Tenant that issued it.
    pub tenant: TenantId,
    /// The client it was issued to.
    pub client: AppId,
    /// The redirect URI it was sent to, as the request spelled it.
    pub redirect_uri: String,
    /// What that URI is registered as.
    pub kind: RedirectKind,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub signed_in: SignedIn,
    /// The scopes of the authorization request, by resource, in the order of the request.
    pub scopes: AskedScopes,
    /// PKCE.
    pub challenge: Option<Challenge>,
    /// `nonce`.
    pub nonce: Option<String>,
    /// After this it is worthless.
    pub expires_at: Timestamp,
    /// Whether it was redeemed.
    pub spent: bool,
}

/// What a scope parameter asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AskedScopes {
    /// Resources in the order of the request.
    pub resources: Vec<(AppId, Requested)>,
    /// OpenID Connect scopes.
    pub oidc: BTreeSet<String>,
    /// The parameter as it was sent.
    pub raw: String,
}

/// A PKCE challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// `code_challenge`.
    pub value: String,
    /// `code_challenge_method`.
    pub method: ChallengeMethod,
}

/// How a verifier becomes a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeMethod {
    /// Base64url of its SHA-256.
    S256,
    /// As it is.
    Plain,
}

/// A refresh token's side of the story. Bound to user and client, not to a resource.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// Tenant that issued it.
    pub tenant: TenantId,
    /// The client it was issued to.
    pub client: AppId,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub signed_in: SignedIn,
    /// What it was issued for: the default of a refresh without `scope`.
    pub scopes: AskedScopes,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// After this it is worthless. Every use hands out a new one with a new term; the old one keeps its own.
    pub expires_at: Timestamp,
    /// What kind of client it was issued to.
    pub holder: Holder,
    /// All that come from the same sign-in.
    pub family: Family,
    /// Whether it was used, where that matters.
    pub spent: bool,
}

/// The refresh tokens that come from one sign-in, each the successor of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family(u64);

/// What kind of client holds a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A page of a single-page application: the term is fixed, and requests come from a page.
    Spa,
    /// A client without a credential.
    Public,
    /// A client that proved itself.
    Confidential,
}

/// A device that waits for somebody to type its code.
#[derive(Debug, Clone)]
pub struct Device {
    /// The client.
    pub client: AppId,
    /// The endpoint it asked.
    pub(crate) authority: Authority,
    /// What it shows.
    pub user_code: String,
    /// What it asked for.
    pub scopes: AskedScopes,
    /// What became of it.
    pub state: DeviceState,
    /// After this the codes are worthless.
    pub expires_at: Timestamp,
    /// How long it has to wait between two polls, in seconds.
    pub interval_seconds: i64,
    /// When it asked last.
    pub polled_at: Option<Timestamp>,
}

/// What became of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody typed the code yet.
    Pending,
    /// Somebody let it in.
    Approved {
        /// Tenant.
        tenant: TenantId,
        /// Who.
        user: UserId,
        /// Their sign-in.
        signed_in: SignedIn,
    },
    /// Somebody said no.
    Declined,
    /// The tokens were fetched.
    Spent,
}

/// A sign-in session of one browser.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its public name: `session_state` of answers, `sid` of logout.
    pub id: Uuid,
    /// Tenant.
    pub tenant: TenantId,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub signed_in: SignedIn,
    /// The applications that were signed in to, each once.
    pub clients: Vec<AppId>,
    /// After this it is worthless.
    pub expires_at: Timestamp,
}

/// All that was handed out.
#[derive(Default)]
pub struct Store {
    inner: Mutex<Inner>,
}

impl fmt::Debug for Store {
    /// Says how much there is: the values are credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        f.debug_struct("Store")
            .field("codes", &inner.codes.len())
            .field("refresh", &inner.refresh.len())
            .field("sessions", &inner.sessions.len())
            .finish()
    }
}

#[derive(Default)]
struct Inner {
    codes: BTreeMap<String, Code>,
    refresh: BTreeMap<String, RefreshToken>,
    families: u64,
    /// Refresh tokens as they came, the oldest first.
    order: VecDeque<String>,
    sessions: BTreeMap<String, Session>,
    devices: BTreeMap<String, Device>,
    /// Wrong passwords in a row, and the last of them.
    failures: BTreeMap<(TenantId, UserId), (u32, Timestamp)>,
}

/// Wrong passwords in a row that lock an account, and for how long: the defaults of smart lockout.
///
/// <https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout>
const LOCKING_FAILURES: u32 = 10;
const LOCKED_SECONDS: i64 = 60;

/// How many refresh tokens are kept. An old one stays valid after its use, so that they would grow without end.
const MOST_REFRESH_TOKENS: usize = 200_000;

impl Store {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a code.
    pub fn keep_code(&self, value: String, code: Code) {
        let mut inner = self.inner();
        // Codes are many and live for minutes: what ran out long ago goes when a new one comes.
        let now = code.expires_at;
        inner.codes.retain(|_, old| now.duration_since(old.expires_at).as_hours() < 1);
        inner.codes.insert(value, code);
    }

    /// A code, spent or not.
    pub fn code(&self, value: &str) -> Option<Code> {
        self.inner().codes.get(value).cloned()
    }

    /// Spends a code. `false` when somebody else did first: of two redemptions at once, one wins.
    pub fn spend_code(&self, value: &str) -> bool {
        match self.inner().codes.get_mut(value) {
            Some(code) if !code.spent => {
                code.spent = true;
                true
            }
            _ => false,
        }
    }

    /// Keeps a refresh token.
    pub fn keep_refresh(&self, value: String, token: RefreshToken) {
        let mut inner = self.inner();
        let now = token.issued_at;
        // What ran out goes, oldest first; beyond the bound the oldest goes in any case.
        while let Some(oldest) = inner.order.front() {
            let is_over = inner.refresh.get(oldest).is_none_or(|old| old.expires_at <= now);
            if !is_over && inner.order.len() < MOST_REFRESH_TOKENS {
                break;
            }
            if let Some(oldest) = inner.order.pop_front() {
                inner.refresh.remove(&oldest);
            }
        }
        inner.order.push_back(value.clone());
        inner.refresh.insert(value, token);
    }

    /// A refresh token.
    pub fn refresh(&self, value: &str) -> Option<RefreshToken> {
        self.inner().refresh.get(value).cloned()
    }

    /// Forgets a refresh token.
    pub fn end_refresh(&self, value: &str) {
        self.inner().refresh.remove(value);
    }

    /// Spends a refresh token, which is still known: who brings it again is noticed. `false` when somebody else did first.
    pub fn spend_refresh(&self, value: &str) -> bool {
        self.inner().refresh.get_mut(value).is_some_and(|token| !std::mem::replace(&mut token.spent, true))
    }

    /// Forgets all that come from the same sign-in.
    pub fn end_family(&self, family: Family) {
        self.inner().refresh.retain(|_, token| token.family != family);
    }

    /// Nobody's so far.
    pub fn new_family(&self) -> Family {
        let mut inner = self.inner();
        inner.families += 1;
        Family(inner.families)
    }

    /// Keeps a session.
    pub fn keep_session(&self, value: String, session: Session) {
        let mut inner = self.inner();
        let now = session.signed_in.at;
        inner.sessions.retain(|_, old| old.expires_at > now);
        inner.sessions.insert(value, session);
    }

    /// Writes down that a session reached an application.
    pub fn take_part(&self, value: &str, client: AppId) {
        if let Some(session) = self.inner().sessions.get_mut(value)
            && !session.clients.contains(&client)
        {
            session.clients.push(client);
        }
    }

    /// A session.
    pub fn session(&self, value: &str) -> Option<Session> {
        self.inner().sessions.get(value).cloned()
    }

    /// Changes a session in place.
    pub fn edit_session(&self, value: &str, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.inner().sessions.get_mut(value) {
            change(session);
        }
    }

    /// Forgets a session, and says what it was.
    pub fn end_session(&self, value: &str) -> Option<Session> {
        self.inner().sessions.remove(value)
    }

    /// Whether too many wrong passwords were tried a moment ago.
    pub fn is_locked(&self, tenant: TenantId, user: UserId, now: Timestamp) -> bool {
        self.inner().failures.get(&(tenant, user)).is_some_and(|(count, last)| {
            *count >= LOCKING_FAILURES && now.as_second().saturating_sub(last.as_second()) < LOCKED_SECONDS
        })
    }

    /// A wrong password.
    pub fn count_failure(&self, tenant: TenantId, user: UserId, now: Timestamp) {
        let mut inner = self.inner();
        let (count, last) = inner.failures.entry((tenant, user)).or_insert((0, now));
        (*count, *last) = (count.saturating_add(1), now);
    }

    /// The right one.
    pub fn forget_failures(&self, tenant: TenantId, user: UserId) {
        self.inner().failures.remove(&(tenant, user));
    }

    /// Keeps a device.
    pub fn keep_device(&self, code: String, device: Device) {
        let mut inner = self.inner();
        let now = device.expires_at;
        inner.devices.retain(|_, old| now.duration_since(old.expires_at).as_hours() < 1);
        inner.devices.insert(code, device);
    }

    /// The device that shows this code.
    pub fn device_of(&self, user_code: &str) -> Option<Device> {
        self.inner().devices.values().find(|device| device.user_code == user_code).cloned()
    }

    /// Somebody decided about a device that waits.
    pub fn decide_device(&self, user_code: &str, state: DeviceState) {
        let mut inner = self.inner();
        let device = inner.devices.values_mut().find(|device| device.user_code == user_code);
        if let Some(device) = device.filter(|device| device.state == DeviceState::Pending) {
            device.state = state;
        }
    }

    /// What `change` makes of the device behind a device code: nobody else sees it in between.
    pub(crate) fn with_device<T>(&self, code: &str, change: impl FnOnce(&mut Device) -> T) -> Option<T> {
        self.inner().devices.get_mut(code).map(change)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.inner() = Inner::default();
    }
}
