//! Signing out: the browser's session ends, its applications are told, and the person goes where the application may send them.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-a-sign-out-request>. Refresh tokens live on.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use fixtures::ids::AppId;
use url::Url;

use super::authorize::redirect::Destination;
use super::authorize::session::{self, Cookie};
use super::form::Form;
use super::pages::message;
use super::visit::{Arrival, Visit};
use crate::entra::verify;

/// `/{t}/oauth2/v2.0/logout` and `/{t}/oauth2/logout`.
pub(super) async fn endpoint(arrival: Arrival) -> Response {
    arrival.answer(sign_out)
}

/// `/{t}/oauth2/logoutsession`: for an application's frame in a browser; there is nothing to see.
pub(super) async fn silent(arrival: Arrival) -> Response {
    arrival.answer(|visit, _| {
        let mut response = StatusCode::OK.into_response();
        end(visit, &mut response);
        response
    })
}

fn sign_out(visit: &Visit<'_>, form: &Form) -> Response {
    if let Err(error) = visit.authority() {
        return visit.error(&error);
    }
    let ended = session::cookie(visit.headers).and_then(|value| visit.state.issued.end_session(value));
    let mut clients = ended.as_ref().map(|session| session.clients.clone()).unwrap_or_default();
    let frames: Vec<_> = clients
        .iter()
        .filter_map(|client| visit.world.app(*client)?.logout_url.as_deref())
        .filter_map(|address| Url::parse(address).ok())
        .map(|mut address| {
            if let Some(session) = &ended {
                let issuer = format!("{}/{}/v2.0", visit.origin, session.tenant);
                let sid = session.id.to_string();
                address.query_pairs_mut().append_pair("iss", &issuer).append_pair("sid", &sid);
            }
            address.to_string()
        })
        .collect();
    // Who asks may say so; otherwise it is somebody the session knows.
    clients.extend(named(visit, form));
    let rules = &visit.state.rules.issuer;
    let back = form.get("post_logout_redirect_uri").and_then(|uri| {
        let state = form.get("state");
        clients.iter().find_map(|client| Destination::registered(rules, visit.world.app(*client)?, uri, state).ok())
    });
    let mut response = match back {
        // Frames of applications need a page; without any the browser goes back at once.
        Some(destination) if frames.is_empty() => destination.send(&[]),
        Some(destination) => message::signed_out(&frames, Some(&destination.address())),
        None => message::signed_out(&frames, None),
    };
    Cookie::gone(visit).set(&mut response);
    response
}

fn end(visit: &Visit<'_>, response: &mut Response) {
    if let Some(value) = session::cookie(visit.headers) {
        visit.state.issued.end_session(value);
    }
    Cookie::gone(visit).set(response);
}

/// The application that `id_token_hint` or `client_id` names. A hint may be old, but it has to be ours.
fn named(visit: &Visit<'_>, form: &Form) -> Option<AppId> {
    match form.get("id_token_hint") {
        Some(hint) => verify::id(visit.state.keys.verify(hint).ok()?.as_ref(), "aud"),
        None => form.get("client_id")?.parse().ok(),
    }
}
