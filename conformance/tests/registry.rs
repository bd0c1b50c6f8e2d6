//! The lists are explicit; these tests prove that they are complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use conformance::check::Run;
use conformance::{attacks, broken, requirements, scenario, suites};

fn checks_on_disk(folder: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(checks_on_disk(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "yaml" || kind == "json")
            && path.file_name().is_some_and(|name| name != "mod.rs")
        {
            files.insert(path);
        }
    }
    files
}

#[test]
fn a_file_is_named_as_its_check_and_every_file_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = suites::all().filter(|check| matches!(check.run, Run::Code(_)));
    let file = |id: &str| format!("src/suites/{}.rs", id.replace('-', "_"));
    let named: BTreeSet<PathBuf> = code.map(|check| root.join(file(check.id))).collect();
    assert_eq!(named, checks_on_disk(&root.join("src/suites")));
    let files = suites::all().filter(|check| matches!(check.run, Run::File(_)));
    let files: BTreeSet<PathBuf> = files.map(|check| root.join(format!("scenarios/{}.yaml", check.id))).collect();
    let mut on_disk = checks_on_disk(&root.join("scenarios"));
    on_disk.remove(&root.join("scenarios/scenario.schema.json"));
    assert_eq!(files, on_disk);
    for check in suites::all() {
        let matches = match check.run {
            Run::Code(_) => check.source.ends_with(&file(check.id)),
            Run::File(_) => check.source.ends_with(&format!("scenarios/{}.yaml", check.id)),
        };
        assert!(matches, "{} says it is in {}", check.id, check.source);
    }
}

#[test]
fn ids_are_unique_and_belong_to_their_suite() {
    let mut seen = BTreeSet::new();
    for suite in suites::SUITES {
        for check in suites::of(suite) {
            assert!(seen.insert(check.id), "{} twice", check.id);
            assert_eq!(check.suite(), *suite, "{}", check.id);
        }
    }
    let files = scenario::shipped::all().iter().filter(|check| !suites::SUITES.contains(&check.suite()));
    assert_eq!(files.map(|check| check.id).collect::<Vec<_>>(), Vec::<&str>::new(), "of no suite");
}

#[test]
fn every_check_names_a_broken_connector_and_every_broken_connector_is_named() {
    let listed: BTreeSet<&str> = broken::ALL.iter().map(|broken| broken.name).collect();
    assert_eq!(listed.len(), broken::ALL.len(), "a name occurs twice");
    let mut named = BTreeSet::new();
    for check in suites::all() {
        assert!(!check.broken.is_empty(), "{} cannot be seen to fail", check.id);
        named.extend(check.broken.iter().map(|broken| broken.name));
    }
    assert_eq!(named, listed);
}

#[test]
fn every_requirement_has_checks_or_a_reason_and_every_check_a_requirement() {
    let rows = requirements::all().unwrap();
    let coverage = requirements::coverage(suites::all());
    let known: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(known.len(), rows.len(), "an id occurs twice");
    for id in coverage.keys() {
        assert!(known.contains(id), "{id} is no requirement");
    }
    for row in &rows {
        assert_ne!(
            coverage.contains_key(row.id.as_str()),
            row.unchecked.is_some(),
            "{}: checks or a reason, not both",
            row.id
        );
    }
    for check in suites::all() {
        assert!(!check.requirements.is_empty(), "{}", check.id);
    }
}

#[test]
fn the_page_of_requirements_is_this_versions_and_has_no_empty_cell() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let rows = requirements::all().unwrap();
    for row in &rows {
        assert!(!row.code.is_empty(), "{} is kept nowhere", row.id);
        for path in &row.code {
            assert!(root.join(path).exists(), "{}: {path} is gone", row.id);
        }
    }
    let page = requirements::page(&rows, &requirements::coverage(suites::all()));
    assert!(!page.contains("|  |"), "a cell is empty");
    let path = root.join("docs/requirements.md");
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(&path).is_ok_and(|shipped| shipped == page), "UPDATE_PAGES=1 writes it anew");
}

#[test]
fn the_page_of_attacks_is_this_versions_and_says_why_something_is_not_there() {
    let attacks = attacks::all().unwrap();
    let ids: BTreeSet<&str> = attacks.iter().map(|attack| attack.id.as_str()).collect();
    assert_eq!((ids.len(), attacks.len()), (80, 80), "an id occurs twice, or not at all");
    for attack in &attacks {
        let check = suites::find(&attack.id);
        let whole = attack.state(check) == attacks::State::Full;
        assert!(whole || attack.note.as_ref().is_some_and(|note| !note.is_empty()), "{}: why?", attack.id);
        assert!(check.is_none_or(|check| check.attack.is_some()), "{} cannot be replayed", attack.id);
        // A note may name files: they are there.
        let words = attack.note.iter().flat_map(|note| note.split([' ', ':', ',', ';']));
        for path in words.filter(|word| word.contains('/') && word.contains(".rs")) {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path).exists(), "{path} is gone");
        }
    }
    let page = attacks::page(&attacks, suites::find);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/attacks.md");
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(&path).is_ok_and(|shipped| shipped == page), "UPDATE_PAGES=1 writes it anew");
}

/// A catalogue of somebody's (`{ "scenarios": [{ "id", "severity" }] }`) beside the list: the same attacks, as severe.
#[test]
fn a_catalogue_elsewhere_has_the_same_attacks() {
    let Some(path) = std::env::var_os("OFFLINE365_CATALOGUE") else { return };
    let catalogue: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let rows = catalogue["scenarios"].as_array().unwrap();
    let theirs: BTreeSet<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let attacks = attacks::all().unwrap();
    assert_eq!(attacks.iter().map(|attack| attack.id.as_str()).collect::<BTreeSet<_>>(), theirs);
    for row in rows {
        if let Some(check) = suites::find(row["id"].as_str().unwrap()) {
            assert_eq!(check.severity.to_string(), row["severity"], "{}", check.id);
        }
    }
}

#[test]
fn every_incident_names_attacks_that_exist() {
    let page = include_str!("../../docs/incidents.md");
    let mut named = 0;
    // Whatever looks like an id is one: two words of small letters, digits and dashes.
    let looks_like_one = |word: &str| {
        let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'));
        word.split_once('/').is_some_and(|(suite, name)| is_part(suite) && is_part(name))
    };
    for word in page.split('`').skip(1).step_by(2).filter(|word| looks_like_one(word)) {
        assert!(suites::find(word).is_some(), "{word}");
        named += 1;
    }
    assert!(named > 20, "{named}");
}

#[test]
fn there_are_attacks_of_the_kinds_that_matter_most() {
    let attacks: BTreeSet<&str> = suites::all().filter(|check| check.attack.is_some()).map(|check| check.id).collect();
    assert!(attacks.len() >= 5);
    for id in ["tenant-isolation/obo-cache-same-oid-two-tenants", "tenant-isolation/forged-tenant"] {
        assert!(attacks.contains(id), "{id}");
    }
}
