//! All drives of a tenant: libraries of sites, and a OneDrive for each member.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use fixtures::files::DOCUMENTS;
use fixtures::ids::UserId;
use fixtures::plan::{PersonKind, Tenant};

use super::Drive;
use super::build::Rows;
use crate::directory::User;
use crate::holdings::{Begin, Holdings, Origin};

/// All drives of one tenant.
#[derive(Debug, Clone)]
pub struct Drives {
    libraries: BTreeMap<String, Arc<Drive>>,
    /// OneDrives by owner.
    personal: Holdings<Drive>,
    /// Whose OneDrive has which id: made when one is asked for that nobody looked at.
    owners: OnceLock<Arc<BTreeMap<String, UserId>>>,
}

impl Begin for Drive {
    fn begun(origin: &Origin, owner: &User) -> Self {
        Self::empty_onedrive(origin, owner)
    }
}

impl Drives {
    /// The drives that the plan describes for `tenant`.
    pub(crate) fn of(tenant: &Tenant, origin: &Arc<Origin>) -> Self {
        let rows = Rows::of(tenant);
        let files = &tenant.files;
        let named: BTreeSet<&str> = (files.files.iter().map(|row| row.drive.as_str()))
            .chain(files.restricted.iter().map(|row| row.drive.as_str()))
            .chain(files.shares.iter().map(|row| row.drive.as_str()))
            .chain(files.items.iter().map(|row| row.drive.as_str()))
            .chain(files.unprovisioned.iter().map(String::as_str))
            .collect();
        let members =
            || tenant.people.iter().filter(|person| person.kind == PersonKind::Member && person.has_mailbox());
        let mut personal = Holdings::of(Arc::clone(origin), members().map(|person| person.id(tenant)));
        for person in members() {
            if !named.is_empty() && named.contains(person.reference(tenant).as_str()) {
                let drive = Drive::personal(tenant, person, &rows, origin.shift);
                personal.insert(person.id(tenant), Arc::new(drive));
            }
        }
        let libraries = files.sites.iter().flat_map(|site| {
            let named = files.libraries.iter().filter(|row| row.site == site.name).map(|row| row.name.as_str());
            std::iter::once(DOCUMENTS).chain(named).map(|name| Drive::library(tenant, site, name, &rows, origin.shift))
        });
        let libraries = libraries.map(|drive| (drive.id.clone(), Arc::new(drive))).collect();
        Self { libraries, personal, owners: OnceLock::new() }
    }

    /// A drive by id.
    pub fn get(&self, id: &str) -> Option<&Arc<Drive>> {
        self.libraries.get(id).or_else(|| self.personal.get(self.owner(id)?))
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Arc<Drive>> {
        if self.libraries.contains_key(id) {
            return self.libraries.get_mut(id);
        }
        self.personal.get_mut(self.owner(id)?)
    }

    /// Somebody's OneDrive.
    pub fn of_user(&self, owner: UserId) -> Option<&Arc<Drive>> {
        self.personal.get(owner)
    }

    /// Gives somebody a OneDrive.
    pub(crate) fn insert(&mut self, owner: UserId, drive: Drive) {
        self.personal.insert(owner, Arc::new(drive));
        self.owners = OnceLock::new();
    }

    /// All drives, libraries first. Makes those that nobody looked at: for what has to see everything.
    pub fn values(&self) -> impl Iterator<Item = &Arc<Drive>> {
        self.libraries.values().chain(self.personal.iter().map(|(_, drive)| drive))
    }

    /// Libraries, and the OneDrives that somebody looked at or that have something in them. The others are empty and nobody's but their
    /// owner's.
    pub fn looked_at(&self) -> impl Iterator<Item = &Arc<Drive>> {
        self.libraries.values().chain(self.personal.looked_at())
    }

    fn owner(&self, id: &str) -> Option<UserId> {
        let is_it = |drive: &&Arc<Drive>| drive.id == id;
        if let Some(super::Kind::Personal(owner)) = self.personal.looked_at().find(is_it).map(|drive| &drive.kind) {
            return Some(*owner);
        }
        self.owners.get_or_init(|| Arc::new(self.ids().collect())).get(id).copied()
    }

    fn ids(&self) -> impl Iterator<Item = (String, UserId)> {
        let origin = self.personal.origin();
        let users = self.personal.owners().filter_map(|owner| origin.directory.user(owner));
        users.map(|user| (Drive::onedrive_id(origin, user), user.id))
    }
}

#[cfg(test)]
mod tests {
    use fixtures::Plan;
    use fixtures::plan::Person;

    use super::*;
    use crate::world::World;

    #[test]
    fn a_onedrive_that_nobody_looked_at_is_found_by_its_id_and_is_what_its_row_would_make_it() {
        let plan = Plan::embedded().unwrap();
        let world = World::of(&plan, plan.epoch).unwrap();
        let mut begun = 0;
        for tenant in &plan.tenants {
            let rows = Rows::of(tenant);
            let drives = &world.tenant(tenant.id).unwrap().drives;
            let untouched = drives.clone();
            for person in tenant.people.iter().filter(|person: &&Person| person.kind == PersonKind::Member) {
                let Some(drive) = drives.of_user(person.id(tenant)) else { continue };
                let made = Drive::personal(tenant, person, &rows, jiff::SignedDuration::ZERO);
                assert_eq!((&drive.id, drive.fingerprint()), (&made.id, made.fingerprint()), "{}", person.name);
                assert_eq!((&drive.web, &drive.url, drive.list), (&made.web, &made.url, made.list));
                let is_new = !untouched.looked_at().any(|known| known.id == made.id);
                begun += usize::from(is_new);
                assert_eq!(untouched.get(&made.id).unwrap().fingerprint(), made.fingerprint());
            }
        }
        assert!(begun > 3, "everybody has something: {begun}");
    }
}
