//! The host of downloads: bytes for whoever has an address that Graph gave out. No token is asked for, and one that is sent is not read.
//!
//! The address works for an hour, even when the permission it was made with is gone
//! (<https://learn.microsoft.com/graph/api/driveitem-get-content>). Each use is written down in the name of whom it was made for.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::drive::Item;
use crate::graph::files::download::Ticket;
use crate::graph::files::upload::{Piece, Session};
use crate::journal::{AuditRow, SideEffect};
use crate::world::State;

pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new().fallback(answer).with_state(state)
}

async fn answer(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    if request.uri().path() == "/_api/v2.0/uploadSession" {
        return session(&state, request).await;
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let sealed = query.split('&').find_map(|pair| pair.strip_prefix("tempauth=")).unwrap_or_default();
    let Some(ticket) = Ticket::read(&state.seed, sealed) else {
        return (StatusCode::UNAUTHORIZED, "Access denied.\n").into_response();
    };
    let response = serve(&state, &ticket, request.headers());
    let operation = format!("{} /_layouts/15/download.aspx", request.method());
    note(&state, &ticket, "content-read", operation, response.status());
    response
}

/// A piece of a file, or what became of the session.
async fn session(state: &State, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let sealed = query.split('&').find_map(|pair| pair.strip_prefix("tempauth=")).unwrap_or_default().to_owned();
    let now = state.clock.now();
    let Some(session) = Session::read(&state.seed, &sealed).filter(|session| now.as_second() < session.expires) else {
        return refused(StatusCode::UNAUTHORIZED, "unauthenticated", "The upload session is not valid.");
    };
    let (parts, body) = request.into_parts();
    match parts.method {
        Method::GET => expected(StatusCode::OK, &session, state.uploads.held(&sealed)),
        Method::DELETE => {
            state.uploads.cancel(&sealed);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::PUT => {
            let range =
                parts.headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let body = body.collect().await.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
            match state.uploads.take(&sealed, range, &body) {
                Piece::Next(from) => expected(StatusCode::ACCEPTED, &session, from),
                Piece::Unfit => {
                    let message = "The Content-Range header is missing, malformed or not the next one.";
                    refused(StatusCode::RANGE_NOT_SATISFIABLE, "invalidRange", message)
                }
                Piece::Whole(bytes) => finish(state, session, bytes),
            }
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn expected(status: StatusCode, session: &Session, from: usize) -> Response {
    let expires = jiff::Timestamp::from_second(session.expires).unwrap_or(jiff::Timestamp::MAX).to_string();
    let body = json!({ "expirationDateTime": expires, "nextExpectedRanges": [format!("{from}-")] });
    (status, axum::Json(body)).into_response()
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    (status, axum::Json(json!({ "error": { "code": code, "message": message } }))).into_response()
}

fn finish(state: &State, session: Session, bytes: Bytes) -> Response {
    let (tenant, drive, item) = (session.tenant, session.drive.clone(), session.item.clone());
    let ticket = Ticket {
        tenant,
        user: session.user,
        client: session.client,
        expires: jiff::Timestamp::MAX,
        drive: drive.clone(),
        item: item.clone(),
    };
    let response = match state.apply(session.finished(bytes)) {
        Ok(()) => {
            let world = state.world();
            let made = world.tenant(tenant).and_then(|tenant| tenant.drives.get(&drive)?.item(&item));
            let body = made.map(|item| {
                json!({ "id": item.id, "name": item.name, "size": item.size(), "eTag": item.e_tag(), "cTag": item.c_tag() })
            });
            (StatusCode::CREATED, axum::Json(body)).into_response()
        }
        Err(error) => refused(StatusCode::CONFLICT, "nameAlreadyExists", &error.to_string()),
    };
    let status = response.status();
    if status.is_success() {
        state.journal.side_effect(SideEffect {
            seq: 0,
            time: state.clock.now(),
            tenant: ticket.tenant,
            user: ticket.user,
            client: ticket.client,
            operation: "PUT /_api/v2.0/uploadSession".to_owned(),
            resource: format!("/drives/{drive}/items/{item}"),
            request_id: state.seed.guid("request-id").to_string(),
        });
    }
    note(state, &ticket, "content-write", "PUT /_api/v2.0/uploadSession".to_owned(), status);
    response
}

fn serve(state: &State, ticket: &Ticket, headers: &HeaderMap) -> Response {
    if state.clock.now() >= ticket.expires {
        return (StatusCode::UNAUTHORIZED, "The address is no longer good.\n").into_response();
    }
    let world = state.world();
    let item = world.tenant(ticket.tenant).and_then(|tenant| tenant.drives.get(&ticket.drive)?.item(&ticket.item));
    let Some((item, file)) = item.and_then(|item| Some((item, item.file.as_ref()?))) else {
        return (StatusCode::NOT_FOUND, "File not found.\n").into_response();
    };
    let tag = item.e_tag();
    let asked = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    // The tag holds a comma itself, so the list is not split.
    let mut response = if asked.is_some_and(|asked| asked == "*" || asked.contains(&tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        bytes_of(&file.bytes, headers)
    };
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, value(&file.media_type));
    out.insert(header::ETAG, value(&tag));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    out.insert(header::CONTENT_DISPOSITION, disposition(item));
    response
}

fn bytes_of(all: &Bytes, headers: &HeaderMap) -> Response {
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    match asked.and_then(|asked| range(asked, all.len())) {
        None => Body::from(all.clone()).into_response(),
        Some(Ok((first, last))) => {
            let place = format!("bytes {first}-{last}/{}", all.len());
            let part = all.slice(first..=last);
            (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, place)], Body::from(part)).into_response()
        }
        Some(Err(())) => {
            let place = format!("bytes */{}", all.len());
            (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, place)]).into_response()
        }
    }
}

/// First and last byte of one range. What is no range, or several, is as good as none: the whole file is an answer to it (RFC 9110 14.2).
fn range(asked: &str, length: usize) -> Option<Result<(usize, usize), ()>> {
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1);
    let parsed = match (first.trim(), last.trim()) {
        ("", suffix) => {
            let many: usize = suffix.parse().ok()?;
            (many > 0).then(|| (length.saturating_sub(many), usize::MAX))
        }
        (first, "") => Some((first.parse().ok()?, usize::MAX)),
        (first, last) => {
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            if first > last {
                return None;
            }
            Some((first, last))
        }
    };
    let Some((first, last)) = parsed else { return Some(Err(())) };
    Some(match end {
        Some(end) if first <= end => Ok((first, last.min(end))),
        _ => Err(()),
    })
}

fn disposition(item: &Item) -> HeaderValue {
    let name = percent_encoding::utf8_percent_encode(&item.name, percent_encoding::NON_ALPHANUMERIC);
    value(&format!("attachment; filename*=UTF-8''{name}"))
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

fn note(state: &State, ticket: &Ticket, kind: &'static str, operation: String, status: StatusCode) {
    let request_id = state.seed.guid("request-id").to_string();
    state.journal.audit(AuditRow {
        seq: 0,
        time: state.clock.now(),
        kind,
        tenant: Some(ticket.tenant),
        user: Some(ticket.user),
        client: Some(ticket.client),
        operation,
        resource: format!("/drives/{}/items/{}", ticket.drive, ticket.item),
        scopes: Vec::new(),
        status: status.as_u16(),
        error: None,
        reason: None,
        request_id,
        client_request_id: None,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(range("bytes=0-3", 10), Some(Ok((0, 3))));
        assert_eq!(range("bytes=4-", 10), Some(Ok((4, 9))));
        assert_eq!(range("bytes=-3", 10), Some(Ok((7, 9))));
        assert_eq!(range("bytes=-30", 10), Some(Ok((0, 9))));
        assert_eq!(range("bytes=5-50", 10), Some(Ok((5, 9))));
        assert_eq!(range("bytes=10-", 10), Some(Err(())));
        assert_eq!(range("bytes=-0", 10), Some(Err(())));
        assert_eq!(range("bytes=0-", 0), Some(Err(())));
        for none in ["bytes=3-2", "items=0-1", "bytes=0-1,3-4", "bytes=a-b"] {
            assert_eq!(range(none, 10), None, "{none}");
        }
    }
}
