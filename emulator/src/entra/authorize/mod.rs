//! The authorization endpoint: who asks, who signs in, and where the code goes.

pub(super) mod page;
pub(super) mod redirect;
pub(super) mod session;

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::plan::{RedirectKind, Registration};
use jiff::{SignedDuration, Timestamp};

use self::redirect::{Destination, ResponseMode};
use self::session::{Cookie, Somebody};
use super::claims::declares_cp1;
use super::error::{About, EntraError, Trace};
use super::form::Form;
use super::scope;
use super::store::{AskedScopes, Challenge, ChallengeMethod, Code};
use super::tenant::Authority;
use super::{client, consent};
use crate::directory::{Credential, Denial, Presented, Question, Requested, decide};
use crate::journal::AuditRow;
use crate::options::SignIn;
use crate::serve::Arrived;
use crate::world::{State, World};

const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// What every step of a sign-in knows.
pub(super) struct Visit<'s> {
    pub(super) state: &'s State,
    pub(super) world: &'s World,
    /// The first path segment as it was sent.
    pub(super) tenant_text: &'s str,
    pub(super) headers: &'s HeaderMap,
    pub(super) trace: &'s Trace,
    pub(super) origin: &'s str,
}

/// A refusal: to the page, or to the redirect URI once that is known to be good.
enum Refusal {
    Page(EntraError),
    Redirect(Box<Destination>, EntraError),
}

impl From<EntraError> for Refusal {
    fn from(error: EntraError) -> Self {
        Self::Page(error)
    }
}

/// An authorization request that is well-formed and may be answered by redirect.
struct Wanted<'s> {
    authority: Authority,
    client: &'s Registration,
    destination: Destination,
    scopes: AskedScopes,
    challenge: Option<Challenge>,
    nonce: Option<String>,
    prompt: Option<String>,
    hint: Option<String>,
    client_info: bool,
}

/// `/{t}/oauth2/v2.0/authorize`, by GET or by form POST.
pub(super) async fn endpoint(
    Shared(state): Shared<Arc<State>>,
    Extension(arrived): Extension<Arrived>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
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
    let form = if method == Method::POST {
        Form::body(&headers, &body)
    } else {
        Form::parse(query.as_deref().unwrap_or_default())
    };
    let mut response = match form {
        Ok(form) => visit.authorize(&form, None),
        Err(error) => page::error(&trace, &error),
    };
    trace.mark(response.headers_mut());
    response
}

/// `/{t}/login`: what the sign-in page posts (`login`, `passwd`, and the request it belongs to).
pub(super) async fn login(
    Shared(state): Shared<Arc<State>>,
    Extension(arrived): Extension<Arrived>,
    Path(tenant): Path<String>,
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
        Ok(form) => visit.password(&form),
        Err(error) => page::error(&trace, &error),
    };
    trace.mark(response.headers_mut());
    response
}

impl<'s> Visit<'s> {
    /// Answers a request; `somebody` signed in a moment ago, on the page.
    fn authorize(&self, form: &Form, somebody: Option<Somebody<'s>>) -> Response {
        let wanted = match self.parse(form) {
            Ok(wanted) => wanted,
            Err(Refusal::Page(error)) => return page::error(self.trace, &error),
            Err(Refusal::Redirect(destination, error)) => return destination.refuse(self.trace, &error),
        };
        let prompt = wanted.prompt.as_deref();
        if let Some(somebody) = somebody {
            return self.finish(&wanted, &somebody);
        }
        let asks_anew = matches!(prompt, Some("login" | "select_account"));
        if !asks_anew
            && let Some(known) =
                session::current(self.state, self.world, wanted.authority, self.headers, self.trace.now)
            && wanted.hint.as_deref().is_none_or(|hint| known.user.upn.eq_ignore_ascii_case(hint))
        {
            return self.finish(&wanted, &known);
        }
        if prompt == Some("none") {
            return wanted.destination.refuse(self.trace, &EntraError::LoginRequired);
        }
        if !asks_anew && let Some((somebody, cookie)) = self.by_hint(wanted.authority, wanted.hint.as_deref()) {
            let mut response = self.finish(&wanted, &somebody);
            cookie.set(&mut response);
            return response;
        }
        self.sign_in_page(form, "authorize", wanted.authority, wanted.hint.as_deref(), None)
    }

    /// A hint that names somebody who may sign in is enough for scripts. A declared deviation: the real service asks for a password.
    pub(super) fn by_hint(&self, authority: Authority, hint: Option<&str>) -> Option<(Somebody<'s>, Cookie)> {
        if self.state.options.sign_in != SignIn::Hint {
            return None;
        }
        let (tenant, user) = authority.user(self.world, hint?)?;
        (user.enabled && user.signs_in())
            .then(|| session::begin(self.state, self.world, tenant, user, self.trace.now, self.is_secure()))
    }

    fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// The sign-in page. `step` and the form say what goes on afterwards.
    pub(super) fn sign_in_page(
        &self,
        form: &Form,
        step: &str,
        authority: Authority,
        login: Option<&str>,
        error: Option<&EntraError>,
    ) -> Response {
        let context = format!("{step}?{}", form.encode());
        let path = if step == "authorize" { "oauth2/v2.0/authorize" } else { step };
        let link = |upn: &str| format!("/{}/{path}?{}", self.tenant_segment(), form.with_hint(upn).encode());
        let people: Vec<_> = authority
            .tenants(self.world)
            .flat_map(|tenant| tenant.directory.users())
            .filter(|user| user.enabled && user.signs_in())
            .filter(|user| matches!(authority, Authority::Tenant(_)) || user.home.is_none())
            .map(|user| page::Choice { name: user.display_name.clone(), upn: user.upn.clone(), link: link(&user.upn) })
            .collect();
        let action = format!("/{}/login", self.tenant_segment());
        page::sign_in(&action, &context, login.unwrap_or_default(), error, &people)
    }

    pub(super) fn tenant_segment(&self) -> String {
        Authority::parse(self.world, self.tenant_text).map_or_else(|_| "common".to_owned(), Authority::segment)
    }

    fn password(&self, posted: &Form) -> Response {
        let tried = (|| {
            let authority = Authority::parse(self.world, self.tenant_text)?;
            let (step, query) = posted.need("ctx")?.split_once('?').ok_or(EntraError::Malformed)?;
            Ok((authority, step, Form::parse(query)?))
        })();
        let (authority, step, form) = match tried {
            Ok(tried) => tried,
            Err(error) => return page::error(self.trace, &error),
        };
        let login = posted.get("login").unwrap_or_default().trim();
        let password = posted.get("passwd").unwrap_or_default();
        let refusal = match authority.user(self.world, login) {
            Some((tenant, user)) if user.signs_in() && user.password_is(password) => {
                if user.enabled {
                    let (somebody, cookie) =
                        session::begin(self.state, self.world, tenant, user, self.trace.now, self.is_secure());
                    let mut response = match step {
                        "authorize" => self.authorize(&form, Some(somebody)),
                        other => consent::ask(self, other, &form, Some(somebody)),
                    };
                    cookie.set(&mut response);
                    return response;
                }
                EntraError::UserDisabled
            }
            _ => EntraError::WrongPassword,
        };
        self.audit("sign-in", None, None, Some(&refusal));
        self.sign_in_page(&form, step, authority, Some(login), Some(&refusal))
    }

    fn parse(&self, form: &Form) -> Result<Wanted<'s>, Refusal> {
        let authority = Authority::parse(self.world, self.tenant_text)?;
        let client = client::registration(self.world, form.need("client_id")?, self.tenant_text)?;
        let uri = match form.get("redirect_uri") {
            Some(uri) => uri,
            None => client.redirect_uris.first().map(|first| first.uri.as_str()).ok_or(EntraError::NoRedirect)?,
        };
        let mut destination = Destination::registered(client, uri, form.get("state"))?;
        match self.rest(form, authority, client, &mut destination) {
            Ok(build) => Ok(build(destination)),
            Err(error) => Err(Refusal::Redirect(Box::new(destination), error)),
        }
    }

    /// What may be refused by redirect, as the redirect URI is good.
    fn rest(
        &self,
        form: &Form,
        authority: Authority,
        client: &'s Registration,
        destination: &mut Destination,
    ) -> Result<impl FnOnce(Destination) -> Wanted<'s> + use<'s>, EntraError> {
        destination.mode = match form.get("response_mode") {
            None | Some("query") => ResponseMode::Query,
            Some("fragment") => ResponseMode::Fragment,
            Some("form_post") => ResponseMode::FormPost,
            Some(other) => {
                return Err(EntraError::UnsupportedValue { parameter: "response_mode", value: other.to_owned() });
            }
        };
        let response_type = form.need("response_type")?;
        if response_type != "code" {
            if ["id_token", "code id_token", "id_token token"].contains(&response_type) {
                self.state.journal.unmodelled(format!("login: response_type {response_type}"));
            }
            return Err(EntraError::UnsupportedResponseType(response_type.to_owned()));
        }
        let scopes = scope::parse(self.world, form.need("scope")?, self.tenant_text)?;
        if let Some(target) = form.get("resource") {
            let owner = scope::resource_named(self.world, target).map(|resource| resource.app_id);
            if owner.is_none() || scopes.resources.iter().any(|(id, _)| Some(*id) != owner) {
                return Err(EntraError::InvalidTarget(target.to_owned()));
            }
        }
        if let Some(claims) = form.get("claims")
            && declares_cp1(claims).is_none()
        {
            return Err(EntraError::UnsupportedValue { parameter: "claims", value: String::new() });
        }
        let challenge = challenge(form)?;
        if destination.kind == RedirectKind::Spa && challenge.is_none() {
            return Err(EntraError::ChallengeMissing);
        }
        let prompt = form.get("prompt").map(str::to_owned);
        if let Some(prompt) = &prompt
            && !["none", "login", "consent", "select_account"].contains(&prompt.as_str())
        {
            return Err(EntraError::UnsupportedValue { parameter: "prompt", value: prompt.clone() });
        }
        let nonce = form.get("nonce").map(str::to_owned);
        let hint = form.get("login_hint").map(str::to_owned);
        let client_info = form.get("client_info") == Some("1");
        Ok(move |destination| Wanted {
            authority,
            client,
            destination,
            scopes,
            challenge,
            nonce,
            prompt,
            hint,
            client_info,
        })
    }

    /// Somebody is signed in: asks the directory about every resource, and hands out the code.
    fn finish(&self, wanted: &Wanted<'_>, somebody: &Somebody<'_>) -> Response {
        let refusal = match self.permitted(wanted, somebody) {
            Ok(()) if wanted.prompt.as_deref() == Some("consent") => {
                self.state.journal.unmodelled("login: user consent page".to_owned());
                EntraError::ConsentRequired {
                    app: wanted.client.app_id.to_string(),
                    app_name: wanted.client.display_name.clone(),
                }
            }
            Ok(()) => {
                self.audit("sign-in", Some(somebody), Some(wanted), None);
                return self.hand_out(wanted, somebody);
            }
            Err(refusal) => refusal,
        };
        self.audit("sign-in", Some(somebody), Some(wanted), Some(&refusal));
        match refusal {
            // An application that is not in the directory gets nothing sent to it.
            EntraError::AppNotFound { .. } | EntraError::AppDisabled(_) => page::error(self.trace, &refusal),
            refusal => wanted.destination.refuse(self.trace, &refusal),
        }
    }

    fn permitted(&self, wanted: &Wanted<'_>, somebody: &Somebody<'_>) -> Result<(), EntraError> {
        let graph = scope::resource_named(self.world, scope::GRAPH);
        let sign_in_only = graph.map(|graph| (graph.app_id, Requested::Named(wanted.scopes.oidc.clone())));
        let asked = if wanted.scopes.resources.is_empty() {
            sign_in_only.into_iter().collect()
        } else {
            wanted.scopes.resources.clone()
        };
        for (id, requested) in &asked {
            let resource = self.world.app(*id).ok_or_else(|| EntraError::ResourceNotFound {
                resource: id.to_string(),
                tenant: self.tenant_text.to_owned(),
            })?;
            let question = Question {
                tenant: somebody.tenant.id,
                user: somebody.user.id,
                client: wanted.client,
                resource,
                requested,
                presented: Presented { signed_in: somebody.signed_in, credential: Credential::Session },
            };
            let about = About {
                tenant: &somebody.tenant.display_name,
                client: wanted.client,
                resource,
                issued_at: somebody.signed_in.at,
            };
            decide(self.world, &self.state.rules.issuer, &question).map_err(|denial| {
                if matches!(denial, Denial::ConsentMissing { .. }) && wanted.prompt.as_deref() != Some("none") {
                    // The real service asks the user here.
                    self.state.journal.unmodelled("login: user consent page".to_owned());
                }
                EntraError::of(denial, &about)
            })?;
        }
        Ok(())
    }

    fn hand_out(&self, wanted: &Wanted<'_>, somebody: &Somebody<'_>) -> Response {
        let (one, two) = (self.state.seed.draw("authorization-code"), self.state.seed.draw("authorization-code"));
        let value = format!("1.{}", URL_SAFE_NO_PAD.encode([one, two].concat()));
        let code = Code {
            tenant: somebody.tenant.id,
            client: wanted.client.app_id,
            redirect_uri: wanted.destination.uri.clone(),
            spa: wanted.destination.kind == RedirectKind::Spa,
            user: somebody.user.id,
            signed_in: somebody.signed_in,
            scopes: wanted.scopes.clone(),
            challenge: wanted.challenge.clone(),
            nonce: wanted.nonce.clone(),
            expires_at: self.trace.now.saturating_add(CODE_LIFETIME).unwrap_or(Timestamp::MAX),
            spent: false,
        };
        self.state.issued.keep_code(value.clone(), code);
        let session_state = self.state.seed.guid("session-state").to_string();
        let (tenant, user) = somebody.user.home.unwrap_or((somebody.tenant.id, somebody.user.id));
        let client_info = URL_SAFE_NO_PAD.encode(serde_json::json!({ "uid": user, "utid": tenant }).to_string());
        let mut parameters = vec![("code", value.as_str())];
        if wanted.client_info {
            parameters.push(("client_info", &client_info));
        }
        parameters.push(("session_state", &session_state));
        wanted.destination.send(&parameters)
    }

    fn audit(
        &self,
        kind: &'static str,
        somebody: Option<&Somebody<'_>>,
        wanted: Option<&Wanted<'_>>,
        error: Option<&EntraError>,
    ) {
        self.state.journal.audit(AuditRow {
            seq: 0,
            time: self.trace.now,
            kind,
            tenant: somebody.map(|somebody| somebody.tenant.id),
            user: somebody.map(|somebody| somebody.user.id),
            client: wanted.map(|wanted| wanted.client.app_id),
            operation: "authorize".to_owned(),
            resource: format!("/{}/oauth2/v2.0/authorize", self.tenant_text),
            scopes: wanted
                .map(|wanted| wanted.scopes.raw.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            status: if error.is_some() { 400 } else { 302 },
            error: error.map(EntraError::code),
            reason: error.map(ToString::to_string),
            request_id: self.trace.request_id.clone(),
            client_request_id: self.trace.client_request_id.clone(),
        });
    }
}

fn challenge(form: &Form) -> Result<Option<Challenge>, EntraError> {
    let Some(value) = form.get("code_challenge") else { return Ok(None) };
    let method = match form.get("code_challenge_method") {
        Some("S256") => ChallengeMethod::S256,
        None | Some("plain") => ChallengeMethod::Plain,
        Some(other) => return Err(EntraError::ChallengeMethod(other.to_owned())),
    };
    if !(43..=128).contains(&value.len()) {
        return Err(EntraError::ChallengeSize);
    }
    Ok(Some(Challenge { value: value.to_owned(), method }))
}
