//! Can another site turn a switch through the cookie of a browser that is signed in?

use fixtures::cast::{ADMIN_CONTOSO, MALLORY};
use serde_json::json;

use crate::bench::{As, Bench, token_of};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "host/forged-request",
    title: "Another site acts in a signed-in browser",
    requirements: &["R-ID-5", "R-REV-1"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::Setup, Feature::Host],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: Some(Attack { by: MALLORY, knows: "a page that the owner opens", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::HOST_COOKIE_IS_ENOUGH],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let who = Some(json!({ "user": ADMIN_CONTOSO }));
    let session = bench.served("the owner's browser", As::Browser("", &[]), "POST", "/api/session", who).await?;
    let csrf = session.word("/session/csrfToken")?;
    let cookie = session.cookie.clone().ok_or_else(|| Finding::Inconclusive("no cookie was set".to_owned()))?;
    let off = Some(json!({ "connectorEnabled": false }));
    for headers in [
        &[][..],
        &[("origin", "https://evil.example"), ("x-csrf-token", csrf.as_str())],
        &[("sec-fetch-site", "cross-site"), ("x-csrf-token", csrf.as_str())],
    ] {
        let forged = bench
            .ask("her page sends", As::Browser(&cookie, headers), "POST", "/api/organization", off.clone())
            .await?;
        bench.expect_told("a request that our page did not send", &forged, "NOT_FROM_THIS_PAGE")?;
    }
    two_tokens(bench).await?;
    let own = [("x-csrf-token", csrf.as_str()), ("sec-fetch-site", "same-origin")];
    bench.served("our page sends", As::Browser(&cookie, &own), "POST", "/api/organization", off).await.map(drop)
}

/// Which of two tokens counts is not for a proxy and a server to disagree about: neither does.
async fn two_tokens(bench: &mut Bench) -> Result<(), Finding> {
    let [owner, mallory] = [ADMIN_CONTOSO, MALLORY].map(|person| format!("Bearer {}", token_of(person)));
    for pair in [[&owner, &mallory], [&mallory, &owner], [&owner, &owner]] {
        let headers = pair.map(|token| ("authorization", token.as_str()));
        let both = bench.ask("two tokens at once", As::Browser("", &headers), "GET", "/api/me", None).await?;
        bench.expect("a request with two tokens", "HTTP 401", &both.summary(), both.status == 401)?;
    }
    let one = [("authorization", owner.as_str())];
    bench.served("one of them alone", As::Browser("", &one), "GET", "/api/me", None).await.map(drop)
}
