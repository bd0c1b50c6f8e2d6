//! On-Behalf-Of: a middle tier exchanges the access token it was given for one of its own.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow>

use fixtures::ids::{TenantId, UserId};
use fixtures::plan::Registration;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Accepted, Asked, EntraError, is_public};
use crate::directory::Credential;
use crate::entra::keys::Unverified;
use crate::entra::rules::NotExchangeable;
use crate::entra::store::Holder;
use crate::entra::verify::{BACKDATED_SECONDS, id, seconds, signed_in, text};

pub(super) fn redeem(asked: &Asked<'_>) -> Result<Accepted, EntraError> {
    let form = asked.form;
    let requested_use = form.need("requested_token_use")?;
    if requested_use != "on_behalf_of" {
        return Err(EntraError::InvalidParameter { parameter: "requested_token_use", value: requested_use.to_owned() });
    }
    // Only an application that can keep a secret is a middle tier.
    if is_public(asked.client.proof) {
        return Err(EntraError::CredentialMissing);
    }
    let assertion = form.need("assertion")?;
    form.need("scope")?;
    let claims = asked.state.keys.verify(assertion).map_err(|unverified| match unverified {
        Unverified::Malformed => EntraError::AssertionMalformed,
        Unverified::UnknownKey => EntraError::AssertionInvalid("The key was not found."),
        Unverified::Signature => {
            EntraError::AssertionInvalid("The key was found, but use of the key to verify the signature failed.")
        }
        Unverified::ForeignKey => EntraError::AssertionInvalid("The key does not belong to the issuer of the token."),
    })?;
    check_time(&claims, asked.now)?;
    let rules = &asked.state.rules.issuer;
    (rules.exchangeable)(&claims).map_err(|what| match what {
        // What the service calls an application's own token here is not public.
        NotExchangeable::Application => EntraError::AssertionInvalid("The token is not a user's token."),
        NotExchangeable::IdToken => EntraError::AssertionIsIdToken,
    })?;
    if !(rules.exchange_audience)(asked.client.registration, &claims) {
        let audience = text(&claims, "aud").unwrap_or_default().to_owned();
        return Err(EntraError::AssertionAudience { audience, expected: asked.client.registration.app_id.to_string() });
    }
    let tenant: TenantId = id(&claims, "tid").ok_or(EntraError::AssertionMalformed)?;
    check_issuer(asked, &claims, tenant)?;
    let user: UserId = id(&claims, "oid").ok_or(EntraError::AssertionMalformed)?;
    let world_tenant = asked.world.tenant(tenant).ok_or_else(|| EntraError::TenantNotFound(tenant.to_string()))?;
    let scopes = asked.scopes(&crate::entra::store::AskedScopes::default())?;
    if scopes.resources.len() > 1 {
        return Err(EntraError::SeveralResources);
    }
    let account = world_tenant.directory.user(user).and_then(|user| asked.world.account(user));
    let signed_in = signed_in(&claims, account);
    let issued_at = seconds(&claims, "iat").and_then(|iat| Timestamp::from_second(iat + BACKDATED_SECONDS).ok());
    Ok(Accepted {
        tenant,
        user,
        signed_in,
        credential: Credential::Assertion,
        issued_at: issued_at.unwrap_or(signed_in.at),
        scopes,
        nonce: None,
        always_refreshable: false,
        holder: Holder::Confidential,
        fixed_until: None,
        descends_from: None,
    })
}

fn check_time(claims: &Map<String, Value>, now: Timestamp) -> Result<(), EntraError> {
    let now = now.as_second();
    let is_over = seconds(claims, "exp").is_none_or(|exp| exp <= now);
    let is_ahead = seconds(claims, "nbf").is_some_and(|nbf| nbf > now + BACKDATED_SECONDS);
    if is_over || is_ahead { Err(EntraError::AssertionExpired) } else { Ok(()) }
}

/// A user's access token: neither an id token nor a token of an application for itself.
pub(in crate::entra) fn exchangeable(claims: &Map<String, Value>) -> Result<(), NotExchangeable> {
    let has_client = claims.contains_key("azp") || claims.contains_key("appid");
    match text(claims, "scp") {
        Some(scp) if !scp.trim().is_empty() && text(claims, "idtyp") != Some("app") => Ok(()),
        _ if has_client => Err(NotExchangeable::Application),
        _ => Err(NotExchangeable::IdToken),
    }
}

/// A version 2 token names the application by its id, a version 1 token by any of its identifier URIs too.
pub(in crate::entra) fn is_for(own: &Registration, claims: &Map<String, Value>) -> bool {
    let audience = text(claims, "aud").unwrap_or_default();
    audience == own.app_id.to_string()
        || (text(claims, "ver") == Some("1.0") && own.identifier_uris.iter().any(|uri| uri == audience))
}

/// The issuer is ours and fits the tenant, and the tenant is the one this request went to.
fn check_issuer(asked: &Asked<'_>, claims: &Map<String, Value>, tenant: TenantId) -> Result<(), EntraError> {
    let issuer = text(claims, "iss").unwrap_or_default();
    let is_ours = match issuer.strip_suffix("/v2.0").and_then(|rest| rest.strip_suffix(&format!("/{tenant}"))) {
        Some(origin) => asked.state.origins.is_login(origin),
        None => issuer == format!("https://sts.windows.net/{tenant}/"),
    };
    if !is_ours {
        return Err(EntraError::AssertionInvalid("The issuer of the token does not fit its tenant."));
    }
    if (asked.state.rules.issuer.tenant_binding)(asked.authority, tenant) {
        Ok(())
    } else {
        Err(EntraError::AssertionInvalid("The token was issued by another tenant."))
    }
}
