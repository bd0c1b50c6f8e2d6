//! Which claims does a 401 of Graph ask for, and how are they asked of the caller? Base64 in a Bearer challenge, JSON in a token request
//! (<https://learn.microsoft.com/entra/identity-platform/claims-challenge>).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD as ENCODE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The claims, as JSON text, of the first Bearer challenge that has any.
pub(crate) fn claims(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|challenge| challenge.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer ")))
        .find_map(|challenge| decoded(&parameter(challenge.get(7..)?, "claims")?))
}

/// Claims as a challenge carries them.
pub(crate) fn encoded(claims: &str) -> String {
    ENCODE.encode(claims)
}

/// The `claims` of a token request: what a challenge asked for, and that we understand challenges (`cp1`), so that Graph sends
/// them instead of honouring a token to its end.
pub(crate) fn with_capability(claims: Option<&str>) -> String {
    let mut asked: Map<String, Value> = claims.and_then(|claims| serde_json::from_str(claims).ok()).unwrap_or_default();
    let access = asked.entry("access_token").or_insert_with(|| json!({}));
    if let Value::Object(access) = access {
        access.insert("xms_cc".to_owned(), json!({ "values": ["cp1"] }));
    }
    Value::Object(asked).to_string()
}

/// The parameter `name` of `a="1", b="2", c=3`. Commas and equals signs inside quotes are text.
fn parameter(mut rest: &str, name: &str) -> Option<String> {
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        let (key, after) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            let (value, after) = quoted.split_once('"')?;
            (value, after)
        } else {
            after.split_at_checked(after.find([',', ' ']).unwrap_or(after.len()))?
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.to_owned());
        }
        rest = after;
    }
}

fn decoded(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).or_else(|_| URL_SAFE.decode(base64)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    serde_json::from_str::<Map<String, Value>>(&text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_asked_for_beside_our_capability() {
        let asked = with_capability(Some(r#"{"access_token":{"nbf":{"essential":true, "value":"1635527790"}}}"#));
        let asked: Value = serde_json::from_str(&asked).unwrap();
        assert_eq!(asked["access_token"]["nbf"]["value"], "1635527790");
        assert_eq!(asked["access_token"]["xms_cc"]["values"], json!(["cp1"]));
        assert_eq!(with_capability(None), r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
    }

    #[test]
    fn claims_are_read_from_graphs_own_challenge() {
        let mut headers = HeaderMap::new();
        let claims_json = r#"{"access_token":{"nbf":{"essential":true, "value":"1635527790"}}}"#;
        let challenge = format!(
            r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="{}""#,
            encoded(claims_json)
        );
        headers.insert(header::WWW_AUTHENTICATE, challenge.parse().unwrap());
        assert_eq!(claims(&headers).as_deref(), Some(claims_json));
        headers.insert(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#.parse().unwrap());
        assert_eq!(claims(&headers), None);
    }
}
