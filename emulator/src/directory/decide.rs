//! May this user get a token for this app and resource now? One function that every grant type asks.

use fixtures::ids::{AppId, PolicyId, TenantId, UserId};
use fixtures::plan::Registration;
use jiff::Timestamp;

use super::{BTreeSet, Circumstances, Conditions, Directory, Presented, Unmet, User};
use crate::entra::rules::IssuerRules;
use crate::world::{TenantWorld, World};

/// Sign-in scopes of OpenID Connect: every client may ask for them.
///
/// The real service records them as a grant on Microsoft Graph like any other; consent to any permission of an app covers them, so
/// the difference shows only for an app without a single grant.
pub const OIDC_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// In whose directory.
    pub tenant: TenantId,
    /// Who the token is about.
    pub user: UserId,
    /// Who asks: the client of the token.
    pub client: &'a Registration,
    /// Who the token is for.
    pub resource: &'a Registration,
    /// What it may do there.
    pub requested: &'a Requested,
    /// The credential that is presented now, and the sign-in behind it; sessions revoked since then void it.
    pub presented: Presented,
    /// What the request comes with beside it.
    pub circumstances: &'a Circumstances,
}

/// The scopes of one resource that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requested {
    /// `.default`: everything that was granted already.
    Everything,
    /// These, by short name (`Mail.Read`).
    Named(BTreeSet<String>),
}

/// Yes, with the scopes that the token may carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// `scp`, as a set.
    pub scopes: BTreeSet<String>,
    /// Authentication contexts that the token may say are satisfied (`acrs`).
    pub contexts: BTreeSet<String>,
    /// Conditional access policies that applied, all of them satisfied.
    pub policies: BTreeSet<PolicyId>,
}

/// No, because.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The tenant has no such user.
    UserUnknown,
    /// `accountEnabled` is false.
    UserDisabled,
    /// Sessions from before this instant were revoked.
    SessionsRevoked {
        /// `signInSessionsValidFromDateTime`.
        since: Timestamp,
    },
    /// The client has no service principal in the tenant, or is another tenant's alone.
    ClientUnknown,
    /// The client's service principal is disabled.
    ClientDisabled,
    /// The resource has no service principal in the tenant.
    ResourceUnknown,
    /// The resource's service principal is disabled.
    ResourceDisabled,
    /// Assignment is required at this application, and the user has none.
    NotAssigned {
        /// The application.
        app: AppId,
    },
    /// The resource publishes no such permission.
    ScopeUnknown {
        /// The permission.
        scope: String,
    },
    /// These permissions were granted neither for everybody nor by this user; empty for `.default` without any grant.
    ConsentMissing {
        /// The permissions.
        scopes: BTreeSet<String>,
    },
    /// A conditional access policy demands what the request does not have.
    AccessConditions {
        /// The policy.
        policy: PolicyId,
        /// What is missing.
        unmet: Unmet,
    },
}

/// May this user get a token for this app and resource now?
///
/// Asked by authorization, code redemption, refresh and On-Behalf-Of alike, with the world as it is at that moment.
pub fn decide(world: &World, rules: &IssuerRules, question: &Question<'_>) -> Result<Permitted, Denial> {
    let Person { tenant, user, account } = person(world, rules, question)?;
    let directory = tenant.directory.as_ref();
    applications(tenant, rules, question.client, question.resource)?;
    let assigned = |app| (rules.assigned)(directory, user, app, question.presented.credential);
    for app in [question.client, question.resource] {
        let principal = directory.service_principal(app.app_id);
        if principal.is_some_and(|principal| principal.assignment_required && !assigned(principal)) {
            return Err(Denial::NotAssigned { app: app.app_id });
        }
    }
    // Conditions come before consent: a person who is let in is asked for consent then.
    let Conditions { contexts, policies } = (rules.access)(directory, user, account, question)?;
    let scopes = (rules.consented)(directory, question)?;
    Ok(Permitted { scopes, contexts, policies })
}

/// Whether a critical event came over an access token since it was issued: what a resource that evaluates access continuously hears of.
///
/// Events of the account and its sign-ins, and places that policies close; neither consent nor assignment nor the application are among
/// them, and guests are not evaluated at all.
/// <https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation>
pub(crate) fn critical(world: &World, rules: &IssuerRules, question: &Question<'_>) -> Result<(), Denial> {
    let Person { tenant, user, account } = match person(world, rules, question) {
        Err(Denial::UserDisabled | Denial::SessionsRevoked { .. }) if is_guest(world, question) => return Ok(()),
        other => other?,
    };
    if user.home.is_some() {
        return Ok(());
    }
    (rules.access)(&tenant.directory, user, account, question).map(|_| ())
}

/// The first thing that [`decide`] asks: whether account and sign-in are good.
pub(crate) fn account_of(world: &World, rules: &IssuerRules, question: &Question<'_>) -> Result<(), Denial> {
    person(world, rules, question).map(|_| ())
}

fn is_guest(world: &World, question: &Question<'_>) -> bool {
    let user = world.tenant(question.tenant).and_then(|tenant| tenant.directory.user(question.user));
    user.is_some_and(|user| user.home.is_some())
}

struct Person<'w> {
    tenant: &'w TenantWorld,
    user: &'w User,
    /// The account behind the object: a guest's is the one at home; only there can it be closed, and its sign-ins voided.
    account: &'w User,
}

/// The person behind the credential, while account and sign-in are good.
fn person<'w>(world: &'w World, rules: &IssuerRules, question: &Question<'_>) -> Result<Person<'w>, Denial> {
    let tenant = world.tenant(question.tenant).ok_or(Denial::UserUnknown)?;
    let user = tenant.directory.user(question.user).ok_or(Denial::UserUnknown)?;
    (rules.account)(user)?;
    let account = world.account(user).ok_or(Denial::UserUnknown)?;
    (rules.account)(account)?;
    match (rules.voided)(account, &question.presented) {
        Some(since) => Err(Denial::SessionsRevoked { since }),
        None => Ok(Person { tenant, user, account }),
    }
}

/// May this application get a token of its own for this resource now? No application role exists in this world, so where an
/// assignment is required there is none.
pub fn decide_application(
    world: &World,
    rules: &IssuerRules,
    tenant: TenantId,
    client: &Registration,
    resource: &Registration,
) -> Result<(), Denial> {
    let tenant = world.tenant(tenant).ok_or(Denial::ClientUnknown)?;
    applications(tenant, rules, client, resource)?;
    match tenant.directory.service_principal(resource.app_id) {
        Some(principal) if principal.assignment_required => Err(Denial::NotAssigned { app: principal.app }),
        _ => Ok(()),
    }
}

/// Both applications are in the tenant, may be, and are not switched off.
fn applications(
    tenant: &TenantWorld,
    rules: &IssuerRules,
    client: &Registration,
    resource: &Registration,
) -> Result<(), Denial> {
    let directory = &tenant.directory;
    if !(rules.at_home)(tenant, client) {
        return Err(Denial::ClientUnknown);
    }
    if !(rules.at_home)(tenant, resource) {
        return Err(Denial::ResourceUnknown);
    }
    let client = directory.service_principal(client.app_id).ok_or(Denial::ClientUnknown)?;
    if !(rules.switched_on)(client) {
        return Err(Denial::ClientDisabled);
    }
    let resource = directory.service_principal(resource.app_id).ok_or(Denial::ResourceUnknown)?;
    if (rules.switched_on)(resource) { Ok(()) } else { Err(Denial::ResourceDisabled) }
}

impl World {
    /// The account behind a user object: the object itself, for a guest the one at home; `None` when that is gone.
    pub fn account<'w>(&'w self, user: &'w User) -> Option<&'w User> {
        match user.home {
            None => Some(user),
            Some((tenant, id)) => self.tenant(tenant)?.directory.user(id),
        }
    }
}

/// What was granted, measured against what is asked for.
pub(crate) fn consented(directory: &Directory, question: &Question<'_>) -> Result<BTreeSet<String>, Denial> {
    let mut granted = directory.granted(question.client.app_id, question.resource.app_id, question.user);
    if question.resource.pre_authorized.contains(&question.client.name) {
        granted.extend(question.resource.scopes.iter().map(|scope| scope.value.clone()));
    }
    match question.requested {
        Requested::Everything if granted.is_empty() => Err(Denial::ConsentMissing { scopes: BTreeSet::new() }),
        Requested::Everything => Ok(granted),
        Requested::Named(named) => {
            let is_oidc = |scope: &str| OIDC_SCOPES.contains(&scope);
            let published = |scope: &str| question.resource.scopes.iter().any(|known| known.value == scope);
            if let Some(scope) = named.iter().find(|scope| !is_oidc(scope) && !published(scope)) {
                return Err(Denial::ScopeUnknown { scope: scope.clone() });
            }
            let missing: BTreeSet<_> =
                named.iter().filter(|scope| !is_oidc(scope) && !granted.contains(*scope)).cloned().collect();
            if missing.is_empty() { Ok(named.clone()) } else { Err(Denial::ConsentMissing { scopes: missing }) }
        }
    }
}
