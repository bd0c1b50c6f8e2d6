//! What an authorization request ends with: a code, an id token, an access token, as it asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::request::Wanted;
use super::session::Somebody;
use axum::response::Response;

use crate::directory::{Circumstances, Credential, Permitted, Presented, Question, decide};
use crate::entra::claims::{ClientProof, FrontChannel, Subject, carried};
use crate::entra::error::{About, EntraError};
use crate::entra::scope;
use crate::entra::store::Code;
use crate::entra::visit::Visit;

const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

impl Visit<'_> {
    /// The answer that says yes.
    pub(super) fn hand_out(&self, wanted: &Wanted<'_>, somebody: &Somebody<'_>) -> Response {
        let circumstances =
            Circumstances { policies: wanted.policies.clone(), ..self.circumstances(wanted.contexts.clone()) };
        let subject = Subject {
            state: self.state,
            tenant: somebody.tenant,
            user: somebody.user,
            client: wanted.client,
            signed_in: somebody.signed_in,
            client_proof: ClientProof::None,
            circumstances: &circumstances,
            now: self.trace.now,
            origin: self.origin,
        };
        let made = self.made(wanted, somebody, &subject);
        match made {
            Ok(parameters) => {
                let borrowed: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
                wanted.destination.send(&borrowed)
            }
            Err(error) => wanted.destination.refuse(self.trace, &error),
        }
    }

    fn made(
        &self,
        wanted: &Wanted<'_>,
        somebody: &Somebody<'_>,
        subject: &Subject<'_>,
    ) -> Result<Vec<(&'static str, String)>, EntraError> {
        let mut parameters = Vec::new();
        let mut front = FrontChannel::default();
        if wanted.answer.code {
            let code = self.code(wanted, somebody);
            front.code = Some(code.clone());
            parameters.push(("code", code));
        }
        if wanted.answer.token {
            parameters.extend(self.access_token(wanted, somebody, subject)?);
            front.access_token =
                parameters.iter().find(|(name, _)| *name == "access_token").map(|(_, token)| token.clone());
        }
        if wanted.answer.id_token {
            let nonce = wanted.nonce.as_deref();
            parameters.push(("id_token", subject.id_token(wanted.endpoint, &wanted.scopes.oidc, nonce, &front)?));
        }
        if wanted.client_info {
            parameters.push(("client_info", subject.client_info()));
        }
        self.state.issued.take_part(&somebody.session, wanted.client.app_id);
        parameters.push(("session_state", somebody.id.to_string()));
        Ok(parameters)
    }

    fn code(&self, wanted: &Wanted<'_>, somebody: &Somebody<'_>) -> String {
        let (one, two) = (self.state.seed.draw("authorization-code"), self.state.seed.draw("authorization-code"));
        let value = format!("1.{}", URL_SAFE_NO_PAD.encode([one, two].concat()));
        let code = Code {
            tenant: somebody.tenant.id,
            client: wanted.client.app_id,
            redirect_uri: wanted.destination.uri.clone(),
            kind: wanted.destination.kind,
            user: somebody.user.id,
            signed_in: somebody.signed_in,
            scopes: wanted.scopes.clone(),
            challenge: wanted.challenge.clone(),
            nonce: wanted.nonce.clone(),
            expires_at: self.trace.now.saturating_add(CODE_LIFETIME).unwrap_or(Timestamp::MAX),
            spent: false,
        };
        self.state.issued.keep_code(value.clone(), code);
        value
    }

    /// The implicit grant: a token of the first resource, without a refresh token.
    fn access_token(
        &self,
        wanted: &Wanted<'_>,
        somebody: &Somebody<'_>,
        subject: &Subject<'_>,
    ) -> Result<Vec<(&'static str, String)>, EntraError> {
        let (resource, requested) = scope::first_resource(self.world, &wanted.scopes, self.tenant_text)?;
        let question = Question {
            tenant: somebody.tenant.id,
            user: somebody.user.id,
            client: wanted.client,
            resource,
            requested: &requested,
            presented: Presented { signed_in: somebody.signed_in, credential: Credential::Session },
            circumstances: subject.circumstances,
        };
        let tenant = &somebody.tenant.display_name;
        let about = About { tenant, client: wanted.client, resource, issued_at: somebody.signed_in.at };
        let Permitted { scopes, .. } =
            decide(self.world, &self.state.rules.issuer, &question).map_err(|denial| EntraError::of(denial, &about))?;
        let scopes = carried(resource, scopes, &wanted.scopes.oidc);
        let minted = subject.access_token(resource, &scopes, wanted.claims_capable)?;
        Ok(vec![
            ("access_token", minted.token),
            ("token_type", "Bearer".to_owned()),
            ("expires_in", (minted.lifetime_seconds - 1).to_string()),
            ("scope", scope::answered(resource, &scopes, &wanted.scopes)),
        ])
    }
}
