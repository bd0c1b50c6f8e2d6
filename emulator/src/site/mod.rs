//! Sites: their groups, lists and pages. Their libraries are [drives](crate::drive).

use std::collections::BTreeMap;
use std::sync::Arc;

use fixtures::files::{self, Role};
use fixtures::ids::{GroupId, ListId, UniqueId};
use fixtures::plan::Tenant;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::drive::{Grantee, Web, grantees, host};
use crate::options::EPOCH;

/// One site.
#[derive(Debug, Clone)]
pub struct Site {
    /// The handle of fixture rows.
    pub name: String,
    /// Host, path and ids.
    pub web: Web,
    /// `displayName`.
    pub display_name: String,
    /// `description`.
    pub description: Option<String>,
    /// The Microsoft 365 group that it belongs to.
    pub group: Option<GroupId>,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// Owners, members, visitors: who has how much of everything that takes over the site's permissions.
    pub groups: [(Role, Vec<Grantee>); 3],
    /// Lists that are no libraries.
    pub lists: Vec<Arc<List>>,
    /// Pages, by name.
    pub pages: Vec<Arc<Page>>,
}

/// A list that is no library.
#[derive(Debug, Clone)]
pub struct List {
    /// `id`.
    pub id: ListId,
    /// `displayName`.
    pub name: String,
    /// Columns beyond `Title`.
    pub columns: Vec<String>,
    /// Columns with an index.
    pub indexed: Vec<String>,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// Items, by number.
    pub items: Vec<Arc<ListItem>>,
}

/// One item of a list.
#[derive(Debug, Clone)]
pub struct ListItem {
    /// `id`: its number in the list.
    pub number: u32,
    /// In its tag.
    pub unique: UniqueId,
    /// `createdDateTime`, and when it was changed last.
    pub created: Timestamp,
    /// Column → text.
    pub fields: BTreeMap<String, String>,
}

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    /// `id`.
    pub unique: UniqueId,
    /// `name`: a file name.
    pub name: String,
    /// `title`.
    pub title: String,
    /// `createdDateTime`, and when it was changed last.
    pub created: Timestamp,
    /// `innerHtml` of its text web parts.
    pub html: Vec<String>,
}

/// The sites of a tenant, by handle.
pub(crate) fn sites(tenant: &Tenant, shift: SignedDuration) -> BTreeMap<String, Arc<Site>> {
    tenant.files.sites.iter().map(|row| (row.name.clone(), Arc::new(Site::of(tenant, row, shift)))).collect()
}

impl Site {
    fn of(tenant: &Tenant, row: &files::Site, shift: SignedDuration) -> Self {
        let created = |days: i64| {
            let at = EPOCH - SignedDuration::from_hours(24 * days);
            at.checked_add(shift).unwrap_or(at)
        };
        let lists = tenant.files.lists.iter().filter(|list| list.site == row.name).map(|list| {
            let rows = tenant.files.list_items.iter().filter(|item| item.site == row.name && item.list == list.name);
            let items = (1_u32..).zip(rows).map(|(number, item)| {
                let unique = UniqueId::derived(&item.handle);
                let created = created(200 - i64::from(number % 100));
                Arc::new(ListItem { number, unique, created, fields: item.fields.clone() })
            });
            Arc::new(List {
                id: ListId::derived(&format!("{}/{}/{}", tenant.name, row.name, list.name)),
                name: list.name.clone(),
                columns: list.columns.clone(),
                indexed: list.indexed.clone(),
                created: created(300),
                items: items.collect(),
            })
        });
        let mut pages: Vec<_> = tenant
            .files
            .pages
            .iter()
            .filter(|page| page.site == row.name)
            .map(|page| {
                Arc::new(Page {
                    unique: UniqueId::derived(&page.handle),
                    name: page.name.clone(),
                    title: page.title.clone(),
                    created: created(100),
                    html: page.html.clone(),
                })
            })
            .collect();
        pages.sort_by(|left, right| left.name.cmp(&right.name));
        Self {
            name: row.name.clone(),
            web: Web::of(&tenant.name, host(tenant), &row.path),
            display_name: row.display_name.clone(),
            description: row.description.clone(),
            group: row.group.as_deref().and_then(|group| tenant.group(group)).map(|group| group.id(tenant)),
            created: created(400),
            groups: [
                (Role::Owner, grantees(tenant, &row.owners)),
                (Role::Write, grantees(tenant, &row.members)),
                (Role::Read, grantees(tenant, &row.visitors)),
            ],
            lists: lists.collect(),
            pages,
        }
    }

    /// A hash over everything in it.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut text = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        text(&self.web.full_id());
        for list in &self.lists {
            text(&list.name);
            for (column, value) in list.items.iter().flat_map(|item| &item.fields) {
                text(column);
                text(value);
            }
        }
        for page in &self.pages {
            text(&page.name);
            page.html.iter().for_each(|html| text(html));
        }
        hash.finalize().into()
    }
}
