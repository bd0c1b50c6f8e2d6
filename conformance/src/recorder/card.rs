//! A token as a reviewer reads it: header and claims, without what would make it work.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;

/// One token that was sent or received. The signature is gone; the same token has the same label everywhere.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// `T1`, `T2`, … in order of appearance.
    pub label: String,
    /// What it is, for people: `alice@contoso for the connector`.
    pub what: String,
    /// Whether the harness made it. Nobody that the target trusts vouches for a forged token, whoever's key signed it.
    pub forged: bool,
    /// What was changed in it, compared with the genuine one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// The decoded header.
    pub header: Value,
    /// The decoded claims; a string when they are no JSON, or would lose something as JSON (a claim given twice).
    pub claims: Value,
}

/// Header, payload and signature of a compact JWS, decoded as far as it goes.
pub(super) fn decode(token: &str) -> Option<(Value, Value, &str)> {
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    header.get("alg")?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims = serde_json::from_slice(&payload).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&payload)));
    Some((header, claims, signature))
}

/// What a token is, as far as its claims tell.
pub(super) fn describe(claims: &Value) -> String {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let kind = if text("scp").is_some() { "access token" } else { "id token" };
    let who = text("preferred_username").or_else(|| text("upn")).or_else(|| text("oid")).unwrap_or("nobody");
    format!("{kind} of {who} for {}", text("aud").unwrap_or("nobody"))
}

/// The tokens inside a text: everything shaped like a compact JWS.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .filter(|word| word.starts_with("eyJ") && decode(word).is_some())
}
