//! Broken connectors whose token validation asks every question and is content with too little: what a library's defaults, a comparison of
//! texts or a short cut let through. Each is narrower than the rule left out.

use connector::danger::Edges;
use connector::policy::Policy;
use connector::policy::token::{Expected, Presented, RULES, Rule};
use serde_json::Value;

use super::Broken;

type Holds = fn(&Presented, &Expected) -> bool;

/// The shipped rules, some of them asked in another way.
fn asked(otherwise: &[(&str, Holds)]) -> (Policy, Edges) {
    let rules = RULES.iter().map(|rule| match otherwise.iter().find(|(name, _)| *name == rule.name) {
        Some((_, holds)) => Rule { holds: *holds, ..*rule },
        None => *rule,
    });
    (Policy { token_rules: Vec::leak(rules.collect()), ..Policy::STRICT }, Edges::default())
}

fn shipped(name: &str, token: &Presented, expected: &Expected) -> bool {
    RULES.iter().filter(|rule| rule.name == name).all(|rule| (rule.holds)(token, expected))
}

/// One audience of several is enough.
pub const AUDIENCE_AMONG_OTHERS: Broken = Broken {
    name: "audience-among-others",
    sentence: "A token for several audiences is accepted if one of them is this server.",
    reference: Some("RFC 9068, section 4: any-match, the default of many libraries"),
    fault: || {
        asked(&[("audience", |token, expected| match token.claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(expected.client_id.as_str())),
            _ => shipped("audience", token, expected),
        })])
    },
};

/// An audience that reads like ours is ours.
pub const AUDIENCE_ALIKE: Broken = Broken {
    name: "audience-alike",
    sentence: "The audience is compared by what it contains, in capitals or not.",
    reference: Some("CWE-187: partial string comparison"),
    fault: || {
        asked(&[("audience", |token, expected| {
            let audience = token.claims.text("aud").unwrap_or_default().to_lowercase();
            audience.contains(&expected.client_id.to_lowercase())
        })])
    },
};

/// What is not there is not wrong.
pub const AUDIENCE_IF_GIVEN: Broken = Broken {
    name: "audience-if-given",
    sentence: "The audience is compared where there is one that is text; a token without passes.",
    reference: Some("jsonwebtoken: `set_audience` without `required_spec_claims`"),
    fault: || {
        asked(&[("audience", |token, expected| {
            token.claims.text("aud").is_none() || shipped("audience", token, expected)
        })])
    },
};

/// A permission whose name holds ours.
pub const SCOPE_BY_SUBSTRING: Broken = Broken {
    name: "scope-by-substring",
    sentence: "The permission to call the server is looked for as a piece of text.",
    reference: Some("CWE-187: partial string comparison"),
    fault: || {
        asked(&[("scope", |token, expected| {
            token.claims.text("scp").is_some_and(|scopes| scopes.contains(expected.scope.as_str()))
        })])
    },
};

/// A role of an application stands for a permission of a user.
pub const ROLES_FOR_SCOPES: Broken = Broken {
    name: "roles-for-scopes",
    sentence: "Where a token has no `scp`, its `roles` pass for it, and its application for a user.",
    reference: Some("https://learn.microsoft.com/entra/identity-platform/claims-validation"),
    fault: || {
        asked(&[
            ("delegated", |_, _| true),
            ("identity", |token, _| token.claims.text("oid").is_some()),
            ("scope", |token, expected| {
                let roles = token.claims.get("roles").and_then(Value::as_array);
                let by_role = roles.is_some_and(|roles| roles.iter().any(|role| role == expected.scope.as_str()));
                by_role || shipped("scope", token, expected)
            }),
        ])
    },
};

/// Signature, issuer, audience and expiry, and no more.
pub const SCOPES_NOT_ASKED: Broken = Broken {
    name: "scopes-not-asked",
    sentence: "Signature, issuer, audience and times are all that is asked of a token: one that was made to say who somebody is opens everything.",
    reference: Some("RFC 8725, section 2.8: cross-JWT confusion"),
    fault: || asked(&[("delegated", |_, _| true), ("identity", |_, _| true), ("scope", |_, _| true)]),
};
