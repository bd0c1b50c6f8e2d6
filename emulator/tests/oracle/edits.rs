//! Who reads the directory, and who may change what is shared with them: said again, naively, over the facts alone.

use std::collections::BTreeSet;

use axum::body::Body;
use emulator::entra::keys::Version;
use emulator::rules::{DirectorySight, Reach, Rules};
use emulator::{Emulator, Options, Running};
use fixtures::Plan;
use fixtures::calendar::Role;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::facts::{Dice, Facts, PEOPLE, is_guest, tenant};
use crate::{BASE, encoded, worlds};

const SCOPES: [&str; 5] = [
    "User.ReadBasic.All",
    "Mail.ReadWrite",
    "Mail.ReadWrite.Shared",
    "Calendars.ReadWrite",
    "Calendars.ReadWrite.Shared",
];

struct House {
    running: Running,
    plan: Plan,
}

impl House {
    async fn of(facts: &Facts, rules: &Rules) -> Self {
        let plan = facts.plan(&BASE);
        let running = Emulator::start(plan.clone(), Options { rules: *rules, ..Options::default() }).await.unwrap();
        Self { running, plan }
    }

    async fn ask(
        &self,
        who: &str,
        scopes: &BTreeSet<&'static str>,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, Value) {
        let (tenant, person) = self.plan.person(who).unwrap();
        let state = self.running.state();
        let now = state.clock.now().as_second();
        let scopes: Vec<_> = scopes.iter().copied().chain(["openid"]).collect();
        let claims = json!({
            "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{}/", tenant.id), "tid": tenant.id,
            "oid": person.id(tenant), "sub": "sub", "ver": "1.0", "uti": "test", "scp": scopes.join(" "),
            "appid": self.plan.registration("m365-server").unwrap().app_id, "iat": now - 300, "nbf": now - 300, "exp": now + 3600,
        });
        let token = state.keys.sign(tenant.id, Version::V1, claims.as_object().unwrap()).unwrap();
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/v1.0{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
            .unwrap();
        let response = emulator::graph::router(state.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    fn upn(&self, person: &str) -> String {
        let (tenant, person) = self.plan.person(person).unwrap();
        person.upn(tenant)
    }

    fn owner(&self, who: &str, of: &str) -> String {
        if who == of { "/me".to_owned() } else { format!("/users/{}", encoded(&self.upn(of))) }
    }
}

/// How many users a list of all of them has.
fn users(who: &str, scopes: &BTreeSet<&str>) -> (u16, usize) {
    if !scopes.contains("User.ReadBasic.All") || is_guest(who) {
        return (403, 0);
    }
    (200, PEOPLE.iter().filter(|person| tenant(person) == tenant(who)).count())
}

/// The status of an event that is put into the default calendar of `of`.
fn event(facts: &Facts, who: &str, scopes: &BTreeSet<&str>, of: &str) -> u16 {
    let scope = if who == of { "Calendars.ReadWrite" } else { "Calendars.ReadWrite.Shared" };
    if !scopes.contains(scope) {
        return 403;
    }
    if is_guest(of) {
        return if who == of { 404 } else { 403 };
    }
    let writes = |role: Role| {
        matches!(role, Role::Write | Role::DelegateWithoutPrivateEventAccess | Role::DelegateWithPrivateEventAccess)
    };
    let shared = facts.shares.iter().filter(|row| row.owner == of && tenant(who) == tenant(of));
    let is_given = shared.clone().any(|row| row.to == Some(who) && writes(row.role))
        || (!is_guest(who) && shared.clone().find(|row| row.to.is_none()).is_some_and(|row| writes(row.role)));
    if who == of || is_given { 201 } else { 403 }
}

/// The status of marking a message read.
fn mark(facts: &Facts, who: &str, scopes: &BTreeSet<&str>, number: usize) -> u16 {
    let mail = &facts.mails[number];
    let scope = if who == mail.owner { "Mail.ReadWrite" } else { "Mail.ReadWrite.Shared" };
    if !scopes.contains(scope) {
        return 403;
    }
    if who == mail.owner {
        return 200;
    }
    // What is shared of one folder is shared for reading, whatever is asked for in it.
    let has_whole = facts.delegations.iter().any(|row| {
        row.owner == mail.owner && row.to == who && row.folder.is_none() && tenant(who) == tenant(mail.owner)
    });
    if has_whole { 200 } else { 403 }
}

/// The first difference between Graph and the oracle in the world of a seed.
async fn difference(seed: u64, rules: &Rules) -> Option<String> {
    let mut dice = Dice(seed ^ 0xed17);
    let facts = Facts::draw(&mut dice);
    let house = House::of(&facts, rules).await;
    for _ in 0..3 {
        let who = dice.pick(&PEOPLE);
        let scopes: BTreeSet<_> = SCOPES.into_iter().filter(|_| dice.below(4) > 0).collect();
        let told = |what: String| Some(format!("seed {seed}: {who} with {scopes:?}: {what}\n  {facts:?}"));
        let (status, body) = house.ask(who, &scopes, "GET", "/users?$top=100", &Value::Null).await;
        let found = (status, body["value"].as_array().map_or(0, Vec::len));
        if found != users(who, &scopes) {
            return told(format!("/users is {found:?}, the oracle says {:?}", users(who, &scopes)));
        }
        for of in PEOPLE {
            let at = |hour: u8| json!({ "dateTime": format!("2026-01-13T{hour:02}:00:00"), "timeZone": "UTC" });
            let body = json!({ "subject": "added", "start": at(9), "end": at(10) });
            let path = format!("{}/events", house.owner(who, of));
            let (status, _) = house.ask(who, &scopes, "POST", &path, &body).await;
            if status != event(&facts, who, &scopes, of) {
                return told(format!(
                    "an event of {of}'s is {status}, the oracle says {}",
                    event(&facts, who, &scopes, of)
                ));
            }
        }
        for number in 0..facts.mails.len() {
            let owner = facts.mails[number].owner;
            let (tenant, person) = house.plan.person(owner).unwrap();
            let handle = format!("{}/mail/drawn/{number}", tenant.name);
            let id = fixtures::ids::exchange_id("message", tenant.id, person.id(tenant), &handle);
            let path = format!("{}/messages/{}", house.owner(who, owner), encoded(&id));
            let (status, _) = house.ask(who, &scopes, "PATCH", &path, &json!({ "isRead": true })).await;
            if status != mark(&facts, who, &scopes, number) {
                return told(format!(
                    "mail {number} is {status}, the oracle says {}",
                    mark(&facts, who, &scopes, number)
                ));
            }
        }
    }
    None
}

#[tokio::test]
async fn the_directory_and_what_is_shared_for_writing_are_as_the_oracle_says() {
    for seed in 0..worlds() / 4 {
        assert_eq!(difference(seed, &Rules::STRICT).await, None);
    }
}

#[tokio::test]
async fn the_oracle_catches_wrong_rules_about_changes() {
    let strict = Rules::STRICT;
    for (name, rules) in [
        ("directory", Rules { directory: |_, _| DirectorySight::Whole, ..strict }),
        ("edits_calendar", Rules { edits_calendar: |_, _, _, _| true, ..strict }),
        ("edits", Rules { edits: |reach| *reach != Reach::Nothing, ..strict }),
        ("admits", Rules { admits: |_, _| true, ..strict }),
    ] {
        let mut caught = false;
        for seed in 0..worlds().min(400) {
            caught = difference(seed, &rules).await.is_some();
            if caught {
                break;
            }
        }
        assert!(caught, "nobody saw that the rule `{name}` is wrong");
    }
}
