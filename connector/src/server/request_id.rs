//! What is this request called? The caller's `x-request-id` if it is a GUID, a new one otherwise. The answer carries it, each line
//! of the log and the audit, and every request to Graph (`client-request-id`), so that all of them can be laid side by side.

use aws_lc_rs::rand;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument as _;
use uuid::Uuid;

const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// A request's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) Uuid);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(NAME).and_then(|value| value.to_str().ok());
        // Other spellings of a GUID are texts that somebody chose.
        let given = given.filter(|text| text.len() == 36).and_then(|text| Uuid::try_parse(text).ok());
        Self(given.unwrap_or_else(|| {
            let mut bytes = [0; 16];
            // Without randomness the name is not unique, and nothing else depends on it.
            let _ = rand::fill(&mut bytes);
            uuid::Builder::from_random_bytes(bytes).into_uuid()
        }))
    }

    /// As a header's value.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_str(&self.0.to_string()).unwrap_or(HeaderValue::from_static("none"))
    }
}

pub(super) async fn name(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id);
    let span = tracing::info_span!("request", id = %id.0);
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(NAME, id.header());
    response
}
