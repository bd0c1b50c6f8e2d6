//! May this user get a token for this app and resource now? One function that every grant type asks.

use fixtures::ids::{AppId, UserId};
use fixtures::plan::Registration;
use jiff::Timestamp;

use super::{BTreeSet, Directory, ServicePrincipal, User};

/// Sign-in scopes of OpenID Connect: every client may ask for them.
///
/// The real service records them as a grant on Microsoft Graph like any other; consent to any permission of an app covers them, so
/// the difference shows only for an app without a single grant.
pub const OIDC_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Who the token is about.
    pub user: UserId,
    /// Who asks: the client of the token.
    pub client: &'a Registration,
    /// Who the token is for.
    pub resource: &'a Registration,
    /// What it may do there.
    pub requested: &'a Requested,
    /// The sign-in behind the credential that is presented now; sessions revoked since then void it.
    pub signed_in: SignedIn,
}

/// When a user proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// The instant: `auth_time`.
    pub at: Timestamp,
    /// [`User::session_generation`] at that instant. Times alone cannot order a sign-in and a revocation within one second.
    pub generation: u64,
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
    /// The client has no service principal in the tenant.
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
}

impl Directory {
    /// May this user get a token for this app and resource now?
    ///
    /// Asked by authorization, code redemption, refresh and On-Behalf-Of alike, with the directory as it is at that moment.
    pub fn decide(&self, question: &Question<'_>) -> Result<Permitted, Denial> {
        let user = self.user(question.user).filter(|user| user.signs_in()).ok_or(Denial::UserUnknown)?;
        if !user.enabled {
            return Err(Denial::UserDisabled);
        }
        if let Some(since) = user.sessions_valid_from
            && question.signed_in.generation < user.session_generation
        {
            return Err(Denial::SessionsRevoked { since });
        }
        let client = self.service_principal(question.client.app_id).ok_or(Denial::ClientUnknown)?;
        if !client.enabled {
            return Err(Denial::ClientDisabled);
        }
        let resource = self.service_principal(question.resource.app_id).ok_or(Denial::ResourceUnknown)?;
        if !resource.enabled {
            return Err(Denial::ResourceDisabled);
        }
        for app in [client, resource] {
            if app.assignment_required && !self.is_assigned(user, app) {
                return Err(Denial::NotAssigned { app: app.app });
            }
        }
        self.consented(question)
    }

    /// May this application get a token of its own for this resource now? No application role exists in this world, so where an
    /// assignment is required there is none.
    pub fn decide_application(&self, client: &Registration, resource: &Registration) -> Result<(), Denial> {
        let client = self.service_principal(client.app_id).ok_or(Denial::ClientUnknown)?;
        if !client.enabled {
            return Err(Denial::ClientDisabled);
        }
        let resource = self.service_principal(resource.app_id).ok_or(Denial::ResourceUnknown)?;
        if !resource.enabled {
            return Err(Denial::ResourceDisabled);
        }
        if resource.assignment_required { Err(Denial::NotAssigned { app: resource.app }) } else { Ok(()) }
    }

    /// Directly, or through a group the user is a direct member of: nested groups do not count.
    ///
    /// <https://learn.microsoft.com/entra/identity/enterprise-apps/assign-user-or-group-access-portal>
    fn is_assigned(&self, user: &User, app: &ServicePrincipal) -> bool {
        app.assigned_users.contains(&user.id)
            || app
                .assigned_groups
                .iter()
                .filter_map(|id| self.groups.get(id))
                .any(|group| group.users.contains(&user.id))
    }

    fn consented(&self, question: &Question<'_>) -> Result<Permitted, Denial> {
        let mut granted = self.granted(question.client.app_id, question.resource.app_id, question.user);
        if question.resource.pre_authorized.contains(&question.client.name) {
            granted.extend(question.resource.scopes.iter().map(|scope| scope.value.clone()));
        }
        match question.requested {
            Requested::Everything if granted.is_empty() => Err(Denial::ConsentMissing { scopes: BTreeSet::new() }),
            Requested::Everything => Ok(Permitted { scopes: granted }),
            Requested::Named(named) => {
                let is_oidc = |scope: &str| OIDC_SCOPES.contains(&scope);
                let published = |scope: &str| question.resource.scopes.iter().any(|known| known.value == scope);
                if let Some(scope) = named.iter().find(|scope| !is_oidc(scope) && !published(scope)) {
                    return Err(Denial::ScopeUnknown { scope: scope.clone() });
                }
                let missing: BTreeSet<_> =
                    named.iter().filter(|scope| !is_oidc(scope) && !granted.contains(*scope)).cloned().collect();
                if missing.is_empty() {
                    Ok(Permitted { scopes: named.clone() })
                } else {
                    Err(Denial::ConsentMissing { scopes: missing })
                }
            }
        }
    }
}
