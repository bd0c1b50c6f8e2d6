//! `client_credentials`: an application acts as itself, with what an administrator gave it and nobody's consent.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>. No application role exists in this world,
//! so a token carries none: it is worth nothing at a resource that looks at roles, as the real one would be.

use serde_json::{Value, json};

use super::{Asked, EntraError, Story, is_public};
use crate::directory::{Denial, Requested, decide_application};
use crate::entra::claims::Application;
use crate::entra::error::About;
use crate::entra::scope;
use crate::entra::tenant::Authority;

/// Answers with a token of the application's own: never with a refresh token, there is no user to ask again.
pub(super) fn answer(asked: &Asked<'_>, story: &mut Story) -> Result<Value, EntraError> {
    let Authority::Tenant(tenant) = asked.authority else { return Err(EntraError::TenantUnclear) };
    // Only an application that can prove itself is somebody.
    if is_public(asked.client.proof) {
        return Err(EntraError::CredentialMissing);
    }
    let raw = asked.form.need("scope")?;
    let unfit = || EntraError::ScopeWithoutDefault(raw.to_owned());
    let scopes = scope::parse(asked.world, raw, asked.tenant_text)?;
    let resource = match scopes.resources.as_slice() {
        [(id, Requested::Everything)] if scopes.oidc.is_empty() => *id,
        [_, _, ..] => return Err(EntraError::SeveralResources),
        _ => return Err(unfit()),
    };
    let not_found =
        || EntraError::ResourceNotFound { resource: resource.to_string(), tenant: asked.tenant_text.to_owned() };
    let resource = asked.world.app(resource).ok_or_else(not_found)?;
    let world = asked.world.tenant(tenant).ok_or_else(|| EntraError::TenantNotFound(tenant.to_string()))?;
    let client = asked.client.registration;
    decide_application(asked.world, &asked.state.rules.issuer, tenant, client, resource).map_err(
        |denial| match denial {
            Denial::NotAssigned { .. } => EntraError::ApplicationNotAssigned(client.app_id.to_string()),
            denial => {
                let about = About { tenant: &world.display_name, client, resource, issued_at: asked.now };
                EntraError::of(denial, &about)
            }
        },
    )?;
    let own = world.directory.service_principal(client.app_id).ok_or_else(not_found)?;
    let application = Application {
        state: asked.state,
        tenant,
        client,
        service_principal: own.id,
        client_proof: asked.client.proof,
        now: asked.now,
        origin: asked.origin,
    };
    let minted = application.access_token(resource)?;
    story.scopes = vec![".default".to_owned()];
    story.grounds = format!(
        "{} asked for itself ({}); application roles: none; no assignment is required at {}",
        client.name,
        asked.client.proof.told(),
        resource.display_name
    );
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": minted.lifetime_seconds - 1,
        "ext_expires_in": minted.lifetime_seconds - 1,
        "access_token": minted.token,
    }))
}
