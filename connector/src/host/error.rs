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
    /// A request with a session cookie that does not prove that our page sent it.
    Forged,
    /// No browser can sign in here as this person.
    NoSession,
    /// No such chat, as far as this person may know.
    NoSuchChat,
    /// Only the chat's owner may do this.
    NotChatOwner,
    /// A chat is shared with colleagues only.
    NotAColleague,
    /// The tool is switched off by the person, in the chat or in the session.
    ToolOff(String),
    /// The scripted assistant finds nothing to search for in the question.
    NothingToAsk,
    /// The consent that came back is not of a tenant that the organization works with.
    ConsentElsewhere,
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
    Entropy(#[from] crate::entropy::NoEntropy),
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
            Self::Closed(Closed::OrganizationUnclear) => (StatusCode::BAD_REQUEST, "ORGANIZATION_REQUIRED"),
            Self::Closed(Closed::PlanWithoutConnector) => (StatusCode::FORBIDDEN, "PLAN_WITHOUT_CONNECTOR"),
            Self::Forged => (StatusCode::FORBIDDEN, "NOT_FROM_THIS_PAGE"),
            Self::NoSession => (StatusCode::FORBIDDEN, "NO_SESSION"),
            Self::NoSuchChat => (StatusCode::NOT_FOUND, "NO_SUCH_CHAT"),
            Self::NotChatOwner => (StatusCode::FORBIDDEN, "NOT_CHAT_OWNER"),
            Self::NotAColleague => (StatusCode::FORBIDDEN, "NOT_A_COLLEAGUE"),
            Self::ToolOff(_) => (StatusCode::FORBIDDEN, "TOOL_DISABLED"),
            Self::NothingToAsk => (StatusCode::BAD_REQUEST, "NOTHING_TO_ASK"),
            Self::ConsentElsewhere => (StatusCode::FORBIDDEN, "TENANT_NOT_ENABLED"),
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
            Self::Closed(Closed::OrganizationUnclear) => {
                "You belong to several organizations. Say which one this is for: `Offline365-Organization: NAME`."
            }
            Self::Closed(Closed::PlanWithoutConnector) => {
                "Your organization's plan does not include the Microsoft 365 connector. It is part of the Team and \
                 Enterprise plans."
            }
            Self::Forged => "This request did not come from this host's page. Reload the page and try again.",
            Self::NoSession => {
                "No browser session can be opened here for you: the host takes API tokens only, or its identity provider \
                 has not said who you are."
            }
            Self::NoSuchChat => "There is no such chat.",
            Self::NotChatOwner => "Only the chat's owner may do this.",
            Self::NotAColleague => "A chat can be shared with other members of its organization only.",
            Self::ToolOff(_) => {
                "Failed to call tool: it is switched off here. Switch it on again in your settings, in the chat or in this session."
            }
            Self::NothingToAsk => {
                "No tool that is switched on fits this question. Say what to look for, or name a tool."
            }
            Self::ConsentElsewhere => {
                "An administrator consented for a Microsoft 365 tenant that your organization does not work with."
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

impl HostError {
    /// Code and words, as a person is told.
    pub(super) fn told(&self) -> (&'static str, &str) {
        match self {
            Self::Refusal(refusal) => (refusal.status_and_code().1, refusal.message()),
            Self::Fault(fault) => {
                let (_, code, message) = fault.status_and_code();
                (code, message)
            }
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
