//! Is an expired token refused, and one that never expires?

use fixtures::cast::MALLORY;
use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/expiry",
    title: "An expired token",
    requirements: &["R-ID-3", "T-EXPIRY"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: MALLORY, knows: "yesterday's token", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::NO_EXPIRY],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![
        kit.genuine().claim("exp", kit.seconds("iat")? - 600).sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().claim("exp", "9999999999").sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().without("exp").sign(kit.key, Algorithm::Rs256)?,
    ])
}
