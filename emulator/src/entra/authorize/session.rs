//! The sign-in session of one browser: a cookie whose value says nothing.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::directory::{Credential, Presented, SignedIn, User};
use crate::entra::store::Session;
use crate::entra::tenant::Authority;
use crate::entra::visit::Visit;
use crate::world::TenantWorld;

const COOKIE: &str = "ESTSAUTH";
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Somebody who proved who they are.
#[derive(Clone)]
pub(crate) struct Somebody<'w> {
    pub(crate) tenant: &'w TenantWorld,
    pub(crate) user: &'w User,
    pub(crate) signed_in: SignedIn,
    /// The session's cookie.
    pub(crate) session: String,
    /// The session's public name: `session_state`, `sid`.
    pub(crate) id: Uuid,
}

impl Somebody<'_> {
    /// Whether a hint means this person: by the name they sign in with, here or at home.
    pub(crate) fn is_named(&self, hint: &str) -> bool {
        self.user.upn.eq_ignore_ascii_case(hint)
            || self.user.home.is_some() && self.user.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(hint))
    }
}

/// The value of the session cookie, whatever it is worth.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(name, _)| *name == COOKIE).map(|(_, value)| value))
}

/// Who the browser's session is about, if it has one that is still good here.
pub(crate) fn current<'w>(visit: &Visit<'w>, authority: Authority) -> Option<Somebody<'w>> {
    let value = cookie(visit.headers)?;
    let session = visit.state.issued.session(value)?;
    if session.expires_at <= visit.trace.now || !authority.covers(session.tenant) {
        return None;
    }
    let tenant = visit.world.tenant(session.tenant)?;
    let user = tenant.directory.user(session.user)?;
    let account = visit.world.account(user)?;
    let rules = &visit.state.rules.issuer;
    let presented = Presented { signed_in: session.signed_in, credential: Credential::Session };
    let is_good = (rules.account)(user).is_ok()
        && (rules.account)(account).is_ok()
        && (rules.voided)(account, &presented).is_none();
    is_good.then(|| Somebody { tenant, user, signed_in: session.signed_in, session: value.to_owned(), id: session.id })
}

/// The person of this session showed a second factor.
pub(crate) fn strengthen(visit: &Visit<'_>, session: &str) {
    let now = visit.trace.now;
    visit.state.issued.edit_session(session, |session| session.signed_in.second_factor_at = Some(now));
}

/// Somebody signs in now. The session begins with the answer that carries the cookie.
pub(crate) fn begin<'w>(visit: &Visit<'w>, tenant: &'w TenantWorld, user: &'w User) -> (Somebody<'w>, Cookie) {
    let now = visit.trace.now;
    let signed_in = visit.world.account(user).unwrap_or(user).sign_in(now);
    let value = URL_SAFE_NO_PAD.encode(visit.state.seed.draw("session"));
    let id = visit.state.seed.guid("session-state");
    let session = Session {
        id,
        tenant: tenant.id,
        user: user.id,
        signed_in,
        clients: Vec::new(),
        expires_at: now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX),
    };
    visit.state.issued.keep_session(value.clone(), session);
    let cookie = Cookie::new(visit, &value, "");
    (Somebody { tenant, user, signed_in, session: value, id }, cookie)
}

/// A cookie to be set.
pub(crate) struct Cookie(String);

impl Cookie {
    fn new(visit: &Visit<'_>, value: &str, more: &str) -> Self {
        // Browsers keep `SameSite=None` only on secure connections.
        let protection = if visit.is_secure() { "Secure; SameSite=None" } else { "SameSite=Lax" };
        Self(format!("{COOKIE}={value}; Path=/; HttpOnly; {protection}{more}"))
    }

    /// The cookie that takes the session's away.
    pub(crate) fn gone(visit: &Visit<'_>) -> Self {
        Self::new(visit, "", "; Max-Age=0")
    }

    pub(crate) fn set(self, response: &mut Response) {
        if let Ok(value) = HeaderValue::try_from(self.0) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
}
