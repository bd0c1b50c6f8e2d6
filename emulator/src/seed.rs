//! Entropy as a parameter: a labelled tree of deterministic values, so that one more draw here moves nothing there.

use std::collections::BTreeMap;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A seed and, per label, how often it was drawn from.
#[derive(Debug)]
pub struct Seed {
    root: [u8; 32],
    drawn: Mutex<BTreeMap<String, u64>>,
}

impl Seed {
    /// A tree of values that the number decides.
    pub fn fixed(seed: u64) -> Self {
        Self { root: Sha256::digest(seed.to_be_bytes()).into(), drawn: Mutex::default() }
    }

    /// The next 32 bytes under `label`, for example `authorization-code`.
    pub fn draw(&self, label: &str) -> [u8; 32] {
        let count = {
            let mut drawn = self.drawn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let count = drawn.entry(label.to_owned()).or_default();
            *count += 1;
            *count
        };
        let mut hash = Sha256::new();
        hash.update(self.root);
        hash.update((label.len() as u64).to_be_bytes());
        hash.update(label.as_bytes());
        hash.update(count.to_be_bytes());
        hash.finalize().into()
    }

    /// A key under `label`: always the same one, and none of the values drawn.
    pub fn key(&self, label: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"key");
        hash.update(self.root);
        hash.update(label.as_bytes());
        hash.finalize().into()
    }

    /// The next GUID under `label`.
    pub fn guid(&self, label: &str) -> Uuid {
        let bytes = self.draw(label);
        let mut half = [0; 16];
        half.copy_from_slice(&bytes[..16]);
        uuid::Builder::from_random_bytes(half).into_uuid()
    }

    /// Forgets what was drawn: the same values come again.
    pub fn rewind(&self) {
        self.drawn.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }
}
