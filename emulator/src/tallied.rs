//! A map that can say at any time what a hash over its entries is, without walking them all again.
//!
//! Worlds are copied at every change and compared by fingerprint: copying shares the entries, and after the first fingerprint a change
//! costs the hash of the entries it touches.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};

/// Entries by key, shared between copies.
#[derive(Clone)]
pub struct Tallied<K, V> {
    entries: BTreeMap<K, Arc<V>>,
    /// The hashes of all entries, exclusive-ored; there once somebody asked.
    sum: OnceLock<Sum>,
}

type Sum = [u8; 32];

impl<K, V> Default for Tallied<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), sum: OnceLock::new() }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Tallied<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.entries).finish()
    }
}

impl<K: Ord + fmt::Debug, V: fmt::Debug> FromIterator<(K, V)> for Tallied<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key, Arc::new(value))).collect();
        Self { entries, sum: OnceLock::new() }
    }
}

impl<K: Ord + fmt::Debug, V: fmt::Debug> Tallied<K, V> {
    /// One entry.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(Arc::as_ref)
    }

    /// Whether there is such an entry.
    pub fn contains_key(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// All entries, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value.as_ref()))
    }

    /// All values, by key.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(Arc::as_ref)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts an entry; returns what was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<Arc<V>> {
        let before = self.remove(&key);
        self.turn(&key, &value);
        self.entries.insert(key, Arc::new(value));
        before
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<Arc<V>> {
        let before = self.entries.remove(key)?;
        self.turn(key, &before);
        Some(before)
    }

    /// A hash over all entries, whatever their order came from.
    pub fn fingerprint(&self) -> [u8; 32] {
        *self.sum.get_or_init(|| {
            self.entries.iter().fold([0; 32], |sum, (key, value)| mixed(sum, hash(key, value.as_ref())))
        })
    }

    /// Adds an entry's hash, or takes it out: the same thing.
    fn turn(&mut self, key: &K, value: &V) {
        if let Some(sum) = self.sum.get_mut() {
            *sum = mixed(*sum, hash(key, value));
        }
    }
}

impl<K: Ord + fmt::Debug, V: fmt::Debug + Clone> Tallied<K, V> {
    /// Changes an entry in place; `None` when it is not there.
    pub fn edit<R>(&mut self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let entry = self.entries.get_mut(key)?;
        let before = self.sum.get().is_some().then(|| hash(key, entry.as_ref()));
        let result = change(Arc::make_mut(entry));
        if let (Some(before), Some(sum)) = (before, self.sum.get_mut()) {
            *sum = mixed(mixed(*sum, before), hash(key, entry.as_ref()));
        }
        Some(result)
    }
}

fn hash(key: &impl fmt::Debug, value: &impl fmt::Debug) -> Sum {
    Sha256::digest(format!("{key:?}={value:?}")).into()
}

fn mixed(mut left: Sum, right: Sum) -> Sum {
    left.iter_mut().zip(right).for_each(|(left, right)| *left ^= right);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_follows_every_change_and_comes_back() {
        let mut map: Tallied<u8, String> = (0..20).map(|key| (key, format!("value {key}"))).collect();
        let start = map.fingerprint();
        let afresh = |map: &Tallied<u8, String>| {
            map.iter().map(|(key, value)| (*key, value.clone())).collect::<Tallied<_, _>>().fingerprint()
        };
        map.edit(&3, |value| value.push('!'));
        assert_ne!(map.fingerprint(), start);
        assert_eq!(map.fingerprint(), afresh(&map));
        map.insert(99, "new".to_owned());
        map.remove(&7);
        assert_eq!(map.fingerprint(), afresh(&map));
        map.edit(&3, String::pop);
        map.remove(&99);
        map.insert(7, "value 7".to_owned());
        assert_eq!(map.fingerprint(), start);
        // Two entries that exchanged their values are another map.
        map.insert(1, "value 2".to_owned());
        map.insert(2, "value 1".to_owned());
        assert_ne!(map.fingerprint(), start);
    }
}
