//! Is a token of another version than the registered one refused?

use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/version",
    title: "A token of the older version",
    requirements: &["R-ID-3", "T-VERSION"],
    profile: Profile::Core,
    severity: Severity::Medium,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_VERSION],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![kit.genuine().claim("ver", "1.0").sign(kit.key, Algorithm::Rs256)?])
}
