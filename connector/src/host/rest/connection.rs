//! A person's own connection: how it stands, starting one, ending it; and an administrator's consent before all of them.

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse};
use http::header;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::super::error::{Fault, HostError, Refusal};
use super::super::member::{HostUser, Member, OrganizationName};
use super::super::notes::Event;
use super::super::organizations::{Closed, Plan};
use super::super::vault::{Account, Record, VaultError};
use super::asker::Asker;
use super::json_body::JsonBody;
use super::{Host, Services, cookies};

/// The longest address that mail can have (RFC 5321).
const MAX_HINT: usize = 320;

/// How things stand for the person who asks.
#[derive(Serialize, JsonSchema)]
pub(super) struct Me {
    user: HostUser,
    /// The organization that this request is for.
    organization: Option<MyOrganization>,
    /// All organizations that the person belongs to.
    organizations: Vec<OrganizationName>,
    connection: Connection,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MyOrganization {
    name: OrganizationName,
    plan: Plan,
    /// Whether the person owns it.
    owner: bool,
    connector_enabled: bool,
    /// Colleagues, the person included.
    members: Vec<HostUser>,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Connection {
    /// Tokens are at hand.
    Connected {
        account: Account,
    },
    /// They were, and the person must sign in again.
    SignInRequired {
        reason: &'static str,
        message: &'static str,
    },
    NotConnected,
}

/// What `POST /api/connect` may be given.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ConnectRequest {
    /// The account to suggest on the sign-in page.
    #[serde(default)]
    login_hint: Option<String>,
}

/// What `POST /api/admin-consent` may be given.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsentRequest {
    /// The tenant id; may be left out by an organization of one tenant.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    tenant: Option<Uuid>,
}

/// Where the browser goes next.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Elsewhere {
    #[schemars(with = "String")]
    authorization_url: Url,
}

/// Whether there was something to forget.
#[derive(Serialize, JsonSchema)]
pub(super) struct Disconnected {
    disconnected: bool,
}

pub(super) async fn me(State(host): State<Host>, asker: Asker) -> Result<Json<Me>, HostError> {
    let organizations = host.organizations.of(&asker.user);
    let user = asker.user.clone();
    match asker.member(&host) {
        Ok(member) => {
            let connection = connection(&host, &member).await?;
            let organization = host.organizations.standing(&member).map(|standing| MyOrganization {
                plan: standing.plan,
                owner: standing.owner,
                connector_enabled: standing.enabled,
                members: host.organizations.members(&member.organization),
                name: member.organization,
            });
            Ok(Json(Me { user, organization, organizations, connection }))
        }
        // Not known for which one, or a personal account: there is nothing to say of a connection.
        Err(Closed::OrganizationUnclear) => {
            Ok(Json(Me { user, organization: None, organizations, connection: Connection::NotConnected }))
        }
        Err(_) if asker.organization.is_none() => {
            Ok(Json(Me { user, organization: None, organizations, connection: Connection::NotConnected }))
        }
        Err(closed) => Err(closed.into()),
    }
}

async fn connection(host: &Services, member: &Member) -> Result<Connection, HostError> {
    let stored = match host.vault.read(member).await {
        Ok(stored) => stored,
        // Spoilt, or sealed with a key that is gone: its owner can do something about it, so they are told.
        Err(error @ (VaultError::OtherKey | VaultError::Tampered | VaultError::Unreadable)) => {
            tracing::warn!(%member, %error, "the vault row of a member does not open");
            let message = "What is kept for you cannot be opened any more. Connect again.";
            return Ok(Connection::SignInRequired { reason: "UNREADABLE", message });
        }
        Err(error) => return Err(Fault::Vault(error).into()),
    };
    Ok(match stored.map(|stored| stored.record) {
        None => Connection::NotConnected,
        Some(Record::Connected(connected)) => Connection::Connected { account: connected.account },
        Some(Record::Ended(ended)) => {
            Connection::SignInRequired { reason: ended.reason.code(), message: ended.reason.message() }
        }
    })
}

pub(super) async fn connect(
    State(host): State<Host>,
    asker: Asker,
    JsonBody(request): JsonBody<ConnectRequest>,
) -> Result<impl IntoResponse, HostError> {
    let member = asker.admitted(&host)?;
    if request.login_hint.as_ref().is_some_and(|hint| hint.len() > MAX_HINT) {
        return Err(Refusal::Malformed("The login hint is longer than an address can be.").into());
    }
    let session = asker.session.map(|(id, _)| id);
    let started = host.connect.start(&member, session, request.login_hint.as_deref()).await?;
    let cookie = cookies::sign_in(&host).set(&started.browser);
    let answer = Json(Elsewhere { authorization_url: started.authorization_url });
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), answer))
}

/// Open to members of an organization that has the connector off, too: forgetting is always allowed.
pub(super) async fn disconnect(State(host): State<Host>, asker: Asker) -> Result<Json<Disconnected>, HostError> {
    let member = asker.member(&host)?;
    let disconnected = host.connect.disconnect(&member).await?;
    Ok(Json(Disconnected { disconnected }))
}

/// Open to every member: who may consent is decided by Microsoft, where the administrator signs in.
pub(super) async fn admin_consent(
    State(host): State<Host>,
    asker: Asker,
    JsonBody(request): JsonBody<ConsentRequest>,
) -> Result<impl IntoResponse, HostError> {
    let member = asker.admitted(&host)?;
    let tenants = host.organizations.tenants(&member.organization);
    let tenant = match (request.tenant, tenants.as_slice()) {
        (Some(tenant), known) if known.contains(&tenant) => tenant,
        (Some(_), _) => return Err(Refusal::ConsentElsewhere.into()),
        (None, [only]) => *only,
        (None, _) => return Err(Refusal::Malformed("Say for which tenant: `{\"tenant\":\"…\"}`.").into()),
    };
    let started = host.consents.start(&member, tenant)?;
    host.notes.member(&member, Event::ConsentStarted, "ok");
    let cookie = cookies::consent(&host).set(&started.browser);
    let answer = Json(Elsewhere { authorization_url: started.authorization_url });
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), answer))
}
