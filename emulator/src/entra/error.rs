//! Everything the login host refuses: one enum, one row of number, OAuth error and status per variant, one body shape.

use std::collections::BTreeSet;

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::directory::{Denial, Unmet};
use crate::world::State;

/// A refusal of the login host. `Display` is the text after `AADSTSnnn: `.
///
/// Numbers and OAuth errors: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>. Microsoft states that numbers
/// and texts are not a contract; the texts here say the same in our words where the real ones are not public.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum EntraError {
    #[error(
        "Tenant '{0}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
    )]
    TenantNotFound(String),
    #[error("Unknown or invalid instance.")]
    InvalidInstance,
    #[error(
        "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
    )]
    AppNotFound { app: String, tenant: String },
    #[error("Application '{0}' is disabled.")]
    AppDisabled(String),
    #[error(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{0}'."
    )]
    WrongSecret(String),
    #[error("The provided client secret keys for app '{0}' are expired.")]
    SecretExpired(String),
    #[error("The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")]
    CredentialMissing,
    #[error("Client is public so neither 'client_assertion' nor 'client_secret' should be presented.")]
    CredentialOfPublicClient,
    #[error(
        "The certificate with identifier used to sign the client assertion is not registered on application '{0}'."
    )]
    AssertionOfUnknownCertificate(String),
    #[error("Client assertion failed signature validation. [Reason - {0}]")]
    ClientAssertionUnverified(&'static str),
    #[error("Client assertion is not within its valid time range.")]
    ClientAssertionExpired,
    #[error("Client assertion application identifier doesn't match 'client_id' parameter.")]
    ClientAssertionOfOther,
    #[error("Subject mismatches issuer claim in the client assertion.")]
    ClientAssertionSubject,
    #[error("Client assertion audience claim does not match Realm issuer.")]
    ClientAssertionAudience,
    #[error("JWT token is invalid or malformed.")]
    ClientAssertionMalformed,
    #[error(
        "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{app}'."
    )]
    RedirectMismatch { uri: String, app: String },
    #[error("No reply address is registered for the application.")]
    NoRedirect,
    #[error("The request body must contain the following parameter: '{0}'.")]
    ParameterMissing(&'static str),
    #[error("The request is not properly formatted. The parameter '{0}' is duplicated.")]
    ParameterTwice(String),
    #[error("Invalid request. Request is malformed or invalid.")]
    Malformed,
    #[error("The endpoint only accepts POST requests. Received a {0} request.")]
    PostOnly(String),
    #[error("The app requested an unsupported grant type '{0}'.")]
    UnsupportedGrant(String),
    #[error("The app asked for an unsupported response type '{0}'.")]
    UnsupportedResponseType(String),
    #[error(
        "The response type '{0}' is not allowed for the application, or 'id_token' was asked for without the scope 'openid'."
    )]
    ResponseTypeNotAllowed(&'static str),
    #[error("response_type 'id_token' is not enabled for the application.")]
    IdTokensNotEnabled,
    #[error("'{0}' is not a supported value of 'response_mode' for this request.")]
    UnsupportedResponseMode(String),
    #[error("Unsupported '{parameter}' value '{value}'.")]
    InvalidParameter { parameter: &'static str, value: String },
    #[error(
        "Application '{app}' ({name}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such applications. Use a tenant-specific endpoint or configure the application to be multi-tenant."
    )]
    SingleTenant { app: String, name: String },
    #[error(
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint."
    )]
    GrantNeedsTenant,
    #[error("The provided value for the input parameter 'scope' is not valid. The scope '{0}' is not valid.")]
    InvalidScope(String),
    #[error(
        "The provided value for scope {0} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
    )]
    ScopeWithoutDefault(String),
    #[error("Application '{0}' is not assigned to a role for the application it asked for.")]
    ApplicationNotAssigned(String),
    #[error("Provided value for the input parameter scope is not valid because it contains more than one resource.")]
    SeveralResources,
    #[error(
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
    )]
    ResourceNotFound { resource: String, tenant: String },
    #[error("The resource '{resource}' does not exist in the tenant '{tenant}', or is disabled.")]
    ResourceUnknown { resource: String, tenant: String },
    #[error(
        "Misconfigured application. The client has not listed any permissions for '{resource}' in the requested permissions of its registration, or an administrator has not consented in the tenant. Client app ID: {app}."
    )]
    NothingRegistered { app: String, resource: String },
    #[error("The service principal for resource '{0}' is disabled.")]
    ResourceDisabled(String),
    #[error(
        "The application '{app}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact the app vendor."
    )]
    ScopeUnknown { app: String, scope: String, resource: String },
    #[error("The requested resource '{0}' does not own the requested scopes.")]
    InvalidTarget(String),
    #[error("Invalid size of Code_Challenge parameter.")]
    ChallengeSize,
    #[error("The Code_Challenge_Method parameter '{0}' is not supported.")]
    ChallengeMethod(String),
    #[error("Proof Key for Code Exchange is required for cross-origin authorization code redemption.")]
    ChallengeMissing,
    #[error("The Code_Verifier does not match the code_challenge supplied in the authorization request.")]
    VerifierMismatch,
    #[error(
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."
    )]
    CodeSpent,
    #[error(
        "The provided authorization code or refresh token has expired. Send a new interactive authorization request for this user and resource."
    )]
    CodeExpired,
    #[error("The provided authorization code is intended to use against other tenant, thus rejected.")]
    CodeOfOtherTenant,
    #[error("Provided grant is invalid or malformed.")]
    GrantInvalid,
    #[error(
        "The provided value for the input parameter 'redirect_uri' is not valid. The expected value is the one of the authorization request."
    )]
    RedirectOfOtherRequest,
    #[error(
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests."
    )]
    SpaWithoutOrigin,
    #[error("Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.")]
    OriginWithoutSpa,
    #[error(
        "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for 90.00:00:00."
    )]
    RefreshExpired { issued: Timestamp },
    #[error(
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page. The token was issued on {issued}."
    )]
    SpaRefreshExpired { issued: Timestamp },
    #[error("OAuth 2.0 device flow error. Authorization is pending. Continue polling.")]
    DevicePending,
    #[error("OAuth 2.0 device flow error. The device polls faster than it was told to.")]
    DeviceTooFast,
    #[error("OAuth 2.0 device flow error. The user declined the authorization.")]
    DeviceDeclined,
    #[error(
        "Invalid verification code due to user typing in wrong user code for device code flow. Authorization is not approved."
    )]
    DeviceCodeUnknown,
    #[error("Verification code expired.")]
    DeviceCodeExpired,
    #[error("Flow token expired. Authentication failed. Go back to the application and sign in again.")]
    FlowTokenExpired,
    #[error(
        "Invalid request. The request tokens do not match the user context. Always send back all fields of a page, and in the browser it was shown in."
    )]
    PageOfOtherSession,
    #[error(
        "User account '{user}' from identity provider 'https://sts.windows.net/{home}/' does not exist in tenant '{tenant}' and cannot access the application in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different account."
    )]
    UserOfOtherTenant { user: String, home: String, tenant: String },
    #[error("Assertion failed signature validation. [Reason - {0}]")]
    AssertionInvalid(&'static str),
    #[error(
        "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token."
    )]
    AssertionExpired,
    #[error(
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was '{audience}' and the expected audience is '{expected}' or one of the Application Uris of this application."
    )]
    AssertionAudience { audience: String, expected: String },
    #[error("Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.")]
    AssertionIsIdToken,
    #[error("JWT token is invalid or malformed.")]
    AssertionMalformed,
    #[error(
        "The user account does not exist in the {0} directory. To sign into this application, the account must be added to the directory."
    )]
    UserNotFound(String),
    #[error("The user account is disabled.")]
    UserDisabled,
    #[error("The account is locked: somebody tried to sign in too many times with an incorrect password.")]
    AccountLocked,
    #[error("The required field '{0}' is missing from the page that was sent back.")]
    FieldMissing(&'static str),
    #[error("The query string is too long.")]
    QueryTooLong,
    #[error(
        "The app needs access to a service ('{resource}') that your organization '{tenant}' has not subscribed to or enabled. Contact your IT administrator to review the configuration of your service subscriptions."
    )]
    NotSubscribed { resource: String, tenant: String },
    #[error(
        "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration. Client app ID: {app}. Resource value from request: {resource}."
    )]
    ResourceNotRegistered { app: String, resource: String },
    #[error("Error validating credentials due to invalid username or password.")]
    WrongPassword,
    #[error(
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{valid_from}'."
    )]
    SessionsRevoked { issued: String, valid_from: String },
    #[error(
        "Your administrator has configured the application {app_name} ('{app}') to block users unless they are specifically granted ('assigned') access to the application. The signed in user is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator. Please contact your administrator to assign access to this application."
    )]
    NotAssigned { app: String, app_name: String },
    #[error(
        "The user or administrator has not consented to use the application with ID '{app}' named '{app_name}'. Send an interactive authorization request for this user and resource."
    )]
    ConsentRequired { app: String, app_name: String },
    #[error(
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'."
    )]
    SecondFactorRequired { resource: String, claims: String },
    #[error(
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'."
    )]
    SecondFactorEnrollment { resource: String, claims: String },
    #[error(
        "Your device is not in the required device state: Conditional Access requires a compliant device, and the device is not compliant. The user must enroll their device with an approved MDM provider like Intune."
    )]
    DeviceNotCompliant { claims: String },
    #[error("Your device is required to be managed to access this resource.")]
    DeviceUnmanaged { claims: String },
    #[error("Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.")]
    AccessBlocked { claims: String },
    #[error(
        "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access. The token was issued on {issued} and the maximum allowed lifetime for this request is {seconds}."
    )]
    SignInTooOld { issued: String, seconds: i64 },
    #[error("User declined to consent to access the app.")]
    ConsentDeclined,
    #[error(
        "Admin consent is required for the permissions requested by this application. Only an administrator can grant them."
    )]
    AdminOnly,
    #[error(
        "Session information is not sufficient for single-sign-on. A silent sign-in request was sent but no user is signed in."
    )]
    LoginRequired,
    #[error("No tenant-identifying information found in either the request or implied by any provided credentials.")]
    TenantUnclear,
}

/// What a variant means on the wire.
struct Row {
    number: u32,
    oauth: &'static str,
    suberror: Option<&'static str>,
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
            const fn row(&self) -> Row {
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

    /// What the directory's denial is called on the wire.
    pub(crate) fn of(denial: Denial, about: &About<'_>) -> Self {
        let client = || about.client.app_id.to_string();
        let resource = || about.resource.app_id.to_string();
        match denial {
            Denial::UserUnknown => Self::UserNotFound(about.tenant.to_owned()),
            Denial::UserDisabled => Self::UserDisabled,
            Denial::SessionsRevoked { since } => Self::SessionsRevoked {
                issued: about.issued_at.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string(),
                valid_from: since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            },
            Denial::ClientUnknown => Self::AppNotFound { app: client(), tenant: about.tenant.to_owned() },
            Denial::ClientDisabled => Self::AppDisabled(client()),
            Denial::ResourceUnknown => Self::ResourceNotFound { resource: resource(), tenant: about.tenant.to_owned() },
            Denial::ResourceDisabled => Self::ResourceDisabled(resource()),
            Denial::NotAssigned { app } => {
                let named = if app == about.client.app_id { about.client } else { about.resource };
                Self::NotAssigned { app: app.to_string(), app_name: named.display_name.clone() }
            }
            Denial::ScopeUnknown { scope } => Self::ScopeUnknown { app: client(), scope, resource: resource() },
            Denial::AccessConditions { policy, unmet } => {
                let resource = about.resource.app_id.to_string();
                let claims =
                    json!({ "access_token": { "capolids": { "essential": true, "values": [policy] } } }).to_string();
                match unmet {
                    Unmet::Blocked => Self::AccessBlocked { claims },
                    Unmet::SecondFactor => Self::SecondFactorRequired { resource, claims },
                    Unmet::SecondFactorUnregistered => Self::SecondFactorEnrollment { resource, claims },
                    Unmet::DeviceNotCompliant => Self::DeviceNotCompliant { claims },
                    Unmet::DeviceUnmanaged => Self::DeviceUnmanaged { claims },
                    Unmet::SignInTooOld(age) => Self::SignInTooOld {
                        issued: about.issued_at.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string(),
                        seconds: age.as_secs(),
                    },
                }
            }
            Denial::ConsentMissing { scopes } => {
                tracing::debug!(missing = ?BTreeSet::from_iter(&scopes), "consent is missing");
                Self::ConsentRequired { app: client(), app_name: about.client.display_name.clone() }
            }
        }
    }
}

/// What a denial was about: the names its text mentions.
pub(crate) struct About<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) client: &'a fixtures::plan::Registration,
    pub(crate) resource: &'a fixtures::plan::Registration,
    pub(crate) issued_at: Timestamp,
}

/// What every answer of the login host says about the request it answers.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) now: Timestamp,
    pub(crate) request_id: String,
    pub(crate) correlation_id: String,
    /// What the caller sent as `client-request-id`.
    pub(crate) client_request_id: Option<String>,
    echo: bool,
    origin: String,
}

impl Trace {
    pub(crate) fn of(state: &State, headers: &HeaderMap, origin: &str) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        // Only a GUID comes back: whatever else stands there is not ours to print.
        let client_request_id =
            text("client-request-id").and_then(|id| uuid::Uuid::try_parse(id).ok()).map(|id| id.to_string());
        Self {
            now: state.clock.now(),
            request_id: state.seed.guid("trace-id").to_string(),
            correlation_id: client_request_id.clone().unwrap_or_else(|| state.seed.guid("correlation-id").to_string()),
            client_request_id,
            echo: text("return-client-request-id").is_some_and(|value| value.eq_ignore_ascii_case("true")),
            origin: origin.to_owned(),
        }
    }

    fn timestamp(&self) -> String {
        self.now.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }

    /// `error_description`.
    pub(crate) fn description(&self, error: &EntraError) -> String {
        format!(
            "{}: {error} Trace ID: {} Correlation ID: {} Timestamp: {}",
            error.code(),
            self.request_id,
            self.correlation_id,
            self.timestamp()
        )
    }

    /// `error_uri`.
    pub(crate) fn error_uri(&self, error: &EntraError) -> String {
        format!("{}/error?code={}", self.origin, error.number())
    }

    /// The JSON body of an error.
    pub(crate) fn body(&self, error: &EntraError) -> Value {
        let mut body = json!({
            "error": error.oauth(),
            "error_description": self.description(error),
            "error_codes": [error.number()],
            "timestamp": self.timestamp(),
            "trace_id": self.request_id,
            "correlation_id": self.correlation_id,
            "error_uri": self.error_uri(error),
        });
        if let Some(suberror) = error.row().suberror {
            body["suberror"] = json!(suberror);
        }
        if let Some(claims) = error.claims() {
            body["claims"] = json!(claims);
        }
        body
    }

    /// An error as the token endpoint answers it.
    pub(crate) fn refuse(&self, error: &EntraError) -> Response {
        self.json(error.status(), &self.body(error), error.number())
    }

    /// JSON with the headers of the token endpoint. `number` is 0 for success.
    pub(crate) fn json(&self, status: StatusCode, body: &Value, number: u32) -> Response {
        let mut response = (status, Json(body)).into_response();
        self.mark(response.headers_mut());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if let Ok(telemetry) = HeaderValue::try_from(format!("1,{number},0,,")) {
            headers.insert(HeaderName::from_static("x-ms-clitelem"), telemetry);
        }
        response
    }

    /// The headers of every answer that is about one person: never kept by anybody.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(header::EXPIRES, HeaderValue::from_static("-1"));
        let ids = [
            ("x-ms-request-id", Some(&self.request_id)),
            ("x-ms-ests-server", Some(&"2.1.0 - offline365".to_owned())),
            ("client-request-id", self.client_request_id.as_ref().filter(|_| self.echo)),
        ];
        for (name, value) in ids {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// The answer to a body beyond the limit: the status that HTTP has for it, the body that clients parse.
pub(crate) fn too_large(state: &State) -> Response {
    let trace = Trace::of(state, &HeaderMap::new(), state.origins.login_origin());
    let error = EntraError::Malformed;
    trace.json(StatusCode::PAYLOAD_TOO_LARGE, &trace.body(&error), error.number())
}
