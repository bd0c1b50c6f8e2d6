//! `password`: the application types the password itself. Work accounts only, and at one tenant or `organizations`.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc>

use super::{Accepted, Asked, EntraError, is_public};
use crate::directory::Credential;
use crate::entra::rules::Way;
use crate::entra::store::Holder;
use crate::entra::tenant::{Authority, CONSUMERS};

pub(super) fn redeem(asked: &Asked<'_>) -> Result<Accepted, EntraError> {
    let is_consumers = matches!(asked.authority, Authority::Tenant(tenant) if tenant.to_string() == CONSUMERS);
    if asked.authority == Authority::Common || is_consumers {
        return Err(EntraError::GrantNeedsTenant);
    }
    let holder = match (
        is_public(asked.client.proof),
        (asked.state.rules.issuer.may_use)(asked.client.registration, Way::Unproven),
    ) {
        (true, true) => Holder::Public,
        (true, false) => return Err(EntraError::CredentialMissing),
        (false, _) => Holder::Confidential,
    };
    let name = asked.form.need("username")?;
    let password = asked.form.need("password")?;
    let (tenant, user) = asked
        .authority
        .user(asked.world, name)
        .filter(|(_, user)| user.signs_in() && user.home.is_none())
        .ok_or_else(|| EntraError::UserNotFound(asked.tenant_text.to_owned()))?;
    if !user.password_is(password) {
        return Err(EntraError::WrongPassword);
    }
    Ok(Accepted {
        tenant: tenant.id,
        user: user.id,
        signed_in: user.sign_in(asked.now),
        credential: Credential::Session,
        issued_at: asked.now,
        scopes: asked.scopes(&crate::entra::store::AskedScopes::default())?,
        nonce: None,
        always_refreshable: false,
        holder,
        fixed_until: None,
        descends_from: None,
    })
}
