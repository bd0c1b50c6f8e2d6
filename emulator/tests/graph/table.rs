//! The permission table against what Microsoft publishes.

use std::collections::{BTreeMap, BTreeSet};

use emulator::graph::{Permission, permissions};

const PUBLISHED: &str = include_str!("published-permissions.txt");

/// Published scopes that open nothing here, and why. An entry that no row needs fails.
const LEFT_OUT: [(&str, &str); 2] = [
    ("AgentIdUser.", "agent identities do not exist in this world"),
    ("DeviceManagement", "device management is not modelled: a token of such a tool is refused the directory"),
];

/// Rows that ask for other scopes than published, and why.
const DIFFERENT: [(&str, &[&str], &str); 1] = [(
    "GET /me/messages/{id}/$value",
    &["Mail.Read", "Mail.ReadWrite"],
    "the MIME form shows the body, which `Mail.ReadBasic` hides (docs/fidelity.md)",
)];

type Table = BTreeMap<String, BTreeSet<String>>;

fn read(text: &str) -> Table {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let mut words = row.split(' ');
        let operation = format!("{} {}", words.next().unwrap(), words.next().unwrap());
        (operation, words.map(|scope| scope.trim_start_matches('+').to_owned()).collect())
    })
    .collect()
}

/// What is wrong with the rows, one line each.
fn differences(rows: &[Permission], published: &Table) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for row in rows {
        let mut expected = BTreeSet::new();
        if let Some((operation, scopes, _)) = DIFFERENT.iter().find(|(operation, ..)| row.operation == *operation) {
            used.insert(*operation);
            expected.extend(scopes.iter().map(|scope| (*scope).to_owned()));
        } else {
            let Some(scopes) = published.get(&row.operation) else { continue };
            for scope in scopes {
                match LEFT_OUT.iter().find(|(prefix, _)| scope.starts_with(prefix)) {
                    Some((prefix, _)) => drop(used.insert(*prefix)),
                    None => drop(expected.insert(scope.clone())),
                }
            }
        }
        let own: BTreeSet<String> = row.own.iter().map(|scope| (*scope).to_owned()).collect();
        if own != expected {
            wrong.push(format!("{}: {own:?}, published {expected:?}", row.operation));
        }
        // https://learn.microsoft.com/graph/outlook-share-messages-folders: another's mailbox needs the shared form.
        if row.own.iter().any(|scope| scope.starts_with("Mail.")) && !row.others.is_empty() {
            let shared: BTreeSet<String> = expected.iter().map(|scope| format!("{scope}.Shared")).collect();
            let others: BTreeSet<String> = row.others.iter().map(|scope| (*scope).to_owned()).collect();
            if others != shared {
                wrong.push(format!("{} of another: {others:?}, expected {shared:?}", row.operation));
            }
        }
    }
    for row in rows.iter().filter(|row| row.operation.starts_with("GET /me/") && row.own.contains(&"Calendars.Read")) {
        // https://learn.microsoft.com/graph/outlook-get-shared-events-calendars: there is no shared form of `Calendars.ReadBasic`.
        if row.others != ["Calendars.Read.Shared", "Calendars.ReadWrite.Shared"] {
            wrong.push(format!("{} of another: {:?}", row.operation, row.others));
        }
    }
    let names = LEFT_OUT.iter().map(|(name, _)| *name).chain(DIFFERENT.iter().map(|(name, ..)| *name));
    wrong.extend(names.filter(|name| !used.contains(name)).map(|name| format!("no row needs the exception {name}")));
    wrong
}

#[test]
fn every_row_asks_for_the_published_scopes() {
    let rows: Vec<_> = permissions().collect();
    assert_eq!(differences(&rows, &read(PUBLISHED)), Vec::<String>::new());
}

#[test]
fn a_row_that_is_wider_narrower_or_not_shared_is_seen() {
    let published = read(PUBLISHED);
    let rows: Vec<_> = permissions().collect();
    let at = rows.iter().position(|row| row.operation == "GET /me/messages").unwrap();
    for wrong in [
        Permission { own: &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite", "User.Read"], ..rows[at].clone() },
        Permission { own: &["Mail.Read", "Mail.ReadWrite"], ..rows[at].clone() },
        Permission { others: rows[at].own, ..rows[at].clone() },
    ] {
        let mut rows = rows.clone();
        rows[at] = wrong;
        assert_eq!(differences(&rows, &published).len(), 1);
    }
}

#[test]
fn the_table_as_reviewed() {
    let rows: Vec<_> = permissions()
        .map(|row| {
            let others = if row.others.is_empty() { String::new() } else { format!(" | {}", row.others.join(" ")) };
            format!("{}: {}{others}", row.operation, row.own.join(" "))
        })
        .collect();
    insta::assert_json_snapshot!("table", rows);
}

/// The copy above against the file it was taken from: `OFFLINE365_PERMISSIONS` names a JSON file with
/// `endpoints[].{method, path, delegatedWork.{all, impliedHigher}}`.
#[test]
fn the_copy_is_true_to_its_source() {
    let Some(path) = std::env::var_os("OFFLINE365_PERMISSIONS") else {
        println!("skipped: OFFLINE365_PERMISSIONS names no file");
        return;
    };
    let source: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let copied = read(PUBLISHED);
    let mut found = Table::new();
    for row in source["endpoints"].as_array().unwrap() {
        let operation = format!("{} {}", row["method"].as_str().unwrap(), row["path"].as_str().unwrap());
        let work = &row["delegatedWork"];
        let scopes = [&work["all"], &work["impliedHigher"]].into_iter().flat_map(|list| list.as_array().unwrap());
        if copied.contains_key(&operation) {
            found.insert(operation, scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect());
        }
    }
    assert_eq!(copied, found);
}
