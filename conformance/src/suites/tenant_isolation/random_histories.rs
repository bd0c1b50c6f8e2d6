//! Many people of two companies do anything at once, while accounts and permissions come and go: whatever is answered belongs to whoever asked.

use std::collections::BTreeSet;

use fixtures::cast::{ALICE, ALICE_FABRIKAM, BOB, BOB_FABRIKAM, BUDGET, CAROL, CONTOSO, FABRIKAM, MALLORY, TRENT};
use jiff::SignedDuration;

use super::super::QUERY;
use crate::bench::{Actor, Bench, Call};
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};
use crate::history::Draw;

pub(super) const CHECK: Check = Check {
    id: "tenant-isolation/random-histories",
    title: "Random histories of two companies at once show nobody another's content",
    requirements: &["R-USER-1", "R-TOK-3", "R-DATA-1"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[Feature::ClockControl],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::CACHE_SHARED, &broken::CACHE_BY_OBJECT_ID, &broken::ANSWERS_BY_ADDRESS],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

const PEOPLE: [&str; 8] = [ALICE, MALLORY, BOB, BOB_FABRIKAM, CAROL, ALICE_FABRIKAM, TRENT, "dave@contoso"];
const WORDS: [&str; 4] = [QUERY, "Northwind", "contract", "lease"];
const ROUNDS: usize = 16;
const SIDE_BY_SIDE: usize = 8;

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let mut draw = Draw::of_seed(bench.seed());
    let mut people = Vec::new();
    for who in PEOPLE {
        people.push(bench.sign_in(who).await?);
    }
    let canary = bench.canary(BUDGET)?;
    let alice = people.first().ok_or_else(|| Finding::Inconclusive("nobody signed in".to_owned()))?.clone();
    bench.control("Alice finds her mail", alice.search(QUERY), &canary).await?;

    // Whatever anybody was ever given, everybody tries.
    let mut known = Known::default();
    let mut withdrawn = BTreeSet::new();
    let (mut round, mut shown) = (0, 0);
    // Little may be shown where permissions are missing: then it goes on.
    while round < ROUNDS || (shown < ROUNDS && round < 4 * ROUNDS) {
        round += 1;
        let calls = (0..SIDE_BY_SIDE).filter_map(|_| something(&mut draw, &people, &known)).collect();
        let answers = bench.together(&format!("round {round}: everybody does something"), calls).await?;
        for reply in &answers.replies {
            bench.expect_only_own(&format!("round {round}, {}", reply.actor), reply)?;
            known.uris.extend(reply.items().iter().filter_map(|item| item["uri"].as_str().map(str::to_owned)));
            known.cursors.extend(reply.next_cursor());
            shown += usize::from(reply.served() && !reply.items().is_empty());
        }
        happens(bench, &mut draw, &mut withdrawn).await?;
    }
    if shown < ROUNDS {
        return Err(Finding::Inconclusive(format!("control failed: only {shown} answers held content")));
    }
    Ok(())
}

#[derive(Default)]
struct Known {
    uris: Vec<String>,
    cursors: Vec<String>,
}

fn something(draw: &mut Draw, people: &[Actor], known: &Known) -> Option<Call> {
    let who = draw.one_of(people)?;
    Some(match draw.below(8) {
        0 => who.get_me(),
        1..=3 => who.search(draw.one_of(&WORDS)?),
        4 => who.page(2, draw.one_of(&known.cursors).map(String::as_str)),
        5 => who.page(2, None),
        _ => match draw.one_of(&known.uris) {
            Some(uri) => who.read(uri),
            None => who.search(QUERY),
        },
    })
}

/// Time passes; a permission or an account goes or comes back. `withdrawn`: the tenants without the permission.
async fn happens(bench: &mut Bench, draw: &mut Draw, withdrawn: &mut BTreeSet<&str>) -> Result<(), Finding> {
    let tenant = *draw.one_of(&[CONTOSO, FABRIKAM]).unwrap_or(&CONTOSO);
    match draw.below(6) {
        0 if withdrawn.insert(tenant) => bench.revoke(tenant, &["Mail.Read"]).await,
        0..=2 => {
            withdrawn.remove(tenant);
            bench.consent(tenant, &["Mail.Read"]).await
        }
        3 => bench.enable(tenant, "bob", draw.below(2) == 0).await,
        _ => bench.advance(SignedDuration::from_secs(i64::try_from(draw.below(90)).unwrap_or(0))).await,
    }
}
