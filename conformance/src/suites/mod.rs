//! Every check there is: scenario files, and code where a file would say it poorly. One folder for each suite, one file for each check.

mod data_handling;
mod delegated_permissions;
mod host;
mod oauth_flow;
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
    ("oauth-flow", oauth_flow::CHECKS),
    ("data-handling", data_handling::CHECKS),
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

/// The random histories that `check --deep` plays at least, and the calls that it makes in them.
pub const DEEP_HISTORIES: u64 = 10_000;
/// See [`DEEP_HISTORIES`].
pub const DEEP_CALLS: u64 = 10_000;

/// A check that draws at random, as a thorough run asks it.
#[derive(Debug, Clone, Copy)]
pub struct Drawing {
    /// The check.
    pub check: &'static Check,
    /// How often, each time with another seed.
    pub runs: u64,
    /// Histories in one run.
    pub histories: u64,
}

/// What `check --deep` asks again and again.
pub fn deep() -> Vec<Drawing> {
    let drawing = |(id, runs, histories)| Some(Drawing { check: find(id)?, runs, histories });
    let all = [
        ("revocation/histories", DEEP_HISTORIES.div_ceil(revocation::HISTORIES), revocation::HISTORIES),
        ("tenant-isolation/random-histories", 100, 1),
    ];
    all.into_iter().filter_map(drawing).collect()
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}
