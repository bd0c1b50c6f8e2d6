//! Whatever happens, in whatever order: who may is served, who may not is refused once the bound is over, and nobody sees another's content.
//!
//! `offline365 check --only revocation/histories --seed random` plays others. What fails is made as short as it gets and told as a scenario
//! file; `--deep` plays 10,000.

use fixtures::cast::{ALICE, CONTOSO, GRAPH, INTEROP_CLIENT, M365_SERVER};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bench::{Bench, Host, Raw};
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};
use crate::history::shrink::Shrink;
use crate::history::{self, Asked, Event, PEOPLE, TENANTS, script};
use crate::recorder::StepKind;
use crate::scenario;

pub(super) const CHECK: Check = Check {
    id: "revocation/histories",
    title: "Random histories: served and refused as a model of what was promised says",
    requirements: &["R-REV-1", "R-REV-7", "R-REV-9", "R-USER-1", "R-TOK-3"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[Feature::ClockControl],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[
        &broken::CACHE_NEVER_EXPIRES,
        &broken::CACHE_SHARED,
        &broken::CACHE_BY_OBJECT_ID,
        &broken::KEEPS_ANSWERS,
        &broken::POLICY_OUTLIVED,
        &broken::DISABLED_FOR_EVER,
        &broken::GUESTS_REFUSED_FOR_EVER,
        &broken::ENDED_FOR_EVER,
        &broken::KEEPS_FILES,
        &broken::KEEPS_MESSAGES,
        &broken::FIRST_KEY_ONLY,
        &broken::ISSUER_ANY_GROUP,
        &broken::ANSWERS_BY_MESSAGE_ID,
    ],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

/// Histories of one run.
pub(crate) const HISTORIES: u64 = history::ROUND;
/// Things that happen in one, at least.
const LENGTH: usize = 32;
/// Runs that making a failure shorter may cost.
const TRIES: usize = 60;

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    for number in 0..HISTORIES {
        let seed = bench.seed().wrapping_mul(1_000_003).wrapping_add(number);
        let events = history::drawn(seed, LENGTH, &history::kinds(number), bench.bound().as_secs());
        let (script, result) = play(bench, seed, &events).await?;
        match result {
            Err(Finding::Fail(why)) => return Err(shortened(bench, seed, events, why).await?),
            other => other?,
        }
        // A model that says nothing finds nothing.
        let told = format!("{} questions, {} with one right outcome", script.tally.questions, script.tally.decided);
        let floor = format!("{} questions, half of them with one right outcome", history::QUESTIONS);
        bench.expect(&format!("history {seed}"), &floor, &told, script.tally.is_enough())?;
    }
    Ok(())
}

/// A failure by the shortest history that still shows it.
async fn shortened(bench: &mut Bench, seed: u64, events: Vec<Event>, why: String) -> Result<Finding, Finding> {
    let mut shrink = Shrink::new(events, TRIES);
    while let Some(candidate) = shrink.candidate() {
        let (_, result) = play(bench, seed, &candidate).await?;
        shrink.tell(candidate, matches!(result, Err(Finding::Fail(_))));
    }
    let (script, result) = play(bench, seed, &shrink.shortest()).await?;
    let why = match result {
        Err(Finding::Fail(why)) => why,
        // It remembers what it was made to do.
        _ => format!("{why}; not a second time"),
    };
    Ok(Finding::Fail(format!("history {seed}: {why}; as a scenario:\n{}", script.text)))
}

/// Plays a history, and makes the world what it was. The outer error is ours.
async fn play(
    bench: &mut Bench,
    seed: u64,
    events: &[Event],
) -> Result<(script::Script, Result<(), Finding>), Finding> {
    let script = script::script(&format!("history-{seed}"), events, bench.bound().as_secs());
    let file = format!("history-{seed}.yaml");
    let plan = bench.plan.clone();
    let scenario = scenario::parse(&file, &script.text, &plan)
        .map_err(|wrong| Finding::Inconclusive(format!("failure of ours: {file}: {wrong:?}")))?;
    let mut result = scenario::play(bench, &scenario).await;
    restore(bench).await?;
    if result.is_ok() {
        result = as_before(bench, seed).await;
    }
    Ok((script, result))
}

/// The world is what it was; so is the connector, whatever happened in between.
async fn as_before(bench: &mut Bench, seed: u64) -> Result<(), Finding> {
    let who = usize::try_from(seed).ok().and_then(|seed| PEOPLE.get(seed % PEOPLE.len())).copied().unwrap_or(ALICE);
    let again = bench.sign_in(who).await?;
    let reply = bench.attempt("everything is as it was", again.get_me()).await?;
    bench.expect("everything is as it was", "served", &reply.summary(), reply.served())
}

async fn restore(bench: &mut Bench) -> Result<(), Finding> {
    for tenant in TENANTS {
        bench.consent(tenant, &Asked::OWN.map(Asked::needs)).await?;
        let everybody = json!({ "tenant": tenant, "app": M365_SERVER, "assignmentRequired": false });
        bench.control_world("everybody is let in", "/lab/service-principals/update", &everybody).await?;
        // Something to take back, whether or not it was there.
        let policy = json!({ "tenant": tenant, "policy": { "name": "history", "demands": ["block"] } });
        bench.control_world("no policy", "/lab/policies/put", &policy).await?;
        bench
            .control_world("is in force", "/lab/policies/remove", &json!({ "tenant": tenant, "name": "history" }))
            .await?;
    }
    for verb in ["assign", "unassign"] {
        let group = json!({ "tenant": CONTOSO, "app": M365_SERVER, "member": "group:finance" });
        bench.control_world("no group is assigned", &format!("/lab/service-principals/{verb}"), &group).await?;
    }
    for who in PEOPLE {
        let (name, tenant) = who.split_once('@').unwrap_or((who, ""));
        bench.enable(tenant, name, true).await?;
    }
    share_again(bench).await?;
    // Nothing that was cached is left, and people have asked nothing for a while.
    bench.advance(bench.bound().max(SignedDuration::from_mins(2)) + SignedDuration::from_secs(1)).await
}

/// Bob's folder is shared with Alice, once.
async fn share_again(bench: &mut Bench) -> Result<(), Finding> {
    let may =
        json!({ "tenant": CONTOSO, "client": INTEROP_CLIENT, "resource": GRAPH, "scopes": ["Files.ReadWrite.All"] });
    bench.control_world("an application may change files", "/lab/grants/consent", &may).await?;
    let mint = json!({ "tenant": CONTOSO, "user": "bob", "client": INTEROP_CLIENT, "resource": GRAPH, "scopes": ["Files.ReadWrite.All"] });
    let minted = bench.control_world("Bob looks at his folder", "/lab/mint", &mint).await?;
    let token = minted.pointer("/token").and_then(Value::as_str).unwrap_or_default().to_owned();
    let folder = "v1.0/me/drive/root:/Sales/Offers:";
    let ask = |method: &str, path: &str, body: Vec<u8>| Raw {
        actor: "bob@contoso".to_owned(),
        to: Host::Graph,
        method: method.to_owned(),
        path: format!("{folder}/{path}"),
        headers: vec![
            ("authorization".to_owned(), format!("Bearer {token}")),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body,
    };
    let shares = bench.send(StepKind::Prepare, "Bob looks who has it", &ask("GET", "permissions", Vec::new())).await?;
    if shares.json().is_some_and(|list| list.pointer("/value/0").is_some()) {
        return Ok(());
    }
    let to = json!({ "recipients": [{ "email": "alice@contoso.example" }], "roles": ["read"] });
    bench.send(StepKind::Prepare, "Bob shares it", &ask("POST", "invite", to.to_string().into_bytes())).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fixtures::Plan;

    use super::*;
    use crate::bench::Embedded;
    use crate::broken::Broken;
    use crate::history::Kind;

    /// A fault for each kind of event that nobody would see without it, and what it takes besides questions and time.
    const ONLY: [(Kind, &Broken, &[Kind]); 13] = [
        (Kind::SignsIn, &broken::ENDED_FOR_EVER, &[Kind::SessionsEnd]),
        (Kind::Permission, &broken::SITES_BY_ANOTHER_PERMISSION, &[]),
        (Kind::Account, &broken::DISABLED_FOR_EVER, &[]),
        (Kind::Guest, &broken::GUESTS_REFUSED_FOR_EVER, &[]),
        (Kind::SessionsEnd, &broken::ENDED_FOR_EVER, &[Kind::SignsIn]),
        (Kind::Assignment, &broken::ISSUER_ANY_GROUP, &[Kind::Group]),
        (Kind::Group, &broken::ISSUER_ANY_GROUP, &[Kind::Assignment]),
        (Kind::Policy, &broken::POLICY_OUTLIVED, &[]),
        (Kind::Share, &broken::KEEPS_FILES, &[]),
        (Kind::Moves, &broken::KEEPS_MESSAGES, &[]),
        (Kind::KeysRoll, &broken::FIRST_KEY_ONLY, &[Kind::SignsIn]),
        (Kind::Passes, &broken::CACHE_NEVER_EXPIRES, &[Kind::Permission]),
        (Kind::Together, &broken::ANSWERS_BY_MESSAGE_ID, &[]),
    ];

    /// The first history of these kinds that finds the fault.
    async fn found(broken: &'static Broken, kinds: &[Kind], histories: u64) -> Option<u64> {
        let plan = Arc::new(Plan::embedded().expect("the fixtures are whole"));
        for seed in 0..histories {
            let started = Embedded::start(Arc::clone(&plan), 365, &Setup::SHIPPED, Some(broken)).await;
            let (house, mut bench) = started.expect("it starts");
            let events = history::drawn(seed, 40, kinds, bench.bound().as_secs());
            let (script, result) = play(&mut bench, seed, &events).await.expect("nothing of ours fails");
            house.shutdown().await;
            match result {
                Ok(()) => {}
                Err(Finding::Fail(_)) => return Some(seed),
                Err(other) => panic!("{}: {other:?}\n{}", broken.name, script.text),
            }
        }
        None
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn each_kind_of_event_finds_what_no_other_does() {
        let mut asked = tokio::task::JoinSet::new();
        for (kind, broken, beside) in ONLY {
            asked.spawn(async move {
                let others: Vec<_> = Kind::ALL.into_iter().filter(|other| *other != kind).collect();
                let needed = [&[kind, Kind::Ask, Kind::Passes], beside].concat();
                match (found(broken, &others, 2).await, found(broken, &needed, 20).await) {
                    (None, Some(_)) => String::new(),
                    (Some(seed), _) => format!("{} is seen without {kind:?}, in history {seed}\n", broken.name),
                    (None, None) => format!("{} is not seen with {kind:?}\n", broken.name),
                }
            });
        }
        let wrong: String = asked.join_all().await.concat();
        assert!(wrong.is_empty(), "{wrong}");
    }
}
