//! `refresh_token`: for any resource, ninety days from its last use; a used one stays valid.

use super::{Accepted, Asked, EntraError, is_public};
use crate::directory::Credential;

pub(super) fn redeem(asked: &Asked<'_>) -> Result<Accepted, EntraError> {
    let rules = &asked.state.rules.issuer;
    let token = asked.state.issued.refresh(asked.form.need("refresh_token")?).ok_or(EntraError::GrantInvalid)?;
    if !(rules.own_credential)(token.client, asked.client.registration.app_id) {
        return Err(EntraError::GrantInvalid);
    }
    // Refresh tokens are not bound to a tenant at the real service; a user of one is no user of another, though.
    if !(rules.tenant_binding)(asked.authority, token.tenant) {
        return Err(EntraError::UserNotFound(asked.tenant_text.to_owned()));
    }
    if (rules.run_out)(token.expires_at, asked.now) {
        return Err(EntraError::RefreshExpired { issued: token.issued_at });
    }
    let mut scopes = asked.scopes(&token.scopes)?;
    // Of several resources the first one wins.
    scopes.resources.truncate(1);
    scopes.oidc.extend(token.scopes.oidc.iter().cloned());
    Ok(Accepted {
        tenant: token.tenant,
        user: token.user,
        signed_in: token.signed_in,
        credential: Credential::Refresh { confidential: !is_public(asked.client.proof) },
        issued_at: token.issued_at,
        scopes,
        nonce: None,
        always_refreshable: true,
    })
}
