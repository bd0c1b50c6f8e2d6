//! A cursor of Alice's in Mallory's hands: is it worth nothing?

use fixtures::cast::{ALICE, MALLORY};

use crate::bench::{Bench, Refusal};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "tenant-isolation/foreign-cursor",
    title: "Page cursor of another user",
    requirements: &["R-USER-1"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[Feature::Cursors],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: MALLORY,
        knows: "a cursor from one of Alice's answers",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::CURSOR_UNBOUND],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (alice, mallory) = (bench.sign_in(ALICE).await?, bench.sign_in(MALLORY).await?);
    let first = bench.attempt("Alice asks for the first two hits", alice.page(2, None)).await?;
    let cursor = first.next_cursor();
    let cursor =
        cursor.ok_or_else(|| Finding::Inconclusive("control failed: the first page has no cursor".to_owned()))?;
    bench.control("Alice goes on with it", alice.page(2, Some(&cursor)), "items").await?;
    bench.control("Mallory asks the same of her own mail", mallory.page(2, None), "items").await?;
    let stolen = bench.attempt("Mallory goes on with Alice's cursor", mallory.page(2, Some(&cursor))).await?;
    bench.expect_only_own("Mallory's answer", &stolen)?;
    bench.expect_refused("a cursor of somebody else", &stolen, Refusal::tool("INVALID_CURSOR", Layer::Connector))?;
    let asked = stolen.graph().count();
    bench.expect("nothing was asked of Graph", "0 requests", &asked.to_string(), asked == 0)?;
    let altered = super::altered(&cursor);
    let altered = bench.attempt("Alice goes on with an altered cursor", alice.page(2, Some(&altered))).await?;
    bench.expect_refused("an altered cursor", &altered, Refusal::tool("INVALID_CURSOR", Layer::Connector))
}
