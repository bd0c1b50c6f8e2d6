//! Is a token refused that does not name its user by object id, whatever else it calls them?

use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/identity",
    title: "A token that names nobody",
    requirements: &["R-ID-3", "T-IDENTITY"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_IDENTITY],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    Ok(vec![
        kit.genuine().claim("oid", "alice@contoso.example").sign(kit.key, Algorithm::Rs256)?,
        kit.genuine().without("oid").sign(kit.key, Algorithm::Rs256)?,
    ])
}
