//! Is a token refused that is meant for Graph, for the client, for several, or for nobody?

use fixtures::cast::MALLORY;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/audience",
    title: "A token for somebody else",
    requirements: &["R-TOK-1", "T-AUDIENCE"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: MALLORY,
        knows: "a token that was issued for another audience",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::NO_AUDIENCE],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    let graph = "https://graph.microsoft.com";
    let ours = kit.genuine().get("aud").cloned().unwrap_or_default();
    Ok(vec![
        kit.genuine().claim("aud", graph).sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().claim("aud", kit.client()?).sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().claim("aud", json!([ours, graph])).sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().claim("aud", json!(null)).sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().without("aud").sign(kit.key, Algorithm::Rs256)?,
    ])
}
