//! Drives and sites as rows and files: as the plan has them. There is no writer for what was written or shared
//! since: what is read back says which are others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fixtures::plan::Tenant;

use super::Saving;
use crate::drive::Drives;
use crate::site::Site;
use crate::world::TenantWorld;

pub(super) fn write(saving: &Saving<'_>, tenant: &TenantWorld, rows: &mut Tenant) {
    if let Some(planned) = saving.plan.tenant(&tenant.name) {
        rows.files.clone_from(&planned.files);
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
