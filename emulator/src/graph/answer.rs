//! An answer of Graph, and the headers every one of them carries.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, DATE, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, VARY, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use jiff::Timestamp;

use super::error::GraphError;
use super::json;

/// `Content-Type` of success.
pub(super) const JSON: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
/// `Content-Type` of errors.
const ERROR_JSON: &str = "application/json";
const DIAGNOSTIC: &str = "{\"ServerInfo\":{\"DataCenter\":\"Offline\",\"Slice\":\"E\",\"Ring\":\"5\",\"ScaleUnit\":\"000\",\"RoleInstance\":\"OFFLINE365\"}}";

/// Status, body, and what the workload adds to the headers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: HeaderValue,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
}

/// What ties an answer to its request.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    pub(super) request: String,
    /// What the caller sent, or the request id again.
    pub(super) client: String,
}

impl Answer {
    /// 200 with OData JSON.
    pub(super) fn json(body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: HeaderValue::from_static(JSON),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// 200 with bytes of another type. A type that no header can carry is `application/octet-stream`.
    pub(super) fn bytes(content_type: &str, body: Bytes) -> Self {
        let content_type = HeaderValue::from_str(content_type)
            .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
        Self { content_type, ..Self::json(body) }
    }

    /// The error envelope.
    pub(super) fn error(error: &GraphError, ids: &Ids, now: Timestamp) -> Self {
        let (status, code) = error.answer();
        let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let mut body = b"{\"error\":{".to_vec();
        for (name, text) in [("code", code), ("message", &error.to_string())] {
            json::key(&mut body, name);
            json::string(&mut body, text);
        }
        json::key(&mut body, "innerError");
        body.push(b'{');
        for (name, text) in [("date", &date), ("request-id", &ids.request), ("client-request-id", &ids.client)] {
            json::key(&mut body, name);
            json::string(&mut body, text);
        }
        body.extend_from_slice(b"}}}");
        let answer =
            Self { status, content_type: HeaderValue::from_static(ERROR_JSON), headers: Vec::new(), body: body.into() };
        match error {
            GraphError::Throttled { seconds, .. } => answer.with(RETRY_AFTER, &seconds.to_string()),
            _ => answer,
        }
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub(super) fn challenge(self, challenge: &str) -> Self {
        self.with(WWW_AUTHENTICATE, challenge)
    }

    /// The answer as HTTP.
    pub(super) fn into_response(self, ids: &Ids, now: Timestamp) -> Response<axum::body::Body> {
        let mut response = Response::new(axum::body::Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, self.content_type);
        common(headers, ids, now);
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

fn common(headers: &mut HeaderMap, ids: &Ids, now: Timestamp) {
    const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
    const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
    const AGS: HeaderName = HeaderName::from_static("x-ms-ags-diagnostic");
    const ODATA: HeaderName = HeaderName::from_static("odata-version");
    for (name, text) in [(REQUEST_ID, ids.request.as_str()), (CLIENT_REQUEST_ID, ids.client.as_str())] {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
    if let Ok(date) = HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()) {
        headers.insert(DATE, date);
    }
    headers.insert(AGS, HeaderValue::from_static(DIAGNOSTIC));
    headers.insert(ODATA, HeaderValue::from_static("4.0"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
}
