//! What each person of a tenant has one of: a mailbox, calendars, a OneDrive.
//!
//! Everybody begins with the same: well-known folders, one calendar, an empty drive. Of ten thousand people few ever look, so what follows
//! from the person alone is made when somebody first does, from the directory as the plan has it: what becomes of the person later does not
//! change it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use fixtures::ids::{TenantId, UserId};
use fixtures::plan::{Person, Tenant};
use jiff::SignedDuration;

use crate::directory::{Directory, User};

/// A tenant at its start.
#[derive(Debug)]
pub struct Origin {
    /// Tenant id.
    pub tenant: TenantId,
    /// What fixture rows call it.
    pub name: String,
    /// Its directory.
    pub directory: Arc<Directory>,
    /// By how much the plan's dates were moved.
    pub shift: SignedDuration,
}

/// What follows from a person alone.
pub trait Begin: Sized {
    /// What this person has as long as nobody put anything in.
    fn begun(origin: &Origin, owner: &User) -> Self;
}

/// One `T` for each of several people of a tenant.
#[derive(Debug, Clone)]
pub struct Holdings<T> {
    origin: Arc<Origin>,
    entries: BTreeMap<UserId, OnceLock<Arc<T>>>,
}

impl<T: Begin> Holdings<T> {
    /// What everybody of `tenant` has who has a mailbox: made by `made` for those whom one of `rows` names (`alice@contoso`).
    pub(crate) fn planned(
        tenant: &Tenant,
        origin: &Arc<Origin>,
        rows: &BTreeSet<&str>,
        made: impl Fn(&Person) -> T,
    ) -> Self {
        let people = || tenant.people.iter().filter(|person| person.has_mailbox());
        let mut all = Self::of(Arc::clone(origin), people().map(|person| person.id(tenant)));
        if !rows.is_empty() {
            for person in people().filter(|person| rows.contains(person.reference(tenant).as_str())) {
                all.insert(person.id(tenant), Arc::new(made(person)));
            }
        }
        all
    }

    /// What each of `owners` begins with.
    pub fn of(origin: Arc<Origin>, owners: impl IntoIterator<Item = UserId>) -> Self {
        Self { origin, entries: owners.into_iter().map(|owner| (owner, OnceLock::new())).collect() }
    }

    /// What somebody has; nothing when they have none.
    pub fn get(&self, owner: UserId) -> Option<&Arc<T>> {
        self.made(owner, self.entries.get(&owner)?)
    }

    fn made<'a>(&self, owner: UserId, entry: &'a OnceLock<Arc<T>>) -> Option<&'a Arc<T>> {
        if let Some(held) = entry.get() {
            return Some(held);
        }
        let owner = self.origin.directory.user(owner)?;
        Some(entry.get_or_init(|| Arc::new(T::begun(&self.origin, owner))))
    }

    /// What somebody has, if it was looked at or has something in it.
    pub fn peek(&self, owner: UserId) -> Option<&Arc<T>> {
        self.entries.get(&owner)?.get()
    }

    /// What somebody has, to be changed.
    pub fn get_mut(&mut self, owner: UserId) -> Option<&mut Arc<T>> {
        self.get(owner)?;
        self.entries.get_mut(&owner)?.get_mut()
    }

    /// Gives somebody their own in place of what they had or would have begun with.
    pub fn insert(&mut self, owner: UserId, held: Arc<T>) {
        self.entries.insert(owner, OnceLock::from(held));
    }

    /// Who has one.
    pub fn owners(&self) -> impl Iterator<Item = UserId> {
        self.entries.keys().copied()
    }

    /// All of them by owner. Makes those that nobody looked at: for what has to see everything.
    pub fn iter(&self) -> impl Iterator<Item = (UserId, &Arc<T>)> {
        self.entries.iter().filter_map(|(owner, entry)| Some((*owner, self.made(*owner, entry)?)))
    }

    /// Those that somebody looked at or that have something in them. The others are empty.
    pub fn looked_at(&self) -> impl Iterator<Item = &Arc<T>> {
        self.entries.values().filter_map(OnceLock::get)
    }

    /// The tenant at its start.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use fixtures::Plan;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Shelf(String, Vec<u8>);

    impl Begin for Shelf {
        fn begun(origin: &Origin, owner: &User) -> Self {
            Self(format!("{} of {}", owner.upn, origin.name), Vec::new())
        }
    }

    #[test]
    fn what_nobody_looks_at_is_not_made_and_what_is_put_in_stays() {
        let plan = Plan::embedded().unwrap();
        let contoso = plan.tenant("contoso").unwrap();
        let directory = Arc::new(Directory::of(&plan, contoso).unwrap());
        let user = |name| directory.user_named(name).unwrap().id;
        let (alice, bob, carol) = (user("alice"), user("bob"), user("carol"));
        let shift = SignedDuration::ZERO;
        let origin =
            Origin { tenant: contoso.id, name: "contoso".to_owned(), directory: Arc::clone(&directory), shift };
        let mut shelves: Holdings<Shelf> = Holdings::of(Arc::new(origin), [alice, bob]);
        let before = shelves.clone();
        assert_eq!((shelves.owners().count(), shelves.looked_at().count()), (2, 0));
        assert_eq!(shelves.get(alice).unwrap().0, "alice@contoso.example of contoso");
        assert!(shelves.get(carol).is_none() && shelves.get_mut(carol).is_none());
        Arc::make_mut(shelves.get_mut(bob).unwrap()).1.push(7);
        assert_eq!((shelves.get(bob).unwrap().1.as_slice(), shelves.looked_at().count()), ([7].as_slice(), 2));
        assert_eq!(shelves.iter().map(|(owner, _)| owner).collect::<Vec<_>>(), shelves.owners().collect::<Vec<_>>());
        // A copy that was taken before has what it had.
        assert!(before.get(bob).unwrap().1.is_empty());
    }
}
