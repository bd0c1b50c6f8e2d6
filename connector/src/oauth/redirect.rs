//! Where is the browser sent, and is what it brings back an answer to that?

use secrecy::SecretString;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use url::Url;

/// `endpoint` with what a code is asked with (<https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1>, PKCE by
/// <https://www.rfc-editor.org/rfc/rfc7636>). Parameters that `endpoint` has already are kept.
pub(crate) fn authorization_url(
    endpoint: &Url,
    client_id: &str,
    redirect_uri: &str,
    state: &str,
    code_challenge: &str,
    more: &[(&str, &str)],
) -> Url {
    let mut url = endpoint.clone();
    url.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", state)
        .append_pair("code_challenge", code_challenge)
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(more);
    url
}

/// Did the issuer that was asked answer (<https://www.rfc-editor.org/rfc/rfc9207#section-2.4>)? Compared as text: two spellings
/// of one address are two issuers. `promised` is `authorization_response_iss_parameter_supported` of its metadata; Entra does
/// not promise one, so that none is no sign of a mix-up there.
pub(crate) fn issuer_answers(expected: &str, promised: bool, came: Option<&str>) -> bool {
    came.map_or(!promised, |came| came == expected)
}

/// What the browser brought back.
#[derive(Deserialize)]
pub(crate) struct Response {
    state: Option<String>,
    code: Option<SecretString>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Why a response is no code.
pub(crate) enum Unanswered {
    /// It answers another question, or none.
    OtherState,
    /// Another issuer answered, or one that should have said its name did not.
    OtherIssuer,
    /// The issuer refuses: its error and its words for it.
    Refused { error: String, description: String },
    /// There is neither a code nor an error.
    Empty,
}

impl Response {
    /// The code, if this answers the request that carried `state` to `issuer`.
    pub(crate) fn code(self, state: &str, issuer: &str, iss_promised: bool) -> Result<SecretString, Unanswered> {
        let same: bool = self.state.as_deref().is_some_and(|came| came.as_bytes().ct_eq(state.as_bytes()).into());
        if !same {
            return Err(Unanswered::OtherState);
        }
        // Also a refusal must be the asked issuer's.
        if !issuer_answers(issuer, iss_promised, self.iss.as_deref()) {
            return Err(Unanswered::OtherIssuer);
        }
        if let Some(error) = self.error {
            return Err(Unanswered::Refused { error, description: self.error_description.unwrap_or_default() });
        }
        self.code.ok_or(Unanswered::Empty)
    }
}
