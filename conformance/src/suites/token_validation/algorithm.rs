//! Is a token refused whose header names another algorithm, whatever its signature is?

use fixtures::cast::MALLORY;
use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/algorithm",
    title: "Another signature algorithm",
    requirements: &["R-ID-3", "T-ALGORITHM"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: MALLORY, knows: "the issuer's public key", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::NO_ALGORITHM],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    let public = kit.key.certificate_pem.as_bytes();
    Ok(vec![
        kit.genuine().mislabelled(kit.key, "RS512")?,
        kit.genuine().mislabelled(kit.key, "none")?,
        kit.genuine().sign(kit.key, Algorithm::Rs512)?,
        kit.genuine().sign(kit.key, Algorithm::Ps256)?,
        kit.genuine().unsigned("none"),
        kit.genuine().unsigned("nOnE"),
        kit.genuine().sign_hs256(public),
    ])
}
