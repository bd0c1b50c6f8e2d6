//! One broken connector for each rule of token validation: the shipped policy without that rule.

use connector::danger::Edges;
use connector::policy::Policy;
use connector::policy::token::{RULES, Rule};

use super::Broken;

/// The shipped rules but some. The list is as long as the program lives; there is one for each rule.
fn without(names: &[&str]) -> (Policy, Edges) {
    let kept: Vec<Rule> = RULES.iter().copied().filter(|rule| !names.contains(&rule.name)).collect();
    (Policy { token_rules: Vec::leak(kept), ..Policy::STRICT }, Edges::default())
}

macro_rules! left_out {
    ($(($constant:ident, $rule:literal, $sentence:literal, $reference:expr)),* $(,)?) => {
        $(
            #[doc = $sentence]
            pub const $constant: Broken = Broken {
                name: concat!("no-", $rule),
                sentence: $sentence,
                reference: $reference,
                fault: || without(&[$rule]),
            };
        )*

        /// The rules that have a broken connector.
        pub const LEFT_OUT: &[&str] = &[$($rule),*];
    };
}

left_out![
    (
        NO_UNIQUE_CLAIMS,
        "unique-claims",
        "A claim may be given twice; whoever reads the other one sees another tenant.",
        None
    ),
    (NO_ALGORITHM, "algorithm", "The header may name any signature algorithm.", Some("CVE-2015-9235 (jsonwebtoken)")),
    (NO_TYPE, "type", "Any kind of JSON Web Token passes for an access token.", Some("RFC 8725, section 3.11")),
    (
        NO_CRITICAL_HEADER,
        "critical-header",
        "Extensions that must be understood are ignored.",
        Some("RFC 7515, section 4.1.11")
    ),
    (NO_SIGNATURE, "signature", "Signatures are not verified.", Some("CVE-2025-55241 (unsigned actor tokens)")),
    (NO_KEY_ISSUER, "key-issuer", "Any key of the key set may sign for any tenant.", Some("Storm-0558 (2023)")),
    (NO_ISSUER, "issuer", "The issuer need not be the authority of the tenant.", Some("CVE-2025-55241")),
    (NO_TENANT_ID, "tenant-id", "A tenant need not be a GUID.", None),
    (NO_WORK_ACCOUNT, "work-account", "Personal Microsoft accounts pass for a tenant.", None),
    (NO_AUDIENCE, "audience", "Tokens for other audiences are accepted.", Some("RFC 9068, section 4; confused deputy")),
    (NO_VERSION, "version", "Tokens of any version are accepted.", None),
    (NO_EXPIRY, "expiry", "Expired tokens are accepted.", None),
    (NO_NOT_BEFORE, "not-before", "Tokens that are not valid yet are accepted.", None),
    (NO_DELEGATED, "delegated", "An application's own token passes for a user's.", None),
    (NO_SCOPE, "scope", "The permission to call the server is not asked for.", None),
    (NO_CLIENT, "client", "Any application may call.", None),
    (NO_IDENTITY, "identity", "A token need not name a user by object id.", Some("nOAuth (Descope, 2023)")),
];

/// A token that is not signed needs no signature.
pub const UNSIGNED_PASSES: Broken = Broken {
    name: "unsigned-passes",
    sentence: "A header that says `none` is believed: such a token needs no signature.",
    reference: Some("CVE-2015-9235 and many after it; RFC 8725, section 2.1"),
    fault: || without(&["algorithm", "signature", "key-issuer"]),
};

/// A token brings the key that verifies it.
pub const TOKEN_BRINGS_KEY: Broken = Broken {
    name: "token-brings-key",
    sentence: "The key that the token names or brings along is taken, whoever it belongs to.",
    reference: Some("CVE-2018-0114 (node-jose: embedded jwk)"),
    fault: || without(&["signature", "key-issuer"]),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_broken_connector() {
        let rules: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        let mut left_out = LEFT_OUT.to_vec();
        left_out.sort_unstable();
        let mut sorted = rules.clone();
        sorted.sort_unstable();
        assert_eq!(left_out, sorted);
        for rule in rules {
            assert_eq!(without(&[rule]).0.token_rules.len(), RULES.len() - 1, "{rule}");
        }
    }
}
