//! May the account that came back be kept for the member who started? Every question is asked before anything is kept, and
//! the gate is asked again at the end: an owner may have closed it meanwhile.

use std::fmt;

use secrecy::SecretString;
use serde::Deserialize;

use super::super::error::{Fault, HostError, Refusal};
use super::super::issuer::{NoGrant, SignInFailure};
use super::super::member::{HostUser, Member};
use super::super::renewal::ends_at;
use super::super::vault::{Account, Connected, Record};
use super::flow::{Flow, Taken};
use super::{Connect, id_token};

/// What the browser brings back from the issuer.
#[derive(Deserialize)]
pub(in super::super) struct Callback {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    code: Option<SecretString>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
    /// RFC 9207. Entra does not send it; who does must mean the issuer that was asked.
    #[serde(default)]
    iss: Option<String>,
}

impl Connect {
    /// Finishes the sign-in that `callback` names. `browser` is the cookie that came along; `asker` is who the browser is
    /// signed in to the host as, if it says so.
    pub(in super::super) async fn finish(
        &self,
        callback: Callback,
        browser: Option<&str>,
        asker: Option<&HostUser>,
    ) -> Result<(Member, Account), HostError> {
        let state = callback.state.as_deref().ok_or(Refusal::UnknownSignIn)?;
        let taken = self.flows.take(state, browser, self.clock.now())?;
        if asker.is_some_and(|asker| *asker != taken.flow.member.user) {
            self.flows.close(&taken);
            return Err(Refusal::OtherUser.into());
        }
        let outcome = self.account(&taken.flow, &callback).await;
        let (connected, account) = match outcome {
            Ok(connected) => (connected.clone(), connected.account),
            Err(error) => {
                self.flows.close(&taken);
                tracing::info!(member = %taken.flow.member, ?error, "a sign-in failed");
                return Err(error);
            }
        };
        self.keep(&taken, connected).await?;
        tracing::info!(member = %taken.flow.member, tenant = account.tenant, object_id = account.object_id, "an account was connected");
        Ok((taken.flow.member, account))
    }

    async fn account(&self, flow: &Flow, callback: &Callback) -> Result<Connected, HostError> {
        if let Some(error) = &callback.error {
            let failure =
                SignInFailure::from_callback(error, callback.error_description.as_deref().unwrap_or_default());
            return Err(Refusal::SignIn(failure).into());
        }
        self.organizations.gate(&flow.member.user)?;
        let code = callback.code.as_ref().ok_or(Refusal::Malformed("The callback carries no code."))?;
        let grant =
            self.issuer.redeem(code, flow.verifier.secret(), flow.claims.as_deref()).await.map_err(|no| match no {
                NoGrant::Refused(failure) => HostError::Refusal(Refusal::SignIn(failure)),
                NoGrant::Unavailable(why) | NoGrant::Misunderstood(why) => HostError::Fault(Fault::Issuer(why)),
            })?;
        let (Some(id_token), Some(refresh_token)) = (grant.id_token, grant.refresh_token) else {
            return Err(Fault::Issuer("no id_token or no refresh_token although both were asked for".to_owned()).into());
        };
        let now = self.clock.now();
        let expected = id_token::Expected { issuer: &self.issuer, nonce: &flow.nonce, now };
        let (account, tenant) = id_token::verify(&id_token, &expected, self.keys.as_ref()).await?;
        if callback.iss.as_ref().is_some_and(|iss| *iss != self.issuer.issuer_of(&account.tenant)) {
            return Err(Refusal::Unproven.into());
        }
        if tenant == id_token::PERSONAL_ACCOUNTS {
            return Err(Refusal::PersonalAccount.into());
        }
        if !self.organizations.allows_tenant(&flow.member.organization, tenant) {
            return Err(Refusal::ForeignTenant.into());
        }
        Ok(Connected {
            account,
            access_token: grant.access_token,
            access_expires_at: ends_at(now, grant.expires_in),
            refresh_token,
            refreshed_at: now,
        })
    }

    async fn keep(&self, taken: &Taken, connected: Connected) -> Result<(), HostError> {
        let _first_or_last = self.committing.lock().await;
        if !self.flows.close(taken) {
            return Err(Refusal::Disconnected.into());
        }
        self.organizations.gate(&taken.flow.member.user)?;
        self.vault.write(&taken.flow.member, Record::Connected(connected)).await.map_err(Fault::Vault)?;
        Ok(())
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback(..)")
    }
}
