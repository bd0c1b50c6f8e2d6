//! What a `scope` parameter asks for: resources, their permissions, and the sign-in scopes.

use std::collections::BTreeSet;

use fixtures::plan::Registration;

use super::error::EntraError;
use super::form::Form;
use super::store::AskedScopes;
use crate::directory::{OIDC_SCOPES, Requested};
use crate::world::World;

/// Microsoft Graph: what a scope without a resource belongs to.
pub(crate) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// Parses a `scope` parameter.
///
/// `<App ID URI>/<permission>` and `<client GUID>/<permission>` name their resource, a bare name is Graph's, `.default` is everything
/// granted already. <https://learn.microsoft.com/entra/identity-platform/scopes-oidc>
pub(crate) fn parse(world: &World, raw: &str, tenant: &str) -> Result<AskedScopes, EntraError> {
    let mut asked = AskedScopes { raw: raw.to_owned(), ..AskedScopes::default() };
    for word in raw.split_whitespace() {
        if OIDC_SCOPES.contains(&word) {
            asked.oidc.insert(word.to_owned());
            continue;
        }
        let (resource, permission) = match word.rsplit_once('/') {
            Some((resource, permission)) => (resource, permission),
            None => (GRAPH, word),
        };
        if permission.is_empty() {
            return Err(EntraError::InvalidScope(word.to_owned()));
        }
        let resource = resource_named(world, resource)
            .ok_or_else(|| EntraError::ResourceNotFound { resource: resource.to_owned(), tenant: tenant.to_owned() })?;
        if OIDC_SCOPES.contains(&permission) {
            asked.oidc.insert(permission.to_owned());
            continue;
        }
        let named = if permission == ".default" {
            Requested::Everything
        } else {
            Requested::Named(BTreeSet::from([spelled(resource, permission)]))
        };
        let known = asked.resources.iter_mut().find(|(id, _)| *id == resource.app_id);
        match (known, named) {
            (None, named) => asked.resources.push((resource.app_id, named)),
            (Some((_, Requested::Named(all))), Requested::Named(more)) => all.extend(more),
            (Some((_, Requested::Everything)), Requested::Everything) => {}
            // `.default` beside a named permission of the same resource.
            _ => return Err(EntraError::InvalidScope(raw.to_owned())),
        }
    }
    Ok(asked)
}

/// What a request to a v1 endpoint asks for: everything granted at `resource`, and the sign-in scopes of `scope`.
pub(crate) fn of_resource(world: &World, form: &Form, tenant: &str) -> Result<AskedScopes, EntraError> {
    let scope = form.get("scope").unwrap_or_default();
    let oidc = scope.split_whitespace().filter(|word| OIDC_SCOPES.contains(word)).map(str::to_owned).collect();
    let mut asked = AskedScopes { oidc, ..AskedScopes::default() };
    if let Some(name) = form.get("resource") {
        let resource = resource_named(world, name)
            .ok_or_else(|| EntraError::ResourceUnknown { resource: name.to_owned(), tenant: tenant.to_owned() })?;
        asked.resources.push((resource.app_id, Requested::Everything));
        asked.raw = format!("{}/.default", name.trim_end_matches('/'));
    }
    Ok(asked)
}

/// RFC 8707: `resource` beside scopes is refused unless it is the application that owns them.
pub(crate) fn check_resource(world: &World, asked: &AskedScopes, resource: Option<&str>) -> Result<(), EntraError> {
    let Some(named) = resource else { return Ok(()) };
    let owner = resource_named(world, named).map(|resource| resource.app_id);
    if owner.is_none() || asked.resources.iter().any(|(id, _)| Some(*id) != owner) {
        return Err(EntraError::InvalidTarget(named.to_owned()));
    }
    Ok(())
}

/// The resource that a token is for: the first one named, Graph where only the sign-in is asked for.
pub(crate) fn first_resource<'w>(
    world: &'w World,
    asked: &AskedScopes,
    tenant: &str,
) -> Result<(&'w Registration, Requested), EntraError> {
    let missing = |name: String| EntraError::ResourceNotFound { resource: name, tenant: tenant.to_owned() };
    match asked.resources.first() {
        Some((id, requested)) => {
            world.app(*id).map(|resource| (resource, requested.clone())).ok_or_else(|| missing(id.to_string()))
        }
        // Only sign-in scopes: they are Graph's.
        None => resource_named(world, GRAPH)
            .map(|graph| (graph, Requested::Named(asked.oidc.clone())))
            .ok_or_else(|| missing(GRAPH.to_owned())),
    }
}

/// A resource by App ID URI (with or without a slash at its end) or client id.
pub(crate) fn resource_named<'w>(world: &'w World, name: &str) -> Option<&'w Registration> {
    let name = name.trim_end_matches('/');
    let id = name.parse().ok();
    world.apps.all().find(|registration| {
        id == Some(registration.app_id)
            || registration.identifier_uris.iter().any(|uri| uri.trim_end_matches('/').eq_ignore_ascii_case(name))
    })
}

/// Permissions are compared without regard to case and answered as their resource spells them.
fn spelled(resource: &Registration, permission: &str) -> String {
    resource
        .scopes
        .iter()
        .find(|known| known.value.eq_ignore_ascii_case(permission))
        .map_or_else(|| permission.to_owned(), |known| known.value.clone())
}

/// The `scope` member of an answer: each granted permission as it was asked for, or in full.
///
/// The requested words come back as they were sent: client libraries look their caches up by them.
pub(crate) fn answered(resource: &Registration, granted: &BTreeSet<String>, asked: &AskedScopes) -> String {
    let uri = resource.identifier_uris.first().cloned().unwrap_or_else(|| resource.app_id.to_string());
    let mut words: Vec<String> = Vec::new();
    let belongs = |word: &str| match word.rsplit_once('/') {
        None => resource.app_id.to_string() == GRAPH,
        Some((name, _)) => {
            let name = name.trim_end_matches('/');
            name == resource.app_id.to_string() || uri.trim_end_matches('/').eq_ignore_ascii_case(name)
        }
    };
    let short = |word: &str| word.rsplit_once('/').map_or(word, |(_, short)| short).to_owned();
    for word in asked.raw.split_whitespace().filter(|word| belongs(word) && !OIDC_SCOPES.contains(word)) {
        let permission = short(word);
        let is_granted = granted.iter().any(|scope| scope.eq_ignore_ascii_case(&permission));
        if permission == ".default" || is_granted {
            words.push(word.to_owned());
        }
    }
    for scope in granted.iter().filter(|scope| !OIDC_SCOPES.contains(&scope.as_str())) {
        if !words.iter().any(|word| short(word).eq_ignore_ascii_case(scope)) {
            words.push(format!("{uri}/{scope}"));
        }
    }
    words.extend(asked.oidc.iter().filter(|scope| *scope != "offline_access").cloned());
    words.join(" ")
}
