//! May the account that came back be kept for the member who started? Every question is asked before anything is kept, and
//! the gate is asked again at the end: an owner may have closed it meanwhile.

use std::fmt;

use secrecy::SecretString;
use serde::Deserialize;

use super::super::error::{Fault, HostError, Refusal};
use super::super::issuer::NoGrant;
use super::super::member::{HostUser, Member};
use super::super::notes::Event;
use super::super::policy::{Finisher, Stranger, Unfit};
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
    /// signed in to the host as, if it says so, and as a member of what.
    pub(in super::super) async fn finish(
        &self,
        callback: Callback,
        browser: Option<&str>,
        asker: Option<(&HostUser, Option<&Member>)>,
    ) -> Result<(Member, Account), HostError> {
        let state = callback.state.as_deref().ok_or(Refusal::UnknownSignIn)?;
        let taken = self.under_way.flows.take(state, browser, self.clock.now(), |flow, same_browser| {
            let finisher = Finisher { started_by: &flow.member, started_on_page: flow.on_page, same_browser, asker };
            (self.policy.finish)(&finisher).map_err(|stranger| match stranger {
                Stranger::OtherBrowser => Refusal::OtherBrowser,
                Stranger::OtherUser => Refusal::OtherUser,
            })
        })?;
        let outcome = self.account(&taken.flow, &callback).await;
        let (connected, account) = match outcome {
            Ok(connected) => (connected.clone(), connected.account),
            Err(error) => {
                self.under_way.flows.close(&taken);
                tracing::info!(member = %taken.flow.member, ?error, "a sign-in failed");
                self.notes.member(&taken.flow.member, Event::ConnectFinished, error.told().0);
                return Err(error);
            }
        };
        if let Err(error) = self.keep(&taken, connected).await {
            self.notes.account(&taken.flow.member, &account, Event::ConnectFinished, error.told().0);
            return Err(error);
        }
        self.notes.account(&taken.flow.member, &account, Event::ConnectFinished, "ok");
        tracing::info!(member = %taken.flow.member, tenant = account.tenant, object_id = account.object_id, "an account was connected");
        Ok((taken.flow.member, account))
    }

    async fn account(&self, flow: &Flow, callback: &Callback) -> Result<Connected, HostError> {
        if let Some(error) = &callback.error {
            let failure = self.issuer.failure(error, callback.error_description.as_deref().unwrap_or_default());
            return Err(Refusal::SignIn(failure).into());
        }
        self.organizations.gate(&flow.member)?;
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
        let expected =
            id_token::Expected { issuer: &self.issuer, nonce: &flow.nonce, now, rules: self.policy.id_token_rules };
        let (account, tenant) = id_token::verify(&id_token, &expected, self.keys.as_ref()).await?;
        if !(self.policy.callback_issuer)(&self.issuer.issuer_of(&account.tenant), callback.iss.as_deref()) {
            return Err(Refusal::Unproven.into());
        }
        self.organizations.account(&flow.member.organization, tenant).map_err(|unfit| match unfit {
            Unfit::Personal => Refusal::PersonalAccount,
            Unfit::ForeignTenant => Refusal::ForeignTenant,
        })?;
        Ok(Connected {
            account,
            access_token: grant.access_token,
            access_expires_at: ends_at(now, grant.expires_in),
            refresh_token,
            refreshed_at: now,
        })
    }

    async fn keep(&self, taken: &Taken, connected: Connected) -> Result<(), HostError> {
        let _first_or_last = self.under_way.committing.lock().await;
        if !self.under_way.flows.close(taken) {
            return Err(Refusal::Disconnected.into());
        }
        self.organizations.gate(&taken.flow.member)?;
        let account = connected.account.clone();
        self.vault.write(&taken.flow.member, Record::Connected(connected)).await.map_err(Fault::Vault)?;
        self.toggles.linked(&taken.flow.member, Some(&account)).await?;
        Ok(())
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback(..)")
    }
}
