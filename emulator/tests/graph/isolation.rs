//! Whose mail is whose.

use std::borrow::Cow;

use emulator::Options;
use emulator::mailbox::Mailbox;
use emulator::principal::Principal;
use emulator::rules::{Reach, Rules};
use emulator::world::World;
use fixtures::plan::PersonKind;

use crate::scene::{ALL, Reply, Scene};

/// An answer without what may differ between two refusals that must look alike.
fn anonymous(reply: &Reply) -> String {
    let text = String::from_utf8(reply.bytes.clone()).unwrap();
    format!("{} {}", reply.status, text.replace(reply.header("request-id"), "ID"))
}

#[tokio::test]
async fn a_foreign_id_looks_like_no_id() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let foreign = scene.message(fixtures::cast::BUDGET_MALLORY);
    let mut unknown = foreign.clone().into_bytes();
    unknown.reverse();
    unknown.rotate_left(1);
    let unknown = String::from_utf8(unknown).unwrap();
    for rest in ["", "/$value", "/attachments", "?$select=subject"] {
        let (of_mallory, of_nobody) = (
            alice.get(&format!("/me/messages/{foreign}{rest}")).await,
            alice.get(&format!("/me/messages/{unknown}{rest}")).await,
        );
        assert_eq!(of_mallory.code(), "404 ErrorItemNotFound");
        assert_eq!(anonymous(&of_mallory), anonymous(&of_nobody));
        assert_eq!(of_mallory.headers.len(), of_nobody.headers.len());
    }
    let mallory = scene.caller(fixtures::cast::MALLORY, ALL);
    assert_eq!(mallory.get(&format!("/me/messages/{foreign}")).await.status, 200, "control: its owner reads it");
}

#[tokio::test]
async fn the_same_object_id_in_two_tenants_is_two_people() {
    let scene = Scene::new().await;
    let (alice, mallory) = (scene.caller(fixtures::cast::ALICE, ALL), scene.caller(fixtures::cast::MALLORY, ALL));
    let (of_alice, of_mallory) = (alice.all("/me/messages?$top=100").await, mallory.all("/me/messages?$top=100").await);
    assert_eq!(alice.get("/me").await.json()["id"], mallory.get("/me").await.json()["id"]);
    assert!(of_alice.len() > 20 && of_mallory.len() > 20);
    assert!(of_alice.iter().all(|message| of_mallory.iter().all(|other| other["id"] != message["id"])));
    let contoso = scene.plan.tenant("contoso").unwrap();
    let seen = serde_json::to_string(&of_mallory).unwrap();
    for canary in contoso.messages.iter().filter_map(|message| message.canary.as_ref()) {
        assert!(!seen.contains(canary.as_str()), "{canary}");
    }
}

#[tokio::test]
async fn a_mailbox_that_is_not_shared_looks_like_none() {
    let scene = Scene::new().await;
    let erin = scene.caller(fixtures::cast::ERIN, ALL);
    for rest in ["messages", "mailFolders", "mailFolders/inbox/messages", "messages?$search=\"budget\""] {
        let unshared = erin.get(&format!("/users/alice@contoso.example/{rest}")).await;
        let unknown = erin.get(&format!("/users/nobody@contoso.example/{rest}")).await;
        let foreign = erin.get(&format!("/users/mallory@fabrikam.example/{rest}")).await;
        assert_eq!(unshared.code(), "403 ErrorAccessDenied", "{rest}");
        assert_eq!(anonymous(&unshared), anonymous(&unknown), "{rest}");
        assert_eq!(anonymous(&unshared), anonymous(&foreign), "{rest}");
    }
}

#[tokio::test]
async fn a_shared_mailbox_needs_its_scope_and_its_delegation() {
    let scene = Scene::new().await;
    let path = "/users/support@contoso.example/messages?$top=100";
    let bob = scene.caller(fixtures::cast::BOB, ALL);
    assert!(!bob.get(path).await.values().is_empty());
    let without_scope = scene.caller(fixtures::cast::BOB, "User.Read Mail.Read Mail.ReadWrite").get(path).await;
    let without_delegation = scene.caller(fixtures::cast::ERIN, ALL).get(path).await;
    assert_eq!(without_scope.code(), "403 ErrorAccessDenied");
    assert_eq!(anonymous(&without_scope), anonymous(&without_delegation));
    // One's own mailbox by name is one's own.
    let own = scene.caller(fixtures::cast::BOB, "Mail.Read").get("/users/bob@contoso.example/messages").await;
    assert_eq!(own.status, 200);
}

#[tokio::test]
async fn one_shared_folder_shows_that_folder_and_nothing_else() {
    let scene = Scene::new().await;
    let (alice, carol) = (scene.caller(fixtures::cast::ALICE, ALL), scene.caller(fixtures::cast::CAROL, ALL));
    let projects = alice.get("/me/mailFolders?$filter=displayName eq 'Projects'").await.values();
    let projects = projects[0]["id"].as_str().unwrap().to_owned();
    let shared = alice.get(&format!("/me/mailFolders/{projects}/childFolders")).await.values();
    let shared =
        shared.iter().find(|folder| folder["displayName"] == "Budget").unwrap()["id"].as_str().unwrap().to_owned();
    let of_alice = "/users/alice@contoso.example";
    let read = carol.all(&format!("{of_alice}/mailFolders/{shared}/messages?$top=2")).await;
    assert!(!read.is_empty());
    assert_eq!(carol.all(&format!("{of_alice}/messages?$top=100")).await.len(), read.len());
    let plan = &scene.plan.tenant("contoso").unwrap().messages;
    let in_folder = plan.iter().filter(|row| row.mailbox == "alice@contoso" && row.folder == "Projects/Budget").count();
    assert_eq!(read.len(), in_folder);
    for hidden in ["inbox".to_owned(), projects] {
        assert_eq!(
            carol.get(&format!("{of_alice}/mailFolders/{hidden}/messages")).await.code(),
            "404 ErrorItemNotFound"
        );
    }
    let elsewhere = scene.message(fixtures::cast::BUDGET);
    assert_eq!(carol.get(&format!("{of_alice}/messages/{elsewhere}")).await.code(), "404 ErrorItemNotFound");
    assert!(carol.get(&format!("{of_alice}/messages?$search=\"wolmdorkquol\"")).await.values().is_empty());
}

#[tokio::test]
async fn everybody_reads_what_the_rows_say_and_nothing_else() {
    let scene = Scene::new().await;
    for tenant in &scene.plan.tenants {
        for person in tenant.people.iter().filter(|person| person.kind == PersonKind::Member && person.enabled) {
            let reference = person.reference(tenant);
            let caller = scene.caller(&reference, ALL);
            for row in &tenant.messages {
                let owner = tenant.person(row.mailbox.split('@').next().unwrap()).unwrap();
                let path =
                    format!("/users/{}/messages/{}?$select=subject", owner.id(tenant), scene.message(&row.handle));
                let may_read = row.readers.contains(&reference);
                assert_eq!(caller.get(&path).await.status == 200, may_read, "{reference} {}", row.handle);
            }
        }
    }
}

#[tokio::test]
async fn a_next_link_is_no_credential() {
    let scene = Scene::new().await;
    let (alice, mallory, bob) = (
        scene.caller(fixtures::cast::ALICE, ALL),
        scene.caller(fixtures::cast::MALLORY, ALL),
        scene.caller(fixtures::cast::BOB, ALL),
    );
    let next = |reply: &Reply| reply.json()["@odata.nextLink"].as_str().expect("a next link").to_owned();
    let by_skip = next(&alice.get("/me/messages?$top=2&$select=id").await);
    assert_eq!(scene.send(scene.request("GET", &by_skip)).await.status, 401);
    let own = mallory.all("/me/messages?$select=id&$top=100").await;
    for message in mallory.get(&by_skip).await.values() {
        assert!(own.iter().any(|other| other["id"] == message["id"]), "a link leads into the caller's own mail");
    }
    let by_token = next(&alice.get("/me/messages?$search=\"budget\"&$top=1&$select=id").await);
    assert!(by_token.contains("$skiptoken="), "{by_token}");
    assert_eq!(alice.get(&by_token).await.status, 200);
    for other in [&mallory, &bob] {
        assert_eq!(other.get(&by_token).await.code(), "400 BadRequest");
    }
    assert_eq!(alice.get(&by_token.replace("budget", "lunch")).await.code(), "400 BadRequest", "bound to its query");
}

#[tokio::test]
async fn careless_rules_leak_and_are_seen_to() {
    let blind = Rules { mailbox: |_, _, _| Reach::Whole, ..Rules::STRICT };
    let scene = Scene::with(Options { rules: blind, ..Options::default() }).await;
    let erin = scene.caller(fixtures::cast::ERIN, ALL);
    assert!(!erin.get("/users/alice@contoso.example/messages").await.values().is_empty());

    let any_scope = Rules { admits: |_, _| true, ..Rules::STRICT };
    let scene = Scene::with(Options { rules: any_scope, ..Options::default() }).await;
    assert_eq!(scene.caller(fixtures::cast::ALICE, "User.Read").get("/me/messages").await.status, 200);

    let wrong_home = Rules { home: |world, _| world.tenant_named("contoso").map(|tenant| tenant.id), ..Rules::STRICT };
    let scene = Scene::with(Options { rules: wrong_home, ..Options::default() }).await;
    let (alice, mallory) = (scene.caller(fixtures::cast::ALICE, ALL), scene.caller(fixtures::cast::MALLORY, ALL));
    assert_eq!(alice.get("/me/messages").await.bytes, mallory.get("/me/messages").await.bytes);

    let one_map = Rules { asks_as: as_the_owner_of_a_message, ..Rules::STRICT };
    let scene = Scene::with(Options { rules: one_map, ..Options::default() }).await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let foreign = scene.message(fixtures::cast::BUDGET_MALLORY);
    assert_eq!(alice.get(&format!("/me/messages/{foreign}")).await.status, 200);
}

/// Ids looked up in one map: whoever names a message is answered as its owner.
fn as_the_owner_of_a_message<'a>(world: &World, caller: &'a Principal, named: &[Cow<'_, str>]) -> Cow<'a, Principal> {
    let holds = |mailbox: &Mailbox| named.iter().any(|name| mailbox.message(name).is_some());
    let owners = world.tenants.values().flat_map(|tenant| tenant.mailboxes.iter().map(|row| (tenant.id, row)));
    let found = owners.into_iter().find(|(_, (_, mailbox))| holds(mailbox));
    found.map_or(Cow::Borrowed(caller), |(tenant, (user, _))| Cow::Owned(Principal { tenant, user, ..caller.clone() }))
}
