//! What does the token endpoint say? Tokens, or why there are none
//! (<https://www.rfc-editor.org/rfc/rfc6749#section-5>). Only the members that are read stand here.

use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};
use url::Url;

use crate::answer;

/// Answers of the token endpoint are a few kilobytes; more is not one.
const MAX_ANSWER: usize = 256 * 1024;

/// Somebody waits for the answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tokens.
pub(crate) struct Grant {
    pub(crate) access_token: SecretString,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) id_token: Option<SecretString>,
    /// Seconds from now.
    pub(crate) expires_in: i64,
    /// The scopes that were granted, where the server says so.
    pub(crate) scope: Option<String>,
}

/// An OAuth error.
#[derive(Deserialize)]
pub(crate) struct Refused {
    pub(crate) error: String,
    #[serde(default)]
    pub(crate) error_description: String,
    /// Entra's own numbers.
    #[serde(default)]
    pub(crate) error_codes: Vec<u32>,
}

/// Why the token endpoint gave nothing.
pub(crate) enum NoTokens {
    /// It decided so.
    Refused(Refused),
    /// It could not be reached or is busy: asking again later is right.
    Unavailable(String),
    /// What it answered is not understood.
    Misunderstood(String),
}

/// Sends `form` to the token endpoint.
pub(crate) async fn ask(http: &reqwest::Client, endpoint: Url, form: &[(&str, &str)]) -> Result<Grant, NoTokens> {
    let sent = http.post(endpoint).timeout(PATIENCE).form(form).send().await;
    let answer = sent.map_err(|error| NoTokens::Unavailable(error.without_url().to_string()))?;
    let status = answer.status();
    let body = answer::read(answer, MAX_ANSWER).await.map_err(NoTokens::Unavailable)?;
    if status.is_success() {
        return grant(&body).ok_or_else(|| NoTokens::Misunderstood("the token answer is not understood".to_owned()));
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(NoTokens::Unavailable(format!("the issuer answered {status}")));
    }
    Err(serde_json::from_slice(&body).map_or_else(
        |_| NoTokens::Misunderstood(format!("the issuer answered {status} without an OAuth error")),
        NoTokens::Refused,
    ))
}

#[derive(Deserialize)]
struct GrantBody {
    token_type: String,
    access_token: SecretString,
    #[serde(default)]
    refresh_token: Option<SecretString>,
    #[serde(default)]
    id_token: Option<SecretString>,
    #[serde(deserialize_with = "seconds")]
    expires_in: i64,
    #[serde(default)]
    scope: Option<String>,
}

fn grant(body: &[u8]) -> Option<Grant> {
    let body: GrantBody = serde_json::from_slice(body).ok()?;
    if !body.token_type.eq_ignore_ascii_case("Bearer") || !(0..=i64::from(i32::MAX)).contains(&body.expires_in) {
        return None;
    }
    Some(Grant {
        access_token: body.access_token,
        refresh_token: body.refresh_token,
        id_token: body.id_token,
        expires_in: body.expires_in,
        scope: body.scope,
    })
}

/// Version 1 endpoints of Entra write numbers as strings.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(seconds) => Ok(seconds),
        Either::Text(text) => text.parse().map_err(de::Error::custom),
    }
}
