//! `WWW-Authenticate` of a 401.
//!
//! <https://learn.microsoft.com/entra/identity-platform/claims-challenge>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::json;

use super::error::GraphError;
use crate::entra::verify::GraphAuthFailure;

const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// The header for this error, `login` being the login host's origin.
pub(super) fn header(error: &GraphError, login: &str, now: Timestamp) -> String {
    let plain =
        format!("Bearer realm=\"\", authorization_uri=\"{login}/common/oauth2/authorize\", client_id=\"{GRAPH_APP}\"");
    match error {
        GraphError::Token(GraphAuthFailure::Challenge(_) | GraphAuthFailure::Revoked(_)) => {
            let claims =
                json!({ "access_token": { "nbf": { "essential": true, "value": now.as_second().to_string() } } });
            // Standard alphabet, padded: what every client library expects here.
            let claims = STANDARD.encode(claims.to_string());
            format!("{plain}, error_description=\"{error}\", error=\"insufficient_claims\", claims=\"{claims}\"")
        }
        _ => plain,
    }
}
