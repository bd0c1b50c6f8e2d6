//! Where the browser comes back to from the sign-in. The page says what happened in our words; nothing that came in the
//! address is shown.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::super::connect::Callback;
use super::super::error::{HostError, Refusal};
use super::asker::asker;
use super::{Host, Services};

const CONNECTED: &str = "Your Microsoft 365 account is connected. You can close this window.";
const BROKEN: &str = "Something broke on our side. Nothing was connected; try again later.";

pub(super) async fn finish(
    State(host): State<Host>,
    headers: HeaderMap,
    query: Result<Query<Callback>, QueryRejection>,
) -> Response {
    let cookie = BrowserCookie::of(&host);
    let outcome = match query {
        Ok(Query(callback)) => {
            host.connect.finish(callback, cookie.read(&headers), asker(&headers, &host).as_ref()).await
        }
        Err(_) => Err(Refusal::Malformed("The callback is not understood.").into()),
    };
    let wants_json = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_json = wants_json.is_some_and(|accept| accept.contains("application/json"));
    match outcome {
        Ok((_, account)) => {
            let forget = AppendHeaders([(header::SET_COOKIE, cookie.clear())]);
            if wants_json {
                return (forget, Json(json!({ "connected": account }))).into_response();
            }
            (forget, page(StatusCode::OK, CONNECTED)).into_response()
        }
        Err(error) if wants_json => error.into_response(),
        Err(HostError::Refusal(refusal)) => page(refusal.status_and_code().0, refusal.message()),
        Err(fault) => page(fault.into_response().status(), BROKEN),
    }
}

/// `text` is one of our own sentences and needs no escaping.
fn page(status: StatusCode, text: &str) -> Response {
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Microsoft 365 connector</title><p>{text}</p></html>\n"
    );
    let policy = AppendHeaders([(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'")]);
    (status, policy, Html(body)).into_response()
}

/// The cookie that recognises the browser which started a sign-in. It signs nobody in.
pub(super) struct BrowserCookie {
    secure: bool,
}

impl BrowserCookie {
    pub(super) fn of(host: &Services) -> Self {
        Self { secure: host.secure }
    }

    /// With https the `__Host-` prefix keeps other origins of the same site from setting it.
    fn name(&self) -> &'static str {
        if self.secure { "__Host-offline365-sign-in" } else { "offline365-sign-in" }
    }

    /// `Lax`: the issuer sends the browser back by a top-level navigation.
    pub(super) fn set(&self, browser: &SecretString) -> String {
        self.header(browser.expose_secret(), 600)
    }

    fn clear(&self) -> String {
        self.header("", 0)
    }

    fn header(&self, value: &str, seconds: u32) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", self.name())
    }

    fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find_map(|(name, value)| (name == self.name()).then_some(value))
    }
}
