//! The issuer's decisions that can be got wrong, as one table, so that a careless issuer is one rule wrong.

use std::collections::BTreeSet;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::ids::{AppId, TenantId};
use fixtures::plan::{RedirectKind, Registration, Secret};
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use url::Url;

use super::authorize::redirect;
use super::store::{Challenge, ChallengeMethod};
use super::tenant::Authority;
use super::{assertion, token};
use crate::directory::{
    self, Conditions, Credential, Denial, Directory, Presented, Question, ServicePrincipal, User, access,
};
use crate::live::ClientAddress;
use crate::serve::Origins;
use crate::world::{TenantWorld, World};

/// Facts in, verdict out, no I/O. A careless issuer is `IssuerRules { field: wrong, ..IssuerRules::STRICT }`.
#[derive(Debug, Clone, Copy)]
pub struct IssuerRules {
    /// Whether the account is one that a person signs in with, and enabled.
    pub account: fn(&User) -> Result<(), Denial>,
    /// Since when the sign-in behind a credential is void; `None` while it is good.
    pub voided: fn(&User, &Presented) -> Option<Timestamp>,
    /// Whether an application may be in a tenant at all: multi-tenant, or the tenant's own.
    pub at_home: fn(&TenantWorld, &Registration) -> bool,
    /// Whether an application is enabled in the tenant.
    pub switched_on: fn(&ServicePrincipal) -> bool,
    /// Whether a user is assigned to an application that demands it; asked for every credential.
    pub assigned: fn(&Directory, &User, &ServicePrincipal, Credential) -> bool,
    /// Whether somebody may let an application in: for themselves, or for everybody.
    pub may_consent: fn(UserConsent, Consenter) -> bool,
    /// Whether an application may be given tokens in this way.
    pub may_use: fn(&Registration, Way) -> bool,
    /// Which of the permissions asked for were granted.
    pub consented: fn(&Directory, &Question<'_>) -> Result<BTreeSet<String>, Denial>,
    /// Whether conditional access lets the user (behind whom stands the account at home) in; with what was satisfied.
    pub access: fn(&Directory, user: &User, account: &User, &Question<'_>) -> Result<Conditions, Denial>,
    /// From which address a request comes: headers, the connection's end, and how the emulator is set.
    pub address: fn(&HeaderMap, Option<IpAddr>, ClientAddress) -> Option<IpAddr>,
    /// Whether a critical event came over an access token: what makes Graph answer with a claims challenge.
    pub critical: fn(&World, &Self, &Question<'_>) -> Result<(), Denial>,
    /// Whether a client secret is one of the application's, and has not expired.
    pub secret: fn(&[Secret], given: &str, now: Timestamp) -> Result<(), SecretFault>,
    /// Whether a code or refresh token belongs to the client that presents it.
    pub own_credential: fn(issued_to: AppId, presented_by: AppId) -> bool,
    /// Whether a code, refresh token or assertion of this tenant is good at the authority it is presented to.
    pub tenant_binding: fn(Authority, issued_by: TenantId) -> bool,
    /// What kind of client a redirect URI is registered for; `None` when the application has no such one.
    pub redirect: fn(&Registration, &Url, spelled: &str) -> Option<RedirectKind>,
    /// Whether a client of this kind may ask for a code with this challenge, or without any.
    pub challenged: fn(RedirectKind, Option<&Challenge>) -> bool,
    /// Whether a code is presented with the redirect URI it was sent to.
    pub redirect_binding: fn(sent_to: &str, presented: &str) -> bool,
    /// Whether the verifier fits the challenge.
    pub verifier: fn(&Challenge, verifier: &str) -> bool,
    /// Whether a code or refresh token has run out.
    pub run_out: fn(expires_at: Timestamp, now: Timestamp) -> bool,
    /// Whether a code that was redeemed before is redeemed again.
    pub again: fn(was_redeemed: bool) -> bool,
    /// Whether a used refresh token that comes again ends all that came from its sign-in, where the issuer looks for that.
    pub reuse_ends_family: fn() -> bool,
    /// Whether a token that is to be exchanged is a user's access token.
    pub exchangeable: fn(&Map<String, Value>) -> Result<(), NotExchangeable>,
    /// Whether a token that is to be exchanged was made for the application that presents it.
    pub exchange_audience: fn(&Registration, &Map<String, Value>) -> bool,
    /// Whether the assertion by which a client proves itself is meant for the authority that it is presented to.
    pub proof_audience: fn(&Origins, &World, Authority, audience: &str) -> bool,
}

/// Authentication contexts, `c1` to `c99`.
pub type Contexts = BTreeSet<String>;

/// What is no user's access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotExchangeable {
    /// An application's own token.
    Application,
    /// An id token.
    IdToken,
}

/// Whether people may let applications in for themselves: a policy of the tenant
/// (<https://learn.microsoft.com/entra/identity/enterprise-apps/configure-user-consent>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserConsent {
    /// Into whatever no administrator has to decide on.
    #[default]
    Allowed,
    /// Not at all.
    Off,
}

/// Who consents to what.
#[derive(Debug, Clone, Copy)]
pub struct Consenter {
    /// Whether they administer the tenant.
    pub administers: bool,
    /// Whether it is for everybody.
    pub for_all: bool,
    /// Whether one of the permissions is an administrator's to grant.
    pub beyond: bool,
}

/// Ways to tokens that an application's registration opens or leaves closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// An access token out of the authorization endpoint (`enableAccessTokenIssuance`).
    Implicit,
    /// Without any credential and any redirect URI: a device code, or a password (`allowPublicClient`).
    Unproven,
}

/// Why a secret is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretFault {
    /// Not the application's.
    Wrong,
    /// The application's, and too old.
    Expired,
}

impl IssuerRules {
    /// The rules as the real service has them.
    pub const STRICT: Self = Self {
        account,
        voided: User::voids,
        at_home,
        switched_on: |principal| principal.enabled,
        assigned,
        may_consent: |policy, who| who.administers || (policy == UserConsent::Allowed && !who.for_all && !who.beyond),
        may_use: |app, way| match way {
            Way::Implicit => app.implicit_tokens,
            Way::Unproven => app.public_client,
        },
        consented: directory::consented,
        access: access::satisfied,
        address: crate::serve::address::origin,
        critical: directory::critical,
        secret,
        own_credential: |issued_to, presented_by| issued_to == presented_by,
        tenant_binding: Authority::covers,
        redirect: redirect::registered_as,
        challenged: |kind, challenge| kind != RedirectKind::Spa || challenge.is_some(),
        redirect_binding: |sent_to, presented| sent_to == presented,
        verifier,
        run_out: |expires_at, now| expires_at <= now,
        again: |was_redeemed| !was_redeemed,
        reuse_ends_family: || true,
        exchangeable: token::on_behalf_of::exchangeable,
        exchange_audience: token::on_behalf_of::is_for,
        proof_audience: assertion::is_audience,
    };
}

fn account(user: &User) -> Result<(), Denial> {
    if !user.signs_in() {
        Err(Denial::UserUnknown)
    } else if user.enabled {
        Ok(())
    } else {
        Err(Denial::UserDisabled)
    }
}

fn at_home(tenant: &TenantWorld, app: &Registration) -> bool {
    app.multi_tenant || app.home == tenant.name
}

/// Directly, or through a group the user is a direct member of: nested groups do not count.
///
/// <https://learn.microsoft.com/entra/identity/enterprise-apps/assign-user-or-group-access-portal>
fn assigned(directory: &Directory, user: &User, app: &ServicePrincipal, _: Credential) -> bool {
    app.assigned_users.contains(&user.id)
        || app.assigned_groups.iter().filter_map(|id| directory.group(*id)).any(|group| group.users.contains(&user.id))
}

/// Compared in constant time, and with all of them, whichever fits.
fn secret(secrets: &[Secret], given: &str, now: Timestamp) -> Result<(), SecretFault> {
    let (mut fits, mut fresh) = (Choice::from(0), Choice::from(0));
    for secret in secrets {
        let same = secret.value.as_bytes().ct_eq(given.as_bytes());
        fits |= same;
        fresh |= same & Choice::from(u8::from(secret.expires.is_none_or(|end| now < end)));
    }
    match (fits.into(), fresh.into()) {
        (true, true) => Ok(()),
        (true, false) => Err(SecretFault::Expired),
        _ => Err(SecretFault::Wrong),
    }
}

fn verifier(challenge: &Challenge, verifier: &str) -> bool {
    let derived = match challenge.method {
        ChallengeMethod::Plain => verifier.to_owned(),
        ChallengeMethod::S256 => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
    };
    derived.as_bytes().ct_eq(challenge.value.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_fits_and_nothing_near_it() {
        let challenge = Challenge {
            value: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            method: ChallengeMethod::S256,
        };
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let fits = |verifier: &str| (IssuerRules::STRICT.verifier)(&challenge, verifier);
        assert!(fits(verifier));
        for position in 0..verifier.len() {
            let mut other = verifier.as_bytes().to_vec();
            other[position] ^= 1;
            assert!(!fits(std::str::from_utf8(&other).unwrap()));
        }
    }

    #[test]
    fn a_secret_is_good_until_it_expires_and_beside_others() {
        let at = Timestamp::constant(1_000, 0);
        let secrets = [Secret::new("one"), Secret { value: "two".to_owned(), expires: Some(at) }];
        let check = |given, second| secret(&secrets, given, Timestamp::constant(second, 0));
        assert_eq!(check("one", 999), Ok(()));
        assert_eq!(check("two", 999), Ok(()));
        assert_eq!(check("two", 1_000), Err(SecretFault::Expired));
        assert_eq!(check("tw", 999), Err(SecretFault::Wrong));
    }
}
