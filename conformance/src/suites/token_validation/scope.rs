//! Is a token refused that does not carry the permission to call this server, even if it carries one whose name begins the same?

use fixtures::cast::{ALICE, BUDGET};
use futures_util::future::BoxFuture;

use super::super::QUERY;
use super::Kit;
use crate::bench::{Bench, Refusal};
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/scope",
    title: "A permission that only looks like ours",
    requirements: &["R-ID-3", "T-SCOPE"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_SCOPE],
    source: file!(),
    run,
};

/// The token is a good one, only not good enough: 403 with what is missing (RFC 6750, section 3.1).
const REFUSED: Refusal = Refusal::forbidden("insufficient_scope");

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(refused(bench))
}

async fn refused(bench: &mut Bench) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    bench.control("the genuine token is served", alice.search(QUERY), &canary).await?;
    for forged in super::forge(bench, alice.token(), forgeries)? {
        let what = forged.changes.join("; ");
        bench.forged(&what, &forged);
        let liar = alice.with(&forged);
        for call in [liar.list_tools(), liar.search(QUERY)] {
            let reply = bench.attempt(&format!("asks with {what}"), call).await?;
            bench.expect_refused(&what, &reply, REFUSED)?;
            let exchanges = reply.exchanges().count();
            bench.expect("no exchange reached the issuer", "0", &exchanges.to_string(), exchanges == 0)?;
        }
    }
    Ok(())
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![
        kit.genuine().claim("scp", "access_as_user_all").sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().claim("scp", "ACCESS_AS_USER other").sign(kit.key, Algorithm::Rs256)?,
    ])
}
