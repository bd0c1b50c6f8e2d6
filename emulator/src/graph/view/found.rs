//! What a search finds in one drive, as one principal sees it: matched by the drive's index, trimmed item by item before anything is
//! counted.

use std::sync::Arc;

use fixtures::files::Role;

use super::View;
use super::files::DriveView;
use crate::drive::{DriveIndex, Item};
use crate::graph::odata::kql::Kql;
use crate::search::{Field, Fields, Found, Gaps, Phrase};

/// A drive with its index.
pub(in crate::graph) struct Searched<'v, 'a> {
    pub(in crate::graph) drive: &'v DriveView<'a>,
    index: Arc<DriveIndex>,
    gaps: &'v Gaps,
}

/// An item that was found and that the caller may see.
#[derive(Debug, Clone)]
pub(in crate::graph) struct Seen {
    pub(in crate::graph) item: Arc<Item>,
    /// How near it stands to the words: those in its name, then those in its text.
    pub(in crate::graph) nearness: usize,
}

impl<'a> View<'a> {
    /// A drive to be searched.
    pub(in crate::graph) fn searched<'v>(&self, drive: &'v DriveView<'a>, gaps: &'v Gaps) -> Searched<'v, 'a> {
        let names = |id| {
            let user = self.person(id);
            user.map(|user| std::iter::once(user.display_name.clone()).chain(user.mail.clone()).collect())
                .unwrap_or_default()
        };
        Searched { drive, index: drive.drive().index(gaps, names), gaps }
    }
}

impl Searched<'_, '_> {
    /// What matches a query, in no order. The words of `phrases` say how near it stands.
    pub(in crate::graph) fn find(&self, query: &Kql, phrases: &[&Phrase]) -> Vec<Seen> {
        let drive = self.drive.drive();
        let found = query.select(self.index.words(), &|number| self.index.document(drive, self.gaps, number));
        let in_name = self.index.words().count(phrases, Fields::of(&[Field::FileName]));
        let in_text = self.index.words().count(phrases, Fields::of(&[Field::Body]));
        let count = |counts: &[u32], number: usize| counts.get(number).map_or(0, |count| *count as usize);
        self.shown(&found)
            .map(|(number, item)| Seen {
                item: Arc::clone(item),
                nearness: count(&in_name, number) * 100 + count(&in_text, number).min(99),
            })
            .collect()
    }

    /// The items of which every word begins a word of the name or the text, by id.
    pub(in crate::graph) fn beginning(&self, text: &str) -> Vec<&Arc<Item>> {
        const READ: Fields = Fields::of(&[Field::FileName, Field::Body, Field::Unindexed]);
        let words = self.index.words();
        let asked = Phrase::of(text.trim_matches('*'));
        let mut wanted = asked.words().peekable();
        let found = if wanted.peek().is_some() {
            wanted.fold(words.all(), |found, word| found.and(&words.find(&Phrase::of(&format!("{word}*")), READ)))
        } else if matches!(text.trim(), "" | "*") {
            words.all()
        } else {
            words.none()
        };
        self.shown(&found).map(|(_, item)| item).collect()
    }

    /// Those of some items that the caller may see; the root is no item that is found.
    fn shown<'s>(&'s self, found: &Found) -> impl Iterator<Item = (usize, &'s Arc<Item>)> {
        let mut roles = Roles { of: self, held: vec![Held::Unasked; self.index.len()] };
        let shown: Vec<_> = found
            .iter()
            .filter_map(|number| Some((number, self.index.item(number)?)))
            .filter(|(_, item)| item.parent.is_some())
            .filter(|(number, item)| self.drive.shows(item, roles.held(*number)))
            .collect();
        shown.into_iter()
    }
}

/// What the caller may do with an item by sharing facts alone.
#[derive(Debug, Clone, Copy)]
enum Held {
    Unasked,
    This(Option<Role>),
}

/// What the caller may do with the items of a drive, asked once for each folder.
struct Roles<'s, 'v, 'a> {
    of: &'s Searched<'v, 'a>,
    held: Vec<Held>,
}

impl Roles<'_, '_, '_> {
    fn held(&mut self, number: usize) -> Option<Role> {
        let mut way = Vec::new();
        let mut at = Some(number);
        let mut above = None;
        while let Some(here) = at {
            if let Some(Held::This(known)) = self.held.get(here) {
                above = *known;
                break;
            }
            way.push(here);
            at = self
                .of
                .index
                .parent(here)
                .filter(|_| self.of.index.item(here).is_some_and(|item| self.of.drive.inherits(item)));
        }
        while let Some(here) = way.pop() {
            if let Some(item) = self.of.index.item(here) {
                above = self.of.drive.held_here(item).max(above);
            }
            if let Some(place) = self.held.get_mut(here) {
                *place = Held::This(above);
            }
        }
        above
    }
}
