//! The folders of a mailbox. Those that every mailbox has are made when somebody first looks: of ten thousand mailboxes few are opened,
//! and ids are long.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use fixtures::folders::WELL_KNOWN;
use fixtures::ids::{TenantId, UserId, exchange_id};

use super::{Folder, FolderIndex, ROOT};

/// All folders, the root first.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    tenant: TenantId,
    owner: UserId,
    /// As long as nobody changed them.
    untouched: OnceLock<Vec<Folder>>,
    changed: Option<Vec<Folder>>,
}

impl Folders {
    /// The folders that every mailbox has.
    pub(super) const fn new(tenant: TenantId, owner: UserId) -> Self {
        Self { tenant, owner, untouched: OnceLock::new(), changed: None }
    }

    /// Looks at them without keeping what is made for it.
    pub(super) fn peek<T>(&self, look: impl FnOnce(&[Folder]) -> T) -> T {
        match self.changed.as_ref().or_else(|| self.untouched.get()) {
            Some(folders) => look(folders),
            None => look(&of_every_mailbox(self.tenant, self.owner)),
        }
    }
}

impl Deref for Folders {
    type Target = Vec<Folder>;

    fn deref(&self) -> &Vec<Folder> {
        let (tenant, owner) = (self.tenant, self.owner);
        self.changed.as_ref().unwrap_or_else(|| self.untouched.get_or_init(|| of_every_mailbox(tenant, owner)))
    }
}

impl DerefMut for Folders {
    fn deref_mut(&mut self) -> &mut Vec<Folder> {
        let Self { tenant, owner, untouched, changed } = self;
        changed.get_or_insert_with(|| untouched.take().unwrap_or_else(|| of_every_mailbox(*tenant, *owner)))
    }
}

fn of_every_mailbox(tenant: TenantId, owner: UserId) -> Vec<Folder> {
    let folder = |path: &str, well_known| Folder {
        id: exchange_id("folder", tenant, owner, path),
        display_name: if path.is_empty() { "Top of Information Store".to_owned() } else { path.to_owned() },
        well_known: Some(well_known),
        path: path.to_owned(),
        parent: FolderIndex::ROOT,
        total: 0,
        unread: 0,
        is_gone: false,
    };
    let own = WELL_KNOWN.iter().map(|known| folder(known.display_name, known.name));
    std::iter::once(folder("", ROOT)).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_keeps_nothing_and_changing_keeps_everything() {
        let mut folders = Folders::new(TenantId::derived("t"), UserId::derived("u"));
        let count = folders.peek(<[Folder]>::len);
        assert!(folders.untouched.get().is_none() && folders.changed.is_none());
        assert_eq!(folders.len(), count);
        assert!(folders.untouched.get().is_some());
        folders[1].unread = 7;
        assert_eq!((folders.peek(|all| all[1].unread), folders.len()), (7, count));
        assert!(folders.untouched.get().is_none());
    }
}
