//! Where the browser comes back to from the sign-in, and from an administrator's consent. The page says what happened in our
//! words; nothing that came in the address is shown.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::super::connect::{Callback, ConsentCallback, Next};
use super::super::error::{HostError, Refusal};
use super::super::notes::Event;
use super::asker::asker;
use super::{Host, cookies};

const CONNECTED: &str = "Your Microsoft 365 account is connected. You can close this window.";
const CONSENTED: &str = "Both applications are let into your Microsoft 365 organization. Its people can connect now.";
const BROKEN: &str = "Something broke on our side. Nothing was connected; try again later.";

pub(super) async fn finish(
    State(host): State<Host>,
    headers: HeaderMap,
    query: Result<Query<Callback>, QueryRejection>,
) -> Response {
    let cookie = cookies::sign_in(&host);
    let asker = asker(&headers, &host);
    let outcome = match query {
        Ok(Query(callback)) => {
            let member = asker.as_ref().and_then(|asker| asker.member(&host).ok());
            let asker = asker.as_ref().map(|asker| (&asker.user, member.as_ref()));
            host.connect.finish(callback, cookie.read(&headers), asker).await
        }
        Err(_) => Err(Refusal::Malformed("The callback is not understood.").into()),
    };
    let on_page = asker.is_some_and(|asker| asker.session.is_some());
    match outcome {
        Ok((_, account)) => {
            let forget = AppendHeaders([(header::SET_COOKIE, cookie.clear())]);
            if wants_json(&headers) {
                return (forget, Json(json!({ "connected": account }))).into_response();
            }
            if on_page {
                return (forget, Redirect::to("/?connected")).into_response();
            }
            (forget, page(StatusCode::OK, CONNECTED, false)).into_response()
        }
        Err(error) => refused(error, &headers, on_page),
    }
}

pub(super) async fn consented(
    State(host): State<Host>,
    headers: HeaderMap,
    query: Result<Query<ConsentCallback>, QueryRejection>,
) -> Response {
    let cookie = cookies::consent(&host);
    let on_page = asker(&headers, &host).is_some_and(|asker| asker.session.is_some());
    let outcome = match &query {
        Ok(Query(callback)) => host.consents.finish(callback, cookie.read(&headers)),
        Err(_) => Err(Refusal::Malformed("The callback is not understood.").into()),
    };
    match outcome {
        Ok(Next::Go(started)) => {
            let next = AppendHeaders([(header::SET_COOKIE, cookie.set(&started.browser))]);
            (next, Redirect::to(started.authorization_url.as_str())).into_response()
        }
        Ok(Next::Done(member)) => {
            host.notes.member(&member, Event::ConsentFinished, "ok");
            let forget = AppendHeaders([(header::SET_COOKIE, cookie.clear())]);
            if wants_json(&headers) {
                return (forget, Json(json!({ "consented": true }))).into_response();
            }
            if on_page {
                return (forget, Redirect::to("/?consented")).into_response();
            }
            (forget, page(StatusCode::OK, CONSENTED, false)).into_response()
        }
        Err(error) => refused(error, &headers, on_page),
    }
}

fn refused(error: HostError, headers: &HeaderMap, on_page: bool) -> Response {
    if wants_json(headers) {
        return error.into_response();
    }
    match error {
        HostError::Refusal(refusal) => page(refusal.status_and_code().0, refusal.message(), on_page),
        fault @ HostError::Fault(_) => page(fault.into_response().status(), BROKEN, on_page),
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/json"))
}

/// `text` is one of our own sentences and needs no escaping.
fn page(status: StatusCode, text: &str, way_back: bool) -> Response {
    let back = if way_back { "<p><a href=\"/\">Back to the assistant</a></p>" } else { "" };
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Microsoft 365 connector</title><link rel=\"stylesheet\" href=\"/app.css\">\
         <main><h1>Microsoft 365 connector</h1><p>{text}</p>{back}</main></html>\n"
    );
    let policy = AppendHeaders([(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    )]);
    (status, policy, Html(body)).into_response()
}
