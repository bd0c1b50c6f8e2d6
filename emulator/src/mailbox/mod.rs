//! The content of one mailbox.

use fixtures::plan::{Person, Tenant};
use jiff::SignedDuration;

/// One mailbox: an immutable value built from plan rows.
#[derive(Debug, Clone)]
pub struct Mailbox {}

impl Mailbox {
    /// The mailbox of `person`, its dates moved by `shift`.
    pub fn of(_tenant: &Tenant, _person: &Person, _shift: SignedDuration) -> Self {
        Self {}
    }

    /// A hash over all content.
    pub fn fingerprint(&self) -> [u8; 32] {
        [0; 32]
    }
}
