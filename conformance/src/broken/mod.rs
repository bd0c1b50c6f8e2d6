//! Our connector, wrong in one way at a time: what a check must notice to be trusted.
//!
//! Which checks must catch one is written at the checks; each fault shows to an outsider.

mod beside;
mod careless;
mod decisions;
mod discovery;
mod documents;
mod edges;
mod front;
mod host;
mod lenient_rules;
mod log;
mod markup;
mod memory;
mod protocol;
mod token_rules;

use connector::danger::Edges;
use connector::policy::Policy;

pub use beside::*;
pub use careless::*;
pub use decisions::*;
pub use discovery::*;
pub use documents::*;
pub use edges::*;
pub use front::*;
pub use host::*;
pub use lenient_rules::*;
pub use log::*;
pub use markup::*;
pub use memory::*;
pub use protocol::*;
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
    &PUBLIC_KEY_AS_SECRET,
    &AUDIENCE_AMONG_OTHERS,
    &AUDIENCE_ALIKE,
    &AUDIENCE_IF_GIVEN,
    &SCOPE_BY_SUBSTRING,
    &ROLES_FOR_SCOPES,
    &SCOPES_NOT_ASKED,
    &TENANT_AS_SPELLED,
    &KEYS_ONLY_ADDED,
    // Decisions.
    &ANY_TENANT,
    &CACHE_BY_OBJECT_ID,
    &CACHE_SHARED,
    &CACHE_BY_ADDRESS,
    &CACHE_NEVER_EXPIRES,
    &COMMON_AUTHORITY,
    &DEFAULT_SCOPES,
    &TOKENS_NOT_LOOKED_AT,
    &BASIC_IS_ENOUGH,
    &ONE_SCOPE_SET,
    &LISTS_EVERYTHING,
    &REFUSAL_WITHOUT_A_REASON,
    &CLAIMS_SWALLOWED,
    &SITES_BY_ANOTHER_PERMISSION,
    &FILES_BY_ANOTHER_PERMISSION,
    &TOKEN_ALONG_REDIRECT,
    &DOWNLOADS_FROM_ANYWHERE,
    &FOLLOWS_ANY_LINK,
    &CHALLENGE_LOOPED,
    &TOGGLES_IGNORED,
    &TOGGLES_BY_NAME,
    &TELLS_CLOSED_FROM_MISSING,
    &READS_ANY_ADDRESS,
    &TOKEN_FROM_ANYWHERE,
    &SESSION_IS_ENOUGH,
    &CURSOR_UNBOUND,
    // The assistant's back end.
    &HOST_ALWAYS_ON,
    &HOST_ANYBODY_SWITCHES,
    &HOST_ANY_ACCOUNT,
    &HOST_ANY_BROWSER,
    &HOST_COOKIE_IS_ENOUGH,
    &HOST_SESSIONS_NEVER_END,
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
    &ANSWERS_BY_JOINED_KEY,
    &KEEPS_ANSWERS,
    &OWN_MAILBOX_INSTEAD,
    &STALE_WHEN_REFUSED,
    &PARTS_SWALLOWED,
    &TOKEN_IN_ANSWER,
    &WRITES_DOWN_SUCCESSES,
    &LOGS_TEXT_AS_IT_IS,
    &TOKEN_IN_LOG,
    &PICTURES_SURVIVE,
    &HTML_AS_MARKDOWN,
    // Discovery.
    &METADATA_OF_ANYBODY,
    &METADATA_LEADS_INSIDE,
    &OPENS_ANYTHING,
    // Memory.
    &POLICY_OUTLIVED,
    &DISABLED_FOR_EVER,
    &GUESTS_REFUSED_FOR_EVER,
    &ENDED_FOR_EVER,
    &KEEPS_FILES,
    &KEEPS_MESSAGES,
    &FIRST_KEY_ONLY,
    &KEEPS_LISTS,
    &ASKS_FOR_EVERY_KEY,
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
    &ARGUMENTS_JOINED_RAW,
    // In front.
    &SESSION_BY_ID,
    &ANSWERS_BY_MESSAGE_ID,
    &HEADERS_NOT_COMPARED,
    &ANY_ORIGIN,
    &BODIES_OF_ANY_SIZE,
    &BODIES_PUT_RIGHT,
    &CURSOR_UNSEALED,
    &HEARS_NO_WISH_TO_WAIT,
    &CLAIMS_FROM_CLIENT,
    // The protocol.
    &SILENT_CHALLENGE,
    &EMPTY_FOR_UNKNOWN,
    &LIST_IN_ANY_ORDER,
    &NO_RATE_LIMIT,
    // Documents.
    &TRUSTS_DECLARED_SIZES,
    &EXPANDS_ENTITIES,
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
    &ISSUER_ASSIGNED_ONCE,
    &ISSUER_ANY_GROUP,
    &ISSUER_DISABLED_APPS_LIVE,
    &ISSUER_BELIEVES_FORWARDED,
    &ISSUER_FAMILY_LIVES_ON,
    &ISSUER_ANYBODY_CONSENTS,
    &ISSUER_ANY_GRANT,
    &ISSUER_ANY_SECRET,
    &ISSUER_SESSIONS_OUTLIVE,
    &GRAPH_ONE_MAP,
    &GRAPH_ANY_MAILBOX,
    &GRAPH_ANY_CALENDAR,
    &GRAPH_ANY_CHAT,
    &GRAPH_WHOLE_HISTORY,
    &GRAPH_PRIVATE_CHANNELS,
    &GRAPH_PRIVATE_EVENTS,
    &GRAPH_SCOPE_IS_ENOUGH,
    &GRAPH_SHARED_FOR_EVER,
    &GRAPH_BLOCKS_NOTHING,
    &GRAPH_AUDIT_BY_NAME,
    &GRAPH_AUDIT_FOR_ANYBODY,
    &GRAPH_ANY_SCOPE,
    &GRAPH_HEARS_OF_NOTHING,
    &GRAPH_BELIEVES_ACTORS,
];

/// The one with this name.
pub fn find(name: &str) -> Option<&'static Broken> {
    ALL.iter().find(|broken| broken.name == name).copied()
}
