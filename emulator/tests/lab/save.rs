//! A world that is saved comes up the same, and what does not is told.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use emulator::change::{Change, MailChange};
use emulator::clock::Clock;
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
