//! Is a token refused whose issuer is not the authority of the tenant it names?

use fixtures::cast::MALLORY;
use futures_util::future::BoxFuture;

use super::{CONSUMER, Kit};
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/issuer",
    title: "An issuer that is not the tenant's",
    requirements: &["R-ID-3", "T-ISSUER"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: MALLORY, knows: "a tenant, or a key, of her own", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::NO_ISSUER],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    let consumer = kit.issuer_of(CONSUMER);
    let template = kit.issuer_of("{tenantid}");
    let elsewhere = "https://login.evil.example/common/v2.0";
    Ok(vec![
        kit.genuine().claim("iss", consumer).sign(kit.consumer, Algorithm::Rs256)?,
        kit.genuine().claim("iss", template).sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().claim("iss", elsewhere).sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().without("iss").sign(kit.key, Algorithm::Rs256)?,
    ])
}
