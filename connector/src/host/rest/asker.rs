//! Who asks? Whoever presents an API token of the host, or the page of a browser that is signed in to it. A token in a header
//! never travels by itself; a cookie does, so a change needs the page's own proof with it ([`HostPolicy::own_page`]).
//!
//! [`HostPolicy::own_page`]: crate::host::HostPolicy::own_page

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, Method, header};

use super::super::error::{HostError, Refusal};
use super::super::member::{HostUser, Member, OrganizationName};
use super::super::organizations::Closed;
use super::super::policy::Ambient;
use super::super::sessions::{Session, SessionId};
use super::cookies;
use super::{Host, Services};

/// The header in which somebody of several organizations says which one a request is for.
pub(super) const ORGANIZATION: &str = "offline365-organization";

/// The header with a session's anti-forgery token.
const CSRF: &str = "x-csrf-token";

/// The person who asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) user: HostUser,
    pub(super) organization: Option<OrganizationName>,
    pub(super) session: Option<(SessionId, Session)>,
}

impl Asker {
    /// The asker as a member of the organization that this is for, whether or not the connector is on.
    pub(super) fn member(&self, host: &Services) -> Result<Member, Closed> {
        host.organizations.membership(&self.user, self.organization.as_ref())
    }

    /// The same, of one that has the connector on.
    pub(super) fn admitted(&self, host: &Services) -> Result<Member, Closed> {
        let member = self.member(host)?;
        host.organizations.gate(&member)?;
        Ok(member)
    }
}

impl FromRequestParts<Host> for Asker {
    type Rejection = HostError;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Self::Rejection> {
        let asker = asker(&parts.headers, host).ok_or(Refusal::Unauthenticated)?;
        if let Some((_, session)) = &asker.session
            && !is_own_page(&parts.method, &parts.headers, host, Some(session))
        {
            return Err(Refusal::Forged.into());
        }
        Ok(asker)
    }
}

/// Whether our own page sent this. `session` is none for the request that begins one.
pub(super) fn is_own_page(method: &Method, headers: &HeaderMap, host: &Services, session: Option<&Session>) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    (host.policy.own_page)(&Ambient {
        reads: matches!(*method, Method::GET | Method::HEAD),
        origin: text("origin"),
        own: &host.origin,
        fetch_site: text("sec-fetch-site"),
        token_matches: session.is_none_or(|session| session.csrf_matches(text(CSRF))),
    })
}

/// Who a request says it is from, where it does not have to say so.
pub(super) fn asker(headers: &HeaderMap, host: &Services) -> Option<Asker> {
    if headers.contains_key(header::AUTHORIZATION) {
        let user = of_token(headers, host)?;
        let organization = headers.get(ORGANIZATION).map(|name| OrganizationName::from(name.to_str().unwrap_or("")));
        return Some(Asker { user, organization, session: None });
    }
    let id = SessionId::of(cookies::session(host).read(headers)?);
    let session = host.sessions.find(id, host.clock.now())?;
    // Where a proxy says who is there, a session of somebody else is over.
    if !host.identity.picks() && host.identity.identify(headers).as_ref() != Some(&session.user) {
        host.sessions.end(id);
        return None;
    }
    Some(Asker { user: session.user.clone(), organization: session.organization.clone(), session: Some((id, session)) })
}

fn of_token(headers: &HeaderMap, host: &Services) -> Option<HostUser> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, api_token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return None;
    }
    host.users.authenticate(api_token.trim())
}
