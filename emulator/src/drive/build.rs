//! Making drives from the rows of a plan.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use fixtures::files::{self, DOCUMENTS, EVERYBODY, LinkScope};
use fixtures::ids::{GroupId, ListId, SiteId, TenantId, UniqueId, UserId, WebId, drive_id, drive_item_id};
use fixtures::plan::{Dates, Person, Tenant};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::{Drive, File, Grant, Grantee, Item, Kind, Link};
use crate::directory::User;
use crate::holdings::Origin;
use crate::options::EPOCH;

/// Where a drive lies: a site, a personal one for a OneDrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// Host name.
    pub host: String,
    /// Path on it, for example `sites/finance`; empty for the root site.
    pub path: String,
    /// Id of the site collection.
    pub site: SiteId,
    /// Id of the web.
    pub id: WebId,
}

impl Web {
    pub(crate) fn of(tenant: &str, host: String, path: &str) -> Self {
        let handle = format!("{tenant}/{path}");
        Self { host, path: path.to_owned(), site: SiteId::derived(&handle), id: WebId::derived(&handle) }
    }

    /// `{host},{site},{web}`.
    pub fn full_id(&self) -> String {
        format!("{},{},{}", self.host, self.site, self.id)
    }

    /// Its address, percent-encoded.
    pub fn url(&self) -> String {
        let slash = if self.path.is_empty() { "" } else { "/" };
        format!("https://{}{slash}{}", self.host, in_url(&self.path))
    }
}

/// What addresses keep as it is.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'(').remove(b')');

pub(crate) fn in_url(path: &str) -> String {
    utf8_percent_encode(path, KEPT).to_string()
}

/// The host of a tenant's sites. `.example` can be nobody's.
pub(crate) fn host(tenant: &Tenant) -> String {
    format!("{}.sharepoint.example", tenant.name)
}

/// The host of a tenant's OneDrives.
fn my_host(tenant: &str) -> String {
    format!("{tenant}-my.sharepoint.example")
}

/// The media type of a file by its name.
pub fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    match extension.as_str() {
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "doc" => "application/msword",
        "xls" => "application/vnd.ms-excel",
        "ppt" => "application/vnd.ms-powerpoint",
        "pdf" => "application/pdf",
        "txt" | "log" => "text/plain",
        "csv" => "text/csv",
        "htm" | "html" => "text/html",
        "json" => "application/json",
        "xml" => "text/xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "zip" => "application/x-zip-compressed",
        "eml" => "message/rfc822",
        "ics" => "text/calendar",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

/// The rows of a plan by the drive that they are about.
pub(super) struct Rows<'a> {
    files: BTreeMap<&'a str, Vec<&'a files::File>>,
    items: BTreeMap<&'a str, BTreeMap<&'a str, &'a files::Item>>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(tenant: &'a Tenant) -> Self {
        let mut files: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in &tenant.files.files {
            files.entry(row.drive.as_str()).or_default().push(row);
        }
        let mut items: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for row in &tenant.files.items {
            items.entry(row.drive.as_str()).or_default().insert(row.path.as_str(), row);
        }
        Self { files, items }
    }
}

/// People and groups as rows name them; who is not there is left out.
pub(crate) fn grantees(tenant: &Tenant, names: &[String]) -> Vec<Grantee> {
    let resolve = |name: &String| {
        if name == EVERYBODY {
            return Some(Grantee::Everybody);
        }
        match name.strip_prefix("group:") {
            Some(group) => tenant.group(group.split('@').next()?).map(|group| Grantee::Group(group_id(tenant, group))),
            None => person(tenant, name).map(Grantee::User),
        }
    };
    names.iter().filter_map(resolve).collect()
}

fn group_id(tenant: &Tenant, group: &fixtures::plan::Group) -> GroupId {
    group.id(tenant)
}

fn person(tenant: &Tenant, reference: &str) -> Option<UserId> {
    tenant.person(reference.split('@').next()?).map(|person| person.id(tenant))
}

impl Drive {
    pub(super) fn personal(tenant: &Tenant, owner: &Person, rows: &Rows<'_>, shift: SignedDuration) -> Self {
        let reference = owner.reference(tenant);
        let id = owner.id(tenant);
        let place = Place::onedrive(tenant.id, &tenant.name, &reference, shift);
        let web = place.personal_web(&owner.upn(tenant));
        let mut drive = Self::empty(web, Kind::Personal(id), id, &place);
        drive.is_provisioned = !tenant.files.unprovisioned.contains(&reference);
        drive.fill(tenant, rows, &place, id);
        drive
    }

    /// The OneDrive of somebody who joins the tenant.
    pub(crate) fn new_onedrive(tenant: &Tenant, owner: &Person, shift: SignedDuration) -> Self {
        Self::personal(tenant, owner, &Rows::of(tenant), shift)
    }

    /// The OneDrive of somebody whom no row about files names.
    pub(super) fn empty_onedrive(origin: &Origin, owner: &User) -> Self {
        let reference = format!("{}@{}", owner.name, origin.name);
        let place = Place::onedrive(origin.tenant, &origin.name, &reference, origin.shift);
        Self::empty(place.personal_web(&owner.upn), Kind::Personal(owner.id), owner.id, &place)
    }

    /// The id of somebody's OneDrive.
    pub(super) fn onedrive_id(origin: &Origin, owner: &User) -> String {
        let reference = format!("{}@{}", owner.name, origin.name);
        let place = Place::onedrive(origin.tenant, &origin.name, &reference, origin.shift);
        let web = place.personal_web(&owner.upn);
        drive_id(web.site, web.id, place.list())
    }

    pub(super) fn library(
        tenant: &Tenant,
        site: &files::Site,
        name: &str,
        rows: &Rows<'_>,
        shift: SignedDuration,
    ) -> Self {
        let web = Web::of(&tenant.name, host(tenant), &site.path);
        let reference = format!("{}/{name}", site.name);
        let folder = if name == DOCUMENTS { "Shared Documents" } else { name };
        let owner = grantees(tenant, &site.owners).into_iter().find_map(|grantee| match grantee {
            Grantee::User(user) => Some(user),
            Grantee::Group(_) | Grantee::Everybody => None,
        });
        let owner = owner.unwrap_or_else(|| UserId::derived("system"));
        let place = Place { tenant: tenant.id, tenant_name: &tenant.name, name, folder, reference: &reference, shift };
        let mut drive = Self::empty(web, Kind::Library(site.name.clone()), owner, &place);
        drive.fill(tenant, rows, &place, owner);
        drive
    }

    fn empty(web: Web, kind: Kind, owner: UserId, place: &Place<'_>) -> Self {
        let list = place.list();
        let id = drive_id(web.site, web.id, list);
        let created = moved(EPOCH - SignedDuration::from_hours(24 * 400), place.shift);
        let url = format!("{}/{}", web.url(), in_url(place.folder));
        let unique = UniqueId::derived(&format!("{}/{}/", place.tenant_name, place.reference));
        let root = drive_item_id(&id, unique);
        let mut drive = Self {
            tenant: place.tenant,
            kind,
            name: place.name.to_owned(),
            web,
            list,
            url,
            created,
            is_provisioned: true,
            root: root.clone(),
            items: BTreeMap::new(),
            children: BTreeMap::new(),
            next_number: 1,
            fingerprint: OnceLock::new(),
            index: super::index::Kept::default(),
            shared: OnceLock::new(),
            id,
        };
        drive.insert(Item {
            id: root,
            unique,
            name: "root".to_owned(),
            parent: None,
            file: None,
            created,
            modified: created,
            author: owner,
            editor: owner,
            number: 0,
            version: 1,
            inherits: true,
            grants: Vec::new(),
            is_blocked: false,
        });
        drive
    }

    fn fill(&mut self, tenant: &Tenant, rows: &Rows<'_>, place: &Place<'_>, owner: UserId) {
        let none = BTreeMap::new();
        let known = rows.items.get(place.reference).unwrap_or(&none);
        let built = Built { tenant, place, known, owner };
        let files: BTreeSet<&str> =
            rows.files.get(place.reference).into_iter().flatten().map(|row| row.path.as_str()).collect();
        for path in known.keys().filter(|path| !files.contains(*path)) {
            self.folder(&built, path);
        }
        for row in rows.files.get(place.reference).into_iter().flatten() {
            let shift = if row.dates == Dates::FollowClock { place.shift } else { SignedDuration::ZERO };
            let (folder, name) = row.path.rsplit_once('/').unwrap_or(("", &row.path));
            let parent = self.folder(&built, folder);
            let author = row.author.as_deref().and_then(|author| person(tenant, author)).unwrap_or(owner);
            let modified = moved(row.modified.unwrap_or_else(|| some_time_before(&row.handle)), shift);
            let unique = UniqueId::derived(&format!("{}/{}", tenant.name, row.handle));
            let bytes = match &row.content {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes.clone()),
            };
            let item = self.new_item(name, unique, parent, author, modified);
            let item = Item { created: modified - SignedDuration::from_hours(30), is_blocked: row.blocked, ..item };
            let item = self.as_known(&built, &row.path, item);
            self.insert(Item { file: Some(File::new(name, bytes)), ..item });
        }
        for row in tenant.files.restricted.iter().filter(|row| row.drive == place.reference) {
            self.change(&row.path, |item| item.inherits = false);
        }
        for (number, row) in tenant.files.shares.iter().enumerate().filter(|(_, row)| row.drive == place.reference) {
            let handle = format!("{}/{}/{}/{number}", tenant.name, row.drive, row.path);
            let (web, list) = (self.web.clone(), self.list);
            let name = row.path.rsplit('/').next().unwrap_or_default();
            let grant = Grant {
                id: row.id.clone().unwrap_or_else(|| permission_id(&handle)),
                to: grantees(tenant, &row.to),
                role: row.role,
                link: row.link.map(|scope| {
                    let derived = || link_url(&web, list, name, scope, &handle);
                    Link { scope, url: row.url.clone().unwrap_or_else(derived) }
                }),
                is_removed: row.removed,
            };
            self.change(&row.path, |item| item.grants.push(grant));
        }
    }

    fn change(&mut self, path: &str, change: impl FnOnce(&mut Item)) {
        let root = self.root.clone();
        let Some(id) = self.below(&root, path).map(|item| item.id.clone()) else { return };
        if let Some(item) = self.items.get_mut(&id) {
            change(Arc::make_mut(item));
        }
        self.changed();
    }

    /// The id of a folder, made with those above it if it is not there.
    fn folder(&mut self, built: &Built<'_>, path: &str) -> String {
        let Built { tenant, place, owner, .. } = *built;
        let (mut at, mut so_far) = (self.root.clone(), String::new());
        for name in path.split('/').filter(|name| !name.is_empty()) {
            so_far.push('/');
            so_far.push_str(name);
            at = if let Some(id) = self.child(&at, name).map(|item| item.id.clone()) {
                id
            } else {
                let handle = format!("{}/{}{so_far}", tenant.name, place.reference);
                let made = moved(some_time_before(&handle), place.shift) - SignedDuration::from_hours(24 * 60);
                let item = self.new_item(name, UniqueId::derived(&handle), at, owner, made);
                let item = self.as_known(built, so_far.trim_start_matches('/'), item);
                let id = item.id.clone();
                self.insert(item);
                id
            };
        }
        at
    }

    /// An item as its row has it, if it has one of its own.
    fn as_known(&self, built: &Built<'_>, path: &str, item: Item) -> Item {
        let Some(row) = built.known.get(path) else { return item };
        let somebody = |name: &Option<String>| name.as_deref().and_then(|name| person(built.tenant, name));
        Item {
            id: drive_item_id(&self.id, row.unique),
            unique: row.unique,
            author: somebody(&row.author).unwrap_or(built.owner),
            editor: somebody(&row.editor).unwrap_or(built.owner),
            created: moved(row.created, built.place.shift),
            modified: moved(row.modified, built.place.shift),
            number: row.number,
            version: row.version,
            ..item
        }
    }

    pub(super) fn new_item(
        &self,
        name: &str,
        unique: UniqueId,
        parent: String,
        author: UserId,
        modified: Timestamp,
    ) -> Item {
        Item {
            id: drive_item_id(&self.id, unique),
            unique,
            name: name.to_owned(),
            parent: Some(parent),
            file: None,
            created: modified,
            modified,
            author,
            editor: author,
            number: self.next_number,
            version: 1,
            inherits: true,
            grants: Vec::new(),
            is_blocked: false,
        }
    }

    pub(super) fn insert(&mut self, item: Item) {
        self.next_number = self.next_number.max(item.number.saturating_add(1));
        if let Some(parent) = &item.parent {
            let name = item.name.to_lowercase();
            let at = self.children.get(parent).map_or(0, |siblings| self.place_of(siblings, &name));
            self.children.entry(parent.clone()).or_default().insert(at, item.id.clone());
        }
        self.items.insert(item.id.clone(), Arc::new(item));
        self.changed();
    }
}

/// What a drive is filled from.
struct Built<'a> {
    tenant: &'a Tenant,
    place: &'a Place<'a>,
    /// Rows of items, by path.
    known: &'a BTreeMap<&'a str, &'a files::Item>,
    owner: UserId,
}

/// What a drive is called, in the plan and in addresses.
struct Place<'a> {
    tenant: TenantId,
    tenant_name: &'a str,
    name: &'a str,
    folder: &'a str,
    reference: &'a str,
    shift: SignedDuration,
}

impl<'a> Place<'a> {
    const fn onedrive(tenant: TenantId, tenant_name: &'a str, reference: &'a str, shift: SignedDuration) -> Self {
        Self { tenant, tenant_name, name: "OneDrive", folder: "Documents", reference, shift }
    }

    fn personal_web(&self, upn: &str) -> Web {
        let name = upn.replace(['@', '.', '#'], "_");
        Web::of(self.tenant_name, my_host(self.tenant_name), &format!("personal/{name}"))
    }

    fn list(&self) -> ListId {
        ListId::derived(&format!("{}/{}", self.tenant_name, self.reference))
    }
}

fn moved(at: Timestamp, shift: SignedDuration) -> Timestamp {
    at.checked_add(shift).unwrap_or(Timestamp::MAX)
}

/// Some working hour in the three months before the plan's epoch.
fn some_time_before(handle: &str) -> Timestamp {
    let digest = Sha256::digest(handle.as_bytes());
    let [days, hours, minutes, ..] = digest.as_slice() else { return EPOCH };
    let back = i64::from(days % 90) * 24 * 60 + i64::from(hours % 9) * 60 + i64::from(minutes % 60) + 60;
    EPOCH.checked_sub(SignedDuration::from_mins(back)).unwrap_or(EPOCH)
}

/// `id` of a permission.
pub(crate) fn permission_id(handle: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("permission {handle}")))
}

/// The address of a sharing link: opaque, and as long as the real ones.
pub(crate) fn link_url(web: &Web, list: ListId, name: &str, scope: LinkScope, handle: &str) -> String {
    let letter = match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "docx" => 'w',
        "xlsx" => 'x',
        "pptx" => 'p',
        "pdf" => 'b',
        "" => 'f',
        _ => 't',
    };
    let digest = Sha256::digest(format!("link {list} {} {handle}", scope.as_str()));
    let token = URL_SAFE_NO_PAD.encode(digest);
    let slash = if web.path.is_empty() { "" } else { "/" };
    format!("https://{}/:{letter}:/s{slash}{}/E{token}", web.host, in_url(&web.path))
}
