//! What search looks into: the words of everything in one drive.
//!
//! An index holds names of people beside words of files. It is made when somebody first searches the drive, and made anew after a change
//! of the drive, or of one of those names. It says what matches, never who may see it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fixtures::ids::UserId;
use jiff::Timestamp;

use super::{Drive, Item};
use crate::search::{Document, Field, Flag, Gaps, Index, Instant};

/// The words of a drive's items, numbered in the order of their ids.
#[derive(Debug)]
pub(crate) struct DriveIndex {
    items: Vec<Arc<Item>>,
    /// The number of the folder that an item lies in.
    parents: Vec<Option<usize>>,
    words: Index,
    /// What everybody who made or changed something was called.
    names: BTreeMap<UserId, Vec<String>>,
}

/// A drive's index, once there is one.
#[derive(Default)]
pub(super) struct Kept(Mutex<Option<Arc<DriveIndex>>>);

impl Kept {
    fn get(&self) -> Option<Arc<DriveIndex>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.get()))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} documents)", self.get().map_or(0, |index| index.items.len()))
    }
}

impl Drive {
    /// The index of everything in it, whoever may see it; `names` is what somebody is called now.
    pub(crate) fn index(&self, gaps: &Gaps, names: impl Fn(UserId) -> Vec<String>) -> Arc<DriveIndex> {
        if let Some(index) = self.index.get().filter(|index| index.names.iter().all(|(id, known)| names(*id) == *known))
        {
            return index;
        }
        let index = Arc::new(DriveIndex::of(self, gaps, names));
        *self.index.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&index));
        index
    }

    /// The address of an item, percent-encoded.
    pub(crate) fn url_of(&self, item: &Item) -> String {
        let names = self.names(item);
        if names.is_empty() {
            return self.url.clone();
        }
        format!("{}/{}", self.url, super::in_url(&names.join("/")))
    }
}

impl DriveIndex {
    fn of(drive: &Drive, gaps: &Gaps, name: impl Fn(UserId) -> Vec<String>) -> Self {
        let items: Vec<Arc<Item>> = drive.items().cloned().collect();
        let number = |id: &String| items.binary_search_by(|item| item.id.cmp(id)).ok();
        let parents = items.iter().map(|item| item.parent.as_ref().and_then(number)).collect();
        let mut names = BTreeMap::new();
        for user in items.iter().flat_map(|item| [item.author, item.editor]) {
            names.entry(user).or_insert_with(|| name(user));
        }
        let words = Index::of(items.iter().map(|item| Found { drive, item, names: &names, gaps }));
        Self { items, parents, words, names }
    }

    /// An item by its number.
    pub(crate) fn item(&self, number: usize) -> Option<&Arc<Item>> {
        self.items.get(number)
    }

    /// The number of the folder that an item lies in.
    pub(crate) fn parent(&self, number: usize) -> Option<usize> {
        self.parents.get(number).copied().flatten()
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Which words stand where.
    pub(crate) const fn words(&self) -> &Index {
        &self.words
    }

    /// An item as a query reads it.
    pub(crate) fn document<'a>(&'a self, drive: &'a Drive, gaps: &'a Gaps, number: usize) -> Option<Found<'a>> {
        Some(Found { drive, item: self.items.get(number)?, names: &self.names, gaps })
    }
}

/// One item of a drive as a query reads it.
pub(crate) struct Found<'a> {
    drive: &'a Drive,
    item: &'a Item,
    names: &'a BTreeMap<UserId, Vec<String>>,
    gaps: &'a Gaps,
}

impl Document for Found<'_> {
    fn texts(&self, visit: &mut dyn FnMut(Field, &str)) {
        let Self { drive, item, names, gaps } = self;
        visit(Field::FileName, &item.name);
        let (title, extension) = item.name.rsplit_once('.').unwrap_or((&item.name, ""));
        visit(Field::Title, title);
        visit(Field::FileType, extension);
        for name in [item.author, item.editor].iter().filter_map(|id| names.get(id)).flatten() {
            visit(Field::Author, name);
        }
        // What the index is to miss is found by its name, and by whoever reads the drive itself.
        let field = if gaps.misses_type(&item.name) { Field::Unindexed } else { Field::Body };
        visit(field, item.text().trim());
        visit(Field::Path, &drive.url_of(item));
        visit(Field::Site, &drive.url);
        visit(Field::Class, item.class());
    }

    fn time(&self, of: Instant) -> Option<Timestamp> {
        match of {
            Instant::Created => Some(self.item.created),
            Instant::Modified => Some(self.item.modified),
            _ => None,
        }
    }

    fn flag(&self, flag: Flag) -> Option<bool> {
        (flag == Flag::IsDocument).then_some(!self.item.is_folder())
    }

    fn size(&self) -> Option<u64> {
        Some(self.item.size() as u64)
    }
}

impl Item {
    /// `contentclass`.
    pub(crate) const fn class(&self) -> &'static str {
        if self.file.is_none() { "STS_ListItem_Folder" } else { "STS_ListItem_DocumentLibrary" }
    }
}
