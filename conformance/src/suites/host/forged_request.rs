//! Can another site turn a switch through the cookie of a browser that is signed in?

use fixtures::cast::{ADMIN_CONTOSO, MALLORY};
use serde_json::json;

use crate::bench::{As, Bench};
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
    let own = [("x-csrf-token", csrf.as_str()), ("sec-fetch-site", "same-origin")];
    bench.served("our page sends", As::Browser(&cookie, &own), "POST", "/api/organization", off).await.map(drop)
}
