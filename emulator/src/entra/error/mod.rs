//! Everything the login host refuses: one enum, one row of number, OAuth error and status per variant, one body shape.

mod answer;
mod denial;
mod numbers;

pub(crate) use answer::{Trace, too_large};
pub(crate) use denial::About;
use jiff::Timestamp;

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
