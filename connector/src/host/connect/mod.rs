//! How does a person's Microsoft account get connected, and to whom? Started by one member in one browser, finished for that
//! member in that browser, or not at all.
//!
//! | file | answers |
//! |---|---|
//! | `flow.rs` | which sign-ins are under way, and whose are they? |
//! | `id_token.rs` | who signed in? |
//! | `consent.rs` | how does an administrator let both applications in? |
//! | `finish.rs` | may the account that came back be kept for the member who started? |

mod consent;
mod finish;
mod flow;
mod id_token;

pub(super) use consent::{ConsentCallback, Consents, Next};
pub(super) use finish::Callback;
pub use id_token::{ID_TOKEN_RULES, IdTokenFacts, IdTokenRule, KeysUnavailable, SigningKey, SigningKeys};

use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use super::error::{Fault, HostError};
use super::issuer::{Issuer, SignInRequest};
use super::member::Member;
use super::notes::{Event, Notes};
use super::organizations::Organizations;
use super::policy::HostPolicy;
use super::sessions::SessionId;
use super::toggles::UserToggles;
use super::vault::{Record, TokenVault};
use crate::clock::Clock;
use crate::entropy;
use crate::oauth::Verifier;
use flow::{Flow, Flows};

/// Connects and disconnects members.
pub(super) struct Connect {
    pub(super) issuer: Arc<Issuer>,
    pub(super) keys: Arc<dyn SigningKeys>,
    pub(super) vault: Arc<dyn TokenVault>,
    pub(super) organizations: Arc<Organizations>,
    pub(super) toggles: Arc<UserToggles>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: HostPolicy,
    pub(super) notes: Notes,
    pub(super) under_way: UnderWay,
}

/// Sign-ins that have begun and not ended.
#[derive(Default)]
pub(super) struct UnderWay {
    flows: Flows,
    /// Held while a sign-in is kept or a connection forgotten: one of the two is first, and forgetting undoes keeping.
    committing: tokio::sync::Mutex<()>,
}

/// A sign-in that was started.
pub(super) struct Started {
    /// Where the member's browser goes next.
    pub(super) authorization_url: Url,
    /// What that browser must bring back, as a cookie.
    pub(super) browser: SecretString,
}

impl Connect {
    /// Starts a sign-in for `member`, who has passed the gate. `session` is the browser session that asks, if one does.
    pub(super) async fn start(
        &self,
        member: &Member,
        session: Option<SessionId>,
        login_hint: Option<&str>,
    ) -> Result<Started, HostError> {
        let claims = match self.vault.read(member).await {
            Ok(Some(stored)) => match stored.record {
                Record::Ended(ended) => ended.claims,
                Record::Connected(_) => None,
            },
            Ok(None) => None,
            // A row that no longer opens must not keep its owner from connecting anew.
            Err(error) => {
                tracing::warn!(%member, %error, "the vault row of a member does not open");
                None
            }
        };
        let (state, nonce, browser) = (entropy::word()?, entropy::word()?, entropy::word()?);
        let verifier = Verifier::new(entropy::word()?);
        let authorization_url = self.issuer.authorization_url(&SignInRequest {
            state: &state,
            nonce: &nonce,
            code_challenge: &verifier.challenge(),
            login_hint,
            claims: claims.as_deref(),
        });
        let flow = Flow {
            member: member.clone(),
            on_page: session.is_some(),
            verifier,
            nonce,
            claims,
            started_at: self.clock.now(),
        };
        self.under_way.flows.insert(&state, &browser, flow);
        tracing::info!(%member, "a sign-in was started");
        self.notes.member(member, Event::ConnectStarted, "ok");
        Ok(Started { authorization_url, browser: browser.into() })
    }

    /// Forgets everything of `member`: tokens, and sign-ins under way. Says whether there were tokens.
    pub(super) async fn disconnect(&self, member: &Member) -> Result<bool, HostError> {
        let _first_or_last = self.under_way.committing.lock().await;
        self.under_way.flows.forget(member);
        let existed = self.vault.erase(member).await.map_err(Fault::Vault)?;
        self.toggles.linked(member, None).await?;
        tracing::info!(%member, existed, "a member was disconnected");
        self.notes.member(member, Event::Disconnected, if existed { "ok" } else { "not_connected" });
        Ok(existed)
    }
}
