//! From a bearer token to a principal: what Graph asks of every request.

use std::collections::BTreeSet;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::ids::{AppId, TenantId, UserId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::keys::Unverified;
use super::scope;
use crate::directory::{
    Circumstances, Credential, Denial, Marks, Presented, Question, Requested, SignedIn, User, account_of, decide,
};
use crate::options::Revocation;
use crate::principal::Principal;
use crate::world::{State, World};

/// `aud` of Graph's tokens: what clients ask with and without a slash, and its application id.
const GRAPH_AUDIENCES: [&str; 3] =
    ["https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"];
/// How far clocks may be apart.
const LEEWAY_SECONDS: i64 = 300;
/// `iat` and `nbf` are this far in the past when a token is issued.
pub const BACKDATED_SECONDS: i64 = 300;

/// Why Graph does not accept a token. `Display` is safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphAuthFailure {
    /// Not a token.
    #[error("the token is malformed")]
    Malformed,
    /// Signed by nobody we know, or not for the tenant it names.
    #[error("the token's signature or key does not fit")]
    Signature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` lies ahead.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Made for another resource.
    #[error("the token is for another audience")]
    Audience,
    /// `iss` does not fit `tid`.
    #[error("the token's issuer does not fit its tenant")]
    Issuer,
    /// Without `scp`, `oid` or `appid`: not a user's token.
    #[error("the token is not a user's delegated token")]
    NotDelegated,
    /// An application's own token: good, but nobody's.
    #[error("the token is an application's own")]
    Application {
        /// `tid`.
        tenant: TenantId,
        /// `appid`.
        client: AppId,
    },
    /// The tenant or the user is not there (any more).
    #[error("the token's tenant or user does not exist")]
    Gone,
    /// A critical event since the token was issued; the token declared `cp1`, so Graph answers with a claims challenge.
    #[error("continuous access evaluation: {0:?}")]
    Challenge(Denial),
    /// `revocation: strict` alone: what the token carries was revoked since it was issued.
    #[error("revoked since the token was issued: {0:?}")]
    Revoked(Denial),
}

/// The principal of a Graph request, from the value after `Bearer `.
///
/// The signature is ours, the audience is Graph, the clock agrees, the user exists. With `revocation: real` a token whose grant is gone
/// is honoured until it expires, as the real service does.
pub fn principal(state: &State, bearer: &str) -> Result<Principal, GraphAuthFailure> {
    principal_from(state, bearer, None)
}

/// [`principal`] of a request from an address: continuous access evaluation looks at it.
pub fn principal_from(state: &State, bearer: &str, address: Option<IpAddr>) -> Result<Principal, GraphAuthFailure> {
    let claims = (state.rules.believed)(&state.keys, bearer).map_err(|unverified| match unverified {
        Unverified::Malformed => GraphAuthFailure::Malformed,
        Unverified::UnknownKey | Unverified::Signature | Unverified::ForeignKey => GraphAuthFailure::Signature,
    })?;
    let now = state.clock.now().as_second();
    if seconds(&claims, "exp").is_none_or(|exp| exp + LEEWAY_SECONDS <= now) {
        return Err(GraphAuthFailure::Expired);
    }
    if seconds(&claims, "nbf").is_none_or(|nbf| nbf - LEEWAY_SECONDS > now) {
        return Err(GraphAuthFailure::NotYetValid);
    }
    if !text(&claims, "aud").is_some_and(|aud| GRAPH_AUDIENCES.contains(&aud)) {
        return Err(GraphAuthFailure::Audience);
    }
    let tenant: TenantId = id(&claims, "tid").ok_or(GraphAuthFailure::NotDelegated)?;
    if text(&claims, "iss") != Some(format!("https://sts.windows.net/{tenant}/").as_str()) {
        return Err(GraphAuthFailure::Issuer);
    }
    let client: AppId = id(&claims, "appid").ok_or(GraphAuthFailure::NotDelegated)?;
    if !claims.contains_key("scp") && text(&claims, "idtyp") == Some("app") {
        return Err(GraphAuthFailure::Application { tenant, client });
    }
    let user: UserId = id(&claims, "oid").ok_or(GraphAuthFailure::NotDelegated)?;
    let scopes: BTreeSet<String> =
        text(&claims, "scp").ok_or(GraphAuthFailure::NotDelegated)?.split_whitespace().map(str::to_owned).collect();
    let principal = Principal {
        tenant,
        user,
        client,
        scopes,
        token_id: text(&claims, "uti").unwrap_or_default().to_owned(),
        issued_at: seconds(&claims, "iat").and_then(|iat| Timestamp::from_second(iat).ok()).unwrap_or(Timestamp::MIN),
        claims_capable: claims.get("xms_cc").and_then(Value::as_array).is_some_and(|values| {
            values.iter().filter_map(Value::as_str).any(|value| value.eq_ignore_ascii_case("cp1"))
        }),
    };
    let world = state.world();
    let directory = &world.tenant(tenant).ok_or(GraphAuthFailure::Gone)?.directory;
    let account = directory.user(user).and_then(|user| world.account(user));
    still_good(state, &world, &principal, signed_in(&claims, account), address)?;
    Ok(principal)
}

/// What became of the token's user and grant since it was issued.
fn still_good(
    state: &State,
    world: &World,
    principal: &Principal,
    signed_in: SignedIn,
    address: Option<IpAddr>,
) -> Result<(), GraphAuthFailure> {
    let graph = scope::resource_named(world, scope::GRAPH);
    let (Some(client), Some(graph)) = (world.app(principal.client), graph) else {
        return Err(GraphAuthFailure::Gone);
    };
    let requested = Requested::Named(principal.scopes.clone());
    let question = Question {
        tenant: principal.tenant,
        user: principal.user,
        client,
        resource: graph,
        requested: &requested,
        presented: Presented { signed_in, credential: Credential::AccessToken },
        circumstances: &Circumstances::plain(state.clock.now(), address),
    };
    let rules = &state.rules.issuer;
    let live = state.live();
    let critical = (rules.critical)(world, rules, &question).err();
    match critical {
        Some(denial) if principal.claims_capable && is_known(world, &question, &denial, live.propagation) => {
            return Err(GraphAuthFailure::Challenge(denial));
        }
        _ => {}
    }
    match live.revocation {
        Revocation::Strict => decide(world, rules, &question).map(|_| ()).map_err(GraphAuthFailure::Revoked),
        // Nothing but the account's being there is asked of a token that has not expired.
        Revocation::Real => match account_of(world, rules, &question) {
            Err(Denial::UserUnknown) => Err(GraphAuthFailure::Gone),
            Ok(()) | Err(_) => Ok(()),
        },
    }
}

/// Whether news of an event has reached Graph.
fn is_known(world: &World, question: &Question<'_>, denial: &Denial, propagation: SignedDuration) -> bool {
    let directory = world.tenant(question.tenant).map(|tenant| tenant.directory.as_ref());
    let happened = match denial {
        Denial::SessionsRevoked { since } => Some(*since),
        Denial::UserDisabled => {
            directory.and_then(|directory| directory.user(question.user)).and_then(|user| user.closed_at)
        }
        Denial::UserUnknown => directory
            .and_then(|directory| directory.deleted_users().find(|user| user.id == question.user))
            .and_then(|user| user.closed_at),
        // Where a request comes from is no news.
        _ => None,
    };
    happened.is_none_or(|at| question.circumstances.now.duration_since(at) >= propagation)
}

/// The sign-in that a token of ours goes back to: it stands in `aio`, which is the issuer's own note to itself.
pub(crate) fn signed_in(claims: &Map<String, Value>, account: Option<&User>) -> SignedIn {
    text(claims, "aio").and_then(read_note).unwrap_or_else(|| {
        // Minted elsewhere with our keys: all there is is the time of issue.
        let iat = seconds(claims, "iat").unwrap_or(0) + BACKDATED_SECONDS;
        let at = Timestamp::from_second(iat).unwrap_or(Timestamp::MIN);
        let voided = account.map(|account| account.voided).unwrap_or_default();
        let is_older = voided.since.is_some_and(|since| at <= since);
        let marks = if is_older { Marks::default() } else { voided.marks };
        SignedIn { at, marks, with_password: true, second_factor_at: None }
    })
}

/// `aio` of a token: the sign-in behind it, and some bytes that differ from token to token.
pub(crate) fn write_note(signed_in: SignedIn, salt: &[u8]) -> String {
    let Marks { revoked, password_changed, password_reset } = signed_in.marks;
    let mut note = Vec::with_capacity(29 + salt.len());
    note.extend_from_slice(&signed_in.at.as_second().to_be_bytes());
    for mark in [revoked, password_changed, password_reset] {
        note.extend_from_slice(&mark.to_be_bytes());
    }
    let second_factor = signed_in.second_factor_at.map_or(i64::MIN, Timestamp::as_second);
    note.extend_from_slice(&second_factor.to_be_bytes());
    note.push(u8::from(signed_in.with_password));
    note.extend_from_slice(salt);
    URL_SAFE_NO_PAD.encode(note)
}

fn read_note(note: &str) -> Option<SignedIn> {
    let bytes = URL_SAFE_NO_PAD.decode(note).ok()?;
    let (at, rest) = bytes.split_first_chunk::<8>()?;
    let (revoked, rest) = rest.split_first_chunk::<4>()?;
    let (changed, rest) = rest.split_first_chunk::<4>()?;
    let (resets, rest) = rest.split_first_chunk::<4>()?;
    let (second_factor, rest) = rest.split_first_chunk::<8>()?;
    let with_password = *rest.first()? == 1;
    Some(SignedIn {
        at: Timestamp::from_second(i64::from_be_bytes(*at)).ok()?,
        marks: Marks {
            revoked: u32::from_be_bytes(*revoked),
            password_changed: u32::from_be_bytes(*changed),
            password_reset: u32::from_be_bytes(*resets),
        },
        with_password,
        second_factor_at: match i64::from_be_bytes(*second_factor) {
            i64::MIN => None,
            second => Some(Timestamp::from_second(second).ok()?),
        },
    })
}

pub(crate) fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

pub(crate) fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    claims.get(name).and_then(Value::as_i64)
}

pub(crate) fn id<T: std::str::FromStr>(claims: &Map<String, Value>, name: &str) -> Option<T> {
    text(claims, name).and_then(|text| text.parse().ok())
}
