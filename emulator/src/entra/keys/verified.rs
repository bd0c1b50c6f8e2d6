//! Tokens whose signature was found good, so that a client that asks a thousand times costs one verification.
//!
//! What is kept is the answer to one question alone: *did these keys sign these bytes, for the tenant that they name?* It is a function of
//! the bytes and the keys, so it is kept by a hash over the whole token, beside the keys, and dies with them: a ring that was changed begins
//! with none. Whether the token is still good, and for whom, is asked anew each time.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// How many tokens are kept at most. Then all are forgotten: nothing is counted or ordered for it on the way of a request.
const MOST: usize = 4_096;
/// Longer ones are verified each time.
const LONGEST: usize = 16 << 10;

/// Claims by the hash of the token that holds them.
#[derive(Default)]
pub(super) struct Verified(Mutex<BTreeMap<[u8; 32], Claims>>);

type Claims = Arc<Map<String, Value>>;

impl fmt::Debug for Verified {
    /// How many: what tokens say is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({})", self.0.lock().unwrap_or_else(PoisonError::into_inner).len())
    }
}

impl Verified {
    /// The claims of a token that was seen before.
    pub(super) fn get(&self, token: &str) -> Option<Claims> {
        let hash = hash(token)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned()
    }

    /// Keeps the claims of a token whose signature was just found good.
    pub(super) fn put(&self, token: &str, claims: &Claims) {
        let Some(hash) = hash(token) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        if let Entry::Vacant(place) = known.entry(hash) {
            place.insert(Arc::clone(claims));
        }
    }
}

fn hash(token: &str) -> Option<[u8; 32]> {
    (token.len() <= LONGEST).then(|| Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_tells_tokens_apart() {
        let known = Verified::default();
        let claims = |number: usize| Arc::new(Map::from_iter([("n".to_owned(), Value::from(number))]));
        for number in 0..=MOST {
            known.put(&format!("token {number}"), &claims(number));
        }
        assert_eq!(known.0.lock().unwrap().len(), 1, "full, so emptied");
        assert_eq!(known.get(&format!("token {MOST}")).unwrap()["n"], MOST);
        assert!(known.get("token 7").is_none() && known.get(&format!("token {MOST} ")).is_none());
        let long = "x".repeat(LONGEST + 1);
        known.put(&long, &claims(0));
        assert!(known.get(&long).is_none());
    }
}
