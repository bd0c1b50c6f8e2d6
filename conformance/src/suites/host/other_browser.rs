//! Can a connect link that one person started be finished in the browser of another?

use fixtures::cast::{ALICE, BOB};

use crate::bench::{As, Bench};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "host/other-browser",
    title: "Connect link finished in another browser",
    requirements: &["R-TOK-1", "R-TOK-4"],
    profile: Profile::Extended,
    severity: Severity::Critical,
    needs: &[Feature::Setup, Feature::Host],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: Some(Attack {
        by: BOB,
        knows: "a connect link of his own that Alice follows",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::HOST_ANY_BROWSER],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    // Bob starts, Alice signs in at the end of his link, and her browser comes back with her own cookie.
    let (bobs, back) = bench.sign_in_to_connect(BOB, ALICE).await?;
    let (alices, _) = bench.sign_in_to_connect(ALICE, ALICE).await?;
    let lured = bench.ask("Alice's browser comes back", As::Browser(&alices, &[]), "GET", &back, None).await?;
    bench.expect_told("the link in another browser", &lured, "OTHER_BROWSER")?;
    let me = bench.served("how Bob stands", As::Token(BOB), "GET", "/api/me", None).await?;
    let state = me.word("/connection/state")?;
    bench.expect("Bob has nothing of Alice's", "not_connected", &state, state == "not_connected")?;
    let own = bench.ask("the browser that started", As::Browser(&bobs, &[]), "GET", &back, None).await?;
    bench.expect("the control: it can be finished where it began", "HTTP 200", &own.summary(), own.status == 200)
}
