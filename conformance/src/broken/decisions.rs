//! Broken connectors whose fault is a decision: the shipped policy with an entry wrong.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use connector::caller::{TenantId, UserId};
use connector::danger::Edges;
use connector::policy::Policy;
use connector::policy::bearer::NoBearer;
use connector::policy::cache::CacheKey;
use connector::policy::links::ForeignLink;
use connector::policy::refusals::AfterChallenge;
use connector::policy::scopes::Need;
use connector::refusal::{Code, Refusal};
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::Broken;

/// Any tenant that signs in is served.
pub const ANY_TENANT: Broken = Broken {
    name: "any-tenant",
    sentence: "Any tenant that signs in is served.",
    reference: Some("BingBang (Wiz, 2023)"),
    fault: || (Policy { admit_tenant: |_, _| Ok(()), ..Policy::STRICT }, Edges::default()),
};

/// Exchanged tokens are filed under the object id alone.
pub const CACHE_BY_OBJECT_ID: Broken = Broken {
    name: "cache-by-object-id",
    sentence: "Exchanged tokens are filed under the user's object id alone, which two tenants may share.",
    reference: None,
    fault: || {
        let policy = Policy {
            cache_key: |caller, scopes, claims| CacheKey {
                tenant: TenantId::of_claim("any"),
                client: String::new(),
                assertion: [0; 32],
                ..(Policy::STRICT.cache_key)(caller, scopes, claims)
            },
            cache_owner: |_, _| true,
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// Exchanged tokens are shared by everybody.
pub const CACHE_SHARED: Broken = Broken {
    name: "cache-shared",
    sentence: "One exchanged token is kept for everybody: whoever comes first lends it to the others.",
    reference: Some("Asana MCP exposure (2025): one customer's data in another's answers"),
    fault: || {
        let policy = Policy {
            cache_key: |caller, scopes, claims| CacheKey {
                tenant: TenantId::of_claim("any"),
                user: UserId::of_claim("any"),
                client: String::new(),
                assertion: [0; 32],
                ..(Policy::STRICT.cache_key)(caller, scopes, claims)
            },
            cache_owner: |_, _| true,
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// People are who their token calls them.
pub const CACHE_BY_ADDRESS: Broken = Broken {
    name: "cache-by-address",
    sentence: "Exchanged tokens are filed under the address that the token calls its user by, which the user's own administrator chooses.",
    reference: Some("nOAuth (Descope, 2023)"),
    fault: || {
        let policy = Policy {
            cache_key: |caller, scopes, claims| CacheKey {
                tenant: TenantId::of_claim("any"),
                user: UserId::of_claim(caller.address().unwrap_or_default()),
                client: String::new(),
                assertion: [0; 32],
                ..(Policy::STRICT.cache_key)(caller, scopes, claims)
            },
            cache_owner: |_, _| true,
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// An exchanged token is used until it expires by itself.
pub const CACHE_NEVER_EXPIRES: Broken = Broken {
    name: "cache-never-expires",
    sentence: "An exchanged token is used again for as long as it lives: a revocation acts an hour late.",
    reference: None,
    fault: || (Policy { usable_until: |lifetimes| lifetimes.token, ..Policy::STRICT }, Edges::default()),
};

/// The exchange is asked of `common`.
pub const COMMON_AUTHORITY: Broken = Broken {
    name: "common-authority",
    sentence: "The exchange is asked of `common` instead of the token's own tenant.",
    reference: None,
    fault: || (Policy { obo_authority: |_| "common".to_owned(), ..Policy::STRICT }, Edges::default()),
};

/// The exchange asks for everything that was ever consented.
pub const DEFAULT_SCOPES: Broken = Broken {
    name: "default-scopes",
    sentence: "The exchange asks for `.default`: the token carries every consented permission, writing ones too.",
    reference: None,
    fault: || {
        let policy = Policy {
            obo_scopes: |resource, _| vec![format!("{resource}/.default")],
            writing_scope: |_| None,
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// What a token can do is not looked at.
pub const TOKENS_NOT_LOOKED_AT: Broken = Broken {
    name: "tokens-not-looked-at",
    sentence: "A token that could write is used all the same, because nobody asked for that.",
    reference: None,
    fault: || (Policy { writing_scope: |_| None, ..Policy::STRICT }, Edges::default()),
};

/// Whatever Graph lets through is good enough.
pub const BASIC_IS_ENOUGH: Broken = Broken {
    name: "basic-is-enough",
    sentence: "Required permissions are not checked: what Graph lets through with Mail.ReadBasic is answered.",
    reference: None,
    fault: || {
        let policy = Policy {
            obo_scopes: |resource, _| vec![format!("{resource}/.default")],
            writing_scope: |_| None,
            missing_scope: |_, _, _| None,
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// Every tool asks for every tool's permissions.
pub const ONE_SCOPE_SET: Broken = Broken {
    name: "one-scope-set",
    sentence: "Every tool asks for every tool's permissions at once: one that is revoked takes the others down.",
    reference: None,
    fault: || {
        let policy = Policy {
            obo_scopes: |resource, _| {
                let resource = resource.trim_end_matches('/');
                ["User.Read", "Mail.Read"].iter().map(|scope| format!("{resource}/{scope}")).collect()
            },
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// Every tool is listed to everybody.
pub const LISTS_EVERYTHING: Broken = Broken {
    name: "lists-everything",
    sentence: "Tools are listed to people whose tenant has not granted what they need: a model tries them in vain.",
    reference: None,
    fault: || (Policy { tool_listed: |_| true, ..Policy::STRICT }, Edges::default()),
};

/// A refusal says nothing.
pub const REFUSAL_WITHOUT_A_REASON: Broken = Broken {
    name: "refusal-without-a-reason",
    sentence: "A missing permission is shown as nothing found.",
    reference: None,
    fault: || {
        let policy =
            Policy { exchange_refusal: |_, _| Refusal::new(Code::NotFound, "Nothing was found."), ..Policy::STRICT };
        (policy, Edges::default())
    },
};

/// What a policy asks for is kept from the client.
pub const CLAIMS_SWALLOWED: Broken = Broken {
    name: "claims-swallowed",
    sentence: "What a policy asks of the next sign-in is not passed on: people sign in again and again and never get through.",
    reference: None,
    fault: || {
        let policy = Policy {
            exchange_refusal: |failure, scopes| match &failure.claims {
                Some(_) => Refusal::new(Code::SignInRequired, "Sign in again."),
                None => (Policy::STRICT.exchange_refusal)(failure, scopes),
            },
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// SharePoint is searched with what Graph lets through.
pub const SITES_BY_ANOTHER_PERMISSION: Broken = Broken {
    name: "sites-by-another-permission",
    sentence: "SharePoint is searched with Files.Read.All, which Graph takes, too: revoking Sites.Read.All does not stop it.",
    reference: None,
    fault: || {
        let policy = Policy {
            required_scopes: |need| match need {
                Need::Sites => &["Files.Read.All"],
                other => (Policy::STRICT.required_scopes)(other),
            },
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// OneDrive is read with a permission for sites.
pub const FILES_BY_ANOTHER_PERMISSION: Broken = Broken {
    name: "files-by-another-permission",
    sentence: "OneDrive is read with Sites.Read.All, which Graph takes, too: revoking Files.Read does not stop it.",
    reference: None,
    fault: || {
        let policy = Policy {
            required_scopes: |need| match need {
                Need::OwnFiles | Need::SharedFiles => &["Sites.Read.All"],
                other => (Policy::STRICT.required_scopes)(other),
            },
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// Graph's token goes along to where the content of a file lies.
pub const TOKEN_ALONG_REDIRECT: Broken = Broken {
    name: "token-along-redirect",
    sentence: "Graph's token goes along when a redirect to the content of a file is followed.",
    reference: Some("CVE-2018-18074: requests sent Authorization along a redirect to another host"),
    fault: || {
        let policy = Policy {
            download_token: |token| HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).ok(),
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// Files are fetched from wherever a redirect leads.
pub const DOWNLOADS_FROM_ANYWHERE: Broken = Broken {
    name: "downloads-from-anywhere",
    sentence: "The content of a file is fetched from wherever a redirect leads.",
    reference: None,
    fault: || {
        let policy = Policy { follow_download: |link, _| link.parse().map_err(|_| ForeignLink), ..Policy::STRICT };
        (policy, Edges::default())
    },
};

/// A list goes on wherever it says.
pub const FOLLOWS_ANY_LINK: Broken = Broken {
    name: "follows-any-link",
    sentence: "A list is read on wherever its next link leads, with the token.",
    reference: None,
    fault: || {
        (Policy { follow_link: |link, _| link.parse().map_err(|_| ForeignLink), ..Policy::STRICT }, Edges::default())
    },
};

/// A refused token is tried and tried.
pub const CHALLENGE_LOOPED: Broken = Broken {
    name: "challenge-looped",
    sentence: "A token that Graph refuses is exchanged and tried again, and again.",
    reference: None,
    fault: || {
        let after_challenge = |times| if times < 6 { AfterChallenge::ExchangeAgain } else { AfterChallenge::GiveUp };
        (Policy { after_challenge, ..Policy::STRICT }, Edges::default())
    },
};

/// Tools that are switched off can be called.
pub const TOGGLES_IGNORED: Broken = Broken {
    name: "toggles-ignored",
    sentence: "Tools that are switched off can be called all the same.",
    reference: None,
    fault: || (Policy { tool_enabled: |_, _, _| true, ..Policy::STRICT }, Edges::default()),
};

/// A cursor works for anybody.
pub const CURSOR_UNBOUND: Broken = Broken {
    name: "cursor-unbound",
    sentence: "A cursor is a right: whoever holds it goes on where its maker stopped.",
    reference: None,
    fault: || (Policy { cursor_binding: |_, _| [0; 32], ..Policy::STRICT }, Edges::default()),
};

/// A cursor goes on with any question.
pub const CURSOR_FOR_ANY_QUESTION: Broken = Broken {
    name: "cursor-for-any-question",
    sentence: "A cursor is bound to its maker, not to the question: it goes on with another one.",
    reference: None,
    fault: || {
        let policy =
            Policy { cursor_binding: |caller, _| (Policy::STRICT.cursor_binding)(caller, &[0; 32]), ..Policy::STRICT };
        (policy, Edges::default())
    },
};

/// A cursor goes on for whoever asks the same.
pub const CURSOR_FOR_ANYBODY_ASKING_THE_SAME: Broken = Broken {
    name: "cursor-for-anybody",
    sentence: "A cursor is bound to the question, not to its maker: whoever asks the same goes on with it.",
    reference: None,
    fault: || (Policy { cursor_binding: |_, question| *question, ..Policy::STRICT }, Edges::default()),
};

/// A new sign-in rides on an old exchange.
pub const CACHE_IGNORES_ASSERTION: Broken = Broken {
    name: "cache-ignores-assertion",
    sentence: "Exchanged tokens are filed without the sign-in they came from: a new one rides on the old.",
    reference: None,
    fault: || {
        let policy = Policy {
            cache_key: |caller, scopes, claims| CacheKey {
                assertion: [0; 32],
                ..(Policy::STRICT.cache_key)(caller, scopes, claims)
            },
            cache_owner: |_, _| true,
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// One tool uses the token of another.
pub const CACHE_IGNORES_SCOPES: Broken = Broken {
    name: "cache-ignores-scopes",
    sentence: "Exchanged tokens are filed without their permissions: one tool uses the token of another.",
    reference: None,
    fault: || {
        let policy = Policy {
            cache_key: |caller, scopes, claims| CacheKey {
                scopes: Vec::new(),
                ..(Policy::STRICT.cache_key)(caller, scopes, claims)
            },
            missing_scope: |_, _, _| None,
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// Everybody's token is exchanged by one tenant.
pub const ONE_AUTHORITY: Broken = Broken {
    name: "one-authority",
    sentence: "Every exchange is asked of `organizations`: no tenant is named.",
    reference: None,
    fault: || (Policy { obo_authority: |_| "organizations".to_owned(), ..Policy::STRICT }, Edges::default()),
};

/// The exchange asks to be renewed without the user.
pub const KEEPS_REFRESH_TOKEN: Broken = Broken {
    name: "keeps-refresh-token",
    sentence: "The exchange asks for offline access: the connector could go on when the user is gone.",
    reference: None,
    fault: || {
        let policy = Policy {
            obo_scopes: |resource, required| {
                let mut scopes = (Policy::STRICT.obo_scopes)(resource, required);
                scopes.push("offline_access".to_owned());
                scopes
            },
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// Every exchange asks for a permission that its tool has no use for.
pub const MORE_THAN_NEEDED: Broken = Broken {
    name: "more-than-needed",
    sentence: "Each exchange asks for the calendars beside what is needed.",
    reference: None,
    fault: || {
        let policy = Policy {
            obo_scopes: |resource, required| {
                let mut scopes = (Policy::STRICT.obo_scopes)(resource, required);
                scopes.push(format!("{}/Calendars.Read", resource.trim_end_matches('/')));
                scopes
            },
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// Messages of chats are read with a permission that Graph takes, but the product does not name.
pub const CHATS_BY_ANOTHER_PERMISSION: Broken = Broken {
    name: "chats-by-another-permission",
    sentence: "Chats are read with whatever is granted, ChatMessage.Read alone too: revoking Chat.Read does not stop them.",
    reference: None,
    fault: || {
        let policy = Policy {
            required_scopes: |need| match need {
                Need::Chats => &["ChatMessage.Read"],
                other => (Policy::STRICT.required_scopes)(other),
            },
            obo_scopes: |resource, required| match required {
                ["ChatMessage.Read"] => vec![format!("{}/.default", resource.trim_end_matches('/'))],
                _ => (Policy::STRICT.obo_scopes)(resource, required),
            },
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// What a switched-off tool finds is read by address.
pub const TOGGLES_BY_NAME: Broken = Broken {
    name: "toggles-by-name",
    sentence: "A tool that is switched off cannot be called, but what it would find can be read by address.",
    reference: None,
    fault: || (Policy { reading_enabled: |_, _, _| true, ..Policy::STRICT }, Edges::default()),
};

/// Graph's own words about what is closed.
pub const TELLS_CLOSED_FROM_MISSING: Broken = Broken {
    name: "tells-closed-from-missing",
    sentence: "Graph's refusals are passed on: what is there and closed is told from what is not there.",
    reference: Some("CWE-204 (observable response discrepancy)"),
    fault: || {
        let policy = Policy {
            graph_refusal: |failure, subject| match failure.status {
                403 => Refusal::new(Code::Forbidden, format!("Access is denied ({}).", failure.code)),
                404 => Refusal::new(Code::NotFound, format!("Nothing is there ({}).", failure.code)),
                _ => (Policy::STRICT.graph_refusal)(failure, subject),
            },
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

/// Addresses of Graph are read as they come.
pub const READS_ANY_ADDRESS: Broken = Broken {
    name: "reads-any-address",
    sentence: "What begins like an address of Graph is fetched as it stands, with the user's token.",
    reference: Some("CWE-918: https://graph.microsoft.com@evil.example begins like it, too"),
    fault: || {
        let policy = Policy {
            read_address: |text, graph| Url::parse(text).ok().filter(|_| begins_like(text, graph)),
            ..Policy::STRICT
        };
        (policy, Edges::default())
    },
};

fn begins_like(text: &str, graph: &Url) -> bool {
    text.starts_with(graph.as_str().trim_end_matches('/')) || text.starts_with("https://graph.microsoft.com")
}

/// A token in the address or in a cookie.
pub const TOKEN_FROM_ANYWHERE: Broken = Broken {
    name: "token-from-anywhere",
    sentence: "A token is taken from the address, a cookie or a header of its own where there is no Authorization header.",
    reference: Some("RFC 6750, section 5.3; CWE-598"),
    fault: || (Policy { bearer: from_anywhere, ..Policy::STRICT }, Edges::default()),
};

fn from_anywhere(headers: &HeaderMap, query: Option<&str>) -> Result<SecretString, NoBearer> {
    (Policy::STRICT.bearer)(headers, query).or_else(|none| {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let cookies = text("cookie").split(';').map(str::trim);
        let mut pairs = query.unwrap_or_default().split('&').chain(cookies);
        let found = pairs.find_map(|pair| pair.strip_prefix("access_token="));
        let found = found.unwrap_or_else(|| text("x-access-token"));
        if found.is_empty() { Err(none) } else { Ok(found.into()) }
    })
}

/// A session that proves who somebody is.
pub const SESSION_IS_ENOUGH: Broken = Broken {
    name: "session-is-enough",
    sentence: "Whoever brings the cookie of a session that was signed in once needs no token any more.",
    reference: Some("MCP, security best practices: session hijacking"),
    fault: || (Policy { bearer: of_session, ..Policy::STRICT }, Edges::default()),
};

/// The tokens of sessions, by cookie.
static OF_SESSIONS: Mutex<BTreeMap<String, SecretString>> = Mutex::new(BTreeMap::new());

fn of_session(headers: &HeaderMap, query: Option<&str>) -> Result<SecretString, NoBearer> {
    let found = (Policy::STRICT.bearer)(headers, query);
    let Some(session) = headers.get("cookie").and_then(|value| value.to_str().ok()) else { return found };
    let mut known = OF_SESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    match found {
        Ok(token) => {
            known.insert(session.to_owned(), token.clone());
            Ok(token)
        }
        Err(none) => known.get(session).cloned().ok_or(none),
    }
}
