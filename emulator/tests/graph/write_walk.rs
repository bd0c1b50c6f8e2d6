//! Every published write of mail, calendars, contacts, users, chats, teams, files and sites, asked with a token that may only read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::scene::Scene;

const PUBLISHED: &str = include_str!("../../src/graph/published-writes.txt");
/// What a read-only client holds.
const READER: &str = "User.Read User.ReadBasic.All Mail.Read Mail.Read.Shared Calendars.Read Calendars.Read.Shared \
                      Contacts.Read MailboxSettings.Read Chat.Read Chat.ReadBasic ChatMember.Read Team.ReadBasic.All \
                      TeamMember.Read.All Channel.ReadBasic.All ChannelMember.Read.All ChannelMessage.Read.All \
                      Files.Read Files.Read.All Sites.Read.All";

/// Method, path with something in place of its keys, area, whether v1.0 knows it, scopes.
fn rows() -> Vec<(&'static str, String, &'static str, bool, Vec<&'static str>)> {
    let mut rows = Vec::new();
    for line in PUBLISHED.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split(' ').collect();
        let (area, rest) = (
            words[1].trim_end_matches('!'),
            words[3].trim_end_matches('-').replace("{id}", "AAMkAGI2").replace("{path}", "AAMkAGI2"),
        );
        let owners = match words[2] {
            "*" => vec!["/me", "/users/alice@contoso.example"],
            "me" => vec!["/me"],
            "users" => vec!["/users/alice@contoso.example"],
            _ => vec![""],
        };
        for owner in owners {
            rows.push((words[0], format!("{owner}{rest}"), area, !words[1].ends_with('!'), words[4..].to_vec()));
        }
    }
    rows
}

#[tokio::test]
async fn a_reader_is_refused_every_published_write_and_each_is_recorded() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, READER);
    let before = scene.running.state().world().content_fingerprint();
    let held: BTreeSet<_> = READER.split_whitespace().collect();
    let mut answers: BTreeMap<String, u64> = BTreeMap::new();
    let mut let_through = BTreeSet::new();
    let rows = rows();
    for (method, path, area, is_v1, scopes) in &rows {
        let reply = alice.send(method, path, &json!({})).await;
        let row = scene.running.state().journal.audit_since(0).pop().unwrap();
        assert_eq!((row.kind, row.status), ("graph-write", reply.status), "{method} {path}: {row:?}");
        *answers.entry(format!("{area} {}: {}", if *is_v1 { "v1.0" } else { "other" }, reply.code())).or_default() += 1;
        // Forwarding an invitation asks for no more than reading: a read-only client's token can do it.
        if scopes.iter().any(|scope| held.contains(scope)) {
            let_through.insert(format!(
                "{method} {}",
                path.replace("AAMkAGI2", "{id}").replace("/users/alice@contoso.example", "/users/{id}")
            ));
        } else if *is_v1 {
            assert_eq!(reply.status, 403, "{method} {path}: {}", reply.code());
        } else {
            assert!(matches!(reply.status, 400 | 403), "{method} {path}: {}", reply.code());
        }
    }
    assert!(rows.len() > 1000, "{}", rows.len());
    assert_eq!(scene.running.state().world().content_fingerprint(), before);
    insta::assert_json_snapshot!("write_walk", json!({ "answers": answers, "open to a reader": let_through }));
}

/// The copy against the file it was taken from: `OFFLINE365_WRITES` names a JSON file with `writes[].{method, path, area, v1Csdl}`.
#[test]
fn the_copy_is_true_to_its_source() {
    let Some(path) = std::env::var_os("OFFLINE365_WRITES") else {
        println!("skipped: OFFLINE365_WRITES names no file");
        return;
    };
    let source: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let known: BTreeSet<_> = rows()
        .into_iter()
        .map(|(method, path, area, is_v1, _)| {
            let path = path.replace("AAMkAGI2", "{id}").replace("alice@contoso.example", "{id}");
            (method.to_owned(), path.to_lowercase(), area.to_owned(), is_v1)
        })
        .collect();
    let mut compared = 0;
    for row in source["writes"].as_array().unwrap() {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let path = text("path").replacen("/users/me/", "/users/{id}/", 1).replace(", ", ",").to_lowercase();
        if !["mail", "calendar", "contacts", "users", "chats", "teams", "files", "sites"]
            .contains(&text("area").as_str())
            || path.contains("...")
            || !path.starts_with('/')
        {
            continue;
        }
        compared += 1;
        let row = (text("method"), path, text("area"), row["v1Csdl"].as_bool().unwrap());
        assert!(known.contains(&row), "{row:?}");
    }
    assert!(compared > 1000, "{compared}");
}
