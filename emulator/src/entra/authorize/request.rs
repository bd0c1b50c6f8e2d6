//! An authorization request, read: what is refused on a page, what by redirect, and what is wanted.

use std::collections::BTreeSet;

use fixtures::ids::PolicyId;
use fixtures::plan::Registration;

use super::redirect::{Destination, ResponseMode};
use crate::entra::claims::{contexts_asked, declares_cp1, policies_asked};
use crate::entra::client;
use crate::entra::error::EntraError;
use crate::entra::form::Form;
use crate::entra::keys::Version;
use crate::entra::rules::{Contexts, IssuerRules, Way};
use crate::entra::scope;
use crate::entra::store::{AskedScopes, Challenge, ChallengeMethod};
use crate::entra::tenant::Authority;
use crate::entra::visit::Visit;
use crate::world::World;

/// A refusal: to the page, or to the redirect URI once that is known to be good.
pub(in crate::entra) enum Refusal {
    Page(EntraError),
    Redirect(Box<Destination>, EntraError),
}

impl From<EntraError> for Refusal {
    fn from(error: EntraError) -> Self {
        Self::Page(error)
    }
}

/// An authorization request that is well-formed and may be answered by redirect.
pub(in crate::entra) struct Wanted<'s> {
    pub(super) endpoint: Version,
    pub(in crate::entra) authority: Authority,
    pub(in crate::entra) client: &'s Registration,
    pub(in crate::entra) destination: Destination,
    pub(super) answer: ResponseType,
    pub(in crate::entra) scopes: AskedScopes,
    pub(super) challenge: Option<Challenge>,
    pub(super) nonce: Option<String>,
    pub(super) prompt: Option<Prompt>,
    pub(super) hint: Option<String>,
    pub(super) client_info: bool,
    pub(super) claims_capable: bool,
    /// Authentication contexts that it asks for.
    pub(super) contexts: Contexts,
    /// Conditional access policies that a claims challenge named.
    pub(super) policies: BTreeSet<PolicyId>,
}

/// What the answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResponseType {
    pub(super) code: bool,
    pub(super) id_token: bool,
    pub(super) token: bool,
}

/// What a person is asked, whatever their session says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    None,
    Login,
    Consent,
    SelectAccount,
}

impl Prompt {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "login" => Some(Self::Login),
            "consent" => Some(Self::Consent),
            "select_account" => Some(Self::SelectAccount),
            _ => None,
        }
    }
}

impl<'s> Visit<'s> {
    /// Reads a request. What concerns client and redirect URI is looked at first: until both are good, nothing may be sent anywhere.
    pub(in crate::entra) fn wanted(&self, endpoint: Version, form: &Form) -> Result<Wanted<'s>, Refusal> {
        let authority = self.authority()?;
        let client = client::registration(self.world, form.need("client_id")?, self.tenant_text)?;
        client::reachable(self.world, client, authority)?;
        let uri = match form.get("redirect_uri") {
            Some(uri) => uri,
            None => client.redirect_uris.first().map(|first| first.uri.as_str()).ok_or(EntraError::NoRedirect)?,
        };
        let destination = Destination::registered(&self.state.rules.issuer, client, uri, form.get("state"))?;
        match self.rest(endpoint, form, authority, client, destination) {
            Ok(wanted) => Ok(wanted),
            Err((destination, error)) => Err(Refusal::Redirect(destination, error)),
        }
    }

    /// What may be refused by redirect, as the redirect URI is good.
    fn rest(
        &self,
        endpoint: Version,
        form: &Form,
        authority: Authority,
        client: &'s Registration,
        mut destination: Destination,
    ) -> Result<Wanted<'s>, (Box<Destination>, EntraError)> {
        let answer = match response(&self.state.rules.issuer, form, client, &mut destination) {
            Ok(answer) => answer,
            Err(error) => return Err((Box::new(destination), error)),
        };
        match self.details(endpoint, form, client, answer, &destination) {
            Ok(Details { scopes, challenge, prompt, claims_capable }) => Ok(Wanted {
                endpoint,
                authority,
                client,
                destination,
                answer,
                scopes,
                challenge,
                nonce: form.get("nonce").map(str::to_owned),
                prompt,
                hint: form.get("login_hint").map(str::to_owned),
                client_info: form.get("client_info") == Some("1"),
                claims_capable,
                contexts: form.get("claims").map(contexts_asked).unwrap_or_default(),
                policies: form.get("claims").map(policies_asked).unwrap_or_default(),
            }),
            Err(error) => Err((Box::new(destination), error)),
        }
    }

    fn details(
        &self,
        endpoint: Version,
        form: &Form,
        client: &Registration,
        answer: ResponseType,
        destination: &Destination,
    ) -> Result<Details, EntraError> {
        let scopes = match endpoint {
            Version::V2 => {
                let scopes = scope::parse(self.world, form.need("scope")?, self.tenant_text)?;
                scope::check_resource(self.world, &scopes, form.get("resource"))?;
                scopes
            }
            Version::V1 => {
                let scopes = scope::of_resource(self.world, form, self.tenant_text)?;
                listed(self.world, client, &scopes)?;
                scopes
            }
        };
        if answer.id_token {
            if !scopes.oidc.contains("openid") {
                return Err(EntraError::ResponseTypeNotAllowed("id_token"));
            }
            form.need("nonce")?;
        }
        let invalid = |parameter: &'static str| EntraError::InvalidParameter {
            parameter,
            value: form.get(parameter).unwrap_or_default().to_owned(),
        };
        let claims_capable = match form.get("claims") {
            Some(claims) => declares_cp1(claims).ok_or_else(|| invalid("claims"))?,
            None => false,
        };
        let challenge = challenge(form)?;
        if answer.code && !(self.state.rules.issuer.challenged)(destination.kind, challenge.as_ref()) {
            return Err(EntraError::ChallengeMissing);
        }
        let prompt = match form.get("prompt") {
            Some(text) => Some(Prompt::parse(text).ok_or_else(|| invalid("prompt"))?),
            None => None,
        };
        Ok(Details { scopes, challenge, prompt, claims_capable })
    }
}

struct Details {
    scopes: AskedScopes,
    challenge: Option<Challenge>,
    prompt: Option<Prompt>,
    claims_capable: bool,
}

/// Response type and mode: tokens never travel in a query.
fn response(
    rules: &IssuerRules,
    form: &Form,
    client: &Registration,
    destination: &mut Destination,
) -> Result<ResponseType, EntraError> {
    let text = form.need("response_type")?;
    let words: BTreeSet<&str> = text.split_whitespace().collect();
    let answer = ResponseType {
        code: words.contains("code"),
        id_token: words.contains("id_token"),
        token: words.contains("token"),
    };
    let has_tokens = answer.id_token || answer.token;
    // The mode first: a refusal travels by it too.
    destination.mode = match form.get("response_mode") {
        None if has_tokens => ResponseMode::Fragment,
        None | Some("query") => ResponseMode::Query,
        Some("fragment") => ResponseMode::Fragment,
        Some("form_post") => ResponseMode::FormPost,
        Some(other) => return Err(EntraError::UnsupportedResponseMode(other.to_owned())),
    };
    if has_tokens && destination.mode == ResponseMode::Query {
        destination.mode = ResponseMode::Fragment;
        return Err(EntraError::UnsupportedResponseMode("query".to_owned()));
    }
    if words.iter().any(|word| !["code", "id_token", "token"].contains(word)) {
        return Err(EntraError::UnsupportedResponseType(text.to_owned()));
    }
    if answer.id_token && !client.id_tokens {
        return Err(EntraError::IdTokensNotEnabled);
    }
    if answer.token && !(rules.may_use)(client, Way::Implicit) {
        return Err(EntraError::ResponseTypeNotAllowed("token"));
    }
    Ok(answer)
}

/// The older endpoint gives only what the registration lists.
fn listed(world: &World, client: &Registration, asked: &AskedScopes) -> Result<(), EntraError> {
    let is_listed = |id| {
        id == client.app_id
            || client.required.iter().any(|row| world.app_named(&row.resource).is_some_and(|app| app.app_id == id))
    };
    match asked.resources.iter().find(|(id, _)| !is_listed(*id)) {
        Some((id, _)) => {
            Err(EntraError::ResourceNotRegistered { app: client.app_id.to_string(), resource: id.to_string() })
        }
        None => Ok(()),
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
