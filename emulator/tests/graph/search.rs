//! `/search/query`: what is found by whom, how it is counted and quoted, and what is refused.

use emulator::Options;
use emulator::change::{Change, DirectoryChange, TeamsChange};
use emulator::mailbox::BodyKind;
use emulator::search::Gaps;
use emulator::teams::{Content, Importance, NewMessage};
use fixtures::Plan;
use fixtures::cast::{ALICE, BOB, CAROL, ERIN, GINA_GUEST};
use fixtures::plan::PersonKind;
use serde_json::{Value, json};

use crate::scene::{Caller, Reply, Scene};

const SEARCH: &str = "User.Read Mail.Read Calendars.Read Chat.Read ChannelMessage.Read.All";

async fn search(caller: &Caller<'_>, entity: &str, query: &str, from: usize, size: usize) -> Reply {
    let request = json!({ "entityTypes": [entity], "query": { "queryString": query }, "from": from, "size": size });
    caller.send("POST", "/search/query", &json!({ "requests": [request] })).await
}

fn container(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.code());
    reply.json()["value"][0]["hitsContainers"][0].clone()
}

/// Every hit, page by page.
async fn all(caller: &Caller<'_>, entity: &str, query: &str) -> Vec<Value> {
    let mut hits = Vec::new();
    loop {
        let page = container(&search(caller, entity, query, hits.len(), 7).await);
        let found = page["hits"].as_array().cloned().unwrap_or_default();
        assert_eq!(page.get("hits").is_none(), found.is_empty(), "no empty list of hits");
        hits.extend(found);
        if page["moreResultsAvailable"] == false {
            return hits;
        }
        assert!(hits.len() < 5_000, "a search without an end");
    }
}

#[tokio::test]
async fn shapes() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, SEARCH);
    let mut answers = serde_json::Map::new();
    for (entity, query) in [
        ("message", "subject:budget received>=2026-01-01"),
        ("event", "budget"),
        ("chatMessage", "budget"),
        ("chatMessage", "from:dave kick-off"),
        ("chatMessage", "nothingofthekind"),
    ] {
        let reply = search(&alice, entity, query, 0, 2).await;
        assert_eq!(reply.status, 200, "{entity} {query}: {}", reply.code());
        let origin = scene.running.graph.as_str().trim_end_matches('/');
        let text = String::from_utf8(reply.bytes).unwrap().replace(origin, "https://graph.example");
        answers.insert(format!("{entity}: {query}"), serde_json::from_str(&text).unwrap());
    }
    insta::assert_json_snapshot!("search", Value::Object(answers));
}

#[tokio::test]
async fn a_canary_is_found_by_its_readers_and_nobody_else() {
    let scene = Scene::new().await;
    let mut checked = 0;
    for tenant in scene.plan.tenants.iter().filter(|tenant| !tenant.teams.chats.is_empty()) {
        let said = tenant.teams.chats.iter().flat_map(|row| &row.canaries);
        let said: Vec<_> = said.chain(tenant.teams.channels.iter().flat_map(|row| &row.canaries)).collect();
        for person in tenant.people.iter().filter(|person| person.enabled && person.kind == PersonKind::Member) {
            let who = person.reference(tenant);
            let caller = scene.caller(&who, SEARCH);
            for canary in &said {
                let page = container(&search(&caller, "chatMessage", &canary.word, 0, 25).await);
                let is_reader = canary.readers.contains(&who);
                assert_eq!(page["total"], u8::from(is_reader), "{who} {}", canary.word);
                checked += 1;
            }
            for message in tenant.messages.iter().step_by(4) {
                let word = message.canary.as_deref().unwrap();
                let page = container(&search(&caller, "message", word, 0, 25).await);
                assert_eq!(page["total"], u8::from(message.mailbox == who), "{who} {}", message.handle);
                checked += 1;
            }
            for event in &tenant.calendars.events {
                let word = event.canary.as_deref().unwrap();
                let page = container(&search(&caller, "event", word, 0, 25).await);
                let is_own = event.owner == who && event.calendar == fixtures::calendar::DEFAULT;
                assert_eq!(page["total"], u8::from(is_own), "{who} {}", event.handle);
            }
        }
    }
    assert!(checked > 400, "{checked}");
}

#[tokio::test]
async fn words_properties_and_dates() {
    let scene = Scene::new().await;
    let (alice, bob) = (scene.caller(ALICE, SEARCH), scene.caller(BOB, SEARCH));
    let world = scene.running.state().world();
    let bob_id = world.tenant_named("contoso").unwrap().directory.user_named("bob").unwrap().id.to_string();
    let mentioned = format!("mentions:{}", bob_id.replace('-', ""));
    for (who, query, many) in [
        (&alice, "budget", 12),
        (&alice, "BUDGET", 12),
        (&alice, "budg", 0),
        (&alice, "budg*", 12),
        (&alice, "\"budget review\"", 1),
        (&alice, "\"review budget\"", 0),
        (&alice, "budget review", 1),
        (&alice, "budget NOT from:alice", 8),
        (&alice, "budget -from:alice", 8),
        (&alice, "from:bob from:carol", 9),
        (&alice, "from:bob AND from:carol", 0),
        (&alice, "(slide OR headcount) from:carol", 2),
        (&alice, "sent>2026-01-09", 1),
        (&alice, "sent>=2026-01-09 sent<2026-01-10", 4),
        (&alice, "sent:2025-12-01..2025-12-31", 2),
        (&alice, "hasAttachment:true", 2),
        (&alice, "IsMentioned:true", 1),
        (&bob, "IsMentioned:true", 0),
        (&alice, &mentioned, 0),
        (&alice, "subject:(kick OR floor)", 2),
        (&alice, "systemEventMessage", 0),
        (&alice, "should", 0),
    ] {
        let found = all(who, "chatMessage", query).await;
        assert_eq!(found.len(), many, "{query}: {found:#?}");
    }
    assert!(all(&alice, "chatMessage", "*").await.len() > 25);
    let mail = all(&alice, "message", "budget").await;
    assert!(mail.len() > 3);
    // The newest first, and every id leads to its message once it is made safe for a path.
    let times: Vec<_> =
        mail.iter().map(|hit| hit["resource"]["receivedDateTime"].as_str().unwrap().to_owned()).collect();
    assert!(times.is_sorted_by(|left, right| left >= right), "{times:?}");
    for hit in &mail {
        let id = hit["hitId"].as_str().unwrap().replace('/', "-").replace('+', "_");
        assert_eq!(alice.get(&format!("/me/messages/{id}")).await.status, 200);
    }
    assert!(mail.iter().any(|hit| hit["summary"].as_str().unwrap().contains("<c0>")));
}

#[tokio::test]
async fn each_scope_opens_its_own() {
    let scene = Scene::new().await;
    let channels_alone = scene.caller(ALICE, "Mail.Read ChannelMessage.Read.All");
    let (both, chats) = (scene.caller(ALICE, SEARCH), scene.caller(ALICE, "Chat.Read"));
    let [all, of_chats, of_channels] = [
        all(&both, "chatMessage", "budget").await,
        all(&chats, "chatMessage", "budget").await,
        all(&channels_alone, "chatMessage", "budget").await,
    ];
    let is_of_channel = |hit: &Value| hit["resource"]["channelIdentity"]["channelId"].is_string();
    assert_eq!(all.len(), of_chats.len() + of_channels.len());
    assert!(of_channels.iter().all(is_of_channel) && !of_chats.iter().any(is_of_channel) && !of_channels.is_empty());
    let mail = scene.caller(ALICE, "Mail.Read");
    for entity in ["event", "chatMessage"] {
        assert_eq!(search(&mail, entity, "budget", 0, 5).await.code(), "403 Forbidden", "{entity}");
    }
    let basic = scene.caller(ALICE, "User.Read Chat.ReadBasic Mail.ReadBasic");
    assert_eq!(search(&basic, "message", "budget", 0, 5).await.code(), "403 Forbidden");
    let guest = scene.caller(GINA_GUEST, SEARCH);
    assert_eq!(search(&guest, "chatMessage", "budget", 0, 5).await.code(), "403 Forbidden");
}

fn post(scene: &Scene, chat: &str, at: &str, body: &str) {
    let state = scene.running.state();
    let content = Content {
        from: None,
        subject: None,
        importance: Importance::Normal,
        kind: BodyKind::Text,
        body: body.to_owned(),
        mentions: Vec::new(),
        attachments: Vec::new(),
        reactions: Vec::new(),
        event: None,
    };
    let message = NewMessage { at: at.parse().unwrap(), reply_to: None, content };
    let tenant = scene.plan.tenant("contoso").unwrap().id;
    state.apply(Change::Teams { tenant, change: TeamsChange::PostToChat { chat: chat.to_owned(), message } }).unwrap();
}

#[tokio::test]
async fn what_is_invisible_changes_no_byte_of_hits_totals_summaries_and_pages() {
    let scene = Scene::new().await;
    let erin = scene.caller(ERIN, SEARCH);
    let world = scene.running.state().world();
    let teams = &world.tenant_named("contoso").unwrap().teams;
    let chat = |topic: Option<&str>| {
        let found = teams
            .chats()
            .find(|chat| chat.topic.as_deref() == topic && chat.member(erin_id(&scene)).is_some() == topic.is_some());
        found.unwrap().id.clone()
    };
    let (budget, foreign) = (chat(Some("Budget 2026")), chat(None));
    let queries = ["budget", "headcount", "*", "\"budget impact\"", "sent>=2025-01-01 budget", "NOT cake"];
    let pages = async || {
        let mut pages = Vec::new();
        for query in queries {
            for from in [0, 2, 4] {
                pages.push(search(&erin, "chatMessage", query, from, 2).await.bytes);
            }
        }
        pages
    };
    let before = pages().await;
    // In a chat of others, and in one of hers before she joined.
    post(&scene, &foreign, "2026-01-12T08:30:00Z", "budget budget impact headcount");
    post(&scene, &budget, "2026-01-07T08:30:00Z", "budget budget impact headcount");
    assert!(before == pages().await, "something invisible shows");
    post(&scene, &budget, "2026-01-12T08:31:00Z", "budget budget impact headcount");
    assert!(before.iter().zip(pages().await).filter(|(before, after)| *before != after).count() > 8, "control");
}

fn erin_id(scene: &Scene) -> fixtures::ids::UserId {
    let (tenant, erin) = scene.plan.person(ERIN).unwrap();
    erin.id(tenant)
}

#[tokio::test]
async fn refusals() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, SEARCH);
    let request = |more: Value| {
        let mut request = json!({ "entityTypes": ["message"], "query": { "queryString": "budget" } });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "requests": [request] })
    };
    let mut answers = Vec::new();
    for body in [
        json!({}),
        json!({ "requests": [] }),
        json!({ "requests": [{ "entityTypes": ["message"] }] }),
        json!({ "requests": [request(json!({}))["requests"][0], request(json!({}))["requests"][0]] }),
        request(json!({ "entityTypes": [] })),
        request(json!({ "entityTypes": ["email"] })),
        request(json!({ "entityTypes": ["message", "event"] })),
        request(json!({ "entityTypes": ["message", "driveItem"] })),
        request(json!({ "size": 26 })),
        request(json!({ "size": 0 })),
        request(json!({ "from": -1 })),
        request(json!({ "sortProperties": [{ "name": "subject" }] })),
        request(json!({ "aggregations": [{ "field": "subject" }] })),
        request(json!({ "region": "EMEA" })),
        request(json!({ "entityTypes": ["event"], "enableTopResults": true })),
        request(json!({ "query": { "queryString": "(budget" } })),
        request(json!({ "query": { "queryString": "" } })),
        request(json!({ "query": { "queryString": "colour:red" } })),
        request(json!({ "entityTypes": ["chatMessage"], "size": 501 })),
        request(json!({ "frobnicate": 1 })),
    ] {
        let reply = alice.send("POST", "/search/query", &body).await;
        answers.push(format!("{body} {} {}", reply.code(), reply.json()["error"]["message"]));
    }
    let carol = scene.caller(CAROL, "Mail.Read");
    let reply = search(&carol, "chatMessage", "budget", 0, 5).await;
    answers.push(format!("{} {}", reply.code(), reply.json()["error"]["message"]));
    insta::assert_json_snapshot!("search_refusals", answers);
}

#[tokio::test]
async fn files_are_found_by_whom_they_are_shown_to() {
    const FILES: &str = "User.Read Files.Read.All Sites.Read.All";
    let scene = Scene::new().await;
    let (alice, erin) = (scene.caller(ALICE, FILES), scene.caller(ERIN, FILES));
    let of_alice = all(&alice, "driveItem", "*").await;
    let of_erin = all(&erin, "driveItem", "*").await;
    assert!(of_alice.len() > of_erin.len() && !of_erin.is_empty(), "{} {}", of_alice.len(), of_erin.len());
    // What is found can be asked for, and is what is found.
    for hit in of_alice.iter().step_by(5) {
        let resource = &hit["resource"];
        let drive = resource["parentReference"]["driveId"].as_str().unwrap();
        let path = format!("/drives/{drive}/items/{}", resource["id"].as_str().unwrap());
        assert_eq!(alice.get(&path).await.json()["name"], resource["name"], "{path}");
    }
    let typed = all(&alice, "driveItem", "filetype:docx").await;
    assert!(!typed.is_empty());
    assert!(typed.iter().all(|hit| hit["resource"]["name"].as_str().unwrap().contains(".docx")));
    assert!(all(&alice, "driveItem", "isDocument:false").await.iter().all(|hit| hit["resource"]["folder"].is_object()));
    let sites = all(&alice, "site", "*").await;
    assert!(!sites.is_empty() && sites.iter().all(|hit| hit["hitId"] == hit["resource"]["id"]));
    assert!(!all(&alice, "listItem", "*").await.is_empty());
    let own = scene.caller(ALICE, "Files.Read Mail.Read");
    assert_eq!(search(&own, "driveItem", "budget", 0, 5).await.code(), "403 Forbidden");
    let files = scene.caller(ALICE, "Files.Read.All");
    assert_eq!(search(&files, "site", "budget", 0, 5).await.code(), "403 Forbidden");
    let interleaved = json!({ "requests": [{ "entityTypes": ["driveItem", "listItem", "site"], "query": { "queryString": "*" }, "size": 500 }] });
    let reply = alice.send("POST", "/search/query", &interleaved).await;
    let kinds: std::collections::BTreeSet<_> = container(&reply)["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["resource"]["@odata.type"].to_string())
        .collect();
    assert_eq!(kinds.len(), 3);
}

#[tokio::test]
async fn an_index_with_gaps_says_nothing_of_them() {
    const FILES: &str = "User.Read Files.Read.All Sites.Read.All";
    let whole = Scene::new().await;
    let everything = all(&whole.caller(ALICE, FILES), "driveItem", "filetype:docx").await;
    let url = everything[0]["resource"]["webUrl"].as_str().unwrap().to_owned();
    let library = url.rsplit_once('/').unwrap().0.to_owned();
    let blind = Gaps {
        blind_libraries: vec![library.split('/').take(5).collect::<Vec<_>>().join("/")],
        unindexed_types: Vec::new(),
    };
    let scene = Scene::with(emulator::Options { search_gaps: blind, ..emulator::Options::default() }).await;
    let found = all(&scene.caller(ALICE, FILES), "driveItem", "filetype:docx").await;
    assert!(found.len() < everything.len(), "{} {library}", found.len());
    assert!(found.iter().all(|hit| hit["resource"]["webUrl"] != url));
    let nameless = Gaps { blind_libraries: Vec::new(), unindexed_types: vec!["docx".to_owned()] };
    let scene = Scene::with(emulator::Options { search_gaps: nameless, ..emulator::Options::default() }).await;
    let found = all(&scene.caller(ALICE, FILES), "driveItem", "filetype:docx").await;
    assert_eq!(found.len(), everything.len(), "by name they are found");
    assert!(found.iter().all(|hit| hit["summary"] != everything[0]["summary"]));
}

/// The index of a drive is made once and made anew after whatever changes an answer: files, their names, the names of people.
#[tokio::test]
async fn the_index_of_a_drive_follows_every_change() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, "User.Read Files.ReadWrite.All Sites.Read.All");
    let names = async |query: &str| -> Vec<String> {
        let hits = all(&alice, "driveItem", query).await;
        hits.iter().map(|hit| hit["resource"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let in_drive = async |word: &str| alice.get(&format!("/me/drive/root/search(q='{word}')")).await.values().len();
    assert!(names("walrus OR zebras").await.is_empty() && in_drive("walrus").await == 0);
    let request = alice.request("PUT", "/me/drive/root:/Zebras.txt:/content").body("one walrus, two");
    let made = request.header("content-type", "text/plain").send().await.unwrap();
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let item = format!("/me/drive/items/{}", made["id"].as_str().unwrap());
    assert_eq!(
        (names("walrus").await, names("zebras").await),
        (vec!["Zebras.txt".to_owned()], vec!["Zebras.txt".to_owned()])
    );
    assert_eq!((in_drive("walr").await, in_drive("zeb").await, in_drive("alrus").await), (1, 1, 0));
    assert_eq!(alice.send("PATCH", &item, &json!({ "name": "Okapis.txt" })).await.status, 200);
    assert_eq!((names("walrus").await, names("zebras").await), (vec!["Okapis.txt".to_owned()], Vec::<String>::new()));
    assert_eq!(alice.request("DELETE", &item).send().await.unwrap().status(), 204);
    assert!(names("walrus").await.is_empty() && in_drive("walr").await == 0);

    // Names of people stand in it too: somebody who is gone has none.
    let query = "author:\"Bob Lind\"";
    let state = scene.running.state();
    let bob = state.world().tenant_named("contoso").unwrap().directory.user_named("bob").unwrap().clone();
    let query = query.replace("Bob Lind", &bob.display_name);
    assert!(!names(&query).await.is_empty());
    let tenant = scene.plan.tenant("contoso").unwrap().id;
    state.apply(Change::directory(tenant, DirectoryChange::DeleteUser { user: bob.id })).unwrap();
    assert!(names(&query).await.is_empty());
}

/// Only the page that is asked for is put in order: all pages together are what one page of everything is.
#[tokio::test]
async fn pages_of_files_are_pieces_of_one_order() {
    let scene = Scene::of(Plan::generated_files(400).unwrap(), Options::default()).await;
    let caller = scene.caller("user0@generated", "User.Read Files.Read.All Sites.Read.All");
    for query in ["*", "term1", "budget OR term3", "NOT filetype:csv"] {
        let whole = container(&search(&caller, "driveItem", query, 0, 500).await);
        let ids = |hits: &[Value]| hits.iter().map(|hit| hit["hitId"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let whole = ids(whole["hits"].as_array().unwrap());
        assert!(whole.len() > 40, "{query}: {}", whole.len());
        assert_eq!(ids(&all(&caller, "driveItem", query).await), whole, "{query}");
    }
}

/// Refiners count all that was found and is shown; a token of theirs finds as many as they counted.
#[tokio::test]
async fn what_is_found_is_counted_by_a_property_and_found_again_by_its_token() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, "User.Read Files.Read.All Sites.Read.All");
    let ask = async |further: Value| {
        let mut request = json!({ "entityTypes": ["driveItem"], "query": { "queryString": "*" }, "size": 1 });
        request.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        alice.send("POST", "/search/query", &json!({ "requests": [request] })).await
    };
    let plain = container(&ask(json!({})).await);
    assert!(plain.get("aggregations").is_none());
    let definition = json!({ "sortBy": "count", "isDescending": true, "minimumCount": 1 });
    let reply =
        ask(json!({ "aggregations": [{ "field": "fileType", "size": 20, "bucketDefinition": definition }] })).await;
    let counted = container(&reply);
    let buckets = counted["aggregations"][0]["buckets"].as_array().unwrap().clone();
    let files = all(&alice, "driveItem", "isDocument:true").await.len();
    let sum: u64 = buckets.iter().map(|bucket| bucket["count"].as_u64().unwrap()).sum();
    assert_eq!((counted["aggregations"][0]["field"].as_str(), sum), (Some("fileType"), files as u64));
    assert!(buckets.len() > 3 && buckets.windows(2).all(|two| two[0]["count"].as_u64() >= two[1]["count"].as_u64()));
    for bucket in &buckets {
        let token = bucket["aggregationFilterToken"].as_str().unwrap();
        let again = container(&ask(json!({ "aggregationFilters": [format!("fileType:{token}")] })).await);
        assert_eq!(again["total"], bucket["count"], "{bucket}");
    }
    let either = [&buckets[0], &buckets[1]].map(|bucket| bucket["aggregationFilterToken"].as_str().unwrap());
    let both =
        container(&ask(json!({ "aggregationFilters": [format!("fileType:or({},{})", either[0], either[1])] })).await);
    assert_eq!(
        both["total"].as_u64(),
        Some(buckets[0]["count"].as_u64().unwrap() + buckets[1]["count"].as_u64().unwrap())
    );
    for wrong in ["fileType", "fileType:\"docx\"", "color:\"ǂǂ78\"", "fileType:\"ǂǂ7\"", "fileType:\"ǂǂé\""] {
        assert_eq!(ask(json!({ "aggregationFilters": [wrong] })).await.status, 400, "{wrong}");
    }
}
