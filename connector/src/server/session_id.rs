//! Does somebody bring a session? There are none here: a client that names one is told so, and begins anew without it
//! (<https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management>). To serve it all the same would
//! let somebody believe that an id which another person knows, too, means something.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, StatusCode};

use super::body;
use super::guard::refuse;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

pub(super) async fn check(request: Request, next: Next) -> Response {
    if !request.headers().contains_key(SESSION) {
        return next.run(request).await;
    }
    body::drain(request.into_body()).await;
    refuse(StatusCode::NOT_FOUND, "unknown_session", "This server keeps no sessions. Begin anew without one.")
}
