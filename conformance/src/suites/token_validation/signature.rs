//! Is a token refused whose claims were changed after it was signed, or that another key signed?

use fixtures::cast::MALLORY;
use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Attack, Check, Finding, Layer, Profile, Setup, Severity};
use crate::forge::{ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/signature",
    title: "A changed token under the genuine signature",
    requirements: &["R-ID-3", "T-SIGNATURE"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: Some(Attack { by: MALLORY, knows: "a genuine token of her own", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::NO_SIGNATURE],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![
        kit.genuine().claim("name", "Somebody Else").keep_signature(),
        kit.genuine().sign_as(kit.consumer, &kit.key.kid)?,
    ])
}
