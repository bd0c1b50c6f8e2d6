//! Which claims does a 401 ask for? What its Bearer challenge names, as JSON text
//! (<https://learn.microsoft.com/entra/identity-platform/claims-challenge>).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, header};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The claims of the first Bearer challenge that has any.
pub(super) fn claims(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|challenge| challenge.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer ")))
        .find_map(|challenge| decoded(&parameter(challenge.get(7..)?, "claims")?))
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
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).ok()?;
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
    fn claims_are_found_in_each_form_they_are_written_in() {
        let padded = STANDARD.encode(CLAIMS);
        let bare = URL_SAFE.encode(CLAIMS).trim_end_matches('=').to_owned();
        for challenges in [
            vec![format!(r#"Bearer realm="", error="insufficient_claims", claims="{padded}""#)],
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
    fn what_is_no_claims_request_is_none() {
        let number = STANDARD.encode("7");
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
