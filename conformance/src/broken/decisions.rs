//! Broken connectors whose fault is a decision: the shipped policy with an entry wrong.

use connector::caller::{TenantId, UserId};
use connector::danger::Edges;
use connector::policy::Policy;
use connector::policy::cache::CacheKey;
use connector::refusal::{Code, Refusal};

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
