//! What each refusal is called on the wire: its number, its OAuth error, its `suberror`, its status.

use axum::http::StatusCode;

use super::EntraError;

/// What a variant means on the wire.
pub(super) struct Row {
    number: u32,
    oauth: &'static str,
    pub(super) suberror: Option<&'static str>,
}

const fn row(number: u32, oauth: &'static str) -> Row {
    Row { number, oauth, suberror: None }
}

const fn with(number: u32, oauth: &'static str, suberror: &'static str) -> Row {
    Row { number, oauth, suberror: Some(suberror) }
}

/// One row per variant: read by the answer and by the documentation.
macro_rules! rows {
    ($($pattern:pat => $row:expr,)*) => {
        impl EntraError {
            pub(super) const fn row(&self) -> Row {
                match self {
                    $($pattern => $row,)*
                }
            }

            fn rows() -> Vec<Row> {
                vec![$($row),*]
            }
        }
    };
}

rows! {
    Self::TenantNotFound(_) => row(90002, "invalid_tenant"),
    Self::InvalidInstance => row(50049, "invalid_instance"),
    Self::AppNotFound { .. } => row(700_016, "unauthorized_client"),
    Self::AppDisabled(_) => row(7_000_112, "unauthorized_client"),
    Self::WrongSecret(_) => row(7_000_215, "invalid_client"),
    Self::SecretExpired(_) => row(7_000_222, "invalid_client"),
    Self::CredentialMissing => row(7_000_218, "invalid_client"),
    Self::CredentialOfPublicClient => row(700_025, "invalid_client"),
    Self::AssertionOfUnknownCertificate(_) | Self::ClientAssertionUnverified(_) => row(700_027, "invalid_client"),
    Self::ClientAssertionExpired => row(700_024, "invalid_client"),
    Self::ClientAssertionOfOther => row(700_021, "invalid_client"),
    Self::ClientAssertionSubject => row(50048, "invalid_client"),
    Self::ClientAssertionAudience => row(700_023, "invalid_client"),
    Self::ClientAssertionMalformed => row(50027, "invalid_client"),
    Self::RedirectMismatch { .. } => row(50011, "invalid_request"),
    Self::NoRedirect => row(900_971, "invalid_request"),
    Self::ParameterMissing(_) => row(900_144, "invalid_request"),
    Self::ParameterTwice(_) => row(9_000_411, "invalid_request"),
    Self::Malformed => row(9_002_313, "invalid_request"),
    Self::PostOnly(_) => row(900_561, "invalid_request"),
    Self::UnsupportedGrant(_) => row(70003, "unsupported_grant_type"),
    Self::UnsupportedResponseType(_) | Self::ResponseTypeNotAllowed(_) => row(70005, "unsupported_response_type"),
    Self::IdTokensNotEnabled => row(700_054, "unsupported_response_type"),
    Self::UnsupportedResponseMode(_) => row(70007, "invalid_request"),
    Self::InvalidParameter { .. } => row(90023, "invalid_request"),
    Self::SingleTenant { .. } => row(50194, "invalid_request"),
    Self::GrantNeedsTenant => row(9_001_023, "invalid_request"),
    Self::ResourceUnknown { .. } => row(50001, "invalid_resource"),
    Self::NothingRegistered { .. } => row(650_056, "invalid_client"),
    Self::SpaRefreshExpired { .. } => row(700_084, "invalid_grant"),
    Self::DevicePending => row(70016, "authorization_pending"),
    Self::DeviceTooFast => row(70016, "slow_down"),
    Self::DeviceDeclined => row(65004, "authorization_declined"),
    Self::DeviceCodeUnknown => row(70018, "bad_verification_code"),
    Self::DeviceCodeExpired => row(70019, "expired_token"),
    Self::FlowTokenExpired => row(50089, "invalid_grant"),
    Self::PageOfOtherSession => row(165_000, "invalid_request"),
    Self::UserOfOtherTenant { .. } => row(50020, "unauthorized_client"),
    Self::InvalidScope(_) => row(70011, "invalid_scope"),
    Self::ScopeWithoutDefault(_) => row(1_002_012, "invalid_scope"),
    Self::ApplicationNotAssigned(_) => row(501_051, "invalid_grant"),
    Self::SeveralResources => row(700_022, "invalid_scope"),
    Self::ResourceNotFound { .. } => row(500_011, "invalid_resource"),
    Self::ResourceDisabled(_) => row(500_014, "invalid_resource"),
    Self::ScopeUnknown { .. } => row(650_053, "invalid_client"),
    Self::InvalidTarget(_) => row(9_010_010, "invalid_target"),
    Self::ChallengeSize => row(50147, "invalid_request"),
    Self::ChallengeMethod(_) => row(501_491, "invalid_request"),
    Self::ChallengeMissing => row(9_002_325, "invalid_request"),
    Self::VerifierMismatch => row(501_481, "invalid_grant"),
    Self::CodeSpent => row(54005, "invalid_grant"),
    Self::CodeExpired => row(70008, "invalid_grant"),
    Self::CodeOfOtherTenant => row(700_005, "invalid_grant"),
    Self::GrantInvalid | Self::RedirectOfOtherRequest => row(70000, "invalid_grant"),
    Self::SpaWithoutOrigin => row(9_002_327, "invalid_request"),
    Self::OriginWithoutSpa => row(9_002_326, "invalid_request"),
    Self::RefreshExpired { .. } => row(700_082, "invalid_grant"),
    Self::AssertionInvalid(_) => row(50013, "invalid_grant"),
    Self::AssertionExpired => row(500_133, "invalid_grant"),
    Self::AssertionAudience { .. } => row(500_131, "invalid_grant"),
    Self::AssertionIsIdToken => row(240_002, "invalid_request"),
    Self::AssertionMalformed => row(50027, "invalid_grant"),
    Self::UserNotFound(_) => row(50034, "invalid_grant"),
    Self::UserDisabled => row(50057, "invalid_grant"),
    Self::AccountLocked => row(50053, "invalid_grant"),
    Self::FieldMissing(_) => row(90014, "invalid_request"),
    Self::QueryTooLong => row(90015, "invalid_request"),
    Self::NotSubscribed { .. } => row(650_052, "invalid_grant"),
    Self::ResourceNotRegistered { .. } => row(650_057, "invalid_resource"),
    Self::WrongPassword => row(50126, "invalid_grant"),
    Self::SessionsRevoked { .. } => with(50173, "invalid_grant", "bad_token"),
    Self::NotAssigned { .. } => row(50105, "interaction_required"),
    Self::ConsentRequired { .. } => with(65001, "invalid_grant", "consent_required"),
    Self::SecondFactorRequired { .. } => with(50076, "interaction_required", "basic_action"),
    Self::SecondFactorEnrollment { .. } => with(50079, "interaction_required", "basic_action"),
    Self::DeviceNotCompliant { .. } => with(53000, "interaction_required", "message_only"),
    Self::DeviceUnmanaged { .. } => with(530_003, "interaction_required", "message_only"),
    Self::AccessBlocked { .. } => with(53003, "invalid_grant", "message_only"),
    Self::SignInTooOld { .. } => with(70043, "invalid_grant", "token_expired"),
    Self::ConsentDeclined => row(65004, "access_denied"),
    Self::AdminOnly => row(90094, "invalid_grant"),
    Self::LoginRequired => row(50058, "login_required"),
    Self::TenantUnclear => row(50059, "invalid_request"),
}

impl EntraError {
    /// What each number says on the wire, in the order of the code. docs/aadsts.md is made from it, and every row of it is asked for.
    pub fn table() -> Vec<(u32, &'static str, Option<&'static str>)> {
        Self::rows().into_iter().map(|row| (row.number, row.oauth, row.suberror)).collect()
    }

    /// The number behind `AADSTS`.
    pub const fn number(&self) -> u32 {
        self.row().number
    }

    /// `AADSTSnnn`, for audit rows.
    pub fn code(&self) -> String {
        format!("AADSTS{}", self.number())
    }

    /// The `error` member at the token endpoint.
    pub const fn oauth(&self) -> &'static str {
        self.row().oauth
    }

    /// The `claims` member: JSON in a string, to be sent along with the next authorization request.
    pub fn claims(&self) -> Option<&str> {
        match self {
            Self::SecondFactorRequired { claims, .. }
            | Self::SecondFactorEnrollment { claims, .. }
            | Self::DeviceNotCompliant { claims }
            | Self::DeviceUnmanaged { claims }
            | Self::AccessBlocked { claims } => Some(claims),
            _ => None,
        }
    }

    /// The `error` parameter of a redirect. Consent has a word of its own there.
    pub const fn oauth_on_redirect(&self) -> &'static str {
        match self {
            Self::ConsentRequired { .. } => "consent_required",
            Self::AccessBlocked { .. } | Self::SignInTooOld { .. } => "interaction_required",
            _ => self.row().oauth,
        }
    }

    /// The HTTP status at the token endpoint: 401 for a client that is not who it says, 400 for the rest.
    pub fn status(&self) -> StatusCode {
        if self.oauth() == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST }
    }
}
