//! The token endpoint: six grants, one way to answer.

mod client_credentials;
mod code;
mod cors;
mod device_code;
pub(super) mod on_behalf_of;
mod password;
mod refresh;

use std::collections::BTreeSet;

use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::ids::{AppId, TenantId, UserId};
use fixtures::plan::Registration;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::claims::{ClientProof, FrontChannel, Subject, carried, contexts_asked, declares_cp1};
use super::client::{self, Client};
use super::error::{About, EntraError};
use super::form::Form;
use super::keys::Version;
use super::scope;
use super::store::{AskedScopes, Family, Holder, RefreshToken};
use super::tenant::Authority;
use super::verify::BACKDATED_SECONDS;
use super::visit::{Arrival, Visit};
use crate::directory::{Circumstances, Credential, Grounds, Presented, Question, Requested, SignedIn, decide};
use crate::journal::AuditRow;
use crate::options::GrantedScopes;
use crate::serve::address;
use crate::world::{State, World};

const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// What msal-node sends, and the service takes.
const SHORT_DEVICE_CODE: &str = "device_code";
/// Of a refresh token: every use hands out one with a new term.
const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Of a page's refresh token: its successors inherit the end.
const SPA_REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// One request to the token endpoint.
struct Asked<'s> {
    /// Which of the two endpoints.
    endpoint: Version,
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
    /// What kind of client gets the refresh token.
    holder: Holder,
    /// The end that a refresh token inherits.
    fixed_until: Option<Timestamp>,
    /// The refresh token that this one comes from.
    descends_from: Option<Family>,
}

/// What the audit row of a request says. Filled while the request is worked on, so that a refusal says how far it came.
#[derive(Default)]
struct Story {
    grant: String,
    tenant: Option<TenantId>,
    user: Option<UserId>,
    client: Option<AppId>,
    scopes: Vec<String>,
    /// What a token that was issued rests on.
    grounds: String,
}

/// `/{t}/oauth2/v2.0/token`.
pub(super) async fn v2(arrival: Arrival) -> Response {
    arrival.answer_raw(|visit, body| endpoint(visit, body, Version::V2))
}

/// `/{t}/oauth2/token`.
pub(super) async fn v1(arrival: Arrival) -> Response {
    arrival.answer_raw(|visit, body| endpoint(visit, body, Version::V1))
}

fn endpoint(visit: &Visit<'_>, body: &[u8], version: Version) -> Response {
    if *visit.method == Method::OPTIONS {
        return cors::preflight(visit.world, visit.headers);
    }
    let mut story = Story::default();
    let result = if *visit.method == Method::POST {
        answer(visit, body, version, &mut story)
    } else {
        Err(EntraError::PostOnly(visit.method.to_string()))
    };
    let (mut response, error) = match result {
        Ok(body) => (visit.trace.json(StatusCode::OK, &body, 0), None),
        Err(error) => (visit.trace.refuse(&error), Some(error)),
    };
    cors::allow(visit.world, story.client, visit.headers, &mut response);
    let reason = match &error {
        None => story.grounds,
        Some(error) if story.grounds.is_empty() => error.to_string(),
        Some(error) => format!("{error} ({})", story.grounds),
    };
    visit.state.journal.audit(AuditRow {
        seq: 0,
        time: visit.trace.now,
        kind: "token",
        tenant: story.tenant,
        user: story.user,
        client: story.client,
        operation: story.grant,
        resource: visit.path.to_owned(),
        scopes: story.scopes,
        status: response.status().as_u16(),
        error: error.as_ref().map(EntraError::code),
        reason: Some(reason).filter(|reason| !reason.is_empty()),
        request_id: visit.trace.request_id.clone(),
        client_request_id: visit.trace.client_request_id.clone(),
    });
    response
}

fn answer(visit: &Visit<'_>, body: &[u8], endpoint: Version, story: &mut Story) -> Result<Value, EntraError> {
    let Visit { state, world, tenant_text: tenant, headers, .. } = *visit;
    let authority = visit.authority()?;
    if let Authority::Tenant(id) = authority {
        story.tenant = Some(id);
    }
    let form = Form::body(headers, body)?;
    let grant = form.need("grant_type")?;
    story.grant = match grant {
        ON_BEHALF_OF => "on_behalf_of".to_owned(),
        // Whatever else was sent does not belong into a log.
        "authorization_code" | "refresh_token" | "client_credentials" | "password" => grant.to_owned(),
        DEVICE_CODE | SHORT_DEVICE_CODE => "device_code".to_owned(),
        _ => "unsupported".to_owned(),
    };
    let client = client::authenticate(state, world, authority, headers, &form, tenant)?;
    story.client = Some(client.registration.app_id);
    let claims_capable = match form.get("claims") {
        Some(claims) => declares_cp1(claims)
            .ok_or_else(|| EntraError::InvalidParameter { parameter: "claims", value: String::new() })?,
        None => false,
    };
    let asked = Asked {
        endpoint,
        state,
        world,
        form: &form,
        headers,
        authority,
        tenant_text: tenant,
        client,
        claims_capable,
        now: visit.trace.now,
        origin: visit.origin,
    };
    let accepted = match grant {
        "client_credentials" => return client_credentials::answer(&asked, story),
        "authorization_code" => code::redeem(&asked)?,
        "refresh_token" => refresh::redeem(&asked, story)?,
        "password" => password::redeem(&asked)?,
        ON_BEHALF_OF => on_behalf_of::redeem(&asked)?,
        DEVICE_CODE | SHORT_DEVICE_CODE => device_code::redeem(&asked)?,
        other => {
            return Err(EntraError::UnsupportedGrant(other.to_owned()));
        }
    };
    story.tenant = Some(accepted.tenant);
    story.user = Some(accepted.user);
    issue(&asked, &accepted, story)
}

impl Asked<'_> {
    /// The scopes of this request, or `default` when it names none; exactly one resource.
    fn scopes(&self, default: &AskedScopes) -> Result<AskedScopes, EntraError> {
        match (self.endpoint, self.form.get("scope"), self.form.get("resource")) {
            (Version::V1, _, Some(_)) => scope::of_resource(self.world, self.form, self.tenant_text),
            (Version::V2, Some(raw), resource) => {
                let asked = scope::parse(self.world, raw, self.tenant_text)?;
                scope::check_resource(self.world, &asked, resource)?;
                Ok(asked)
            }
            (_, _, resource) => {
                scope::check_resource(self.world, default, resource)?;
                Ok(default.clone())
            }
        }
    }
}

/// Asks the directory, and answers with tokens.
fn issue(asked: &Asked<'_>, accepted: &Accepted, story: &mut Story) -> Result<Value, EntraError> {
    let Asked { state, world, client, .. } = asked;
    let tenant =
        world.tenant(accepted.tenant).ok_or_else(|| EntraError::TenantNotFound(accepted.tenant.to_string()))?;
    let (resource, requested) = scope::first_resource(world, &accepted.scopes, asked.tenant_text)?;
    let circumstances = Circumstances {
        now: asked.now,
        address: address::of(asked.headers),
        contexts: asked.form.get("claims").map(contexts_asked).unwrap_or_default(),
        // A sign-in that a challenge led to was held to them at the door.
        policies: BTreeSet::new(),
    };
    let question = Question {
        tenant: accepted.tenant,
        user: accepted.user,
        client: client.registration,
        resource,
        requested: &requested,
        presented: Presented { signed_in: accepted.signed_in, credential: accepted.credential },
        circumstances: &circumstances,
    };
    let about =
        About { tenant: &tenant.display_name, client: client.registration, resource, issued_at: accepted.issued_at };
    let rules = &state.rules.issuer;
    let mut permitted = decide(world, rules, &question).map_err(|denial| EntraError::of(denial, &about))?;
    if state.live().granted_scopes == GrantedScopes::All
        && let Ok(all) = decide(world, rules, &Question { requested: &Requested::Everything, ..question.clone() })
    {
        permitted.scopes.extend(all.scopes);
    }
    let grounds = Grounds::of(world, &question, &permitted);
    let user =
        tenant.directory.user(accepted.user).ok_or_else(|| EntraError::UserNotFound(tenant.display_name.clone()))?;
    let subject = Subject {
        state,
        tenant,
        user,
        client: client.registration,
        signed_in: accepted.signed_in,
        client_proof: client.proof,
        circumstances: &Circumstances { contexts: permitted.contexts, ..circumstances },
        now: asked.now,
        origin: asked.origin,
    };
    let scopes = carried(resource, permitted.scopes, &accepted.scopes.oidc);
    let access = subject.access_token(resource, &scopes, asked.claims_capable)?;
    story.scopes = scopes.iter().cloned().collect();
    story.grounds = told(asked, &story.grant, accepted, &user.upn, &grounds);
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
        let front = FrontChannel::default();
        let nonce = accepted.nonce.as_deref();
        body["id_token"] = json!(subject.id_token(asked.endpoint, &accepted.scopes.oidc, nonce, &front)?);
    }
    if asked.form.get("client_info") == Some("1") {
        body["client_info"] = json!(subject.client_info());
    }
    if asked.endpoint == Version::V1 {
        as_v1(&mut body, resource, &scopes, asked.now);
    }
    Ok(body)
}

/// Why a token was issued: what was presented, by whom, and what the decision rests on.
fn told(asked: &Asked<'_>, grant: &str, accepted: &Accepted, upn: &str, grounds: &Grounds) -> String {
    let what = match grant {
        "authorization_code" => "an authorization code",
        "refresh_token" => "a refresh token",
        "password" => "a password",
        "on_behalf_of" => "an access token made for it",
        _ => "a device code",
    };
    let Client { registration, proof } = &asked.client;
    let signed_in = accepted.signed_in.at;
    format!("{} presented {what} ({}); {upn} signed in at {signed_in}; {grounds}", registration.name, proof.told())
}

/// The older endpoint answers numbers as text, permissions by their short names, and names the resource.
fn as_v1(body: &mut Value, resource: &Registration, scopes: &BTreeSet<String>, now: Timestamp) {
    let seconds = body["expires_in"].as_i64().unwrap_or_default();
    for name in ["expires_in", "ext_expires_in"] {
        body[name] = json!(seconds.to_string());
    }
    body["expires_on"] = json!((now.as_second() + seconds).to_string());
    body["not_before"] = json!((now.as_second() - BACKDATED_SECONDS).to_string());
    body["resource"] = json!(resource.identifier_uris.first().cloned().unwrap_or_else(|| resource.app_id.to_string()));
    let short: Vec<_> = scopes.iter().map(String::as_str).filter(|scope| *scope != "offline_access").collect();
    body["scope"] = json!(short.join(" "));
    if let Some(refresh_in) = body["refresh_in"].as_i64() {
        body["refresh_in"] = json!(refresh_in.to_string());
    }
}

fn keep_refresh(asked: &Asked<'_>, accepted: &Accepted) -> String {
    let mut value = b"1.".to_vec();
    let (one, two) = (asked.state.seed.draw("refresh-token"), asked.state.seed.draw("refresh-token"));
    value.extend_from_slice(URL_SAFE_NO_PAD.encode([one, two].concat()).as_bytes());
    let value = String::from_utf8_lossy(&value).into_owned();
    let lifetime = if accepted.holder == Holder::Spa { SPA_REFRESH_LIFETIME } else { REFRESH_LIFETIME };
    let token = RefreshToken {
        tenant: accepted.tenant,
        client: asked.client.registration.app_id,
        user: accepted.user,
        signed_in: accepted.signed_in,
        scopes: accepted.scopes.clone(),
        issued_at: asked.now,
        expires_at: accepted.fixed_until.unwrap_or(asked.now.saturating_add(lifetime).unwrap_or(Timestamp::MAX)),
        holder: accepted.holder,
        family: accepted.descends_from.unwrap_or_else(|| asked.state.issued.new_family()),
        spent: false,
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
