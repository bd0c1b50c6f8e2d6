//! Is every token that the connector asks for one on behalf of the caller, even when it is refused one?

use fixtures::cast::{ALICE, BUDGET, CONTOSO};

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "delegated-permissions/never-app-only",
    title: "No fallback to the application's own rights",
    requirements: &["R-ID-4", "R-TOK-2"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: ALICE, knows: "nothing; she lost a permission", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::APP_ONLY_FALLBACK],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    let served = bench.control("Alice finds her mail", alice.search(QUERY), &canary).await?;
    let exchanged = served.exchanges().count();
    if exchanged == 0 {
        return Err(Finding::Inconclusive("control failed: no exchange was seen".to_owned()));
    }
    bench.revoke(CONTOSO, &["Mail.Read"]).await?;
    let again = bench.sign_in(ALICE).await?;
    let refused = bench.attempt("Alice searches without the permission", again.search(QUERY)).await?;
    for (reply, actor) in [(&served, &alice), (&refused, &again)] {
        let requests: Vec<_> = reply.upstream.iter().filter(|upstream| upstream.is_token_request()).collect();
        let own = requests.iter().filter(|request| {
            request.is_exchange() && request.token_field("assertion").as_deref() == Some(actor.token())
        });
        let own = own.count();
        let observed = format!("{own} of {}", requests.len());
        bench.expect("every token request is On-Behalf-Of this caller", "all", &observed, own == requests.len())?;
    }
    bench.expect("and the refusal stands", "a refusal", &refused.summary(), !refused.served())
}
