//! How does the host say no? One enum for what it decides, one for what broke, one shape on the wire:
//! `{"error":{"code","message","reason"?}}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::issuer::SignInFailure;
use super::organizations::Closed;
use super::vault::VaultError;

/// A decision. Safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No API token, or one that nobody has.
    Unauthenticated,
    /// A gate is closed.
    Closed(Closed),
    /// The person has connected no account.
    NotConnected,
    /// The person had connected an account and must sign in again.
    SignInRequired(SignInFailure),
    /// The issuer did not let the person in.
    SignIn(SignInFailure),
    /// The callback belongs to no sign-in that is under way.
    UnknownSignIn,
    /// The callback came from another browser than the one that started.
    OtherBrowser,
    /// The callback came from somebody signed in to the host as somebody else.
    OtherUser,
    /// The issuer's answer does not prove who signed in.
    Unproven,
    /// A personal Microsoft account.
    PersonalAccount,
    /// An account of a tenant that the organization does not work with.
    ForeignTenant,
    /// The member disconnected while the sign-in was finishing.
    Disconnected,
    /// The request is not understood.
    Malformed(&'static str),
    /// The body is not declared as JSON.
    NotJson,
    /// The body is too long.
    TooLarge,
    /// The server does not know the tool, or not these arguments.
    Tool(String),
    /// The server asks to slow down, for so many seconds.
    Throttled(Option<String>),
    /// Another refusal of the server, in its words.
    Server(String),
    /// No such address.
    NotFound,
    /// The address does not take this method.
    MethodNotAllowed,
}

/// Something broke. The details go to the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("vault: {0}")]
    Vault(#[from] VaultError),
    #[error("vault, while renewing: {0}")]
    Renewal(std::sync::Arc<VaultError>),
    #[error("{0}")]
    Entropy(#[from] super::entropy::NoEntropy),
    #[error("issuer: {0}")]
    Issuer(String),
    #[error("server: {0}")]
    Server(String),
    #[error("interrupted")]
    Interrupted,
}

/// Why a request was not served.
#[derive(Debug)]
pub(super) enum HostError {
    Refusal(Refusal),
    Fault(Fault),
}

impl Refusal {
    pub(super) const fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            Self::Closed(Closed::NotAMember) => (StatusCode::FORBIDDEN, "NOT_A_MEMBER"),
            Self::Closed(Closed::Disabled) => (StatusCode::FORBIDDEN, "CONNECTOR_DISABLED"),
            Self::Closed(Closed::TenantNotEnabled) | Self::ForeignTenant => {
                (StatusCode::FORBIDDEN, "TENANT_NOT_ENABLED")
            }
            Self::Closed(Closed::NotAnOwner) => (StatusCode::FORBIDDEN, "NOT_AN_OWNER"),
            Self::NotConnected => (StatusCode::CONFLICT, "NOT_CONNECTED"),
            Self::SignInRequired(_) => (StatusCode::CONFLICT, "SIGN_IN_REQUIRED"),
            Self::SignIn(failure) => (StatusCode::FORBIDDEN, failure.code()),
            Self::UnknownSignIn => (StatusCode::BAD_REQUEST, "UNKNOWN_SIGN_IN"),
            Self::OtherBrowser => (StatusCode::BAD_REQUEST, "OTHER_BROWSER"),
            Self::OtherUser => (StatusCode::FORBIDDEN, "OTHER_USER"),
            Self::Unproven => (StatusCode::BAD_REQUEST, "IDENTITY_NOT_PROVEN"),
            Self::PersonalAccount => (StatusCode::FORBIDDEN, "PERSONAL_ACCOUNT"),
            Self::Disconnected => (StatusCode::CONFLICT, "DISCONNECTED"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "JSON_REQUIRED"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE"),
            Self::Tool(_) => (StatusCode::BAD_REQUEST, "INVALID_TOOL_CALL"),
            Self::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "THROTTLED"),
            Self::Server(_) => (StatusCode::FORBIDDEN, "REFUSED_BY_SERVER"),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
        }
    }

    pub(super) fn message(&self) -> &str {
        match self {
            Self::Unauthenticated => "Present an API token of this host: `Authorization: Bearer …`.",
            Self::Closed(Closed::NotAMember) => {
                "Your account belongs to no organization. The Microsoft 365 connector is for members of an organization \
                 that has it enabled; ask an owner to add you."
            }
            Self::Closed(Closed::Disabled) => {
                "The Microsoft 365 connector is switched off for your organization. An owner can enable it in the \
                 organization's settings."
            }
            Self::Closed(Closed::TenantNotEnabled) => "This Microsoft 365 tenant is not enabled for the connector.",
            Self::Closed(Closed::NotAnOwner) => "Only an owner of the organization may switch the connector on or off.",
            Self::NotConnected => "You have not connected a Microsoft 365 account. POST /api/connect starts.",
            Self::SignInRequired(failure) | Self::SignIn(failure) => failure.message(),
            Self::UnknownSignIn => {
                "This sign-in is not known here: it was finished already, took longer than ten minutes, or was never \
                 started. Start again."
            }
            Self::OtherBrowser => {
                "This sign-in was started in another browser. If you followed a link that somebody sent you, nothing was \
                 connected. Start it yourself."
            }
            Self::OtherUser => "This sign-in was started by another user. Nothing was connected.",
            Self::Unproven => "Microsoft's answer does not prove who signed in. Nothing was connected; start again.",
            Self::PersonalAccount => {
                "Personal Microsoft accounts cannot be connected. Sign in with a work or school account."
            }
            Self::ForeignTenant => {
                "This account's Microsoft 365 tenant is not one that your organization has enabled. Nothing was connected."
            }
            Self::Disconnected => "You disconnected while the sign-in was finishing. Nothing was connected.",
            Self::Malformed(message) => message,
            Self::NotJson => "Send the body as `Content-Type: application/json`.",
            Self::TooLarge => "The body is too long.",
            Self::Tool(message) | Self::Server(message) => message,
            Self::Throttled(_) => "Too many calls. Wait before the next one.",
            Self::NotFound => "There is nothing at this address.",
            Self::MethodNotAllowed => "This address does not take this method.",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let mut error = json!({ "code": code, "message": self.message() });
        if let (Self::SignInRequired(failure), Some(error)) = (&self, error.as_object_mut()) {
            error.insert("reason".to_owned(), failure.code().into());
        }
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        match self {
            Self::Unauthenticated => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Throttled(Some(after)) => {
                if let Ok(after) = HeaderValue::from_str(&after) {
                    response.headers_mut().insert(header::RETRY_AFTER, after);
                }
            }
            _ => {}
        }
        response
    }
}

impl Fault {
    const fn status_and_code(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Issuer(_) => (
                StatusCode::BAD_GATEWAY,
                "ISSUER_UNAVAILABLE",
                "Microsoft's sign-in could not be asked. Try again later.",
            ),
            Self::Server(_) => (
                StatusCode::BAD_GATEWAY,
                "SERVER_UNAVAILABLE",
                "The Microsoft 365 server could not be asked. Try again later.",
            ),
            Self::Vault(_) | Self::Renewal(_) | Self::Entropy(_) | Self::Interrupted => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "INTERNAL",
                "Something broke here. The operator finds the reason in the log.",
            ),
        }
    }
}

impl IntoResponse for HostError {
    fn into_response(self) -> Response {
        match self {
            Self::Refusal(refusal) => refusal.into_response(),
            Self::Fault(fault) => {
                tracing::error!(%fault, "a request of the host failed");
                let (status, code, message) = fault.status_and_code();
                (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response()
            }
        }
    }
}

impl From<Refusal> for HostError {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Closed> for HostError {
    fn from(closed: Closed) -> Self {
        Self::Refusal(Refusal::Closed(closed))
    }
}

impl<F: Into<Fault>> From<F> for HostError {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}
