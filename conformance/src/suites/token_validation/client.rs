//! Is a token refused that another application obtained?

use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/client",
    title: "A client that nobody allowed",
    requirements: &["R-ID-3", "T-CLIENT"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_CLIENT],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![
        kit.genuine().claim("azp", "0ddc11e7-0365-4c11-a0ff-11e036500099").sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().without("azp").sign(kit.key, Algorithm::Rs256)?,
    ])
}
