//! Is a token refused whose tenant is named twice, in another letter case? Two readers of it would see two tenants.

use fixtures::cast::FABRIKAM;
use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/unique-claims",
    title: "A claim given twice",
    requirements: &["R-ID-3", "T-UNIQUE-CLAIMS"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_UNIQUE_CLAIMS],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    let other = kit.tenant(FABRIKAM)?;
    Ok(vec![kit.genuine().repeated("TID", &other.into()).sign(kit.key, Algorithm::Rs256)?])
}
