//! Not the connector, but the services behind it, careless in one decision: for attacks that Entra or Graph must stop. The connector is as shipped.

use std::collections::BTreeSet;

use connector::danger::Edges;
use connector::policy::Policy;
use emulator::directory::{Denial, Directory, Question, Requested};
use emulator::entra::rules::IssuerRules;
use emulator::rules::Rules;
use fixtures::plan::RedirectKind;

use super::Broken;

fn as_shipped() -> (Policy, Edges) {
    (Policy::STRICT, Edges::default())
}

const fn careless(name: &'static str, sentence: &'static str) -> Broken {
    Broken { name, sentence, reference: None, fault: as_shipped }
}

const STRICT: IssuerRules = IssuerRules::STRICT;

/// The rules of the services when this one is meant.
pub(crate) fn rules(broken: Option<&Broken>) -> Rules {
    let found = broken.and_then(|broken| CARELESS.iter().find(|(one, _)| one.name == broken.name));
    found.map_or(Rules::STRICT, |(_, issuer)| Rules { issuer: *issuer, ..Rules::STRICT })
}

/// Each with its one wrong rule.
const CARELESS: &[(&Broken, IssuerRules)] = &[
    (&ISSUER_CODE_AGAIN, IssuerRules { again: |_| true, ..STRICT }),
    (&ISSUER_CODE_FOREVER, IssuerRules { run_out: |_, _| false, ..STRICT }),
    (&ISSUER_ANY_TENANT, IssuerRules { tenant_binding: |_, _| true, ..STRICT }),
    (&ISSUER_ANY_CLIENT, IssuerRules { own_credential: |_, _| true, ..STRICT }),
    (&ISSUER_NO_CHALLENGE, IssuerRules { challenged: |_, _| true, ..STRICT }),
    (&ISSUER_ANY_VERIFIER, IssuerRules { verifier: |_, _| true, ..STRICT }),
    (&ISSUER_ANY_REDIRECT, IssuerRules { redirect: |_, _, _| Some(RedirectKind::Native), ..STRICT }),
    (&ISSUER_REDIRECT_UNBOUND, IssuerRules { redirect_binding: |_, _| true, ..STRICT }),
    (&ISSUER_EXCHANGES_ANYTHING, IssuerRules { exchangeable: |_| Ok(()), ..STRICT }),
    (&ISSUER_EXCHANGES_FOR_ANYBODY, IssuerRules { exchange_audience: |_, _| true, ..STRICT }),
    (&ISSUER_NO_CONSENT, IssuerRules { consented, ..STRICT }),
    (&ISSUER_ANY_SECRET, IssuerRules { secret: |_, _, _| Ok(()), ..STRICT }),
];

/// Whatever is asked for counts as granted.
#[expect(clippy::unnecessary_wraps, reason = "a rule of the table")]
fn consented(_: &Directory, question: &Question<'_>) -> Result<BTreeSet<String>, Denial> {
    match question.requested {
        Requested::Named(named) => Ok(named.clone()),
        Requested::Everything => Ok(BTreeSet::new()),
    }
}

/// A code is good more than once.
pub const ISSUER_CODE_AGAIN: Broken = careless("issuer-code-again", "Entra redeems a code more than once.");
/// A code never runs out.
pub const ISSUER_CODE_FOREVER: Broken =
    careless("issuer-code-forever", "Entra's codes and refresh tokens never run out.");
/// A code is good at any authority.
pub const ISSUER_ANY_TENANT: Broken = careless(
    "issuer-any-tenant",
    "Entra takes codes, refresh tokens and assertions of one tenant at another's authority.",
);
/// A code is good for any client.
pub const ISSUER_ANY_CLIENT: Broken =
    careless("issuer-any-client", "Entra redeems codes and refresh tokens for whichever client brings them.");
/// No challenge is needed.
pub const ISSUER_NO_CHALLENGE: Broken =
    careless("issuer-no-challenge", "Entra gives codes without PKCE to clients that need it.");
/// The verifier is not compared.
pub const ISSUER_ANY_VERIFIER: Broken = careless("issuer-any-verifier", "Entra does not compare PKCE's verifier.");
/// Any redirect URI will do.
pub const ISSUER_ANY_REDIRECT: Broken =
    careless("issuer-any-redirect", "Entra sends codes to redirect URIs that nobody registered.");
/// A code may be redeemed with another redirect URI.
pub const ISSUER_REDIRECT_UNBOUND: Broken =
    careless("issuer-redirect-unbound", "Entra redeems a code with another redirect URI than it was sent to.");
/// Any token is exchanged.
pub const ISSUER_EXCHANGES_ANYTHING: Broken =
    careless("issuer-exchanges-anything", "Entra exchanges tokens behind which no user stands, and ID tokens.");
/// Tokens for others are exchanged.
pub const ISSUER_EXCHANGES_FOR_ANYBODY: Broken =
    careless("issuer-exchanges-for-anybody", "Entra exchanges a token for an application that it was not made for.");
/// Nobody is asked for consent.
pub const ISSUER_NO_CONSENT: Broken =
    careless("issuer-no-consent", "Entra gives permissions that nobody consented to.");
/// Any secret will do.
pub const ISSUER_ANY_SECRET: Broken = careless("issuer-any-secret", "Entra does not compare client secrets.");
