//! A token as a reviewer reads it: header and claims, without what would make it work.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// One token that was sent or received. The signature is gone; the same token has the same label everywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Card {
    /// `T1`, `T2`, … in order of appearance.
    pub label: String,
    /// What it is, for people: `alice@contoso for the connector`.
    pub what: String,
    /// Whether the harness made it. Nobody that the target trusts vouches for a forged token, whoever's key signed it.
    pub forged: bool,
    /// What was changed in it, compared with the genuine one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// The label of the token it was forged from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genuine: Option<String>,
    /// Where header and claims are not those of the genuine one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub difference: Vec<Difference>,
    /// The beginning of a SHA-256 over header, claims and what was changed: the same token, the same print, in every scenario.
    pub print: String,
    /// The decoded header.
    pub header: Value,
    /// The decoded claims; a string when they are no JSON, or would lose something as JSON (a claim given twice).
    pub claims: Value,
}

/// One field of a forged token that is not as in the genuine one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// `header alg`, `claim tid`.
    pub field: String,
    /// What the genuine one says; nothing: it has no such field.
    pub genuine: Option<Value>,
    /// What this one says; nothing: it was taken out.
    pub here: Option<Value>,
}

/// Where two tokens differ, field by field.
pub(super) fn difference(genuine: &Card, here: &Card) -> Vec<Difference> {
    let fields = |part: &str, one: &Value, other: &Value| -> Vec<Difference> {
        let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else { return Vec::new() };
        let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        let changed = names.into_iter().filter(|name| one.get(*name) != other.get(*name));
        changed
            .map(|name| Difference {
                field: format!("{part} {name}"),
                genuine: one.get(name).cloned(),
                here: other.get(name).cloned(),
            })
            .collect()
    };
    let mut all = fields("header", &genuine.header, &here.header);
    all.extend(fields("claim", &genuine.claims, &here.claims));
    all
}

/// The same token has the same print. Over what the card shows, not over the signature: that differs with the ports of a run.
pub(super) fn print(header: &Value, claims: &Value, changes: &[String]) -> String {
    let digest = Sha256::digest(format!("{header}\n{claims}\n{}", changes.join("\n")));
    digest.iter().take(6).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
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
