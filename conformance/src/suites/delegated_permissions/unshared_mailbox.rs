//! A mailbox that is not shared and one that does not exist: can Bob tell them apart?

use fixtures::cast::BOB;
use serde_json::json;

use crate::bench::{Bench, Refusal};
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "delegated-permissions/unshared-mailbox",
    title: "A tool argument that names another mailbox",
    requirements: &["R-USER-1"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: BOB,
        knows: "the addresses of everybody",
        stopped_by: &[Layer::Connector, Layer::Graph],
    }),
    broken: &[&broken::OWN_MAILBOX_INSTEAD],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let bob = bench.sign_in(BOB).await?;
    let mailbox = |address: &str| bob.call("outlook_email_search", json!({ "mailboxOwnerEmail": address, "limit": 5 }));
    let canary = bench.canary("contoso/mail/support/support-bug")?;
    let shared = json!({ "mailboxOwnerEmail": "support@contoso.example", "limit": 25 });
    bench
        .control("Bob searches the mailbox that is shared with him", bob.call("outlook_email_search", shared), &canary)
        .await?;
    let unshared = bench.attempt("Bob names Alice's mailbox", mailbox("alice@contoso.example")).await?;
    bench.expect_only_own("Bob's answer", &unshared)?;
    bench.expect("Alice's mailbox stays closed", "a refusal", &unshared.summary(), !unshared.served())?;
    let unknown = bench.attempt("Bob names a mailbox that does not exist", mailbox("nobody@contoso.example")).await?;
    bench.expect_same("an unshared and an unknown mailbox cannot be told apart", &unknown, &unshared)?;
    let foreign = bench.attempt("Bob names a mailbox of another company", mailbox("mallory@fabrikam.example")).await?;
    bench.expect_same("a foreign and an unknown mailbox cannot be told apart", &unknown, &foreign)?;
    bench.expect_refused("an unshared mailbox", &unshared, Refusal::tool("FORBIDDEN", Layer::Graph))
}
