//! Why Graph refused, in the vocabulary of the workload that refused.
//!
//! Codes and messages as clients have seen them; where only the class of answer is known, `docs/fidelity.md` says so.
//! <https://learn.microsoft.com/graph/errors>

use http::StatusCode;

use crate::change::ChangeError;
use crate::drive::DriveEditError;
use crate::entra::verify::GraphAuthFailure;
use crate::mailbox::EditError;

/// One refusal. `Display` is `error.message`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum GraphError {
    #[error("Access token is empty.")]
    NoToken,
    #[error("{}", token_message(.0))]
    Token(GraphAuthFailure),
    #[error("Resource not found for the segment '{0}'.")]
    Segment(String),
    #[error("Invalid version: {0}.")]
    Version(String),
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    ParseUri(String),
    #[error("The request was not run because a request it depends on failed.")]
    FailedDependency,
    #[error("Application is over its request limit.")]
    Throttled { seconds: u32, code: &'static str },
    #[error("{0}")]
    RequestBody(String),
    #[error("Specified HTTP method is not allowed for the request target.")]
    Method,
    #[error("This request is not modelled by the emulator: {0}.")]
    NotModelled(String),

    // Exchange
    #[error("Access is denied. Check credentials and try again.")]
    MailAccessDenied,
    #[error("The specified object was not found in the store.")]
    ItemNotFound,
    #[error("Id is malformed.")]
    IdMalformed,
    #[error("The internet message header name '{0}' should start with 'x-' or 'X-'.")]
    InternetHeader(String),
    #[error("The MIME content is not valid base64, or is empty.")]
    MimeContent,
    #[error("At least one recipient isn't valid.")]
    Recipients,
    #[error("Set action is invalid for property.")]
    PropertySet,
    #[error(
        "The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account."
    )]
    SendAs,
    #[error("The operation cannot be performed because the item is not a draft.")]
    NotADraft,
    #[error(
        "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item."
    )]
    ChangeKey,
    #[error("A folder with the specified name already exists.")]
    FolderExists,
    #[error("Distinguished folders cannot be renamed, moved or deleted.")]
    DistinguishedFolder,
    #[error("The folder cannot be moved into itself.")]
    FolderMove,
    #[error("The mailbox is either inactive, soft-deleted, or is hosted on-premise.")]
    NoMailbox,
    #[error("The restriction or sort order is too complex for this operation.")]
    InefficientFilter,
    #[error("The query filter contains one or more invalid nodes.")]
    FilterNode,
    #[error("The query parameter '{parameter}' is not supported with '$search'.")]
    WithSearch { code: &'static str, parameter: &'static str },

    // Calendars
    /// A refusal of the calendar's own: 400 with this code.
    #[error("{message}")]
    Calendar { code: &'static str, message: String },
    #[error("The request timed out.")]
    Timeout,

    // Directory
    #[error("Insufficient privileges to complete the operation.")]
    DirectoryDenied,
    #[error("Resource '{0}' does not exist or one of its queried reference-property objects are not present.")]
    NoSuchObject(String),
    #[error("{0}")]
    UnsupportedQuery(String),
    #[error("Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was thrown.")]
    ImageNotFound,

    // Teams, SharePoint
    /// No such chat, team, channel or message.
    #[error("NotFound")]
    NoSuchThread,
    #[error("{0}")]
    InvalidSubscription(String),
    /// The endpoint did not answer.
    #[error("{0}")]
    SubscriptionEndpoint(String),
    #[error("Requested API is not supported in delegated context")]
    NotDelegated,
    #[error("{0}")]
    Forbidden(String),
    #[error("Access denied")]
    DriveDenied,
    #[error("The resource could not be found.")]
    DriveItemNotFound,
    #[error("{0}")]
    DriveRequest(String),
    #[error("User's mysite not found.")]
    NoMysite,
    /// Of who cannot have a OneDrive: no message at all.
    #[error("")]
    NoDrive,
    #[error("The requested format is not supported for this item.")]
    NoConversion,
    #[error("An item with the same name already exists under the parent")]
    NameExists,
    #[error("ETag does not match current item's value")]
    ETag,
}

impl GraphError {
    /// Status and `error.code`.
    pub(super) const fn answer(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoToken | Self::Token(_) => (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken"),
            Self::Segment(_) | Self::BadRequest(_) | Self::Version(_) => (StatusCode::BAD_REQUEST, "BadRequest"),
            Self::ParseUri(_) => (StatusCode::BAD_REQUEST, "RequestBroker--ParseUri"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest"),
            Self::Throttled { code, .. } => (StatusCode::TOO_MANY_REQUESTS, code),
            Self::NotModelled(_) => (StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
            Self::FailedDependency => (StatusCode::FAILED_DEPENDENCY, "FailedDependency"),
            Self::MailAccessDenied => (StatusCode::FORBIDDEN, "ErrorAccessDenied"),
            Self::ItemNotFound => (StatusCode::NOT_FOUND, "ErrorItemNotFound"),
            Self::IdMalformed => (StatusCode::BAD_REQUEST, "ErrorInvalidIdMalformed"),
            Self::NoMailbox => (StatusCode::NOT_FOUND, "MailboxNotEnabledForRESTAPI"),
            Self::InternetHeader(_) => (StatusCode::BAD_REQUEST, "InvalidInternetMessageHeader"),
            Self::MimeContent => (StatusCode::BAD_REQUEST, "ErrorMimeContentInvalidBase64String"),
            Self::RequestBody(_) => (StatusCode::BAD_REQUEST, "RequestBodyRead"),
            Self::Recipients => (StatusCode::BAD_REQUEST, "ErrorInvalidRecipients"),
            Self::PropertySet => (StatusCode::BAD_REQUEST, "ErrorInvalidPropertySet"),
            Self::SendAs => (StatusCode::FORBIDDEN, "ErrorSendAsDenied"),
            Self::NotADraft => (StatusCode::BAD_REQUEST, "ErrorInvalidOperation"),
            Self::ChangeKey => (StatusCode::PRECONDITION_FAILED, "ErrorIrresolvableConflict"),
            Self::FolderExists => (StatusCode::CONFLICT, "ErrorFolderExists"),
            Self::DistinguishedFolder => (StatusCode::FORBIDDEN, "ErrorDeleteDistinguishedFolder"),
            Self::FolderMove => (StatusCode::BAD_REQUEST, "ErrorMoveCopyFailed"),
            Self::InefficientFilter => (StatusCode::BAD_REQUEST, "InefficientFilter"),
            Self::FilterNode => (StatusCode::BAD_REQUEST, "ErrorInvalidUrlQueryFilter"),
            Self::WithSearch { code, .. } | Self::Calendar { code, .. } => (StatusCode::BAD_REQUEST, code),
            Self::Timeout => (StatusCode::GATEWAY_TIMEOUT, "ErrorTimeoutExpired"),
            Self::DirectoryDenied => (StatusCode::FORBIDDEN, "Authorization_RequestDenied"),
            Self::NoSuchObject(_) => (StatusCode::NOT_FOUND, "Request_ResourceNotFound"),
            Self::ImageNotFound => (StatusCode::NOT_FOUND, "ImageNotFound"),
            Self::UnsupportedQuery(_) => (StatusCode::BAD_REQUEST, "Request_UnsupportedQuery"),
            Self::NoSuchThread => (StatusCode::NOT_FOUND, "NotFound"),
            Self::InvalidSubscription(_) => (StatusCode::BAD_REQUEST, "InvalidRequest"),
            Self::SubscriptionEndpoint(_) => (StatusCode::BAD_REQUEST, "ValidationError"),
            Self::NotDelegated => (StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::DriveDenied => (StatusCode::FORBIDDEN, "accessDenied"),
            Self::DriveItemNotFound => (StatusCode::NOT_FOUND, "itemNotFound"),
            Self::DriveRequest(_) => (StatusCode::BAD_REQUEST, "invalidRequest"),
            Self::NoMysite => (StatusCode::NOT_FOUND, "ResourceNotFound"),
            Self::NoDrive => (StatusCode::FORBIDDEN, "UnknownError"),
            Self::NoConversion => (StatusCode::NOT_ACCEPTABLE, "notSupported"),
            Self::NameExists => (StatusCode::CONFLICT, "nameAlreadyExists"),
            Self::ETag => (StatusCode::PRECONDITION_FAILED, "resourceModified"),
        }
    }
}

impl From<&ChangeError> for GraphError {
    /// What was there when the request was checked and is not when it is to change.
    fn from(error: &ChangeError) -> Self {
        match error {
            ChangeError::Mail(EditError::Taken) => Self::FolderExists,
            ChangeError::Mail(EditError::WellKnown) => Self::DistinguishedFolder,
            ChangeError::Mail(EditError::Circle) => Self::FolderMove,
            ChangeError::Mail(EditError::Message | EditError::Folder) | ChangeError::Calendar(_) => Self::ItemNotFound,
            ChangeError::Mailbox(_) => Self::NoMailbox,
            ChangeError::Thread(_) => Self::NoSuchThread,
            ChangeError::Drive(DriveEditError::Taken) => Self::NameExists,
            ChangeError::Drive(DriveEditError::Item | DriveEditError::Permission) => Self::DriveItemNotFound,
            ChangeError::Drive(error) => Self::DriveRequest(error.to_string()),
            _ => Self::DirectoryDenied,
        }
    }
}

fn token_message(failure: &GraphAuthFailure) -> &'static str {
    match failure {
        GraphAuthFailure::Malformed => "CompactToken parsing failed with error code: 80049217",
        GraphAuthFailure::Signature => "Access token validation failure. Invalid signature.",
        GraphAuthFailure::Expired => "Lifetime validation failed, the token is expired.",
        GraphAuthFailure::NotYetValid => "Lifetime validation failed, the token is not yet valid.",
        GraphAuthFailure::Audience => "Access token validation failure. Invalid audience.",
        GraphAuthFailure::Issuer => "Access token validation failure. Invalid issuer.",
        GraphAuthFailure::NotDelegated | GraphAuthFailure::Application { .. } => "Access token validation failure.",
        GraphAuthFailure::Gone => "The identity of the calling application or user could not be established.",
        GraphAuthFailure::Challenge(_) | GraphAuthFailure::Revoked(_) => {
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: \
             TokenIssuedBeforeRevocationTimestamp"
        }
    }
}

/// An error, and why, for the audit log: the permission row, the scope missing, the access rule. Never content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) error: GraphError,
    pub(super) reason: Option<String>,
}

impl From<GraphError> for Refusal {
    fn from(error: GraphError) -> Self {
        Self { error, reason: None }
    }
}

impl GraphError {
    /// The same, with the reason that people will read.
    pub(super) fn because(self, reason: impl Into<String>) -> Refusal {
        Refusal { error: self, reason: Some(reason.into()) }
    }
}
