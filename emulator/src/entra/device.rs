//! The device authorization grant: a device shows a code, a person types it elsewhere, and the device polls until they did.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::authorize::session::{self, Somebody};
use super::error::EntraError;
use super::flow::Step;
use super::form::Form;
use super::keys::Version;
use super::pages::{device as pages, message};
use super::rules::Contexts;
use super::store::{Device, DeviceState};
use super::visit::{Arrival, Visit};
use super::{client, consent, scope, second_factor};

/// How long a code is good for, in seconds.
const LIFETIME_SECONDS: i64 = 900;
/// How long a device waits between two polls, in seconds.
pub(super) const INTERVAL_SECONDS: i64 = 5;
/// Letters and digits that nobody mistakes for one another.
const ALPHABET: &[u8; 29] = b"BCDFGHJKLMNPQRSTVWXYZ23456789";
const USER_CODE_LENGTH: usize = 9;

/// `/{t}/oauth2/v2.0/devicecode`.
pub(super) async fn v2(arrival: Arrival) -> Response {
    arrival.answer_raw(|visit, body| answer(visit, Version::V2, body))
}

/// `/{t}/oauth2/devicecode`.
pub(super) async fn v1(arrival: Arrival) -> Response {
    arrival.answer_raw(|visit, body| answer(visit, Version::V1, body))
}

/// `/device`: the short address that people type.
pub(super) async fn short() -> Response {
    found("/common/oauth2/deviceauth")
}

/// `/{t}/oauth2/deviceauth`: where the code is typed.
pub(super) async fn enter(arrival: Arrival) -> Response {
    arrival.answer(|visit, form| page(visit, form, None))
}

/// `/{t}/appverify`: what the last page posts.
pub(super) async fn verify(arrival: Arrival) -> Response {
    arrival.answer(verified)
}

fn found(target: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(location) = HeaderValue::try_from(target) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// A program asks: what is wrong with its form is said in JSON too, never on a page.
fn answer(visit: &Visit<'_>, version: Version, body: &[u8]) -> Response {
    let made = if *visit.method == Method::POST {
        Form::body(visit.headers, body).and_then(|form| begin(visit, version, &form))
    } else {
        Err(EntraError::PostOnly(visit.method.to_string()))
    };
    match made {
        Ok(body) => visit.trace.json(StatusCode::OK, &body, 0),
        Err(error) => visit.trace.refuse(&error),
    }
}

fn begin(visit: &Visit<'_>, version: Version, form: &Form) -> Result<Value, EntraError> {
    let authority = visit.authority()?;
    let client = client::registration(visit.world, form.need("client_id")?, visit.tenant_text)?;
    client::reachable(visit.world, client, authority)?;
    let scopes = match version {
        Version::V2 => scope::parse(visit.world, form.need("scope")?, visit.tenant_text)?,
        Version::V1 => scope::of_resource(visit.world, form, visit.tenant_text)?,
    };
    let (one, two) = (visit.state.seed.draw("device-code"), visit.state.seed.draw("device-code"));
    let device_code = URL_SAFE_NO_PAD.encode([one, two].concat());
    let draw = visit.state.seed.draw("user-code");
    let user_code: String = draw
        .iter()
        .take(USER_CODE_LENGTH)
        .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()))
        .map(|letter| char::from(*letter))
        .collect();
    let until = visit.trace.now.saturating_add(SignedDuration::from_secs(LIFETIME_SECONDS));
    let device = Device {
        client: client.app_id,
        authority,
        user_code: user_code.clone(),
        scopes,
        state: DeviceState::Pending,
        expires_at: until.unwrap_or(Timestamp::MAX),
        interval_seconds: INTERVAL_SECONDS,
        polled_at: None,
    };
    visit.state.issued.keep_device(device_code.clone(), device);
    let address = format!("{}/device", visit.origin);
    let message = format!(
        "To sign in, use a web browser to open the page {address} and enter the code {user_code} to authenticate."
    );
    let number = |seconds: i64| match version {
        Version::V2 => json!(seconds),
        Version::V1 => json!(seconds.to_string()),
    };
    // The older endpoint has the older name of the address.
    let name = if version == Version::V2 { "verification_uri" } else { "verification_url" };
    Ok(json!({
        "user_code": user_code,
        "device_code": device_code,
        name: address,
        "expires_in": number(LIFETIME_SECONDS),
        "interval": number(INTERVAL_SECONDS),
        "message": message,
    }))
}

/// The page for whoever holds the code: typed, then signed in, then consented, then confirmed.
pub(super) fn page<'s>(visit: &Visit<'s>, form: &Form, somebody: Option<Somebody<'s>>) -> Response {
    let authority = match visit.authority() {
        Ok(authority) => authority,
        Err(error) => return visit.error(&error),
    };
    let action = format!("/{}/oauth2/deviceauth", authority.segment());
    let Some(typed) = form.get("otc") else { return pages::enter(&action, "", None) };
    let typed = typed.trim().to_ascii_uppercase();
    let device = match pending(visit, &typed) {
        Ok(device) => device,
        Err(error) => return pages::enter(&action, &typed, Some(&format!("{}: {error}", error.code()))),
    };
    // The application asked one tenant's endpoint: people sign in there.
    if device.authority != authority {
        let query = form.encode();
        return found(&format!("/{}/oauth2/deviceauth?{query}", device.authority.segment()));
    }
    let hint = form.get("login_hint");
    let mut cookie = None;
    let known = session::current(visit, authority).filter(|known| hint.is_none_or(|hint| known.is_named(hint)));
    let somebody = somebody.or(known).or_else(|| {
        let (somebody, begun) = visit.by_hint(authority, hint)?;
        cookie = Some(begun);
        Some(somebody)
    });
    let Some(somebody) = somebody else { return visit.sign_in_page(Step::Device, form, hint, None) };
    let mut response = confirm(visit, &device, &somebody, form);
    if let Some(cookie) = cookie {
        cookie.set(&mut response);
    }
    response
}

/// A device whose code was typed and is still waited for.
pub(super) fn pending(visit: &Visit<'_>, typed: &str) -> Result<Device, EntraError> {
    let device = visit.state.issued.device_of(typed).ok_or(EntraError::DeviceCodeUnknown)?;
    if device.expires_at <= visit.trace.now {
        return Err(EntraError::DeviceCodeExpired);
    }
    if device.state == DeviceState::Pending { Ok(device) } else { Err(EntraError::DeviceCodeUnknown) }
}

fn confirm(visit: &Visit<'_>, device: &Device, somebody: &Somebody<'_>, form: &Form) -> Response {
    let Some(client) = visit.world.app(device.client) else { return visit.error(&EntraError::DeviceCodeUnknown) };
    let circumstances = visit.circumstances(Contexts::new());
    match visit.permitted(client, &device.scopes, somebody, &circumstances) {
        Ok(_) => {}
        Err(refused) if refused.can_consent => {
            return consent::ask_user(visit, Step::Device, client, &device.scopes, somebody, form);
        }
        Err(refused) => {
            return second_factor::remedy(visit, Step::Device, form, somebody, &refused.error)
                .unwrap_or_else(|| visit.error(&refused.error));
        }
    }
    let fields = visit.fields(Step::Device, form, Some(&somebody.session));
    let action = format!("/{}/appverify", visit.tenant_segment());
    let organization = &somebody.tenant.display_name;
    pages::confirm(&action, &fields.pairs(), &client.display_name, &somebody.user.upn, organization)
}

fn verified(visit: &Visit<'_>, posted: &Form) -> Response {
    let read = || {
        let (step, form) = visit.posted(posted, session::cookie(visit.headers))?;
        if step != Step::Device {
            return Err(EntraError::Malformed);
        }
        let device = pending(visit, &form.need("otc")?.trim().to_ascii_uppercase())?;
        let somebody = session::current(visit, device.authority).ok_or(EntraError::LoginRequired)?;
        Ok((device, somebody))
    };
    match read() {
        Ok((device, somebody)) if posted.get("confirm") == Some("continue") => {
            let state = DeviceState::Approved {
                tenant: somebody.tenant.id,
                user: somebody.user.id,
                signed_in: somebody.signed_in,
            };
            visit.state.issued.decide_device(&device.user_code, state);
            visit.state.issued.take_part(&somebody.session, device.client);
            message::done("You have signed in", "You may now close this window and go on with your device.")
        }
        Ok((device, _)) => declined(visit, &device),
        Err(error) => visit.error(&error),
    }
}

/// The person said no: the device learns it at its next poll.
pub(super) fn declined(visit: &Visit<'_>, device: &Device) -> Response {
    visit.state.issued.decide_device(&device.user_code, DeviceState::Declined);
    message::done("Sign-in cancelled", "The device was not let in. You may close this window.")
}
