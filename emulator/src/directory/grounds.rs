//! What a yes rests on, for people: the other half of the texts that a refusal has.

use std::collections::BTreeMap;
use std::fmt;

use fixtures::ids::PolicyId;

use super::decide::{OIDC_SCOPES, Permitted, Question};
use super::{BTreeSet, Directory, GrantKey, GroupId, ServicePrincipal, UserId};
use crate::world::World;

/// What a decision that said yes rests on. Its text names accounts, applications, groups, permissions and policies, never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// How the user is assigned to the applications that demand it: display name of the application → by what.
    pub assigned: BTreeMap<String, String>,
    /// By what each permission was granted.
    pub consent: BTreeMap<Consent, BTreeSet<String>>,
    /// Conditional access policies that applied, by name; all were satisfied.
    pub policies: BTreeSet<String>,
    /// Authentication contexts that were asked for and are satisfied.
    pub contexts: BTreeSet<String>,
}

/// By what a permission is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consent {
    /// A grant for everybody of the tenant.
    Everybody,
    /// A grant of the user's own.
    User,
    /// The resource lets this client in without consent (`preAuthorizedApplications`).
    PreAuthorized,
    /// Sign-in scopes need none.
    SignIn,
    /// None that the directory knows: a rule let it through all the same.
    Nothing,
}

impl Grounds {
    /// What this answer to this question rests on, in the world in which it was asked.
    pub fn of(world: &World, question: &Question<'_>, permitted: &Permitted) -> Self {
        let directory = world.tenant(question.tenant).map(|tenant| tenant.directory.as_ref());
        let mut grounds = Self {
            assigned: BTreeMap::new(),
            consent: BTreeMap::new(),
            policies: BTreeSet::new(),
            contexts: permitted.contexts.clone(),
        };
        let Some(directory) = directory else { return grounds };
        for app in [question.client, question.resource] {
            let principal = directory.service_principal(app.app_id).filter(|principal| principal.assignment_required);
            if let Some(principal) = principal {
                let how = assignment(directory, principal, question.user);
                grounds.assigned.insert(app.display_name.clone(), how);
            }
        }
        for scope in &permitted.scopes {
            let how = consent(directory, question, scope);
            grounds.consent.entry(how).or_default().insert(scope.clone());
        }
        grounds.policies = permitted.policies.iter().map(|id| name(directory, *id)).collect();
        grounds
    }
}

fn name(directory: &Directory, policy: PolicyId) -> String {
    directory.policy(policy).map_or_else(|| policy.to_string(), |policy| policy.name.clone())
}

fn consent(directory: &Directory, question: &Question<'_>, scope: &str) -> Consent {
    let (client, resource) = (question.client.app_id, question.resource.app_id);
    let has = |principal| {
        let scopes = directory.grants.get(&GrantKey { client, resource, principal });
        scopes.is_some_and(|scopes| scopes.contains(scope))
    };
    if has(None) {
        Consent::Everybody
    } else if has(Some(question.user)) {
        Consent::User
    } else if question.resource.pre_authorized.contains(&question.client.name) {
        Consent::PreAuthorized
    } else if OIDC_SCOPES.contains(&scope) {
        Consent::SignIn
    } else {
        Consent::Nothing
    }
}

fn assignment(directory: &Directory, app: &ServicePrincipal, user: UserId) -> String {
    if app.assigned_users.contains(&user) {
        return "directly".to_owned();
    }
    let is_in = |id: &&GroupId| directory.group(**id).is_some_and(|group| group.users.contains(&user));
    match app.assigned_groups.iter().find(is_in).and_then(|id| directory.group(*id)) {
        Some(group) => format!("by the group {}", group.display_name),
        None => "by nothing that the directory knows".to_owned(),
    }
}

impl Consent {
    const fn text(self) -> &'static str {
        match self {
            Self::Everybody => "for everybody",
            Self::User => "by the user",
            Self::PreAuthorized => "pre-authorized",
            Self::SignIn => "for sign-in",
            Self::Nothing => "by no grant",
        }
    }
}

impl fmt::Display for Grounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (app, how) in &self.assigned {
            write!(f, "assigned to {app} {how}; ")?;
        }
        f.write_str("consented:")?;
        for (how, scopes) in &self.consent {
            f.write_str(" ")?;
            for scope in scopes {
                write!(f, "{scope} ")?;
            }
            write!(f, "({})", how.text())?;
        }
        if self.consent.is_empty() {
            f.write_str(" nothing asked for")?;
        }
        f.write_str("; conditional access: ")?;
        if self.policies.is_empty() {
            f.write_str("no policy applies")?;
        } else {
            let names: Vec<&str> = self.policies.iter().map(String::as_str).collect();
            write!(f, "satisfied {}", names.join(", "))?;
        }
        if !self.contexts.is_empty() {
            let names: Vec<&str> = self.contexts.iter().map(String::as_str).collect();
            write!(f, "; contexts {}", names.join(", "))?;
        }
        Ok(())
    }
}
