//! Pages that only say something: errors, and ends of flows.

use std::fmt::Write as _;

use axum::http::StatusCode;
use axum::response::Response;

use super::layout::{Page, escape};
use crate::entra::error::{EntraError, Trace};

/// The page for what may not be sent anywhere: the redirect URI itself is in doubt, or there is none.
pub(crate) fn error(trace: &Trace, error: &EntraError) -> Response {
    let body = format!(
        "<p class=error role=alert>{}: {}</p><p><small>Request Id: <code>{}</code><br>Correlation Id: <code>{}</code></small></p>",
        error.code(),
        escape(&error.to_string()),
        escape(&trace.request_id),
        escape(&trace.correlation_id)
    );
    Page::new("Sorry, but we’re having trouble signing you in.", body).status(StatusCode::BAD_REQUEST).send()
}

/// An end: nothing is left to do in this window.
pub(crate) fn done(title: &str, text: &str) -> Response {
    Page::new(title, format!("<p>{}</p>", escape(text))).send()
}

/// Signed out. The applications of the session are told in frames that nobody sees.
pub(crate) fn signed_out(applications: &[String], back: Option<&str>) -> Response {
    let mut body = "<p>It’s a good idea to close all browser windows.</p>".to_owned();
    if let Some(back) = back {
        let _ = write!(body, "<p><a href=\"{}\">Return to the application</a></p>", escape(back));
    }
    for address in applications {
        let _ = write!(body, "<iframe src=\"{}\" title=\"Signing out\"></iframe>", escape(address));
    }
    let origin = |address: &String| url::Url::parse(address).ok().map(|url| url.origin().ascii_serialization());
    let frames = applications.iter().filter_map(origin).collect();
    Page::new("You signed out of your account", body).frames(frames).send()
}
