//! What all pages share: frame, style, security headers, escaping, hidden fields.

use std::fmt::Write as _;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("style.css");

/// A page before it is sent.
#[derive(Debug)]
pub(super) struct Page<'a> {
    status: StatusCode,
    title: &'a str,
    /// Whose sign-in this is, above the title.
    organization: Option<&'a str>,
    body: String,
    script: Option<&'static str>,
    frames: Vec<String>,
}

impl<'a> Page<'a> {
    /// A page with a title; `body` is HTML.
    pub(super) fn new(title: &'a str, body: String) -> Self {
        Self { status: StatusCode::OK, title, organization: None, body, script: None, frames: Vec::new() }
    }

    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn organization(self, organization: Option<&'a str>) -> Self {
        Self { organization, ..self }
    }

    /// The one script that a page may have: named by its hash in the policy.
    pub(super) fn script(self, script: &'static str) -> Self {
        Self { script: Some(script), ..self }
    }

    /// Addresses that the page may show in frames.
    pub(super) fn frames(self, frames: Vec<String>) -> Self {
        Self { frames, ..self }
    }

    /// The page with its headers.
    pub(super) fn send(self) -> Response {
        let (script, allowed) = match self.script {
            Some(script) => (
                format!("<script>{script}</script>"),
                format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script.as_bytes()))),
            ),
            None => (String::new(), "'none'".to_owned()),
        };
        let organization =
            self.organization.map_or_else(String::new, |name| format!("<p class=organization>{}</p>", escape(name)));
        let title = escape(self.title);
        let page = format!(
            "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title><style>{STYLE}</style></head><body><main>{organization}<h1>{title}</h1>{}</main>\
             <footer>offline365: a local stand-in, not Microsoft.</footer>{script}</body></html>",
            self.body
        );
        let mut response = (self.status, Html(page)).into_response();
        let frames = if self.frames.is_empty() { "'none'".to_owned() } else { self.frames.join(" ") };
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; script-src {allowed}; frame-src {frames}; \
             base-uri 'none'; frame-ancestors 'none'"
        );
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
}

/// Hidden fields of a form.
pub(super) fn hidden<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    fields.into_iter().fold(String::new(), |mut html, (name, value)| {
        let _ = write!(html, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value));
        html
    })
}

/// What went wrong, where screen readers find it.
pub(super) fn alert(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!("<p class=error role=alert id=error>{}</p>", escape(text)))
}

/// Text as it may stand in HTML, between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
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
