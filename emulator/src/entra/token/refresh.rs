//! `refresh_token`: for any resource, ninety days from its last use, a page's for one day; a used one stays valid.
//!
//! <https://learn.microsoft.com/entra/identity-platform/refresh-tokens>

use super::{Accepted, Asked, EntraError, Story, has_origin, is_public};
use crate::directory::Credential;
use crate::entra::store::Holder;
use crate::options::RefreshReuse;

/// What the audit row of a used token that comes again says.
const REUSED: &str = "a used refresh token came again: everything from its sign-in ends";

pub(super) fn redeem(asked: &Asked<'_>, story: &mut Story) -> Result<Accepted, EntraError> {
    let rules = &asked.state.rules.issuer;
    let value = asked.form.need("refresh_token")?;
    let token = asked.state.issued.refresh(value).ok_or(EntraError::GrantInvalid)?;
    if !(rules.own_credential)(token.client, asked.client.registration.app_id) {
        return Err(EntraError::GrantInvalid);
    }
    match (token.holder, has_origin(asked.headers)) {
        (Holder::Spa, false) => return Err(EntraError::SpaWithoutOrigin),
        (Holder::Public | Holder::Confidential, true) => return Err(EntraError::OriginWithoutSpa),
        _ => {}
    }
    if token.holder == Holder::Confidential && is_public(asked.client.proof) {
        return Err(EntraError::CredentialMissing);
    }
    // Refresh tokens are not bound to a tenant at the real service; a user of one is no user of another, though.
    if !(rules.tenant_binding)(asked.authority, token.tenant) {
        return Err(EntraError::UserNotFound(asked.tenant_text.to_owned()));
    }
    if (rules.run_out)(token.expires_at, asked.now) {
        return Err(match token.holder {
            Holder::Spa => EntraError::SpaRefreshExpired { issued: token.issued_at },
            Holder::Public | Holder::Confidential => EntraError::RefreshExpired { issued: token.issued_at },
        });
    }
    let mut scopes = asked.scopes(&token.scopes)?;
    // Of several resources the first one wins.
    scopes.resources.truncate(1);
    scopes.oidc.extend(token.scopes.oidc.iter().cloned());
    match asked.state.live().refresh_reuse {
        RefreshReuse::Kept => {}
        RefreshReuse::Once => asked.state.issued.end_refresh(value),
        RefreshReuse::Family => {
            if !asked.state.issued.spend_refresh(value) {
                if (rules.reuse_ends_family)() {
                    asked.state.issued.end_family(token.family);
                }
                REUSED.clone_into(&mut story.grounds);
                return Err(EntraError::GrantInvalid);
            }
        }
    }
    Ok(Accepted {
        tenant: token.tenant,
        user: token.user,
        signed_in: token.signed_in,
        credential: Credential::Refresh { confidential: !is_public(asked.client.proof) },
        issued_at: token.issued_at,
        scopes,
        nonce: None,
        always_refreshable: true,
        holder: token.holder,
        descends_from: Some(token.family),
        fixed_until: (token.holder == Holder::Spa).then_some(token.expires_at),
    })
}
