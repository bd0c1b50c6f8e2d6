//! Parameters of a request: a query or a form, each name at most once.

use axum::http::{HeaderMap, header};

use super::error::EntraError;

/// Decoded parameters in the order they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses `application/x-www-form-urlencoded` text. A name that comes twice is refused: nobody can know which value was meant.
    pub(crate) fn parse(text: &str) -> Result<Self, EntraError> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text).map_err(|_| EntraError::Malformed)?;
        for (index, (name, _)) in pairs.iter().enumerate() {
            if pairs.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(EntraError::ParameterTwice(name.clone()));
            }
        }
        Ok(Self(pairs))
    }

    /// Parses the body of a form POST.
    pub(crate) fn body(headers: &HeaderMap, body: &[u8]) -> Result<Self, EntraError> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            // The service does not look into other bodies: to it the first parameter is missing.
            return Err(EntraError::ParameterMissing("grant_type"));
        }
        Self::parse(std::str::from_utf8(body).map_err(|_| EntraError::Malformed)?)
    }

    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter without which nothing goes on.
    pub(crate) fn need(&self, name: &'static str) -> Result<&str, EntraError> {
        self.get(name).ok_or(EntraError::ParameterMissing(name))
    }

    /// The same request, made by somebody: what a link of the sign-in page goes on with.
    pub(crate) fn with_hint(&self, login: &str) -> Self {
        // Who picks an account has answered the question that `prompt` asks, except for consent.
        let asks_for_consent = self.get("prompt") == Some("consent");
        let mut form = self.without(if asks_for_consent { &["login_hint"] } else { &["login_hint", "prompt"] });
        form.0.push(("login_hint".to_owned(), login.to_owned()));
        form
    }

    /// The same request without some of its parameters.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
    }

    /// As a query again.
    pub(crate) fn encode(&self) -> String {
        serde_urlencoded::to_string(&self.0).unwrap_or_default()
    }
}
