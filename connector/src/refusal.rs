//! Why was a request turned down? A stable code, words for people, and who can change it. Safe to show: never a token, never
//! content, never another tenant's name.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// The stable codes of a tool's refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// An argument is unknown, missing or out of its range.
    InvalidArgument,
    /// Arguments that cannot be had together.
    UnsupportedCombination,
    /// The resource address is not one of ours.
    InvalidUri,
    /// The cursor is altered, another person's, or another question's.
    InvalidCursor,
    /// The date is not understood.
    InvalidDate,
    /// A permission is missing in the exchanged token.
    PermissionRevoked,
    /// The issuer wants consent.
    ConsentRequired,
    /// The tool is switched off.
    ToolDisabled,
    /// The user is not assigned to the application.
    NotAssigned,
    /// A conditional access policy.
    PolicyBlocked,
    /// Answered as HTTP 401, with claims where a policy asks for them.
    SignInRequired,
    /// Known not to be allowed.
    Forbidden,
    /// Unknown, or not this user's to know.
    NotFound,
    /// The mailbox belongs to a group.
    GroupMailboxUnsupported,
    /// This kind of resource is not read.
    UnsupportedType,
    /// The content could not be made into text.
    ConversionFailed,
    /// Beyond the limits.
    TooLarge,
    /// Too many requests.
    Throttled,
    /// No answer in time.
    Timeout,
    /// Microsoft 365 or the issuer failed.
    UpstreamError,
}

/// Who can bring back what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoredBy {
    /// An administrator of the tenant.
    TenantAdmin,
    /// An owner of the host's organization.
    OrganizationOwner,
    /// The person who asked.
    You,
}

/// What Graph answered, for support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphAnswer {
    /// HTTP status.
    pub status: u16,
    /// `error.code`.
    pub code: String,
    /// `request-id`.
    pub request_id: Option<String>,
}

/// A decision against a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(Box<Facts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    code: Code,
    message: String,
    permission: Option<String>,
    restored_by: Option<(RestoredBy, String)>,
    retry_after: Option<u64>,
    parameters: Vec<String>,
    suggestion: Option<String>,
    graph: Option<GraphAnswer>,
    claims: Option<String>,
}

impl Code {
    /// The code as written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::UnsupportedCombination => "UNSUPPORTED_COMBINATION",
            Self::InvalidUri => "INVALID_URI",
            Self::InvalidCursor => "INVALID_CURSOR",
            Self::InvalidDate => "INVALID_DATE",
            Self::PermissionRevoked => "PERMISSION_REVOKED",
            Self::ConsentRequired => "CONSENT_REQUIRED",
            Self::ToolDisabled => "TOOL_DISABLED",
            Self::NotAssigned => "NOT_ASSIGNED",
            Self::PolicyBlocked => "POLICY_BLOCKED",
            Self::SignInRequired => "SIGN_IN_REQUIRED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::GroupMailboxUnsupported => "GROUP_MAILBOX_UNSUPPORTED",
            Self::UnsupportedType => "UNSUPPORTED_TYPE",
            Self::ConversionFailed => "CONVERSION_FAILED",
            Self::TooLarge => "TOO_LARGE",
            Self::Throttled => "THROTTLED",
            Self::Timeout => "TIMEOUT",
            Self::UpstreamError => "UPSTREAM_ERROR",
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Timeout | Self::UpstreamError)
    }
}

impl RestoredBy {
    /// As written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantAdmin => "tenant admin",
            Self::OrganizationOwner => "organization owner",
            Self::You => "you",
        }
    }
}

impl Refusal {
    /// Something is not there, or not for this caller: always these words, which must not tell a foreign id from an unknown one.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is no such item, or it is not yours to see.")
    }

    /// A refusal that says no more than this.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            code,
            message: message.into(),
            permission: None,
            restored_by: None,
            retry_after: None,
            parameters: Vec::new(),
            suggestion: None,
            graph: None,
            claims: None,
        }))
    }

    /// An argument is wrong.
    pub fn argument(parameter: &str, message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message).parameters(&[parameter])
    }

    /// Names the permission.
    #[must_use]
    pub fn permission(mut self, permission: &str) -> Self {
        self.0.permission = Some(permission.to_owned());
        self
    }

    /// Says who can change it, and how.
    #[must_use]
    pub fn restored_by(mut self, who: RestoredBy, how: String) -> Self {
        self.0.restored_by = Some((who, how));
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: Option<u64>) -> Self {
        self.0.retry_after = seconds;
        self
    }

    /// Names the arguments at fault.
    #[must_use]
    pub fn parameters(mut self, parameters: &[&str]) -> Self {
        self.0.parameters = parameters.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Says what would work.
    #[must_use]
    pub fn suggestion(mut self, suggestion: impl Into<String>) -> Self {
        self.0.suggestion = Some(suggestion.into());
        self
    }

    /// Adds what Graph answered.
    #[must_use]
    pub fn graph(mut self, answer: GraphAnswer) -> Self {
        self.0.graph = Some(answer);
        self
    }

    /// Adds the claims, as JSON, that another token must bring.
    #[must_use]
    pub fn claims(mut self, claims: String) -> Self {
        self.0.claims = Some(claims);
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The words for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether a permission is missing that somebody could give.
    pub(crate) fn is_about_a_grant(&self) -> bool {
        matches!(self.0.code, Code::PermissionRevoked | Code::ConsentRequired)
    }

    /// The permission that is missing, if that is the reason.
    pub fn missing_permission(&self) -> Option<&str> {
        self.0.permission.as_deref()
    }

    /// The claims that another token must bring.
    pub fn wanted_claims(&self) -> Option<&str> {
        self.0.claims.as_deref()
    }

    /// The `error` member of structured content.
    pub fn to_json(&self) -> Value {
        let facts = &*self.0;
        let mut error = Map::new();
        error.insert("code".into(), facts.code.as_str().into());
        error.insert("message".into(), facts.message.as_str().into());
        error.insert("retryable".into(), facts.code.is_retryable().into());
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                error.insert(name.to_owned(), value);
            }
        };
        add("retryAfterSeconds", facts.retry_after.map(Value::from));
        add("permission", facts.permission.as_deref().map(Value::from));
        add("restoredBy", facts.restored_by.as_ref().map(|(who, _)| who.as_str().into()));
        add("howToRestore", facts.restored_by.as_ref().map(|(_, how)| how.as_str().into()));
        add("parameters", (!facts.parameters.is_empty()).then(|| facts.parameters.clone().into()));
        add("suggestion", facts.suggestion.as_deref().map(Value::from));
        add(
            "graph",
            facts
                .graph
                .as_ref()
                .map(|graph| json!({ "status": graph.status, "code": graph.code, "requestId": graph.request_id })),
        );
        Value::Object(error)
    }

    /// The one line that a model reads first.
    pub fn to_text(&self) -> String {
        let facts = &*self.0;
        let mut text = format!("Failed to call tool: {}: {}", facts.code.as_str(), facts.message);
        if let Some((who, how)) = &facts.restored_by {
            let _ = write!(text, " Restored by: {}. {how}", who.as_str());
        }
        if let Some(suggestion) = &facts.suggestion {
            text.push(' ');
            text.push_str(suggestion);
        }
        text
    }
}
