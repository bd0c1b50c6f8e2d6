//! Consent: a person lets an application act for them, or an administrator for everybody.
//!
//! <https://learn.microsoft.com/entra/identity-platform/application-consent-experience>,
//! <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>

use std::collections::BTreeSet;

use axum::response::Response;
use fixtures::ids::{AppId, UserId};
use fixtures::plan::Registration;

use super::authorize::redirect::Destination;
use super::authorize::session::{self, Somebody};
use super::error::EntraError;
use super::flow::Step;
use super::form::Form;
use super::keys::Version;
use super::pages::consent::{self as page, Scope};
use super::rules::Consenter;
use super::scope;
use super::store::AskedScopes;
use super::tenant::Authority;
use super::visit::{Arrival, Visit};
use super::{client, device};
use crate::change::{Change, DirectoryChange};
use crate::directory::{GrantKey, Requested};
use crate::journal::AuditRow;
use crate::world::World;

/// `/{t}/v2.0/adminconsent`.
pub(super) async fn v2(arrival: Arrival) -> Response {
    arrival.answer(|visit, form| ask(visit, Version::V2, form, None))
}

/// `/{t}/adminconsent`: static permissions only.
pub(super) async fn v1(arrival: Arrival) -> Response {
    arrival.answer(|visit, form| ask(visit, Version::V1, form, None))
}

/// `/{t}/Consent/Set`: what the consent page posts.
pub(super) async fn set(arrival: Arrival) -> Response {
    arrival.answer(decided)
}

/// One `oauth2PermissionGrant` to be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Needed {
    client: AppId,
    resource: AppId,
    scopes: BTreeSet<String>,
}

/// An administrator's consent, asked for.
struct Wanted<'s> {
    authority: Authority,
    client: &'s Registration,
    destination: Destination,
    needed: Vec<Needed>,
    raw: String,
}

fn parse<'s>(visit: &Visit<'s>, version: Version, form: &Form) -> Result<Wanted<'s>, EntraError> {
    let authority = visit.authority()?;
    if authority == Authority::Common && version == Version::V2 {
        return Err(EntraError::TenantUnclear);
    }
    let client = client::registration(visit.world, form.need("client_id")?, visit.tenant_text)?;
    client::reachable(visit.world, client, authority)?;
    let destination =
        Destination::registered(&visit.state.rules.issuer, client, form.need("redirect_uri")?, form.get("state"))?;
    let (needed, raw) = match version {
        Version::V2 => {
            let raw = form.need("scope")?;
            (of_scopes(visit.world, client, &scope::parse(visit.world, raw, visit.tenant_text)?)?, raw.to_owned())
        }
        Version::V1 => (registered(visit.world, client), String::new()),
    };
    Ok(Wanted { authority, client, destination, needed, raw })
}

/// Everything in the client's registration, and in those of servers that name it as known (`knownClientApplications`).
fn registered(world: &World, client: &Registration) -> Vec<Needed> {
    let of = |app: &Registration| {
        let rows = app.required.iter().filter_map(|row| {
            let resource = world.app_named(&row.resource)?.app_id;
            Some(Needed { client: app.app_id, resource, scopes: row.scopes.iter().cloned().collect() })
        });
        rows.collect::<Vec<_>>()
    };
    let servers = client
        .required
        .iter()
        .filter_map(|row| world.app_named(&row.resource))
        .filter(|server| server.known_clients.contains(&client.name));
    of(client).into_iter().chain(servers.flat_map(of)).collect()
}

/// What has to be granted so that these scopes can be had.
fn of_scopes(world: &World, client: &Registration, asked: &AskedScopes) -> Result<Vec<Needed>, EntraError> {
    let mut needed = Vec::new();
    for (resource, requested) in &asked.resources {
        match requested {
            Requested::Named(scopes) => {
                let app = world.app(*resource);
                let is_known = |scope: &str| app.is_some_and(|app| app.scopes.iter().any(|known| known.value == scope));
                if let Some(unknown) = scopes.iter().find(|scope| !is_known(scope)) {
                    return Err(EntraError::ScopeUnknown {
                        app: client.app_id.to_string(),
                        scope: unknown.clone(),
                        resource: resource.to_string(),
                    });
                }
                needed.push(Needed { client: client.app_id, resource: *resource, scopes: scopes.clone() });
            }
            // Everything in the registration for that resource, and what a server behind it needs itself.
            Requested::Everything => {
                let rows = registered(world, client);
                if !rows.iter().any(|row| row.resource == *resource) {
                    return Err(EntraError::NothingRegistered {
                        app: client.app_id.to_string(),
                        resource: world.app(*resource).map_or_else(String::new, |app| app.display_name.clone()),
                    });
                }
                needed.extend(rows.into_iter().filter(|row| row.resource == *resource || row.client == *resource));
            }
        }
    }
    Ok(needed)
}

/// The consent page for an administrator; the sign-in page for nobody yet; a refusal for everybody else.
pub(super) fn ask<'s>(visit: &Visit<'s>, version: Version, form: &Form, somebody: Option<Somebody<'s>>) -> Response {
    let step = Step::AdminConsent(version);
    let wanted = match parse(visit, version, form) {
        Ok(wanted) => wanted,
        Err(error) => return visit.error(&error),
    };
    let hint = form.get("login_hint");
    let mut cookie = None;
    // v1 takes `prompt`: the session is left aside.
    let known = if form.get("prompt") == Some("login") { None } else { session::current(visit, wanted.authority) };
    let somebody = somebody.or(known).or_else(|| {
        let (somebody, begun) = visit.by_hint(wanted.authority, hint)?;
        cookie = Some(begun);
        Some(somebody)
    });
    let Some(somebody) = somebody else { return visit.sign_in_page(step, form, hint, None) };
    let mut response = if somebody.user.is_administrator() {
        show(visit, step, wanted.client, &wanted.needed, &somebody, form, Scope::Organization)
    } else {
        visit.error(&EntraError::AdminOnly)
    };
    if let Some(cookie) = cookie {
        cookie.set(&mut response);
    }
    response
}

/// The consent page for somebody who signs in: for what they may decide themselves.
pub(super) fn ask_user(
    visit: &Visit<'_>,
    step: Step,
    client: &Registration,
    asked: &AskedScopes,
    somebody: &Somebody<'_>,
    form: &Form,
) -> Response {
    let needed = match of_scopes(visit.world, client, asked) {
        Ok(needed) => needed,
        Err(error) => return visit.error(&error),
    };
    let needed = with_sign_in(visit.world, client, asked, needed);
    let is_administrator = somebody.user.is_administrator();
    if !may_consent(visit, somebody, &needed, false) {
        audit(visit, somebody, client, &needed, "user consent", Some(&EntraError::AdminOnly));
        return visit.error(&EntraError::AdminOnly);
    }
    let scope = if is_administrator { Scope::Either } else { Scope::Self_ };
    show(visit, step, client, &needed, somebody, form, scope)
}

/// The sign-in scopes of a request are Graph's, and stand on the page like others.
fn with_sign_in(world: &World, client: &Registration, asked: &AskedScopes, mut needed: Vec<Needed>) -> Vec<Needed> {
    if let Some(graph) = scope::resource_named(world, scope::GRAPH)
        && !asked.oidc.is_empty()
    {
        needed.push(Needed { client: client.app_id, resource: graph.app_id, scopes: asked.oidc.clone() });
    }
    needed
}

fn may_consent(visit: &Visit<'_>, somebody: &Somebody<'_>, needed: &[Needed], for_all: bool) -> bool {
    let beyond = needed.iter().any(|row| is_for_administrators(visit.world, somebody, row));
    let who = Consenter { administers: somebody.user.is_administrator(), for_all, beyond };
    (visit.state.rules.issuer.may_consent)(visit.state.live().user_consent, who)
}

/// Whether a row holds a permission that nobody granted yet and only an administrator may grant.
fn is_for_administrators(world: &World, somebody: &Somebody<'_>, row: &Needed) -> bool {
    let granted = somebody.tenant.directory.granted(row.client, row.resource, somebody.user.id);
    world.app(row.resource).is_some_and(|app| {
        app.scopes
            .iter()
            .any(|known| known.admin_consent && row.scopes.contains(&known.value) && !granted.contains(&known.value))
    })
}

fn show(
    visit: &Visit<'_>,
    step: Step,
    client: &Registration,
    needed: &[Needed],
    somebody: &Somebody<'_>,
    form: &Form,
    scope: Scope,
) -> Response {
    let permissions: Vec<_> = needed
        .iter()
        .flat_map(|row| {
            let resource = visit.world.app(row.resource).map_or_else(String::new, |app| app.display_name.clone());
            row.scopes.iter().map(move |scope| (resource.clone(), scope.clone()))
        })
        .collect();
    let fields = visit.fields(step, form, Some(&somebody.session));
    page::page(&page::Consent {
        organization: &somebody.tenant.display_name,
        action: &format!("/{}/Consent/Set", visit.tenant_segment()),
        hidden: &fields.pairs(),
        app: &client.display_name,
        publisher: client.verified_publisher.as_deref(),
        who: &somebody.user.upn,
        scope,
        permissions: &permissions,
    })
}

fn decided(visit: &Visit<'_>, posted: &Form) -> Response {
    let accepted = posted.get("acceptConsent") == Some("true");
    let for_all = posted.get("consentOnBehalfOfOrganization") == Some("true");
    match visit.posted(posted, session::cookie(visit.headers)) {
        Ok((Step::AdminConsent(version), form)) => decided_for_all(visit, version, &form, accepted),
        Ok((Step::Authorize(version), form)) => {
            let Ok(wanted) = visit.wanted(version, &form) else { return visit.authorize(version, &form, None) };
            let asker = Asker { authority: wanted.authority, client: wanted.client, scopes: &wanted.scopes };
            match decided_by_user(visit, &asker, accepted, for_all) {
                Ok(()) => consented(visit, Step::Authorize(version), wanted.authority, &form),
                Err(error @ EntraError::ConsentDeclined) => wanted.destination.refuse(visit.trace, &error),
                Err(error) => visit.error(&error),
            }
        }
        Ok((Step::Device, form)) => {
            let typed = form.get("otc").unwrap_or_default();
            let device = match device::pending(visit, typed) {
                Ok(device) => device,
                Err(error) => return visit.error(&error),
            };
            let Some(client) = visit.world.app(device.client) else { return visit.error(&EntraError::Malformed) };
            let asker = Asker { authority: device.authority, client, scopes: &device.scopes };
            match decided_by_user(visit, &asker, accepted, for_all) {
                Ok(()) => consented(visit, Step::Device, device.authority, &form),
                Err(EntraError::ConsentDeclined) => device::declined(visit, &device),
                Err(error) => visit.error(&error),
            }
        }
        Err(error) => visit.error(&error),
    }
}

/// Goes on after a consent: the next question is asked of the world as it is now.
fn consented(visit: &Visit<'_>, step: Step, authority: Authority, form: &Form) -> Response {
    let world = visit.state.world();
    let visit = Visit { world: &world, ..*visit };
    match session::current(&visit, authority) {
        Some(somebody) => step.resume(&visit, &form.without(&["prompt"]), somebody),
        None => visit.error(&EntraError::LoginRequired),
    }
}

fn decided_for_all(visit: &Visit<'_>, version: Version, form: &Form, accepted: bool) -> Response {
    let wanted = match parse(visit, version, form) {
        Ok(wanted) => wanted,
        Err(error) => return visit.error(&error),
    };
    let Some(somebody) = session::current(visit, wanted.authority) else {
        return visit.error(&EntraError::LoginRequired);
    };
    if !somebody.user.is_administrator() {
        return visit.error(&EntraError::AdminOnly);
    }
    let what = "admin consent";
    if !accepted {
        let error = EntraError::ConsentDeclined;
        audit(visit, &somebody, wanted.client, &wanted.needed, what, Some(&error));
        let description = visit.trace.description(&error);
        // The documented form of a refusal says `True` as well.
        return wanted.destination.send(&[
            ("admin_consent", "True"),
            ("error", "consent_required"),
            ("error_description", &description),
        ]);
    }
    if !grant(visit, &somebody, wanted.client, &wanted.needed, None) {
        return visit.error(&EntraError::Malformed);
    }
    audit(visit, &somebody, wanted.client, &wanted.needed, what, None);
    let tenant = somebody.tenant.id.to_string();
    let mut parameters = vec![("admin_consent", "True"), ("tenant", tenant.as_str())];
    if !wanted.raw.is_empty() {
        parameters.push(("scope", &wanted.raw));
    }
    wanted.destination.send(&parameters)
}

/// What a person was asked to consent to.
struct Asker<'a> {
    authority: Authority,
    client: &'a Registration,
    scopes: &'a AskedScopes,
}

fn decided_by_user(visit: &Visit<'_>, asker: &Asker<'_>, accepted: bool, for_all: bool) -> Result<(), EntraError> {
    let Asker { authority, client, scopes } = *asker;
    let somebody = session::current(visit, authority).ok_or(EntraError::LoginRequired)?;
    let needed = with_sign_in(visit.world, client, scopes, of_scopes(visit.world, client, scopes)?);
    let what = "user consent";
    let refusal = if !accepted {
        Some(EntraError::ConsentDeclined)
    } else if !may_consent(visit, &somebody, &needed, for_all) {
        Some(EntraError::AdminOnly)
    } else {
        None
    };
    audit(visit, &somebody, client, &needed, what, refusal.as_ref());
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    let principal = if for_all { None } else { Some(somebody.user.id) };
    if grant(visit, &somebody, client, &needed, principal) { Ok(()) } else { Err(EntraError::Malformed) }
}

/// Writes the grants down. Applications that are not in the tenant yet come in.
fn grant(
    visit: &Visit<'_>,
    somebody: &Somebody<'_>,
    client: &Registration,
    needed: &[Needed],
    principal: Option<UserId>,
) -> bool {
    let mut changes = vec![DirectoryChange::AddServicePrincipal { app: client.app_id }];
    changes.extend(needed.iter().map(|row| DirectoryChange::Consent {
        grant: GrantKey { client: row.client, resource: row.resource, principal },
        scopes: row.scopes.clone(),
    }));
    changes.into_iter().all(|change| visit.state.apply(Change::directory(somebody.tenant.id, change)).is_ok())
}

fn audit(
    visit: &Visit<'_>,
    somebody: &Somebody<'_>,
    client: &Registration,
    needed: &[Needed],
    operation: &str,
    error: Option<&EntraError>,
) {
    visit.state.journal.audit(AuditRow {
        seq: 0,
        time: visit.trace.now,
        kind: "consent",
        tenant: Some(somebody.tenant.id),
        user: Some(somebody.user.id),
        client: Some(client.app_id),
        operation: operation.to_owned(),
        resource: visit.path.to_owned(),
        scopes: needed.iter().flat_map(|row| row.scopes.iter().cloned()).collect(),
        status: 302,
        error: error.map(EntraError::code),
        reason: error.map(ToString::to_string),
        request_id: visit.trace.request_id.clone(),
        client_request_id: visit.trace.client_request_id.clone(),
    });
}
