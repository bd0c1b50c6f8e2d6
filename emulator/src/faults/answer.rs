//! What an injected fault says, in the shape of the host that says it.

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::serve::HostKind;
use crate::world::State;

/// The service's own error with this status.
pub(crate) fn refusal(
    state: &State,
    host: HostKind,
    status: StatusCode,
    retry_after: Option<u32>,
    body: Option<String>,
) -> Response {
    let mut response = match body {
        Some(body) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response(),
        None if host == HostKind::Login => login(state, status),
        None => graph(state, status),
    };
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A redirect to `location`.
pub(crate) fn redirect(location: HeaderValue) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

fn login(state: &State, status: StatusCode) -> Response {
    let (number, error, text) = match status.as_u16() {
        429 => (90055, "temporarily_unavailable", "There have been too many requests for this tenant. Retry later."),
        503 | 504 => (90033, "temporarily_unavailable", "A transient error has occurred. Please try again."),
        500..=599 => {
            (50000, "server_error", "There was an error issuing a token or an issue with our sign-in service.")
        }
        _ => (90004, "invalid_request", "The request is not properly formatted."),
    };
    let time = state.clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let (trace, correlation) = (state.seed.guid("trace-id"), state.seed.guid("correlation-id"));
    let description =
        format!("AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}");
    let body = json!({
        "error": error, "error_description": description, "error_codes": [number], "timestamp": time,
        "trace_id": trace, "correlation_id": correlation,
    });
    (status, axum::Json(body)).into_response()
}

fn graph(state: &State, status: StatusCode) -> Response {
    let (code, message) = match status.as_u16() {
        429 => ("TooManyRequests", "Too many requests."),
        503 => ("ServiceUnavailable", "The service is temporarily unavailable."),
        504 => ("GatewayTimeout", "The server did not answer in time."),
        500..=599 => ("InternalServerError", "An internal error occurred."),
        _ => ("BadRequest", "The request is not valid."),
    };
    let date = state.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let id = state.seed.guid("request-id");
    let inner = json!({ "date": date, "request-id": id, "client-request-id": id });
    let body = json!({ "error": { "code": code, "message": message, "innerError": inner } });
    (status, axum::Json(body)).into_response()
}

/// The first half of an answer, as if that were all.
pub(crate) async fn cut_short(answer: Response) -> Response {
    let (mut head, body) = answer.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(whole.slice(..whole.len() / 2)))
}

/// A list that says that it goes on at `link`. What is no list is left as it is.
pub(crate) async fn goes_on_at(answer: Response, link: &str) -> Response {
    let (mut head, body) = answer.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let list =
        serde_json::from_slice::<Value>(&whole).ok().filter(|list| list.get("value").is_some_and(Value::is_array));
    let Some(mut list) = list else { return Response::from_parts(head, Body::from(whole)) };
    list["@odata.nextLink"] = link.into();
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(list.to_string()))
}
