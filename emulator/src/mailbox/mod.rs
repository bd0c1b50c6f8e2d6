//! The content of one mailbox: folders and messages, an immutable value built from plan rows.
//!
//! Messages are parsed once, here; what requests read is borrowed from then on. Nothing in this module decides who may see what.

mod address;
mod attachment;
mod body;
mod compose;
mod dates;
mod edit;
mod folders;
mod found;
mod message;
mod mime;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use fixtures::ids::{TenantId, UserId, exchange_id};
use fixtures::plan::{Person, Tenant};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

pub use address::Correspondent;
pub use attachment::{Attachment, AttachmentKind};
pub use body::{Body, BodyKind};
pub use compose::{Draft, Part};
pub use edit::{EditError, MessageEdit, Moved};
pub(crate) use message::moved;
pub use message::{Importance, Item, Message, NewMessage, Wire};

use crate::directory::User;
use crate::holdings::{Begin, Holdings, Origin};
use crate::options::EPOCH;
use crate::search::Index;
use folders::Folders;

/// The name of the folder above all others.
const ROOT: &str = "msgfolderroot";

/// One mailbox.
#[derive(Debug, Clone)]
pub struct Mailbox {
    /// The tenant it lies in.
    pub tenant: TenantId,
    /// Object id of its owner.
    pub owner: UserId,
    folders: Folders,
    /// Newest first, as Graph lists them.
    messages: Vec<Arc<Message>>,
    message_ids: BTreeMap<String, usize>,
    fingerprint: OnceLock<[u8; 32]>,
    /// What search looks into: made when first asked for.
    index: OnceLock<Arc<Index>>,
}

/// Where a folder stands in its mailbox: what messages and rules refer to it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FolderIndex(usize);

impl FolderIndex {
    /// Top of the information store: the parent of `Inbox` and the like; not listed itself.
    pub const ROOT: Self = Self(0);
}

/// One folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// `id`.
    pub id: String,
    /// `displayName`.
    pub display_name: String,
    /// The name Graph takes in place of an id, for example `inbox`.
    pub well_known: Option<&'static str>,
    /// Path as fixture rows have it, for example `Projects/Budget`; empty for the root.
    pub path: String,
    /// The folder it lies in; the root lies in itself.
    pub parent: FolderIndex,
    /// `totalItemCount`.
    pub total: usize,
    /// `unreadItemCount`.
    pub unread: usize,
    /// Deleted for good: its place stays, so that no other folder's moves.
    is_gone: bool,
}

/// A step of a path as its folder shows it: see `free_path`.
fn unescaped(step: &str) -> String {
    step.replace("%2F", "/").replace("%25", "%")
}

impl Begin for Mailbox {
    fn begun(origin: &Origin, owner: &User) -> Self {
        Self::empty(origin.tenant, owner.id)
    }
}

impl Mailbox {
    /// A mailbox with the folders that every one has.
    fn empty(tenant: TenantId, owner: UserId) -> Self {
        Self {
            tenant,
            owner,
            folders: Folders::new(tenant, owner),
            messages: Vec::new(),
            message_ids: BTreeMap::new(),
            fingerprint: OnceLock::new(),
            index: OnceLock::new(),
        }
    }

    /// The mailboxes of a tenant.
    pub(crate) fn all(tenant: &Tenant, origin: &Arc<Origin>) -> Holdings<Self> {
        let rows = tenant.folders.iter().map(|row| row.mailbox.as_str());
        let rows: BTreeSet<&str> = rows.chain(tenant.messages.iter().map(|row| row.mailbox.as_str())).collect();
        Holdings::planned(tenant, origin, &rows, |person| Self::of(tenant, person, origin.shift))
    }

    /// The mailbox of `person`, its dates moved by `shift`.
    pub fn of(tenant: &Tenant, person: &Person, shift: SignedDuration) -> Self {
        let owner = person.id(tenant);
        let reference = person.reference(tenant);
        let arrived = EPOCH.checked_add(shift).unwrap_or(Timestamp::MAX);
        let mut mailbox = Self::empty(tenant.id, owner);
        for folder in tenant.folders.iter().filter(|folder| folder.mailbox == reference) {
            let at = mailbox.add_folder(&folder.path);
            if let (Some(id), Some(folder)) = (&folder.id, mailbox.folders.get_mut(at.0)) {
                folder.id.clone_from(id);
            }
        }
        let mut messages: Vec<_> = tenant
            .mailbox(&reference)
            .map(|row| {
                let folder = mailbox.add_folder(&row.folder);
                Message::of(row, tenant.id, owner, folder, shift, arrived)
            })
            .collect();
        if messages.is_empty() {
            return mailbox;
        }
        message::join_conversations(&mut messages);
        // Ties stand in the order of the rows: sorting is stable.
        messages.sort_by_key(|message| std::cmp::Reverse(message.received));
        mailbox.messages = messages.into_iter().map(Arc::new).collect();
        mailbox.count();
        mailbox
    }

    /// The folder of a path, made with its parents if it is not there.
    fn add_folder(&mut self, path: &str) -> FolderIndex {
        if let Some(at) = self.folders.iter().position(|folder| folder.path == path) {
            return FolderIndex(at);
        }
        let (parent, name) = match path.rsplit_once('/') {
            Some((parent, name)) => (self.add_folder(parent), name),
            None => (FolderIndex::ROOT, path),
        };
        self.folders.push(Folder {
            id: exchange_id("folder", self.tenant, self.owner, path),
            display_name: unescaped(name),
            well_known: None,
            path: path.to_owned(),
            parent,
            total: 0,
            unread: 0,
            is_gone: false,
        });
        FolderIndex(self.folders.len() - 1)
    }

    /// All folders but the root, well-known ones first.
    pub fn folders(&self) -> impl Iterator<Item = (FolderIndex, &Folder)> {
        let folders = self.folders.iter().enumerate().skip(1).filter(|(_, folder)| !folder.is_gone);
        folders.map(|(at, folder)| (FolderIndex(at), folder))
    }

    /// A folder by its place.
    pub fn folder(&self, at: FolderIndex) -> Option<&Folder> {
        self.folders.get(at.0).filter(|folder| !folder.is_gone)
    }

    /// A folder by id (letter case counts) or well-known name (it does not).
    pub fn folder_named(&self, key: &str) -> Option<FolderIndex> {
        self.folders
            .iter()
            .position(|folder| {
                !folder.is_gone
                    && (folder.id == key || folder.well_known.is_some_and(|name| name.eq_ignore_ascii_case(key)))
            })
            .map(FolderIndex)
    }

    /// All messages, newest first.
    pub fn messages(&self) -> &[Arc<Message>] {
        &self.messages
    }

    /// A message by id.
    pub fn message(&self, id: &str) -> Option<&Arc<Message>> {
        self.message_ids.get(id).and_then(|at| self.messages.get(*at))
    }

    /// A message by the id it came into the mailbox with.
    pub fn message_first_named(&self, first_id: &str) -> Option<&Arc<Message>> {
        let stayed = self.message(first_id).filter(|message| message.first_id() == first_id);
        stayed.or_else(|| self.messages.iter().find(|message| message.first_id() == first_id))
    }

    /// The index of its messages, numbered as they stand.
    pub fn search_index(&self) -> &Index {
        self.index.get_or_init(|| Arc::new(Index::of(self.messages.iter().map(AsRef::as_ref))))
    }

    /// A hash over all content, kept until something changes.
    pub fn fingerprint(&self) -> [u8; 32] {
        *self.fingerprint.get_or_init(|| self.counted())
    }

    fn counted(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.folders.peek(|folders| {
            for folder in folders.iter().skip(1).filter(|folder| !folder.is_gone) {
                hash.update(folder.id.as_bytes());
                hash.update((folder.path.len() as u64).to_be_bytes());
                hash.update(folder.path.as_bytes());
            }
        });
        for message in &self.messages {
            hash.update(message.digest());
        }
        hash.finalize().into()
    }
}
