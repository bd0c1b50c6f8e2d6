//! Is the body one JSON object, of a size that is read, in which every name means one thing? Asked before MCP looks at it: two
//! readers of one text must not understand it differently.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::json;

use super::Services;
use super::guard::refuse;

const PATIENCE: Duration = Duration::from_secs(30);

/// How much of a refused body is read on, in bytes.
const DRAINED: usize = 16 * 1024 * 1024;

/// And for how long.
const DRAINING: Duration = Duration::from_secs(3);

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;

pub(super) async fn check(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let bytes = match tokio::time::timeout(PATIENCE, whole(body, services.max_body)).await {
        Ok(Ok(Some(bytes))) => bytes,
        Ok(Ok(None)) => {
            let message = format!("The body is larger than {} bytes.", services.max_body);
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", &message);
        }
        Ok(Err(_)) => return refuse(StatusCode::BAD_REQUEST, "body_incomplete", "The body ended early."),
        Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "The body took too long."),
    };
    if !is_json(&parts.headers) {
        let message = "The body must be application/json.";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message);
    }
    if let Err(error) = serde_json::from_slice::<OneMeaning>(&bytes) {
        return rpc_error(PARSE_ERROR, &format!("Parse error: {error}"));
    }
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return rpc_error(INVALID_REQUEST, "Invalid Request: one JSON-RPC message per request");
    }
    let answer = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    // What the library says of JSON that is no message; the media type is not at fault.
    if answer.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return rpc_error(INVALID_REQUEST, "Invalid Request: not a JSON-RPC message that this server knows");
    }
    answer
}

/// The body, or `None` if it is larger than `limit`.
async fn whole(mut body: Body, limit: usize) -> Result<Option<Bytes>, axum::Error> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            drain(body).await;
            return Ok(None);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Some(bytes.freeze()))
}

/// Reads on for a while and forgets: a client that is still sending would otherwise meet a closed connection instead of the
/// refusal.
pub(super) async fn drain(mut body: Body) {
    let reading = async {
        let mut left = DRAINED;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAINING, reading).await;
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn rpc_error(code: i32, message: &str) -> Response {
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// Any JSON in which no object has a name twice.
struct OneMeaning;

impl<'de> Deserialize<'de> for OneMeaning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = OneMeaning;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OneMeaning, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a name occurs twice"));
            }
            map.next_value::<OneMeaning>()?;
        }
        Ok(OneMeaning)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneMeaning, A::Error> {
        while seq.next_element::<OneMeaning>()?.is_some() {}
        Ok(OneMeaning)
    }

    fn visit_bool<E>(self, _: bool) -> Result<OneMeaning, E> {
        Ok(OneMeaning)
    }

    fn visit_i64<E>(self, _: i64) -> Result<OneMeaning, E> {
        Ok(OneMeaning)
    }

    fn visit_u64<E>(self, _: u64) -> Result<OneMeaning, E> {
        Ok(OneMeaning)
    }

    fn visit_f64<E>(self, _: f64) -> Result<OneMeaning, E> {
        Ok(OneMeaning)
    }

    fn visit_str<E>(self, _: &str) -> Result<OneMeaning, E> {
        Ok(OneMeaning)
    }

    fn visit_unit<E>(self) -> Result<OneMeaning, E> {
        Ok(OneMeaning)
    }
}
