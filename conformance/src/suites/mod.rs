//! Every check there is: scenario files, and code where a file would say it poorly. One folder for each suite, one file for each check.

mod delegated_permissions;
mod host;
mod read_only;
mod revocation;
mod tenant_isolation;

pub(crate) use revocation::blocked;

use crate::check::Check;
use crate::scenario::shipped;

/// The search that finds the mails which the checks are about, in either company.
const QUERY: &str = "Budget 2026";

/// The suites that are code, in the order of reports.
const CODE: &[(&str, &[&Check])] = &[
    ("tenant-isolation", tenant_isolation::CHECKS),
    ("delegated-permissions", delegated_permissions::CHECKS),
    ("revocation", revocation::CHECKS),
    ("read-only", read_only::CHECKS),
    ("host", host::CHECKS),
];

/// The names of the suites, in the order of reports.
pub const SUITES: &[&str] = &[
    "tenant-isolation",
    "delegated-permissions",
    "revocation",
    "read-only",
    "token-validation",
    "oauth-flow",
    "session-and-transport",
    "conditional-access",
    "data-handling",
    "host",
    "audit",
];

/// The checks of a suite: those in files, and those in code, by name.
pub fn of(suite: &str) -> Vec<&'static Check> {
    let code = CODE.iter().filter(|(name, _)| *name == suite).flat_map(|(_, checks)| checks.iter().copied());
    let files = shipped::all().iter().copied().filter(|check| check.suite() == suite);
    let mut checks: Vec<&'static Check> = code.chain(files).collect();
    checks.sort_by_key(|check| check.id);
    checks
}

/// Every check of every suite.
pub fn all() -> impl Iterator<Item = &'static Check> {
    SUITES.iter().flat_map(|suite| of(suite))
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}
