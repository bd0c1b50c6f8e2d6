//! Is a genuine-looking token of the tenant of personal accounts refused?

use futures_util::future::BoxFuture;

use super::{CONSUMER, Kit};
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/work-account",
    title: "A personal Microsoft account",
    requirements: &["R-ID-2", "T-WORK-ACCOUNT"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_WORK_ACCOUNT],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    let iss = kit.issuer_of(CONSUMER);
    Ok(vec![kit.genuine().claim("tid", CONSUMER).claim("iss", iss).sign(kit.consumer, Algorithm::Rs256)?])
}
