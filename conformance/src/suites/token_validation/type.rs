//! Is a JWT of another kind refused (RFC 8725, section 3.11)?

use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/type",
    title: "Another kind of JWT",
    requirements: &["R-ID-3", "T-TYPE"],
    profile: Profile::Core,
    severity: Severity::Medium,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_TYPE],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![kit.genuine().header("typ", "logout+jwt").sign(kit.key, Algorithm::Rs256)?])
}
