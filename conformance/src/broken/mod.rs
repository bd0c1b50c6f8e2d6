//! Our connector, wrong in one way at a time: what a check must notice to be trusted.
//!
//! Which checks must catch one is written at the checks; each fault shows to an outsider.

mod beside;
mod careless;
mod decisions;
mod edges;
mod host;
mod token_rules;

use connector::danger::Edges;
use connector::policy::Policy;

pub use beside::*;
pub use careless::*;
pub use decisions::*;
pub use edges::*;
pub use host::*;
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
    &KEYS_ONLY_ADDED,
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
    &CLAIMS_SWALLOWED,
    &SITES_BY_ANOTHER_PERMISSION,
    &FILES_BY_ANOTHER_PERMISSION,
    &TOKEN_ALONG_REDIRECT,
    &DOWNLOADS_FROM_ANYWHERE,
    &TOGGLES_IGNORED,
    &CURSOR_UNBOUND,
    // The assistant's back end.
    &HOST_ALWAYS_ON,
    &HOST_ANYBODY_SWITCHES,
    &HOST_ANY_ACCOUNT,
    &HOST_ANY_BROWSER,
    &HOST_COOKIE_IS_ENOUGH,
    &HOST_RESULTS_FOR_EVERYBODY,
    &HOST_RESULTS_OUTLIVE_THE_SWITCH,
    &HOST_CHATS_BY_ID,
    &HOST_SWITCHES_IGNORED,
    &HOST_NEVER_RENEWS,
    &HOST_SAYS_NOTHING,
    &HOST_KEEPS_TOKENS,
    &CURSOR_FOR_ANY_QUESTION,
    &CURSOR_FOR_ANYBODY_ASKING_THE_SAME,
    &CACHE_IGNORES_ASSERTION,
    &CACHE_IGNORES_SCOPES,
    &ONE_AUTHORITY,
    &KEEPS_REFRESH_TOKEN,
    &MORE_THAN_NEEDED,
    &CHATS_BY_ANOTHER_PERMISSION,
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
    // Beside.
    &SUBSCRIBES,
    &PROVISIONS_DRIVE,
    &MAKES_RULES,
    &MAKES_DRAFTS,
    &MAKES_EVENTS,
    &READS_THE_DIRECTORY,
    &REDEEMS_LINKS,
    &BATCHES_WRITES,
    &OVERRIDES_METHOD,
    &TOKEN_IN_ADDRESS,
    &ASKS_BETA,
    &READS_BY_POST,
    &EXPANDS_EVERYTHING,
    // The services behind it.
    &ISSUER_CODE_AGAIN,
    &ISSUER_CODE_FOREVER,
    &ISSUER_ANY_TENANT,
    &ISSUER_ANY_CLIENT,
    &ISSUER_NO_CHALLENGE,
    &ISSUER_ANY_VERIFIER,
    &ISSUER_ANY_REDIRECT,
    &ISSUER_REDIRECT_UNBOUND,
    &ISSUER_EXCHANGES_ANYTHING,
    &ISSUER_EXCHANGES_FOR_ANYBODY,
    &ISSUER_NO_CONSENT,
    &ISSUER_ANY_SECRET,
];

/// The one with this name.
pub fn find(name: &str) -> Option<&'static Broken> {
    ALL.iter().find(|broken| broken.name == name).copied()
}
