//! Ids that stay when an item is moved, and the translation between the forms.

use fixtures::cast::{ALICE, BOB};
use serde_json::{Value, json};

use crate::scene::{Caller, Reply, Scene};

const SCOPES: &str = "User.Read Mail.ReadWrite Mail.Send Calendars.ReadWrite";
const IMMUTABLE: &str = "IdType=\"ImmutableId\"";

async fn lasting(caller: &Caller<'_>, path: &str) -> Reply {
    caller.get_with(path, "Prefer", IMMUTABLE).await
}

fn ids(reply: &Reply) -> Vec<String> {
    reply.values().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn id(reply: &Reply) -> String {
    reply.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_item_has_both_forms_and_is_found_by_either() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, SCOPES);
    let (from, to) = ("startDateTime=2026-01-01T00:00:00Z", "endDateTime=2027-12-01T00:00:00Z");
    for (list, item) in [
        ("/me/messages?$top=50".to_owned(), "/me/messages"),
        ("/me/mailFolders/inbox/messages".to_owned(), "/me/mailFolders/inbox/messages"),
        ("/me/events".to_owned(), "/me/events"),
        (format!("/me/calendarView?{from}&{to}&$top=50"), "/me/events"),
    ] {
        let ordinary = ids(&alice.get(&list).await);
        let reply = lasting(&alice, &list).await;
        assert!(reply.header("preference-applied").contains(IMMUTABLE), "{list}");
        let immutable = ids(&reply);
        assert!(ordinary.len() > 3 && ordinary.len() == immutable.len(), "{list}");
        for (ordinary, immutable) in ordinary.iter().zip(&immutable) {
            assert_ne!(ordinary, immutable, "{list}");
            assert!(immutable.starts_with("AAkALgAA"), "{immutable}");
            for named in [ordinary, immutable] {
                let path = format!("{item}/{named}");
                assert_eq!(id(&alice.get(&path).await), *ordinary, "{path}");
                assert_eq!(id(&lasting(&alice, &path).await), *immutable, "{path}");
            }
        }
    }
    // Containers have one id.
    for list in ["/me/mailFolders", "/me/calendars"] {
        assert_eq!(ids(&alice.get(list).await), ids(&lasting(&alice, list).await), "{list}");
    }
}

#[tokio::test]
async fn attachments_have_both_forms_too() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, SCOPES);
    let message = ids(&alice.get("/me/messages?$filter=hasAttachments eq true").await).remove(0);
    let path = format!("/me/messages/{message}/attachments");
    let (ordinary, immutable) = (ids(&alice.get(&path).await), ids(&lasting(&alice, &path).await));
    assert_ne!(ordinary, immutable);
    for (ordinary, immutable) in ordinary.iter().zip(&immutable) {
        let (one, other) =
            (alice.get(&format!("{path}/{ordinary}")).await, alice.get(&format!("{path}/{immutable}")).await);
        assert_eq!(one.json(), other.json());
        assert_eq!(id(&lasting(&alice, &format!("{path}/{ordinary}")).await), *immutable);
    }
}

#[tokio::test]
async fn a_message_that_is_moved_keeps_its_immutable_id_and_no_other() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, SCOPES);
    let bob = scene.caller(BOB, SCOPES);
    let old = ids(&alice.get("/me/mailFolders/inbox/messages?$top=1").await).remove(0);
    let kept = id(&lasting(&alice, &format!("/me/messages/{old}")).await);
    let body = json!({ "destinationId": "archive" });
    // Twice, so that it is not only the first move that is remembered.
    let moved = id(&alice.send("POST", &format!("/me/messages/{old}/move"), &body).await);
    let again = json!({ "destinationId": "deleteditems" });
    let moved = id(&alice.send("POST", &format!("/me/messages/{moved}/move"), &again).await);
    assert_ne!(moved, old);
    assert_eq!(alice.get(&format!("/me/messages/{old}")).await.code(), "404 ErrorItemNotFound");
    assert_eq!(id(&alice.get(&format!("/me/messages/{kept}")).await), moved);
    assert_eq!(id(&lasting(&alice, &format!("/me/messages/{moved}")).await), kept);
    // A copy is another item.
    let copied = id(&alice.send("POST", &format!("/me/messages/{kept}/copy"), &body).await);
    assert_ne!(id(&lasting(&alice, &format!("/me/messages/{copied}")).await), kept);
    // Nobody else's id names anything in one's own mailbox.
    assert_eq!(bob.get(&format!("/me/messages/{kept}")).await.code(), "404 ErrorItemNotFound");
    // Gone is gone, by either name.
    assert_eq!(alice.send("DELETE", &format!("/me/messages/{kept}"), &json!({})).await.status, 204);
    for name in [&kept, &moved, &old] {
        assert_eq!(alice.get(&format!("/me/messages/{name}")).await.code(), "404 ErrorItemNotFound");
    }
}

#[tokio::test]
async fn a_draft_keeps_its_immutable_id_when_it_is_sent() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, SCOPES);
    let draft =
        json!({ "subject": "Numbers", "toRecipients": [{ "emailAddress": { "address": "bob@contoso.example" } }] });
    let created = alice.request("POST", "/me/messages").header("Prefer", IMMUTABLE).json(&draft);
    let kept = id(&scene.send(created).await);
    assert!(kept.starts_with("AAkALgAA"), "{kept}");
    assert_eq!(alice.send("POST", &format!("/me/messages/{kept}/send"), &json!({})).await.status, 202);
    let sent = alice.get(&format!("/me/messages/{kept}")).await.json();
    assert_eq!((&sent["subject"], &sent["isDraft"]), (&json!("Numbers"), &json!(false)));
}

async fn translated(caller: &Caller<'_>, ids: &[String], from: &str, to: &str) -> Vec<Value> {
    let body = json!({ "inputIds": ids, "sourceIdType": from, "targetIdType": to });
    caller.send("POST", "/me/translateExchangeIds", &body).await.values()
}

#[tokio::test]
async fn ids_are_translated_from_every_form_into_every_other() {
    const FORMS: [&str; 5] = ["restId", "restImmutableEntryId", "entryId", "immutableEntryId", "ewsId"];
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, SCOPES);
    let old = ids(&alice.get("/me/mailFolders/inbox/messages?$top=1").await).remove(0);
    let body = json!({ "destinationId": "archive" });
    let moved = id(&alice.send("POST", &format!("/me/messages/{old}/move"), &body).await);
    let event = ids(&alice.get("/me/events?$top=1").await).remove(0);
    for (path, ordinary) in [("/me/messages", moved), ("/me/events", event)] {
        let immutable = id(&lasting(&alice, &format!("{path}/{ordinary}")).await);
        let found = translated(&alice, std::slice::from_ref(&ordinary), "restId", "restImmutableEntryId").await;
        assert_eq!(found, [json!({ "sourceId": ordinary, "targetId": immutable })]);
        for from in FORMS {
            let one = translated(&alice, std::slice::from_ref(&ordinary), "restId", from).await;
            let one = one[0]["targetId"].as_str().unwrap().to_owned();
            for to in FORMS {
                let other = translated(&alice, std::slice::from_ref(&one), from, to).await;
                let other =
                    other[0]["targetId"].as_str().unwrap_or_else(|| panic!("{from} {to}: {other:?}")).to_owned();
                let back = translated(&alice, &[other], to, "restId").await;
                assert_eq!(back[0]["targetId"], ordinary, "{from} to {to} and back");
            }
        }
    }
    // What is no id of its form says so beside those that are; what no form is, and too many, is refused.
    let found = translated(&alice, &["!".to_owned(), old.clone()], "restImmutableEntryId", "restId").await;
    assert_eq!(found[0]["errorDetails"]["code"], "ErrorInvalidIdMalformed");
    assert!(found[1]["targetId"].is_null(), "an ordinary id is no immutable one");
    let refused = json!({ "inputIds": [old], "sourceIdType": "restId", "targetIdType": "postId" });
    assert_eq!(alice.send("POST", "/me/translateExchangeIds", &refused).await.status, 400);
    let many = json!({ "inputIds": vec![old; 1001], "sourceIdType": "restId", "targetIdType": "ewsId" });
    assert_eq!(alice.send("POST", "/me/translateExchangeIds", &many).await.status, 400);
    let mail = scene.caller(ALICE, "Mail.Read");
    let asked = json!({ "inputIds": [], "sourceIdType": "restId", "targetIdType": "ewsId" });
    assert_eq!(mail.send("POST", "/me/translateExchangeIds", &asked).await.status, 403);
}

/// Another's moved mail stays unknown: without access its ids are translated by their form alone.
#[tokio::test]
async fn a_translation_tells_nothing_of_a_mailbox_the_caller_may_not_read() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, SCOPES);
    let bob = scene.caller(BOB, "User.ReadBasic.All Mail.Read Mail.Read.Shared");
    let old = ids(&alice.get("/me/mailFolders/inbox/messages?$top=1").await).remove(0);
    let kept = id(&lasting(&alice, &format!("/me/messages/{old}")).await);
    let body = json!({ "inputIds": [kept], "sourceIdType": "restImmutableEntryId", "targetIdType": "restId" });
    let ask = || bob.send("POST", "/users/alice@contoso.example/translateExchangeIds", &body);
    let before = ask().await;
    let moved = json!({ "destinationId": "archive" });
    assert_eq!(alice.send("POST", &format!("/me/messages/{old}/move"), &moved).await.status, 201);
    assert_eq!(ask().await.json()["value"], before.json()["value"]);
}
