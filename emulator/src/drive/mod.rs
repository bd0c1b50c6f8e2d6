//! Drives: OneDrives of people and libraries of sites, with everything that lies in them.
//!
//! A drive is a tree of items. Who may see one is said by facts on the items ([`Grant`], [`Item::inherits`]) and decided by
//! [`rules`] alone.

mod build;
mod drives;
mod edit;
mod grant;
mod hash;
mod index;
pub mod rules;
mod text;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use fixtures::ids::{ListId, SiteId, TenantId, UniqueId, UserId, WebId};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

pub use build::{Web, media_type};
pub(crate) use build::{grantees, host, in_url, link_url, permission_id};
pub use drives::Drives;
pub use edit::{DriveEditError, NewContent};
pub use grant::{Grant, Grantee, Link};
pub use hash::quick_xor;
pub(crate) use index::DriveIndex;

/// One drive.
#[derive(Debug, Clone)]
pub struct Drive {
    /// `id`: `b!…`.
    pub id: String,
    /// The tenant it was made in.
    pub tenant: TenantId,
    /// Whose it is.
    pub kind: Kind,
    /// `name`: `OneDrive`, or the library's.
    pub name: String,
    /// The site that it lies in.
    pub web: Web,
    /// The id of the library as a list.
    pub list: ListId,
    /// Address of its root, percent-encoded.
    pub url: String,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// Whether somebody opened it yet.
    pub is_provisioned: bool,
    root: String,
    items: BTreeMap<String, Arc<Item>>,
    /// Ids of what lies in a folder, in the order of names.
    children: BTreeMap<String, Vec<String>>,
    /// The number that the next item has as a list item.
    next_number: u32,
    fingerprint: OnceLock<[u8; 32]>,
    /// What search looks into.
    index: index::Kept,
    /// Items with grants of their own.
    shared: OnceLock<Vec<Arc<Item>>>,
}

/// Whose a drive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `business`: a person's OneDrive.
    Personal(UserId),
    /// `documentLibrary`: a library of the site with this handle.
    Library(String),
}

/// A folder or file.
#[derive(Debug, Clone)]
pub struct Item {
    /// `id`: `01…`.
    pub id: String,
    /// `UniqueId`: in tags and addresses.
    pub unique: UniqueId,
    /// `name`.
    pub name: String,
    /// Id of the folder that it lies in; `None` for the root.
    pub parent: Option<String>,
    /// Its bytes; `None` for folders.
    pub file: Option<File>,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// `lastModifiedDateTime`.
    pub modified: Timestamp,
    /// Who made it.
    pub author: UserId,
    /// Who changed it last.
    pub editor: UserId,
    /// Its number as a list item.
    pub number: u32,
    /// How often it was changed: in both tags.
    pub version: u32,
    /// Whether it takes over the permissions of the folder that it lies in.
    pub inherits: bool,
    /// What was given to whom here, beside what it takes over.
    pub grants: Vec<Grant>,
    /// A data loss prevention policy blocks access for most.
    pub is_blocked: bool,
}

/// The content of a file.
#[derive(Debug, Clone)]
pub struct File {
    /// `file.mimeType`.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
    /// `file.hashes.quickXorHash`, base64.
    pub hash: String,
    text: OnceLock<String>,
}

impl File {
    /// A file of this name.
    pub fn new(name: &str, bytes: Bytes) -> Self {
        let (media_type, hash) = (media_type(name).to_owned(), quick_xor(&bytes));
        Self { media_type, bytes, hash, text: OnceLock::new() }
    }
}

impl Item {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.file.is_none()
    }

    /// `size` of a file, in bytes.
    pub fn size(&self) -> usize {
        self.file.as_ref().map_or(0, |file| file.bytes.len())
    }

    /// `eTag`.
    pub fn e_tag(&self) -> String {
        format!("\"{{{}}},{}\"", self.unique.to_string().to_uppercase(), self.version)
    }

    /// `cTag`.
    pub fn c_tag(&self) -> String {
        format!("\"c:{{{}}},{}\"", self.unique.to_string().to_uppercase(), self.version)
    }

    /// The text of a file as an index has it; empty for folders and for types that are not indexed. Read when first asked for.
    pub fn text(&self) -> &str {
        self.file.as_ref().map_or("", |file| file.text.get_or_init(|| text::of(&self.name, &file.bytes)))
    }

    fn digest(&self, hash: &mut Sha256) {
        let parent = self.parent.as_deref().unwrap_or_default();
        for part in [self.id.as_str(), parent, self.name.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        for number in [self.version, self.number] {
            hash.update(number.to_be_bytes());
        }
        for at in [self.created, self.modified] {
            hash.update(at.as_nanosecond().to_be_bytes());
        }
        hash.update(self.author.0.as_bytes());
        hash.update(self.editor.0.as_bytes());
        hash.update([u8::from(self.inherits), u8::from(self.is_blocked)]);
        if let Some(file) = &self.file {
            hash.update((file.bytes.len() as u64).to_be_bytes());
            hash.update(file.hash.as_bytes());
        }
        for grant in &self.grants {
            grant.digest(hash);
        }
    }
}

impl Drive {
    /// `driveType`.
    pub const fn drive_type(&self) -> &'static str {
        match self.kind {
            Kind::Personal(_) => "business",
            Kind::Library(_) => "documentLibrary",
        }
    }

    /// The folder that everything lies in.
    pub fn root(&self) -> Option<&Arc<Item>> {
        self.items.get(&self.root)
    }

    /// An item by id; letter case counts.
    pub fn item(&self, id: &str) -> Option<&Arc<Item>> {
        self.items.get(id)
    }

    /// All items, the root among them, by id.
    pub fn items(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.items.values()
    }

    /// The items of which something was given to somebody, beside what they take over.
    pub fn shared(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.shared.get_or_init(|| self.given()).iter()
    }

    fn given(&self) -> Vec<Arc<Item>> {
        self.items.values().filter(|item| !item.grants.is_empty()).cloned().collect()
    }

    /// What lies in a folder, in the order of names.
    pub fn children(&self, folder: &str) -> impl Iterator<Item = &Arc<Item>> {
        self.children.get(folder).into_iter().flatten().filter_map(|id| self.items.get(id))
    }

    /// The child of a folder with this name, whatever its letter case.
    pub fn child(&self, folder: &str, name: &str) -> Option<&Arc<Item>> {
        let name = name.to_lowercase();
        let siblings = self.children.get(folder)?;
        let at = self.place_of(siblings, &name);
        siblings.get(at).and_then(|id| self.items.get(id)).filter(|item| item.name.to_lowercase() == name)
    }

    /// Where a lower-case name stands, or would, among the ids of siblings, which are in the order of lower-case names.
    fn place_of(&self, siblings: &[String], name: &str) -> usize {
        siblings.partition_point(|sibling| {
            self.items.get(sibling).is_some_and(|sibling| sibling.name.to_lowercase().as_str() < name)
        })
    }

    /// What was known of all of it is known no more.
    fn changed(&mut self) {
        self.fingerprint = OnceLock::new();
        self.index = index::Kept::default();
        self.shared = OnceLock::new();
    }

    /// What stands at a path below a folder; empty parts count for nothing.
    pub fn below(&self, folder: &str, path: &str) -> Option<&Arc<Item>> {
        let mut at = self.items.get(folder)?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = self.child(&at.id, name)?;
        }
        Some(at)
    }

    /// The folders above an item, the nearest first.
    pub fn above<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Arc<Item>> {
        std::iter::successors(self.parent(item), |folder| self.parent(folder))
    }

    /// The folder that an item lies in.
    pub fn parent(&self, item: &Item) -> Option<&Arc<Item>> {
        item.parent.as_ref().and_then(|id| self.items.get(id))
    }

    /// The names from the root down to an item; none for the root.
    pub fn names<'a>(&'a self, item: &'a Item) -> Vec<&'a str> {
        let mut names: Vec<_> = std::iter::once(item)
            .chain(self.above(item).map(Arc::as_ref))
            .filter(|item| item.parent.is_some())
            .map(|item| item.name.as_str())
            .collect();
        names.reverse();
        names
    }

    /// A hash over everything in it, kept until something changes.
    pub fn fingerprint(&self) -> [u8; 32] {
        *self.fingerprint.get_or_init(|| {
            let mut hash = Sha256::new();
            hash.update(self.id.as_bytes());
            hash.update([u8::from(self.is_provisioned)]);
            for item in self.items.values() {
                item.digest(&mut hash);
            }
            hash.finalize().into()
        })
    }

    /// `{host},{site},{web}`: the id of the site it lies in.
    pub fn site_id(&self) -> String {
        self.web.full_id()
    }

    /// The ids that its own is made of.
    pub const fn ids(&self) -> (SiteId, WebId, ListId) {
        (self.web.site, self.web.id, self.list)
    }
}
