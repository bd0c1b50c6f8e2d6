//! What Graph must answer, said naively over the facts: no function is shared with the emulator's view or rules.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::calendar::Role;

use crate::facts::{Event, Facts, Mail, is_guest, tenant};

/// One question.
#[derive(Debug, Clone)]
pub(crate) enum Query {
    /// All mail of a mailbox.
    Mails { of: &'static str },
    /// Mail of its Inbox.
    Inbox { of: &'static str },
    /// `$search`.
    Search { of: &'static str, word: String },
    /// One message by its number, in the caller's own mailbox or another's.
    Mail { of: &'static str, number: usize },
    /// Events of a week.
    Week { of: &'static str },
    /// `$filter` of events by the beginning of their subject.
    Filtered { of: &'static str, word: String },
    /// Free/busy of everybody.
    Schedule,
    /// `/search/query` over one's own mail or events.
    Found { entity: &'static str, word: String },
}

/// What is to be seen of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    /// Subjects; of free/busy answers with the person before them.
    pub(crate) subjects: BTreeMap<String, usize>,
    pub(crate) bodies: bool,
}

fn refused(status: u16) -> Seen {
    Seen { status, subjects: BTreeMap::new(), bodies: false }
}

fn seen(subjects: impl Iterator<Item = String>, bodies: bool) -> Seen {
    let mut counted = BTreeMap::new();
    for subject in subjects {
        *counted.entry(subject).or_insert(0) += 1;
    }
    let bodies = bodies && !counted.is_empty();
    Seen { status: 200, subjects: counted, bodies }
}

/// What `who`, holding `scopes`, is answered.
pub(crate) fn answer(facts: &Facts, who: &'static str, scopes: &BTreeSet<&'static str>, query: &Query) -> Seen {
    let holds = |any: &[&str]| any.iter().any(|scope| scopes.contains(scope));
    match query {
        Query::Mails { of } | Query::Inbox { of } | Query::Search { of, .. } | Query::Mail { of, .. } => {
            let (reads, reads_bodies) = if who == *of {
                (holds(&["Mail.ReadBasic", "Mail.Read"]), holds(&["Mail.Read"]))
            } else {
                (holds(&["Mail.ReadBasic.Shared", "Mail.Read.Shared"]), holds(&["Mail.Read.Shared"]))
            };
            if !reads {
                return refused(403);
            }
            mail(facts, who, of, query, reads_bodies)
        }
        Query::Week { of } | Query::Filtered { of, .. } => {
            let (reads, reads_bodies) = if who == *of {
                (holds(&["Calendars.ReadBasic", "Calendars.Read"]), holds(&["Calendars.Read"]))
            } else {
                (holds(&["Calendars.Read.Shared"]), holds(&["Calendars.Read.Shared"]))
            };
            if !reads {
                return refused(403);
            }
            calendar(facts, who, of, query, reads_bodies)
        }
        Query::Found { entity, word } => {
            let scope = if *entity == "message" { "Mail.Read" } else { "Calendars.Read" };
            if is_guest(who) || !holds(&[scope]) {
                return refused(403);
            }
            let mails = facts.mails.iter().filter(|mail| mail.owner == who).map(|mail| &mail.subject);
            let events = facts.events.iter().filter(|event| event.owner == who).map(|event| &event.subject);
            let all: Vec<_> = if *entity == "message" { mails.collect() } else { events.collect() };
            seen(all.into_iter().filter(|subject| subject.starts_with(word.as_str())).cloned(), false)
        }
        Query::Schedule => {
            if holds(&["Calendars.ReadBasic", "Calendars.Read"]) {
                schedule(facts, who)
            } else {
                refused(403)
            }
        }
    }
}

fn mail(facts: &Facts, who: &'static str, of: &'static str, query: &Query, reads_bodies: bool) -> Seen {
    if who == of && is_guest(who) {
        return refused(404);
    }
    let shared: Vec<_> =
        facts.delegations.iter().filter(|row| row.owner == of && row.to == who && tenant(who) == tenant(of)).collect();
    if who != of && shared.is_empty() {
        return refused(403);
    }
    let in_reach = |folder: &str| who == of || shared.iter().any(|row| row.folder.is_none_or(|only| only == folder));
    let visible: Vec<&Mail> = facts.mails.iter().filter(|mail| mail.owner == of && in_reach(mail.folder)).collect();
    match query {
        Query::Inbox { .. } if !in_reach("Inbox") => refused(404),
        Query::Inbox { .. } => {
            seen(visible.iter().filter(|mail| mail.folder == "Inbox").map(|mail| mail.subject.clone()), reads_bodies)
        }
        Query::Search { word, .. } => seen(
            visible.iter().filter(|mail| mail.subject.starts_with(word.as_str())).map(|mail| mail.subject.clone()),
            reads_bodies,
        ),
        Query::Mail { number, .. } => match facts.mails.get(*number) {
            Some(mail) if mail.owner == of && in_reach(mail.folder) => {
                seen(Some(mail.subject.clone()).into_iter(), reads_bodies)
            }
            _ => refused(404),
        },
        _ => seen(visible.iter().map(|mail| mail.subject.clone()), reads_bodies),
    }
}

/// 0 nothing, 1 times, 2 subjects, 3 events, 4 private ones too.
fn level(facts: &Facts, who: &str, of: &str) -> u8 {
    if who == of {
        return 4;
    }
    if tenant(who) != tenant(of) {
        return 0;
    }
    let of_role = |role: Role| match role {
        Role::None => 0,
        Role::FreeBusyRead => 1,
        Role::LimitedRead => 2,
        Role::Read | Role::Write | Role::DelegateWithoutPrivateEventAccess => 3,
        Role::DelegateWithPrivateEventAccess => 4,
    };
    let mut best = 0;
    for row in facts.shares.iter().filter(|row| row.owner == of && row.to == Some(who)) {
        best = best.max(of_role(row.role));
    }
    if !is_guest(who) {
        match facts.shares.iter().find(|row| row.owner == of && row.to.is_none()) {
            Some(row) => best = best.max(of_role(row.role)),
            None => best = best.max(1),
        }
    }
    best
}

fn calendar(facts: &Facts, who: &'static str, of: &'static str, query: &Query, reads_bodies: bool) -> Seen {
    if is_guest(of) {
        return refused(if who == of { 404 } else { 403 });
    }
    let level = level(facts, who, of);
    if level < 3 {
        return refused(403);
    }
    let subject =
        |event: &Event| if event.is_private && level < 4 { "Private".to_owned() } else { event.subject.clone() };
    let all = facts.events.iter().filter(|event| event.owner == of).map(subject);
    let all: Vec<_> = match query {
        Query::Filtered { word, .. } => all.filter(|subject| subject.starts_with(word.as_str())).collect(),
        _ => all.collect(),
    };
    seen(all.into_iter(), reads_bodies)
}

fn schedule(facts: &Facts, who: &'static str) -> Seen {
    let mut lines = Vec::new();
    for of in crate::facts::PEOPLE {
        let level = if is_guest(of) { 0 } else { level(facts, who, of) };
        if level == 0 {
            lines.push(format!("{of}: refused"));
            continue;
        }
        for event in facts.events.iter().filter(|event| event.owner == of) {
            let is_told = if event.is_private { level == 4 } else { level >= 2 };
            lines.push(format!("{of}: {}", if is_told { &event.subject } else { "busy" }));
        }
    }
    seen(lines.into_iter(), false)
}
