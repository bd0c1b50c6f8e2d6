//! Folders, messages and attachments as content.

use emulator::Options;
use emulator::clock::Clock;
use serde_json::json;

use crate::scene::{ALL, Scene};

#[tokio::test]
async fn paging_reaches_every_message_once() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let wanted = scene.plan.tenant("contoso").unwrap().mailbox(fixtures::cast::ALICE).count();
    for query in
        ["", "?$top=7", "?$top=1000", "?$top=5&$orderby=subject", "?$top=3&$filter=isRead eq true or isRead eq false"]
    {
        let all = alice.all(&format!("/me/messages{query}")).await;
        let ids: std::collections::BTreeSet<_> = all.iter().map(|message| message["id"].as_str().unwrap()).collect();
        assert_eq!((all.len(), ids.len()), (wanted, wanted), "{query}");
    }
    let page = alice.get("/me/messages").await;
    assert_eq!(page.values().len(), 10);
    let next = page.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    assert_eq!(next, format!("{}v1.0/me/messages?$skip=10", scene.running.graph));
    let found = alice.all("/me/messages?$search=\"budget\"&$top=2").await;
    assert_eq!(found.len(), alice.get("/me/messages?$search=\"budget\"&$top=1000").await.values().len());
    assert!(found.len() > 4);
}

#[tokio::test]
async fn folders_count_what_is_in_them() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let rows: Vec<_> = scene.plan.tenant("contoso").unwrap().mailbox(fixtures::cast::ALICE).collect();
    let inbox = alice.get("/me/mailFolders/Inbox").await.json();
    let in_inbox: Vec<_> = rows.iter().filter(|row| row.folder == "Inbox").collect();
    assert_eq!(inbox["totalItemCount"], in_inbox.len());
    assert_eq!(inbox["unreadItemCount"], in_inbox.iter().filter(|row| !row.is_read).count());
    let listed = alice.all("/me/mailFolders/inbox/messages?$select=parentFolderId").await;
    assert_eq!(listed.len(), in_inbox.len());
    assert!(listed.iter().all(|message| message["parentFolderId"] == inbox["id"]));
    let top = alice.get("/me/mailFolders/msgfolderroot/childFolders?$top=100").await.values();
    assert_eq!(top, alice.get("/me/mailFolders?$top=100").await.values());
    let drafts = alice.all("/me/mailFolders/drafts/messages").await;
    assert!(!drafts.is_empty() && drafts.iter().all(|message| message["isDraft"] == true));
}

#[tokio::test]
async fn the_mime_form_is_the_file() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    for row in scene.plan.tenant("contoso").unwrap().mailbox(fixtures::cast::ALICE) {
        let reply = alice.get(&format!("/me/messages/{}/$value", scene.message(&row.handle))).await;
        assert_eq!(reply.header("content-type"), "text/plain");
        assert!(reply.bytes == row.mime.as_ref(), "{}", row.handle);
    }
}

#[tokio::test]
async fn dates_follow_the_clock() {
    let later = emulator::options::EPOCH.checked_add(jiff::SignedDuration::from_hours(24 * 100)).unwrap();
    let scene = Scene::with(Options { clock: Clock::standing(later), ..Options::default() }).await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let id = scene.message(fixtures::cast::BUDGET);
    let message = alice.get(&format!("/me/messages/{id}")).await.json();
    // Written on 2026-01-08 15:12:06 +0100; a hundred days on.
    assert_eq!(message["receivedDateTime"], "2026-04-18T14:12:06Z");
    let mime = alice.get(&format!("/me/messages/{id}/$value")).await.bytes;
    let written = scene.plan.message(fixtures::cast::BUDGET).unwrap().1.mime.clone();
    let (mime, written) = (String::from_utf8(mime).unwrap(), String::from_utf8(written.to_vec()).unwrap());
    assert_eq!(mime, written.replace("Date: Thu, 08 Jan 2026 15:12:06 +0100", "Date: Sat, 18 Apr 2026 15:12:06 +0100"));
    assert_ne!(mime, written);
}

#[tokio::test]
async fn attachments_arrive_whole() {
    use base64::Engine as _;
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let mut kinds = std::collections::BTreeSet::new();
    for message in alice.all("/me/messages?$top=100&$expand=attachments").await {
        let id = message["id"].as_str().unwrap();
        let listed = alice.get(&format!("/me/messages/{id}/attachments")).await.values();
        assert_eq!(message["attachments"], json!(listed), "expanded and listed are the same");
        assert_eq!(message["hasAttachments"], listed.iter().any(|attachment| attachment["isInline"] == false));
        for attachment in listed {
            let path = format!("/me/messages/{id}/attachments/{}", attachment["id"].as_str().unwrap());
            let raw = alice.get(&format!("{path}/$value")).await;
            assert_eq!(raw.bytes.len(), attachment["size"]);
            let single = alice.get(&path).await.json();
            assert_eq!(single["name"], attachment["name"]);
            kinds.insert((
                attachment["@odata.type"].as_str().unwrap().to_owned(),
                attachment["isInline"].as_bool().unwrap(),
            ));
            if let Some(bytes) = attachment["contentBytes"].as_str() {
                assert_eq!(base64::engine::general_purpose::STANDARD.decode(bytes).unwrap(), raw.bytes);
                assert_eq!(raw.header("content-type"), attachment["contentType"].as_str().unwrap());
            } else {
                let opened = alice.get(&format!("{path}?$expand=microsoft.graph.itemAttachment/item")).await.json();
                assert_eq!(opened["item"]["@odata.type"], "#microsoft.graph.message");
                assert!(opened["item"]["subject"].is_string());
            }
        }
    }
    assert!(kinds.contains(&("#microsoft.graph.fileAttachment".to_owned(), false)), "{kinds:?}");
}

#[tokio::test]
async fn bodies_come_as_html_or_text() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let path = format!("/me/messages/{}?$select=body,bodyPreview", scene.message(fixtures::cast::BUDGET));
    let html = alice.get(&path).await;
    assert_eq!(html.json()["body"]["contentType"], "html");
    assert!(html.json()["body"]["content"].as_str().unwrap().contains("<p>Hi Alice,</p>"));
    assert!(html.header("preference-applied").is_empty());
    let text = alice.get_with(&path, "Prefer", "outlook.body-content-type=\"text\", IdType=\"ImmutableId\"").await;
    assert_eq!(text.json()["body"]["contentType"], "text");
    assert!(text.json()["body"]["content"].as_str().unwrap().starts_with("Hi Alice,"));
    assert_eq!(text.header("preference-applied"), "outlook.body-content-type=\"text\", IdType=\"ImmutableId\"");
    assert!(text.json()["bodyPreview"].as_str().unwrap().chars().count() <= 255);
}

#[tokio::test]
async fn answers_to_a_mail_share_its_conversation() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let threads = alice.all("/me/messages?$top=100&$select=subject,conversationId").await;
    let of = |subject: &str| {
        threads
            .iter()
            .filter(|message| message["subject"] == subject)
            .map(|message| &message["conversationId"])
            .collect::<Vec<_>>()
    };
    let reply = of("RE: Budget 2026");
    assert!(!reply.is_empty());
    assert!(of("Budget 2026").contains(&reply[0]));
    let id = reply[0].as_str().unwrap();
    let found = alice.get(&format!("/me/messages?$filter=conversationId eq '{id}'")).await.values();
    assert!(found.len() >= 2);
}
