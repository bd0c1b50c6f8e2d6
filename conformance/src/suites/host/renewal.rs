//! Are tokens renewed before they end, and does a connection that ended say why?

use fixtures::cast::{ALICE, CONTOSO, M365_CLIENT, M365_SERVER};
use jiff::SignedDuration;
use serde_json::json;

use super::super::QUERY;
use crate::bench::{As, Bench};
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};
use crate::lab::Grant;

pub(super) const CHECK: Check = Check {
    id: "host/renewal",
    title: "Tokens are renewed in time, and a connection that ended says why",
    requirements: &["R-TOK-5", "R-GATE-2"],
    profile: Profile::Extended,
    severity: Severity::Medium,
    needs: &[Feature::Setup, Feature::Host, Feature::ClockControl],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: None,
    broken: &[&broken::HOST_NEVER_RENEWS, &broken::HOST_SAYS_NOTHING],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let call = ("POST", "/api/tools/outlook_email_search");
    let search = Some(json!({ "arguments": { "query": QUERY } }));
    bench.connected(ALICE).await?;
    for days in [0, 1, 60] {
        bench.advance(SignedDuration::from_hours(24 * days + 2)).await?;
        let later = bench.ask("Alice calls later", As::Token(ALICE), call.0, call.1, search.clone()).await?;
        bench.expect("it works without a new sign-in", "HTTP 200", &later.summary(), later.status == 200)?;
    }
    // An issuer that takes each refresh token once, as public clients of RFC 9700 are told to expect: the newest one counts.
    let once = json!({ "refreshReuse": "once" });
    bench.lab().ask("/lab/settings", &once).await.map_err(|error| Finding::Inconclusive(error.to_string()))?;
    for round in ["first", "second", "third"] {
        bench.advance(SignedDuration::from_hours(2)).await?;
        let label = format!("Alice calls, {round} renewal where each refresh token is good once");
        let later = bench.ask(&label, As::Token(ALICE), call.0, call.1, search.clone()).await?;
        bench.expect("the newest refresh token is used", "HTTP 200", &later.summary(), later.status == 200)?;
    }
    let grant = Grant { tenant: CONTOSO, client: M365_CLIENT, resource: M365_SERVER, scopes: &[] };
    bench.lab().revoke(&grant).await.map_err(|error| Finding::Inconclusive(error.to_string()))?;
    bench.advance(SignedDuration::from_hours(2)).await?;
    let ended = bench.ask("after the consent was withdrawn", As::Token(ALICE), call.0, call.1, search.clone()).await?;
    bench.expect_told("the connection has ended", &ended, "SIGN_IN_REQUIRED")?;
    let reason = ended.word("/error/reason")?;
    bench.expect("and says who can mend it", "ADMIN_CONSENT_REQUIRED", &reason, reason == "ADMIN_CONSENT_REQUIRED")
}
