//! Which words stand where in the documents of one container.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::words::{Phrase, words};
use super::{Document, Fields};

/// Words and their places.
#[derive(Debug, Clone, Default)]
pub struct Index {
    words: BTreeMap<Box<str>, Vec<u64>>,
    documents: usize,
}

// A place is a document, a field of it and a position in that field, in one number: places of consecutive words are consecutive.
const FIELD_BITS: u32 = 6;
const POSITION_BITS: u32 = 26;

/// Some documents of a container, by their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    bits: Vec<u64>,
    documents: usize,
}

impl Index {
    /// The index of these documents, numbered as they come.
    pub fn of<D: Document>(documents: impl IntoIterator<Item = D>) -> Self {
        let mut index = Self::default();
        for document in documents {
            index.add(&document);
        }
        for places in index.words.values_mut() {
            // Within one document the fields come as they please.
            places.sort_unstable();
            places.shrink_to_fit();
        }
        index
    }

    fn add(&mut self, document: &impl Document) {
        let number = (self.documents as u64) << (FIELD_BITS + POSITION_BITS);
        let mut next = [0_u64; 1 << FIELD_BITS];
        document.texts(&mut |field, text| {
            let lower = text.to_lowercase();
            let Some(position) = next.get_mut(field as usize) else { return };
            for word in words(&lower) {
                // A document of more than sixty million words is found by its first ones.
                if *position >> POSITION_BITS != 0 {
                    return;
                }
                let place = number | (field as u64) << POSITION_BITS | *position;
                match self.words.get_mut(word) {
                    Some(places) => places.push(place),
                    None => drop(self.words.insert(word.into(), vec![place])),
                }
                *position += 1;
            }
            // A phrase does not run from one text into the next.
            *position += 1;
        });
        self.documents += 1;
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.documents
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.documents == 0
    }

    /// Every document.
    pub fn all(&self) -> Found {
        let mut found = self.none();
        (0..self.documents).for_each(|document| found.insert(document));
        found
    }

    /// No document.
    pub fn none(&self) -> Found {
        Found { bits: vec![0; self.documents.div_ceil(64)], documents: self.documents }
    }

    /// The documents that hold a phrase in one of these fields.
    pub fn find(&self, phrase: &Phrase, fields: Fields) -> Found {
        let mut found = self.none();
        let Some(lists) = self.lists(phrase) else { return found };
        // The rarest word leads; the others must stand beside it.
        let Some((lead, places)) = lists.iter().enumerate().min_by_key(|(_, places)| places.len()) else {
            return found;
        };
        for place in places.iter() {
            let field = u32::try_from(place >> POSITION_BITS & ((1 << FIELD_BITS) - 1)).unwrap_or(u32::MAX);
            let Some(first) = place.checked_sub(lead as u64) else { continue };
            let stands = fields.has_bit(field)
                && lists
                    .iter()
                    .enumerate()
                    .all(|(at, others)| at == lead || others.binary_search(&first.saturating_add(at as u64)).is_ok());
            if stands {
                found.insert(usize::try_from(place >> (FIELD_BITS + POSITION_BITS)).unwrap_or(usize::MAX));
            }
        }
        found
    }

    /// How many words of these fields are words of the phrases, of each document.
    pub fn count(&self, phrases: &[&Phrase], fields: Fields) -> Vec<u32> {
        let mut counts = vec![0; self.documents];
        let mut known = BTreeSet::new();
        for phrase in phrases {
            let last = phrase.words.len().saturating_sub(1);
            for (at, wanted) in phrase.words.iter().enumerate() {
                let is_prefix = phrase.is_prefix && at == last;
                let from = (std::ops::Bound::Included(wanted.as_str()), std::ops::Bound::Unbounded);
                let fits = |word: &str| word == wanted || (is_prefix && word.starts_with(wanted.as_str()));
                known.extend(self.words.range::<str, _>(from).map(|(word, _)| &**word).take_while(|word| fits(word)));
            }
        }
        for place in known.into_iter().filter_map(|word| self.words.get(word)).flatten() {
            let field = u32::try_from(place >> POSITION_BITS & ((1 << FIELD_BITS) - 1)).unwrap_or(u32::MAX);
            let document = usize::try_from(place >> (FIELD_BITS + POSITION_BITS)).unwrap_or(usize::MAX);
            if let Some(count) = counts.get_mut(document).filter(|_| fields.has_bit(field)) {
                *count += 1;
            }
        }
        counts
    }

    /// The places of each word of a phrase, in order; nothing when one of them stands nowhere.
    fn lists(&self, phrase: &Phrase) -> Option<Vec<Cow<'_, [u64]>>> {
        let last = phrase.words.len().checked_sub(1)?;
        let places_of = |(at, word): (usize, &String)| {
            if phrase.is_prefix && at == last {
                let from = (std::ops::Bound::Included(word.as_str()), std::ops::Bound::Unbounded);
                let words = self.words.range::<str, _>(from).take_while(|(found, _)| found.starts_with(word.as_str()));
                let mut places: Vec<u64> = words.flat_map(|(_, places)| places).copied().collect();
                places.sort_unstable();
                Some(Cow::Owned(places))
            } else {
                self.words.get(word.as_str()).map(|places| Cow::Borrowed(places.as_slice()))
            }
        };
        phrase.words.iter().enumerate().map(places_of).collect()
    }
}

impl Found {
    /// Adds a document.
    pub fn insert(&mut self, document: usize) {
        if let Some(bits) = self.bits.get_mut(document / 64).filter(|_| document < self.documents) {
            *bits |= 1 << (document % 64);
        }
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.bits.iter_mut().zip(&other.bits).for_each(|(left, right)| *left &= right);
        self
    }

    /// Those that are in either.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.bits.iter_mut().zip(&other.bits).for_each(|(left, right)| *left |= right);
        self
    }

    /// Those that are not in it.
    #[must_use]
    pub fn complement(mut self) -> Self {
        let documents = self.documents;
        self.bits.iter_mut().enumerate().for_each(|(at, bits)| {
            let valid = documents.saturating_sub(at * 64).min(64);
            let mask = if valid == 64 { u64::MAX } else { (1 << valid) - 1 };
            *bits = !*bits & mask;
        });
        self
    }

    /// Their numbers, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.bits
            .iter()
            .enumerate()
            .flat_map(|(at, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| at * 64 + bit))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|bits| *bits == 0)
    }
}
