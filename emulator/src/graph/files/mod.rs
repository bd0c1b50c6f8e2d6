//! Files: drives, items by id and by path, content, sharing; sites, lists and pages.
//!
//! Every address of an item (`root`, `items/{id}`, `root:/{path}`, `items/{id}:/{path}`) works below every address of a drive, so the rows
//! are made by a macro: one line per thing that may be asked of an item.

pub(crate) mod download;
mod drives;
mod items;
mod lists;
mod locate;
pub(super) mod shape;
mod shares;
mod sites;
pub(crate) mod upload;
mod write;

use self::locate::{Home, Spot};
use super::effect::{WriteRoute, Writer};
use super::route::{Handler, Route, Under, Verb, Workload};

/// Reads files.
const READ: &[&str] = &[
    "Files.Read",
    "Files.Read.All",
    "Files.ReadWrite",
    "Files.ReadWrite.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
];
/// Reads one item: of a group's drive with the group's scopes, too.
const ITEM: &[&str] = &[
    "Files.Read",
    "Files.Read.All",
    "Files.ReadWrite",
    "Files.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
];
/// Reads a drive of one's own: what it is called, and how full it is.
const OWN_DRIVE: &[&str] = &[
    "Files.Read",
    "Files.Read.All",
    "Files.ReadWrite",
    "Files.ReadWrite.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "User.Read",
    "User.ReadWrite",
];
/// Reads what is another's.
const ALL: &[&str] = &["Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"];
/// Reads sites.
const SITES: &[&str] = &["Sites.Read.All", "Sites.ReadWrite.All"];
/// Follows a sharing link: documented with the scopes of writing.
const SHARES: &[&str] = &["Files.ReadWrite", "Files.ReadWrite.All", "Sites.ReadWrite.All"];
const COLUMNS: &[&str] = &["Sites.FullControl.All", "Sites.Manage.All", "Sites.Read.All", "Sites.ReadWrite.All"];

const fn row(under: Under, template: &'static str, own: &'static [&'static str], handler: Handler) -> Route {
    Route { verb: Verb::Get, under, template, own, others: ALL, workload: Workload::SharePoint, handler }
}

/// The rows below one address of a drive.
macro_rules! items {
    ($under:ident, $home:ident, $drive:literal) => {
        items!(@all $under, $home, $drive, [
            (Root, "/root", ""), (Item, "/items/{id}", ""), (RootPath, "/root:/{path}", ":"), (ItemPath, "/items/{id}:/{path}", ":"),
        ])
    };
    (@all $under:ident, $home:ident, $drive:literal, [$(($spot:ident, $at:literal, $colon:literal),)*]) => {
        &[
            row(Under::$under, concat!($drive, "/search(q='{text}')"), READ, |view, ask| items::search_drive(view, ask, Home::$home)),
            $(
                row(Under::$under, concat!($drive, $at), ITEM, |view, ask| items::read(view, ask, Home::$home, Spot::$spot)),
                row(Under::$under, concat!($drive, $at, $colon, "/children"), READ, |view, ask| items::children(view, ask, Home::$home, Spot::$spot)),
                row(Under::$under, concat!($drive, $at, $colon, "/content"), READ, |view, ask| items::content(view, ask, Home::$home, Spot::$spot)),
                row(Under::$under, concat!($drive, $at, $colon, "/search(q='{text}')"), READ, |view, ask| items::search(view, ask, Home::$home, Spot::$spot)),
                row(Under::$under, concat!($drive, $at, $colon, "/permissions"), READ, |view, ask| items::permissions(view, ask, Home::$home, Spot::$spot)),
                row(Under::$under, concat!($drive, $at, $colon, "/permissions/{id}"), READ, |view, ask| items::permission(view, ask, Home::$home, Spot::$spot)),
                row(Under::$under, concat!($drive, $at, $colon, "/versions"), READ, |view, ask| items::versions(view, ask, Home::$home, Spot::$spot)),
                row(Under::$under, concat!($drive, $at, $colon, "/thumbnails"), READ, |view, ask| items::thumbnails(view, ask, Home::$home, Spot::$spot)),
                row(Under::$under, concat!($drive, $at, $colon, "/listItem"), ITEM, |view, ask| lists::of_item(view, ask, Home::$home, Spot::$spot)),
            )*
        ]
    };
}

/// The rows, by what stands before an item.
pub(super) const ROUTES: &[&[Route]] = &[
    DRIVES,
    items!(Owner, Owner, "/drive"),
    items!(Root, Drive, "/drives/{id}"),
    items!(Root, Site, "/sites/{id}/drive"),
    items!(Root, SiteDrive, "/sites/{id}/drives/{id}"),
    items!(Root, SitePath, "/sites/{hostname}:/{path}:/drive"),
    items!(Root, Group, "/groups/{id}/drive"),
    items!(Owner, OwnerDrive, "/drives/{id}"),
    SITE_ROUTES,
];

/// Changes files of one's own.
const WRITE: &[&str] = &["Files.ReadWrite", "Files.ReadWrite.All", "Sites.ReadWrite.All"];
/// Changes what is another's.
const WRITE_ALL: &[&str] = &["Files.ReadWrite.All", "Sites.ReadWrite.All"];

const fn change(verb: Verb, under: Under, template: &'static str, handler: Writer) -> WriteRoute {
    WriteRoute { verb, under, template, own: WRITE, others: WRITE_ALL, workload: Workload::SharePoint, at: 0, handler }
}

/// The rows below one address of a drive that change something.
macro_rules! changes {
    ($under:ident, $home:ident, $drive:literal) => {
        changes!(@all $under, $home, $drive, [
            (Root, "/root", ""), (Item, "/items/{id}", ""), (RootPath, "/root:/{path}", ":"), (ItemPath, "/items/{id}:/{path}", ":"),
        ])
    };
    (@all $under:ident, $home:ident, $drive:literal, [$(($spot:ident, $at:literal, $colon:literal),)*]) => {
        &[$(
            change(Verb::Patch, Under::$under, concat!($drive, $at), |view, ask, _| write::update(view, ask, Home::$home, Spot::$spot)),
            change(Verb::Delete, Under::$under, concat!($drive, $at), |view, ask, _| write::delete(view, ask, Home::$home, Spot::$spot)),
            change(Verb::Put, Under::$under, concat!($drive, $at, $colon, "/content"), |view, ask, _| write::put(view, ask, Home::$home, Spot::$spot)),
            change(Verb::Post, Under::$under, concat!($drive, $at, $colon, "/children"), |view, ask, _| write::create(view, ask, Home::$home, Spot::$spot)),
            change(Verb::Post, Under::$under, concat!($drive, $at, $colon, "/createLink"), |view, ask, _| write::create_link(view, ask, Home::$home, Spot::$spot)),
            change(Verb::Post, Under::$under, concat!($drive, $at, $colon, "/invite"), |view, ask, _| write::invite(view, ask, Home::$home, Spot::$spot)),
            change(Verb::Post, Under::$under, concat!($drive, $at, $colon, "/createUploadSession"), |view, ask, _| write::open_session(view, ask, Home::$home, Spot::$spot)),
            change(Verb::Delete, Under::$under, concat!($drive, $at, $colon, "/permissions/{id}"), |view, ask, _| write::revoke(view, ask, Home::$home, Spot::$spot)),
        )*]
    };
}

/// The rows that change something, by what stands before an item.
pub(super) const WRITES: &[&[WriteRoute]] = &[
    OPEN,
    changes!(Owner, Owner, "/drive"),
    changes!(Root, Drive, "/drives/{id}"),
    changes!(Root, Site, "/sites/{id}/drive"),
    changes!(Root, Group, "/groups/{id}/drive"),
];

/// A read that writes, in some cases.
const fn opens(under: Under, template: &'static str, own: &'static [&'static str], handler: Writer) -> WriteRoute {
    WriteRoute { own, others: ALL, ..change(Verb::Get, under, template, handler) }
}

const OPEN: &[WriteRoute] = &[
    opens(Under::Owner, "/drive", OWN_DRIVE, drives::open),
    opens(Under::Root, "/shares/{id}", SHARES, shares::read),
    opens(Under::Root, "/shares/{id}/driveItem", SHARES, shares::item),
    opens(Under::Root, "/shares/{id}/root", SHARES, shares::item),
];

const DRIVES: &[Route] = &[
    // Before `/sites/{id}/…`: what stands after a colon is a path, whatever it is called.
    site("/sites/{hostname}:/{path}", sites::read_at),
    row(Under::Owner, "/drives", OWN_DRIVE, drives::list),
    row(Under::Owner, "/drives/{id}", READ, |view, ask| drives::read(view, ask, Home::OwnerDrive)),
    row(Under::Owner, "/drive/recent", READ, drives::recent),
    Route { own: ALL, ..row(Under::Owner, "/drive/sharedWithMe", ALL, drives::shared_with_me) },
    row(Under::Root, "/drives/{id}", READ, |view, ask| drives::read(view, ask, Home::Drive)),
    row(Under::Root, "/sites/{id}/drive", READ, |view, ask| drives::read(view, ask, Home::Site)),
    row(Under::Root, "/sites/{id}/drives", READ, drives::of_site),
    row(Under::Root, "/sites/{id}/drives/{id}", READ, |view, ask| drives::read(view, ask, Home::SiteDrive)),
    row(Under::Root, "/sites/{hostname}:/{path}:/drive", READ, |view, ask| drives::read(view, ask, Home::SitePath)),
    row(Under::Root, "/sites/{hostname}:/{path}:/drives", READ, drives::of_site_at),
    row(Under::Root, "/groups/{id}/drive", READ, |view, ask| drives::read(view, ask, Home::Group)),
    row(Under::Root, "/groups/{id}/drives", READ, drives::of_group),
    row(Under::Root, "/shares/{id}/driveItem/children", SHARES, shares::children),
    row(Under::Root, "/shares/{id}/driveItem/content", READ, shares::content),
];

const fn site(template: &'static str, handler: Handler) -> Route {
    Route { others: &[], ..row(Under::Root, template, SITES, handler) }
}

const SITE_ROUTES: &[Route] = &[
    site("/sites", sites::search),
    site("/sites/{hostname}:/{path}:/lists", lists::list_at),
    site("/sites/{id}", sites::read),
    site("/sites/{id}/sites", sites::children),
    site("/groups/{id}/sites/root", sites::of_group),
    Route { under: Under::Owner, ..site("/followedSites", sites::followed) },
    site("/sites/{id}/lists", lists::list),
    site("/sites/{id}/lists/{id}", lists::read),
    site("/sites/{id}/lists/{id}/items", lists::items),
    site("/sites/{id}/lists/{id}/items/{id}", lists::item),
    site("/sites/{id}/lists/{id}/items/{id}/fields", lists::fields),
    Route { own: COLUMNS, ..site("/sites/{id}/lists/{id}/columns", lists::columns) },
    site("/sites/{id}/lists/{id}/drive", lists::drive),
    site("/sites/{id}/pages", sites::pages),
    site("/sites/{id}/pages/microsoft.graph.sitePage", sites::site_pages),
    site("/sites/{id}/pages/{id}", sites::page),
    site("/sites/{id}/pages/{id}/microsoft.graph.sitePage", sites::site_page),
];
