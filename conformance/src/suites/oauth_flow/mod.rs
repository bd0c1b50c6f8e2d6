//! Are sign-ins begun and ended by the same people, at the issuer that was meant?

mod endpoint_scheme_injection;
mod metadata_issuer_mismatch;
mod metadata_ssrf;
mod state_and_session_binding;

use crate::bench::{Bench, CANARY, Says, Tried};
use crate::check::{Check, Finding};

/// The checks of this suite that are code.
pub(super) const CHECKS: &[&Check] = &[
    &endpoint_scheme_injection::CHECK,
    &metadata_issuer_mismatch::CHECK,
    &metadata_ssrf::CHECK,
    &state_and_session_binding::CHECK,
];

/// The control: where everything is as it says, somebody is signed in.
async fn an_honest_server(bench: &mut Bench) -> Result<(), Finding> {
    let tried = bench.sign_in_at("an honest server", &Says::TRUE, false, true).await?;
    if let Some(why) = tried.refusal.or_else(|| tried.opened.is_empty().then(|| "no browser was opened".to_owned())) {
        return Err(Finding::Inconclusive(format!("control failed: nobody is signed in at an honest server: {why}")));
    }
    Ok(())
}

/// No browser is opened, nothing inside is asked, and the refusal names the reason and nothing that was found inside.
fn expect_turned_away(bench: &mut Bench, what: &str, tried: &Tried, because: &str) -> Result<(), Finding> {
    let opened = opened(tried);
    bench.expect(&format!("{what}: browsers that were opened"), "nothing", &none_or(&opened), opened.is_empty())?;
    let inside = tried.inside.join(", ");
    bench.expect(&format!("{what}: what is asked inside"), "nothing", &none_or(&inside), inside.is_empty())?;
    let refusal = tried.refusal.clone().unwrap_or_default();
    let told = refusal.contains(because) && !refusal.contains(CANARY);
    bench.expect(&format!("{what}: the reason"), because, &none_or(&refusal), told)
}

/// Where browsers were opened, without what the client adds, which is another one each time.
fn opened(tried: &Tried) -> String {
    let opened = tried.opened.iter().map(|url| url.as_str().split("client_id=").next().unwrap_or_default());
    opened.collect::<Vec<_>>().join(" ")
}

fn none_or(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { text.to_owned() }
}
