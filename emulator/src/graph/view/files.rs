//! Drives and sites as one principal sees them. Security trimming happens here and nowhere else: what a view does not hand out is not
//! counted, not searched and not in any total.

use std::sync::Arc;

use fixtures::files::{LinkScope, Role};
use fixtures::plan::PersonKind;

use super::View;
use crate::directory::User;
use crate::drive::rules::{Asker, FileRules};
use crate::drive::{Drive, Grant, Item, Kind};
use crate::graph::error::{GraphError, Refusal};
use crate::graph::route::Owner;
use crate::site::Site;

/// One drive, as far as one principal may see it.
#[derive(Debug, Clone)]
pub(in crate::graph) struct DriveView<'a> {
    drive: &'a Arc<Drive>,
    asker: Arc<Asker>,
    rules: &'a FileRules,
    /// What the asker may do with everything that takes over the permissions of the root.
    base: Option<Role>,
    /// Whether it is the caller's own OneDrive.
    pub(in crate::graph) is_own: bool,
}

/// One site that a principal is let into.
#[derive(Debug, Clone)]
pub(in crate::graph) struct SiteView<'a> {
    pub(in crate::graph) site: &'a Arc<Site>,
}

impl<'a> View<'a> {
    /// What the rules about files know of the caller.
    fn asker(&self) -> Arc<Asker> {
        let directory = &self.tenant.directory;
        let user = self.principal.user;
        Arc::new(Asker {
            user,
            is_guest: directory.user(user).is_none_or(|user| user.kind == PersonKind::Guest),
            groups: directory.groups_of(user),
            scopes: self.principal.scopes.clone(),
        })
    }

    fn site_role(&self, asker: &Asker, site: &Site) -> Option<Role> {
        let is_in = |grantee| (self.rules.files.is_one_of)(asker, grantee);
        site.groups.iter().filter(|(_, people)| people.iter().any(is_in)).map(|(role, _)| *role).max()
    }

    fn drive_view(&self, drive: &'a Arc<Drive>, asker: &Arc<Asker>) -> DriveView<'a> {
        let rules = &self.rules.files;
        let is_own = (rules.owns)(asker, &drive.kind);
        let base = match &drive.kind {
            Kind::Personal(_) => is_own.then_some(Role::Owner),
            Kind::Library(site) => self.tenant.sites.get(site).and_then(|site| self.site_role(asker, site)),
        };
        DriveView { drive, asker: Arc::clone(asker), rules, base, is_own }
    }

    /// A drive by id. One of another tenant, one that is nowhere and one of which nothing is shown are refused alike.
    pub(in crate::graph) fn drive(&self, id: &str) -> Result<DriveView<'a>, Refusal> {
        if !id.starts_with("b!") || id.len() < 40 {
            let message = "The provided drive id appears to be malformed, or does not represent a valid drive.";
            return Err(GraphError::DriveRequest(message.to_owned()).into());
        }
        let found = self.tenant.drives.get(id).filter(|drive| drive.is_provisioned);
        let found = found.map(|drive| self.drive_view(drive, &self.asker()));
        let unseen = || GraphError::DriveItemNotFound.because("access rule `files`: nothing of this drive is shown");
        let found = found.filter(DriveView::shows_anything).ok_or_else(unseen)?;
        found.reached()
    }

    /// The OneDrive of whom a path names.
    pub(in crate::graph) fn drive_of(&self, owner: &Owner) -> Result<DriveView<'a>, Refusal> {
        let drive = self.onedrive(owner)?;
        if !drive.is_provisioned {
            return Err(GraphError::NoMysite.because("nobody opened this OneDrive yet"));
        }
        let view = self.drive_view(drive, &self.asker());
        if view.shows_anything() {
            view.reached()
        } else {
            Err(GraphError::DriveDenied.because("access rule `files`: nothing of this drive is shared with the caller"))
        }
    }

    /// The OneDrive of whom a path names, opened or not.
    pub(in crate::graph) fn onedrive(&self, owner: &Owner) -> Result<&'a Arc<Drive>, Refusal> {
        let user = self.owner_id(owner).and_then(|id| self.tenant.directory.user(id));
        let user = user.ok_or_else(|| {
            let Owner::Named(key) = owner else { return GraphError::NoDrive };
            GraphError::NoSuchObject(key.clone())
        })?;
        let drive = self.tenant.drives.of_user(user.id);
        drive.ok_or_else(|| GraphError::NoDrive.because("this user has no OneDrive"))
    }

    /// All drives of which something is shown to the caller, by id: the door for searches. Trimmed, partitioned by drive.
    pub(in crate::graph) fn drives(&self) -> Vec<DriveView<'a>> {
        let asker = self.asker();
        let opened = self.within_reach().filter(|drive| drive.is_provisioned);
        let views = opened.map(|drive| self.drive_view(drive, &asker));
        let mut found: Vec<_> = views.filter(|drive| drive.is_reached() && drive.shows_anything()).collect();
        found.sort_by(|one, other| one.drive.id.cmp(&other.drive.id));
        found
    }

    /// The drives in which something could be shown to the caller: a OneDrive that nobody looked at is empty, and of these only the
    /// caller's own is anything to them.
    fn within_reach(&self) -> impl Iterator<Item = &'a Arc<Drive>> {
        let drives = &self.tenant.drives;
        // Made by this, so that it is among them.
        let _own = drives.of_user(self.principal.user);
        drives.looked_at()
    }

    /// The sites that the caller is let into, by handle.
    pub(in crate::graph) fn sites(&self) -> Vec<SiteView<'a>> {
        let asker = self.asker();
        let sites = self.tenant.sites.values();
        sites.filter(|site| self.site_role(&asker, site).is_some()).map(|site| SiteView { site }).collect()
    }

    /// A site by id: `root`, `{host},{site},{web}`, a host name, or the id of the site collection.
    pub(in crate::graph) fn site(&self, id: &str) -> Result<SiteView<'a>, Refusal> {
        let fits = |site: &Site| {
            let web = &site.web;
            let is_root =
                web.path.is_empty() && (id.eq_ignore_ascii_case("root") || id.eq_ignore_ascii_case(&web.host));
            is_root || id.eq_ignore_ascii_case(&web.full_id()) || id.eq_ignore_ascii_case(&web.site.to_string())
        };
        self.one_site(fits)
    }

    /// A site by host and path.
    pub(in crate::graph) fn site_at(&self, host: &str, path: &str) -> Result<SiteView<'a>, Refusal> {
        let path = path.trim_matches('/');
        self.one_site(|site| site.web.host.eq_ignore_ascii_case(host) && site.web.path.eq_ignore_ascii_case(path))
    }

    /// The site of a group.
    pub(in crate::graph) fn site_of_group(&self, group: &str) -> Result<SiteView<'a>, Refusal> {
        let group = group.parse().ok().and_then(|id| self.tenant.directory.group(id));
        self.one_site(|site| site.group.is_some() && site.group == group.map(|group| group.id))
    }

    fn one_site(&self, fits: impl Fn(&Site) -> bool) -> Result<SiteView<'a>, Refusal> {
        let unseen =
            || GraphError::DriveItemNotFound.because("access rule `files`: the caller is not let into this site");
        self.sites().into_iter().find(|found| fits(found.site)).ok_or_else(unseen)
    }

    /// The libraries of a site, `Documents` first.
    pub(in crate::graph) fn libraries(&self, of: &SiteView<'_>) -> Vec<DriveView<'a>> {
        let kind = Kind::Library(of.site.name.clone());
        let mut found: Vec<_> = self.drives().into_iter().filter(|drive| drive.drive.kind == kind).collect();
        found.sort_by_key(|drive| (drive.drive.name != fixtures::files::DOCUMENTS, drive.drive.name.clone()));
        found
    }

    /// A user of the tenant by object id.
    pub(in crate::graph) fn person(&self, id: fixtures::ids::UserId) -> Option<&'a User> {
        self.tenant.directory.user(id)
    }

    /// Whom an invitation to this address goes to.
    pub(in crate::graph) fn addressee(&self, address: &str) -> Option<&'a User> {
        let is_it = |known: &str| known.eq_ignore_ascii_case(address);
        self.tenant.directory.users().find(|user| user.mail.as_deref().is_some_and(is_it) || is_it(&user.upn))
    }

    /// The display name of a group.
    pub(in crate::graph) fn group_name(&self, id: fixtures::ids::GroupId) -> Option<&'a str> {
        self.tenant.directory.group(id).map(|group| group.display_name.as_str())
    }

    /// The item that a sharing link leads to, if it works for the caller, and with what role.
    pub(in crate::graph) fn linked(&self, url: &str) -> Option<(DriveView<'a>, &'a Arc<Item>, &'a Grant)> {
        let asker = self.asker();
        let found = self.tenant.drives.looked_at().find_map(|drive| {
            drive.items().find_map(|item| {
                let is_it = |grant: &&Grant| grant.link.as_ref().is_some_and(|link| link.url == url);
                Some((drive, item, item.grants.iter().find(is_it)?))
            })
        });
        let (drive, item, grant) = found?;
        Some((self.drive_view(drive, &asker), item, grant))
    }

    /// The item whose own address this is.
    pub(in crate::graph) fn addressed(&self, url: &str) -> Option<(DriveView<'a>, &'a Arc<Item>)> {
        let asker = self.asker();
        let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let url = plain(url.split('?').next().unwrap_or(url));
        self.within_reach().find_map(|drive| {
            let path = url.strip_prefix(&plain(&drive.url))?;
            if !path.is_empty() && !path.starts_with('/') {
                return None;
            }
            let item = drive.below(&drive.root()?.id, path)?;
            Some((self.drive_view(drive, &asker), item))
        })
    }
}

impl<'a> DriveView<'a> {
    /// The drive itself: what it is called and where it lies.
    pub(in crate::graph) fn drive(&self) -> &'a Arc<Drive> {
        self.drive
    }

    fn is_reached(&self) -> bool {
        (self.rules.reaches)(&self.asker.scopes, self.is_own)
    }

    fn reached(self) -> Result<Self, Refusal> {
        if self.is_reached() {
            Ok(self)
        } else {
            let why = "access rule `reaches`: Files.Read is for the caller's own drive; this one needs Files.Read.All";
            Err(GraphError::DriveDenied.because(why))
        }
    }

    /// What a grant lets the caller do.
    pub(in crate::graph) fn granted(&self, grant: &Grant) -> Option<Role> {
        let works = grant.link.as_ref().is_none_or(|link| (self.rules.follows)(&self.asker, link.scope));
        let is_his = || grant.to.iter().any(|grantee| (self.rules.is_one_of)(&self.asker, grantee));
        (works && (self.rules.in_force)(grant) && is_his()).then_some(grant.role)
    }

    /// Whether a link works for the caller, who has it.
    pub(in crate::graph) fn works(&self, grant: &Grant) -> bool {
        let scope = grant.link.as_ref().map(|link| link.scope);
        (self.rules.in_force)(grant)
            && scope.is_some_and(|scope| scope != LinkScope::Users && (self.rules.follows)(&self.asker, scope))
    }

    /// Whether a grant still gives anything to anybody.
    pub(in crate::graph) fn in_force(&self, grant: &Grant) -> bool {
        (self.rules.in_force)(grant)
    }

    /// What the caller may do with an item by what was given of this very item; of the root also by what the drive is to them.
    pub(super) fn held_here(&self, item: &Item) -> Option<Role> {
        let given = item.grants.iter().filter_map(|grant| self.granted(grant)).max();
        if item.parent.is_none() { given.max(self.base) } else { given }
    }

    /// Whether an item takes over what the caller may do with the folder that it lies in.
    pub(super) fn inherits(&self, item: &Item) -> bool {
        (self.rules.inherits)(item)
    }

    /// What the caller may do with an item by sharing facts alone.
    fn held(&self, item: &Item) -> Option<Role> {
        let mut best = None;
        let mut at = Some(item);
        while let Some(here) = at {
            best = best.max(self.held_here(here));
            if !self.inherits(here) {
                break;
            }
            at = self.drive.parent(here).map(Arc::as_ref);
        }
        best
    }

    /// Whether an item is shown to a caller who has this much of it by sharing facts alone.
    pub(super) fn shows(&self, item: &Item, held: Option<Role>) -> bool {
        held.is_some_and(|role| !(self.rules.blocks)(&self.asker, item, role))
    }

    /// What the caller may do with an item; nothing when it is not shown.
    pub(in crate::graph) fn role(&self, item: &Item) -> Option<Role> {
        let held = self.held(item);
        held.filter(|_| self.shows(item, held))
    }

    /// Whoever has nothing of the drive itself has something of it by a grant: without one that is theirs nothing has to be looked at.
    fn shows_anything(&self) -> bool {
        let given = || self.drive.shared().filter(|item| self.held_here(item).is_some());
        self.base.is_some()
            || given().any(|item| self.role(item).is_some())
            || (given().next().is_some() && self.drive.items().any(|item| self.role(item).is_some()))
    }

    /// An item by id, if it is shown. What is elsewhere or nowhere is refused alike; what a policy blocks is said to be.
    pub(in crate::graph) fn item(&self, id: &str) -> Result<&'a Arc<Item>, Refusal> {
        let unseen =
            || GraphError::DriveItemNotFound.because("access rule `files`: no such item within reach of the caller");
        let drive = self.drive;
        let item = drive.item(id).ok_or_else(unseen)?;
        let held = self.held(item).ok_or_else(unseen)?;
        if (self.rules.blocks)(&self.asker, item, held) {
            let why = "access rule `blocks`: a data loss prevention policy blocks access to this item";
            return Err(GraphError::DriveDenied.because(why));
        }
        Ok(item)
    }

    /// The root, if it is shown.
    pub(in crate::graph) fn root(&self) -> Result<&'a Arc<Item>, Refusal> {
        let drive = self.drive;
        self.item(drive.root().map_or("", |root| &root.id))
    }

    /// What stands at a path below a folder, if it is shown. The folder need not be.
    pub(in crate::graph) fn below(&self, folder: Option<&str>, path: &str) -> Result<&'a Arc<Item>, Refusal> {
        let drive = self.drive;
        let folder = folder.unwrap_or_else(|| drive.root().map_or("", |root| &root.id));
        self.item(drive.below(folder, path).map_or("", |item| &item.id))
    }

    /// What is shown of a folder, in the order of names.
    pub(in crate::graph) fn children(&self, folder: &Item) -> impl Iterator<Item = &'a Arc<Item>> {
        let drive = self.drive;
        drive.children(&folder.id).filter(|item| self.role(item).is_some())
    }

    /// Everything that is shown, the root left out, by id.
    pub(in crate::graph) fn items(&self) -> impl Iterator<Item = &'a Arc<Item>> {
        let drive = self.drive;
        drive.items().filter(|item| item.parent.is_some() && self.role(item).is_some())
    }

    /// The sum of the sizes of the files that are shown below a folder.
    pub(in crate::graph) fn size(&self, item: &Item) -> usize {
        if item.is_folder() {
            self.drive
                .children(&item.id)
                .map(
                    |child| {
                        if child.is_folder() { self.size(child) } else { self.role(child).map_or(0, |_| child.size()) }
                    },
                )
                .sum()
        } else {
            item.size()
        }
    }

    /// Refuses who may read this item and not change it.
    pub(in crate::graph) fn may_edit(&self, item: &Item) -> Result<(), Refusal> {
        if self.role(item).is_some_and(|role| (self.rules.edits)(&self.asker.scopes, self.is_own, role)) {
            Ok(())
        } else {
            Err(GraphError::DriveDenied
                .because("access rule `edits`: the caller, or the token's scopes, may read this item only"))
        }
    }
}
