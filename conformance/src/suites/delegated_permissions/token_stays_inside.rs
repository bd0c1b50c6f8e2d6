//! The connector holds a token for Graph and a credential of its own: does neither ever reach whoever asks?

use fixtures::cast::{ALICE, BUDGET, CONTOSO, M365_SERVER};
use serde_json::Value;

use super::super::QUERY;
use crate::bench::{Bench, Reply};
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "delegated-permissions/token-stays-inside",
    title: "The Graph token never leaves the connector",
    requirements: &["R-TOK-1", "R-TOK-2"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::TOKEN_IN_ANSWER],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    let search = bench.control("Alice searches", alice.search(QUERY), &canary).await?;
    let uri = search.uri_with(&canary).ok_or_else(|| Finding::Inconclusive("control failed: no uri".to_owned()))?;
    let read = bench.control("Alice reads", alice.read(&uri), &canary).await?;
    let me = bench.control("Alice asks who she is", alice.get_me(), "alice@contoso.example").await?;
    bench.revoke(CONTOSO, &["Mail.Read"]).await?;
    let again = bench.sign_in(ALICE).await?;
    let refused = bench.attempt("Alice searches without the permission", again.search(QUERY)).await?;
    let replies = [search, read, me, refused];
    let mut secrets: Vec<String> = replies.iter().flat_map(tokens).collect();
    if secrets.is_empty() {
        return Err(Finding::Inconclusive("control failed: no token for Graph was seen".to_owned()));
    }
    secrets.extend([alice.token().to_owned(), again.token().to_owned()]);
    let plan = bench.plan.clone();
    secrets.extend(
        plan.registration(M365_SERVER)
            .into_iter()
            .flat_map(|server| server.secrets.iter().map(|secret| secret.value.clone()).collect::<Vec<_>>()),
    );
    for reply in &replies {
        let shown = secrets.iter().filter(|secret| reply.shows(secret)).count();
        bench.expect("tokens and credentials in the answer", "0", &shown.to_string(), shown == 0)?;
    }
    Ok(())
}

/// The tokens that the issuer gave the connector.
fn tokens(reply: &Reply) -> Vec<String> {
    let given = reply.exchanges().filter_map(|exchange| serde_json::from_slice::<Value>(&exchange.response()).ok());
    given.filter_map(|answer| answer.get("access_token")?.as_str().map(str::to_owned)).collect()
}
