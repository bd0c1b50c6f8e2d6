//! What does the issuer say on the wire? The members of its answers that the host reads, and nothing else.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

use super::failure::number_in;
use super::{Grant, NoGrant, SignInFailure};

#[derive(Deserialize)]
pub(super) struct GrantBody {
    token_type: String,
    access_token: SecretString,
    #[serde(default)]
    refresh_token: Option<SecretString>,
    #[serde(default)]
    id_token: Option<SecretString>,
    #[serde(deserialize_with = "seconds")]
    expires_in: i64,
}

#[derive(Deserialize)]
pub(super) struct RefusalBody {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl GrantBody {
    pub(super) fn parse(body: &[u8]) -> Option<Grant> {
        let body: Self = serde_json::from_slice(body).ok()?;
        if !body.token_type.eq_ignore_ascii_case("Bearer") || !(0..=i64::from(i32::MAX)).contains(&body.expires_in) {
            return None;
        }
        Some(Grant {
            access_token: body.access_token,
            refresh_token: body.refresh_token,
            id_token: body.id_token,
            expires_in: body.expires_in,
        })
    }
}

impl RefusalBody {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Only what is about the person ends their connection. A host that is configured wrong, or an issuer that is busy,
    /// must not throw everybody's tokens away.
    pub(super) fn into_no_grant(self, means: fn(&str, Option<u32>) -> SignInFailure) -> NoGrant {
        let number = self.error_codes.first().copied().or_else(|| number_in(&self.error_description));
        let failure = means(&self.error, number);
        tracing::info!(error = self.error.escape_debug().to_string(), aadsts = number, "the issuer gave no token");
        match self.error.as_str() {
            "invalid_grant" | "interaction_required" | "consent_required" | "login_required" | "access_denied" => {
                NoGrant::Refused(failure)
            }
            "temporarily_unavailable" | "server_error" => NoGrant::Unavailable("the issuer is busy".to_owned()),
            _ if failure == SignInFailure::Other => {
                NoGrant::Misunderstood("the issuer does not accept how this host asks".to_owned())
            }
            _ => NoGrant::Refused(failure),
        }
    }
}

/// Version 1 endpoints write numbers as strings.
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
