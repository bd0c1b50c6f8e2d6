//! The running world as files, from which another emulator comes up the same.
//!
//! Each area has one writer, named in `tenant`: world to plan rows; the plan writes the files ([`Plan::to_files`]). `tenant` takes a
//! tenant apart field by field, so that an area that is added to [`TenantWorld`] has to be dealt with there: by a writer, or by saying what
//! is lost. Whatever was written is read back and compared: what does not come up the same is told, never dropped in silence.
//!
//! What the plan held and nobody touched is written as the plan's file has it, byte for byte. The new epoch is the old one moved by the
//! time that passed, so that "yesterday" stays yesterday.

mod calendar;
mod directory;
mod drives;
mod mail;
mod refer;
mod teams;

use std::collections::{BTreeMap, BTreeSet};

use fixtures::Plan;
use fixtures::ids::UserId;
use fixtures::plan::{SigningKey, Tenant, TenantKind};
use fixtures::save::SaveError as WriteError;
use jiff::{SignedDuration, Timestamp};

use crate::entra::keys::Key;
use crate::world::{State, TenantWorld, World};

/// A world as files.
#[derive(Debug)]
pub struct Saved {
    /// Files by path, as `--fixtures` reads them.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What does not come up again as it is now: one sentence each.
    pub lost: Vec<String>,
}

/// Why there are no files.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// A value that no file can hold.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The files are no plan: a mistake of ours.
    #[error("what was written cannot be read back: {0}")]
    Read(#[from] fixtures::PlanError),
    /// The plan is no world: a mistake of ours.
    #[error("what was written cannot be started: {0}")]
    Start(#[from] crate::directory::DirectoryError),
}

/// What is looked up while an area is written.
struct Saving<'a> {
    /// What the world was made from: rows that nobody touched are taken from it.
    plan: &'a Plan,
    world: &'a World,
    /// The world as it was made from the plan.
    start: &'a World,
    /// By how much the plan's dates were moved at the start.
    shift: SignedDuration,
    lost: Vec<String>,
}

/// The world of this moment.
pub fn save(state: &State) -> Result<Saved, SaveError> {
    let (world, now) = (state.world(), state.clock.now());
    let shift = state.started_at.duration_since(state.plan.epoch);
    let mut saving = Saving { plan: &state.plan, world: &world, start: state.at_start(), shift, lost: Vec::new() };
    let plan = Plan {
        epoch: state.plan.epoch.saturating_add(now.duration_since(state.started_at)).unwrap_or(state.plan.epoch),
        registrations: registrations(&world, shift),
        tenants: tenants(&mut saving),
        keys: signing_keys(&state.keys.published()),
        spare_keys: signing_keys(&state.keys.spare()),
    };
    let files = plan.to_files()?;
    let mut lost = saving.lost;
    let again = World::of(&Plan::from_files(files.clone())?, now)?;
    lost.extend(differences(&world, &again));
    Ok(Saved { files, lost })
}

fn tenants(saving: &mut Saving<'_>) -> Vec<Tenant> {
    // In the plan's order: which tenant comes first decides nothing, and files that stay the same are easier to compare.
    let place = |tenant: &&TenantWorld| saving.plan.tenants.iter().position(|planned| planned.name == tenant.name);
    let mut all: Vec<&TenantWorld> = saving.world.tenants.values().map(AsRef::as_ref).collect();
    all.sort_by_key(place);
    let mut rows = Vec::new();
    for tenant in all {
        match &tenant.copy {
            None => rows.push(self::tenant(saving, tenant)),
            Some(name) => saving.lost.push(format!("{name}, a copy of {}: copies are for one run", tenant.name)),
        }
    }
    rows
}

/// Field by field: an area that is not named here does not compile.
fn tenant(saving: &mut Saving<'_>, tenant: &TenantWorld) -> Tenant {
    let TenantWorld {
        name,
        copy: _,
        id,
        display_name,
        domain,
        directory,
        mailboxes,
        delegations,
        calendars,
        shares,
        teams,
        // Both are looked at through the tenant.
        drives: _,
        sites: _,
    } = tenant;
    let planned = saving.plan.tenant(name);
    let mut rows = Tenant {
        display_name: display_name.clone(),
        kind: planned.map_or(TenantKind::Organization, |planned| planned.kind),
        delegations: delegations.to_vec(),
        ..Tenant::bare(name.clone(), *id, domain.clone())
    };
    directory::write(saving, tenant, directory, &mut rows);
    mail::write(saving, tenant, mailboxes, &mut rows);
    calendar::write(saving, tenant, calendars, shares, &mut rows);
    teams::write(saving, tenant, teams, &mut rows);
    drives::write(saving, tenant, &mut rows);
    refer::prune(&mut rows, &mut saving.lost);
    rows
}

impl TenantWorld {
    /// How rows name a user: `alice@contoso`; nothing when the directory has no such user (any more).
    fn reference(&self, user: UserId) -> Option<String> {
        Some(format!("{}@{}", self.directory.user(user)?.name, self.name))
    }
}

/// Registrations as rows: the dates of secrets where the plan would have them.
fn registrations(world: &World, shift: SignedDuration) -> Vec<fixtures::plan::Registration> {
    let back = |app: &fixtures::plan::Registration| {
        let mut app = app.clone();
        for end in app.secrets.iter_mut().filter_map(|secret| secret.expires.as_mut()) {
            *end = earlier(*end, shift);
        }
        app
    };
    let mut rows: Vec<_> = world.apps.all().map(back).collect();
    refer::prune_registrations(&mut rows);
    rows
}

fn signing_keys(keys: &[std::sync::Arc<Key>]) -> Vec<SigningKey> {
    keys.iter().map(|key| key.row().clone()).collect()
}

fn earlier(at: Timestamp, shift: SignedDuration) -> Timestamp {
    at.checked_sub(shift).unwrap_or(at)
}

/// Where a world that was read back is another one.
fn differences(world: &World, again: &World) -> Vec<String> {
    let mut found = Vec::new();
    if world.apps.fingerprint() != again.apps.fingerprint() {
        found.push("app registrations come up different".to_owned());
    }
    for (id, tenant) in world.tenants.iter().filter(|(_, tenant)| tenant.copy.is_none()) {
        let Some(other) = again.tenant(*id) else {
            found.push(format!("{} does not come up", tenant.name));
            continue;
        };
        if tenant.directory.fingerprint() != other.directory.fingerprint() {
            found.push(format!("{}: the directory comes up different", tenant.name));
        }
        let mut content = |what: &str, owner: &UserId, same: bool| {
            if !same {
                let whose = tenant.reference(*owner).unwrap_or_else(|| format!("{owner} of {}", tenant.name));
                found.push(format!("the {what} of {whose} comes up different"));
            }
        };
        let owners = tenant.mailboxes.owners().chain(tenant.calendars.owners());
        let owners = owners.chain(other.mailboxes.owners()).chain(other.calendars.owners());
        for owner in &owners.collect::<BTreeSet<_>>() {
            let of = |tenant: &TenantWorld| {
                let mailbox = tenant.mailboxes.get(*owner).map(|mailbox| mailbox.fingerprint());
                (mailbox, tenant.calendars.get(*owner).map(|calendars| calendars.fingerprint()))
            };
            let (now, then) = (of(tenant), of(other));
            content("mailbox", owner, now.0 == then.0);
            content("calendar", owner, now.1 == then.1);
        }
        if tenant.teams.fingerprint() != other.teams.fingerprint() {
            found.push(format!("{}: chats and channels come up different", tenant.name));
        }
        found.extend(
            drives::differences(tenant, &other.drives, &other.sites).map(|what| format!("{what} comes up different")),
        );
    }
    found
}
