//! The answer that says no: its body, its headers, and the ids by which it is found again.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::EntraError;
use crate::world::State;

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
