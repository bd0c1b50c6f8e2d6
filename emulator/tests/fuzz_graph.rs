//! Structure-aware fuzzing of the Graph host, in process: rows of the permission table with real and broken keys, options of their own
//! grammar, bodies that were valid once, and batches of all that. No panic, no 500, every refusal in Graph's shape; at least three in ten
//! reach a handler, so that the rest is not about nothing.
//!
//! ```sh
//! OFFLINE365_FUZZ=300000 cargo test --release -p emulator --test fuzz_graph -- --nocapture    # OFFLINE365_FUZZ_SEED=N: another course
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, header};
use emulator::drive::rules::FileRules;
use emulator::entra::keys::Version;
use emulator::rules::Rules;
use emulator::serve::Arrived;
use emulator::{Emulator, Options, State};
use fixtures::Plan;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

/// Where ids of all kinds are found.
const LISTS: [&str; 16] = [
    "/me/messages?$top=30",
    "/me/messages?$top=5&$filter=hasAttachments eq true&$expand=attachments",
    "/me/mailFolders",
    "/me/events?$top=30",
    "/me/calendars",
    "/me/calendarGroups",
    "/users?$top=5",
    "/me/calendarView?startDateTime=2026-01-01T00:00:00Z&endDateTime=2026-03-01T00:00:00Z&$top=30",
    "/me/chats",
    "/me/drive",
    "/me/drive/root/children",
    "/me/drive/root/search(q='')?$top=20",
    "/me/drive/sharedWithMe",
    "/me/joinedTeams",
    "/sites?search=*",
    "/sites/root/lists",
];
/// The same, below the first of what another list has: the list, and what is put where `{}` stands.
const BELOW: [(&str, &str); 5] = [
    ("/me/chats", "/chats/{}/messages?$top=3"),
    ("/me/joinedTeams", "/teams/{}/channels"),
    ("/me/joinedTeams", "/teams/{}/members"),
    ("/sites?search=*", "/sites/{}/drives"),
    ("/sites?search=*", "/sites/{}/lists"),
];
const KEYS: [&str; 16] = [
    "inbox",
    "sentitems",
    "deleteditems",
    "alice@contoso.example",
    "bob@contoso.example",
    "mallory@fabrikam.example",
    "00000000-0000-0000-0000-000000000000",
    "AAMkAGI2",
    "delta",
    "$count",
    "root",
    "..",
    "%00",
    "é𝔘",
    "('x')",
    "a,b",
];
const PROPERTIES: [&str; 22] = [
    "id",
    "subject",
    "body",
    "body/content",
    "from/emailAddress/address",
    "receivedDateTime",
    "start/dateTime",
    "isRead",
    "hasAttachments",
    "categories",
    "toRecipients",
    "displayName",
    "mail",
    "importance",
    "*",
    "",
    "no such",
    "attachments",
    "singleValueExtendedProperties($filter=id eq 'x')",
    "members",
    "microsoft.graph.itemAttachment/item",
    "fields",
];
const OPERATORS: [&str; 8] = ["eq", "ne", "gt", "ge", "lt", "le", "in", "has"];
const LITERALS: [&str; 12] = [
    "'budget'",
    "true",
    "null",
    "2026-01-01T00:00:00Z",
    "2026-01-01",
    "7",
    "-1",
    "99999999999999999999",
    "'it''s'",
    "'",
    "('a','b')",
    "''",
];
const WORDS: [&str; 16] = [
    "budget",
    "from:alice",
    "subject:\"a b\"",
    "received>=2026-01-01",
    "size:1..500000",
    "hasAttachments:true",
    "NOT",
    "AND",
    "OR",
    "(",
    ")",
    "*",
    "\"",
    "to:",
    "kind:meetings",
    "ü日本",
];
const PREFERENCES: [&str; 8] = [
    "outlook.timezone=\"Tokyo Standard Time\"",
    "outlook.timezone=\"Mars\"",
    "outlook.body-content-type=\"text\"",
    "odata.maxpagesize=3",
    "odata.maxpagesize=-3",
    "IdType=\"ImmutableId\"",
    "respond-async",
    "=,;\"",
];

/// xorshift64*: the course of a run is its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

/// What is sent.
#[derive(Debug, Clone)]
struct Question {
    method: String,
    /// Below the service root, with its query.
    target: String,
    body: Option<Value>,
}

struct Bench {
    state: Arc<State>,
    router: axum::Router,
    tokens: Vec<String>,
    rows: Vec<(String, String)>,
    ids: Vec<String>,
    links: Vec<String>,
}

impl Bench {
    async fn with(rules: Rules) -> Self {
        let plan = Plan::embedded().unwrap();
        let running = Emulator::start(plan.clone(), Options { rules, ..Options::default() }).await.unwrap();
        let state = Arc::clone(running.state());
        let scopes: BTreeSet<_> =
            emulator::graph::permissions().flat_map(|row| row.own.iter().chain(row.others)).copied().collect();
        let all = scopes.into_iter().collect::<Vec<_>>().join(" ");
        let people = [
            (fixtures::cast::ALICE, all.as_str()),
            (fixtures::cast::GINA_GUEST, &all),
            (fixtures::cast::BOB, "User.Read Mail.ReadBasic"),
        ];
        let tokens = people.map(|(person, scopes)| token(&state, &plan, person, scopes)).to_vec();
        let rows = emulator::graph::permissions()
            .map(|row| row.operation.split_once(' ').map(|(verb, path)| (verb.to_owned(), path.to_owned())).unwrap())
            .collect();
        let router = emulator::graph::router(Arc::clone(&state));
        let mut bench = Self { state, router, tokens, rows, ids: Vec::new(), links: Vec::new() };
        bench.harvest().await;
        bench
    }

    /// Ids and next links of what is there.
    async fn harvest(&mut self) {
        for list in LISTS {
            let target = list.replace(' ', "%20");
            let question = Question { method: "GET".to_owned(), target, body: None };
            let Some((_, Some(body))) = self.send(&question, 0, None).await else { continue };
            if let Some(link) = body["@odata.nextLink"].as_str() {
                self.links.push(link.split_once("/v1.0").unwrap().1.to_owned());
            }
            let mut found = Vec::new();
            collect(&body, &mut found);
            self.ids.extend(found);
        }
        for (list, below) in BELOW {
            let question = |target: String| Question { method: "GET".to_owned(), target, body: None };
            let Some((_, Some(body))) = self.send(&question(list.to_owned()), 0, None).await else { continue };
            let Some(first) = body["value"][0]["id"].as_str() else { continue };
            let target = below.replace("{}", &utf8_percent_encode(first, NON_ALPHANUMERIC).to_string());
            let Some((_, Some(body))) = self.send(&question(target), 0, None).await else { continue };
            let mut found = Vec::new();
            collect(&body, &mut found);
            self.ids.extend(found);
        }
        assert!(self.ids.len() > 50, "{} ids", self.ids.len());
    }

    /// Status and body; nothing for what HTTP itself does not let through.
    async fn send(&self, question: &Question, who: usize, preference: Option<&str>) -> Option<(u16, Option<Value>)> {
        let uri = format!("/v1.0{}", question.target);
        let mut request = Request::builder().method(question.method.as_str()).uri(uri.as_str());
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.tokens[who]));
        if let Some(preference) = preference.and_then(|text| HeaderValue::from_str(text).ok()) {
            request = request.header("prefer", preference).header("consistencylevel", "eventual");
        }
        let body = question.body.as_ref().map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.header(header::CONTENT_TYPE, "application/json").body(body).ok()?;
        request.extensions_mut().insert(Arrived { origin: "https://localhost:8444".to_owned() });
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let is_json = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json;odata") || kind == "application/json");
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let body = is_json.then(|| serde_json::from_slice(&bytes).ok()).flatten();
        Some((status, body))
    }

    fn question(&self, dice: &mut Dice) -> Question {
        if dice.roll(20) == 0 && !self.links.is_empty() {
            let at = dice.roll(self.links.len());
            let mut target = self.links[at].clone();
            if dice.roll(2) == 0 {
                target = broken(&target, dice);
            }
            return Question { method: "GET".to_owned(), target, body: None };
        }
        // One row of hundreds, with a language of its own.
        if dice.roll(12) == 0 {
            let mut body = searched(dice);
            if dice.roll(3) == 0 {
                mutate(&mut body, dice);
            }
            return Question { method: "POST".to_owned(), target: "/search/query".to_owned(), body: Some(body) };
        }
        let (method, template) = self.rows[dice.roll(self.rows.len())].clone();
        let mut path = String::new();
        for part in template.split('/').filter(|part| !part.is_empty()) {
            if !part.starts_with('{') {
                path.push('/');
                path.push_str(&filled(part, dice));
                continue;
            }
            let key = if dice.roll(4) == 0 {
                dice.pick(&KEYS).to_owned()
            } else {
                self.ids[dice.roll(self.ids.len())].clone()
            };
            let encoded = utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string();
            match dice.roll(6) {
                0 => path.extend(["('", &encoded, "')"]),
                1 => path.extend(["/", &broken(&encoded, dice)]),
                _ => path.extend(["/", &encoded]),
            }
        }
        if dice.roll(3) == 0 && path.starts_with("/me") {
            let whose = dice.pick(&KEYS);
            path = format!("/users/{}{}", utf8_percent_encode(whose, NON_ALPHANUMERIC), &path[3..]);
        }
        let mut target = path;
        let mut options: Vec<String> = (0..dice.roll(4)).map(|_| option(dice)).collect();
        if target.to_lowercase().contains("calendarview") || target.contains("instances") {
            options.push("startDateTime=2026-01-01T00:00:00Z&endDateTime=2026-02-01T00:00:00Z".to_owned());
        }
        if !options.is_empty() {
            target.push('?');
            target.push_str(&options.join("&"));
        }
        if dice.roll(12) == 0 {
            target = broken(&target, dice);
        }
        let body = (method != "GET").then(|| body(dice));
        Question { method, target, body }
    }
}

/// A part of a path with what stands in its braces: the text of a search, a path of files, an address.
fn filled(part: &str, dice: &mut Dice) -> String {
    const TEXTS: [&str; 10] =
        ["budget", "", "*", "Reports/Budget.xlsx", "notes.txt", "../..", "it''s", "a:b", "u!aHR0cHM6Ly94", "é𝔘"];
    let Some((before, rest)) = part.split_once('{') else { return part.to_owned() };
    let Some((_, after)) = rest.split_once('}') else { return part.to_owned() };
    let text = dice.pick(&TEXTS).split('/').map(|step| utf8_percent_encode(step, NON_ALPHANUMERIC).to_string());
    format!("{before}{}{}", text.collect::<Vec<_>>().join("/"), filled(after, dice))
}

fn token(state: &State, plan: &Plan, person: &str, scopes: &str) -> String {
    let (tenant, person) = plan.person(person).unwrap();
    let now = state.clock.now().as_second();
    let claims = json!({
        "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{}/", tenant.id),
        "tid": tenant.id, "oid": person.id(tenant), "sub": "sub", "ver": "1.0", "uti": "test",
        "appid": plan.registration("m365-server").unwrap().app_id,
        "scp": scopes, "iat": now - 300, "nbf": now - 300, "exp": now + 360_000,
    });
    let claims: Map<String, Value> = claims.as_object().unwrap().clone();
    state.keys.sign(tenant.id, Version::V1, &claims).unwrap()
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("id").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// One byte of ASCII taken out, doubled or put in.
fn broken(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = dice.roll(letters.len() + 1);
    match dice.roll(3) {
        0 if at < letters.len() => drop(letters.remove(at)),
        1 if at < letters.len() => letters.insert(at, letters[at]),
        _ => letters.insert(at, char::from(b"%/?&='()$,:;~!*+0A"[dice.roll(18)])),
    }
    letters.into_iter().collect()
}

fn option(dice: &mut Dice) -> String {
    let property = dice.pick(&PROPERTIES);
    let (name, value) = match dice.roll(11) {
        0 => ("$select", format!("{property},{}", dice.pick(&PROPERTIES))),
        1 => ("$filter", filter(dice, 0)),
        2 => ("$orderby", format!("{property} {}", dice.pick(&["asc", "desc", "", "sideways"]))),
        3 => ("$top", dice.pick(&["1", "3", "0", "1000", "1001", "-1", "x", "99999999999999999999"]).to_owned()),
        4 => ("$skip", dice.pick(&["0", "1", "5", "100000", "-1", "18446744073709551615"]).to_owned()),
        5 => {
            ("$search", format!("\"{}\"", (0..=dice.roll(4)).map(|_| dice.pick(&WORDS)).collect::<Vec<_>>().join(" ")))
        }
        6 => ("$count", dice.pick(&["true", "false", "maybe"]).to_owned()),
        7 => ("$expand", property.to_owned()),
        8 => ("$skiptoken", dice.pick(&["x", "", "AAAA", "e30="]).to_owned()),
        9 => ("$format", "json".to_owned()),
        _ => (dice.pick(&["$nonsense", "top", "startDateTime", "q"]), dice.pick(&LITERALS).to_owned()),
    };
    format!("{}={}", name.replace('$', dice.pick(&["$", "%24", "$"])), utf8_percent_encode(&value, NON_ALPHANUMERIC))
}

fn filter(dice: &mut Dice, depth: usize) -> String {
    let (property, literal) = (dice.pick(&PROPERTIES), dice.pick(&LITERALS));
    match dice.roll(if depth > 4 { 4 } else { 8 }) {
        0 | 1 => format!("{property} {} {literal}", dice.pick(&OPERATORS)),
        2 => format!("{}({property},{literal})", dice.pick(&["contains", "startswith", "endswith", "nope"])),
        3 => format!("{property}/any(x:x eq {literal})"),
        4 => format!("not ({})", filter(dice, depth + 1)),
        5 => format!("{} and {}", filter(dice, depth + 1), filter(dice, depth + 1)),
        6 => format!("({} or {})", filter(dice, depth + 1), filter(dice, depth + 1)),
        _ => format!("{property}/all(x:{})", filter(dice, depth + 1)),
    }
}

/// A body that fits some row, perhaps with something wrong in it.
fn body(dice: &mut Dice) -> Value {
    let to = json!([{ "emailAddress": { "address": "bob@contoso.example", "name": "Bob" } }]);
    let at = |hour: u8| json!({ "dateTime": format!("2026-01-15T{hour:02}:00:00"), "timeZone": "UTC" });
    let mut body = match dice.roll(14) {
        0 => {
            json!({ "subject": "s", "body": { "contentType": "html", "content": "<p>x</p>" }, "toRecipients": to, "importance": "high" })
        }
        1 => {
            json!({ "message": { "subject": "s", "body": { "contentType": "text", "content": "x" }, "toRecipients": to }, "saveToSentItems": true })
        }
        2 => {
            json!({ "subject": "s", "start": at(9), "end": at(10), "attendees": [{ "type": "required", "emailAddress": { "address": "bob@contoso.example" } }],
            "recurrence": { "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": ["monday"] }, "range": { "type": "numbered", "startDate": "2026-01-15", "numberOfOccurrences": 3 } } })
        }
        3 => json!({ "destinationId": "archive", "comment": "c", "sendResponse": false }),
        4 => {
            json!({ "schedules": ["bob@contoso.example"], "startTime": at(8), "endTime": at(18), "availabilityViewInterval": 30 })
        }
        5 => {
            json!({ "attendees": [], "timeConstraint": { "timeSlots": [{ "start": at(8), "end": at(18) }] }, "meetingDuration": "PT1H", "maxCandidates": 5 })
        }
        6 => json!({ "@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": "eA==" }),
        7 | 8 => searched(dice),
        9 => {
            json!({ "body": { "contentType": "html", "content": "<p>x <at id=\"0\">Bob</at></p>" }, "importance": "high", "subject": "s",
            "mentions": [{ "id": 0, "mentionText": "Bob", "mentioned": { "user": { "id": "x", "displayName": "Bob" } } }] })
        }
        10 => {
            json!({ "type": dice.pick(&["view", "edit", "embed", "x"]), "scope": dice.pick(&["anonymous", "organization", "users", ""]) })
        }
        11 => {
            json!({ "recipients": [{ "email": "bob@contoso.example" }], "roles": [dice.pick(&["read", "write", "owner", "sp.full control"])],
            "requireSignIn": true, "sendInvitation": false, "message": "m" })
        }
        12 => {
            json!({ "name": dice.pick(&["New.txt", "", "a/b", "CON", "x".repeat(400).as_str()]), "folder": {},
            "@microsoft.graph.conflictBehavior": dice.pick(&["rename", "replace", "fail", "x"]), "parentReference": { "id": "root" },
            "item": { "name": "up.bin", "fileSize": 7 } })
        }
        _ => {
            json!({ "displayName": "d", "isRead": true, "timeZone": "UTC", "workingHours": { "daysOfWeek": ["monday"], "startTime": "08:00:00" }, "name": "n", "folder": {} })
        }
    };
    for _ in 0..dice.roll(3) {
        mutate(&mut body, dice);
    }
    body
}

/// A request to `/search/query`, of any entity type, with KQL of any sense.
fn searched(dice: &mut Dice) -> Value {
    const ENTITIES: [&str; 9] =
        ["message", "event", "chatMessage", "driveItem", "listItem", "site", "list", "person", "nothing"];
    const SORTED: [&str; 5] = ["size", "name", "lastModifiedDateTime", "created", "no such"];
    let entities: Vec<_> = (0..=dice.roll(5) / 4).map(|_| dice.pick(&ENTITIES)).collect();
    let query = (0..=dice.roll(5)).map(|_| dice.pick(&WORDS)).collect::<Vec<_>>().join(" ");
    let mut request = json!({ "entityTypes": entities, "query": { "queryString": query }, "from": dice.roll(4), "size": dice.roll(40) });
    if dice.roll(4) == 0 {
        request["sortProperties"] = json!([{ "name": dice.pick(&SORTED), "isDescending": dice.roll(2) == 0 }]);
    }
    if dice.roll(4) == 0 {
        let definition = json!({ "sortBy": "count", "isDescending": true, "minimumCount": 0, "prefixFilter": "d" });
        request["aggregations"] =
            json!([{ "field": dice.pick(&["fileType", "SPSiteUrl", "x"]), "size": 3, "bucketDefinition": definition }]);
        request["aggregationFilters"] = json!([dice.pick(&["fileType:\"ǂǂ646f6378\"", "fileType:or(", "x"])]);
    }
    json!({ "requests": [request] })
}

fn mutate(value: &mut Value, dice: &mut Dice) {
    let edges = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e308),
        json!(""),
        json!([]),
        json!({}),
        json!([[[]]]),
        json!("\u{0}"),
        json!("2026-13-45T99:99"),
        json!("A".repeat(5000)),
        json!("\r\nBcc: x@y.example"),
    ];
    match value {
        Value::Object(map) if !map.is_empty() && dice.roll(5) > 0 => {
            let name = map.keys().nth(dice.roll(map.len())).unwrap().clone();
            match dice.roll(4) {
                0 => drop(map.remove(&name)),
                1 => drop(map.insert(name.to_uppercase(), edges[dice.roll(edges.len())].clone())),
                _ => mutate(map.get_mut(&name).unwrap(), dice),
            }
        }
        Value::Array(items) if !items.is_empty() && dice.roll(5) > 0 => {
            let at = dice.roll(items.len());
            mutate(&mut items[at], dice);
        }
        other => *other = edges[dice.roll(edges.len())].clone(),
    }
}

/// Every refusal has Graph's shape, and none is the service's own fault.
fn check(question: &Question, status: u16, body: Option<&Value>) {
    assert!(status < 500 || [501, 504].contains(&status), "{status}: {question:?}: {body:?}");
    if status >= 400 {
        let error = &body.unwrap_or_else(|| panic!("{status} without JSON: {question:?}"))["error"];
        assert!(error["code"].is_string() && error["message"].is_string(), "{question:?}: {error}");
        assert!(error["innerError"]["request-id"].is_string(), "{question:?}: {error}");
    }
}

#[tokio::test]
async fn whatever_is_asked_is_answered_in_graphs_shape() {
    let number = |name: &str, usual| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let (budget, seed) = (number("OFFLINE365_FUZZ", 3_000), number("OFFLINE365_FUZZ_SEED", 365));
    course(Rules::STRICT, budget, seed).await;
}

/// A panic planted where only files, only chats, only searches come is met: the course goes there.
#[tokio::test]
async fn a_planted_break_is_seen() {
    let strict = Rules::STRICT;
    let files = FileRules { blocks: |_, _, _| panic!("planted"), ..FileRules::STRICT };
    for (name, rules) in [
        ("files", Rules { files, ..strict }),
        ("chats", Rules { history: |_, _| panic!("planted"), ..strict }),
        ("searches", Rules { searches: |_, _| panic!("planted"), ..strict }),
    ] {
        let ended = tokio::spawn(course(rules, 6_000, 365)).await;
        let panic = ended.expect_err(name).into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"planted"), "{name}");
    }
}

/// Asks as many questions and looks at every answer.
async fn course(rules: Rules, budget: u64, seed: u64) {
    let bench = Bench::with(rules).await;
    let mut dice = Dice(seed | 1);
    let (mut sent, mut reached) = (0_u64, 0_u64);
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    let mut last = 0;
    while sent < budget {
        // What a run leaves behind is thrown away now and then.
        if sent.is_multiple_of(1_000) {
            bench.state.reset();
            last = 0;
        }
        let who = if dice.roll(6) == 0 { 1 + dice.roll(2) } else { 0 };
        let preference = (dice.roll(3) == 0).then(|| dice.pick(&PREFERENCES));
        let question = bench.question(&mut dice);
        let items: Vec<Question> = if dice.roll(15) == 0 {
            (0..=dice.roll(4)).map(|_| bench.question(&mut dice)).collect()
        } else {
            Vec::new()
        };
        let question = if items.is_empty() { question } else { batch(&items, &mut dice) };
        let Some((status, body)) = bench.send(&question, who, preference).await else { continue };
        sent += 1;
        *statuses.entry(status).or_default() += 1;
        check(&question, status, body.as_ref());
        for answer in body
            .iter()
            .filter(|_| !items.is_empty())
            .flat_map(|body| body["responses"].as_array().into_iter().flatten())
        {
            let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap();
            check(&question, status, (status >= 400).then_some(&answer["body"]));
        }
        let rows = bench.state.journal.audit_since(last);
        last = rows.last().map_or(last, |row| row.seq);
        // A row was found and its scopes were there: what came next was the handler's.
        let is_handled = rows.iter().any(|row| {
            let is_refused_before = row.reason.as_deref().is_some_and(|why| why.starts_with("permission row"));
            row.operation.contains('/') && !is_refused_before && ![501, 405].contains(&row.status)
        });
        reached += u64::from(is_handled);
    }
    println!("{sent} requests, {reached} reached a handler, by status: {statuses:?} (seed {seed})");
    assert!(reached * 10 >= sent * 3, "only {reached} of {sent} reached a handler");
    assert!(statuses.contains_key(&200) && statuses.contains_key(&400) && statuses.contains_key(&404), "{statuses:?}");
}

fn batch(items: &[Question], dice: &mut Dice) -> Question {
    let item = |(id, question): (usize, &Question)| {
        let mut item = json!({ "id": id.to_string(), "method": question.method, "url": question.target });
        if let Some(body) = &question.body {
            item["body"] = body.clone();
            item["headers"] = json!({ "Content-Type": "application/json" });
        }
        if id > 0 {
            item["dependsOn"] = json!([(id - 1).to_string()]);
        }
        item
    };
    let mut body = json!({ "requests": items.iter().enumerate().map(item).collect::<Vec<_>>() });
    if dice.roll(4) == 0 {
        mutate(&mut body, dice);
    }
    Question { method: "POST".to_owned(), target: "/$batch".to_owned(), body: Some(body) }
}
