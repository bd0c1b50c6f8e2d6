//! Which drive and which item an address names.

use std::sync::Arc;

use crate::drive::Item;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::route::Ask;
use crate::graph::view::{DriveView, SiteView, View};

/// What stands before an item and names its drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// `/me/drive`, `/users/{id}/drive`.
    Owner,
    /// `/drives/{id}`.
    Drive,
    /// `/me/drives/{id}`.
    OwnerDrive,
    /// `/sites/{id}/drive`.
    Site,
    /// `/sites/{id}/drives/{id}`.
    SiteDrive,
    /// `/sites/{hostname}:/{path}:/drive`.
    SitePath,
    /// `/groups/{id}/drive`.
    Group,
}

/// How an item is named in its drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// `root`.
    Root,
    /// `items/{id}`.
    Item,
    /// `root:/{path}`.
    RootPath,
    /// `items/{id}:/{path}`.
    ItemPath,
}

impl Home {
    /// How many keys of the path it takes.
    pub(super) const fn keys(self) -> usize {
        match self {
            Self::Owner => 0,
            Self::Drive | Self::OwnerDrive | Self::Site | Self::Group => 1,
            Self::SiteDrive | Self::SitePath => 2,
        }
    }
}

impl Spot {
    /// How many keys of the path it takes.
    pub(super) const fn keys(self) -> usize {
        match self {
            Self::Root => 0,
            Self::Item | Self::RootPath => 1,
            Self::ItemPath => 2,
        }
    }
}

/// The drive that an address names.
pub(super) fn drive<'a>(view: &View<'a>, ask: &Ask<'_>, home: Home) -> Result<DriveView<'a>, Refusal> {
    match home {
        Home::Owner => view.drive_of(&ask.owner),
        Home::Drive => view.drive(ask.key(0)),
        Home::OwnerDrive => {
            let drive = view.drive(ask.key(0))?;
            let own = view.onedrive(&ask.owner)?;
            let unseen = || GraphError::DriveItemNotFound.because("this drive is another's than the path names");
            (drive.drive().id == own.id).then_some(drive).ok_or_else(unseen)
        }
        Home::Site => library(view, &view.site(ask.key(0))?, None),
        Home::SiteDrive => library(view, &view.site(ask.key(0))?, Some(ask.key(1))),
        Home::SitePath => library(view, &view.site_at(ask.key(0), ask.key(1))?, None),
        Home::Group => library(view, &view.site_of_group(ask.key(0))?, None),
    }
}

/// A library of a site; `Documents` when none is named.
fn library<'a>(view: &View<'a>, site: &SiteView<'_>, id: Option<&str>) -> Result<DriveView<'a>, Refusal> {
    let mut all = view.libraries(site).into_iter();
    let found = match id {
        Some(id) => all.find(|drive| drive.drive().id == id),
        None => all.next(),
    };
    found.ok_or_else(|| GraphError::DriveItemNotFound.because("this site shows no such library to the caller"))
}

/// The item that an address names.
pub(super) fn item<'a>(
    view: &View<'a>,
    ask: &Ask<'_>,
    home: Home,
    spot: Spot,
) -> Result<(DriveView<'a>, &'a Arc<Item>), Refusal> {
    let drive = drive(view, ask, home)?;
    let at = home.keys();
    let item = match spot {
        Spot::Root => drive.root(),
        Spot::Item if ask.key(at).eq_ignore_ascii_case("root") => drive.root(),
        // Kiota's clients put a whole path into the key: `items/root%3A%2FReports%3A`.
        Spot::Item if ask.key(at).starts_with("root:") => {
            drive.below(None, ask.key(at).trim_start_matches("root:").trim_end_matches(':'))
        }
        Spot::Item => drive.item(ask.key(at)),
        Spot::RootPath => drive.below(None, ask.key(at)),
        Spot::ItemPath if ask.key(at).eq_ignore_ascii_case("root") => drive.below(None, ask.key(at + 1)),
        Spot::ItemPath => drive.below(Some(ask.key(at)), ask.key(at + 1)),
    }?;
    Ok((drive, item))
}
