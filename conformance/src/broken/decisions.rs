//! Broken connectors whose fault is a decision: the shipped policy with an entry wrong.

use connector::caller::{TenantId, UserId};
use connector::danger::Edges;
use connector::policy::Policy;
use connector::policy::cache::CacheKey;
use connector::policy::links::ForeignLink;
use connector::policy::scopes::Need;
use connector::refusal::{Code, Refusal};
use http::HeaderValue;
use secrecy::ExposeSecret as _;

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
        let policy = Policy { obo_scopes: |resource, _| vec![format!("{resource}/.default")], ..Policy::STRICT };
        (policy, Edges::default())
    },
};

/// Whatever Graph lets through is good enough.
pub const BASIC_IS_ENOUGH: Broken = Broken {
    name: "basic-is-enough",
    sentence: "Required permissions are not checked: what Graph lets through with Mail.ReadBasic is answered.",
    reference: None,
    fault: || {
        let policy = Policy {
            obo_scopes: |resource, _| vec![format!("{resource}/.default")],
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
