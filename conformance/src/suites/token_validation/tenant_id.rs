//! Is a token refused whose tenant is named by something else than its id?

use futures_util::future::BoxFuture;

use super::Kit;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Setup, Severity};
use crate::forge::{Algorithm, ForgeError, Forged};

pub(super) const CHECK: Check = Check {
    id: "token-validation/tenant-id",
    title: "A tenant that is not a GUID",
    requirements: &["R-ID-3", "T-TENANT-ID"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::NO_TENANT_ID],
    source: file!(),
    run,
};

fn run(bench: &mut Bench) -> BoxFuture<'_, Result<(), Finding>> {
    Box::pin(super::refuses(bench, forgeries))
}

fn forgeries(kit: &Kit<'_>) -> Result<Vec<Forged>, ForgeError> {
    let name = "contoso.example";
    Ok(vec![kit.genuine().claim("tid", name).claim("iss", kit.issuer_of(name)).sign(kit.key, Algorithm::Rs256)?])
}
