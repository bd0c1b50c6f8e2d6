//! Is this token good? A list of named rules, each of which refuses one kind of wrong token
//! (<https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens>,
//! <https://learn.microsoft.com/entra/identity-platform/claims-validation>).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use url::Url;
use uuid::Uuid;

use super::members::Members;

/// The largest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;

/// By how much the issuer's clock may differ from ours.
pub const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// The tenant of all personal Microsoft accounts.
pub const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A public key of the authority.
#[derive(Clone)]
pub struct SigningKey {
    /// The key.
    pub key: DecodingKey,
    /// The key's own `issuer` member: a concrete issuer, or one with `{tenantid}` in it. Says for whom the key may sign.
    pub issuer: Option<String>,
}

/// A token taken apart. Nothing in it is believed yet.
#[derive(Clone)]
pub struct Presented {
    /// The JOSE header.
    pub header: Members,
    /// The claims.
    pub claims: Members,
    /// What the signature is over.
    pub signing_input: String,
    /// The signature, in base64url.
    pub signature: String,
    /// The authority's key of the token's `kid`, if it has one.
    pub key: Option<SigningKey>,
}

/// What a token has to match.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The authority's address without a tenant.
    pub login: Url,
    /// Application id of this server.
    pub client_id: String,
    /// The scope that lets a client call this server.
    pub scope: String,
    /// Applications that may call this server.
    pub clients: BTreeSet<String>,
    /// The time.
    pub now: Timestamp,
}

/// How a refused token is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 401 `invalid_token`.
    InvalidToken,
    /// 403 `insufficient_scope`.
    InsufficientScope,
    /// 403 `delegated_token_required`: the token is good, and another one of the same kind would be no better. To clients it is a scope
    /// that is missing (<https://www.rfc-editor.org/rfc/rfc6750#section-3.1>); a 401 would send them to fetch the same token again.
    DelegatedRequired,
}

/// One thing that must hold of every token.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Short name, for reports.
    pub name: &'static str,
    /// What a token that breaks the rule is told.
    pub says: &'static str,
    /// How it is answered.
    pub answer: Answer,
    /// Whether the rule holds.
    pub holds: fn(&Presented, &Expected) -> bool,
}

/// The token cannot be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not a signed JSON Web Token")]
pub struct Malformed;

const fn rule(name: &'static str, says: &'static str, holds: fn(&Presented, &Expected) -> bool) -> Rule {
    Rule { name, says, answer: Answer::InvalidToken, holds }
}

/// Every rule, cheapest first.
pub const RULES: &[Rule] = &[
    rule("unique-claims", "a name occurs twice", unique_claims),
    rule("algorithm", "it is not signed with RS256", algorithm),
    rule("type", "it is not of the type JWT", kind),
    rule("critical-header", "it names critical extensions", critical_header),
    rule("signature", "its signature is not by a key of the authority", signature),
    rule("key-issuer", "its key may not sign for its issuer", key_issuer),
    rule("issuer", "its issuer is not the authority of its tenant", issuer),
    rule("tenant-id", "its tenant is not a GUID in lower case", tenant_id),
    rule("work-account", "personal Microsoft accounts are not served", work_account),
    rule("audience", "it is meant for another audience", audience),
    rule("version", "it is not of version 2.0", version),
    rule("expiry", "it has expired", expiry),
    rule("not-before", "it is not valid yet", not_before),
    Rule {
        name: "delegated",
        says: "it does not speak for a signed-in user",
        answer: Answer::DelegatedRequired,
        holds: delegated,
    },
    rule("client", "its application may not call this server", client),
    rule("identity", "it does not name a user", identity),
    Rule {
        name: "scope",
        says: "the permission to call this server is missing",
        answer: Answer::InsufficientScope,
        holds: scope,
    },
];

/// Takes a token apart. Nothing is checked but its form.
pub fn parse(token: &str) -> Result<Presented, Malformed> {
    if token.len() > MAX_TOKEN {
        return Err(Malformed);
    }
    let (signing_input, signature) = token.rsplit_once('.').ok_or(Malformed)?;
    let (header, claims) = signing_input.split_once('.').ok_or(Malformed)?;
    Ok(Presented {
        header: members(header)?,
        claims: members(claims)?,
        signing_input: signing_input.to_owned(),
        signature: signature.to_owned(),
        key: None,
    })
}

/// The first of `rules` that the token breaks.
pub fn broken_rule<'r>(rules: &'r [Rule], token: &Presented, expected: &Expected) -> Option<&'r Rule> {
    rules.iter().find(|rule| !(rule.holds)(token, expected))
}

fn members(base64: &str) -> Result<Members, Malformed> {
    let json = URL_SAFE_NO_PAD.decode(base64).map_err(|_| Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Malformed)
}

fn unique_claims(token: &Presented, _: &Expected) -> bool {
    token.header.are_unique() && token.claims.are_unique()
}

fn algorithm(token: &Presented, _: &Expected) -> bool {
    token.header.text("alg") == Some("RS256")
}

fn kind(token: &Presented, _: &Expected) -> bool {
    token.header.text("typ").is_some_and(|kind| kind.eq_ignore_ascii_case("JWT"))
}

fn critical_header(token: &Presented, _: &Expected) -> bool {
    token.header.get("crit").is_none() && token.header.get("b64").is_none()
}

/// Always as RS256: what the header says of its own algorithm chooses nothing.
fn signature(token: &Presented, _: &Expected) -> bool {
    let Some(key) = &token.key else { return false };
    crypto::verify(&token.signature, token.signing_input.as_bytes(), &key.key, Algorithm::RS256).unwrap_or(false)
}

/// <https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signing-key-issuer>: without this a key of
/// one cloud or of the personal accounts would vouch for any organization.
fn key_issuer(token: &Presented, _: &Expected) -> bool {
    let Some(issuer) = token.key.as_ref().and_then(|key| key.issuer.as_deref()) else { return false };
    let Some(iss) = token.claims.text("iss") else { return false };
    match issuer.split_once("{tenantid}") {
        // Which tenant it is for is the question of `issuer`.
        Some((before, after)) => iss.strip_prefix(before).is_some_and(|rest| rest.ends_with(after)),
        None => iss == issuer,
    }
}

fn issuer(token: &Presented, expected: &Expected) -> bool {
    let (Some(iss), Some(tid)) = (token.claims.text("iss"), token.claims.text("tid")) else { return false };
    iss == format!("{}/{tid}/v2.0", expected.login.as_str().trim_end_matches('/'))
}

/// In lower case, as the authority writes it: a tenant has one spelling.
fn tenant_id(token: &Presented, _: &Expected) -> bool {
    let tid = token.claims.text("tid");
    is_guid(tid) && tid.is_some_and(|tid| !tid.contains(|c: char| c.is_ascii_uppercase()))
}

fn work_account(token: &Presented, _: &Expected) -> bool {
    token.claims.text("tid").is_none_or(|tid| !tid.eq_ignore_ascii_case(PERSONAL_ACCOUNTS))
}

fn audience(token: &Presented, expected: &Expected) -> bool {
    token.claims.text("aud") == Some(expected.client_id.as_str())
}

fn version(token: &Presented, _: &Expected) -> bool {
    token.claims.text("ver") == Some("2.0")
}

fn expiry(token: &Presented, expected: &Expected) -> bool {
    token.claims.instant("exp").is_some_and(|exp| expected.now < exp.saturating_add(LEEWAY).unwrap_or(exp))
}

fn not_before(token: &Presented, expected: &Expected) -> bool {
    token.claims.instant("nbf").is_some_and(|nbf| nbf <= expected.now.saturating_add(LEEWAY).unwrap_or(expected.now))
}

/// `idtyp` is the most accurate sign of an app-only token, and is not always there; `roles` without `scp` is one, too
/// (<https://learn.microsoft.com/entra/identity-platform/optional-claims-reference>).
fn delegated(token: &Presented, _: &Expected) -> bool {
    let speaks_for_user = token.claims.get("idtyp").is_none_or(|kind| kind == "user");
    speaks_for_user && (has_scopes(token) || token.claims.get("roles").is_none())
}

/// `scp` is there only for users, and not in ID tokens.
fn has_scopes(token: &Presented) -> bool {
    token.claims.text("scp").is_some_and(|scopes| !scopes.trim().is_empty())
}

fn scope(token: &Presented, expected: &Expected) -> bool {
    token.claims.text("scp").is_some_and(|scopes| scopes.split(' ').any(|scope| scope == expected.scope))
}

fn client(token: &Presented, expected: &Expected) -> bool {
    token.claims.text("azp").is_some_and(|azp| expected.clients.iter().any(|known| known.eq_ignore_ascii_case(azp)))
}

fn identity(token: &Presented, _: &Expected) -> bool {
    is_guid(token.claims.text("oid")) && has_scopes(token)
}

/// The hyphenated form only: braces, `urn:` and bare digits are other texts, not other spellings.
fn is_guid(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.len() == 36 && Uuid::try_parse(text).is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn presented(header: &str, claims: &str) -> Result<Presented, Malformed> {
        parse(&format!("{}.{}.x", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)))
    }

    fn expected() -> Expected {
        Expected {
            login: Url::parse("https://login.microsoftonline.com").unwrap(),
            client_id: "server".to_owned(),
            scope: "access_as_user".to_owned(),
            clients: BTreeSet::from(["client".to_owned()]),
            now: Timestamp::from_second(1000).unwrap(),
        }
    }

    #[test]
    fn names_are_the_rules_own() {
        let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn the_leeway_ends_after_a_minute() {
        let expected = expected();
        for (exp, nbf, good) in [(941, 1060, true), (940, 1060, false), (941, 1061, false)] {
            let token = presented("{}", &format!(r#"{{"exp":{exp},"nbf":{nbf}}}"#)).unwrap();
            assert_eq!(expiry(&token, &expected) && not_before(&token, &expected), good, "{exp} {nbf}");
        }
    }

    #[test]
    fn an_issuer_is_matched_whole() {
        let tid = "aaaaaaaa-0365-4c11-a0ff-00000000000a";
        for iss in [
            "https://login.microsoftonline.com/{tenantid}/v2.0".to_owned(),
            format!("https://login.microsoftonline.com/{tid}/v2.0/"),
            format!("https://login.microsoftonline.com.evil.example/{tid}/v2.0"),
            format!("https://sts.windows.net/{tid}/"),
            format!("HTTPS://login.microsoftonline.com/{tid}/v2.0"),
        ] {
            let token = presented("{}", &format!(r#"{{"tid":"{tid}","iss":"{iss}"}}"#)).unwrap();
            assert!(!issuer(&token, &expected()), "{iss}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(token in "[A-Za-z0-9_.=-]{0,80}") {
            let _ = parse(&token);
        }

        #[test]
        fn no_claims_make_a_rule_panic_and_none_pass_without_a_signature(
            name in "(tid|iss|exp|nbf|scp|oid|azp|aud|ver|idtyp|TID)",
            value in "(null|-?[0-9]{1,25}|1e400|\"\\PC{0,12}\"|\\[\\]|\\{\\}|true)",
        ) {
            if let Ok(token) = presented(r#"{"alg":"RS256","typ":"JWT"}"#, &format!(r#"{{"{name}":{value}}}"#)) {
                for rule in RULES {
                    let _ = (rule.holds)(&token, &expected());
                }
                prop_assert!(broken_rule(RULES, &token, &expected()).is_some());
            }
        }
    }
}
