//! Admin consent: an administrator lets an application into the tenant, for everybody.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, RawQuery, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use fixtures::ids::AppId;
use fixtures::plan::Registration;

use super::authorize::Visit;
use super::authorize::page;
use super::authorize::redirect::Destination;
use super::authorize::session::{self, Somebody};
use super::client;
use super::error::{EntraError, Trace};
use super::form::Form;
use super::scope;
use super::tenant::Authority;
use crate::change::{Change, DirectoryChange};
use crate::directory::{GrantKey, Requested};
use crate::journal::AuditRow;
use crate::serve::Arrived;
use crate::world::{State, World};

/// The path of the v2 endpoint below the tenant; the v1 endpoint is [`V1`].
pub(super) const V2: &str = "v2.0/adminconsent";
/// Static permissions only: no `scope`.
pub(super) const V1: &str = "adminconsent";

/// GET of either endpoint: the page, or the sign-in before it.
pub(super) async fn endpoint(
    Shared(state): Shared<Arc<State>>,
    Extension(arrived): Extension<Arrived>,
    Path(tenant): Path<String>,
    OriginalUri(uri): OriginalUri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let trace = Trace::of(&state, &headers, &arrived.origin);
    let world = state.world();
    let visit = Visit {
        state: &state,
        world: &world,
        tenant_text: &tenant,
        headers: &headers,
        trace: &trace,
        origin: &arrived.origin,
    };
    let mut response = match Form::parse(query.as_deref().unwrap_or_default()) {
        Ok(form) => ask(&visit, step_of(uri.path()), &form, None),
        Err(error) => page::error(&trace, &error),
    };
    trace.mark(response.headers_mut());
    response
}

/// POST of either endpoint: the administrator's decision.
pub(super) async fn decide(
    Shared(state): Shared<Arc<State>>,
    Extension(arrived): Extension<Arrived>,
    Path(tenant): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = Trace::of(&state, &headers, &arrived.origin);
    let world = state.world();
    let visit = Visit {
        state: &state,
        world: &world,
        tenant_text: &tenant,
        headers: &headers,
        trace: &trace,
        origin: &arrived.origin,
    };
    let mut response = match Form::body(&headers, &body) {
        Ok(posted) => decided(&visit, step_of(uri.path()), &posted),
        Err(error) => page::error(&trace, &error),
    };
    trace.mark(response.headers_mut());
    response
}

fn step_of(path: &str) -> &'static str {
    if path.to_ascii_lowercase().ends_with(V2) { V2 } else { V1 }
}

/// What is to be granted, and where the answer goes.
struct Wanted<'s> {
    authority: Authority,
    client: &'s Registration,
    destination: Destination,
    grants: Vec<(AppId, AppId, BTreeSet<String>)>,
    raw: String,
}

fn parse<'s>(visit: &Visit<'s>, step: &str, form: &Form) -> Result<Wanted<'s>, EntraError> {
    let authority = Authority::parse(visit.world, visit.tenant_text)?;
    if authority == Authority::Common && step == V2 {
        return Err(EntraError::TenantUnclear);
    }
    let client = client::registration(visit.world, form.need("client_id")?, visit.tenant_text)?;
    let destination = Destination::registered(client, form.need("redirect_uri")?, form.get("state"))?;
    let (grants, raw) = if step == V2 {
        let raw = form.need("scope")?;
        (dynamic(visit, client, raw)?, raw.to_owned())
    } else {
        (registered(visit.world, client), String::new())
    };
    Ok(Wanted { authority, client, destination, grants, raw })
}

/// Everything in the registration, and in those of the servers that know this client (`knownClientApplications`).
fn registered(world: &World, client: &Registration) -> Vec<(AppId, AppId, BTreeSet<String>)> {
    let of = |app: &Registration| {
        app.required
            .iter()
            .filter_map(|row| {
                let resource = world.app_named(&row.resource)?;
                Some((app.app_id, resource.app_id, row.scopes.iter().cloned().collect()))
            })
            .collect::<Vec<_>>()
    };
    let servers = client
        .required
        .iter()
        .filter_map(|row| world.app_named(&row.resource))
        .filter(|server| server.known_clients.contains(&client.name));
    of(client).into_iter().chain(servers.flat_map(of)).collect()
}

fn dynamic(
    visit: &Visit<'_>,
    client: &Registration,
    raw: &str,
) -> Result<Vec<(AppId, AppId, BTreeSet<String>)>, EntraError> {
    let asked = scope::parse(visit.world, raw, visit.tenant_text)?;
    let mut grants = Vec::new();
    for (resource, requested) in asked.resources {
        match requested {
            Requested::Named(scopes) => {
                let app = visit.world.app(resource);
                if let Some(unknown) = scopes
                    .iter()
                    .find(|scope| !app.is_some_and(|app| app.scopes.iter().any(|known| known.value == **scope)))
                {
                    return Err(EntraError::ScopeUnknown {
                        app: client.app_id.to_string(),
                        scope: unknown.clone(),
                        resource: resource.to_string(),
                    });
                }
                grants.push((client.app_id, resource, scopes));
            }
            // Everything in the registration for that resource, and what a server behind it needs itself.
            Requested::Everything => grants.extend(
                registered(visit.world, client)
                    .into_iter()
                    .filter(|(from, to, _)| *to == resource || *from == resource),
            ),
        }
    }
    Ok(grants)
}

/// The consent page for an administrator; the sign-in page for nobody yet; a refusal for everybody else.
pub(super) fn ask<'s>(visit: &Visit<'s>, step: &str, form: &Form, somebody: Option<Somebody<'s>>) -> Response {
    let wanted = match parse(visit, step, form) {
        Ok(wanted) => wanted,
        Err(error) => return page::error(visit.trace, &error),
    };
    let mut cookie = None;
    let somebody = somebody
        .or_else(|| session::current(visit.state, visit.world, wanted.authority, visit.headers, visit.trace.now))
        .or_else(|| {
            let (somebody, begun) = visit.by_hint(wanted.authority, form.get("login_hint"))?;
            cookie = Some(begun);
            Some(somebody)
        });
    let Some(somebody) = somebody else {
        return visit.sign_in_page(form, step, wanted.authority, form.get("login_hint"), None);
    };
    let mut response = if somebody.user.is_administrator() {
        let scopes: Vec<_> = wanted
            .grants
            .iter()
            .flat_map(|(_, resource, scopes)| {
                let name = visit.world.app(*resource).map_or_else(String::new, |app| app.display_name.clone());
                scopes.iter().map(move |scope| format!("{name}: {scope}"))
            })
            .collect();
        let action = format!("/{}/{step}", visit.tenant_segment());
        let publisher = wanted.client.verified_publisher.as_deref();
        page::consent(&action, &form.encode(), &wanted.client.display_name, publisher, &somebody.user.upn, &scopes)
    } else {
        page::error(visit.trace, &EntraError::AdminOnly)
    };
    if let Some(cookie) = cookie {
        cookie.set(&mut response);
    }
    response
}

fn decided(visit: &Visit<'_>, step: &str, posted: &Form) -> Response {
    let parsed = posted.need("ctx").and_then(Form::parse).and_then(|form| parse(visit, step, &form));
    let wanted = match parsed {
        Ok(wanted) => wanted,
        Err(error) => return page::error(visit.trace, &error),
    };
    let current = session::current(visit.state, visit.world, wanted.authority, visit.headers, visit.trace.now);
    let Some(somebody) = current else { return page::error(visit.trace, &EntraError::LoginRequired) };
    if !somebody.user.is_administrator() {
        return page::error(visit.trace, &EntraError::AdminOnly);
    }
    if posted.get("decision") != Some("accept") {
        let error = EntraError::ConsentDeclined;
        audit(visit, &somebody, &wanted, Some(&error));
        let description = visit.trace.description(&error);
        // The documented form of a refusal says `True` as well.
        return wanted.destination.send(&[
            ("admin_consent", "True"),
            ("error", "consent_required"),
            ("error_description", &description),
        ]);
    }
    let tenant = somebody.tenant.id;
    let mut changes = vec![DirectoryChange::AddServicePrincipal { app: wanted.client.app_id }];
    changes.extend(wanted.grants.iter().map(|(client, resource, scopes)| DirectoryChange::Consent {
        grant: GrantKey { client: *client, resource: *resource, principal: None },
        scopes: scopes.clone(),
    }));
    for change in changes {
        if visit.state.apply(Change::directory(tenant, change)).is_err() {
            return page::error(visit.trace, &EntraError::Malformed);
        }
    }
    audit(visit, &somebody, &wanted, None);
    let tenant = tenant.to_string();
    let mut parameters = vec![("admin_consent", "True"), ("tenant", tenant.as_str())];
    if !wanted.raw.is_empty() {
        parameters.push(("scope", &wanted.raw));
    }
    wanted.destination.send(&parameters)
}

fn audit(visit: &Visit<'_>, somebody: &Somebody<'_>, wanted: &Wanted<'_>, error: Option<&EntraError>) {
    visit.state.journal.audit(AuditRow {
        seq: 0,
        time: visit.trace.now,
        kind: "consent",
        tenant: Some(somebody.tenant.id),
        user: Some(somebody.user.id),
        client: Some(wanted.client.app_id),
        operation: "admin consent".to_owned(),
        resource: format!("/{}/adminconsent", visit.tenant_text),
        scopes: wanted.grants.iter().flat_map(|(_, _, scopes)| scopes.iter().cloned()).collect(),
        status: 302,
        error: error.map(EntraError::code),
        reason: error.map(ToString::to_string),
        request_id: visit.trace.request_id.clone(),
        client_request_id: visit.trace.client_request_id.clone(),
    });
}
