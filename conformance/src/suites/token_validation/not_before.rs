//! Is a token refused before its time?

use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/not-before",
    title: "A token that is not valid yet",
    requirements: &["R-ID-3", "T-NOT-BEFORE"],
    profile: Profile::Core,
    severity: Severity::Medium,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_NOT_BEFORE],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![
        kit.genuine().claim("nbf", kit.seconds("iat")? + 1800).sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().without("nbf").sign(kit.key, Algorithm::Rs256)?,
    ])
}
