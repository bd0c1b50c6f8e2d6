//! Drives and sites as rows and files. A drive that nobody changed keeps its rows; of any other every folder and file has a row of its own,
//! with all that Graph tells of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::files::{EVERYBODY, File, Item as ItemRow, Restricted, Share};
use fixtures::ids::UserId;
use fixtures::plan::{Dates, Origin, Tenant};
use sha2::{Digest as _, Sha256};

use super::{Saving, earlier};
use crate::drive::{Drive, Drives, Grantee, Item, Kind};
use crate::site::Site;
use crate::world::TenantWorld;

pub(super) fn write(saving: &Saving<'_>, tenant: &TenantWorld, rows: &mut Tenant) {
    let Some(planned) = saving.plan.tenant(&tenant.name) else { return };
    rows.files.clone_from(&planned.files);
    let start = saving.start.tenant(tenant.id).map(|tenant| &tenant.drives);
    let is_changed = |drive: &&Arc<Drive>| {
        let before = start.and_then(|start| start.get(&drive.id));
        before.is_none_or(|before| before.fingerprint() != drive.fingerprint())
    };
    let changed: Vec<_> = tenant.drives.looked_at().filter(is_changed).collect();
    if changed.is_empty() {
        return;
    }
    // Ids of shares follow from the place of their rows: all of them are written out once a row comes or goes.
    rows.files.shares.clear();
    for drive in tenant.drives.looked_at() {
        let Some(reference) = tenant.drive_reference(drive) else { continue };
        for item in in_order(drive) {
            rows.files.shares.extend(shares(tenant, drive, &reference, item));
        }
    }
    for drive in changed {
        let Some(reference) = tenant.drive_reference(drive) else { continue };
        let writer = Writer { saving, tenant, drive, reference, planned };
        writer.write(rows);
    }
}

impl TenantWorld {
    /// How rows name a drive: by its owner (`alice@contoso`), or by site and library (`finance/Documents`).
    fn drive_reference(&self, drive: &Drive) -> Option<String> {
        match &drive.kind {
            Kind::Personal(owner) => self.reference(*owner),
            Kind::Library(site) => Some(format!("{site}/{}", drive.name)),
        }
    }
}

/// Folders before what lies in them, the root left out.
fn in_order(drive: &Drive) -> Vec<&Arc<Item>> {
    let mut found = Vec::new();
    let mut open: Vec<_> = drive.root().into_iter().collect();
    while let Some(folder) = open.pop() {
        for item in drive.children(&folder.id) {
            found.push(item);
            if item.is_folder() {
                open.push(item);
            }
        }
    }
    found.extend(drive.root());
    found
}

fn path(drive: &Drive, item: &Item) -> String {
    drive.names(item).join("/")
}

fn shares<'a>(
    tenant: &'a TenantWorld,
    drive: &'a Drive,
    reference: &'a str,
    item: &'a Item,
) -> impl Iterator<Item = Share> + 'a {
    item.grants.iter().map(move |grant| Share {
        drive: reference.to_owned(),
        path: path(drive, item),
        to: grant.to.iter().filter_map(|grantee| tenant.grantee(*grantee)).collect(),
        role: grant.role,
        link: grant.link.as_ref().map(|link| link.scope),
        removed: grant.is_removed,
        id: Some(grant.id.clone()),
        url: grant.link.as_ref().map(|link| link.url.clone()),
    })
}

impl TenantWorld {
    fn grantee(&self, grantee: Grantee) -> Option<String> {
        match grantee {
            Grantee::User(user) => self.reference(user),
            Grantee::Group(group) => Some(format!("group:{}@{}", self.directory.group(group)?.name, self.name)),
            Grantee::Everybody => Some(EVERYBODY.to_owned()),
        }
    }
}

struct Writer<'a, 'b> {
    saving: &'a Saving<'b>,
    tenant: &'a TenantWorld,
    drive: &'a Drive,
    reference: String,
    planned: &'a Tenant,
}

impl Writer<'_, '_> {
    fn write(&self, rows: &mut Tenant) {
        let files = &mut rows.files;
        let known: BTreeMap<&str, &File> =
            self.planned.files.files.iter().map(|file| (file.handle.as_str(), file)).collect();
        let known: BTreeMap<_, _> = known
            .into_iter()
            .filter(|(_, file)| file.drive == self.reference)
            .map(|(handle, file)| (self.tenant.file_id(self.drive, handle), file))
            .collect();
        files.files.retain(|file| file.drive != self.reference);
        files.restricted.retain(|row| row.drive != self.reference);
        files.items.retain(|row| row.drive != self.reference);
        files.unprovisioned.retain(|name| *name != self.reference || !self.drive.is_provisioned);
        for item in in_order(self.drive) {
            let path = path(self.drive, item);
            if !item.inherits {
                files.restricted.push(Restricted { drive: self.reference.clone(), path: path.clone() });
            }
            if item.parent.is_none() {
                continue;
            }
            if let Some(file) = &item.file {
                files.files.push(self.file(item, &path, &file.bytes, known.get(&item.id).copied()));
            }
            files.items.push(self.item(item, path));
        }
    }

    fn item(&self, item: &Item, path: String) -> ItemRow {
        let shift = self.saving.shift;
        ItemRow {
            drive: self.reference.clone(),
            path,
            unique: item.unique,
            author: self.somebody(item.author),
            editor: self.somebody(item.editor),
            created: earlier(item.created, shift),
            modified: earlier(item.modified, shift),
            number: item.number,
            version: item.version,
        }
    }

    fn somebody(&self, user: UserId) -> Option<String> {
        self.tenant.reference(user)
    }

    /// Bait that nobody changed stays bait; anything else has no canary, and its author for a reader.
    fn file(&self, item: &Item, path: &str, bytes: &[u8], known: Option<&File>) -> File {
        let same = known.filter(|known| *known.content == *bytes);
        let author = self.somebody(item.author);
        let content = match same {
            Some(known) => known.content.clone(),
            None => Cow::Owned(bytes.to_vec()),
        };
        File {
            handle: known.map_or_else(|| self.handle(item), |known| known.handle.clone()),
            drive: self.reference.clone(),
            path: path.to_owned(),
            content,
            author: author.clone(),
            modified: None,
            blocked: item.is_blocked,
            canary: same.and_then(|known| known.canary.clone()),
            readers: known.map_or_else(|| author.into_iter().collect(), |known| known.readers.clone()),
            dates: Dates::FollowClock,
            origin: Origin { file: String::new(), line: None },
        }
    }

    /// A handle for a file that has none: the same each time it is saved.
    fn handle(&self, item: &Item) -> String {
        let hash = Sha256::digest(item.id.as_bytes());
        let word = URL_SAFE_NO_PAD.encode(hash.get(..9).unwrap_or_default());
        format!("{}/files/saved/{word}", self.tenant.name)
    }
}

impl TenantWorld {
    fn file_id(&self, drive: &Drive, handle: &str) -> String {
        let unique = fixtures::ids::UniqueId::derived(&format!("{}/{handle}", self.name));
        fixtures::ids::drive_item_id(&drive.id, unique)
    }
}

/// Which drives and sites of the tenant are not these.
pub(super) fn differences(
    tenant: &TenantWorld,
    drives: &Drives,
    sites: &BTreeMap<String, Arc<Site>>,
) -> impl Iterator<Item = String> {
    let names: BTreeSet<&String> = tenant.drives.values().chain(drives.values()).map(|drive| &drive.id).collect();
    let of = |all: &Drives, name: &str| all.get(name).map(|drive| drive.fingerprint());
    let other_drives: Vec<String> = names
        .into_iter()
        .filter(|name| of(&tenant.drives, name) != of(drives, name))
        .map(|name| format!("the drive {name} of {}", tenant.name))
        .collect();
    let names: BTreeSet<&String> = tenant.sites.keys().chain(sites.keys()).collect();
    let of = |all: &BTreeMap<String, Arc<Site>>, name: &str| all.get(name).map(|site| site.fingerprint());
    let other_sites: Vec<String> = names
        .into_iter()
        .filter(|name| of(&tenant.sites, name) != of(sites, name))
        .map(|name| format!("the site {name} of {}", tenant.name))
        .collect();
    other_drives.into_iter().chain(other_sites)
}
