//! Who may be handed an exchanged token that is at hand? The one it was exchanged for, with the same token, the same scopes
//! and the same claims; and for how long?

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::caller::{Caller, TenantId, UserId};

/// What an exchanged token is filed under. A value of its own, not a joined text that two callers could spell alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CacheKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The user within it.
    pub user: UserId,
    /// The client application.
    pub client: String,
    /// SHA-256 of the caller's token.
    pub assertion: [u8; 32],
    /// The scopes, sorted.
    pub scopes: Vec<String>,
    /// SHA-256 of the claims that a challenge asked for.
    pub claims: Option<[u8; 32]>,
}

/// Whom an exchanged token was exchanged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The tenant.
    pub tenant: TenantId,
    /// The user within it.
    pub user: UserId,
    /// SHA-256 of the caller's token.
    pub assertion: [u8; 32],
}

/// How long things live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// The time of the exchange.
    pub now: Timestamp,
    /// When the exchanged token dies.
    pub token: Timestamp,
    /// When the caller's token dies.
    pub assertion: Timestamp,
    /// How long a token may be used again at most: the bound of "at once" after a revocation.
    pub max_age: SignedDuration,
}

pub(super) fn key(caller: &Caller, scopes: &[String], claims: Option<&str>) -> CacheKey {
    let mut scopes = scopes.to_vec();
    scopes.sort();
    CacheKey {
        tenant: caller.tenant().clone(),
        user: caller.user().clone(),
        client: caller.client().to_owned(),
        assertion: caller.assertion_digest(),
        scopes,
        claims: claims.map(|claims| Sha256::digest(claims.as_bytes()).into()),
    }
}

/// Asked again on every read: a mistake in the key must not hand one person's token to another.
pub(super) fn belongs(caller: &Caller, owner: &Owner) -> bool {
    owner.tenant == *caller.tenant() && owner.user == *caller.user() && owner.assertion == caller.assertion_digest()
}

/// The first of three deaths: of the token, of what it was exchanged for, of patience.
pub(super) fn usable_until(lifetimes: &Lifetimes) -> Timestamp {
    let patience = lifetimes.now.saturating_add(lifetimes.max_age).unwrap_or(lifetimes.now);
    patience.min(lifetimes.token).min(lifetimes.assertion)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::policy::token;

    fn caller(tenant: u8, user: u8, client: u8, token: u8) -> Caller {
        let claims =
            json!({ "tid": format!("t{tenant}"), "oid": format!("u{user}"), "azp": format!("c{client}"), "exp": 100 });
        let presented = token::parse(&format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims.to_string()))).unwrap();
        Caller::of(&presented, format!("token {token}").into())
    }

    proptest! {
        #[test]
        fn two_questions_share_a_key_only_if_nothing_differs(
            one in (0_u8..2, 0_u8..2, 0_u8..2, 0_u8..2, 0_u8..2, 0_u8..2),
            two in (0_u8..2, 0_u8..2, 0_u8..2, 0_u8..2, 0_u8..2, 0_u8..2),
        ) {
            let keyed = |(tenant, user, client, token, scope, claims): (u8, u8, u8, u8, u8, u8)| {
                let claims = (claims == 1).then_some("{}");
                key(&caller(tenant, user, client, token), &[format!("s{scope}")], claims)
            };
            prop_assert_eq!(keyed(one) == keyed(two), one == two);
        }

        #[test]
        fn a_token_belongs_to_whom_it_was_exchanged_for(one in (0_u8..2, 0_u8..2, 0_u8..2), two in (0_u8..2, 0_u8..2, 0_u8..2)) {
            let (first, second) = (caller(one.0, one.1, 0, one.2), caller(two.0, two.1, 0, two.2));
            let owner = Owner {
                tenant: first.tenant().clone(), user: first.user().clone(), assertion: first.assertion_digest(),
            };
            prop_assert_eq!(belongs(&second, &owner), one == two);
        }

        #[test]
        fn nothing_outlives_any_of_its_three_deaths(now in 0_i64..1000, token in 0_i64..2000, assertion in 0_i64..2000, age in 0_i64..1000) {
            let at = |seconds| Timestamp::from_second(seconds).unwrap();
            let lifetimes = Lifetimes {
                now: at(now), token: at(token), assertion: at(assertion), max_age: SignedDuration::from_secs(age),
            };
            prop_assert_eq!(usable_until(&lifetimes), at((now + age).min(token).min(assertion)));
        }
    }

    #[test]
    fn the_order_of_scopes_says_nothing() {
        let caller = caller(0, 0, 0, 0);
        let scopes = ["a".to_owned(), "b".to_owned()];
        let turned = ["b".to_owned(), "a".to_owned()];
        assert_eq!(key(&caller, &scopes, None), key(&caller, &turned, None));
    }
}
