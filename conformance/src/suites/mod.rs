//! Every check there is, as explicit lists: one folder for each suite, one file for each check.

mod delegated_permissions;
mod read_only;
mod revocation;
mod tenant_isolation;
mod token_validation;

use crate::check::Check;

/// The search that finds the mails which the checks are about, in either company.
const QUERY: &str = "Budget 2026";

/// The suites, in the order of reports.
pub const SUITES: &[(&str, &[&Check])] = &[
    ("tenant-isolation", tenant_isolation::CHECKS),
    ("delegated-permissions", delegated_permissions::CHECKS),
    ("revocation", revocation::CHECKS),
    ("read-only", read_only::CHECKS),
    ("token-validation", token_validation::CHECKS),
];

/// Every check of every suite.
pub fn all() -> impl Iterator<Item = &'static Check> {
    SUITES.iter().flat_map(|(_, checks)| checks.iter().copied())
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}
