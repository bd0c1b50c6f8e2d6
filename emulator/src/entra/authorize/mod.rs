//! The authorization endpoint: who asks, who signs in, and what is sent where.

mod hand_out;
pub(super) mod redirect;
mod request;
pub(super) mod session;

use axum::response::Response;
use fixtures::plan::Registration;

use self::request::{Prompt, Refusal, Wanted};
use self::session::{Cookie, Somebody};
use super::error::{About, EntraError};
use super::flow::Step;
use super::form::Form;
use super::keys::Version;
use super::pages::sign_in::{self, Choice};
use super::scope;
use super::store::AskedScopes;
use super::tenant::Authority;
use super::visit::{Arrival, Visit};
use super::{consent, second_factor};
use crate::directory::{Circumstances, Credential, Denial, Grounds, Presented, Question, Requested, decide};
use crate::journal::AuditRow;
use crate::options::SignIn;

/// `/{t}/oauth2/v2.0/authorize`, by GET or by form POST.
pub(super) async fn v2(arrival: Arrival) -> Response {
    arrival.answer(|visit, form| visit.authorize(Version::V2, form, None))
}

/// `/{t}/oauth2/authorize`: the older endpoint, which names its resource by a parameter of its own.
pub(super) async fn v1(arrival: Arrival) -> Response {
    arrival.answer(|visit, form| visit.authorize(Version::V1, form, None))
}

/// `/{t}/login`: what the sign-in page posts (`login`, `passwd`, and the request it belongs to).
pub(super) async fn login(arrival: Arrival) -> Response {
    arrival.answer(password)
}

fn password(visit: &Visit<'_>, posted: &Form) -> Response {
    visit.password(posted)
}

impl<'s> Visit<'s> {
    /// Answers a request; `somebody` signed in a moment ago, on the page.
    pub(super) fn authorize(&self, endpoint: Version, form: &Form, somebody: Option<Somebody<'s>>) -> Response {
        let wanted = match self.wanted(endpoint, form) {
            Ok(wanted) => wanted,
            Err(Refusal::Page(error)) => return self.error(&error),
            Err(Refusal::Redirect(destination, error)) => return destination.refuse(self.trace, &error),
        };
        if let Some(somebody) = somebody {
            return self.finish(&wanted, &somebody, form);
        }
        let asks_anew = matches!(wanted.prompt, Some(Prompt::Login | Prompt::SelectAccount));
        if !asks_anew
            && let Some(known) = session::current(self, wanted.authority)
            && wanted.hint.as_deref().is_none_or(|hint| known.is_named(hint))
        {
            return self.finish(&wanted, &known, form);
        }
        if wanted.prompt == Some(Prompt::None) {
            return wanted.destination.refuse(self.trace, &EntraError::LoginRequired);
        }
        if !asks_anew && let Some((somebody, cookie)) = self.by_hint(wanted.authority, wanted.hint.as_deref()) {
            let mut response = self.finish(&wanted, &somebody, form);
            cookie.set(&mut response);
            return response;
        }
        self.sign_in_page(Step::Authorize(endpoint), form, wanted.hint.as_deref(), None)
    }

    /// A hint that names somebody who may sign in is enough for scripts. A declared deviation: the real service asks for a password.
    pub(super) fn by_hint(&self, authority: Authority, hint: Option<&str>) -> Option<(Somebody<'s>, Cookie)> {
        if self.state.options.sign_in != SignIn::Hint {
            return None;
        }
        let (tenant, user) = authority.user(self.world, hint?)?;
        (user.enabled && user.signs_in()).then(|| session::begin(self, tenant, user))
    }

    /// The sign-in page. `step` and the form say what goes on afterwards.
    pub(super) fn sign_in_page(
        &self,
        step: Step,
        form: &Form,
        login: Option<&str>,
        error: Option<&EntraError>,
    ) -> Response {
        let authority = match self.authority() {
            Ok(authority) => authority,
            Err(error) => return self.error(&error),
        };
        let link = |upn: &str| format!("/{}/{}?{}", authority.segment(), step.path(), form.with_hint(upn).encode());
        let domain = form.get("domain_hint").filter(|hint| hint.contains('.'));
        let people: Vec<_> = authority
            .tenants(self.world)
            .filter(|tenant| domain.is_none_or(|domain| tenant.domain.eq_ignore_ascii_case(domain)))
            .flat_map(|tenant| tenant.directory.users())
            .filter(|user| user.enabled && user.signs_in())
            .filter(|user| matches!(authority, Authority::Tenant(_)) || user.home.is_none())
            .map(|user| Choice { name: user.display_name.clone(), upn: user.upn.clone(), link: link(&user.upn) })
            .collect();
        let fields = self.fields(step, form, session::cookie(self.headers));
        let client = form.get("client_id").and_then(|id| id.parse().ok()).and_then(|id| self.world.app(id));
        let organization = match authority {
            Authority::Tenant(id) => self.world.tenant(id).map(|tenant| tenant.display_name.as_str()),
            Authority::Common | Authority::Organizations => None,
        };
        let error = error.map(|error| format!("{}: {error}", error.code()));
        sign_in::page(&sign_in::SignIn {
            organization,
            app: client.map(|client| client.display_name.as_str()),
            action: &format!("/{}/login", authority.segment()),
            hidden: &fields.pairs(),
            login: login.unwrap_or_default(),
            error: error.as_deref(),
            people: &people,
        })
    }

    fn password(&self, posted: &Form) -> Response {
        let tried =
            self.authority().and_then(|authority| Ok((authority, self.posted(posted, session::cookie(self.headers))?)));
        let (authority, (step, form)) = match tried {
            Ok(tried) => tried,
            Err(error) => return self.error(&error),
        };
        let login = posted.get("login").unwrap_or_default().trim();
        match self.proven(authority, login, posted.get("passwd").unwrap_or_default()) {
            Ok((somebody, cookie)) => {
                let mut response = step.resume(self, &form, somebody);
                cookie.set(&mut response);
                response
            }
            Err(refusal) => {
                self.audit(None, None, Outcome::Refused(&refusal));
                self.sign_in_page(step, &form, Some(login), Some(&refusal))
            }
        }
    }

    /// Whose password this is. A guest's is the one at home, and somebody of another tenant is told so only after proving it.
    fn proven(&self, authority: Authority, login: &str, password: &str) -> Result<(Somebody<'s>, Cookie), EntraError> {
        let anywhere = Authority::Common;
        if let Some((tenant, user)) = authority.user(self.world, login) {
            let holder = match user.home {
                Some((home, id)) => self.world.tenant(home).and_then(|home| home.directory.user(id)).unwrap_or(user),
                None => user,
            };
            let now = self.trace.now;
            let attempts = &self.state.issued;
            if attempts.is_locked(tenant.id, user.id, now) {
                return Err(EntraError::AccountLocked);
            }
            return match (user.signs_in() && (holder.password_is(password) || user.password_is(password)), user.enabled)
            {
                (true, true) => {
                    attempts.forget_failures(tenant.id, user.id);
                    Ok(session::begin(self, tenant, user))
                }
                (true, false) => Err(EntraError::UserDisabled),
                (false, _) => {
                    attempts.count_failure(tenant.id, user.id, now);
                    Err(EntraError::WrongPassword)
                }
            };
        }
        match anywhere.user(self.world, login) {
            Some((home, user)) if user.signs_in() && user.password_is(password) => Err(EntraError::UserOfOtherTenant {
                user: user.upn.clone(),
                home: home.id.to_string(),
                tenant: self.tenant_text.to_owned(),
            }),
            _ => Err(EntraError::WrongPassword),
        }
    }

    /// Somebody is signed in: asks the directory about every resource, then the person, and hands out the answer.
    fn finish(&self, wanted: &Wanted<'_>, somebody: &Somebody<'s>, form: &Form) -> Response {
        let circumstances =
            Circumstances { policies: wanted.policies.clone(), ..self.circumstances(wanted.contexts.clone()) };
        let refusal = match self.permitted(wanted.client, &wanted.scopes, somebody, &circumstances) {
            Ok(_) if wanted.prompt == Some(Prompt::Consent) => {
                return consent::ask_user(
                    self,
                    Step::Authorize(wanted.endpoint),
                    wanted.client,
                    &wanted.scopes,
                    somebody,
                    form,
                );
            }
            Ok(grounds) => {
                let upn = &somebody.user.upn;
                let grounds: Vec<_> =
                    grounds.iter().map(|(resource, grounds)| format!("{resource}: {grounds}")).collect();
                let grounds = format!("{upn} signed in at {}; {}", somebody.signed_in.at, grounds.join("; "));
                self.audit(Some(somebody), Some(wanted), Outcome::Granted(grounds));
                return self.hand_out(wanted, somebody);
            }
            Err(Refused { can_consent: true, .. }) if wanted.prompt != Some(Prompt::None) => {
                return consent::ask_user(
                    self,
                    Step::Authorize(wanted.endpoint),
                    wanted.client,
                    &wanted.scopes,
                    somebody,
                    form,
                );
            }
            Err(refused) => refused.error,
        };
        self.audit(Some(somebody), Some(wanted), Outcome::Refused(&refusal));
        if wanted.prompt != Some(Prompt::None)
            && let Some(page) = second_factor::remedy(self, Step::Authorize(wanted.endpoint), form, somebody, &refusal)
        {
            return page;
        }
        match refusal {
            // An application that is not in the directory gets nothing sent to it.
            EntraError::AppNotFound { .. } | EntraError::AppDisabled(_) => self.error(&refusal),
            refusal => wanted.destination.refuse(self.trace, &refusal),
        }
    }

    /// Whether the directory lets this person have these scopes by this client now; with what it rests on, by the name of the resource.
    pub(super) fn permitted(
        &self,
        client: &Registration,
        scopes: &AskedScopes,
        somebody: &Somebody<'_>,
        circumstances: &Circumstances,
    ) -> Result<Vec<(String, Grounds)>, Refused> {
        let graph = scope::resource_named(self.world, scope::GRAPH);
        let sign_in_only = graph.map(|graph| (graph.app_id, Requested::Named(scopes.oidc.clone())));
        let asked =
            if scopes.resources.is_empty() { sign_in_only.into_iter().collect() } else { scopes.resources.clone() };
        let mut all = Vec::new();
        for (id, requested) in &asked {
            let resource = self.world.app(*id).ok_or_else(|| EntraError::ResourceNotFound {
                resource: id.to_string(),
                tenant: self.tenant_text.to_owned(),
            })?;
            let question = Question {
                tenant: somebody.tenant.id,
                user: somebody.user.id,
                client,
                resource,
                requested,
                presented: Presented { signed_in: somebody.signed_in, credential: Credential::Session },
                circumstances,
            };
            let tenant = &somebody.tenant.display_name;
            let about = About { tenant, client, resource, issued_at: somebody.signed_in.at };
            let permitted = decide(self.world, &self.state.rules.issuer, &question).map_err(|denial| {
                let can_consent = match &denial {
                    Denial::ConsentMissing { .. } => true,
                    // The first consent brings an application of many tenants into this one, and what it brings along.
                    Denial::ClientUnknown => (self.state.rules.issuer.at_home)(somebody.tenant, client),
                    Denial::ResourceUnknown => resource.known_clients.contains(&client.name),
                    _ => false,
                };
                let is_listed = client.required.iter().any(|row| row.resource == resource.name);
                let error = match denial {
                    // What the registration asks for should be there: the organization lacks the service.
                    Denial::ResourceUnknown if is_listed => {
                        EntraError::NotSubscribed { resource: resource.display_name.clone(), tenant: tenant.clone() }
                    }
                    denial => EntraError::of(denial, &about),
                };
                Refused { error, can_consent }
            })?;
            all.push((resource.name.clone(), Grounds::of(self.world, &question, &permitted)));
        }
        Ok(all)
    }

    fn audit(&self, somebody: Option<&Somebody<'_>>, wanted: Option<&Wanted<'_>>, outcome: Outcome<'_>) {
        let (error, reason) = match outcome {
            Outcome::Granted(grounds) => (None, grounds),
            Outcome::Refused(error) => (Some(error), error.to_string()),
        };
        self.state.journal.audit(AuditRow {
            seq: 0,
            time: self.trace.now,
            kind: "sign-in",
            tenant: somebody.map(|somebody| somebody.tenant.id),
            user: somebody.map(|somebody| somebody.user.id),
            client: wanted.map(|wanted| wanted.client.app_id),
            operation: "authorize".to_owned(),
            resource: self.path.to_owned(),
            scopes: wanted
                .map(|wanted| wanted.scopes.raw.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            status: if error.is_some() { 400 } else { 302 },
            error: error.map(EntraError::code),
            reason: Some(reason),
            request_id: self.trace.request_id.clone(),
            client_request_id: self.trace.client_request_id.clone(),
        });
    }
}

/// What the audit row of a sign-in says.
enum Outcome<'a> {
    /// What the yes rests on.
    Granted(String),
    Refused(&'a EntraError),
}

/// Why somebody who is signed in gets nothing.
pub(super) struct Refused {
    pub(super) error: EntraError,
    /// Whether a consent would change it.
    pub(super) can_consent: bool,
}

impl From<EntraError> for Refused {
    fn from(error: EntraError) -> Self {
        Self { error, can_consent: false }
    }
}
