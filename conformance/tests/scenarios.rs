//! The scenario language: every shipped file is valid, a copy with other people runs, and what is wrong is told with line, step and remedy.

use std::collections::BTreeSet;
use std::path::Path;

use conformance::check::Verdict;
use conformance::run::Runner;
use conformance::scenario::{self, shipped};
use conformance::target::Target;
use fixtures::Plan;

fn plan() -> Plan {
    Plan::embedded().unwrap()
}

#[test]
fn every_shipped_file_is_valid() {
    let mut wrong = Vec::new();
    for read in shipped::read_all() {
        match read {
            Ok(check) => {
                let file = format!("conformance/scenarios/{}.yaml", check.id);
                assert_eq!(check.source, file, "a file is named as its scenario");
                assert!(!check.broken.is_empty(), "{file}: a shipped scenario names a broken connector");
            }
            Err(errors) => wrong.extend(errors.iter().map(ToString::to_string)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_schema_is_the_one_that_is_shipped() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/scenario.schema.json");
    let schema = format!("{}\n", serde_json::to_string_pretty(&scenario::schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == schema, "UPDATE_SCHEMA=1 cargo nextest run -p conformance the_schema writes it anew");
}

#[test]
fn there_are_at_most_thirty_verbs() {
    let schema = scenario::schema();
    let verbs = schema.pointer("/$defs/Step/oneOf").unwrap().as_array().unwrap().len();
    assert!((15..=30).contains(&verbs), "{verbs} verbs");
}

const GOOD: &str = r#"id: tenant-isolation/of-my-own
title: A file of my own
requirements: [R-USER-1]
severity: high
with:
  victim: alice@contoso
  attacker: mallory@fabrikam
steps:
  - sign_in: { who: "${victim}" }
  - sign_in: { who: "${attacker}" }
  - call:
      by: "${victim}"
      tool: get_me
      control: alice@contoso.example
  - call:
      by: "${attacker}"
      tool: get_me
      expect: { served: true, hides: [alice@contoso.example] }
"#;

fn wrong(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let errors = scenario::parse("mine.yaml", &GOOD.replacen(from, to, 1), &plan()).unwrap_err();
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_wrong_is_told_with_line_step_and_remedy() {
    scenario::parse("mine.yaml", GOOD, &plan()).unwrap();
    let told = [
        wrong("- call:", "- cal:"),
        wrong("tool: get_me", "tol: get_me"),
        wrong("      tool: get_me\n", ""),
        wrong("severity: high", "severity: bad"),
        wrong("- sign_in: { who: \"${attacker}\" }", "- sign_in: { who: alice@contoso }"),
        wrong("attacker: mallory@fabrikam", "attacker: malory@fabrikam"),
        wrong("by: \"${attacker}\"", "by: \"${atacker}\""),
        wrong("control: alice@contoso.example", "label: no control"),
        wrong("      expect: { served: true, hides: [alice@contoso.example] }\n", ""),
        wrong("{ served: true, hides: [alice@contoso.example] }", "{ same_as: other }"),
        wrong("requirements: [R-USER-1]", "requirements: [R-USER-99]"),
        wrong("severity: high", "severity: high\nbroken: [cache-sharde]"),
        wrong("[alice@contoso.example]", "[\"${canary:contoso/mail/alice/nothing}\"]"),
        wrong("id: tenant-isolation/of-my-own", "id: Mine"),
        wrong("title: A file of my own", "title: [unclosed"),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

/// The people of a file, and who could stand in their place where nothing of their own is named.
const OTHERS: &[(&str, &str)] = &[("mallory@fabrikam", "oscar@fabrikam"), ("dave@contoso", "erin@contoso")];

/// A file under another id, with others in the place of those whose content it does not name; nothing where there is nobody to replace.
fn copied(text: &str) -> Option<String> {
    let mut copy = text.to_owned();
    for (one, other) in OTHERS {
        let (name, tenant) = one.split_once('@')?;
        let own = [format!("{tenant}/mail/{name}"), format!("{tenant}/teams/"), format!("{tenant}/calendar/{name}")];
        let names_theirs =
            own.iter().any(|own| text.contains(own.as_str())) || text.contains(&format!("{tenant}/files"));
        if !names_theirs && !text.contains(other) {
            copy = copy.replace(one, other);
        }
    }
    let id = text.lines().find_map(|line| line.strip_prefix("id: "))?;
    let (suite, name) = id.split_once('/')?;
    (copy != text).then(|| copy.replace(id, &format!("{suite}/copy-of-{name}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn copied_files_with_other_people_run() {
    let folder = tempfile::tempdir().unwrap();
    let shipped_files = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut checks = Vec::new();
    for suite in
        std::fs::read_dir(shipped_files).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for file in std::fs::read_dir(suite).unwrap().map(|entry| entry.unwrap().path()) {
            let Some(copy) = copied(&std::fs::read_to_string(&file).unwrap()) else { continue };
            let path = folder.path().join(format!("{}.yaml", checks.len()));
            std::fs::write(&path, copy).unwrap();
            checks.push(shipped::read(&path, &plan()).unwrap());
        }
    }
    let outcomes = Runner::new(plan(), 365).run(&checks, &Target::Embedded(None)).await;
    let red: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.verdict != Verdict::Pass)
        .map(|outcome| (outcome.check.id, outcome.verdict, outcome.told()))
        .collect();
    assert!(red.is_empty(), "{} of {}: {red:#?}", red.len(), outcomes.len());
    let suites: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.check.suite()).collect();
    assert!(outcomes.len() >= 40 && suites.len() >= 6, "{} files of {suites:?}", outcomes.len());
}
