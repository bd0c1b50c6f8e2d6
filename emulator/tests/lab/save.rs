//! A world that is saved comes up the same, and what does not is told.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use emulator::change::{Change, MailChange};
use emulator::clock::Clock;
use emulator::entra::keys::Version;
use emulator::mailbox::{MessageEdit, NewMessage};
use emulator::{Emulator, Options};
use fixtures::Plan;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{Scene, client, scene};

/// Files and losses.
async fn saved(scene: &Scene) -> (BTreeMap<String, Vec<u8>>, Vec<String>) {
    let answer = scene.read("/lab/files").await;
    let files = answer["files"].as_object().unwrap().iter();
    let files = files.map(|(path, text)| (path.clone(), STANDARD.decode(text.as_str().unwrap()).unwrap())).collect();
    let lost = answer["lost"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
    (files, lost)
}

/// Another emulator from the files, its clock where the first one's is.
async fn again(scene: &Scene, files: BTreeMap<String, Vec<u8>>) -> Scene {
    let now = scene.running.state().clock.now();
    let plan = Plan::from_files(files).unwrap_or_else(|error| panic!("{error}"));
    let running = Emulator::start(plan, Options { clock: Clock::standing(now), ..Options::default() }).await.unwrap();
    Scene { running, http: client() }
}

fn mail(scene: &Scene, change: MailChange) {
    let world = scene.running.state().world();
    let contoso = world.tenant_named("contoso").unwrap();
    let mailbox = contoso.directory.user_named("alice").unwrap().id;
    scene.running.state().apply(Change::Mail { tenant: contoso.id, mailbox, change }).unwrap();
}

fn new_message(scene: &Scene) -> NewMessage {
    NewMessage {
        handle: "whatever".to_owned(),
        mime: Bytes::from_static(b"Subject: new\r\nDate: Mon, 12 Jan 2026 09:30:00 +0000\r\n\r\ntext\r\n"),
        received: scene.running.state().clock.now(),
        is_read: false,
        is_draft: false,
        is_flagged: true,
        categories: vec!["Blue".to_owned()],
    }
}

/// Something of every kind that can be saved.
async fn lived_in(scene: &Scene) {
    scene.done("/lab/clock", json!({ "advance": "PT26H" })).await;
    for (path, body) in [
        ("users/add", json!({ "tenant": "contoso", "name": "judy", "guestOf": "mallory@fabrikam" })),
        ("users/add", json!({ "tenant": "fabrikam", "name": "nina", "password": "another" })),
        ("users/update", json!({ "tenant": "contoso", "user": "bob", "secondFactor": "11", "device": "compliant" })),
        ("groups/add", json!({ "tenant": "contoso", "name": "night" })),
        ("groups/members/add", json!({ "tenant": "contoso", "group": "night", "member": "group:finance" })),
        ("groups/members/add", json!({ "tenant": "contoso", "group": "night", "member": "judy" })),
        ("service-principals/assign", json!({ "tenant": "contoso", "app": "m365-server", "member": "group:night" })),
        (
            "grants/revoke",
            json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph", "scopes": ["Mail.Read"] }),
        ),
        (
            "grants/consent",
            json!({ "tenant": "contoso", "client": "interop-web", "resource": "graph", "principal": "bob", "scopes": ["Mail.Read"] }),
        ),
        ("locations/put", json!({ "tenant": "contoso", "location": { "name": "hq", "ranges": ["10.0.0.0/8"] } })),
        (
            "policies/put",
            json!({ "tenant": "contoso", "policy": { "name": "p", "include": ["group:night"], "locations": ["hq"], "demands": ["mfa"] } }),
        ),
        ("lifetimes/put", json!({ "tenant": "contoso", "lifetime": { "name": "short", "accessToken": "PT10M" } })),
        (
            "apps/add",
            json!({ "name": "mine", "client_id": "11111111-2222-3333-4444-555555555555", "tenant": "contoso", "grants": [{ "resource": "graph", "scopes": ["User.Read"] }] }),
        ),
        ("keys/roll-over", json!({})),
    ] {
        scene.done(&format!("/lab/{path}"), body).await;
    }
    let (first, second) = {
        let world = scene.running.state().world();
        let contoso = world.tenant_named("contoso").unwrap();
        let mailbox = contoso.mailboxes.get(contoso.directory.user_named("alice").unwrap().id).unwrap();
        (mailbox.messages()[0].id.clone(), mailbox.messages()[1].id.clone())
    };
    mail(
        scene,
        MailChange::CreateFolder { parent: "inbox".to_owned(), name: "a/b 100%".to_owned(), handle: "f".to_owned() },
    );
    mail(scene, MailChange::Create { message: new_message(scene), folder: "drafts".to_owned() });
    let edit = MessageEdit { is_read: Some(true), categories: Some(vec!["Red".to_owned()]), ..MessageEdit::default() };
    mail(scene, MailChange::Edit { id: first, edit });
    mail(
        scene,
        MailChange::Place { id: second, folder: "archive".to_owned(), handle: "moved".to_owned(), is_copy: false },
    );
}

#[tokio::test]
async fn the_running_world_comes_up_the_same_from_its_files() {
    let scene = scene().await;
    let untouched = saved(&scene).await;
    assert_eq!(untouched.1, Vec::<String>::new());
    assert_eq!(again(&scene, untouched.0).await.read("/lab/fingerprint").await, scene.read("/lab/fingerprint").await);

    lived_in(&scene).await;
    let (files, lost) = saved(&scene).await;
    assert_eq!(lost, Vec::<String>::new());
    let second = again(&scene, files.clone()).await;
    assert_eq!(second.read("/lab/fingerprint").await, scene.read("/lab/fingerprint").await);
    for path in ["/lab/keys", "/lab/apps", "/lab/policies?tenant=contoso", "/lab/groups?tenant=contoso"] {
        assert_eq!(second.read(path).await, scene.read(path).await, "{path}");
    }
    assert_eq!(second.subjects("contoso").await, scene.subjects("contoso").await);
    assert_eq!(saved(&second).await, (files, lost), "the same files each time");
}

const SCOPES: &str = "openid User.Read Mail.Read Calendars.ReadWrite Calendars.Read.Shared MailboxSettings.ReadWrite Files.ReadWrite.All \
                      Sites.Read.All Chat.ReadWrite ChatMessage.Send Channel.ReadBasic.All ChannelMessage.Read.All ChannelMessage.Send \
                      Team.ReadBasic.All";

impl Scene {
    /// What Graph answers a person of contoso who holds all of the scopes above.
    async fn graph(&self, method: &str, who: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let state = self.running.state();
        let world = state.world();
        let contoso = world.tenant_named("contoso").unwrap();
        let (tid, oid) = (contoso.id, contoso.directory.user_named(who).unwrap().id);
        let now = state.clock.now().as_second();
        let claims = json!({
            "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{tid}/"), "tid": tid, "oid": oid, "sub": "sub",
            "ver": "1.0", "uti": "test", "scp": SCOPES, "appid": world.app_named("m365-server").unwrap().app_id, "iat": now - 300,
            "nbf": now - 300, "exp": now + 3600,
        });
        let token = state.keys.sign(tid, Version::V1, claims.as_object().unwrap()).unwrap();
        let url = self.running.graph.join(&format!("/v1.0{path}")).unwrap();
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(token);
        let request = match body {
            Some(Value::String(text)) => request.header("content-type", "text/plain").body(text),
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap().replace(self.running.graph.as_str(), "https://graph/");
        let mut value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        // Pre-authenticated addresses are new each time.
        for item in
            value.get_mut("value").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
        {
            item.remove("@microsoft.graph.downloadUrl");
        }
        (status, value)
    }

    async fn did(&self, method: &str, who: &str, path: &str, body: Value) -> Value {
        let (status, value) = self.graph(method, who, path, Some(body).filter(|body| !body.is_null())).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {value}");
        value
    }
}

/// Files, chats, channels and calendars after people worked in them, through Graph alone. The paths at which it shows.
async fn worked_in(scene: &Scene) -> Vec<(&'static str, String)> {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let mut shown: Vec<(&'static str, String)> = Vec::new();
    // Files: new ones, replaced ones, moved ones, deleted ones, shared ones, an empty folder.
    let drive = text(&scene.did("GET", "alice", "/me/drive", Value::Null).await, "id");
    let root = format!("/drives/{drive}/root");
    let folder = json!({ "name": "New folder", "folder": {} });
    let folder = text(&scene.did("POST", "alice", &format!("{root}/children"), folder).await, "id");
    scene.did("POST", "alice", &format!("{root}/children"), json!({ "name": "Empty", "folder": {} })).await;
    let file = scene.did("PUT", "alice", "/me/drive/root:/New%20folder/note.txt:/content", json!("one")).await;
    let file = text(&file, "id");
    scene.did("PUT", "alice", &format!("/me/drive/items/{file}/content"), json!("two and more")).await;
    scene.did("PATCH", "alice", &format!("/me/drive/items/{folder}"), json!({ "name": "Renamed" })).await;
    let link = json!({ "type": "view", "scope": "organization" });
    scene.did("POST", "alice", &format!("/me/drive/items/{file}/createLink"), link).await;
    let invitation =
        json!({ "recipients": [{ "email": "bob@contoso.example" }], "roles": ["write"], "requireSignIn": true });
    scene.did("POST", "alice", &format!("/me/drive/items/{folder}/invite"), invitation).await;
    let children = scene.did("GET", "alice", &format!("{root}/children"), Value::Null).await;
    let planned = children["value"].as_array().unwrap().iter().find(|item| item.get("file").is_some()).unwrap();
    scene.did("DELETE", "alice", &format!("/me/drive/items/{}", text(planned, "id")), Value::Null).await;
    for path in ["children", "search(q='')"] {
        shown.push(("alice", format!("{root}/{path}")));
    }
    for item in [&folder, &file] {
        shown.push(("alice", format!("/drives/{drive}/items/{item}/permissions")));
        shown.push(("bob", format!("/drives/{drive}/items/{item}?$select=id,name,eTag,cTag,createdBy,lastModifiedBy,createdDateTime,lastModifiedDateTime,parentReference")));
    }
    shown.push(("bob", "/me/drive/sharedWithMe".to_owned()));
    // A chat and a channel.
    let chats = scene.did("GET", "alice", "/me/chats", Value::Null).await;
    let chat = text(&chats["value"][0], "id");
    for said in ["<p>first &amp; <b>bold</b></p>", "second"] {
        let message = json!({ "body": { "contentType": "html", "content": said } });
        scene.did("POST", "alice", &format!("/chats/{chat}/messages"), message).await;
    }
    shown.push(("alice", format!("/chats/{chat}/messages?$top=50")));
    let teams = scene.did("GET", "alice", "/me/joinedTeams", Value::Null).await;
    let team = text(&teams["value"][0], "id");
    let channels = scene.did("GET", "alice", &format!("/teams/{team}/channels"), Value::Null).await;
    let messages = format!("/teams/{team}/channels/{}/messages", text(&channels["value"][0], "id"));
    let known = scene.did("GET", "alice", &messages, Value::Null).await;
    let message = json!({ "subject": "New", "importance": "high", "body": { "content": "a new thread" } });
    let root = text(&scene.did("POST", "alice", &messages, message).await, "id");
    for root in [&root, &text(&known["value"][0], "id")] {
        let reply = json!({ "body": { "content": "a reply" } });
        scene.did("POST", "alice", &format!("{messages}/{root}/replies"), reply).await;
        shown.push(("alice", format!("{messages}/{root}/replies")));
    }
    shown.push(("alice", messages));
    // Calendars: a meeting, a series with one instance moved and one gone, an answer, settings.
    let at = |time: &str| json!({ "dateTime": time, "timeZone": "W. Europe Standard Time" });
    let meeting = json!({
        "subject": "Lunch; with, marks\\ \"quoted\"", "start": at("2026-02-03T12:00:00"), "end": at("2026-02-03T13:00:00"),
        "body": { "contentType": "html", "content": "<p>line one</p>\r\n<p>line two</p>" }, "location": { "displayName": "Canteen" },
        "attendees": [{ "type": "optional", "emailAddress": { "name": "Bob", "address": "bob@contoso.example" } }],
        "sensitivity": "private", "showAs": "oof", "importance": "high", "categories": ["Red", "Blue"], "isReminderOn": false,
    });
    scene.did("POST", "alice", "/me/events", meeting).await;
    let series = json!({
        "subject": "Every week", "start": at("2026-03-02T09:00:00"), "end": at("2026-03-02T09:30:00"),
        "recurrence": {
            "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": ["monday"] },
            "range": { "type": "endDate", "startDate": "2026-03-02", "endDate": "2026-06-01", "recurrenceTimeZone": "W. Europe Standard Time" },
        },
    });
    let series = text(&scene.did("POST", "alice", "/me/events", series).await, "id");
    let window = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-06-10T00:00:00Z&$top=100";
    let instances = scene.did("GET", "alice", &format!("/me/events/{series}/instances?{window}"), Value::Null).await;
    let instance = |at: usize| format!("/me/events/{}", text(&instances["value"][at], "id"));
    scene.did("PATCH", "alice", &instance(1), json!({ "subject": "This week elsewhere", "start": at("2026-03-10T10:00:00"), "end": at("2026-03-10T11:00:00") })).await;
    scene.did("DELETE", "alice", &instance(4), Value::Null).await;
    let invitations = scene.did("GET", "bob", "/me/events?$top=100", Value::Null).await;
    let invitation = invitations["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["subject"].as_str().unwrap().starts_with("Lunch"));
    let invitation = text(invitation.unwrap(), "id");
    scene.did("POST", "bob", &format!("/me/events/{invitation}/accept"), json!({ "sendResponse": true })).await;
    let planned = scene.did("GET", "bob", "/me/events?$top=100", Value::Null).await;
    let planned = planned["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["type"] == "singleInstance" && event["id"] != invitation.as_str());
    scene.did("DELETE", "bob", &format!("/me/events/{}", text(planned.unwrap(), "id")), Value::Null).await;
    let replies = json!({ "status": "alwaysEnabled", "internalReplyMessage": "away\n\"soon\"" });
    let settings = json!({ "automaticRepliesSetting": replies, "timeFormat": "hh:mm tt", "workingHours": { "startTime": "07:15:00" } });
    scene.did("PATCH", "alice", "/me/mailboxSettings", settings).await;
    for who in ["alice", "bob"] {
        shown.push((who, "/me/events?$top=100".to_owned()));
        shown.push((who, format!("/me/calendarView?{window}")));
        shown.push((who, "/me/mailboxSettings".to_owned()));
    }
    shown
}

#[tokio::test]
async fn what_people_did_through_graph_comes_up_the_same() {
    for hours in [0, 1_234] {
        let start = emulator::options::EPOCH.checked_add(SignedDuration::from_hours(hours)).unwrap();
        let options = Options { clock: Clock::standing(start), ..Options::default() };
        let running = Emulator::start(Plan::embedded().unwrap(), options).await.unwrap();
        let scene = Scene { running, http: client() };
        let shown = worked_in(&scene).await;
        scene.done("/lab/clock", json!({ "advance": "PT26H" })).await;
        let (files, lost) = saved(&scene).await;
        assert_eq!(lost, Vec::<String>::new());
        let second = again(&scene, files.clone()).await;
        for (who, path) in shown {
            let (status, first) = scene.graph("GET", who, &path, None).await;
            assert_eq!(status, 200, "{path}: {first}");
            assert_eq!(second.graph("GET", who, &path, None).await, (status, first), "{who} {path}");
        }
        assert_eq!(second.read("/lab/fingerprint").await, scene.read("/lab/fingerprint").await);
        assert_eq!(saved(&second).await, (files, lost), "the same files each time");
    }
}

#[tokio::test]
async fn a_world_that_started_elsewhere_in_time_is_the_same_too() {
    let start = emulator::options::EPOCH.checked_add(SignedDuration::from_hours(1_234)).unwrap();
    let options = Options { clock: Clock::standing(start), ..Options::default() };
    let running = Emulator::start(Plan::embedded().unwrap(), options).await.unwrap();
    let scene = Scene { running, http: client() };
    lived_in(&scene).await;
    let (files, lost) = saved(&scene).await;
    assert_eq!(lost, Vec::<String>::new());
    let budget = Plan::embedded().unwrap();
    let (_, budget) = budget.message("contoso/mail/alice/budget").unwrap();
    assert_eq!(files["contoso/mail/alice/budget.eml"], *budget.mime, "untouched files are as they were");
    assert_eq!(again(&scene, files).await.read("/lab/fingerprint").await, scene.read("/lab/fingerprint").await);
}

#[tokio::test]
async fn what_does_not_come_up_again_is_told() {
    let scene = scene().await;
    for (path, body) in [
        ("tenants/clone", json!({ "tenant": "contoso", "name": "worker-1" })),
        ("users/revoke-sessions", json!({ "tenant": "contoso", "user": "alice" })),
        ("users/delete", json!({ "tenant": "fabrikam", "user": "trent" })),
    ] {
        scene.done(&format!("/lab/{path}"), body).await;
    }
    let (files, lost) = saved(&scene).await;
    let told = |what: &str| assert!(lost.iter().any(|line| line.contains(what)), "{what} in {lost:#?}");
    told("worker-1, a copy of contoso");
    told("alice@contoso: when their sign-ins were voided");
    told("trent@fabrikam: lies in the recycle bin");
    told("contoso: the directory comes up different");
    let second = again(&scene, files).await;
    let tenants: Value = second.read("/lab/tenants").await;
    assert_eq!(tenants.as_array().unwrap().len(), 5);
}
