//! How is one row encrypted, and what is it bound to? XChaCha20-Poly1305, bound to organization, user and record name.
//!
//! A sealed row is `version (1) · key id (8) · revision (16) · nonce (24) · ciphertext and tag`. The head is authenticated with the
//! owner's names, each preceded by its length, so that no two owners share the same bytes. Nonces are 192 random bits:
//! at that size random ones do not collide (draft-irtf-cfrg-xchacha, section 1).

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::super::member::Member;
use super::key::KeyRing;
use super::{VaultError, VaultKey};
use crate::entropy;

const VERSION: u8 = 2;
const KEY_ID: usize = 8;
const REVISION: usize = 16;
const NONCE: usize = 24;
const HEAD: usize = 1 + KEY_ID + REVISION + NONCE;

/// Which write a row is from: random, so no two writes share it. Sealing the same row anew with another key is no write: whoever
/// read it before may still replace it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision([u8; REVISION]);

/// Whose row, and which of theirs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label<'a> {
    pub(super) member: &'a Member,
    pub(super) record: &'a str,
}

/// Seals rows with the first of its keys, opens those of all.
pub(super) struct Sealer {
    current: Cipher,
    old: Vec<Cipher>,
    bound_to: fn(&Member, &str) -> Vec<u8>,
}

struct Cipher {
    cipher: XChaCha20Poly1305,
    key_id: [u8; KEY_ID],
}

impl Cipher {
    fn new(key: &VaultKey) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.bytes().into()), key_id: key.id() }
    }
}

impl Sealer {
    pub(super) fn new(keys: &KeyRing, bound_to: fn(&Member, &str) -> Vec<u8>) -> Self {
        Self { current: Cipher::new(&keys.current), old: keys.old.iter().map(Cipher::new).collect(), bound_to }
    }

    /// Whether a row is sealed with another key than the first.
    pub(super) fn is_old(&self, row: &[u8]) -> bool {
        row.get(1..=KEY_ID) != Some(&self.current.key_id)
    }

    pub(super) fn seal(&self, label: Label<'_>, plain: &[u8]) -> Result<(Vec<u8>, Revision), VaultError> {
        let revision = Revision(entropy::bytes()?);
        Ok((self.seal_as(label, revision, plain)?, revision))
    }

    /// The same content, sealed with the current key.
    pub(super) fn reseal(&self, label: Label<'_>, row: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (plain, revision) = self.open(label, row)?;
        self.seal_as(label, revision, &plain)
    }

    fn seal_as(&self, label: Label<'_>, revision: Revision, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce: [u8; NONCE] = entropy::bytes()?;
        let mut row = Vec::with_capacity(HEAD + plain.len() + 16);
        row.push(VERSION);
        row.extend_from_slice(&self.current.key_id);
        row.extend_from_slice(&revision.0);
        row.extend_from_slice(&nonce);
        let aad = self.bound_to(label, &row);
        let sealed = self
            .current
            .cipher
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: &aad })
            .map_err(|_| VaultError::Tampered)?;
        row.extend_from_slice(&sealed);
        Ok(row)
    }

    pub(super) fn open(&self, label: Label<'_>, row: &[u8]) -> Result<(Zeroizing<Vec<u8>>, Revision), VaultError> {
        let (head, sealed) = row.split_at_checked(HEAD).ok_or(VaultError::Tampered)?;
        let revision = revision(row).ok_or(VaultError::Tampered)?;
        let nonce = row.get(HEAD - NONCE..HEAD).ok_or(VaultError::Tampered)?;
        let Some((&VERSION, rest)) = head.split_first() else { return Err(VaultError::Tampered) };
        let mut keys = std::iter::once(&self.current).chain(&self.old);
        let key = keys.find(|key| rest.starts_with(&key.key_id)).ok_or(VaultError::OtherKey)?;
        let aad = self.bound_to(label, head);
        let plain = key
            .cipher
            .decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: &aad })
            .map_err(|_| VaultError::Tampered)?;
        Ok((Zeroizing::new(plain), revision))
    }

    /// The owner, then the row's own head.
    fn bound_to(&self, label: Label<'_>, head: &[u8]) -> Vec<u8> {
        let mut aad = (self.bound_to)(label.member, label.record);
        aad.extend_from_slice(head);
        aad
    }
}

/// The revision of a sealed row, without opening it.
pub(super) fn revision(row: &[u8]) -> Option<Revision> {
    let revision = row.get(1 + KEY_ID..1 + KEY_ID + REVISION)?;
    Some(Revision(revision.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::policy::HostPolicy;

    fn sealer() -> Sealer {
        Sealer::new(&KeyRing::only(VaultKey::generate().unwrap()), HostPolicy::STRICT.bound_to)
    }

    proptest! {
        #[test]
        fn a_row_opens_for_its_owner_alone(
            owner in ("[a-c]{0,3}", "[a-c]{0,3}", "[a-c]{0,3}"),
            other in ("[a-c]{0,3}", "[a-c]{0,3}", "[a-c]{0,3}"),
            plain in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let sealer = sealer();
            let whose = |names: &(String, String, String)| Member::new(names.0.as_str(), names.1.as_str());
            let (mine, theirs) = (whose(&owner), whose(&other));
            let (row, _) = sealer.seal(Label { member: &mine, record: &owner.2 }, &plain).unwrap();
            let opened = sealer.open(Label { member: &theirs, record: &other.2 }, &row);
            prop_assert_eq!(opened.is_ok_and(|(back, _)| *back == plain), owner == other);
        }

        #[test]
        fn a_row_with_one_bit_changed_does_not_open(plain in proptest::collection::vec(any::<u8>(), 0..64), at: usize, bit in 0..8) {
            let sealer = sealer();
            let member = Member::new("contoso", "alice");
            let label = Label { member: &member, record: "r" };
            let (mut row, _) = sealer.seal(label, &plain).unwrap();
            let at = at % row.len();
            row[at] ^= 1u8 << bit;
            prop_assert!(sealer.open(label, &row).is_err());
        }
    }

    #[test]
    fn two_seals_of_the_same_text_differ() {
        let sealer = sealer();
        let member = Member::new("contoso", "alice");
        let label = Label { member: &member, record: "r" };
        let (first, second) = (sealer.seal(label, b"same").unwrap(), sealer.seal(label, b"same").unwrap());
        assert_ne!(first.0, second.0);
        assert_ne!(first.1, second.1);
    }
}
