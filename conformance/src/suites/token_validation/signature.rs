//! Is a token refused whose claims were changed after it was signed, or that another key signed?

use fixtures::cast::{ALICE, MALLORY};
use futures_util::future::BoxFuture;

use super::super::QUERY;
use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};
use crate::forge::{ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/signature",
    title: "A changed token under the genuine signature",
    requirements: &["R-ID-3", "T-SIGNATURE"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: MALLORY, knows: "a genuine token of her own", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::NO_SIGNATURE],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(async {
        super::refuses(bench, forgeries).await?;
        no_token(bench).await
    })
}

/// Without any token there is no answer either, but the way to get one (RFC 9728, section 5.1).
async fn no_token(bench: &mut Bench) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    for call in [alice.list_tools(), alice.search(QUERY)] {
        let reply = bench.attempt("somebody asks without a token", call.without_token()).await?;
        bench.expect("no token: not served", "a refusal", &reply.summary(), !reply.served())?;
        let told = reply.header("www-authenticate").is_some_and(|challenge| challenge.contains("resource_metadata="));
        let held = reply.status == 401 && told && reply.upstream.is_empty();
        bench.expect("no token: where to get one", "HTTP 401 with resource_metadata", &reply.summary(), held)?;
    }
    Ok(())
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![
        kit.genuine().claim("name", "Somebody Else").keep_signature(),
        kit.genuine().sign_as(kit.consumer, &kit.key.kid)?,
    ])
}
