//! Is this body what the address expects? JSON that is declared as such, of known members; an empty body where all of them
//! have a default.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse as _;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::super::error::{HostError, Refusal};

/// A body, read as `T`.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = HostError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let declared = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_json = declared
            .and_then(|kind| kind.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                Refusal::TooLarge
            } else {
                Refusal::Malformed("The body could not be read.")
            }
        })?;
        if body.is_empty() {
            return serde_json::from_str("{}").map(Self).map_err(|_| Refusal::Malformed("The body is missing.").into());
        }
        if !is_json {
            return Err(Refusal::NotJson.into());
        }
        // serde would also read a struct from an array of its members.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(Refusal::Malformed("The body is not a JSON object.").into());
        }
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|_| Refusal::Malformed("The body is not the JSON object that this address takes.").into())
    }
}
