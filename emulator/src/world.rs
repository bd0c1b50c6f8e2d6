//! All that the emulator holds: directories and content of every tenant.
//!
//! The world is an immutable value behind one pointer. A request works on one snapshot; a change makes the next one, copying only
//! the container it touches. Reset and snapshot are pointer copies.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use fixtures::Plan;
use fixtures::calendar::Share;
use fixtures::ids::{AppId, TenantId};
use fixtures::plan::{MailDelegation, Registration};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::apps::Apps;
use crate::calendar::Calendars;
use crate::change::{Change, ChangeError, Moment};
use crate::clock::Clock;
use crate::directory::{Directory, DirectoryError};
use crate::drive::Drives;
use crate::entra::keys::Keys;
use crate::entra::store::Store;
use crate::faults::Faults;
use crate::graph::Uploads;
use crate::holdings::{Holdings, Origin};
use crate::journal::Journal;
use crate::live::Live;
use crate::mailbox::Mailbox;
use crate::options::Settings;
use crate::rules::Rules;
use crate::seed::Seed;
use crate::serve::Origins;
use crate::site::Site;
use crate::teams::Teams;
use crate::throttle::Meter;

/// Everything a request handler may need. One per running emulator, shared by its listeners.
pub struct State {
    world: ArcSwap<World>,
    /// The world as it was at start: what reset goes back to.
    start: Arc<World>,
    /// One writer at a time.
    writing: Mutex<()>,
    /// Time.
    pub clock: Clock,
    /// Entropy.
    pub seed: Seed,
    /// What was asked.
    pub journal: Journal,
    /// What the services are to get wrong.
    pub faults: Faults,
    /// Decisions that can be got wrong.
    pub rules: Rules,
    /// Signing keys of the issuer.
    pub keys: Keys,
    /// Authorization codes, refresh tokens and sign-in sessions.
    pub issued: Store,
    /// Files that come in pieces.
    pub uploads: Uploads,
    /// How often who asked Graph.
    pub meter: Meter,
    /// What the emulator was started with.
    pub options: Settings,
    /// What the lab may turn; read with `live()`.
    live: ArcSwap<Live>,
    /// What `live` was at start.
    live_at_start: Live,
    /// Where each host is reached.
    pub origins: Origins,
    /// What the world was made from.
    pub plan: Plan,
    /// When: the instant to which the plan's dates were moved.
    pub started_at: Timestamp,
}

/// One instant of the world.
#[derive(Debug, Clone)]
pub struct World {
    /// Tenants by id.
    pub tenants: BTreeMap<TenantId, Arc<TenantWorld>>,
    /// App registrations: the global side of applications.
    pub apps: Arc<Apps>,
}

/// One tenant: its directory and its content.
#[derive(Debug, Clone)]
pub struct TenantWorld {
    /// What fixture rows call it, for example `contoso`; a copy keeps it, so that rows mean in the copy what they mean here.
    pub name: String,
    /// The copy's own name, if it is one.
    pub copy: Option<String>,
    /// Tenant id.
    pub id: TenantId,
    /// Name of the organization.
    pub display_name: String,
    /// Verified domain.
    pub domain: String,
    /// Users, groups, service principals, grants.
    pub directory: Arc<Directory>,
    /// Mailboxes by owner.
    pub mailboxes: Holdings<Mailbox>,
    /// Who may read whose mailbox or folder, as the plan's rows say it (`alice@contoso`).
    pub delegations: Arc<[MailDelegation]>,
    /// Calendars by owner.
    pub calendars: Holdings<Calendars>,
    /// Who may see whose calendar, as the plan's rows say it.
    pub shares: Arc<[Share]>,
    /// Chats, teams and channels.
    pub teams: Arc<Teams>,
    /// OneDrives and libraries.
    pub drives: Drives,
    /// Sites by the handle of fixture rows.
    pub sites: BTreeMap<String, Arc<Site>>,
}

impl World {
    /// The world that the plan describes, its dates moved to a clock that starts at `start`.
    pub fn of(plan: &Plan, start: Timestamp) -> Result<Self, DirectoryError> {
        let shift = start.duration_since(plan.epoch);
        let tenants = plan
            .tenants
            .iter()
            .map(|tenant| {
                let directory = Arc::new(Directory::of(plan, tenant)?);
                let origin =
                    Origin { tenant: tenant.id, name: tenant.name.clone(), directory: Arc::clone(&directory), shift };
                let origin = Arc::new(origin);
                let world = TenantWorld {
                    name: tenant.name.clone(),
                    copy: None,
                    id: tenant.id,
                    display_name: tenant.display_name.clone(),
                    domain: tenant.domain.clone(),
                    directory,
                    mailboxes: Mailbox::all(tenant, &origin),
                    delegations: tenant.delegations.clone().into(),
                    calendars: Calendars::everybodys(tenant, &origin),
                    shares: tenant.calendars.shares.clone().into(),
                    teams: Arc::new(Teams::of(tenant, shift)),
                    drives: Drives::of(tenant, &origin),
                    sites: crate::site::sites(tenant, shift),
                };
                Ok((tenant.id, Arc::new(world)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { tenants, apps: Arc::new(Apps::of(plan, shift)) })
    }

    /// An application by id, in every tenant the same.
    pub fn app(&self, id: AppId) -> Option<&Registration> {
        self.apps.get(id).map(Arc::as_ref)
    }

    /// An application by the name that fixture rows use.
    pub fn app_named(&self, name: &str) -> Option<&Registration> {
        self.apps.all().find(|registration| registration.name == name)
    }

    /// A tenant by id.
    pub fn tenant(&self, id: TenantId) -> Option<&TenantWorld> {
        self.tenants.get(&id).map(Arc::as_ref)
    }

    /// A tenant by id, verified domain or short name, in any letter case.
    pub fn tenant_named(&self, name: &str) -> Option<&TenantWorld> {
        name.parse().ok().and_then(|id| self.tenant(id)).or_else(|| {
            self.tenants
                .values()
                .map(Arc::as_ref)
                .find(|tenant| tenant.domain.eq_ignore_ascii_case(name) || tenant.label().eq_ignore_ascii_case(name))
        })
    }

    /// A hash over all directories and registrations.
    pub fn directory_fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.apps.fingerprint());
        for (id, tenant) in &self.tenants {
            hash.update(id.0.as_bytes());
            hash.update(tenant.directory.fingerprint());
        }
        hash.finalize().into()
    }

    /// A hash over all content: what users own, not who may see it.
    pub fn content_fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (id, tenant) in &self.tenants {
            hash.update(id.0.as_bytes());
            for (owner, mailbox) in tenant.mailboxes.iter() {
                hash.update(owner.0.as_bytes());
                hash.update(mailbox.fingerprint());
            }
            for (owner, calendars) in tenant.calendars.iter() {
                hash.update(owner.0.as_bytes());
                hash.update(calendars.fingerprint());
            }
            hash.update(tenant.teams.fingerprint());
            for drive in tenant.drives.values() {
                hash.update(drive.fingerprint());
            }
            for site in tenant.sites.values() {
                hash.update(site.fingerprint());
            }
        }
        hash.finalize().into()
    }
}

impl TenantWorld {
    /// The name that is its alone.
    pub fn label(&self) -> &str {
        self.copy.as_deref().unwrap_or(&self.name)
    }
}

/// What a [`State`] is made from, beside the plan.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) seed: Seed,
    pub(crate) rules: Rules,
    pub(crate) keys: Keys,
    pub(crate) options: Settings,
    pub(crate) live: Live,
    pub(crate) origins: Origins,
}

impl fmt::Debug for State {
    /// The plan holds client secrets and private keys: neither is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("origins", &self.origins).field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl State {
    pub(crate) fn new(plan: Plan, parts: Parts) -> Result<Self, DirectoryError> {
        let started_at = parts.clock.now();
        let start = Arc::new(World::of(&plan, started_at)?);
        Ok(Self {
            world: ArcSwap::new(Arc::clone(&start)),
            start,
            writing: Mutex::new(()),
            clock: parts.clock,
            seed: parts.seed,
            faults: Faults::default(),
            journal: Journal::keeping(parts.options.audit_retention),
            rules: parts.rules,
            keys: parts.keys,
            issued: Store::default(),
            uploads: Uploads::default(),
            meter: Meter::default(),
            options: parts.options,
            live: ArcSwap::from_pointee(parts.live),
            live_at_start: parts.live,
            origins: parts.origins,
            plan,
            started_at,
        })
    }

    /// The world at this instant. Take it once per request.
    pub fn world(&self) -> Arc<World> {
        self.world.load_full()
    }

    /// The world as it was made from the plan.
    pub(crate) fn at_start(&self) -> &World {
        &self.start
    }

    /// Goes back to the start: world, keys, codes, refresh tokens, sessions and journal. The clock is not touched.
    pub fn reset(&self) {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.world.store(Arc::clone(&self.start));
        self.issued.clear();
        self.faults.clear();
        self.keys.reset();
        self.live.store(Arc::new(self.live_at_start));
        self.meter.clear();
        self.uploads.clear();
        self.journal.clear();
    }

    /// The settings of this moment.
    pub fn live(&self) -> Live {
        **self.live.load()
    }

    /// Turns settings.
    pub fn turn(&self, change: impl FnOnce(&mut Live)) {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut live = self.live();
        change(&mut live);
        self.live.store(Arc::new(live));
    }

    /// Makes the next world. Nothing changes when it cannot be made.
    pub fn apply(&self, change: Change) -> Result<(), ChangeError> {
        self.apply_all([change])
    }

    /// Makes the next world by several changes at once: all of them, or none.
    pub fn apply_all(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), ChangeError> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = World::clone(&self.world.load());
        let moment = Moment { now: self.clock.now(), shift: self.started_at.duration_since(self.plan.epoch) };
        for change in changes {
            change.apply(&mut next, &moment)?;
        }
        self.world.store(Arc::new(next));
        Ok(())
    }

    /// An application by id, in every tenant the same.
    pub fn app(&self, id: AppId) -> Option<Arc<Registration>> {
        self.world.load().apps.get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_made_for_people_who_never_looked() {
        let plan = Plan::generated(50).unwrap();
        let world = World::of(&plan, plan.epoch).unwrap();
        let generated = world.tenant_named("generated").unwrap();
        let made = || {
            let drives = generated.drives.looked_at().count();
            (generated.mailboxes.looked_at().count(), generated.calendars.looked_at().count(), drives)
        };
        assert_eq!((generated.directory.users().count(), made()), (50, (0, 0, 0)));
        let user = generated.directory.user_named("user7").unwrap();
        assert!(generated.mailboxes.get(user.id).is_some() && generated.calendars.get(user.id).is_some());
        let drive = generated.drives.of_user(user.id).unwrap();
        assert_eq!(generated.drives.get(&drive.id).unwrap().id, drive.id);
        assert_eq!(made(), (1, 1, 1));
    }
}
