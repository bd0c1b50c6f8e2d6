//! Chats, teams and channels: what is listed, to whom, and in which words the rest is refused.

use emulator::Options;
use emulator::rules::Rules;
use fixtures::cast::{ADMIN_CONTOSO, ALICE, BOB, CAROL, DAVE, ERIN, GINA_GUEST, MALLORY};
use fixtures::teams::ChannelKind;
use serde_json::{Value, json};

use crate::scene::{Caller, Scene};

pub(crate) const TEAMS: &str = "User.Read Chat.Read Team.ReadBasic.All TeamMember.Read.All Channel.ReadBasic.All ChannelMember.Read.All ChannelMessage.Read.All";

/// An id as one segment.
pub(crate) fn segment(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn chat(of: &Caller<'_>, topic: &str) -> String {
    let chats = of.all("/me/chats?$top=50").await;
    let found = chats.iter().find(|chat| chat["topic"] == topic).unwrap_or_else(|| panic!("no chat {topic}"));
    segment(found["id"].as_str().unwrap())
}

async fn team(of: &Caller<'_>) -> String {
    let teams = of.get("/me/joinedTeams").await.values();
    let falcon = teams.iter().find(|team| team["displayName"] == "Project Falcon").unwrap();
    falcon["id"].as_str().unwrap().to_owned()
}

async fn channel(of: &Caller<'_>, team: &str, name: &str) -> String {
    let channels = of.get(&format!("/teams/{team}/channels")).await.values();
    let found = channels.iter().find(|channel| channel["displayName"] == name);
    segment(found.unwrap_or_else(|| panic!("no channel {name}"))["id"].as_str().unwrap())
}

#[tokio::test]
async fn shapes() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, TEAMS);
    let budget = chat(&alice, "Budget 2026").await;
    let team = team(&alice).await;
    let general = channel(&alice, &team, "General").await;
    let mut answers = serde_json::Map::new();
    for path in [
        "/me/chats?$top=3".to_owned(),
        format!("/chats/{budget}?$expand=members,lastMessagePreview"),
        format!("/chats/{budget}/messages?$top=3"),
        "/me/joinedTeams".to_owned(),
        format!("/teams/{team}"),
        format!("/teams/{team}/channels"),
        format!("/teams/{team}/members"),
        format!("/teams/{team}/channels/{general}/messages?$expand=replies"),
    ] {
        let reply = alice.get(&path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.code());
        let name = path.replace(&budget, "{chat}").replace(&team, "{team}").replace(&general, "{channel}");
        let origin = scene.running.graph.as_str().trim_end_matches('/');
        let text = String::from_utf8(reply.bytes).unwrap().replace(origin, "https://graph.example");
        answers.insert(name, serde_json::from_str(&text).unwrap());
    }
    insta::assert_json_snapshot!("teams", Value::Object(answers));
}

/// How many readings were compared with the rows of `teams.toml`, and the first that differs.
async fn misread(scene: &Scene) -> (usize, Option<String>) {
    let mut checked = 0;
    for tenant in scene.plan.tenants.iter().filter(|tenant| !tenant.teams.chats.is_empty()) {
        let canaries = tenant.teams.chats.iter().flat_map(|row| &row.canaries);
        let canaries: Vec<_> = canaries.chain(tenant.teams.channels.iter().flat_map(|row| &row.canaries)).collect();
        let signs_in =
            |person: &&fixtures::plan::Person| person.enabled && (person.password.is_some() || person.home.is_some());
        for person in tenant.people.iter().filter(signs_in) {
            let who = person.reference(tenant);
            let read = everything(scene, &who, &tenant.teams).await;
            for canary in &canaries {
                checked += 1;
                if read.contains(&canary.word) != canary.readers.contains(&who) {
                    return (checked, Some(format!("{who} and {}", canary.word)));
                }
            }
        }
    }
    (checked, None)
}

#[tokio::test]
async fn every_message_is_read_by_its_readers_and_nobody_else() {
    let (checked, difference) = misread(&Scene::new().await).await;
    assert_eq!(difference, None);
    assert!(checked > 150, "{checked}");
}

#[tokio::test]
async fn wrong_rules_are_seen() {
    let strict = Rules::STRICT;
    for (name, rules) in [
        ("chat", Rules { chat: |_, _| true, ..strict }),
        ("history", Rules { history: |_, _| true, ..strict }),
        (
            "history that begins after the first message",
            Rules { history: |since, at| since.is_none_or(|since| at > since), ..strict },
        ),
        ("team", Rules { team: |_, _, _| true, ..strict }),
        ("channel", Rules { channel: |_, _, _| true, ..strict }),
        ("private channels for the team", Rules { channel: |_, in_team, in_channel| in_team || in_channel, ..strict }),
        (
            "shared channels within the team alone",
            Rules {
                channel: |kind, in_team, in_channel| in_team && (kind == ChannelKind::Standard || in_channel),
                ..strict
            },
        ),
    ] {
        let scene = Scene::with(Options { rules, ..Options::default() }).await;
        let (_, difference) = misread(&scene).await;
        // What was said at the very instant somebody joined is a system message, which holds no canary: asked for by itself.
        let alone = async || {
            let (alice, erin) = (scene.caller(ALICE, TEAMS), scene.caller(ERIN, TEAMS));
            let budget = chat(&alice, "Budget 2026").await;
            erin.all(&format!("/chats/{budget}/messages?$top=50")).await.len() != 7
        };
        assert!(difference.is_some() || alone().await, "nobody saw that the rule `{name}` is wrong");
    }
    let basic = Scene::with(Options { rules: Rules { shows_chat: |_| true, ..strict }, ..Options::default() }).await;
    let reader = basic.caller(ALICE, "Chat.ReadBasic");
    assert_eq!(reader.get("/me/chats?$expand=lastMessagePreview").await.status, 200, "the rule `shows_chat` decides");
    let guests = Scene::with(Options { rules: Rules { searches: |_, _| true, ..strict }, ..Options::default() }).await;
    let body = json!({ "requests": [{ "entityTypes": ["chatMessage"], "query": { "queryString": "budget" } }] });
    let reply = guests.caller(GINA_GUEST, TEAMS).send("POST", "/search/query", &body).await;
    assert_eq!(reply.status, 200, "the rule `searches` decides");
}

/// All that somebody reads of chats and channels, lists and every single message of the tenant asked for by id.
async fn everything(scene: &Scene, who: &str, of: &fixtures::teams::Teams) -> String {
    let caller = scene.caller(who, TEAMS);
    let mut read = String::new();
    let world = scene.running.state().world();
    let tenant = world.tenant_named(who.split_once('@').unwrap().1).unwrap();
    let mut paths = vec!["/me/chats?$expand=lastMessagePreview,members".to_owned()];
    assert_eq!(tenant.teams.chats().count(), of.chats.len());
    for chat in tenant.teams.chats() {
        let id = segment(&chat.id);
        paths.push(format!("/chats/{id}?$expand=lastMessagePreview"));
        paths.push(format!("/chats/{id}/messages?$top=50"));
        paths.extend(chat.thread.messages().map(|message| format!("/me/chats/{id}/messages/{}", message.id)));
    }
    for team in tenant.teams.teams() {
        for channel in team.channels() {
            let path = format!("/teams/{}/channels/{}/messages", team.group, segment(&channel.id));
            paths.push(format!("{path}?$expand=replies"));
            for message in channel.thread.messages() {
                paths.push(match &message.reply_to {
                    Some(root) => format!("{path}/{root}/replies/{}", message.id),
                    None => format!("{path}/{}", message.id),
                });
            }
        }
    }
    for path in paths {
        let reply = caller.get(&path).await;
        assert!(matches!(reply.status, 200 | 403 | 404), "{who} {path}: {}", reply.code());
        read.push_str(&String::from_utf8_lossy(&reply.bytes));
    }
    read
}

#[tokio::test]
async fn history_begins_where_a_member_joined() {
    let scene = Scene::new().await;
    let (alice, erin, gina) = (scene.caller(ALICE, TEAMS), scene.caller(ERIN, TEAMS), scene.caller(GINA_GUEST, TEAMS));
    let budget = chat(&alice, "Budget 2026").await;
    let path = format!("/chats/{budget}/messages?$top=50");
    let [all, of_erin, of_gina] =
        [alice.all(&path).await, erin.all(&path).await, gina.all(&path).await].map(|messages| messages.len());
    assert_eq!((all, of_erin, of_gina), (10, 7, 4));
    let oldest = alice.all(&path).await.pop().unwrap();
    let one = format!("/chats/{budget}/messages/{}", oldest["id"].as_str().unwrap());
    assert_eq!(alice.get(&one).await.status, 200, "control");
    assert_eq!(erin.get(&one).await.code(), "404 NotFound");
}

#[tokio::test]
async fn refusals() {
    let scene = Scene::new().await;
    let (alice, bob) = (scene.caller(ALICE, TEAMS), scene.caller(BOB, TEAMS));
    let budget = chat(&alice, "Budget 2026").await;
    let team = team(&alice).await;
    let [general, pricing] = [channel(&alice, &team, "General").await, channel(&alice, &team, "Pricing").await];
    let messages = format!("/chats/{budget}/messages");
    let mut answers = Vec::new();
    for (who, path) in [
        (&alice, "/me/chats?$top=51".to_owned()),
        (&alice, "/me/chats?$orderby=lastUpdatedDateTime%20desc".to_owned()),
        (&alice, "/me/chats?$expand=tabs".to_owned()),
        (&alice, "/users/bob@contoso.example/chats".to_owned()),
        (&alice, "/me/chats/getAllMessages".to_owned()),
        (&alice, "/chats/19:0123@thread.v2".to_owned()),
        (&alice, format!("{messages}?$top=51")),
        (&alice, format!("{messages}?$select=body")),
        (&alice, format!("{messages}?$skip=2")),
        (&alice, format!("{messages}?$search=%22x%22")),
        (&alice, format!("{messages}?$orderby=createdDateTime%20asc")),
        (&alice, format!("{messages}?$orderby=subject%20desc")),
        (&alice, format!("{messages}?$filter=createdDateTime%20le%202026-01-01T00:00:00Z")),
        (&alice, format!("{messages}?$filter=createdDateTime%20gt%202026-01-01T00:00:00Z")),
        (&alice, format!("{messages}/1")),
        (&alice, format!("/teams/{team}/channels/{general}/messages?$top=51")),
        (&alice, format!("/teams/{team}/channels/{general}/messages?$orderby=createdDateTime%20desc")),
        (&alice, format!("/teams/{team}/channels/{general}/messages/1/replies")),
        (&alice, "/teams/falcon".to_owned()),
        (&alice, "/teams/00000000-0000-4000-8000-000000000000".to_owned()),
        (&bob, format!("/teams/{team}/channels/{pricing}/messages")),
    ] {
        let reply = who.get(&path).await;
        let path = path
            .replace(&budget, "{chat}")
            .replace(&team, "{team}")
            .replace(&general, "{general}")
            .replace(&pricing, "{pricing}");
        answers.push(format!(
            "{path}: {} {}",
            reply.code(),
            reply.json()["error"]["message"].as_str().unwrap_or_default()
        ));
    }
    let outsider = scene.caller(ADMIN_CONTOSO, TEAMS);
    for path in [messages.clone(), format!("/teams/{team}"), format!("/teams/{team}/channels/{general}/messages")] {
        answers.push(format!("of another: {}", outsider.get(&path).await.code()));
    }
    let reader = scene.caller(ALICE, "Chat.ReadBasic");
    for path in [messages, "/me/chats?$expand=lastMessagePreview".to_owned(), "/me/joinedTeams".to_owned()] {
        let reply = reader.get(&path).await;
        answers.push(format!(
            "Chat.ReadBasic: {} {}",
            reply.code(),
            reply.json()["error"]["message"].as_str().unwrap_or_default()
        ));
    }
    insta::assert_json_snapshot!("teams_refusals", answers);
}

#[tokio::test]
async fn orders_filters_and_pages() {
    let scene = Scene::new().await;
    let bob = scene.caller(BOB, TEAMS);
    let chats = bob.all("/me/chats?$top=1&$filter=chatType%20eq%20'oneOnOne'").await;
    assert_eq!(chats.len(), 2, "{chats:?}");
    let topics: Vec<_> = bob.all("/me/chats?$orderby=lastMessagePreview/createdDateTime%20desc").await;
    assert_eq!(topics[0]["topic"], "Budget 2026");
    let budget = chat(&bob, "Budget 2026").await;
    let path = format!("/chats/{budget}/messages");
    let paged = bob.all(&format!("{path}?$top=2")).await;
    assert_eq!(paged, bob.all(&format!("{path}?$top=50")).await);
    let before = "$filter=createdDateTime%20lt%202026-01-01T00:00:00Z";
    assert_eq!(bob.get(&format!("{path}?{before}&$orderby=createdDateTime%20desc")).await.values().len(), 2);
    assert_eq!(bob.get(&format!("{path}?{before}")).await.values().len(), 10, "without $orderby the filter is ignored");
    // A next link is nobody else's.
    let next = bob.get(&format!("{path}?$top=2")).await.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    assert_eq!(bob.get(&next).await.values().len(), 2);
    assert_eq!(scene.caller(CAROL, TEAMS).get(&next).await.code(), "400 BadRequest");
}

#[tokio::test]
async fn a_shared_channel_is_read_from_outside_the_team() {
    let scene = Scene::new().await;
    let (dave, erin) = (scene.caller(DAVE, TEAMS), scene.caller(ERIN, TEAMS));
    let team = team(&dave).await;
    let partners = channel(&dave, &team, "Partners").await;
    assert_eq!(erin.get(&format!("/teams/{team}")).await.code(), "403 Forbidden");
    assert_eq!(erin.get(&format!("/teams/{team}/channels/{partners}/messages")).await.values().len(), 1);
    let names = |reply: crate::scene::Reply| -> Vec<String> {
        reply.values().iter().map(|channel| channel["displayName"].as_str().unwrap().to_owned()).collect()
    };
    let of = |who| scene.caller(who, TEAMS);
    assert_eq!(names(of(ALICE).get(&format!("/teams/{team}/channels")).await), ["General", "Pricing"]);
    assert_eq!(names(of(BOB).get(&format!("/teams/{team}/channels")).await), ["General"]);
    assert_eq!(names(dave.get(&format!("/teams/{team}/channels")).await), ["General", "Pricing", "Partners"]);
}

#[tokio::test]
async fn another_tenants_chat_looks_like_none() {
    let scene = Scene::new().await;
    let (alice, mallory) = (scene.caller(ALICE, TEAMS), scene.caller(MALLORY, TEAMS));
    let (foreign, foreign_team) = (chat(&alice, "Budget 2026").await, team(&alice).await);
    for path in
        [format!("/chats/{foreign}"), format!("/chats/{foreign}/messages"), format!("/teams/{foreign_team}/channels")]
    {
        assert_eq!(mallory.get(&path).await.code(), "404 NotFound", "{path}");
        assert_eq!(alice.get(&path).await.status, 200, "control: {path}");
    }
    assert_ne!(chat(&mallory, "Budget 2026").await, foreign);
}

#[tokio::test]
async fn what_is_posted_is_read_by_members_and_recorded() {
    let scene = Scene::new().await;
    let sends = "Chat.Read ChatMessage.Send ChannelMessage.Send ChannelMessage.Read.All Team.ReadBasic.All Channel.ReadBasic.All";
    let (alice, bob, erin) = (scene.caller(ALICE, sends), scene.caller(BOB, TEAMS), scene.caller(ERIN, TEAMS));
    let budget = chat(&alice, "Budget 2026").await;
    let team = team(&alice).await;
    let general = channel(&alice, &team, "General").await;
    let state = scene.running.state();
    let before = state.world().content_fingerprint();
    let said = |text: &str| json!({ "body": { "contentType": "html", "content": text } });
    let in_chat = format!("/chats/{budget}/messages");
    let in_channel = format!("/teams/{team}/channels/{general}/messages");
    let reply = alice.send("POST", &in_chat, &said("<p>zwirbelnuss one</p>")).await;
    assert_eq!(reply.status, 201, "{}", reply.code());
    let first = reply.json();
    let second = alice.send("POST", &in_chat, &said("<p>zwirbelnuss two</p>")).await.json();
    assert_ne!(first["id"], second["id"], "the clock stands still, ids do not");
    assert_eq!(second["body"]["content"], "<p>zwirbelnuss two</p>");
    let root = alice.send("POST", &in_channel, &said("<p>zwirbelnuss three</p>")).await.json();
    let answers = format!("{in_channel}/{}/replies", root["id"].as_str().unwrap());
    assert_eq!(alice.send("POST", &answers, &said("<p>zwirbelnuss four</p>")).await.json()["replyToId"], root["id"]);
    assert_ne!(state.world().content_fingerprint(), before);
    let rows = state.journal.audit_since(0);
    assert_eq!(rows.iter().filter(|row| row.kind == "graph-write" && row.status == 201).count(), 4);
    assert_eq!(state.journal.side_effects_since(0).len(), 4);
    for (who, many) in [(&bob, 2), (&erin, 2)] {
        let read = who.get(&format!("{in_chat}?$top=50")).await.values();
        assert_eq!(read.iter().filter(|message| message.to_string().contains("zwirbelnuss")).count(), many);
    }
    assert_eq!(bob.get(&answers).await.values().len(), 1);
    let query = json!({ "requests": [{ "entityTypes": ["chatMessage"], "query": { "queryString": "zwirbelnuss" } }] });
    for (who, many) in [(&bob, 4), (&erin, 2)] {
        let found = who.send("POST", "/search/query", &query).await.json();
        assert_eq!(found["value"][0]["hitsContainers"][0]["total"], many, "the index follows");
    }
    state.reset();
    assert_eq!(state.world().content_fingerprint(), before);
}

#[tokio::test]
async fn what_may_not_be_posted() {
    let scene = Scene::new().await;
    let sends = "Chat.Read ChatMessage.Send ChannelMessage.Send Team.ReadBasic.All Channel.ReadBasic.All";
    let (alice, bob, admin) =
        (scene.caller(ALICE, sends), scene.caller(BOB, sends), scene.caller(ADMIN_CONTOSO, sends));
    let reader = scene.caller(ALICE, TEAMS);
    let budget = chat(&alice, "Budget 2026").await;
    let team = team(&alice).await;
    let [general, pricing] = [channel(&alice, &team, "General").await, channel(&alice, &team, "Pricing").await];
    let before = scene.running.state().world().content_fingerprint();
    let said = json!({ "body": { "content": "x" } });
    let chat = format!("/chats/{budget}/messages");
    let mut answers = Vec::new();
    for (who, path, body) in [
        (&reader, chat.clone(), said.clone()),
        (&reader, format!("/teams/{team}/channels/{general}/messages"), said.clone()),
        (&admin, chat.clone(), said.clone()),
        (&bob, format!("/teams/{team}/channels/{pricing}/messages"), said.clone()),
        (&alice, format!("/teams/{team}/channels/{general}/messages/1/replies"), said.clone()),
        (&alice, "/chats/19:0123@thread.v2/messages".to_owned(), said),
        (&alice, chat.clone(), json!({})),
        (&alice, chat.clone(), json!({ "body": { "content": "" } })),
        (&alice, chat.clone(), json!({ "body": { "content": "x", "contentType": "markdown" } })),
        (&alice, chat.clone(), json!({ "body": { "content": "x" }, "mentions": [{ "id": 0, "mentionText": "Bob" }] })),
        (&alice, chat.clone(), json!({ "body": { "content": "x" }, "colour": "red" })),
        (&alice, chat, json!({ "body": { "content": "x".repeat(40_000) } })),
        (&alice, "/subscriptions".to_owned(), json!({})),
        (
            &alice,
            "/subscriptions".to_owned(),
            json!({ "changeType": "created", "notificationUrl": "http://x.example", "resource": "/chats", "expirationDateTime": "2026-01-13T00:00:00Z" }),
        ),
        (
            &alice,
            "/subscriptions".to_owned(),
            json!({ "changeType": "created", "notificationUrl": "https://x.example", "resource": "/me/messages", "expirationDateTime": "2026-01-13T00:00:00Z" }),
        ),
        (
            &alice,
            "/subscriptions".to_owned(),
            json!({ "changeType": "created", "notificationUrl": "https://x.example", "resource": "/chats/getAllMessages", "expirationDateTime": "2026-01-13T00:00:00Z" }),
        ),
        (
            &alice,
            "/subscriptions".to_owned(),
            json!({ "changeType": "created", "notificationUrl": "https://x.example", "resource": "/chats/19:x/messages", "expirationDateTime": "2026-01-13T00:00:00Z" }),
        ),
    ] {
        let reply = who.send("POST", &path, &body).await;
        let path = path
            .replace(&budget, "{chat}")
            .replace(&team, "{team}")
            .replace(&general, "{general}")
            .replace(&pricing, "{pricing}");
        let body: String = body.to_string().chars().take(150).collect();
        answers.push(format!(
            "{path} {body}: {} {}",
            reply.code(),
            reply.json()["error"]["message"].as_str().unwrap_or_default()
        ));
    }
    insta::assert_json_snapshot!("teams_writes_refused", answers);
    assert_eq!(scene.running.state().world().content_fingerprint(), before);
    assert_eq!(alice.get("/subscriptions").await.code(), "200 (none)");
}

/// Actor × conversation × scope: reviewed, like the matrix of mail and calendars.
#[tokio::test]
async fn the_access_matrix_of_conversations() {
    let scene = Scene::new().await;
    let world = scene.running.state().world();
    let teams = &world.tenant_named("contoso").unwrap().teams;
    let mut items = Vec::new();
    for chat in teams.chats() {
        let name = chat.topic.clone().unwrap_or_else(|| {
            chat.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(" and ")
        });
        items.push((format!("{} chat {name}", chat.kind.as_str()), format!("/chats/{}/messages", segment(&chat.id))));
    }
    for team in teams.teams() {
        for channel in team.channels() {
            let of = format!("/teams/{}/channels/{}/messages", team.group, segment(&channel.id));
            items.push((format!("{} channel {}", channel.kind.as_str(), channel.name), of));
        }
    }
    items.sort();
    let actors =
        ["alice", "bob", "carol", "dave", "erin", "frank", "admin", "gina"].map(|name| format!("{name}@contoso"));
    let mut matrix = Vec::new();
    for (item, path) in items {
        for scopes in ["Chat.ReadBasic Channel.ReadBasic.All", "Chat.Read", "ChannelMessage.Read.All"] {
            let mut cells = Vec::new();
            for actor in actors.iter().map(String::as_str).chain([MALLORY]) {
                let reply = scene.caller(actor, scopes).get(&path).await;
                let cell = if reply.status == 200 { reply.values().len() } else { usize::from(reply.status) };
                cells.push(format!("{actor} {cell}"));
            }
            matrix.push(format!("{item} | {scopes} | {}", cells.join(", ")));
        }
    }
    insta::assert_json_snapshot!("teams_access_matrix", matrix);
}
