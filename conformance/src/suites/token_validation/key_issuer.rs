//! Is a token refused whose key may not sign for its issuer?

use fixtures::cast::MALLORY;
use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/key-issuer",
    title: "A key of personal accounts signs for a company",
    requirements: &["R-ID-3", "T-KEY-ISSUER"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: MALLORY,
        knows: "a signing key of the consumer tenant",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::NO_KEY_ISSUER],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![kit.genuine().sign(kit.consumer, Algorithm::Rs256)?])
}
