//! Changing a drive: what comes, goes, moves and is shared.

use std::sync::Arc;

use bytes::Bytes;
use fixtures::ids::{UniqueId, UserId};
use jiff::Timestamp;

use super::{Drive, File, Grant, Item};

/// A file or folder that comes into being.
#[derive(Debug, Clone)]
pub struct NewContent {
    /// `name`.
    pub name: String,
    /// Id of the folder that it lies in.
    pub parent: String,
    /// The bytes; a folder when absent.
    pub bytes: Option<Bytes>,
    /// Its ids derive from it.
    pub handle: String,
}

/// Why a drive could not be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DriveEditError {
    /// No such item.
    #[error("there is no such item in this drive")]
    Item,
    /// What should hold it is no folder.
    #[error("this is no folder")]
    Folder,
    /// A folder has no content.
    #[error("a folder has no content")]
    Content,
    /// The name is taken.
    #[error("an item of this name is there already")]
    Taken,
    /// The root stays where and what it is.
    #[error("the root of a drive stays as it is")]
    Root,
    /// A folder does not go into itself.
    #[error("a folder cannot be moved into itself")]
    Circle,
    /// No such permission.
    #[error("there is no such permission")]
    Permission,
}

impl Drive {
    /// Opens it for the first time.
    pub(crate) fn provision(&mut self) {
        self.is_provisioned = true;
        self.changed();
    }

    /// Adds a file or folder.
    pub(crate) fn add(&mut self, new: NewContent, by: UserId, now: Timestamp) -> Result<(), DriveEditError> {
        self.folder_at(&new.parent)?;
        if self.child(&new.parent, &new.name).is_some() {
            return Err(DriveEditError::Taken);
        }
        let item = self.new_item(&new.name, UniqueId::derived(&new.handle), new.parent, by, now);
        let file = new.bytes.map(|bytes| File::new(&new.name, bytes));
        self.insert(Item { file, ..item });
        Ok(())
    }

    /// Replaces the bytes of a file.
    pub(crate) fn replace(&mut self, id: &str, bytes: Bytes, by: UserId, now: Timestamp) -> Result<(), DriveEditError> {
        let item = self.item_mut(id)?;
        if item.file.is_none() {
            return Err(DriveEditError::Content);
        }
        item.file = Some(File::new(&item.name, bytes));
        touch(item, by, now);
        Ok(())
    }

    /// Renames an item, puts it into another folder, or both.
    pub(crate) fn place(
        &mut self,
        id: &str,
        name: Option<String>,
        parent: Option<String>,
        by: UserId,
        now: Timestamp,
    ) -> Result<(), DriveEditError> {
        let item = Arc::clone(self.items.get(id).ok_or(DriveEditError::Item)?);
        let Some(old) = item.parent.clone() else { return Err(DriveEditError::Root) };
        let parent = parent.unwrap_or_else(|| old.clone());
        let folder = self.folder_at(&parent)?;
        if folder.id == id || self.above(folder).any(|above| above.id == id) {
            return Err(DriveEditError::Circle);
        }
        let name = name.unwrap_or_else(|| item.name.clone());
        if self.child(&parent, &name).is_some_and(|there| there.id != id) {
            return Err(DriveEditError::Taken);
        }
        self.take_out(&old, id);
        let mut item = Item::clone(&item);
        item.file = item.file.map(|file| if name == item.name { file } else { File::new(&name, file.bytes) });
        (item.name, item.parent) = (name, Some(parent));
        touch(&mut item, by, now);
        self.insert(item);
        Ok(())
    }

    /// Deletes an item with everything in it.
    pub(crate) fn remove(&mut self, id: &str) -> Result<(), DriveEditError> {
        let item = self.items.get(id).ok_or(DriveEditError::Item)?;
        let Some(parent) = item.parent.clone() else { return Err(DriveEditError::Root) };
        self.take_out(&parent, id);
        let mut gone = vec![id.to_owned()];
        while let Some(id) = gone.pop() {
            self.items.remove(&id);
            gone.extend(self.children.remove(&id).into_iter().flatten());
        }
        self.changed();
        Ok(())
    }

    /// Gives something to somebody. Who has the permission already has it with the new role.
    pub(crate) fn grant(&mut self, id: &str, grant: Grant) -> Result<(), DriveEditError> {
        let item = self.item_mut(id)?;
        item.grants.retain(|known| known.id != grant.id);
        item.grants.push(grant);
        Ok(())
    }

    /// Adds somebody to those who followed a sharing link.
    pub(crate) fn follow(&mut self, id: &str, permission: &str, by: UserId) -> Result<(), DriveEditError> {
        let link = self.item_mut(id)?.grants.iter_mut().find(|grant| grant.id == permission && grant.link.is_some());
        let followers = &mut link.ok_or(DriveEditError::Permission)?.to;
        if !followers.contains(&super::Grantee::User(by)) {
            followers.push(super::Grantee::User(by));
        }
        Ok(())
    }

    /// Takes a permission back.
    pub(crate) fn revoke(&mut self, id: &str, permission: &str) -> Result<(), DriveEditError> {
        let item = self.item_mut(id)?;
        let known = item.grants.len();
        item.grants.retain(|grant| grant.id != permission);
        if item.grants.len() == known { Err(DriveEditError::Permission) } else { Ok(()) }
    }

    fn folder_at(&self, id: &str) -> Result<&Arc<Item>, DriveEditError> {
        let folder = self.items.get(id).ok_or(DriveEditError::Item)?;
        if folder.is_folder() { Ok(folder) } else { Err(DriveEditError::Folder) }
    }

    fn item_mut(&mut self, id: &str) -> Result<&mut Item, DriveEditError> {
        self.changed();
        self.items.get_mut(id).map(Arc::make_mut).ok_or(DriveEditError::Item)
    }

    fn take_out(&mut self, parent: &str, id: &str) {
        if let Some(siblings) = self.children.get_mut(parent) {
            siblings.retain(|sibling| sibling != id);
        }
    }
}

fn touch(item: &mut Item, by: UserId, now: Timestamp) {
    (item.editor, item.modified) = (by, now);
    item.version = item.version.saturating_add(1);
}
