//! A browser's session with the host: who sits there, begun and ended.

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse};
use http::{HeaderMap, Method, header};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::super::error::{HostError, Refusal};
use super::super::member::{HostUser, OrganizationName};
use super::super::notes::Event;
use super::super::organizations::Closed;
use super::super::sessions::Session;
use super::asker::{Asker, asker, is_own_page};
use super::json_body::JsonBody;
use super::{Host, cookies};

/// Who is there, and who could be.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionAnswer {
    /// Who is signed in to the host, if anybody is.
    session: Option<SignedIn>,
    /// Who may be picked, where people pick who they are: organizations and their members, and people of none.
    choices: Option<Vec<Choice>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    user: HostUser,
    organization: Option<OrganizationName>,
    /// Sent with every change, as `X-CSRF-Token`.
    csrf_token: String,
}

#[derive(Serialize, JsonSchema)]
struct Choice {
    /// None: people who belong to no organization.
    organization: Option<OrganizationName>,
    members: Vec<HostUser>,
}

/// Who somebody says they are; nothing where a proxy says it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    /// The person, where people pick who they are.
    #[serde(default)]
    user: Option<HostUser>,
    /// The organization that this session is for; may be left out by members of one.
    #[serde(default)]
    organization: Option<OrganizationName>,
}

/// Nothing but that it worked.
#[derive(Serialize, JsonSchema)]
pub(super) struct Done {
    pub(super) done: bool,
}

pub(super) async fn show(State(host): State<Host>, headers: HeaderMap) -> Result<Json<SessionAnswer>, HostError> {
    if !is_own_page(&Method::GET, &headers, &host, None) {
        return Err(Refusal::Forged.into());
    }
    let session = asker(&headers, &host).and_then(|asker| asker.session).map(|(_, session)| signed_in(&session));
    let choices = host.identity.picks().then(|| {
        let mut choices: Vec<_> = host
            .organizations
            .names()
            .map(|name| Choice { organization: Some(name.clone()), members: host.organizations.members(name) })
            .collect();
        let nowhere = host.people.iter().filter(|user| host.organizations.of(user).is_empty()).cloned().collect();
        choices.push(Choice { organization: None, members: nowhere });
        choices
    });
    Ok(Json(SessionAnswer { session, choices }))
}

pub(super) async fn begin(
    State(host): State<Host>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<Begin>,
) -> Result<impl IntoResponse, HostError> {
    if !is_own_page(&Method::POST, &headers, &host, None) {
        return Err(Refusal::Forged.into());
    }
    let said = if host.identity.picks() { request.user } else { host.identity.identify(&headers) };
    let user = said.filter(|user| host.people.contains(user)).ok_or(Refusal::NoSession)?;
    let organization = match host.organizations.membership(&user, request.organization.as_ref()) {
        Ok(member) => Some(member.organization),
        // Personal accounts may look around; every gate stays closed to them.
        Err(Closed::NotAMember) if request.organization.is_none() => None,
        Err(closed) => return Err(closed.into()),
    };
    let (cookie, session) = host.sessions.begin(user.clone(), organization.clone(), host.clock.now())?;
    host.notes.person(&user, organization.as_ref(), Event::SessionBegun, "ok");
    let answer = Json(SessionAnswer { session: Some(signed_in(&session)), choices: None });
    Ok((AppendHeaders([(header::SET_COOKIE, cookies::session(&host).set(&cookie))]), answer))
}

pub(super) async fn end(State(host): State<Host>, asker: Asker) -> Result<impl IntoResponse, HostError> {
    if let Some((id, session)) = &asker.session {
        host.sessions.end(*id);
        host.notes.person(&session.user, session.organization.as_ref(), Event::SessionEnded, "ok");
    }
    Ok((AppendHeaders([(header::SET_COOKIE, cookies::session(&host).clear())]), Json(Done { done: true })))
}

fn signed_in(session: &Session) -> SignedIn {
    SignedIn {
        user: session.user.clone(),
        organization: session.organization.clone(),
        csrf_token: session.csrf.expose_secret().to_owned(),
    }
}
