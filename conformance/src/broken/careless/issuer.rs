//! Entra, careless in one decision.

use std::collections::BTreeSet;
use std::net::IpAddr;

use emulator::directory::{Credential, Denial, Directory, Question, Requested, ServicePrincipal, User};
use emulator::entra::rules::IssuerRules;
use emulator::live::ClientAddress;
use fixtures::plan::RedirectKind;
use http::HeaderMap;

use super::careless;
use crate::broken::Broken;

const STRICT: IssuerRules = IssuerRules::STRICT;

/// Each with its one wrong rule.
pub(super) const CARELESS: &[(&Broken, IssuerRules)] = &[
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
    (&ISSUER_ANYBODY_CONSENTS, IssuerRules { may_consent: |_, _| true, ..STRICT }),
    (&ISSUER_ANY_GRANT, IssuerRules { may_use: |_, _| true, ..STRICT }),
    (&ISSUER_NO_CONSENT, IssuerRules { consented, ..STRICT }),
    (&ISSUER_ASSIGNED_ONCE, IssuerRules { assigned: only_at_sign_in, ..STRICT }),
    (&ISSUER_ANY_GROUP, IssuerRules { assigned: by_any_group, ..STRICT }),
    (&ISSUER_DISABLED_APPS_LIVE, IssuerRules { switched_on: |_| true, ..STRICT }),
    (&ISSUER_BELIEVES_FORWARDED, IssuerRules { address: as_the_client_says, ..STRICT }),
    (&ISSUER_FAMILY_LIVES_ON, IssuerRules { reuse_ends_family: || false, ..STRICT }),
    (&ISSUER_ANY_SECRET, IssuerRules { secret: |_, _, _| Ok(()), ..STRICT }),
    (&ISSUER_SESSIONS_OUTLIVE, IssuerRules { voided: |_, _| None, ..STRICT }),
];

/// Whatever is asked for counts as granted.
#[expect(clippy::unnecessary_wraps, reason = "a rule of the table")]
fn consented(_: &Directory, question: &Question<'_>) -> Result<BTreeSet<String>, Denial> {
    match question.requested {
        Requested::Named(named) => Ok(named.clone()),
        Requested::Everything => Ok(BTreeSet::new()),
    }
}

/// Who got in once is in.
fn only_at_sign_in(directory: &Directory, user: &User, app: &ServicePrincipal, presented: Credential) -> bool {
    !matches!(presented, Credential::Session | Credential::Code) || (STRICT.assigned)(directory, user, app, presented)
}

/// That a group is assigned is enough.
fn by_any_group(directory: &Directory, user: &User, app: &ServicePrincipal, presented: Credential) -> bool {
    !app.assigned_groups.is_empty() || (STRICT.assigned)(directory, user, app, presented)
}

/// From wherever the client says that it is.
fn as_the_client_says(headers: &HeaderMap, peer: Option<IpAddr>, setting: ClientAddress) -> Option<IpAddr> {
    let said = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()?.parse().ok());
    said.or_else(|| (STRICT.address)(headers, peer, setting))
}

/// A client says itself where it is.
pub const ISSUER_BELIEVES_FORWARDED: Broken = careless(
    "issuer-believes-forwarded",
    "Entra and Graph take the address of a client from X-Forwarded-For, which the client writes itself.",
);
/// Whether somebody is assigned is asked at the sign-in page alone.
pub const ISSUER_ASSIGNED_ONCE: Broken = careless(
    "issuer-assigned-once",
    "Entra asks whether a user is assigned when they sign in, and neither when they renew nor when a server exchanges their token.",
);
/// Who is in the assigned group is not asked.
pub const ISSUER_ANY_GROUP: Broken = careless(
    "issuer-any-group",
    "Entra lets everybody into an application to which any group is assigned, whoever is in it.",
);
/// An application that was switched off goes on.
pub const ISSUER_DISABLED_APPS_LIVE: Broken =
    careless("issuer-disabled-apps-live", "Entra gives tokens for applications that an administrator switched off.");
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
/// People let anything in.
pub const ISSUER_ANYBODY_CONSENTS: Broken = careless(
    "issuer-anybody-consents",
    "Entra lets people consent for themselves and for everybody, whatever the tenant's policy says.",
);
/// Every application may use every grant.
pub const ISSUER_ANY_GRANT: Broken = careless(
    "issuer-any-grant",
    "Entra gives tokens by device code, by password and from the authorization endpoint to applications that registered for none of them.",
);
/// Nobody is asked for consent.
pub const ISSUER_NO_CONSENT: Broken =
    careless("issuer-no-consent", "Entra gives permissions that nobody consented to.");
/// A stolen refresh token is refused, and its successor in the thief's hands is not.
pub const ISSUER_FAMILY_LIVES_ON: Broken = careless(
    "issuer-family-lives-on",
    "Entra, told to look for used refresh tokens, refuses one that comes again and lets its successors live.",
);
/// Any secret will do.
pub const ISSUER_ANY_SECRET: Broken = careless("issuer-any-secret", "Entra does not compare client secrets.");
/// Ended sessions go on.
pub const ISSUER_SESSIONS_OUTLIVE: Broken = careless(
    "issuer-sessions-outlive",
    "Entra renews sign-ins whose sessions were ended: it looks at when a refresh token runs out and at nothing else.",
);
