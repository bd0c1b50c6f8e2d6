//! A person's own connection: how it stands, starting one, ending it.

use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse};
use http::header;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::error::{Fault, HostError, Refusal};
use super::super::member::{HostUser, OrganizationName};
use super::super::vault::{Account, Record};
use super::asker::Asker;
use super::json_body::JsonBody;
use super::{BrowserCookie, Host};

/// The longest address that mail can have (RFC 5321).
const MAX_HINT: usize = 320;

/// How things stand for the person who asks.
#[derive(Serialize)]
pub(super) struct Me {
    user: HostUser,
    organization: Option<MyOrganization>,
    connection: Connection,
}

#[derive(Serialize)]
struct MyOrganization {
    name: OrganizationName,
    owner: bool,
    #[serde(rename = "connectorEnabled")]
    connector_enabled: bool,
}

#[derive(Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Connection {
    Connected { account: Account },
    SignInRequired { reason: &'static str, message: &'static str },
    NotConnected,
}

/// What `POST /api/connect` may be given.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ConnectRequest {
    /// The account to suggest on the sign-in page.
    #[serde(default)]
    login_hint: Option<String>,
}

pub(super) async fn me(State(host): State<Host>, Asker(user): Asker) -> Result<Json<Me>, HostError> {
    let Ok(member) = host.organizations.membership(&user) else {
        return Ok(Json(Me { user, organization: None, connection: Connection::NotConnected }));
    };
    let connection = match host.vault.read(&member).await.map_err(Fault::Vault)?.map(|stored| stored.record) {
        None => Connection::NotConnected,
        Some(Record::Connected(connected)) => Connection::Connected { account: connected.account },
        Some(Record::Ended(ended)) => {
            Connection::SignInRequired { reason: ended.reason.code(), message: ended.reason.message() }
        }
    };
    let organization = MyOrganization {
        owner: host.organizations.is_owner(&member),
        connector_enabled: host.organizations.is_enabled(&member.organization),
        name: member.organization,
    };
    Ok(Json(Me { user, organization: Some(organization), connection }))
}

pub(super) async fn connect(
    State(host): State<Host>,
    Asker(user): Asker,
    JsonBody(request): JsonBody<ConnectRequest>,
) -> Result<impl IntoResponse, HostError> {
    let member = host.organizations.gate(&user)?;
    if request.login_hint.as_ref().is_some_and(|hint| hint.len() > MAX_HINT) {
        return Err(Refusal::Malformed("The login hint is longer than an address can be.").into());
    }
    let started = host.connect.start(&member, request.login_hint.as_deref()).await?;
    let cookie = BrowserCookie::of(&host).set(&started.browser);
    let answer = Json(json!({ "authorizationUrl": started.authorization_url }));
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), answer))
}

/// Open to members of an organization that has the connector off, too: forgetting is always allowed.
pub(super) async fn disconnect(State(host): State<Host>, Asker(user): Asker) -> Result<Json<Value>, HostError> {
    let member = host.organizations.membership(&user)?;
    let existed = host.connect.disconnect(&member).await?;
    Ok(Json(json!({ "disconnected": existed })))
}
