//! Can the checks fail? Each broken connector falls to every check that names it; ours falls to none.

use conformance::broken;
use conformance::check::Verdict;
use conformance::command::falls;
use conformance::run::Runner;
use conformance::suites;
use conformance::target::Target;
use fixtures::Plan;
use sha2::{Digest as _, Sha256};

fn runner() -> Runner {
    Runner::new(Plan::embedded().unwrap(), 365)
}

#[tokio::test(flavor = "multi_thread")]
async fn ours_passes_every_check() {
    let checks: Vec<_> = suites::all().collect();
    let outcomes = runner().run(&checks, &Target::Embedded(None)).await;
    for outcome in &outcomes {
        assert_eq!(outcome.verdict, Verdict::Pass, "{}: {:?}", outcome.check.id, outcome.reason);
        assert!(outcome.unmodelled.is_empty(), "{}: {:?}", outcome.check.id, outcome.unmodelled);
    }
    let calls: u64 = outcomes.iter().map(|outcome| outcome.calls).sum();
    assert!(calls >= 200, "only {calls} calls");
}

/// Neither the order of the checks nor what runs beside them decides a verdict. `OFFLINE365_SHUFFLES=50` asks more often.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: a stage of .ci/run, and fifty times in .ci/deep"]
async fn the_order_decides_no_verdict() {
    let rounds = std::env::var("OFFLINE365_SHUFFLES").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3_u32);
    let everything: Vec<_> = suites::all().collect();
    let isolation = everything.iter().copied().filter(|check| check.suite() == "tenant-isolation").collect();
    for (broken, mut checks) in [(None, everything), (Some(&broken::CACHE_SHARED), isolation)] {
        let (target, mut verdicts) = (Target::Embedded(broken), Vec::new());
        for round in 0..=rounds {
            let mut found: Vec<_> = runner().run(&checks, &target).await;
            found.sort_by_key(|outcome| outcome.check.id);
            verdicts.push(found.iter().map(|outcome| (outcome.check.id, outcome.verdict)).collect::<Vec<_>>());
            assert_eq!(verdicts.first(), verdicts.last(), "{}: shuffled run {round}", target.name());
            checks.sort_by_key(|check| Sha256::digest(format!("{round} {}", check.id)));
        }
        let all = verdicts.first().map(|verdicts| verdicts.iter().map(|(_, verdict)| *verdict).collect::<Vec<_>>());
        let red = all.unwrap_or_default().into_iter().filter(|verdict| *verdict != Verdict::Pass).count();
        assert_eq!(red > 0, broken.is_some(), "{}: {red} red", target.name());
        eprintln!("{}: {} checks, {rounds} shuffled runs, {red} red each time", target.name(), checks.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_connector_falls_to_the_checks_that_name_it() {
    let mut wrong = Vec::new();
    for fall in falls(&runner(), broken::ALL).await {
        for outcome in fall.naming.iter().filter(|outcome| outcome.verdict != Verdict::Fail) {
            wrong.push(format!(
                "{} at {}: {} {:?}",
                fall.broken.name, outcome.check.id, outcome.verdict, outcome.reason
            ));
        }
        if !fall.alive() {
            wrong.push(format!("{}: nothing of it works", fall.broken.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Refused attempts stand in the audit log; what was really written must show in the content itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_really_written_is_seen_in_the_content() {
    let check = suites::find("read-only/no-trace").unwrap();
    for (broken, seen_in) in [
        (&broken::MARKS_AS_READ, "the audit log knows of no attempt to write"),
        (&broken::SENDS_MAIL, "the audit log knows of no attempt to write"),
        (&broken::REALLY_MARKS_AS_READ, "content is untouched"),
        (&broken::REALLY_SENDS_MAIL, "content is untouched"),
    ] {
        let outcome = runner().run(&[check], &Target::Embedded(Some(broken))).await.pop().unwrap();
        assert_eq!(outcome.verdict, Verdict::Fail, "{}", broken.name);
        assert!(
            outcome.reason.as_deref().is_some_and(|reason| reason.contains(seen_in)),
            "{}: {:?}",
            broken.name,
            outcome.reason
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_run_gives_the_same_transcript() {
    let ids =
        ["tenant-isolation/obo-cache-same-oid-two-tenants", "tenant-isolation/forged-tenant", "revocation/mail-read"];
    let checks = ids.map(|id| suites::find(id).unwrap());
    let mut runs = Vec::new();
    for _ in 0..2 {
        let outcomes = runner().run(&checks, &Target::Embedded(None)).await;
        let told = outcomes.iter().map(|outcome| {
            let transcript = outcome.recorder.transcript(outcome.check.id).unwrap();
            // A token's print covers its issuer's port, which is another one in each run.
            let told = serde_json::to_string_pretty(&transcript).unwrap();
            told.lines().filter(|line| !line.trim_start().starts_with("\"print\": ")).collect::<Vec<_>>().join("\n")
        });
        runs.push(told.collect::<Vec<_>>());
    }
    for (one, other) in runs[0].iter().zip(&runs[1]) {
        let line = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert_eq!(line, None);
        assert_eq!(one, other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_transcript_holds_a_secret() {
    let checks =
        [suites::find("tenant-isolation/forged-tenant").unwrap(), suites::find("revocation/mail-read").unwrap()];
    let plan = Plan::embedded().unwrap();
    let secrets: Vec<String> = plan
        .registrations
        .iter()
        .flat_map(|registration| registration.secrets.iter().map(|secret| secret.value.clone()))
        .collect();
    for outcome in runner().run(&checks, &Target::Embedded(None)).await {
        let transcript = outcome.recorder.transcript(outcome.check.id).expect("the self-check passes");
        let text = serde_json::to_string(&transcript).unwrap();
        assert!(transcript.tokens.len() >= 3, "tokens are told by their claims");
        assert!(secrets.iter().all(|secret| !text.contains(secret)));
        // Not one compact JWS is left whole.
        let whole = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .find(|word| word.starts_with("eyJ") && word.split('.').count() == 3);
        assert_eq!(whole, None);
    }
}
