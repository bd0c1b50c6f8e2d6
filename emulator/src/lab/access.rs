//! Conditional access, named locations, token lifetimes; and what else decides how long access lasts.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use fixtures::access::{AddressRange, Demand};
use fixtures::ids::{AppId, PolicyId};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::directory::{app, tenant};
use super::members::{member, named};
use super::refusal::{LabError, Refusal};
use super::route::{Done, Nothing, Route, get, post};
use crate::change::{Change, DirectoryChange};
use crate::directory::{Location, Policy, TokenLifetime};
use crate::entra::rules::UserConsent;
use crate::live::{ClientAddress, Live};
use crate::options::{GrantedScopes, RefreshReuse, Revocation};
use crate::world::{State, TenantWorld, World};

pub(super) fn routes() -> Vec<Route> {
    const MISSING: &[Refusal] = &[Refusal::Missing];
    vec![
        get("/lab/policies", "Conditional access, named locations and token lifetimes of a tenant", read)
            .refuses(MISSING),
        post("/lab/policies/put", "Adds a conditional access policy, or replaces the one of that name", put_policy)
            .refuses(MISSING),
        post("/lab/policies/remove", "Removes a conditional access policy", remove_policy).refuses(MISSING),
        post("/lab/locations/put", "Adds a named location, or replaces the one of that name", put_location)
            .refuses(MISSING),
        post("/lab/locations/remove", "Removes a named location", remove_location).refuses(MISSING),
        post("/lab/lifetimes/put", "Adds a token lifetime policy, or replaces the one of that name", put_lifetime)
            .refuses(MISSING),
        post("/lab/lifetimes/remove", "Removes a token lifetime policy", remove_lifetime).refuses(MISSING),
        get("/lab/settings", "What may be turned while the emulator runs", settings),
        post("/lab/settings", "Turns it; a reset turns it back", turn),
    ]
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneTenant {
    /// Name, domain or id.
    tenant: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AccessRows {
    policies: Vec<PolicyShown>,
    locations: Vec<LocationRow>,
    lifetimes: Vec<LifetimeShown>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PolicyRow {
    name: String,
    #[serde(default = "yes")]
    enabled: bool,
    /// Users, and `group:NAME`; none means all.
    #[serde(default)]
    include: Vec<String>,
    /// Users, and `group:NAME`.
    #[serde(default)]
    exclude: Vec<String>,
    /// Target resources, by registration name; none means all.
    #[serde(default)]
    apps: Vec<String>,
    /// Authentication contexts, for example `c1`: with any, only requests that ask for one of them.
    #[serde(default)]
    contexts: Vec<String>,
    /// Named locations in which it applies; none means everywhere.
    #[serde(default)]
    locations: Vec<String>,
    /// Named locations in which it does not apply.
    #[serde(default)]
    except_locations: Vec<String>,
    /// `mfa`, `compliant-device`, `block`, `sign-in-frequency:PT1H`.
    #[schemars(with = "Vec<String>")]
    demands: Vec<Demand>,
}

/// A policy as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PolicyShown {
    name: String,
    enabled: bool,
    /// Users, and `group:NAME`; none means all.
    include: Vec<String>,
    /// Users, and `group:NAME`.
    exclude: Vec<String>,
    /// Target resources, by registration name; none means all.
    apps: Vec<String>,
    /// Authentication contexts, for example `c1`: with any, only requests that ask for one of them.
    contexts: Vec<String>,
    /// Named locations in which it applies; none means everywhere.
    locations: Vec<String>,
    /// Named locations in which it does not apply.
    except_locations: Vec<String>,
    /// `mfa`, `compliant-device`, `block`, `sign-in-frequency:PT1H`.
    #[schemars(with = "Vec<String>")]
    demands: Vec<Demand>,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LocationRow {
    name: String,
    /// For example `203.0.113.0/24`.
    #[schemars(with = "Vec<String>")]
    ranges: Vec<AddressRange>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LifetimeRow {
    name: String,
    /// Resources, by registration name; none means the organization's default.
    #[serde(default)]
    apps: Vec<String>,
    /// `PT10M` to `PT24H`.
    #[schemars(with = "String")]
    access_token: SignedDuration,
}

/// A lifetime as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LifetimeShown {
    name: String,
    /// Resources, by registration name; none means the organization's default.
    apps: Vec<String>,
    /// `PT10M` to `PT24H`.
    #[schemars(with = "String")]
    access_token: SignedDuration,
}

async fn read(state: Arc<State>, asked: OneTenant) -> Result<AccessRows, LabError> {
    let world = state.world();
    let directory = &tenant(&world, &asked.tenant)?.directory;
    let names =
        |apps: &BTreeSet<AppId>| apps.iter().filter_map(|id| world.app(*id)).map(|app| app.name.clone()).collect();
    let policies = directory.policies().map(|policy| PolicyShown {
        name: policy.name.clone(),
        enabled: policy.enabled,
        include: named(directory, policy.include.iter().copied()).collect(),
        exclude: named(directory, policy.exclude.iter().copied()).collect(),
        apps: names(&policy.resources),
        contexts: policy.contexts.iter().cloned().collect(),
        locations: policy.locations.iter().cloned().collect(),
        except_locations: policy.except_locations.iter().cloned().collect(),
        demands: policy.demands.clone(),
    });
    let locations = directory.locations().map(|row| LocationRow { name: row.name.clone(), ranges: row.ranges.clone() });
    let lifetimes = directory.lifetimes().map(|row| LifetimeShown {
        name: row.name.clone(),
        apps: names(&row.resources),
        access_token: row.access_token,
    });
    Ok(AccessRows { policies: policies.collect(), locations: locations.collect(), lifetimes: lifetimes.collect() })
}

fn apps(world: &World, names: &[String]) -> Result<BTreeSet<AppId>, LabError> {
    names.iter().map(|name| app(world, name).map(|app| app.app_id)).collect()
}

fn policy_id(tenant: &TenantWorld, name: &str) -> PolicyId {
    let known = tenant.directory.policies().find(|policy| policy.name == name).map(|policy| policy.id);
    known.unwrap_or_else(|| PolicyId::derived(&format!("{}/policies/{name}", tenant.name)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PutPolicy {
    tenant: String,
    policy: PolicyRow,
}

async fn put_policy(state: Arc<State>, body: PutPolicy) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let row = body.policy;
    if row.demands.is_empty() {
        return Err(LabError::bad("a policy that demands nothing is none"));
    }
    let members = |names: &[String]| names.iter().map(|name| member(tenant, name)).collect::<Result<_, _>>();
    let known = |name: &String| tenant.directory.locations().any(|location| location.name == *name);
    if let Some(unknown) = row.locations.iter().chain(&row.except_locations).find(|name| !known(name)) {
        return Err(LabError::missing("named location", unknown));
    }
    let policy = Policy {
        id: policy_id(tenant, &row.name),
        include: members(&row.include)?,
        exclude: members(&row.exclude)?,
        resources: apps(&world, &row.apps)?,
        name: row.name,
        enabled: row.enabled,
        contexts: row.contexts.into_iter().collect(),
        locations: row.locations.into_iter().collect(),
        except_locations: row.except_locations.into_iter().collect(),
        demands: row.demands,
    };
    state.apply(Change::directory(tenant.id, DirectoryChange::PutPolicy(Box::new(policy))))?;
    Ok(Done {})
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    tenant: String,
    name: String,
}

async fn remove_policy(state: Arc<State>, body: Named) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?;
    let policy = policy_id(tenant, &body.name);
    state.apply(Change::directory(tenant.id, DirectoryChange::RemovePolicy { policy }))?;
    Ok(Done {})
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PutLocation {
    tenant: String,
    location: LocationRow,
}

async fn put_location(state: Arc<State>, body: PutLocation) -> Result<Done, LabError> {
    let tenant = tenant(&state.world(), &body.tenant)?.id;
    let location = Location { name: body.location.name, ranges: body.location.ranges };
    state.apply(Change::directory(tenant, DirectoryChange::PutLocation(location)))?;
    Ok(Done {})
}

async fn remove_location(state: Arc<State>, body: Named) -> Result<Done, LabError> {
    let tenant = tenant(&state.world(), &body.tenant)?.id;
    state.apply(Change::directory(tenant, DirectoryChange::RemoveLocation { name: body.name }))?;
    Ok(Done {})
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PutLifetime {
    tenant: String,
    lifetime: LifetimeRow,
}

async fn put_lifetime(state: Arc<State>, body: PutLifetime) -> Result<Done, LabError> {
    let world = state.world();
    let tenant = tenant(&world, &body.tenant)?.id;
    let row = body.lifetime;
    if !(600..=86_400).contains(&row.access_token.as_secs()) {
        return Err(LabError::bad("\"accessToken\" is PT10M to PT24H"));
    }
    let resources = apps(&world, &row.apps)?;
    let lifetime = TokenLifetime { name: row.name, resources, access_token: row.access_token };
    state.apply(Change::directory(tenant, DirectoryChange::PutLifetime(lifetime)))?;
    Ok(Done {})
}

async fn remove_lifetime(state: Arc<State>, body: Named) -> Result<Done, LabError> {
    let tenant = tenant(&state.world(), &body.tenant)?.id;
    state.apply(Change::directory(tenant, DirectoryChange::RemoveLifetime { name: body.name }))?;
    Ok(Done {})
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Settings {
    /// What becomes of access tokens that were issued before something was revoked.
    revocation: Promise,
    /// How long a critical event takes to reach Graph.
    #[schemars(with = "String")]
    propagation: SignedDuration,
    /// `connection`, `forwarded` (`X-Forwarded-For`), or one address for all.
    client_address: String,
    /// What `scp` holds.
    granted_scopes: Held,
    /// What becomes of a refresh token that was used.
    refresh_reuse: Reuse,
    /// Whether people may let applications in for themselves.
    user_consent: SelfService,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SelfService {
    /// Into whatever no administrator has to decide on.
    Allowed,
    /// Not at all.
    Off,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Held {
    /// What was asked for.
    Requested,
    /// Everything granted at the resource.
    All,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Reuse {
    /// It stays valid beside its successor.
    Kept,
    /// It is worthless.
    Once,
    /// It is worthless, and brought again it ends all that came from its sign-in.
    Family,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Promise {
    /// Honoured until they expire, except by continuous access evaluation.
    Real,
    /// Refused at once.
    Strict,
}

/// What is not named stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Turn {
    #[serde(default)]
    revocation: Option<Promise>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    propagation: Option<SignedDuration>,
    #[serde(default)]
    client_address: Option<String>,
    #[serde(default)]
    granted_scopes: Option<Held>,
    #[serde(default)]
    refresh_reuse: Option<Reuse>,
    #[serde(default)]
    user_consent: Option<SelfService>,
}

impl Settings {
    fn of(live: Live) -> Self {
        Self {
            revocation: match live.revocation {
                Revocation::Real => Promise::Real,
                Revocation::Strict => Promise::Strict,
            },
            propagation: live.propagation,
            client_address: match live.client_address {
                ClientAddress::Connection => "connection".to_owned(),
                ClientAddress::Forwarded => "forwarded".to_owned(),
                ClientAddress::Fixed(address) => address.to_string(),
            },
            granted_scopes: match live.granted_scopes {
                GrantedScopes::Requested => Held::Requested,
                GrantedScopes::All => Held::All,
            },
            refresh_reuse: match live.refresh_reuse {
                RefreshReuse::Kept => Reuse::Kept,
                RefreshReuse::Once => Reuse::Once,
                RefreshReuse::Family => Reuse::Family,
            },
            user_consent: match live.user_consent {
                UserConsent::Allowed => SelfService::Allowed,
                UserConsent::Off => SelfService::Off,
            },
        }
    }
}

async fn settings(state: Arc<State>, _: Nothing) -> Result<Settings, LabError> {
    Ok(Settings::of(state.live()))
}

async fn turn(state: Arc<State>, body: Turn) -> Result<Settings, LabError> {
    let address = match body.client_address.as_deref() {
        None => None,
        Some("connection") => Some(ClientAddress::Connection),
        Some("forwarded") => Some(ClientAddress::Forwarded),
        Some(address) => match address.parse::<IpAddr>() {
            Ok(address) => Some(ClientAddress::Fixed(address)),
            Err(_) => return Err(LabError::bad("\"clientAddress\" is connection, forwarded, or an address")),
        },
    };
    if body.propagation.is_some_and(|delay| delay.is_negative()) {
        return Err(LabError::bad("\"propagation\" is not negative"));
    }
    state.turn(|live| {
        if let Some(revocation) = body.revocation {
            live.revocation = match revocation {
                Promise::Real => Revocation::Real,
                Promise::Strict => Revocation::Strict,
            };
        }
        live.propagation = body.propagation.unwrap_or(live.propagation);
        live.client_address = address.unwrap_or(live.client_address);
        if let Some(held) = body.granted_scopes {
            live.granted_scopes = match held {
                Held::Requested => GrantedScopes::Requested,
                Held::All => GrantedScopes::All,
            };
        }
        if let Some(reuse) = body.refresh_reuse {
            live.refresh_reuse = match reuse {
                Reuse::Kept => RefreshReuse::Kept,
                Reuse::Once => RefreshReuse::Once,
                Reuse::Family => RefreshReuse::Family,
            };
        }
        if let Some(consent) = body.user_consent {
            live.user_consent = match consent {
                SelfService::Allowed => UserConsent::Allowed,
                SelfService::Off => UserConsent::Off,
            };
        }
    });
    Ok(Settings::of(state.live()))
}
