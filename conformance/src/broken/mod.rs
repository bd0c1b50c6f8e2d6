//! Our connector, wrong in one way at a time: what a check must notice to be trusted.
//!
//! Which checks must catch one is written at the checks; each fault shows to an outsider.

mod decisions;
mod edges;
mod token_rules;

use connector::danger::Edges;
use connector::policy::Policy;

pub use decisions::*;
pub use edges::*;
pub use token_rules::*;

/// A connector with one deliberate fault.
pub struct Broken {
    /// Short name, for the command line and reports.
    pub name: &'static str,
    /// What it does wrong.
    pub sentence: &'static str,
    /// Where it happened in the world, if it did.
    pub reference: Option<&'static str>,
    /// The fault.
    pub fault: fn() -> (Policy, Edges),
}

impl std::fmt::Debug for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Broken").field(&self.name).finish()
    }
}

/// Every broken connector.
pub const ALL: &[&Broken] = &[
    // Token validation, one rule left out each.
    &NO_UNIQUE_CLAIMS,
    &NO_ALGORITHM,
    &NO_TYPE,
    &NO_CRITICAL_HEADER,
    &NO_SIGNATURE,
    &NO_KEY_ISSUER,
    &NO_ISSUER,
    &NO_TENANT_ID,
    &NO_WORK_ACCOUNT,
    &NO_AUDIENCE,
    &NO_VERSION,
    &NO_EXPIRY,
    &NO_NOT_BEFORE,
    &NO_DELEGATED,
    &NO_SCOPE,
    &NO_CLIENT,
    &NO_IDENTITY,
    &UNSIGNED_PASSES,
    &TOKEN_BRINGS_KEY,
    // Decisions.
    &ANY_TENANT,
    &CACHE_BY_OBJECT_ID,
    &CACHE_SHARED,
    &CACHE_NEVER_EXPIRES,
    &COMMON_AUTHORITY,
    &DEFAULT_SCOPES,
    &BASIC_IS_ENOUGH,
    &ONE_SCOPE_SET,
    &LISTS_EVERYTHING,
    &REFUSAL_WITHOUT_A_REASON,
    &TOGGLES_IGNORED,
    &CURSOR_UNBOUND,
    // Edges.
    &MARKS_AS_READ,
    &SENDS_MAIL,
    &REALLY_MARKS_AS_READ,
    &REALLY_SENDS_MAIL,
    &APP_ONLY_FALLBACK,
    &ANSWERS_BY_ADDRESS,
    &KEEPS_ANSWERS,
    &OWN_MAILBOX_INSTEAD,
    &TOKEN_IN_ANSWER,
];

/// The one with this name.
pub fn find(name: &str) -> Option<&'static Broken> {
    ALL.iter().find(|broken| broken.name == name).copied()
}
