//! Is a browser's session over when it was signed out, and when nobody used it for long?

use fixtures::cast::{ALICE, MALLORY};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bench::{As, Bench};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "host/session-over",
    title: "A cookie is used after its session",
    requirements: &["R-ID-5"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::Setup, Feature::Host, Feature::ClockControl],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: Some(Attack { by: MALLORY, knows: "a cookie that Alice left behind", stopped_by: &[Layer::Connector] }),
    broken: &[&broken::HOST_SESSIONS_NEVER_END],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

/// Longer than any session lives without use.
const LONG: SignedDuration = SignedDuration::from_hours(13);

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let (cookie, csrf) = begun(bench).await?;
    let own = [("x-csrf-token", csrf.as_str()), ("sec-fetch-site", "same-origin")];
    bench.served("our page signs out", As::Browser(&cookie, &own), "DELETE", "/api/session", None).await?;
    over(bench, "after the sign-out", &cookie).await?;

    let (cookie, _) = begun(bench).await?;
    bench.advance(LONG).await?;
    over(bench, "after half a day", &cookie).await?;

    // Whoever begins anew gets another cookie.
    let (first, _) = begun(bench).await?;
    let (second, _) = begun(bench).await?;
    bench.expect("two sessions", "two cookies", if first == second { "one" } else { "two cookies" }, first != second)
}

/// A session of Alice's that works: its cookie, and the word that her page sends along.
async fn begun(bench: &mut Bench) -> Result<(String, String), Finding> {
    let who = Some(json!({ "user": ALICE }));
    let session = bench.served("Alice's browser", As::Browser("", &[]), "POST", "/api/session", who).await?;
    let csrf = session.word("/session/csrfToken")?;
    let cookie = session.cookie.clone().ok_or_else(|| Finding::Inconclusive("no cookie was set".to_owned()))?;
    // No script reads it, and no other site's form takes it along.
    let kept = ["HttpOnly", "SameSite="].iter().all(|word| session.cookie_attributes.contains(word));
    bench.expect("the cookie of a session", "HttpOnly, SameSite", &session.cookie_attributes, kept)?;
    let told = bench.served("who is there", As::Browser(&cookie, &[]), "GET", "/api/session", None).await?;
    if told.word("/session/user")? != ALICE {
        return Err(Finding::Inconclusive(format!("control failed: {}", told.summary())));
    }
    Ok((cookie, csrf))
}

async fn over(bench: &mut Bench, when: &str, cookie: &str) -> Result<(), Finding> {
    let told = bench.served(when, As::Browser(cookie, &[]), "GET", "/api/session", None).await?;
    let nobody = told.body.pointer("/session").is_none_or(Value::is_null);
    let observed = if nobody { "nobody" } else { "Alice" };
    bench.expect(&format!("who is signed in {when}"), "nobody", observed, nobody)?;
    let told = bench.ask(when, As::Browser(cookie, &[]), "GET", "/api/chats", None).await?;
    bench.expect_told(&format!("her chats {when}"), &told, "UNAUTHENTICATED")
}
