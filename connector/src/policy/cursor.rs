//! Whose is a cursor? Its maker's, in that tenant, for that very question: a cursor is a place in a list, never a right.

use sha2::{Digest as _, Sha256};

use crate::caller::Caller;

/// What a cursor is bound to, as the bytes that its seal covers. `question` is a digest of what was asked.
pub(super) fn binding(caller: &Caller, question: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [caller.tenant().as_str(), caller.user().as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(question);
    hash.finalize().into()
}
