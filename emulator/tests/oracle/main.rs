//! Isolation by property: over random worlds, principals, scopes and questions Graph's answer is the oracle's, wrong rules are caught, and
//! what the oracle says is invisible changes no byte.
//!
//! `OFFLINE365_WORLDS` sets how many worlds (2,000 unless set; `.ci/deep` takes more). A failure names its seed.

mod edits;
mod facts;
mod files;
mod oracle;
mod talk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use axum::body::Body;
use emulator::entra::keys::Version;
use emulator::rules::{Reach, Rules, Sight};
use emulator::{Emulator, Options, Running};
use facts::{Dice, Facts, PEOPLE, SCOPES, tenant};
use fixtures::Plan;
use http_body_util::BodyExt as _;
use oracle::{Query, Seen};
use serde_json::{Value, json};
use tower::ServiceExt as _;

static BASE: LazyLock<Plan> = LazyLock::new(facts::base);

/// A principal and what it asks.
struct Asked {
    who: &'static str,
    scopes: BTreeSet<&'static str>,
    queries: Vec<Query>,
}

impl Asked {
    fn draw(dice: &mut Dice, facts: &Facts) -> Self {
        let who = dice.pick(&PEOPLE);
        let scopes = SCOPES.into_iter().filter(|_| dice.below(3) > 0).collect();
        let queries = (0..6)
            .map(|_| {
                let of = if dice.below(3) == 0 { who } else { dice.pick(&PEOPLE) };
                let word = format!("word{}", dice.below(3));
                match dice.below(9) {
                    0 => Query::Mails { of },
                    1 => Query::Inbox { of },
                    2 => Query::Search { of, word },
                    3 => Query::Mail { of, number: dice.below(facts.mails.len()) },
                    4 | 5 => Query::Week { of },
                    6 => Query::Filtered { of, word },
                    7 => Query::Found { entity: dice.pick(&["message", "event"]), word },
                    _ => Query::Schedule,
                }
            })
            .collect();
        Self { who, scopes, queries }
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

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

    fn upn(&self, person: &str) -> String {
        let (tenant, person) = self.plan.person(person).unwrap();
        person.upn(tenant)
    }

    fn token(&self, asked: &Asked) -> String {
        let (tenant, person) = self.plan.person(asked.who).unwrap();
        let state = self.running.state();
        let now = state.clock.now().as_second();
        let scopes: Vec<_> = asked.scopes.iter().copied().chain(["openid"]).collect();
        let claims = json!({
            "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{}/", tenant.id), "tid": tenant.id,
            "oid": person.id(tenant), "sub": "sub", "ver": "1.0", "uti": "test", "scp": scopes.join(" "),
            "appid": self.plan.registration("m365-server").unwrap().app_id, "iat": now - 300, "nbf": now - 300, "exp": now + 3600,
        });
        state.keys.sign(tenant.id, Version::V1, claims.as_object().unwrap()).unwrap()
    }

    /// The bytes of an answer.
    async fn ask(&self, token: &str, who: &str, query: &Query, facts: &Facts) -> (u16, Vec<u8>) {
        let owner = |of: &str| if of == who { "/me".to_owned() } else { format!("/users/{}", encoded(&self.upn(of))) };
        let select = "$top=100&$select=subject,body";
        let week = "startDateTime=2026-01-12&endDateTime=2026-01-19";
        let (method, path, body) = match query {
            Query::Mails { of } => ("GET", format!("{}/messages?{select}", owner(of)), Value::Null),
            Query::Inbox { of } => ("GET", format!("{}/mailFolders/inbox/messages?{select}", owner(of)), Value::Null),
            Query::Search { of, word } => {
                ("GET", format!("{}/messages?{select}&$search=%22subject:{word}%22", owner(of)), Value::Null)
            }
            Query::Mail { of, number } => {
                let mail = &facts.mails[*number];
                let (tenant, person) = self.plan.person(mail.owner).unwrap();
                let handle = format!("{}/mail/drawn/{number}", tenant.name);
                let id = fixtures::ids::exchange_id("message", tenant.id, person.id(tenant), &handle);
                ("GET", format!("{}/messages/{}?$select=subject,body", owner(of), encoded(&id)), Value::Null)
            }
            Query::Week { of } => ("GET", format!("{}/calendarView?{week}&{select}", owner(of)), Value::Null),
            Query::Filtered { of, word } => {
                ("GET", format!("{}/events?{select}&$filter=startsWith(subject,'{word}')", owner(of)), Value::Null)
            }
            Query::Found { entity, word } => {
                let request = json!({ "entityTypes": [entity], "query": { "queryString": word } });
                ("POST", "/search/query".to_owned(), json!({ "requests": [request] }))
            }
            Query::Schedule => {
                let time = |day: u8| json!({"dateTime": format!("2026-01-{day}T00:00:00"), "timeZone": "UTC"});
                let everybody: Vec<_> = PEOPLE.iter().map(|person| self.upn(person)).collect();
                let body = json!({"schedules": everybody, "startTime": time(12), "endTime": time(19)});
                ("POST", "/me/calendar/getSchedule".to_owned(), body)
            }
        };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/v1.0{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
            .unwrap();
        let response = emulator::graph::router(self.running.state().clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        // Every house is at a port of its own.
        let origin = self.running.graph.as_str().trim_end_matches('/');
        (status, String::from_utf8(bytes).unwrap().replace(origin, "https://graph").into_bytes())
    }

    fn seen(&self, status: u16, bytes: &[u8]) -> Seen {
        let mut seen = Seen { status, subjects: BTreeMap::new(), bodies: false };
        if status != 200 {
            return seen;
        }
        let answer: Value = serde_json::from_slice(bytes).unwrap();
        let alone = [answer.clone()];
        for item in answer["value"].as_array().map_or(alone.as_slice(), Vec::as_slice) {
            let mut count = |subject: String| *seen.subjects.entry(subject).or_insert(0) += 1;
            if let Some(found) = item["hitsContainers"][0].as_object() {
                for hit in found.get("hits").and_then(Value::as_array).into_iter().flatten() {
                    count(hit["resource"]["subject"].as_str().unwrap().to_owned());
                }
            } else if let Some(address) = item["scheduleId"].as_str() {
                let person = PEOPLE.into_iter().find(|person| self.upn(person) == address).unwrap();
                if item.get("error").is_some() {
                    count(format!("{person}: refused"));
                }
                for busy in item["scheduleItems"].as_array().into_iter().flatten() {
                    count(format!("{person}: {}", busy["subject"].as_str().unwrap_or("busy")));
                }
            } else {
                count(item["subject"].as_str().unwrap().to_owned());
                seen.bodies |= item.get("body").is_some();
            }
        }
        seen
    }
}

/// The first difference between Graph and the oracle in the world of a seed.
async fn difference(seed: u64, rules: &Rules) -> Option<String> {
    let mut dice = Dice(seed);
    let facts = Facts::draw(&mut dice);
    let house = House::of(&facts, rules).await;
    for _ in 0..2 {
        let asked = Asked::draw(&mut dice, &facts);
        let token = house.token(&asked);
        for query in &asked.queries {
            let expected = oracle::answer(&facts, asked.who, &asked.scopes, query);
            let (status, bytes) = house.ask(&token, asked.who, query, &facts).await;
            let found = house.seen(status, &bytes);
            if found != expected {
                return Some(format!(
                    "seed {seed}: {} with {:?} asks {query:?}\n  Graph:  {found:?}\n  oracle: {expected:?}\n  {facts:?}",
                    asked.who, asked.scopes
                ));
            }
        }
    }
    None
}

fn worlds() -> u64 {
    std::env::var("OFFLINE365_WORLDS").ok().and_then(|worlds| worlds.parse().ok()).unwrap_or(2_000)
}

/// In four parts, which run side by side.
async fn a_quarter(part: u64) {
    for seed in (0..worlds()).filter(|seed| seed % 4 == part) {
        assert_eq!(difference(seed, &Rules::STRICT).await, None);
    }
}

#[tokio::test]
async fn graph_answers_as_the_oracle_does_1() {
    a_quarter(0).await;
}

#[tokio::test]
async fn graph_answers_as_the_oracle_does_2() {
    a_quarter(1).await;
}

#[tokio::test]
async fn graph_answers_as_the_oracle_does_3() {
    a_quarter(2).await;
}

#[tokio::test]
async fn graph_answers_as_the_oracle_does_4() {
    a_quarter(3).await;
}

#[tokio::test]
async fn the_oracle_catches_wrong_rules() {
    let strict = Rules::STRICT;
    let wrong: [(&str, Rules); 11] = [
        ("home", Rules { home: |world, asked| world.tenants.keys().copied().find(|id| *id != asked.tenant), ..strict }),
        ("mailbox", Rules { mailbox: |_, _, _| Reach::Whole, ..strict }),
        (
            "mailbox by folder",
            Rules {
                mailbox: |tenant, asker, owner| match (Rules::STRICT.mailbox)(tenant, asker, owner) {
                    Reach::Folders(_) => Reach::Whole,
                    reach => reach,
                },
                ..strict
            },
        ),
        ("folder", Rules { folder: |_, _| true, ..strict }),
        ("admits", Rules { admits: |_, _| true, ..strict }),
        ("shows_body", Rules { shows_body: |_, _| true, ..strict }),
        ("calendar", Rules { calendar: |_, _, _, _| Sight::All, ..strict }),
        (
            "calendar by times",
            Rules {
                calendar: |tenant, asker, owner, name| match (Rules::STRICT.calendar)(tenant, asker, owner, name) {
                    Sight::Titles => Sight::Events,
                    sight => sight,
                },
                ..strict
            },
        ),
        (
            "calendar of guests",
            Rules {
                calendar: |tenant, asker, owner, name| {
                    (Rules::STRICT.calendar)(tenant, asker, owner, name).max(Sight::Times)
                },
                ..strict
            },
        ),
        ("details", Rules { details: |_, _| true, ..strict }),
        ("shows_notes", Rules { shows_notes: |_, _| true, ..strict }),
    ];
    for (name, rules) in wrong {
        let mut caught = None;
        for seed in 0..worlds().min(400) {
            if difference(seed, &rules).await.is_some() {
                caught = Some(seed);
                break;
            }
        }
        assert!(caught.is_some(), "nobody saw that the rule `{name}` is wrong");
    }
}

/// Without what is declared to follow hidden changes: the etag of an event follows all of its content, as the real service's does.
fn without_etags(bytes: &[u8]) -> Value {
    let mut answer: Value = serde_json::from_slice(bytes).unwrap();
    for item in answer["value"].as_array_mut().into_iter().flatten() {
        item.as_object_mut().unwrap().remove("@odata.etag");
    }
    answer.as_object_mut().unwrap().remove("@odata.etag");
    answer
}

/// How many answers were compared of a world and of the same with something in it changed, and the first that differs although the
/// oracle's is the same.
async fn leak(seed: u64, rules: &Rules) -> (u64, Option<String>) {
    let mut dice = Dice(seed ^ 0xface);
    let facts = Facts::draw(&mut dice);
    let asked = Asked::draw(&mut dice, &facts);
    let (mail, event) = (dice.below(facts.mails.len()), dice.below(facts.events.len()));
    let is_foreign = dice.below(2) == 0;
    let foreign = |owner: &str| tenant(owner) != tenant(asked.who);
    // All of the other tenant, or one mail and one event anywhere.
    let mut other = facts.clone();
    for (number, changed) in other.mails.iter_mut().enumerate() {
        if if is_foreign { foreign(changed.owner) } else { number == mail } {
            changed.subject.push_str(" changed");
        }
    }
    for (number, changed) in other.events.iter_mut().enumerate() {
        if if is_foreign { foreign(changed.owner) } else { number == event } {
            changed.subject.push_str(" changed");
        }
    }
    if is_foreign {
        other.shares.retain(|share| !foreign(share.owner));
        other.delegations.retain(|delegation| !foreign(delegation.owner));
    }
    let (before, after) = (House::of(&facts, rules).await, House::of(&other, rules).await);
    let (first, second) = (before.token(&asked), after.token(&asked));
    let mut compared = 0;
    for query in &asked.queries {
        let [expected, still] = [&facts, &other].map(|facts| oracle::answer(facts, asked.who, &asked.scopes, query));
        let one = before.ask(&first, asked.who, query, &facts).await;
        let two = after.ask(&second, asked.who, query, &other).await;
        if expected != still {
            assert!(!is_foreign, "seed {seed}: the oracle lets another tenant change an answer");
            continue;
        }
        compared += 1;
        let is_same = if is_foreign { one == two } else { without_etags(&one.1) == without_etags(&two.1) };
        if !is_same {
            return (compared, Some(format!("seed {seed}: {} asks {query:?}", asked.who)));
        }
    }
    (compared, None)
}

#[tokio::test]
async fn what_is_invisible_changes_no_byte() {
    let mut compared = 0;
    for seed in 0..worlds() / 2 {
        let (many, leak) = leak(seed, &Rules::STRICT).await;
        assert_eq!(leak, None);
        compared += many;
    }
    assert!(compared > worlds(), "next to nothing is compared: {compared}");
}

#[tokio::test]
async fn a_byte_that_leaks_is_seen() {
    let strict = Rules::STRICT;
    let wrong = [
        ("home", Rules { home: |world, asked| world.tenants.keys().copied().find(|id| *id != asked.tenant), ..strict }),
        ("mailbox", Rules { mailbox: |_, _, _| Reach::Whole, ..strict }),
        ("calendar", Rules { calendar: |_, _, _, _| Sight::All, ..strict }),
        ("details", Rules { details: |_, _| true, ..strict }),
    ];
    for (name, rules) in wrong {
        let mut seen = false;
        for seed in 0..worlds().min(400) {
            seen |= leak(seed, &rules).await.1.is_some();
            if seen {
                break;
            }
        }
        assert!(seen, "nobody saw what the wrong rule `{name}` lets through");
    }
}
