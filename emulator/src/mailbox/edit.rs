//! What can become different in a mailbox. Every edit leaves counts, order and fingerprint true.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use fixtures::ids::exchange_id;
use jiff::Timestamp;

use super::message::bare;
use super::{Folder, FolderIndex, Importance, Mailbox, Message, NewMessage};

/// What becomes of a message; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct MessageEdit {
    /// `isRead`.
    pub is_read: Option<bool>,
    /// `flag.flagStatus` is `flagged`.
    pub is_flagged: Option<bool>,
    /// `categories`.
    pub categories: Option<Vec<String>>,
    /// `importance`.
    pub importance: Option<Importance>,
    /// `isReadReceiptRequested`.
    pub wants_read_receipt: Option<bool>,
    /// `isDeliveryReceiptRequested`.
    pub wants_delivery_receipt: Option<bool>,
    /// Another file.
    pub file: Option<Bytes>,
    /// A draft that is one no longer.
    pub is_sent: bool,
}

/// An edit of something that is not there, or that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// No such message.
    #[error("there is no such message")]
    Message,
    /// No such folder.
    #[error("there is no such folder")]
    Folder,
    /// One of the folders every mailbox has.
    #[error("this folder cannot be renamed, moved or deleted")]
    WellKnown,
    /// The parent has a folder of this name.
    #[error("a folder with this name exists already")]
    Taken,
    /// A folder cannot lie in itself.
    #[error("a folder cannot be moved into itself")]
    Circle,
}

/// A folder that lies elsewhere now, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where it was.
    pub from: String,
    /// Where it is; `None` when it is gone for good.
    pub to: Option<String>,
}

impl Mailbox {
    /// Adds a message and returns its id.
    pub fn add(&mut self, new: NewMessage, folder: FolderIndex) -> Result<String, EditError> {
        self.folder(folder).ok_or(EditError::Folder)?;
        let mut message = Message::new(new, self.tenant, self.owner, folder);
        let conversation = self.conversation(&message);
        message.join(conversation);
        let id = message.id.clone();
        // Before what came in the same instant: it is newer.
        self.messages.insert(0, Arc::new(message));
        self.count();
        Ok(id)
    }

    /// The conversation of the oldest message of its thread that this mailbox knows.
    fn conversation(&self, message: &Message) -> String {
        let own = message.internet_message_id.as_deref().map(bare);
        let root = message.thread_root().or(own).unwrap_or(&message.id);
        let known =
            self.messages.iter().find(|other| other.internet_message_id.as_deref().is_some_and(|id| bare(id) == root));
        known.map_or_else(
            || exchange_id("conversation", self.tenant, self.owner, root),
            |known| known.conversation_id.clone(),
        )
    }

    /// Changes a message.
    pub fn edit(&mut self, id: &str, edit: MessageEdit, now: Timestamp) -> Result<(), EditError> {
        let at = *self.message_ids.get(id).ok_or(EditError::Message)?;
        let message = Arc::make_mut(self.messages.get_mut(at).ok_or(EditError::Message)?);
        if let Some(file) = edit.file {
            message.replace_file(file, id);
        }
        set(&mut message.is_read, edit.is_read);
        set(&mut message.is_flagged, edit.is_flagged);
        set(&mut message.categories, edit.categories);
        set(&mut message.item.importance, edit.importance);
        set(&mut message.item.wants_read_receipt, edit.wants_read_receipt);
        set(&mut message.item.wants_delivery_receipt, edit.wants_delivery_receipt);
        if edit.is_sent {
            message.is_draft = false;
            message.received = now;
        }
        message.touch(now);
        self.count();
        Ok(())
    }

    /// Puts a message into another folder, where it has another id: the old one names nothing any more.
    pub fn relocate(
        &mut self,
        id: &str,
        folder: FolderIndex,
        handle: &str,
        now: Timestamp,
    ) -> Result<String, EditError> {
        let message = self.message(id).ok_or(EditError::Message)?;
        let first = message.first_id().to_owned();
        let moved = self.put(id, folder, handle, Some(first), now)?;
        self.remove(id)?;
        Ok(moved)
    }

    /// Puts a copy of a message into a folder.
    pub fn copy(&mut self, id: &str, folder: FolderIndex, handle: &str, now: Timestamp) -> Result<String, EditError> {
        self.put(id, folder, handle, None, now)
    }

    fn put(
        &mut self,
        id: &str,
        folder: FolderIndex,
        handle: &str,
        first_id: Option<String>,
        now: Timestamp,
    ) -> Result<String, EditError> {
        self.folder(folder).ok_or(EditError::Folder)?;
        let mut copy = Message::clone(self.message(id).ok_or(EditError::Message)?);
        copy.id = exchange_id("message", self.tenant, self.owner, handle);
        copy.first_id = first_id;
        copy.folder = folder;
        copy.touch(now);
        let id = copy.id.clone();
        self.messages.insert(0, Arc::new(copy));
        self.count();
        Ok(id)
    }

    /// Says that a message is what became of another: the sent copy of a draft, for one.
    pub fn descend(&mut self, id: &str, first_id: String) -> Result<(), EditError> {
        let at = *self.message_ids.get(id).ok_or(EditError::Message)?;
        Arc::make_mut(self.messages.get_mut(at).ok_or(EditError::Message)?).first_id = Some(first_id);
        Ok(())
    }

    /// Takes a message away for good.
    pub fn remove(&mut self, id: &str) -> Result<(), EditError> {
        let at = *self.message_ids.get(id).ok_or(EditError::Message)?;
        self.messages.remove(at);
        self.count();
        Ok(())
    }

    /// Makes a folder.
    pub fn create_folder(&mut self, parent: FolderIndex, name: &str, handle: &str) -> Result<String, EditError> {
        let path = self.free_path(parent, name)?;
        let id = exchange_id("folder", self.tenant, self.owner, handle);
        self.folders.push(Folder {
            id: id.clone(),
            display_name: name.to_owned(),
            well_known: None,
            path,
            parent,
            total: 0,
            unread: 0,
            is_gone: false,
        });
        self.count();
        Ok(id)
    }

    /// Renames a folder or puts it under another. Returns what lies elsewhere by it, itself first.
    pub fn place_folder(
        &mut self,
        id: &str,
        parent: Option<FolderIndex>,
        name: Option<&str>,
    ) -> Result<Vec<Moved>, EditError> {
        let at = self.own_folder(id)?;
        let folder = self.folder(at).ok_or(EditError::Folder)?;
        let parent = parent.unwrap_or(folder.parent);
        let name = name.unwrap_or(&folder.display_name).to_owned();
        let mut above = parent;
        // As many steps as there are folders are enough: folders are a tree.
        for _ in 0..self.folders.len() {
            if above == at {
                return Err(EditError::Circle);
            }
            above = self.folder(above).map_or(FolderIndex::ROOT, |folder| folder.parent);
        }
        let old = folder.path.clone();
        let path = if folder.parent == parent && folder.display_name == name {
            old.clone()
        } else {
            self.free_path(parent, &name)?
        };
        if let Some(folder) = self.folders.get_mut(at.0) {
            folder.parent = parent;
            folder.display_name = name;
        }
        let moved = self.repath(&old, Some(&path));
        self.count();
        Ok(moved)
    }

    /// Deletes a folder: into `Deleted Items`, or for good when it lies there already.
    pub fn delete_folder(&mut self, id: &str) -> Result<Vec<Moved>, EditError> {
        let at = self.own_folder(id)?;
        let bin = self.folder_named("deleteditems").ok_or(EditError::Folder)?;
        let (path, name) = self
            .folder(at)
            .map(|folder| (folder.path.clone(), folder.display_name.clone()))
            .ok_or(EditError::Folder)?;
        let binned = self.folder(bin).map_or("", |folder| &folder.path);
        if !path.starts_with(&format!("{binned}/")) {
            // Exchange numbers names that the bin knows already.
            let free = (0..).map(|number| if number == 0 { name.clone() } else { format!("{name}{number}") });
            let free = free.take(self.folders.len() + 1).find(|name| self.free_path(bin, name).is_ok());
            return self.place_folder(id, Some(bin), free.as_deref());
        }
        let gone = self.repath(&path, None);
        let folders = &self.folders;
        self.messages.retain(|message| folders.get(message.folder.0).is_some_and(|folder| !folder.is_gone));
        self.count();
        Ok(gone)
    }

    /// Gives a folder and all below it another path, or takes them away.
    fn repath(&mut self, old: &str, new: Option<&str>) -> Vec<Moved> {
        let mut moved = Vec::new();
        for folder in self.folders.iter_mut() {
            let Some(rest) = folder.path.strip_prefix(old).filter(|rest| rest.is_empty() || rest.starts_with('/'))
            else {
                continue;
            };
            let to = new.map(|new| format!("{new}{rest}"));
            moved.push(Moved { from: folder.path.clone(), to: to.clone() });
            match to {
                Some(to) => folder.path = to,
                None => folder.is_gone = true,
            }
        }
        moved
    }

    fn own_folder(&self, id: &str) -> Result<FolderIndex, EditError> {
        let at = self.folder_named(id).ok_or(EditError::Folder)?;
        match self.folder(at).and_then(|folder| folder.well_known) {
            Some(_) => Err(EditError::WellKnown),
            None => Ok(at),
        }
    }

    fn free_path(&self, parent: FolderIndex, name: &str) -> Result<String, EditError> {
        let above = &self.folder(parent).ok_or(EditError::Folder)?.path;
        // A slash in a name is no step of the path.
        let step = name.replace('%', "%25").replace('/', "%2F");
        let path = if above.is_empty() { step } else { format!("{above}/{step}") };
        let is_taken = self.folders().any(|(_, folder)| {
            folder.path == path || (folder.parent == parent && folder.display_name.eq_ignore_ascii_case(name))
        });
        if is_taken { Err(EditError::Taken) } else { Ok(path) }
    }

    /// Order, counts and the index of ids, as the messages have them; the fingerprint is taken anew.
    pub(super) fn count(&mut self) {
        // Ties stand in the order in which they came: sorting is stable.
        self.messages.sort_by_key(|message| std::cmp::Reverse(message.received));
        for folder in self.folders.iter_mut() {
            (folder.total, folder.unread) = (0, 0);
        }
        for message in &self.messages {
            if let Some(folder) = self.folders.get_mut(message.folder.0) {
                folder.total += 1;
                folder.unread += usize::from(!message.is_read);
            }
        }
        self.message_ids = self.messages.iter().enumerate().map(|(at, message)| (message.id.clone(), at)).collect();
        self.fingerprint = OnceLock::new();
        self.index = OnceLock::new();
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
