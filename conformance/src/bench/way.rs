//! In which way does somebody sign in, and what comes of it?

use fixtures::cast::M365_SERVER;

use super::sign_in::{SecondFactor, SignIn, Tokens};
use super::{Actor, Bench, Speech, page};
use crate::check::{Feature, Finding};
use crate::recorder::StepKind;
use crate::target::SignInMode;

/// How somebody signs in.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The person.
    pub who: &'a str,
    /// Tenant name or id, or `common`; the person's own.
    pub at: Option<&'a str>,
    /// The client's registration; the connector's public client.
    pub client: Option<&'a str>,
    /// Other scopes than the connector's.
    pub scope: Option<&'a str>,
    /// Claims that a challenge asked for, as JSON.
    pub claims: Option<&'a str>,
    /// The code of a second factor, for when a page asks for it.
    pub second_factor: Option<&'a str>,
    /// Renews this sign-in instead of asking for the password.
    pub refresh: Option<&'a Actor>,
}

impl<'a> Way<'a> {
    /// In the browser, for the connector.
    pub fn of(who: &'a str) -> Self {
        Self { who, at: None, client: None, scope: None, claims: None, second_factor: None, refresh: None }
    }

    /// Whether nothing is said but who: what every connector's people can do.
    fn is_plain(&self) -> bool {
        let said = [self.at, self.client, self.scope, self.claims, self.second_factor];
        said.iter().all(Option::is_none) && self.refresh.is_none()
    }
}

impl Bench {
    /// Signs a person in: authorization with PKCE, code, tokens for the connector.
    pub async fn sign_in(&mut self, who: &str) -> Result<Actor, Finding> {
        let signed_in = self.sign_in_by(&Way::of(who)).await?;
        signed_in.map_err(|why| Finding::Inconclusive(format!("{who} cannot sign in: {why}")))
    }

    /// Signs a person in another way. The inner error is what Entra said.
    pub async fn sign_in_by(&mut self, way: &Way<'_>) -> Result<Result<Actor, String>, Finding> {
        let who = way.who;
        if !way.is_plain() {
            self.needs(Feature::EntraTokens)?;
        }
        self.recorder.step(
            StepKind::Prepare,
            who,
            if way.refresh.is_some() { "renews the sign-in" } else { "signs in" },
        );
        self.sign_ins += 1;
        who.clone_into(&mut self.acting);
        let signed_in = self.signed_in(way).await;
        self.drain().await?;
        let tokens = match signed_in {
            Ok(tokens) => tokens,
            Err(why) => return Ok(Err(why)),
        };
        self.recorder.token(&format!("{who} for the connector"), &tokens.access);
        if self.needs(Feature::EntraTokens).is_err() {
            self.its_own.insert(tokens.access.clone());
        }
        Ok(Ok(Actor { name: who.to_owned(), token: tokens.access, refresh: tokens.refresh }))
    }

    async fn signed_in(&mut self, way: &Way<'_>) -> Result<Tokens, String> {
        let (plan, login) = (self.plan.clone(), self.doors.login.clone());
        let mut sign_in = SignIn::new(&plan, &login, way.who, self.sign_ins)?;
        match self.doors.sign_in {
            SignInMode::Obo => {}
            SignInMode::GraphTokenPassthrough => {
                let scope = "https://graph.microsoft.com/.default offline_access openid profile";
                sign_in = sign_in.client(&plan, M365_SERVER)?.scope(scope);
            }
            SignInMode::OwnLogin => return self.signed_in_there(sign_in.upn()).await,
            SignInMode::DeviceCode => {
                let Speech::Programs(programs) = self.doors.speech.clone() else {
                    return Err("a code is typed for a program of one's own".to_owned());
                };
                return self.signed_in_by_code(&programs, sign_in.upn()).await;
            }
        }
        if let Some(client) = way.client {
            sign_in = sign_in.client(&plan, client)?;
        }
        if let Some(authority) = way.at {
            sign_in = sign_in.at(&plan, &login, authority);
        }
        if let Some(scope) = way.scope {
            sign_in = sign_in.scope(scope);
        }
        if let Some(claims) = way.claims {
            sign_in = sign_in.claims(claims);
        }
        let (endpoint, form) = if let Some(actor) = way.refresh {
            sign_in.renewal(actor.refresh.as_deref().ok_or("there is no refresh token")?)
        } else {
            let mut answer = self.exchange("login", self.http.get(sign_in.authorize()?)).await?;
            if let (200, Some(code)) = (answer.status, way.second_factor) {
                let (action, form) = SecondFactor::of(&answer).filled_in(&login, code)?;
                let shown = self.http.post(action).header("cookie", SecondFactor::of(&answer).cookie()).form(&form);
                answer = self.exchange("login", shown).await?;
            }
            let location = answer.response_headers.iter().find(|(name, _)| name == "location");
            let (_, location) = location.ok_or_else(|| page(&answer))?;
            sign_in.redemption(&SignIn::code(location)?)
        };
        let answer = self.exchange("login", self.http.post(endpoint).form(&form)).await?;
        SignIn::tokens(&answer.response)
    }
}
