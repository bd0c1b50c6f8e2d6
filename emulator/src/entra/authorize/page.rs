//! Pages a person sees. They work without JavaScript, and every value in them is escaped.

use std::fmt::Write as _;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::entra::error::{EntraError, Trace};

const STYLE: &str = "body{font:15px/1.5 'Segoe UI',system-ui,sans-serif;background:#f2f2f2;color:#1b1b1b;margin:0}\
main{max-width:27rem;margin:8vh auto;background:#fff;padding:2.2rem;box-shadow:0 2px 6px #0003}\
h1{font-size:1.4rem;font-weight:600;margin:0 0 1rem}label{display:block;margin:.8rem 0 .2rem}\
input[type=text],input[type=password]{width:100%;box-sizing:border-box;padding:.45rem;border:0;border-bottom:1px solid #666;font:inherit}\
button{margin:1.2rem .5rem 0 0;padding:.4rem 1.6rem;border:0;background:#0067b8;color:#fff;font:inherit;cursor:pointer}\
button.quiet{background:#ccc;color:#1b1b1b}ul{padding:0;margin:1.4rem 0 0;list-style:none}li a{display:block;padding:.35rem 0;color:#0067b8}\
li small,footer{color:#666}.error{color:#a80000}code{overflow-wrap:anywhere}footer{margin-top:1.6rem;font-size:.8rem}";
const SUBMIT: &str = "document.forms[0].submit()";

/// A person on the sign-in page.
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) upn: String,
    /// Continues the request as this person.
    pub(crate) link: String,
}

/// The sign-in page.
pub(crate) fn sign_in(
    action: &str,
    context: &str,
    login: &str,
    error: Option<&EntraError>,
    people: &[Choice],
) -> Response {
    let mut list = String::new();
    for person in people {
        let _ = write!(
            list,
            "<li><a href=\"{}\">{} <small>{}</small></a></li>",
            escape(&person.link),
            escape(&person.name),
            escape(&person.upn)
        );
    }
    let error = error.map_or_else(String::new, |error| {
        format!("<p class=error role=alert>{}: {}</p>", error.code(), escape(&error.to_string()))
    });
    let body = format!(
        "<h1>Sign in</h1>{error}<form method=post action=\"{}\"><input type=hidden name=ctx value=\"{}\">\
         <label for=login>Account</label><input type=text id=login name=login value=\"{}\" autocomplete=username required>\
         <label for=passwd>Password</label><input type=password id=passwd name=passwd autocomplete=current-password required>\
         <button type=submit>Sign in</button></form><h1 style=\"margin-top:2rem\">Pick an account</h1><ul>{list}</ul>\
         <footer>offline365: a local stand-in, not Microsoft.</footer>",
        escape(action),
        escape(context),
        escape(login)
    );
    html(StatusCode::OK, "Sign in", &body, None)
}

/// The admin consent page.
pub(crate) fn consent(
    action: &str,
    context: &str,
    app: &str,
    publisher: Option<&str>,
    who: &str,
    scopes: &[String],
) -> Response {
    let mut list = String::new();
    for scope in scopes {
        let _ = write!(list, "<li>{}</li>", escape(scope));
    }
    let publisher = publisher.unwrap_or("unverified");
    let body = format!(
        "<h1>Permissions requested</h1><p><b>{}</b><br><small>{}</small></p><p>Accepted by {} for the whole organization:</p><ul>{list}</ul>\
         <form method=post action=\"{}\"><input type=hidden name=ctx value=\"{}\">\
         <button type=submit name=decision value=accept>Accept</button>\
         <button class=quiet type=submit name=decision value=cancel>Cancel</button></form>",
        escape(app),
        escape(publisher),
        escape(who),
        escape(action),
        escape(context)
    );
    html(StatusCode::OK, "Permissions requested", &body, None)
}

/// The page for what may not be sent anywhere: the redirect URI itself is in doubt, or there is none.
pub(crate) fn error(trace: &Trace, error: &EntraError) -> Response {
    let body = format!(
        "<h1>Sorry, but we're having trouble signing you in.</h1><p class=error>{}: {}</p>\
         <p><small>Request Id: <code>{}</code><br>Correlation Id: <code>{}</code></small></p>",
        error.code(),
        escape(&error.to_string()),
        escape(&trace.request_id),
        escape(&trace.correlation_id)
    );
    html(StatusCode::BAD_REQUEST, "Sign in", &body, None)
}

/// The page that posts parameters to a redirect URI.
pub(super) fn form_post(target: &str, parameters: &[(&str, &str)]) -> Response {
    let mut fields = String::new();
    for (name, value) in parameters {
        let _ = write!(fields, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value));
    }
    let body = format!(
        "<form method=\"POST\" name=\"hiddenform\" action=\"{}\">{fields}<noscript><p>Script is disabled. Click Submit to continue.</p>\
         <button type=\"submit\">Submit</button></noscript></form>",
        escape(target)
    );
    html(StatusCode::OK, "Working...", &body, Some(SUBMIT))
}

fn html(status: StatusCode, title: &str, body: &str, script: Option<&str>) -> Response {
    let (script, allowed) = match script {
        Some(script) => (
            format!("<script>{script}</script>"),
            format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script.as_bytes()))),
        ),
        None => (String::new(), "'none'".to_owned()),
    };
    let page = format!(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style><main>{body}</main>{script}</html>"
    );
    let mut response = (status, Html(page)).into_response();
    let policy = format!("default-src 'none'; style-src 'unsafe-inline'; script-src {allowed}; frame-ancestors 'none'");
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("none"));
    response
}

/// Text as it may stand in HTML, between tags and in quoted attributes.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
