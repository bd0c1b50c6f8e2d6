//! Is a token refused that demands an extension which is not understood (RFC 7515, section 4.1.11)?

use futures_util::future::BoxFuture;
use serde_json::json;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/critical-header",
    title: "A critical extension that nobody knows",
    requirements: &["R-ID-3", "T-CRITICAL-HEADER"],
    profile: Profile::Core,
    severity: Severity::Medium,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_CRITICAL_HEADER],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    let critical = json!(["o365-unknown"]);
    Ok(vec![kit.genuine().header("crit", critical).header("o365-unknown", true).sign(kit.key, Algorithm::Rs256)?])
}
