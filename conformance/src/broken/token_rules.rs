//! One broken connector for each rule of token validation: the shipped policy without that rule.

use std::sync::OnceLock;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connector::danger::Edges;
use connector::policy::Policy;
use connector::policy::token::{Expected, Presented, RULES, Rule};
use fixtures::Plan;
use fixtures::plan::SigningKey;

use super::Broken;
use crate::forge;

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

/// What everybody can read of the issuer's keys, in every form that somebody took for a secret.
static PUBLIC: OnceLock<Vec<Vec<u8>>> = OnceLock::new();

/// The algorithm is the one that the header names, over whatever bytes the key is.
fn as_the_header_says(token: &Presented, expected: &Expected) -> bool {
    if token.header.text("alg") != Some("HS256") {
        return RULES.iter().filter(|rule| rule.name == "signature").all(|rule| (rule.holds)(token, expected));
    }
    let public = PUBLIC.get_or_init(|| {
        let keys = Plan::embedded().map(|plan| plan.keys).unwrap_or_default();
        let forms = |key: &SigningKey| {
            [Some(key.certificate_pem.as_bytes().to_vec()), forge::certificate(key), forge::public_jwk(key)]
        };
        keys.iter().flat_map(forms).flatten().collect()
    });
    let Ok(tag) = URL_SAFE_NO_PAD.decode(&token.signature) else { return false };
    public.iter().any(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        hmac::verify(&key, token.signing_input.as_bytes(), &tag).is_ok()
    })
}

/// What everybody can read passes for a secret.
pub const PUBLIC_KEY_AS_SECRET: Broken = Broken {
    name: "public-key-as-secret",
    sentence: "The header chooses the algorithm, and the issuer's public key is taken for the secret of an HMAC.",
    reference: Some("CVE-2015-9235 (jsonwebtoken), CVE-2022-23541: RS/HS confusion"),
    fault: || {
        let (policy, edges) = without(&["algorithm"]);
        let rules = policy.token_rules.iter().map(|rule| match rule.name {
            "signature" => Rule { holds: as_the_header_says, ..*rule },
            _ => *rule,
        });
        (Policy { token_rules: Vec::leak(rules.collect()), ..policy }, edges)
    },
};

/// A GUID without what else may stand around one.
fn bare(tenant: &str) -> &str {
    tenant.trim_start_matches("urn:uuid:").trim_matches(['{', '}', ' '])
}

/// A tenant in another spelling is another tenant.
pub const TENANT_AS_SPELLED: Broken = Broken {
    name: "tenant-as-spelled",
    sentence: "A tenant that is kept out is compared as text: in another spelling it is nobody who is kept out.",
    reference: None,
    fault: || {
        let (policy, edges) = without(&["tenant-id"]);
        let policy = Policy {
            admit_tenant: |admission, caller| {
                let written = caller.tenant().as_str();
                if written == bare(written) { (Policy::STRICT.admit_tenant)(admission, caller) } else { Ok(()) }
            },
            obo_authority: |caller| bare(caller.tenant().as_str()).to_owned(),
            ..policy
        };
        (policy, edges)
    },
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
