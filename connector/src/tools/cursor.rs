//! A place in a list, sealed: good for the person and the question that it was made for.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::Reach;
use crate::refusal::{Code, Refusal};

/// Digest of a question: the same question, the same digest.
pub(super) fn question<T: Serialize>(tool: &str, question: &T) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(tool.as_bytes());
    hash.update([0]);
    hash.update(serde_json::to_vec(question).unwrap_or_default());
    hash.finalize().into()
}

/// Seals `place`.
pub(super) fn seal<T: Serialize>(reach: &Reach<'_>, question: &[u8; 32], place: &T) -> Option<String> {
    let place = serde_json::to_vec(place).ok()?;
    let tag = hmac::sign(&reach.services.cursor_key, &sealed(reach, question, &place));
    Some(format!("{}.{}", URL_SAFE_NO_PAD.encode(&place), URL_SAFE_NO_PAD.encode(tag)))
}

/// Opens a cursor, if it is this caller's and this question's.
pub(super) fn open<T: DeserializeOwned>(reach: &Reach<'_>, question: &[u8; 32], cursor: &str) -> Result<T, Refusal> {
    opened(reach, question, cursor).ok_or_else(|| {
        Refusal::new(Code::InvalidCursor, "The cursor does not belong to this question. Repeat the arguments that it was given for, or start without it.")
            .parameters(&["cursor"])
    })
}

fn opened<T: DeserializeOwned>(reach: &Reach<'_>, question: &[u8; 32], cursor: &str) -> Option<T> {
    let (place, tag) = cursor.split_once('.')?;
    let (place, tag) = (URL_SAFE_NO_PAD.decode(place).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
    hmac::verify(&reach.services.cursor_key, &sealed(reach, question, &place), &tag).ok()?;
    serde_json::from_slice(&place).ok()
}

fn sealed(reach: &Reach<'_>, question: &[u8; 32], place: &[u8]) -> Vec<u8> {
    let binding = (reach.services.policy.cursor_binding)(reach.caller, question);
    [binding.as_slice(), place].concat()
}
