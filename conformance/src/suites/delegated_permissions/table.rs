//! What is served with which permissions, and which part refuses the rest? Every tool and kind of item × each permission alone, each taken
//! away, and the sets that tenants really grant, against a table that people have read: `conformance/tables/delegated-permissions.txt`.
//!
//! `offline365 check --only delegated-permissions/table --json` tells the lines that are otherwise than the table says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fixtures::cast::{ALICE, CONTOSO, DAVE};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bench::{Actor, Bench, Reply};
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "delegated-permissions/table",
    title: "Each tool is served with its permissions, and refused without them where the table says",
    requirements: &["R-GATE-4", "R-REV-2", "R-REV-3", "R-REV-4", "R-REV-5", "R-USER-1", "R-USER-2"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::ClockControl],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[
        &broken::BASIC_IS_ENOUGH,
        &broken::SITES_BY_ANOTHER_PERMISSION,
        &broken::FILES_BY_ANOTHER_PERMISSION,
        &broken::CHATS_BY_ANOTHER_PERMISSION,
        &broken::OWN_MAILBOX_INSTEAD,
        &broken::REFUSAL_WITHOUT_A_REASON,
    ],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

/// What the connector asks for, one by one.
const ASKED: &[&str] = &[
    "User.Read",
    "Mail.Read",
    "Mail.Read.Shared",
    "Mail.ReadBasic",
    "Calendars.Read",
    "Calendars.Read.Shared",
    "Chat.Read",
    "Chat.ReadBasic",
    "ChannelMessage.Read.All",
    "Files.Read",
    "Files.Read.All",
    "Sites.Read.All",
];

/// As reviewed: for each thing that is tried, each outcome and the sets of permissions that bring it; `-X` is everything but X.
const TABLE: &str = include_str!("../../../tables/delegated-permissions.txt");

/// Sets of permissions by name.
fn grants() -> Vec<(String, Vec<&'static str>)> {
    let mut sets = vec![("everything".to_owned(), ASKED.to_vec()), ("nothing".to_owned(), Vec::new())];
    for scope in ASKED {
        sets.push((format!("-{scope}"), ASKED.iter().copied().filter(|other| other != scope).collect()));
    }
    for scope in ASKED.iter().chain(&["Sites.Selected"]) {
        sets.push((format!("only {scope}"), vec![*scope]));
    }
    let some = ["User.Read", "Mail.Read", "Calendars.Read"];
    sets.push(("mail and calendar, from the start".to_owned(), some.to_vec()));
    let written = super::super::read_only::WRITE_SCOPES.iter().copied();
    sets.push(("everything, and to write".to_owned(), ASKED.iter().copied().chain(written).collect()));
    sets
}

/// What is tried, by name.
type Probe = (&'static str, &'static str, Value);

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let probes = probes(bench).await?;
    let mut outcomes: BTreeMap<&str, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let mut holds = true;
    for (set, scopes) in grants() {
        if holds {
            bench.revoke(CONTOSO, &[]).await?;
        }
        holds = !scopes.is_empty();
        if holds {
            bench.consent(CONTOSO, &scopes).await?;
        }
        // A new sign-in: what was exchanged before belongs to the old one. The minute lets people ask that much.
        bench.advance(SignedDuration::from_secs(61)).await?;
        let dave = bench.sign_in(DAVE).await?;
        for (what, tool, arguments) in &probes {
            let reply = bench.attempt(&format!("{set}: {what}"), dave.call(tool, arguments.clone())).await?;
            outcomes.entry(what).or_default().entry(outcome(&reply)).or_default().push(set.clone());
        }
    }
    let mut wrong = Ok(());
    for (what, _, _) in &probes {
        let observed = outcomes.get(what).map(|outcomes| told(what, outcomes)).unwrap_or_default();
        let block = TABLE.split("\n\n").find(|block| block.lines().next() == Some(what));
        let expected = block.unwrap_or_default().trim_end();
        // All of them are told, not the first alone that is otherwise.
        wrong = wrong.and(bench.expect(what, expected, &observed, expected == observed));
    }
    wrong
}

/// The refusal that is expected of what was not granted: the sets that bring it are all others.
const REFUSED: &str = "CONSENT_REQUIRED by the issuer";

/// How one thing went, by outcome, as the table writes it.
fn told(what: &str, outcomes: &BTreeMap<String, Vec<String>>) -> String {
    let mut text = what.to_owned();
    for (outcome, sets) in outcomes.iter().filter(|(outcome, _)| *outcome != REFUSED) {
        let _ = write!(text, "\n  {outcome}: {}", sets.join(", "));
    }
    if outcomes.contains_key(REFUSED) {
        let _ = write!(text, "\n  {REFUSED}: all others");
    }
    text
}

fn outcome(reply: &Reply) -> String {
    match reply.refused_by() {
        None => {
            // Some tools go on in a limited way, and say so.
            let notes =
                reply.structured().and_then(|answer| answer.get("notes")?.as_array().cloned()).unwrap_or_default();
            let codes: Vec<_> = notes.iter().filter_map(|note| note.get("code")?.as_str()).collect();
            let limits: Vec<_> = codes.into_iter().filter(|code| code.starts_with("LIMITED")).collect();
            if limits.is_empty() { "served".to_owned() } else { format!("served, {}", limits.join(" ")) }
        }
        Some(by) => format!("{} by the {by}", reply.code().unwrap_or_else(|| format!("HTTP {}", reply.status))),
    }
}

/// Looks up, with every permission, what is asked for later.
async fn probes(bench: &mut Bench) -> Result<Vec<Probe>, Finding> {
    let (dave, alice) = (bench.sign_in(DAVE).await?, bench.sign_in(ALICE).await?);
    let (mail, calendar, talk, files) =
        ("outlook_email_search", "outlook_calendar_search", "chat_message_search", "sharepoint_search");
    let incident = json!({ "query": "incident" });
    let support = json!({ "mailboxOwnerEmail": "support@contoso.example" });
    let posts = json!({ "query": "demo", "includeChannels": true });
    let file = |name: &str| json!({ "query": name, "limit": 50 });
    let of = |owner: &str| json!({ "calendarOwnerEmail": owner });
    let own_mail = find(bench, &dave, mail, incident.clone(), "mail:///").await?;
    let shared_mail = find(bench, &dave, mail, support.clone(), "mail:///").await?;
    let own_event = find(bench, &dave, calendar, json!({}), "calendar:///").await?;
    let chat = find(bench, &dave, talk, json!({ "query": "launch" }), "teams:///chats/").await?;
    let post = find(bench, &dave, talk, posts.clone(), "teams:///teams/").await?;
    let own_file = find(bench, &dave, files, file("deploy"), "Deploy.md").await?;
    let shared_file = find(bench, &dave, files, file("company"), "For the company.docx").await?;
    let site_file = find(bench, &dave, files, file("board"), "Board deck.pptx").await?;
    let foreign_file = find(bench, &alice, files, file("forecast"), "Forecast 2026.xlsx").await?;
    let read = |uri: &str| json!({ "uri": uri });
    let meeting = json!({ "participants": ["alice@contoso.example"], "afterDateTime": "2026-01-13T08:00:00Z", "beforeDateTime": "2026-01-13T17:00:00Z" });
    Ok(vec![
        ("the own profile", "get_me", json!({})),
        ("search of the own mail", mail, incident),
        ("search of a shared mailbox", mail, support),
        ("search of a mailbox that is not shared", mail, json!({ "mailboxOwnerEmail": "bob@contoso.example" })),
        ("an own mail", "read_resource", read(&own_mail)),
        ("a mail of a shared mailbox", "read_resource", read(&shared_mail)),
        ("search of the own calendar", calendar, json!({})),
        ("search of a shared calendar", calendar, of("alice@contoso.example")),
        ("search of a calendar that is not shared", calendar, of("frank@contoso.example")),
        ("an own event", "read_resource", read(&own_event)),
        ("when others are free", "find_meeting_availability", meeting),
        ("search of chats", talk, json!({ "query": "launch" })),
        ("search of chats and channels", talk, posts),
        ("a message of a chat", "read_resource", read(&chat)),
        ("a message of a channel", "read_resource", read(&post)),
        ("search of files", files, file("runbook")),
        ("search of folders", "sharepoint_folder_search", json!({ "name": "Runbooks" })),
        ("an own file", "read_resource", read(&own_file)),
        ("a file that somebody shared", "read_resource", read(&shared_file)),
        ("a file of a site", "read_resource", read(&site_file)),
        ("a file of a site that is not shared", "read_resource", read(&foreign_file)),
    ])
}

/// The address of the first hit that holds a word.
async fn find(bench: &mut Bench, who: &Actor, tool: &str, arguments: Value, word: &str) -> Result<String, Finding> {
    let label = format!("{} looks for {word} with {tool}", who.name);
    let reply = bench.control(&label, who.call(tool, arguments), word).await?;
    reply.uri_with(word).ok_or_else(|| Finding::Inconclusive(format!("{label}: the hit has no uri")))
}
