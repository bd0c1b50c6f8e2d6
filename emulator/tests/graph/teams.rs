//! Chats, teams and channels: what is listed, to whom, and in which words the rest is refused.

use fixtures::cast::{ADMIN_CONTOSO, ALICE, BOB, CAROL, DAVE, ERIN, GINA_GUEST, MALLORY};
use serde_json::Value;

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

#[tokio::test]
async fn every_message_is_read_by_its_readers_and_nobody_else() {
    let scene = Scene::new().await;
    let mut checked = 0;
    for tenant in scene.plan.tenants.iter().filter(|tenant| !tenant.teams.chats.is_empty()) {
        let canaries = tenant.teams.chats.iter().flat_map(|row| &row.canaries);
        let canaries: Vec<_> = canaries.chain(tenant.teams.channels.iter().flat_map(|row| &row.canaries)).collect();
        for person in
            tenant.people.iter().filter(|person| person.enabled && person.password.is_some() || person.home.is_some())
        {
            let who = person.reference(tenant);
            let read = everything(&scene, &who, &tenant.teams).await;
            for canary in &canaries {
                checked += 1;
                assert_eq!(read.contains(&canary.word), canary.readers.contains(&who), "{who} and {}", canary.word);
            }
        }
    }
    assert!(checked > 150, "{checked}");
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
