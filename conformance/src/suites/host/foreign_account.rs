//! May an account be connected whose tenant the organization does not work with?

use fixtures::cast::{ALICE, MALLORY};

use crate::bench::{As, Bench};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "host/foreign-account",
    title: "Account of a tenant that the organization does not work with",
    requirements: &["R-ID-5", "R-GATE-2"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::Setup, Feature::Host],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: Some(Attack { by: MALLORY, knows: "a sign-in of her own", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::HOST_ANY_ACCOUNT],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let foreign = bench.connect(ALICE, MALLORY).await?;
    bench.expect_told("an account of another tenant", &foreign, "TENANT_NOT_ENABLED")?;
    let me = bench.served("how Alice stands", As::Token(ALICE), "GET", "/api/me", None).await?;
    let state = me.word("/connection/state")?;
    bench.expect("nothing was kept", "not_connected", &state, state == "not_connected")?;
    bench.connected(ALICE).await
}
