//! Which person presents this API token? Tokens are known by their hash alone and compared in constant time.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, de};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::config::UserConfig;
use super::member::HostUser;

/// SHA-256 of an API token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApiTokenHash([u8; 32]);

/// The people of the host.
#[derive(Debug)]
pub(super) struct Users {
    by_name: BTreeMap<HostUser, ApiTokenHash>,
}

impl Users {
    pub(super) fn new(users: &BTreeMap<HostUser, UserConfig>) -> Self {
        Self { by_name: users.iter().filter_map(|(name, user)| Some((name.clone(), user.token_sha256?))).collect() }
    }

    /// Looks at every row whatever the first ones say, so that time tells nothing.
    pub(super) fn authenticate(&self, api_token: &str) -> Option<HostUser> {
        let presented = ApiTokenHash::of(api_token);
        let mut found = None;
        for (name, known) in &self.by_name {
            if bool::from(presented.0.ct_eq(&known.0)) {
                found = Some(name.clone());
            }
        }
        found
    }
}

impl ApiTokenHash {
    /// The hash of `api_token`.
    pub fn of(api_token: &str) -> Self {
        Self(Sha256::digest(api_token.as_bytes()).into())
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Debug for ApiTokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiTokenHash(..)")
    }
}

impl<'de> Deserialize<'de> for ApiTokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("a SHA-256 hash has 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_from_what_sha256sum_prints() {
        let printed = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        assert_eq!(ApiTokenHash::parse(printed), Some(ApiTokenHash::of("test")));
    }

    #[test]
    fn a_short_or_foreign_text_is_no_hash() {
        for text in ["", "9f86", &"é".repeat(32), &"g".repeat(64), &"+1".repeat(32)] {
            assert_eq!(ApiTokenHash::parse(text), None, "{text}");
        }
    }
}
