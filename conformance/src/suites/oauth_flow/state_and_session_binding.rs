//! Does a sign-in come back to whoever began it, once, in time, and to nobody else?

use fixtures::cast::{ALICE, BOB, MALLORY};
use jiff::SignedDuration;
use serde_json::json;

use crate::bench::{As, Bench, Told};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "oauth-flow/state-and-session-binding",
    title: "Callback that this browser did not begin",
    requirements: &["R-TOK-1", "R-TOK-4"],
    profile: Profile::Extended,
    severity: Severity::Critical,
    needs: &[Feature::Setup, Feature::Host, Feature::ClockControl],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: Some(Attack {
        by: BOB,
        knows: "a code of his own, and a connect link of his own that Alice follows",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::HOST_ANY_BROWSER],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

const CALLBACK: &str = "/connect/callback";

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    pre_start(bench).await?;
    // Bob starts, Alice signs in at the end of his link, and her browser comes back with her own cookie.
    let (bobs, back) = bench.sign_in_to_connect(BOB, ALICE).await?;
    let (alices, alices_back) = bench.sign_in_to_connect(ALICE, ALICE).await?;
    let lured = come_back(bench, "Alice's browser comes back on Bob's link", &alices, &back).await?;
    bench.expect_told("the link in another browser", &lured, "OTHER_BROWSER")?;
    nobody_is_connected(bench, BOB).await?;
    // Mallory's code under Alice's pending state: the code is not what that sign-in's verifier belongs to.
    let (mallorys, mallorys_back) = bench.sign_in_to_connect(MALLORY, MALLORY).await?;
    let swapped = with(&alices_back, "code", &value(&mallorys_back, "code").unwrap_or_default());
    let bare = come_back(bench, "no browser at all", "", &alices_back).await?;
    bench.expect_told("a callback without a cookie", &bare, "OTHER_BROWSER")?;
    let other = come_back(bench, "Mallory's browser with Alice's state", &mallorys, &alices_back).await?;
    bench.expect_told("the state of another pending sign-in", &other, "OTHER_BROWSER")?;
    let fed = come_back(bench, "Alice's browser is fed Mallory's code", &alices, &swapped).await?;
    bench.expect("a code of another sign-in", "a refusal", &fed.summary(), fed.status >= 400)?;
    nobody_is_connected(bench, ALICE).await?;
    let spent = come_back(bench, "the state once more", &alices, &alices_back).await?;
    bench.expect_told("a state that was used", &spent, "UNKNOWN_SIGN_IN")?;
    reflected(bench).await?;
    let (late, late_back) = bench.sign_in_to_connect(ALICE, ALICE).await?;
    bench.advance(SignedDuration::from_mins(11)).await?;
    let late = come_back(bench, "after eleven minutes", &late, &late_back).await?;
    bench.expect_told("a state that ran out", &late, "UNKNOWN_SIGN_IN")?;
    nobody_is_connected(bench, ALICE).await?;
    let own = come_back(bench, "the browser that started", &bobs, &back).await?;
    bench.expect_told("Bob's ran out as well", &own, "UNKNOWN_SIGN_IN")?;
    // The control: where and when it began it can be finished, once.
    let (own, own_back) = bench.sign_in_to_connect(ALICE, ALICE).await?;
    let finished = come_back(bench, "the browser that started, in time", &own, &own_back).await?;
    bench.expect(
        "the control: it can be finished where it began",
        "HTTP 200",
        &finished.summary(),
        finished.status == 200,
    )?;
    let twice = come_back(bench, "and again", &own, &own_back).await?;
    bench.expect_told("a finished sign-in", &twice, "UNKNOWN_SIGN_IN")?;
    at_once(bench).await
}

/// Whoever comes first takes it; nobody else's code goes to the issuer, not even while the first is under way.
async fn at_once(bench: &mut Bench) -> Result<(), Finding> {
    let (cookie, back) = bench.sign_in_to_connect(ALICE, ALICE).await?;
    let slow = json!({ "host": "login", "kind": "delay", "path": "/token", "delaySeconds": 0.3 });
    bench.lab().ask("/lab/faults/add", &slow).await.map_err(|error| Finding::Inconclusive(error.to_string()))?;
    let (statuses, upstream) = bench.at_once("the browser that started", &cookie, &back, 4).await?;
    let served = statuses.iter().filter(|status| **status == 200).count();
    bench.expect("the control: one of them is served", "1 of 4", &format!("{served} of 4"), served == 1)?;
    let redeemed = upstream.iter().filter(|sent| sent.host == "login" && sent.method == "POST").count();
    bench.expect("the code goes to the issuer", "once", &format!("{redeemed} times"), redeemed == 1)
}

/// Nobody began anything.
async fn pre_start(bench: &mut Bench) -> Result<(), Finding> {
    for query in ["?code=abc", "?code=abc&state=", "?code=abc&state=guessed", "?error=access_denied&state=guessed"] {
        let answer = come_back(bench, "nothing was begun", "", &format!("{CALLBACK}{query}")).await?;
        bench.expect_told("a callback to nothing", &answer, "UNKNOWN_SIGN_IN")?;
    }
    Ok(())
}

/// What the address says is not on the page.
async fn reflected(bench: &mut Bench) -> Result<(), Finding> {
    let (cookie, back) = bench.sign_in_to_connect(ALICE, ALICE).await?;
    let state = value(&back, "state").unwrap_or_default();
    let planted = "%3Cscript%3Ealert%28%27planted%27%29%3C%2Fscript%3E";
    let path = format!("{CALLBACK}?error={planted}&error_description={planted}&state={state}");
    for accept in ["text/html", "application/json"] {
        let page =
            bench.ask("the issuer's words", As::Browser(&cookie, &[("accept", accept)]), "GET", &path, None).await?;
        bench.expect("an error of the issuer", "a refusal", &page.summary(), page.status >= 400)?;
        let shown = page.text.contains("planted");
        bench.expect("what came in the address", "not shown", if shown { "shown" } else { "not shown" }, !shown)?;
    }
    nobody_is_connected(bench, ALICE).await
}

async fn come_back(bench: &mut Bench, label: &str, cookie: &str, path: &str) -> Result<Told, Finding> {
    bench.ask(label, As::Browser(cookie, &[]), "GET", path, None).await
}

async fn nobody_is_connected(bench: &mut Bench, person: &str) -> Result<(), Finding> {
    let me = bench.served("how they stand", As::Token(person), "GET", "/api/me", None).await?;
    let state = me.word("/connection/state")?;
    bench.expect(&format!("nothing is kept for {person}"), "not_connected", &state, state == "not_connected")
}

/// A field of the query.
fn value(path: &str, name: &str) -> Option<String> {
    let (_, query) = path.split_once('?')?;
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
    pairs.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The same with another value of that field.
fn with(path: &str, name: &str, other: &str) -> String {
    let (bare, query) = path.split_once('?').unwrap_or((path, ""));
    let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    pairs.iter_mut().filter(|(known, _)| known == name).for_each(|(_, value)| other.clone_into(value));
    format!("{bare}?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
}
