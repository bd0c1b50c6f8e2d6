//! An owner switches the connector off while everybody is at work: does the next request of each stop, and of nobody else?

use fixtures::cast::{ADMIN_CONTOSO, ALICE, BUDGET, MALLORY};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::QUERY;
use crate::bench::{As, Bench, PERSONAL, Refusal};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};
use crate::lab::Upstream;

pub(super) const CHECK: Check = Check {
    id: "revocation/org-gate-off-live",
    title: "The owner switches the connector off while sessions are open",
    requirements: &["R-GATE-1", "R-REV-1", "R-ID-5"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::Setup, Feature::Host, Feature::ClockControl],
    setup: Setup { host: true, ..Setup::SHIPPED },
    attack: Some(Attack {
        by: ALICE,
        knows: "a connection, a session and tokens from before the switch",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::HOST_ALWAYS_ON, &broken::HOST_ANYBODY_SWITCHES, &broken::ANY_TENANT],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

/// At work when the switch is turned.
const AT_WORK: &[&str] = &[ALICE, "bob@contoso", "carol@contoso", "dave@contoso", "erin@contoso"];

const CALL: (&str, &str) = ("POST", "/api/tools/get_me");

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let canary = bench.canary(BUDGET)?;
    let nothing = || Some(json!({ "arguments": {} }));
    let mut sessions = Vec::new();
    for person in AT_WORK {
        bench.connected(person).await?;
        bench.served("calls a tool", As::Token(person), CALL.0, CALL.1, nothing()).await?;
        sessions.push(bench.sign_in(person).await?);
    }
    let alice = bench.sign_in(ALICE).await?;
    bench.control("Alice searches with a client of her own", alice.search(QUERY), &canary).await?;
    bench.connected(MALLORY).await?;
    turned_by_nobody_else(bench).await?;
    let off = Some(json!({ "connectorEnabled": false }));
    bench.served("the owner switches off", As::Token(ADMIN_CONTOSO), "POST", "/api/organization", off).await?;
    // Tokens that would be renewed by now: nobody renews them.
    bench.advance(SignedDuration::from_mins(50)).await?;
    for (person, session) in AT_WORK.iter().zip(&sessions) {
        for (path, body) in [(CALL.1, nothing()), ("/api/connect", Some(json!({})))] {
            let stopped = bench.ask("the next request", As::Token(person), "POST", path, body).await?;
            bench.expect_told("after the switch", &stopped, "CONNECTOR_DISABLED")?;
            silent(bench, "the host asks for nobody", &stopped.upstream)?;
        }
        for call in [session.list_tools(), session.get_me()] {
            let stopped = bench.attempt("the next request of an open session", call).await?;
            let refusal = Refusal::of(403, "connector_disabled", Layer::Connector);
            bench.expect_refused("the server, too, is closed", &stopped, refusal)?;
            silent(bench, "the server asks for nobody", &stopped.upstream)?;
        }
    }
    bench.served("another organization goes on", As::Token(MALLORY), CALL.0, CALL.1, nothing()).await?;
    let on = Some(json!({ "connectorEnabled": true }));
    bench.served("the owner switches on", As::Token(ADMIN_CONTOSO), "POST", "/api/organization", on).await?;
    // Whoever was connected still is: the switch takes nothing but the use.
    let search = Some(json!({ "arguments": { "query": QUERY } }));
    let path = "/api/tools/outlook_email_search";
    let again = bench.served("Alice calls again", As::Token(ALICE), "POST", path, search).await?;
    let shown = again.text.contains(&canary);
    bench.expect("and is served", "her mail", if shown { "her mail" } else { "something else" }, shown)
}

async fn turned_by_nobody_else(bench: &mut Bench) -> Result<(), Finding> {
    let off = || -> Option<Value> { Some(json!({ "connectorEnabled": false })) };
    let member = bench.ask("Alice turns the switch", As::Token(ALICE), "POST", "/api/organization", off()).await?;
    bench.expect_told("a member who is no owner", &member, "NOT_AN_OWNER")?;
    let arguments = Some(json!({ "arguments": {} }));
    let stranger = bench.ask("somebody of no organization", As::Token(PERSONAL), CALL.0, CALL.1, arguments).await?;
    bench.expect_told("a personal account", &stranger, "NOT_A_MEMBER")
}

/// Keys may be read anew; no token is asked for, and nothing of Graph.
fn silent(bench: &mut Bench, claim: &str, upstream: &[Upstream]) -> Result<(), Finding> {
    let requests = upstream.iter().filter(|one| one.host != "login" || one.is_token_request()).count();
    bench.expect(claim, "0 requests for a token or to Graph", &format!("{requests}"), requests == 0)
}
