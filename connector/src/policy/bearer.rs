//! Where in a request is its token? In the one `Authorization` header
//! (<https://www.rfc-editor.org/rfc/rfc6750#section-2>): addresses and cookies are in logs and browsers, and sessions prove nothing.

use http::{HeaderMap, header};
use secrecy::SecretString;

/// Why a request has no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBearer {
    /// It brings none.
    Absent,
    /// It brings more than one, and nobody knows which is meant
    /// (<https://www.rfc-editor.org/rfc/rfc6750#section-3.1>, `invalid_request`).
    Several,
}

pub(super) fn of(headers: &HeaderMap, _: Option<&str>) -> Result<SecretString, NoBearer> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(NoBearer::Absent)?;
    if values.next().is_some() {
        return Err(NoBearer::Several);
    }
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(NoBearer::Absent)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() { Ok(token.into()) } else { Err(NoBearer::Absent) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn shown(values: &[&'static str]) -> Result<String, NoBearer> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, http::HeaderValue::from_static(value));
        }
        of(&headers, None).map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn a_token_stands_behind_bearer_and_nothing_else_is_one() {
        for one in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert_eq!(shown(&[one]), Ok("abc".to_owned()), "{one}");
        }
        for none in
            [&[][..], &[""], &["abc"], &["Bearer"], &["Bearer "], &["Bearer   "], &["Basic abc"], &["Bearerabc"]]
        {
            assert_eq!(shown(none), Err(NoBearer::Absent), "{none:?}");
        }
        for several in [["Bearer abc", "Bearer abc"], ["Bearer abc", "Basic abc"], ["Basic abc", "Bearer abc"]] {
            assert_eq!(shown(&several), Err(NoBearer::Several), "{several:?}");
        }
    }
}
