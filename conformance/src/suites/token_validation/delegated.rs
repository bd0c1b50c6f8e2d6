//! Is a token refused that no user stands behind?

use fixtures::cast::MALLORY;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/delegated",
    title: "An application's own token",
    requirements: &["R-ID-4", "T-DELEGATED"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: MALLORY, knows: "the credential of an application", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::NO_DELEGATED],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![
        kit.genuine().claim("idtyp", "app").sign(kit.key, Algorithm::Rs256)?,
        kit.genuine()
            .claim("idtyp", "app")
            .without("scp")
            .claim("roles", json!(["access_as_user"]))
            .sign(kit.key, Algorithm::Rs256)?,
    ])
}
