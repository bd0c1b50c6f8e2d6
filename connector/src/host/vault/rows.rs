//! What else is kept sealed, and through which door? Chats, results and switches: rows of bytes, each with an owner and a name.

use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use super::super::member::Member;
use super::{Revision, VaultError};

/// A row that was opened.
#[derive(Debug)]
pub struct Row {
    /// The content. Wiped when dropped.
    pub plain: Zeroizing<Vec<u8>>,
    /// Changes with every write.
    pub revision: Revision,
}

/// A store of sealed rows. Like [`TokenVault`](super::TokenVault) it may be shared by replicas: writes compare first.
pub trait Rows: Send + Sync {
    /// The row of `owner` called `name`.
    fn read<'a>(&'a self, owner: &'a Member, name: &'a str) -> BoxFuture<'a, Result<Option<Row>, VaultError>>;

    /// Writes the row if it is still the one that was read at `seen` (`None`: if there is none yet); otherwise changes nothing
    /// and says `None`.
    fn replace<'a>(
        &'a self,
        owner: &'a Member,
        name: &'a str,
        seen: Option<Revision>,
        plain: Zeroizing<Vec<u8>>,
    ) -> BoxFuture<'a, Result<Option<Revision>, VaultError>>;

    /// Forgets the row; says whether there was one.
    fn erase<'a>(&'a self, owner: &'a Member, name: &'a str) -> BoxFuture<'a, Result<bool, VaultError>>;

    /// The names of `owner`'s rows that begin with `prefix`, in order.
    fn names<'a>(&'a self, owner: &'a Member, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, VaultError>>;
}
