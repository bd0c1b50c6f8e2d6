//! Why did a sign-in or a renewal fail, in words for the person in front of it? Decided from the issuer's error number
//! alone; its text is never shown.

use serde::{Deserialize, Serialize};

/// A failure that the person, or somebody they can ask, is able to mend.
///
/// Numbers: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInFailure {
    /// Nobody with the power to do so has granted the permissions (65001, 90094 and kin).
    AdminConsentRequired,
    /// The tenant does not know one of the two applications (700016, 500011, 650052 and kin).
    AppNotInTenant,
    /// The applications are limited to assigned people, and this is not one of them (50105).
    NotAssigned,
    /// The person pressed "cancel" or declined (`access_denied`, 65004).
    Declined,
    /// Conditional access asks for more, or blocks (53000–53003, 50076, 50079 and kin).
    PolicyBlocked,
    /// The account is disabled, deleted or not of this tenant (50057, 50034, 50020).
    AccountUnusable,
    /// Sessions were revoked, the password changed, or 90 days passed without use (50173, 700082 and kin).
    SessionEnded,
    /// The server no longer takes the token, also not a fresh one.
    RefusedByServer,
    /// Something else; the number is in the log.
    Other,
}

impl SignInFailure {
    /// From the OAuth error and the issuer's number.
    pub fn from_wire(error: &str, number: Option<u32>) -> Self {
        match number {
            Some(65001 | 90093 | 90094 | 90095 | 650_056 | 650_057) => Self::AdminConsentRequired,
            Some(500_011 | 500_014 | 650_051 | 650_052 | 650_054 | 700_016 | 7_000_112) => Self::AppNotInTenant,
            Some(50105) => Self::NotAssigned,
            Some(65004) => Self::Declined,
            Some(50005 | 50072 | 50074 | 50076 | 50078 | 50079 | 50097 | 50158 | 53000..=53011 | 530_031..=530_035) => {
                Self::PolicyBlocked
            }
            Some(50020 | 50034 | 50053 | 50055 | 50057 | 500_121) => Self::AccountUnusable,
            Some(50089 | 50132 | 50133 | 50173 | 70043 | 70044 | 70008 | 700_081 | 700_082 | 700_084) => {
                Self::SessionEnded
            }
            _ if error == "access_denied" => Self::Declined,
            _ if error == "consent_required" => Self::AdminConsentRequired,
            _ => Self::Other,
        }
    }

    /// Stable, for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AdminConsentRequired => "ADMIN_CONSENT_REQUIRED",
            Self::AppNotInTenant => "APP_NOT_IN_TENANT",
            Self::NotAssigned => "NOT_ASSIGNED",
            Self::Declined => "SIGN_IN_DECLINED",
            Self::PolicyBlocked => "POLICY_BLOCKED",
            Self::AccountUnusable => "ACCOUNT_UNUSABLE",
            Self::SessionEnded => "SESSION_ENDED",
            Self::RefusedByServer => "TOKEN_REFUSED",
            Self::Other => "SIGN_IN_FAILED",
        }
    }

    /// For people: what happened and who can mend it.
    pub const fn message(self) -> &'static str {
        match self {
            Self::AdminConsentRequired => {
                "An administrator of your Microsoft 365 organization must grant the connector its permissions first. Ask a \
                 Global Administrator to consent for the whole organization, to both applications; then connect again."
            }
            Self::AppNotInTenant => {
                "Your Microsoft 365 organization does not know the connector's applications. A Global Administrator adds \
                 them by consenting for the whole organization; then connect again."
            }
            Self::NotAssigned => {
                "Your administrator has limited the connector to assigned people, and you are not one of them. Ask to be \
                 assigned to both applications (client and server); then connect again."
            }
            Self::Declined => {
                "The sign-in was cancelled or declined. Nothing was connected; start again when you like."
            }
            Self::PolicyBlocked => {
                "A policy of your Microsoft 365 organization asks for more (another factor, a managed device, a trusted \
                 place) or blocks this sign-in. Sign in again as it asks; your administrator can say which policy it is."
            }
            Self::AccountUnusable => {
                "This Microsoft account cannot be used here: it is disabled, locked, or not an account of that \
                 organization. Use another account, or ask its administrator."
            }
            Self::SessionEnded => {
                "Your Microsoft session has ended (it was revoked, the password changed, or it was not used for 90 days). \
                 Connect again."
            }
            Self::RefusedByServer => "The Microsoft 365 server no longer accepts your sign-in. Connect again.",
            Self::Other => {
                "Microsoft refused the sign-in. Try again; if it stays so, ask the operator to look at the log."
            }
        }
    }
}

/// The number in `AADSTS65001: …`, wherever the text begins with it.
pub(super) fn number_in(description: &str) -> Option<u32> {
    let digits = description.strip_prefix("AADSTS")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_decides_and_the_word_helps_out() {
        for (error, description, expected) in [
            (
                "invalid_grant",
                "AADSTS65001: The user or administrator has not consented",
                SignInFailure::AdminConsentRequired,
            ),
            ("interaction_required", "AADSTS50105: Your administrator has configured", SignInFailure::NotAssigned),
            ("unauthorized_client", "AADSTS700016: Application with identifier", SignInFailure::AppNotInTenant),
            ("invalid_grant", "AADSTS700082", SignInFailure::SessionEnded),
            ("access_denied", "the user said no", SignInFailure::Declined),
            ("access_denied", "AADSTS50105: x", SignInFailure::NotAssigned),
            ("invalid_grant", "AADSTS: nothing", SignInFailure::Other),
            ("server_error", "", SignInFailure::Other),
        ] {
            assert_eq!(SignInFailure::from_wire(error, number_in(description)), expected, "{error} {description}");
        }
    }
}
