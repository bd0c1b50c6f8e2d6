//! What was handed out and is opaque to its holder: authorization codes, refresh tokens, sign-in cookies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fixtures::ids::{AppId, TenantId, UserId};
use jiff::Timestamp;

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
    /// Whether that URI is registered as `spa`.
    pub spa: bool,
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
}

/// A sign-in session of one browser.
#[derive(Debug, Clone)]
pub struct Session {
    /// Tenant.
    pub tenant: TenantId,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub signed_in: SignedIn,
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
    sessions: BTreeMap<String, Session>,
}

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
        self.inner().refresh.insert(value, token);
    }

    /// A refresh token.
    pub fn refresh(&self, value: &str) -> Option<RefreshToken> {
        self.inner().refresh.get(value).cloned()
    }

    /// Keeps a session.
    pub fn keep_session(&self, value: String, session: Session) {
        self.inner().sessions.insert(value, session);
    }

    /// A session.
    pub fn session(&self, value: &str) -> Option<Session> {
        self.inner().sessions.get(value).cloned()
    }

    /// Forgets a session.
    pub fn end_session(&self, value: &str) {
        self.inner().sessions.remove(value);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.inner() = Inner::default();
    }
}
