//! The sign-in session of one browser: a cookie whose value says nothing.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use crate::directory::{Credential, Presented, SignedIn, User};
use crate::entra::store::Session;
use crate::entra::tenant::Authority;
use crate::world::{State, TenantWorld, World};

const COOKIE: &str = "ESTSAUTH";
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Somebody who proved who they are.
#[derive(Clone, Copy)]
pub(crate) struct Somebody<'w> {
    pub(crate) tenant: &'w TenantWorld,
    pub(crate) user: &'w User,
    pub(crate) signed_in: SignedIn,
}

/// Who the browser's session is about, if it has one that is still good here.
pub(crate) fn current<'w>(
    state: &State,
    world: &'w World,
    authority: Authority,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<Somebody<'w>> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let value = cookies
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(name, _)| *name == COOKIE).map(|(_, value)| value))?;
    let session = state.issued.session(value)?;
    if session.expires_at <= now || !authority.covers(session.tenant) {
        return None;
    }
    let tenant = world.tenant(session.tenant)?;
    let user = tenant.directory.user(session.user)?;
    let account = world.account(user)?;
    let rules = &state.rules.issuer;
    let presented = Presented { signed_in: session.signed_in, credential: Credential::Session };
    let is_good = (rules.account)(user).is_ok()
        && (rules.account)(account).is_ok()
        && (rules.voided)(account, &presented).is_none();
    is_good.then_some(Somebody { tenant, user, signed_in: session.signed_in })
}

/// Somebody signs in now. The session begins with the answer that carries the cookie.
pub(crate) fn begin<'w>(
    state: &State,
    world: &World,
    tenant: &'w TenantWorld,
    user: &'w User,
    now: Timestamp,
    secure: bool,
) -> (Somebody<'w>, Cookie) {
    let signed_in = world.account(user).unwrap_or(user).sign_in(now);
    let value = URL_SAFE_NO_PAD.encode(state.seed.draw("session"));
    let session = Session {
        tenant: tenant.id,
        user: user.id,
        signed_in,
        expires_at: now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX),
    };
    state.issued.keep_session(value.clone(), session);
    // Browsers keep `SameSite=None` only on secure connections.
    let protection = if secure { "Secure; SameSite=None" } else { "SameSite=Lax" };
    (Somebody { tenant, user, signed_in }, Cookie(format!("{COOKIE}={value}; Path=/; HttpOnly; {protection}")))
}

/// A cookie to be set.
pub(crate) struct Cookie(String);

impl Cookie {
    pub(crate) fn set(self, response: &mut Response) {
        if let Ok(value) = HeaderValue::try_from(self.0) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
}
