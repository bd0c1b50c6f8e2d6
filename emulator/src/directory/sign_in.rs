//! What a sign-in was, and what makes it void.
//!
//! <https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-revocation>

use jiff::Timestamp;

use super::User;

/// When and how a user proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// The instant: `auth_time`.
    pub at: Timestamp,
    /// How often the account's sign-ins had been voided by then. Times alone cannot order two events within one second.
    pub marks: Marks,
    /// Whether a password proved it.
    pub with_password: bool,
    /// When a second factor was shown, if one was.
    pub second_factor_at: Option<Timestamp>,
}

/// How often each event that voids sign-ins happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// `revokeSignInSessions`, by the user or an administrator.
    pub revoked: u32,
    /// Password changed by the user, or reset in the Azure portal.
    pub password_changed: u32,
    /// Password reset in the Entra admin center.
    pub password_reset: u32,
}

/// The same events, with the instant of the last one: `signInSessionsValidFromDateTime` is the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Voided {
    /// How often.
    pub marks: Marks,
    /// When any of them happened last.
    pub since: Option<Timestamp>,
}

/// What is presented to get a token with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A browser's session, or the sign-in that begins one.
    Session,
    /// An authorization code.
    Code,
    /// A refresh token; those of confidential clients outlive a change of password.
    Refresh {
        /// Whether it belongs to a client that proves itself.
        confidential: bool,
    },
    /// An access token, as an On-Behalf-Of assertion.
    Assertion,
    /// An access token at a resource that evaluates access continuously.
    AccessToken,
}

/// A sign-in, and the credential that goes back to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// The sign-in.
    pub signed_in: SignedIn,
    /// What is presented now.
    pub credential: Credential,
}

impl User {
    /// A sign-in of this account, now.
    pub fn sign_in(&self, now: Timestamp) -> SignedIn {
        SignedIn { at: now, marks: self.voided.marks, with_password: true, second_factor_at: None }
    }

    /// Since when this sign-in is void for what is presented; `None` while it is good. The table of the page above, row by row.
    pub fn voids(&self, presented: &Presented) -> Option<Timestamp> {
        let Presented { signed_in, credential } = *presented;
        let (now, then) = (self.voided.marks, signed_in.marks);
        let is_confidential = credential == (Credential::Refresh { confidential: true });
        let changed = now.password_changed > then.password_changed && signed_in.with_password && !is_confidential;
        let reset =
            now.password_reset > then.password_reset && (signed_in.with_password || credential != Credential::Session);
        (now.revoked > then.revoked || changed || reset).then(|| self.voided.since.unwrap_or(signed_in.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixtures::Plan;

    type Event = fn(&mut Marks);
    const CHANGED: Event = |marks| marks.password_changed += 1;
    const RESET: Event = |marks| marks.password_reset += 1;
    const REVOKED: Event = |marks| marks.revoked += 1;

    #[test]
    fn the_table_of_what_revokes_what() {
        let plan = Plan::embedded().unwrap();
        let directory = crate::directory::Directory::of(&plan, plan.tenant("contoso").unwrap()).unwrap();
        let alice = directory.user_by_upn("alice@contoso.example").unwrap();
        let refresh = |confidential| Credential::Refresh { confidential };
        // Password cookie, password refresh token, other cookie, other refresh token, confidential client's refresh token.
        let columns = [
            (true, Credential::Session),
            (true, refresh(false)),
            (false, Credential::Session),
            (false, refresh(false)),
            (true, refresh(true)),
        ];
        for (event, expected) in [
            (CHANGED, [true, true, false, false, false]),
            (RESET, [true, true, false, true, true]),
            (REVOKED, [true; 5]),
        ] {
            let before = alice.sign_in(Timestamp::UNIX_EPOCH);
            let mut after = alice.clone();
            event(&mut after.voided.marks);
            let found = columns.map(|(with_password, credential)| {
                let presented = Presented { signed_in: SignedIn { with_password, ..before }, credential };
                assert!(alice.voids(&presented).is_none());
                after.voids(&presented).is_some()
            });
            assert_eq!(found, expected);
        }
    }
}
