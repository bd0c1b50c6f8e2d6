//! Where a connected person's tokens rest: encrypted, bound to their owner, and gone when told so.
//!
//! | file | answers |
//! |---|---|
//! | `key.rs` | where does the key come from? |
//! | `seal.rs` | how is one row encrypted, and what is it bound to? |
//! | `record.rs` | what does a row say? |
//! | `rows.rs` | what else is kept sealed, and through which door? |
//! | `store.rs` | how does it survive a crash, and how do two writers not overtake each other? |

mod key;
mod record;
mod rows;
mod seal;
mod store;

use futures_util::future::BoxFuture;

use super::member::Member;
use crate::entropy::NoEntropy;

pub use key::{KeyError, KeyRing, VaultKey};
pub use record::{Account, Connected, Ended, Record};
pub use rows::{Row, Rows};
pub use seal::Revision;
pub(super) use store::StateFile;
pub use store::{RECORDS, RedbVault, Resealed};

/// What stands in the vault for one member, and which write put it there.
#[derive(Debug)]
pub struct Stored {
    /// The content.
    pub record: Record,
    /// Changes with every write, also when the content does not.
    pub revision: Revision,
}

/// A store of one record per member.
///
/// Writes that follow from an earlier read go through [`replace`](TokenVault::replace), which does nothing when
/// somebody else wrote or erased meanwhile: so a disconnect wins over a renewal that is still under way, on this
/// replica or on another one.
pub trait TokenVault: Send + Sync {
    /// What is kept for `member`.
    fn read<'a>(&'a self, member: &'a Member) -> BoxFuture<'a, Result<Option<Stored>, VaultError>>;

    /// Keeps `record`, whatever was there.
    fn write<'a>(&'a self, member: &'a Member, record: Record) -> BoxFuture<'a, Result<Revision, VaultError>>;

    /// Keeps `record` if the row is still the one that was read at `seen`; otherwise changes nothing and says `None`.
    fn replace<'a>(
        &'a self,
        member: &'a Member,
        seen: Revision,
        record: Record,
    ) -> BoxFuture<'a, Result<Option<Revision>, VaultError>>;

    /// Forgets what is kept for `member`; says whether there was anything.
    fn erase<'a>(&'a self, member: &'a Member) -> BoxFuture<'a, Result<bool, VaultError>>;
}

/// Why the vault could not answer. Says nothing about what is inside.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The row was written with another key.
    #[error("the row was sealed with another key than the configured one")]
    OtherKey,
    /// The row was changed, cut, or belongs to somebody else.
    #[error("the row does not open: it was changed, or written for another owner")]
    Tampered,
    /// The row opened, but says something this version does not understand.
    #[error("the row opens but its content is not understood")]
    Unreadable,
    /// See [`NoEntropy`].
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The store below failed.
    #[error("the store failed: {0}")]
    Store(#[source] Box<redb::Error>),
    /// The store's folder or file could not be opened.
    #[error("{path}: {error}")]
    File {
        /// What was being opened.
        path: String,
        /// Why it was not.
        error: std::io::Error,
    },
    /// Another process has the file open.
    #[error("{path}: another process uses this vault; stop it, or choose another folder (host.state_dir)")]
    InUse {
        /// The file.
        path: String,
    },
    /// The process is shutting down.
    #[error("the store was interrupted")]
    Interrupted,
}

impl<E: Into<redb::Error>> From<E> for VaultError {
    fn from(error: E) -> Self {
        Self::Store(Box::new(error.into()))
    }
}
