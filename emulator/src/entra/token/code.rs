//! `authorization_code`: single use, ten minutes, bound to tenant, client, redirect URI and verifier.

use fixtures::plan::RedirectKind;

use super::{Accepted, Asked, EntraError, has_origin, is_public};
use crate::directory::Credential;
use crate::entra::store::Holder;

pub(super) fn redeem(asked: &Asked<'_>) -> Result<Accepted, EntraError> {
    let Asked { state, form, client, .. } = asked;
    let value = form.need("code")?;
    let redirect_uri = form.need("redirect_uri")?;
    let rules = &state.rules.issuer;
    let code = state.issued.code(value).ok_or(EntraError::GrantInvalid)?;
    if !(rules.own_credential)(code.client, client.registration.app_id) {
        return Err(EntraError::GrantInvalid);
    }
    if !(rules.tenant_binding)(asked.authority, code.tenant) {
        return Err(EntraError::CodeOfOtherTenant);
    }
    if !(rules.redirect_binding)(&code.redirect_uri, redirect_uri) {
        return Err(EntraError::RedirectOfOtherRequest);
    }
    match (code.kind, has_origin(asked.headers)) {
        (RedirectKind::Spa, false) => return Err(EntraError::SpaWithoutOrigin),
        (RedirectKind::Web | RedirectKind::Native, true) => return Err(EntraError::OriginWithoutSpa),
        _ => {}
    }
    // The redirect URI decides what kind of client this is, whatever else the registration holds.
    let holder = match (code.kind, is_public(client.proof)) {
        (RedirectKind::Web, true) => return Err(EntraError::CredentialMissing),
        (RedirectKind::Native | RedirectKind::Spa, false) => return Err(EntraError::CredentialOfPublicClient),
        (RedirectKind::Web, false) => Holder::Confidential,
        (RedirectKind::Native, true) => Holder::Public,
        (RedirectKind::Spa, true) => Holder::Spa,
    };
    if !(rules.again)(code.spent) {
        return Err(EntraError::CodeSpent);
    }
    if (rules.run_out)(code.expires_at, asked.now) {
        return Err(EntraError::CodeExpired);
    }
    // A wrong verifier does not spend the code: seen at the real service.
    if let Some(challenge) = &code.challenge {
        let verifier = form.need("code_verifier")?;
        if !(rules.verifier)(challenge, verifier) {
            return Err(EntraError::VerifierMismatch);
        }
    }
    let scopes = asked.scopes(&code.scopes)?;
    if form.get("scope").is_some() && scopes.resources.len() > 1 {
        return Err(EntraError::SeveralResources);
    }
    let was_redeemed = !state.issued.spend_code(value);
    if !(rules.again)(was_redeemed) {
        return Err(EntraError::CodeSpent);
    }
    let scopes = with_sign_in_scopes(scopes, &code.scopes);
    Ok(Accepted {
        tenant: code.tenant,
        user: code.user,
        signed_in: code.signed_in,
        credential: Credential::Code,
        issued_at: code.signed_in.at,
        scopes,
        nonce: code.nonce,
        always_refreshable: false,
        holder,
        fixed_until: None,
        descends_from: None,
    })
}

/// `openid`, `profile` and `offline_access` of the authorization request hold for the redemption too.
fn with_sign_in_scopes(
    mut scopes: crate::entra::store::AskedScopes,
    authorized: &crate::entra::store::AskedScopes,
) -> crate::entra::store::AskedScopes {
    scopes.oidc.extend(authorized.oidc.iter().cloned());
    scopes
}
