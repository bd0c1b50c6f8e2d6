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
    bearers(headers).find_map(|challenge| decoded(&parameter(challenge, "claims")?))
}

/// The parameter `name` of the first Bearer challenge that has it.
pub(crate) fn bearer(headers: &HeaderMap, name: &str) -> Option<String> {
    bearers(headers).find_map(|challenge| parameter(challenge, name))
}

/// The parameters of each Bearer challenge.
fn bearers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|challenge| challenge.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer ")))
        .filter_map(|challenge| challenge.get(7..))
}

/// Claims as a challenge carries them.
pub(crate) fn encoded(claims: &str) -> String {
    ENCODE.encode(claims)
}

/// The `claims` of a token request: what a challenge asked for, and that we understand challenges (`cp1`), so that Graph sends
/// them instead of honouring a token to its end.
pub(crate) fn with_capability(claims: Option<&str>) -> String {
    let mut asked: Map<String, Value> = claims.and_then(|claims| serde_json::from_str(claims).ok()).unwrap_or_default();
    let mut access = match asked.remove("access_token") {
        Some(Value::Object(access)) => access,
        _ => Map::new(),
    };
    access.insert("xms_cc".to_owned(), json!({ "values": ["cp1"] }));
    asked.insert("access_token".to_owned(), Value::Object(access));
    Value::Object(asked).to_string()
}

/// The parameter `name` of `a="1", b="2", c=3`. Commas and equals signs inside quotes are text.
fn parameter(mut rest: &str, name: &str) -> Option<String> {
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        let (key, after) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            quoted_string(quoted)?
        } else {
            let end = after.find([',', ' ']).unwrap_or(after.len());
            let (value, after) = after.split_at_checked(end)?;
            (value.to_owned(), after)
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn decoded(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).or_else(|_| URL_SAFE.decode(base64)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    serde_json::from_str::<Map<String, Value>>(&text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true, "value":"1635527790"}}}"#;

    fn asked(challenges: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_str(challenge).unwrap());
        }
        claims(&headers)
    }

    #[test]
    fn a_challenge_is_asked_for_beside_our_capability() {
        let asked: Value = serde_json::from_str(&with_capability(Some(CLAIMS))).unwrap();
        assert_eq!(asked["access_token"]["nbf"]["value"], "1635527790");
        assert_eq!(asked["access_token"]["xms_cc"]["values"], json!(["cp1"]));
    }

    #[test]
    fn what_is_no_claims_request_becomes_one() {
        for text in [None, Some("7"), Some("{"), Some(r#"{"access_token":null}"#)] {
            assert_eq!(with_capability(text), r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
        }
    }

    #[test]
    fn claims_are_found_in_each_form_they_are_written_in() {
        let padded = encoded(CLAIMS);
        let bare = URL_SAFE.encode(CLAIMS).trim_end_matches('=').to_owned();
        for challenges in [
            vec![format!(
                r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="{padded}""#
            )],
            vec![format!(r#"bearer claims="{bare}",error="insufficient_claims""#)],
            vec![format!("Bearer claims={bare}, realm=x")],
            vec![
                "Negotiate".to_owned(),
                r#"Bearer error="invalid_token""#.to_owned(),
                format!(r#"Bearer claims="{padded}""#),
            ],
            vec![format!(r#"Bearer error_description="say \"claims=\", please", claims="{padded}""#)],
        ] {
            let challenges: Vec<_> = challenges.iter().map(String::as_str).collect();
            assert_eq!(asked(&challenges).as_deref(), Some(CLAIMS), "{challenges:?}");
        }
    }

    #[test]
    fn what_asks_for_no_claims_has_none() {
        let number = encoded("7");
        for challenge in
            ["Bearer", r#"Bearer error="invalid_token""#, r#"Bearer claims="!!""#, r#"Basic claims="e30=""#]
        {
            assert_eq!(asked(&[challenge]), None, "{challenge}");
        }
        assert_eq!(asked(&[&format!(r#"Bearer claims="{number}""#)]), None);
    }

    proptest! {
        #[test]
        fn no_challenge_makes_the_parser_panic(challenge in "[ -~]{0,80}") {
            asked(&[&format!("Bearer {challenge}")]);
        }
    }
}
