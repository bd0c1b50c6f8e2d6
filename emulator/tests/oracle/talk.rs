//! Chats, teams and channels: random membership, history windows, kinds of channel; who reads and finds what is said again, naively, over
//! the facts alone.

use std::collections::BTreeSet;

use axum::body::Body;
use emulator::entra::keys::Version;
use emulator::rules::Rules;
use emulator::{Emulator, Options, Running};
use fixtures::Plan;
use fixtures::ids::GroupId;
use fixtures::plan::{Dates, Group, Origin};
use fixtures::teams::{Channel, ChannelKind, Chat, Conversation, Team};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::facts::{Dice, PEOPLE, is_guest, tenant};
use crate::{BASE, worlds};

const SCOPES: [&str; 5] =
    ["Chat.ReadBasic", "Chat.Read", "Channel.ReadBasic.All", "ChannelMessage.Read.All", "Mail.Read"];
const TENANTS: [&str; 2] = ["contoso", "fabrikam"];
const KINDS: [ChannelKind; 3] = [ChannelKind::Standard, ChannelKind::Private, ChannelKind::Shared];
/// The first hour of every conversation.
const BEGIN: &str = "2026-01-05T00:00:00Z";

/// Something said at an hour.
#[derive(Debug, Clone)]
struct Said {
    hour: usize,
    text: String,
}

/// A chat, or a channel of its tenant's only team.
#[derive(Debug, Clone)]
struct Place {
    tenant: &'static str,
    number: usize,
    /// Of a channel.
    kind: Option<ChannelKind>,
    /// Who, and from which hour on they see it.
    members: Vec<(&'static str, Option<usize>)>,
    said: Vec<Said>,
}

#[derive(Debug, Clone)]
struct Facts {
    /// Members of the team of each tenant.
    teams: [BTreeSet<&'static str>; 2],
    places: Vec<Place>,
}

fn at(hour: usize) -> Timestamp {
    let begin: Timestamp = BEGIN.parse().unwrap();
    begin + SignedDuration::from_hours(i64::try_from(hour).unwrap())
}

impl Place {
    fn id(&self) -> String {
        let suffix = if self.kind.is_some() { "thread.tacv2" } else { "thread.v2" };
        format!("19:place{}@{suffix}", self.number)
    }

    fn conversation(&self) -> Conversation {
        let members: Vec<Value> = (self.members.iter())
            .map(|(who, since)| json!({ "userId": who, "visibleHistoryStartDateTime": since.map(at) }))
            .collect();
        let messages: Vec<Value> = (self.said.iter())
            .map(|said| json!({ "createdDateTime": at(said.hour), "body": { "contentType": "text", "content": said.text } }))
            .collect();
        let kind = self.kind.map(ChannelKind::as_str);
        serde_json::from_value(json!({
            "id": self.id(), "chatType": kind.is_none().then_some("group"), "topic": format!("p{}", self.number),
            "displayName": format!("p{}", self.number), "membershipType": kind, "createdDateTime": BEGIN, "members": members,
            "messages": messages,
        }))
        .unwrap()
    }
}

impl Facts {
    fn draw(dice: &mut Dice) -> Self {
        let teams = TENANTS.map(|here| of(here).into_iter().filter(|_| dice.below(2) == 0).collect());
        let places = (0..4 + dice.below(4))
            .map(|number| {
                let here = dice.pick(&["contoso", "contoso", "fabrikam"]);
                let kind = (dice.below(2) == 0).then(|| dice.pick(&KINDS));
                let mut members = Vec::new();
                for who in of(here) {
                    if kind != Some(ChannelKind::Standard) && dice.below(2) == 0 {
                        let since = (kind.is_none() && dice.below(2) == 0).then(|| dice.below(8));
                        members.push((who, since));
                    }
                }
                let said = (0..=dice.below(4))
                    .map(|at| Said { hour: at * 2, text: format!("word{} t{number}x{at}", dice.below(3)) })
                    .collect();
                Place { tenant: here, number, kind, members, said }
            })
            .collect();
        Self { teams, places }
    }

    fn plan(&self) -> Plan {
        let mut plan = BASE.clone();
        for rows in &mut plan.tenants {
            let name = rows.name.clone();
            let at = TENANTS.iter().position(|here| *here == name).unwrap();
            let members = self.teams[at].iter().map(|who| (*who).to_owned()).collect();
            let team: Group = serde_json::from_value(json!({ "name": "team", "display_name": "team" })).unwrap();
            rows.groups = vec![Group { members, ..team }];
            let created = BEGIN.parse().unwrap();
            let team: Team = serde_json::from_value(json!({ "group": "team", "created": BEGIN })).unwrap();
            rows.teams.teams = vec![Team { created, ..team }];
            let here = || self.places.iter().filter(|place| place.tenant == name);
            let handle = |place: &Place| format!("{name}/teams/drawn-{}", place.number);
            let origin = || Origin { file: "drawn".to_owned(), line: None };
            rows.teams.chats = here()
                .filter(|place| place.kind.is_none())
                .map(|place| Chat {
                    handle: handle(place),
                    conversation: place.conversation(),
                    canaries: Vec::new(),
                    dates: Dates::AsWritten,
                    origin: origin(),
                })
                .collect();
            rows.teams.channels = here()
                .filter(|place| place.kind.is_some())
                .map(|place| Channel {
                    handle: handle(place),
                    team: "team".to_owned(),
                    conversation: place.conversation(),
                    canaries: Vec::new(),
                    dates: Dates::AsWritten,
                    origin: origin(),
                })
                .collect();
        }
        plan
    }
}

fn of(here: &str) -> Vec<&'static str> {
    PEOPLE.into_iter().filter(|person| tenant(person) == here).collect()
}

/// A status and what is shown: names of places, or texts.
type Seen = (u16, BTreeSet<String>);

struct Oracle<'a> {
    facts: &'a Facts,
    who: &'static str,
    scopes: &'a BTreeSet<&'static str>,
}

impl Oracle<'_> {
    fn holds(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    fn in_team(&self, here: &str) -> bool {
        let at = TENANTS.iter().position(|name| *name == here).unwrap();
        self.facts.teams[at].contains(self.who)
    }

    /// What of a place is shown at all: nothing, or everything from an hour on.
    fn open(&self, place: &Place) -> Option<usize> {
        if place.tenant != tenant(self.who) {
            return None;
        }
        let own = place.members.iter().find(|(who, _)| *who == self.who);
        match place.kind {
            None => own.map(|(_, since)| since.unwrap_or(0)),
            Some(ChannelKind::Standard) => self.in_team(place.tenant).then_some(0),
            Some(ChannelKind::Private) => (own.is_some() && self.in_team(place.tenant)).then_some(0),
            Some(ChannelKind::Shared) => own.map(|_| 0),
        }
    }

    fn texts(&self, place: &Place) -> BTreeSet<String> {
        let Some(since) = self.open(place) else { return BTreeSet::new() };
        place.said.iter().filter(|said| said.hour >= since).map(|said| said.text.clone()).collect()
    }

    fn chats(&self) -> Seen {
        if !self.holds("Chat.ReadBasic") && !self.holds("Chat.Read") {
            return (403, BTreeSet::new());
        }
        let open = self.facts.places.iter().filter(|place| place.kind.is_none() && self.open(place).is_some());
        (200, open.map(Place::id).collect())
    }

    fn channels(&self, here: &str) -> Seen {
        let status = match (self.holds("Channel.ReadBasic.All"), tenant(self.who) == here) {
            (false, _) => 403,
            (true, false) => 404,
            (true, true) if !self.in_team(here) => 403,
            (true, true) => 200,
        };
        let channels = self.facts.places.iter().filter(|place| place.tenant == here && place.kind.is_some());
        let open = channels.filter(|place| status == 200 && self.open(place).is_some());
        (status, open.map(Place::id).collect())
    }

    fn messages(&self, place: &Place) -> Seen {
        let scope = if place.kind.is_some() { "ChannelMessage.Read.All" } else { "Chat.Read" };
        match (self.holds(scope), place.tenant == tenant(self.who), self.open(place)) {
            (false, ..) | (true, true, None) => (403, BTreeSet::new()),
            (true, false, _) => (404, BTreeSet::new()),
            (true, true, Some(_)) => (200, self.texts(place)),
        }
    }

    fn found(&self, word: &str) -> Seen {
        // Channels alone do not open the door, whatever else does.
        let in_channels = self.holds("ChannelMessage.Read.All");
        let opens = self.holds("Chat.Read") || (in_channels && self.holds("Mail.Read"));
        if !opens || is_guest(self.who) {
            return (403, BTreeSet::new());
        }
        let places = self.facts.places.iter().filter(|place| match place.kind {
            None => self.holds("Chat.Read"),
            Some(_) => in_channels,
        });
        let texts = places.flat_map(|place| self.texts(place));
        (200, texts.filter(|text| word == "*" || text.split(' ').any(|known| known == word)).collect())
    }
}

struct House {
    running: Running,
    plan: Plan,
}

impl House {
    async fn of(facts: &Facts, rules: &Rules) -> Self {
        let plan = facts.plan();
        let running = Emulator::start(plan.clone(), Options { rules: *rules, ..Options::default() }).await.unwrap();
        Self { running, plan }
    }

    fn token(&self, who: &str, scopes: &BTreeSet<&'static str>) -> String {
        let (tenant, person) = self.plan.person(who).unwrap();
        let state = self.running.state();
        let now = state.clock.now().as_second();
        let scopes: Vec<_> = scopes.iter().copied().chain(["openid"]).collect();
        let claims = json!({
            "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{}/", tenant.id), "tid": tenant.id,
            "oid": person.id(tenant), "sub": "sub", "ver": "1.0", "uti": "test", "scp": scopes.join(" "),
            "appid": self.plan.registration("m365-server").unwrap().app_id, "iat": now - 300, "nbf": now - 300, "exp": now + 3600,
        });
        state.keys.sign(tenant.id, Version::V1, claims.as_object().unwrap()).unwrap()
    }

    /// The status and the bytes of an answer, the port of this house blotted out.
    async fn ask(&self, token: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let request = http::Request::builder()
            .method(if body.is_some() { "POST" } else { "GET" })
            .uri(format!("/v1.0{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let response = emulator::graph::router(self.running.state().clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        let origin = self.running.graph.as_str().trim_end_matches('/');
        (status, String::from_utf8(bytes).unwrap().replace(origin, "https://graph"))
    }

    async fn listed(&self, token: &str, path: &str, of: impl Fn(&Value) -> String) -> Seen {
        let (status, text) = self.ask(token, path, None).await;
        let body: Value = serde_json::from_str(&text).unwrap();
        let values = body["value"].as_array().cloned().unwrap_or_default();
        (status, if status == 200 { values.iter().map(of).collect() } else { BTreeSet::new() })
    }

    async fn found(&self, token: &str, word: &str) -> Seen {
        let (status, text) = self.ask(token, "/search/query", Some(&searched(word, 0, 500))).await;
        let body: Value = serde_json::from_str(&text).unwrap();
        let hits = body["value"][0]["hitsContainers"][0]["hits"].as_array().cloned().unwrap_or_default();
        let plain = |hit: &Value| hit["summary"].as_str().unwrap().replace("<c0>", "").replace("</c0>", "");
        (status, hits.iter().map(plain).collect())
    }
}

fn searched(word: &str, from: usize, size: usize) -> Value {
    json!({ "requests": [{ "entityTypes": ["chatMessage"], "query": { "queryString": word }, "from": from, "size": size }] })
}

fn team(here: &str) -> GroupId {
    GroupId::derived(&format!("{here}/groups/team"))
}

fn text_of(message: &Value) -> String {
    message["body"]["content"].as_str().unwrap().to_owned()
}

fn id_of(place: &Value) -> String {
    place["id"].as_str().unwrap().to_owned()
}

/// The address of what was said in a place.
fn messages(place: &Place) -> String {
    match place.kind {
        None => format!("/chats/{}/messages?$top=50", place.id()),
        Some(_) => format!("/teams/{}/channels/{}/messages?$top=50", team(place.tenant), place.id()),
    }
}

/// The first difference between Graph and the oracle in the world of a seed.
async fn difference(seed: u64, rules: &Rules) -> Option<String> {
    let mut dice = Dice(seed ^ 0x7a1c);
    let facts = Facts::draw(&mut dice);
    let house = House::of(&facts, rules).await;
    for _ in 0..3 {
        let who = dice.pick(&PEOPLE);
        let scopes: BTreeSet<_> = SCOPES.into_iter().filter(|_| dice.below(3) > 0).collect();
        let oracle = Oracle { facts: &facts, who, scopes: &scopes };
        let token = house.token(who, &scopes);
        let mut asked =
            vec![("chats".to_owned(), house.listed(&token, "/me/chats?$top=50", id_of).await, oracle.chats())];
        for here in TENANTS {
            let path = format!("/teams/{}/channels", team(here));
            asked.push((path.clone(), house.listed(&token, &path, id_of).await, oracle.channels(here)));
        }
        for place in &facts.places {
            let path = messages(place);
            asked.push((path.clone(), house.listed(&token, &path, text_of).await, oracle.messages(place)));
        }
        for word in ["word0", "word1", "*"] {
            asked.push((word.to_owned(), house.found(&token, word).await, oracle.found(word)));
        }
        for (what, found, expected) in asked {
            if found != expected {
                return Some(format!(
                    "seed {seed}: {who} with {scopes:?} asks {what}\n  Graph:  {found:?}\n  oracle: {expected:?}\n  {facts:?}"
                ));
            }
        }
    }
    None
}

#[tokio::test]
async fn chats_and_channels_are_shown_as_the_oracle_says() {
    for seed in 0..worlds() / 2 {
        assert_eq!(difference(seed, &Rules::STRICT).await, None);
    }
}

#[tokio::test]
async fn the_oracle_catches_wrong_rules_of_chats_and_channels() {
    let strict = Rules::STRICT;
    let wrong: [(&str, Rules); 11] = [
        ("home", Rules { home: |world, asked| world.tenants.keys().copied().find(|id| *id != asked.tenant), ..strict }),
        ("admits", Rules { admits: |_, _| true, ..strict }),
        ("chat", Rules { chat: |_, _| true, ..strict }),
        ("history", Rules { history: |_, _| true, ..strict }),
        ("history of those who were added", Rules { history: |since, _| since.is_none(), ..strict }),
        ("team", Rules { team: |_, _, _| true, ..strict }),
        ("channel", Rules { channel: |_, _, _| true, ..strict }),
        (
            "private channels are the team's",
            Rules {
                channel: |kind, team, own| match kind {
                    ChannelKind::Shared => own,
                    _ => team,
                },
                ..strict
            },
        ),
        (
            "shared channels are the team's too",
            Rules {
                channel: |kind, team, own| match kind {
                    ChannelKind::Standard => team,
                    ChannelKind::Private => team && own,
                    ChannelKind::Shared => team || own,
                },
                ..strict
            },
        ),
        ("shows_chat", Rules { shows_chat: |_| true, ..strict }),
        ("searches", Rules { searches: |_, _| true, ..strict }),
    ];
    for (name, rules) in wrong {
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

/// Every search, page by page, of somebody in a world and in the same with everything changed that the oracle says they do not see: the
/// first that differs in a byte.
async fn leak(seed: u64, rules: &Rules) -> (usize, Option<String>) {
    let mut dice = Dice(seed ^ 0x1ea4);
    let facts = Facts::draw(&mut dice);
    let who = dice.pick(&PEOPLE);
    let scopes: BTreeSet<_> = ["Chat.Read", "Mail.Read"]
        .into_iter()
        .chain((dice.below(2) == 0).then_some("ChannelMessage.Read.All"))
        .collect();
    let oracle = Oracle { facts: &facts, who, scopes: &scopes };
    let mut other = facts.clone();
    let mut changed = 0;
    for place in &mut other.places {
        let shown = if oracle.messages(place).0 == 200 { oracle.texts(place) } else { BTreeSet::new() };
        for said in place.said.iter_mut().filter(|said| !shown.contains(&said.text)) {
            "word0 word1 word2 changed".clone_into(&mut said.text);
            changed += 1;
        }
    }
    let (before, after) = (House::of(&facts, rules).await, House::of(&other, rules).await);
    let (first, second) = (before.token(who, &scopes), after.token(who, &scopes));
    for query in ["word0", "word1 OR word2", "*", "NOT word0", "changed", "word*", "sent>=2026-01-05", "\"word1 t1x0\""]
    {
        for from in [0, 2, 4] {
            let body = searched(query, from, 2);
            let one = before.ask(&first, "/search/query", Some(&body)).await;
            let two = after.ask(&second, "/search/query", Some(&body)).await;
            if one.0 == 200 && one != two {
                return (
                    changed,
                    Some(format!(
                        "seed {seed}: {who} with {scopes:?} searches {query:?} from {from}\n  {one:?}\n  {two:?}"
                    )),
                );
            }
        }
    }
    (changed, None)
}

#[tokio::test]
async fn no_search_shows_a_byte_of_what_was_said_to_others() {
    let mut changed = 0;
    for seed in 0..worlds() / 8 {
        let (many, leak) = leak(seed, &Rules::STRICT).await;
        assert_eq!(leak, None);
        changed += many;
    }
    assert!(changed as u64 > worlds() / 8, "next to nothing was changed: {changed}");
    for (name, rules) in [
        ("chat", Rules { chat: |_, _| true, ..Rules::STRICT }),
        ("history", Rules { history: |_, _| true, ..Rules::STRICT }),
        ("channel", Rules { channel: |_, _, _| true, ..Rules::STRICT }),
    ] {
        let mut seen = false;
        for seed in 0..worlds().min(200) {
            seen |= leak(seed, &rules).await.1.is_some();
            if seen {
                break;
            }
        }
        assert!(seen, "nobody saw what the wrong rule `{name}` lets through");
    }
}
