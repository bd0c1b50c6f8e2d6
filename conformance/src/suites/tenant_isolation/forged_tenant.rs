//! Mallory writes another tenant into her token: does anybody believe her?

use fixtures::cast::{ALICE, BUDGET, CONTOSO, FABRIKAM, MALLORY};
use fixtures::plan::KeyIssuer;

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};
use crate::forge::{Algorithm, Draft, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "tenant-isolation/forged-tenant",
    title: "A token that claims another tenant",
    requirements: &["R-ID-3", "T-SIGNATURE", "T-KEY-ISSUER"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: MALLORY,
        knows: "her own token, and a signing key of the consumer tenant",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::NO_SIGNATURE, &broken::NO_KEY_ISSUER],
    source: file!(),
    run: |bench| Box::pin(run(bench)),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (alice, mallory) = (bench.sign_in(ALICE).await?, bench.sign_in(MALLORY).await?);
    let canary = bench.canary(BUDGET)?;
    bench.control("Alice finds her own mail", alice.search(QUERY), &canary).await?;
    for (number, forged) in (1..).zip(forgeries(bench, mallory.token())?) {
        let (what, changes) = (format!("forgery {number}"), forged.changes.join("; "));
        bench.forged(&format!("{what}: Mallory as contoso"), &forged);
        let liar = mallory.with(&forged);
        for call in [liar.list_tools(), liar.search(QUERY)] {
            let reply = bench.attempt(&format!("claims to be of contoso with {what}: {changes}"), call).await?;
            bench.expect_only_own("Mallory's answer", &reply)?;
            bench.expect_token_refused(&what, &reply)?;
        }
    }
    Ok(())
}

/// Her own token with contoso written in: under its old signature, and signed anew with the one key she has. The object id is Alice's already.
fn forgeries(bench: &Bench, genuine: &str) -> Result<Vec<Forged>, Finding> {
    let plan = bench.plan.clone();
    let missing = || ForgeError::NotAToken("the fixtures lack a tenant or a key");
    let forged = || -> Result<Vec<Forged>, ForgeError> {
        let contoso = plan.tenant(CONTOSO).ok_or_else(missing)?.id.to_string();
        let fabrikam = plan.tenant(FABRIKAM).ok_or_else(missing)?.id.to_string();
        let key = plan.keys.iter().find(|key| matches!(key.issuer, KeyIssuer::Tenant(_))).ok_or_else(missing)?;
        let draft = Draft::of(genuine)?;
        let issuer =
            draft.get("iss").and_then(serde_json::Value::as_str).unwrap_or_default().replace(&fabrikam, &contoso);
        let lie = draft.claim("tid", contoso).claim("iss", issuer);
        Ok(vec![lie.clone().keep_signature(), lie.sign(key, Algorithm::Rs256)?])
    };
    forged().map_err(|error| Finding::Inconclusive(format!("failure of ours: {error}")))
}
