//! The token endpoint: four grants, one way to answer.

mod client_credentials;
mod code;
mod on_behalf_of;
mod refresh;

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::ids::{AppId, TenantId, UserId};
use fixtures::plan::Registration;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::claims::{ClientProof, Subject, carried, declares_cp1};
use super::client::{self, Client};
use super::error::{About, EntraError, Trace};
use super::form::Form;
use super::scope::{self, GRAPH};
use super::store::{AskedScopes, RefreshToken};
use super::tenant::Authority;
use crate::directory::{Credential, Presented, Question, Requested, SignedIn, decide};
use crate::journal::AuditRow;
use crate::serve::Arrived;
use crate::world::{State, World};

const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Of a refresh token: every use hands out one with a new term.
const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);

/// One request to the token endpoint.
struct Asked<'s> {
    state: &'s State,
    world: &'s World,
    form: &'s Form,
    headers: &'s HeaderMap,
    authority: Authority,
    /// The tenant as the path spells it, for texts.
    tenant_text: &'s str,
    client: Client<'s>,
    /// The client declared `cp1`.
    claims_capable: bool,
    now: Timestamp,
    origin: &'s str,
}

/// A grant that was accepted: who gets a token, and for what.
struct Accepted {
    tenant: TenantId,
    user: UserId,
    signed_in: SignedIn,
    /// What was presented.
    credential: Credential,
    /// When the credential that was presented came into the world.
    issued_at: Timestamp,
    scopes: AskedScopes,
    nonce: Option<String>,
    /// A refresh request without `offline_access` still gets its successor.
    always_refreshable: bool,
}

/// What the audit row of a request says. Filled while the request is worked on, so that a refusal says how far it came.
#[derive(Default)]
struct Story {
    grant: String,
    tenant: Option<TenantId>,
    user: Option<UserId>,
    client: Option<AppId>,
    scopes: Vec<String>,
}

/// `/{t}/oauth2/v2.0/token`.
pub(super) async fn endpoint(
    Shared(state): Shared<Arc<State>>,
    Extension(arrived): Extension<Arrived>,
    Path(tenant): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = Trace::of(&state, &headers, &arrived.origin);
    let mut story = Story::default();
    let result = if method == Method::POST {
        answer(&state, &arrived.origin, &tenant, &headers, &body, trace.now, &mut story)
    } else {
        Err(EntraError::PostOnly(method.to_string()))
    };
    let (response, error) = match result {
        Ok(body) => (trace.json(StatusCode::OK, &body, 0), None),
        Err(error) => (trace.refuse(&error), Some(error)),
    };
    state.journal.audit(AuditRow {
        seq: 0,
        time: trace.now,
        kind: "token",
        tenant: story.tenant,
        user: story.user,
        client: story.client,
        operation: story.grant,
        resource: format!("/{tenant}/oauth2/v2.0/token"),
        scopes: story.scopes,
        status: response.status().as_u16(),
        error: error.as_ref().map(EntraError::code),
        reason: error.map(|error| error.to_string()),
        request_id: trace.request_id,
        client_request_id: trace.client_request_id,
    });
    response
}

fn answer(
    state: &State,
    origin: &str,
    tenant: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
    story: &mut Story,
) -> Result<Value, EntraError> {
    let world = state.world();
    let authority = Authority::parse(&world, tenant)?;
    if let Authority::Tenant(id) = authority {
        story.tenant = Some(id);
    }
    let form = Form::body(headers, body)?;
    let grant = form.need("grant_type")?;
    story.grant = match grant {
        ON_BEHALF_OF => "on_behalf_of".to_owned(),
        // Whatever else was sent does not belong into a log.
        "authorization_code" | "refresh_token" | "client_credentials" => grant.to_owned(),
        _ => "unsupported".to_owned(),
    };
    let client = client::authenticate(state, &world, authority, headers, &form, tenant)?;
    story.client = Some(client.registration.app_id);
    let claims_capable = match form.get("claims") {
        Some(claims) => declares_cp1(claims)
            .ok_or_else(|| EntraError::UnsupportedValue { parameter: "claims", value: String::new() })?,
        None => false,
    };
    let asked = Asked {
        state,
        world: &world,
        form: &form,
        headers,
        authority,
        tenant_text: tenant,
        client,
        claims_capable,
        now,
        origin,
    };
    let accepted = match grant {
        "client_credentials" => return client_credentials::answer(&asked, story),
        "authorization_code" => code::redeem(&asked)?,
        "refresh_token" => refresh::redeem(&asked)?,
        ON_BEHALF_OF => on_behalf_of::redeem(&asked)?,
        other => {
            state.journal.unmodelled(format!("login: grant_type {}", known_grant(other)));
            return Err(EntraError::UnsupportedGrant(other.to_owned()));
        }
    };
    story.tenant = Some(accepted.tenant);
    story.user = Some(accepted.user);
    issue(&asked, &accepted, story)
}

/// Names of grants that the service knows; anything else is one word in the count.
fn known_grant(name: &str) -> &str {
    match name {
        "password" | "urn:ietf:params:oauth:grant-type:device_code" => name,
        _ => "(other)",
    }
}

impl Asked<'_> {
    /// The scopes of this request, or `default` when it names none; exactly one resource.
    fn scopes(&self, default: &AskedScopes) -> Result<AskedScopes, EntraError> {
        match self.form.get("scope") {
            Some(raw) => scope::parse(self.world, raw, self.tenant_text),
            None => Ok(default.clone()),
        }
    }
}

/// Asks the directory, and answers with tokens.
fn issue(asked: &Asked<'_>, accepted: &Accepted, story: &mut Story) -> Result<Value, EntraError> {
    let Asked { state, world, client, .. } = asked;
    let tenant =
        world.tenant(accepted.tenant).ok_or_else(|| EntraError::TenantNotFound(accepted.tenant.to_string()))?;
    let (resource, requested) = first_resource(world, &accepted.scopes, asked.tenant_text)?;
    let question = Question {
        tenant: accepted.tenant,
        user: accepted.user,
        client: client.registration,
        resource,
        requested: &requested,
        presented: Presented { signed_in: accepted.signed_in, credential: accepted.credential },
    };
    let about =
        About { tenant: &tenant.display_name, client: client.registration, resource, issued_at: accepted.issued_at };
    let permitted = decide(world, &state.rules.issuer, &question).map_err(|denial| EntraError::of(denial, &about))?;
    let user =
        tenant.directory.user(accepted.user).ok_or_else(|| EntraError::UserNotFound(tenant.display_name.clone()))?;
    let subject = Subject {
        state,
        tenant,
        user,
        client: client.registration,
        signed_in: accepted.signed_in,
        client_proof: client.proof,
        now: asked.now,
        origin: asked.origin,
    };
    let scopes = carried(resource, permitted.scopes, &accepted.scopes.oidc);
    let access = subject.access_token(resource, &scopes, asked.claims_capable)?;
    story.scopes = scopes.iter().cloned().collect();
    let mut body = json!({
        "token_type": "Bearer",
        "scope": scope::answered(resource, &scopes, &accepted.scopes),
        "expires_in": access.lifetime_seconds - 1,
        "ext_expires_in": access.lifetime_seconds - 1,
        "access_token": access.token,
    });
    if access.lifetime_seconds > 7_200 {
        body["refresh_in"] = json!(access.lifetime_seconds / 2);
    }
    if accepted.always_refreshable || accepted.scopes.oidc.contains("offline_access") {
        body["refresh_token"] = json!(keep_refresh(asked, accepted));
    }
    if accepted.scopes.oidc.contains("openid") {
        body["id_token"] = json!(subject.id_token(&accepted.scopes.oidc, accepted.nonce.as_deref())?);
    }
    if asked.form.get("client_info") == Some("1") {
        body["client_info"] = json!(subject.client_info());
    }
    Ok(body)
}

fn first_resource<'s>(
    world: &'s World,
    scopes: &AskedScopes,
    tenant: &str,
) -> Result<(&'s Registration, Requested), EntraError> {
    match scopes.resources.first() {
        Some((id, requested)) => world
            .app(*id)
            .map(|resource| (resource, requested.clone()))
            .ok_or_else(|| EntraError::ResourceNotFound { resource: id.to_string(), tenant: tenant.to_owned() }),
        // Only sign-in scopes: they are Graph's.
        None => scope::resource_named(world, GRAPH)
            .map(|graph| (graph, Requested::Named(scopes.oidc.clone())))
            .ok_or_else(|| EntraError::ResourceNotFound { resource: GRAPH.to_owned(), tenant: tenant.to_owned() }),
    }
}

fn keep_refresh(asked: &Asked<'_>, accepted: &Accepted) -> String {
    let mut value = b"1.".to_vec();
    let (one, two) = (asked.state.seed.draw("refresh-token"), asked.state.seed.draw("refresh-token"));
    value.extend_from_slice(URL_SAFE_NO_PAD.encode([one, two].concat()).as_bytes());
    let value = String::from_utf8_lossy(&value).into_owned();
    let token = RefreshToken {
        tenant: accepted.tenant,
        client: asked.client.registration.app_id,
        user: accepted.user,
        signed_in: accepted.signed_in,
        scopes: accepted.scopes.clone(),
        issued_at: asked.now,
        expires_at: asked.now.saturating_add(REFRESH_LIFETIME).unwrap_or(Timestamp::MAX),
    };
    asked.state.issued.keep_refresh(value.clone(), token);
    value
}

/// Whether the request comes from a page of another origin: only single-page applications do.
fn has_origin(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
}

/// A public client's proof, for grants that need none.
const fn is_public(proof: ClientProof) -> bool {
    matches!(proof, ClientProof::None)
}
