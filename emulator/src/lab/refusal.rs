//! What the lab says when it does not do something.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::change::ChangeError;

/// Why, as a program tells refusals apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Refusal {
    /// The request does not parse, or contradicts itself.
    Malformed,
    /// It came from a page of a browser.
    Origin,
    /// It names something that is not there.
    Missing,
    /// The address has another method.
    Method,
    /// What it would make is there already, or what it would take is needed.
    Conflict,
    /// The body is not JSON by its header.
    MediaType,
}

impl Refusal {
    /// What every control may answer.
    pub(super) const GENERAL: [Self; 3] = [Self::Malformed, Self::Origin, Self::MediaType];

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "badRequest",
            Self::Origin => "originRefused",
            Self::Missing => "notFound",
            Self::Method => "methodNotAllowed",
            Self::Conflict => "conflict",
            Self::MediaType => "unsupportedMediaType",
        }
    }

    /// For the description.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Malformed => "the request does not parse, or contradicts itself",
            Self::Origin => "sent by a page: the request has an Origin",
            Self::Missing => "names something that is not there",
            Self::Method => "another method is meant",
            Self::Conflict => "what it would make is there already, or what it would take is needed",
            Self::MediaType => "the body is not application/json",
        }
    }
}

/// A refusal of the lab, in words.
#[derive(Debug, Clone)]
pub(super) struct LabError {
    refusal: Refusal,
    message: String,
}

impl LabError {
    pub(super) fn new(refusal: Refusal, message: impl Into<String>) -> Self {
        Self { refusal, message: message.into() }
    }

    /// The request is wrong by itself.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(Refusal::Malformed, message)
    }

    /// The request names something that is not there.
    pub(super) fn missing(what: &str, name: &str) -> Self {
        Self::new(Refusal::Missing, format!("no such {what}: {name:?}"))
    }
}

impl From<ChangeError> for LabError {
    fn from(error: ChangeError) -> Self {
        let refusal = match error {
            ChangeError::Taken => Refusal::Conflict,
            _ => Refusal::Missing,
        };
        Self::new(refusal, error.to_string())
    }
}

impl IntoResponse for LabError {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.refusal.code(), "message": self.message } });
        (self.refusal.status(), Json(body)).into_response()
    }
}
