//! Which application asks, and whether it proves it.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fixtures::plan::{RedirectKind, RedirectUri, Registration};

use super::assertion::Assertion;
use super::claims::ClientProof;
use super::error::EntraError;
use super::form::Form;
use super::rules::SecretFault;
use super::tenant::Authority;
use crate::world::{State, World};

/// A client and how it proved itself.
pub(crate) struct Client<'s> {
    pub(crate) registration: &'s Registration,
    pub(crate) proof: ClientProof,
}

/// The registration behind a `client_id`.
pub(crate) fn registration<'s>(world: &'s World, id: &str, tenant: &str) -> Result<&'s Registration, EntraError> {
    id.parse()
        .ok()
        .and_then(|id| world.app(id))
        // First-party resources are nobody's client here.
        .filter(|registration| registration.home != "microsoft")
        .ok_or_else(|| EntraError::AppNotFound { app: id.to_owned(), tenant: tenant.to_owned() })
}

/// Whether people of these tenants may meet the application at all: one of a single tenant is asked for there.
pub(crate) fn reachable(world: &World, client: &Registration, authority: Authority) -> Result<(), EntraError> {
    let home = world.tenant_named(&client.home).map(|tenant| tenant.id);
    match authority {
        _ if client.multi_tenant => Ok(()),
        Authority::Tenant(tenant) if home == Some(tenant) => Ok(()),
        Authority::Tenant(tenant) => {
            // Somebody may have put it there all the same.
            let is_there =
                world.tenant(tenant).is_some_and(|tenant| tenant.directory.service_principal(client.app_id).is_some());
            let missing = EntraError::AppNotFound { app: client.app_id.to_string(), tenant: tenant.to_string() };
            if is_there { Ok(()) } else { Err(missing) }
        }
        Authority::Common | Authority::Organizations => {
            Err(EntraError::SingleTenant { app: client.app_id.to_string(), name: client.display_name.clone() })
        }
    }
}

/// Whether nobody expects a credential of the application: a desktop, mobile or single-page one.
fn may_be_public(client: &Registration) -> bool {
    let is_public = |redirect: &RedirectUri| matches!(redirect.kind, RedirectKind::Native | RedirectKind::Spa);
    client.public_client || client.redirect_uris.iter().any(is_public)
}

/// The client of a token request, by body, by HTTP Basic or by an assertion of its own.
pub(crate) fn authenticate<'s>(
    state: &State,
    world: &'s World,
    authority: Authority,
    headers: &HeaderMap,
    form: &Form,
    tenant: &str,
) -> Result<Client<'s>, EntraError> {
    let basic = basic(headers)?;
    let assertion = match form.get("client_assertion") {
        Some(value) => Some(Assertion::parse(form.get("client_assertion_type"), value)?),
        None if form.get("client_assertion_type").is_some() => {
            return Err(EntraError::ParameterMissing("client_assertion"));
        }
        None => None,
    };
    let implied = assertion.as_ref().and_then(Assertion::issuer);
    let id = match (&basic, form.get("client_id").or(implied)) {
        (Some((id, _)), Some(posted)) if id != posted => return Err(EntraError::Malformed),
        (Some((id, _)), _) => id.as_str(),
        (None, Some(posted)) => posted,
        (None, None) => return Err(EntraError::ParameterMissing("client_id")),
    };
    let registration = registration(world, id, tenant)?;
    let secret = basic.as_ref().map(|(_, secret)| secret.as_str()).or_else(|| form.get("client_secret"));
    let is_confidential = !registration.secrets.is_empty() || !registration.certificates.is_empty();
    if let Some(assertion) = assertion {
        if !is_confidential {
            return Err(EntraError::CredentialOfPublicClient);
        }
        assertion.check(state, world, authority, registration)?;
        return Ok(Client { registration, proof: ClientProof::Certificate });
    }
    match (secret, is_confidential) {
        (Some(_), false) => Err(EntraError::CredentialOfPublicClient),
        (Some(secret), true) => match (state.rules.issuer.secret)(&registration.secrets, secret, state.clock.now()) {
            Ok(()) => Ok(Client { registration, proof: ClientProof::Secret }),
            Err(SecretFault::Wrong) => Err(EntraError::WrongSecret(id.to_owned())),
            Err(SecretFault::Expired) => Err(EntraError::SecretExpired(id.to_owned())),
        },
        (None, _) if may_be_public(registration) => Ok(Client { registration, proof: ClientProof::None }),
        (None, _) => Err(EntraError::CredentialMissing),
    }
}

/// Id and secret of HTTP Basic: both form-encoded inside (RFC 6749, 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, EntraError> {
    let Some(value) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    let Some((scheme, encoded)) = value.split_once(' ') else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| EntraError::Malformed)?;
    let decoded = String::from_utf8(decoded).map_err(|_| EntraError::Malformed)?;
    let (id, secret) = decoded.split_once(':').ok_or(EntraError::Malformed)?;
    let unescape = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " "))
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| EntraError::Malformed)
    };
    Ok(Some((unescape(id)?, unescape(secret)?)))
}
