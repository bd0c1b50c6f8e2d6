//! Every question of trust, one field each: facts in, verdict out, no I/O.
//!
//! | question | field | answered in |
//! |---|---|---|
//! | is this token good? | `token_rules` | [`token`] |
//! | where in a request is the token? | `bearer` | [`bearer`] |
//! | may this tenant and person come in; may they use this tool, and read what it finds? | `admit_tenant`, `tool_enabled`, `reading_enabled` | `tenant` |
//! | which permissions must be granted, which are asked for, which is missing, which may not be there, what is listed without? | `required_scopes`, `obo_scopes`, `missing_scope`, `writing_scope`, `tool_listed` | [`scopes`] |
//! | which authority exchanges the token? | `obo_authority` | `authority` |
//! | who shares an exchanged token, whose is it, how long? | `cache_key`, `cache_owner`, `usable_until` | [`cache`] |
//! | what does a refused exchange, or a refusal by Graph, mean? | `exchange_refusal`, `graph_refusal` | [`refusals`] |
//! | is a challenge answered by another exchange? | `after_challenge` | [`refusals`] |
//! | may a link be followed with a token; may an address be read that is no `uri` of ours? | `follow_link`, `read_address` | [`links`] |
//! | may a file be fetched from here; does a token go there? | `follow_download`, `download_token` | [`links`] |
//! | everything that the host half decides | `host`: a table of its own | [`HostPolicy`] |
//! | whose is a cursor? | `cursor_binding` | `cursor` |
//! | whose metadata is it, and where may it lead the OAuth client? | `discovery`: a table of its own | [`discovery`] |
//! | how is a text that others wrote put into an answer? | `written` | [`markup`] |

mod authority;
pub mod bearer;
pub mod cache;
mod cursor;
pub mod discovery;
pub mod links;
pub mod markup;
pub mod members;
pub mod refusals;
pub mod scopes;
mod tenant;
pub mod token;

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use crate::caller::Caller;
use crate::host::HostPolicy;
use crate::refusal::Refusal;
use crate::resource_uri::ResourceUri;
use crate::server::admission::{Admission, Closed};
use bearer::NoBearer;
use cache::{CacheKey, Lifetimes, Owner};
use discovery::DiscoveryPolicy;
use links::{DownloadOrigin, ForeignLink};
use refusals::{AfterChallenge, ExchangeFailure, GraphFailure, Subject};
use scopes::{Grant, Need};
use token::Rule;

/// The decisions of a connector. [`Policy::STRICT`] is the one that ships.
#[derive(Clone, Copy)]
pub struct Policy {
    /// Which token does a request bring? Takes its headers and its query.
    pub bearer: fn(&HeaderMap, Option<&str>) -> Result<SecretString, NoBearer>,
    /// What must hold of every token.
    pub token_rules: &'static [Rule],
    /// May this tenant and person use the connector now?
    pub admit_tenant: fn(&dyn Admission, &Caller) -> Result<(), Closed>,
    /// May they use this tool now?
    pub tool_enabled: fn(&dyn Admission, &Caller, &str) -> bool,
    /// May they read what such a tool finds?
    pub reading_enabled: fn(&dyn Admission, &Caller, &ResourceUri) -> bool,
    /// Which Graph permissions must be granted?
    pub required_scopes: fn(Need) -> &'static [&'static str],
    /// Is a tool listed for somebody of whom this is known about each permission that it can work with?
    pub tool_listed: fn(&[Grant]) -> bool,
    /// Which scopes does the exchange ask for? Takes Graph's resource name and the required permissions.
    pub obo_scopes: fn(&str, &[&str]) -> Vec<String>,
    /// Which required permission does the exchanged token lack? Takes Graph's resource name, the required permissions and
    /// the `scope` of the answer.
    pub missing_scope: for<'s> fn(&str, &[&'s str], &str) -> Option<&'s str>,
    /// Which permission of these lets its holder change something? Takes the `scope` of the answer.
    pub writing_scope: for<'s> fn(&'s str) -> Option<&'s str>,
    /// First path segment of the token endpoint: whose authority exchanges this caller's token?
    pub obo_authority: fn(&Caller) -> String,
    /// Which callers share an exchanged token? Takes the scopes and the claims that a challenge asked for.
    pub cache_key: fn(&Caller, &[String], Option<&str>) -> CacheKey,
    /// Is a token that was found this caller's?
    pub cache_owner: fn(&Caller, &Owner) -> bool,
    /// Until when may an exchanged token be used again?
    pub usable_until: fn(&Lifetimes) -> Timestamp,
    /// What is the caller told when the exchange is refused?
    pub exchange_refusal: fn(&ExchangeFailure, &[&str]) -> Refusal,
    /// What is the caller told when Graph refuses?
    pub graph_refusal: fn(&GraphFailure, Subject) -> Refusal,
    /// Graph refused the exchanged token for the n-th time (from 1): exchange once more, or give up?
    pub after_challenge: fn(u32) -> AfterChallenge,
    /// May this link be followed with a token? Takes the link and Graph's address.
    pub follow_link: fn(&str, &Url) -> Result<Url, ForeignLink>,
    /// Is something that is no `uri` of ours read as an address? Takes the text and Graph's address.
    pub read_address: fn(&str, &Url) -> Option<Url>,
    /// May a file be fetched from where Graph redirects to? Takes the address and the origins that the configuration names.
    pub follow_download: fn(&str, &[DownloadOrigin]) -> Result<Url, ForeignLink>,
    /// What of Graph's token goes along to that address?
    pub download_token: fn(&SecretString) -> Option<HeaderValue>,
    /// What is a cursor bound to? Takes a digest of the question.
    pub cursor_binding: fn(&Caller, &[u8; 32]) -> [u8; 32],
    /// How is a text that others wrote put into an answer?
    pub written: fn(&str) -> Cow<'_, str>,
    /// The decisions of the OAuth client about what a server and its issuer say.
    pub discovery: DiscoveryPolicy,
    /// The decisions of the host half.
    pub host: HostPolicy,
}

impl Policy {
    /// The policy that ships.
    pub const STRICT: Self = Self {
        bearer: bearer::of,
        token_rules: token::RULES,
        admit_tenant: tenant::admit,
        tool_enabled: tenant::tool_enabled,
        reading_enabled: tenant::reading_enabled,
        required_scopes: scopes::required,
        tool_listed: scopes::is_listed,
        obo_scopes: scopes::requested,
        missing_scope: scopes::missing,
        writing_scope: scopes::writing,
        obo_authority: authority::of,
        cache_key: cache::key,
        cache_owner: cache::belongs,
        usable_until: cache::usable_until,
        exchange_refusal: refusals::of_exchange,
        graph_refusal: refusals::of_graph,
        after_challenge: refusals::after_challenge,
        follow_link: links::follow,
        read_address: |_, _| None,
        follow_download: links::download,
        download_token: links::download_token,
        cursor_binding: cursor::binding,
        written: markup::inert,
        discovery: DiscoveryPolicy::STRICT,
        host: HostPolicy::STRICT,
    };
}
