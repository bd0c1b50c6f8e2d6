//! Writes: scope-gated, real in effect, written down; the fingerprint moves with each of them and with nothing else.

use base64::Engine as _;
use emulator::Options;
use emulator::rules::Rules;
use fixtures::cast::{ALICE, BOB, BUDGET};
use serde_json::{Value, json};

use crate::scene::{Caller, Reply, Scene};

const WRITER: &str = "User.Read Mail.ReadWrite Mail.Send";

/// A caller whose every request is checked for what it may do to the world.
struct Writer<'s> {
    scene: &'s Scene,
    caller: Caller<'s>,
}

impl<'s> Writer<'s> {
    fn new(scene: &'s Scene, person: &str) -> Self {
        Self { scene, caller: scene.caller(person, WRITER) }
    }

    fn fingerprint(&self) -> [u8; 32] {
        self.scene.running.state().world().content_fingerprint()
    }

    /// A write that must succeed, and must be seen in the fingerprint and in the audit log.
    async fn write(&self, method: &str, path: &str, body: Value) -> Reply {
        let before = self.fingerprint();
        let reply = self.caller.send(method, path, &body).await;
        assert!(reply.status < 300, "{method} {path}: {}", String::from_utf8_lossy(&reply.bytes));
        assert_ne!(self.fingerprint(), before, "{method} {path} changed nothing");
        let row = self.scene.running.state().journal.audit_since(0).pop().unwrap();
        assert_eq!((row.kind, row.status), ("graph-write", reply.status), "{method} {path}");
        reply
    }

    /// A write that must be refused, and change nothing.
    async fn refused(&self, method: &str, path: &str, body: Value) -> String {
        let before = self.fingerprint();
        let reply = self.caller.send(method, path, &body).await;
        assert!(reply.status >= 400, "{method} {path}: {}", reply.status);
        assert_eq!(self.fingerprint(), before, "{method} {path}");
        let row = self.scene.running.state().journal.audit_since(0).pop().unwrap();
        assert_eq!((row.kind, row.status), ("graph-write", reply.status), "{method} {path}");
        reply.code()
    }

    async fn read(&self, path: &str) -> Value {
        let before = self.fingerprint();
        let reply = self.caller.get(path).await;
        assert_eq!(self.fingerprint(), before, "{path}: a read that changes something");
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.bytes));
        reply.json()
    }

    async fn total(&self, folder: &str) -> u64 {
        self.read(&format!("/me/mailFolders/{folder}")).await["totalItemCount"].as_u64().unwrap()
    }
}

fn to(address: &str) -> Value {
    json!([{ "emailAddress": { "address": address } }])
}

fn id(reply: &Reply) -> String {
    reply.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_draft_is_written_changed_and_sent() {
    let scene = Scene::new().await;
    let (alice, bob) = (Writer::new(&scene, ALICE), Writer::new(&scene, BOB));
    let (drafts, sent, inbox) = (alice.total("drafts").await, alice.total("sentitems").await, bob.total("inbox").await);
    let draft = alice
        .write("POST", "/me/messages", json!({
            "Subject": "Grüße\r\nBcc: eve@x.example", "importance": "high", "categories": ["Red"],
            "body": { "contentType": "HTML", "content": "<p>Quarterly ♥ numbers</p>" },
            "toRecipients": to("bob@contoso.example"),
            "bccRecipients": [{ "emailAddress": { "name": "Carol N.", "address": "carol@contoso.example" } }],
            "internetMessageHeaders": [{ "name": "x-own", "value": "yes" }],
            "attachments": [{ "@odata.type": "#microsoft.graph.fileAttachment", "name": "a ä.txt", "contentType": "text/plain", "contentBytes": "aGVsbG8=" }],
        }))
        .await;
    assert_eq!(draft.status, 201);
    let written = draft.json();
    assert_eq!(written["isDraft"], true);
    assert_eq!(written["subject"], "Grüße Bcc: eve@x.example");
    assert_eq!(written["body"], json!({ "contentType": "html", "content": "<p>Quarterly ♥ numbers</p>" }));
    assert_eq!(written["importance"], "high");
    assert_eq!(written["from"]["emailAddress"]["address"], "alice@contoso.example");
    assert_eq!(written["bccRecipients"][0]["emailAddress"]["name"], "Carol N.");
    assert_eq!(written["hasAttachments"], true);
    assert_eq!(alice.total("drafts").await, drafts + 1);
    let id = id(&draft);
    let attachments = alice.read(&format!("/me/messages/{id}/attachments")).await;
    assert_eq!(
        (&attachments["value"][0]["name"], &attachments["value"][0]["contentBytes"]),
        (&json!("a ä.txt"), &json!("aGVsbG8="))
    );

    let changed = alice
        .write("PATCH", &format!("/me/messages/{id}"), json!({ "subject": "Numbers", "isRead": false }))
        .await
        .json();
    assert_eq!((&changed["subject"], &changed["isRead"]), (&json!("Numbers"), &json!(false)));
    assert_eq!(changed["body"], written["body"], "what is not named stays");
    assert_ne!(changed["changeKey"], written["changeKey"]);
    let more = json!({ "@odata.type": "#microsoft.graph.itemAttachment", "name": "Inner", "item": { "subject": "Inner subject", "body": { "content": "deep" } } });
    let attached = alice.write("POST", &format!("/me/messages/{id}/attachments"), more).await;
    assert_eq!((attached.status, &attached.json()["@odata.type"]), (201, &json!("#microsoft.graph.itemAttachment")));
    let listed = alice.read(&format!("/me/messages/{id}/attachments")).await;
    let first = listed["value"][0]["id"].as_str().unwrap();
    assert_eq!(alice.write("DELETE", &format!("/me/messages/{id}/attachments/{first}"), json!({})).await.status, 204);

    assert_eq!(alice.write("POST", &format!("/me/messages/{id}/send"), json!({})).await.status, 202);
    assert_eq!((alice.total("drafts").await, alice.total("sentitems").await), (drafts, sent + 1));
    assert_eq!(bob.total("inbox").await, inbox + 1);
    let got = bob.read("/me/mailFolders/inbox/messages?$top=1&$expand=attachments").await["value"][0].clone();
    assert_eq!((&got["subject"], &got["isRead"], &got["isDraft"]), (&json!("Numbers"), &json!(false), &json!(false)));
    assert_eq!(got["attachments"][0]["name"], "Inner");
    assert_eq!(got["bccRecipients"], json!([]), "who is in Bcc stays between the sender and them");
    let carol = scene.caller(fixtures::cast::CAROL, WRITER);
    assert_eq!(carol.get("/me/messages?$top=1").await.subjects(), ["Numbers"]);
    assert_eq!(alice.refused("POST", &format!("/me/messages/{id}/send"), json!({})).await, "404 ErrorItemNotFound");
}

#[tokio::test]
async fn mail_is_sent_answered_and_forwarded() {
    let scene = Scene::new().await;
    let (alice, bob) = (Writer::new(&scene, ALICE), Writer::new(&scene, BOB));
    let message = json!({ "subject": "Lunch?", "body": { "contentType": "text", "content": "At noon" }, "toRecipients": to("BOB@contoso.example") });
    let sent = alice.total("sentitems").await;
    let reply = alice.write("POST", "/me/sendMail", json!({ "message": message, "saveToSentItems": false })).await;
    assert_eq!((reply.status, reply.bytes.len()), (202, 0));
    assert_eq!(alice.total("sentitems").await, sent);
    let got = bob.read("/me/messages?$top=1").await["value"][0].clone();
    let got_id = got["id"].as_str().unwrap();

    assert_eq!(
        bob.write("POST", &format!("/me/messages/{got_id}/reply"), json!({ "comment": "Yes & <gladly>" })).await.status,
        202
    );
    let answer = alice.read("/me/messages?$top=1").await["value"][0].clone();
    assert_eq!(answer["subject"], "RE: Lunch?");
    assert!(answer["body"]["content"].as_str().unwrap().contains("Yes &amp; &lt;gladly&gt;"));
    assert_eq!(answer["from"]["emailAddress"]["address"], "bob@contoso.example");
    let answer_id = answer["id"].as_str().unwrap();
    let headers = alice.read(&format!("/me/messages/{answer_id}?$select=internetMessageHeaders")).await;
    let references =
        headers["internetMessageHeaders"].as_array().unwrap().iter().find(|header| header["name"] == "References");
    assert_eq!(references.unwrap()["value"], got["internetMessageId"]);
    let thread = bob.read("/me/mailFolders/sentitems/messages?$top=1").await["value"][0].clone();
    assert_eq!(thread["conversationId"], got["conversationId"]);

    let draft = alice.write("POST", &format!("/me/messages/{answer_id}/createReplyAll"), json!({})).await.json();
    assert_eq!((&draft["subject"], &draft["isDraft"]), (&json!("RE: Lunch?"), &json!(true)));
    assert_eq!(draft["toRecipients"][0]["emailAddress"]["address"], "bob@contoso.example");
    let budget = scene.message(BUDGET);
    let forward = json!({ "comment": "FYI", "toRecipients": to("dave@contoso.example") });
    assert_eq!(alice.write("POST", &format!("/me/messages/{budget}/forward"), forward).await.status, 202);
    let dave = scene.caller(fixtures::cast::DAVE, WRITER);
    let got = dave.get("/me/messages?$top=1&$expand=attachments").await.values()[0].clone();
    assert!(got["subject"].as_str().unwrap().starts_with("FW: "));
    assert!(!got["attachments"].as_array().unwrap().is_empty());

    let mime = base64::engine::general_purpose::STANDARD.encode("Subject: raw\r\nTo: bob@contoso.example\r\n\r\nhello");
    let request = alice.caller.request("POST", "/me/sendMail").header("content-type", "text/plain").body(mime);
    assert_eq!(scene.send(request).await.status, 202);
    assert_eq!(bob.read("/me/messages?$top=1").await["value"][0]["subject"], "raw");
}

#[tokio::test]
async fn mail_crosses_tenants_as_mail_does() {
    let scene = Scene::new().await;
    let alice = Writer::new(&scene, ALICE);
    let mallory = scene.caller(fixtures::cast::MALLORY, WRITER);
    let message = json!({ "subject": "To another house", "toRecipients": to("mallory@fabrikam.example"), "ccRecipients": to("nobody@elsewhere.example") });
    alice.write("POST", "/me/sendMail", json!({ "message": message })).await;
    assert_eq!(mallory.get("/me/messages?$top=1").await.subjects(), ["To another house"]);
}

#[tokio::test]
async fn messages_are_marked_moved_copied_and_deleted() {
    let scene = Scene::new().await;
    let alice = Writer::new(&scene, ALICE);
    let id = scene.message(BUDGET);
    let path = format!("/me/messages/{id}");
    let before = alice.read(&path).await;
    let unread = alice.read("/me/mailFolders/inbox").await["unreadItemCount"].as_u64().unwrap();
    let was_read = before["isRead"].as_bool().unwrap();
    let marked =
        alice.write("PATCH", &path, json!({ "isRead": !was_read, "flag": { "flagStatus": "flagged" } })).await.json();
    assert_eq!((&marked["isRead"], &marked["flag"]["flagStatus"]), (&json!(!was_read), &json!("flagged")));
    let now = alice.read("/me/mailFolders/inbox").await["unreadItemCount"].as_u64().unwrap();
    assert_eq!(now, if was_read { unread + 1 } else { unread - 1 });
    assert_eq!(alice.refused("PATCH", &path, json!({ "subject": "Rewritten" })).await, "400 ErrorInvalidPropertySet");
    let stale = alice.caller.request("PATCH", &path).header("if-match", before["@odata.etag"].as_str().unwrap());
    assert_eq!(scene.send(stale.json(&json!({ "isRead": true }))).await.code(), "412 ErrorIrresolvableConflict");

    let copy = alice.write("POST", &format!("{path}/copy"), json!({ "destinationId": "archive" })).await;
    assert_eq!((copy.status, &copy.json()["subject"]), (201, &before["subject"]));
    let moved = alice.write("POST", &format!("{path}/move"), json!({ "DestinationId": "junkemail" })).await;
    assert_ne!(self::id(&moved), id);
    assert_eq!(alice.refused("PATCH", &path, json!({ "isRead": true })).await, "404 ErrorItemNotFound");
    assert_eq!(moved.json()["conversationId"], before["conversationId"]);

    let bin = alice.total("deleteditems").await;
    assert_eq!(alice.write("DELETE", &format!("/me/messages/{}", self::id(&moved)), json!({})).await.status, 204);
    assert_eq!(alice.total("deleteditems").await, bin + 1);
    let binned = alice.read("/me/mailFolders/deleteditems/messages?$top=50").await;
    let binned =
        binned["value"].as_array().unwrap().iter().find(|message| message["subject"] == before["subject"]).unwrap();
    let binned = binned["id"].as_str().unwrap();
    assert_eq!(
        alice.write("DELETE", &format!("/me/mailFolders/deleteditems/messages/{binned}"), json!({})).await.status,
        204
    );
    assert_eq!(alice.total("deleteditems").await, bin);
    assert_eq!(
        alice.write("POST", &format!("/me/messages/{}/permanentDelete", self::id(&copy)), json!({})).await.status,
        204
    );
}

#[tokio::test]
async fn folders_are_made_renamed_moved_and_deleted() {
    let scene = Scene::new().await;
    let alice = Writer::new(&scene, ALICE);
    let made = alice.write("POST", "/me/mailFolders", json!({ "displayName": "Q1/Q2" })).await;
    assert_eq!((made.status, &made.json()["displayName"]), (201, &json!("Q1/Q2")));
    let top = id(&made);
    let child = id(&alice
        .write("POST", &format!("/me/mailFolders/{top}/childFolders"), json!({ "displayName": "Board" }))
        .await);
    assert_eq!(
        alice.refused("POST", "/me/mailFolders", json!({ "displayName": "q1/q2" })).await,
        "409 ErrorFolderExists"
    );
    let draft = alice
        .write("POST", &format!("/me/mailFolders/{child}/messages"), json!({ "subject": "in the board" }))
        .await
        .json();
    assert_eq!(draft["parentFolderId"], child.as_str());
    assert_eq!(
        alice.write("PATCH", &format!("/me/mailFolders/{top}"), json!({ "displayName": "Plans" })).await.json()["displayName"],
        "Plans"
    );
    assert_eq!(
        alice.refused("PATCH", "/me/mailFolders/inbox", json!({ "displayName": "Mine" })).await,
        "403 ErrorDeleteDistinguishedFolder"
    );
    assert_eq!(
        alice.refused("POST", &format!("/me/mailFolders/{top}/move"), json!({ "destinationId": child })).await,
        "400 ErrorMoveCopyFailed"
    );
    let moved =
        alice.write("POST", &format!("/me/mailFolders/{top}/move"), json!({ "destinationId": "inbox" })).await.json();
    assert_eq!(moved["parentFolderId"], alice.read("/me/mailFolders/inbox").await["id"]);
    assert_eq!(alice.write("DELETE", &format!("/me/mailFolders/{top}"), json!({})).await.status, 204);
    assert_eq!(
        alice.read(&format!("/me/mailFolders/{child}/messages")).await["value"][0]["subject"],
        "in the board",
        "in the bin, not gone"
    );
    alice.write("DELETE", &format!("/me/mailFolders/{top}"), json!({})).await;
    let draft = draft["id"].as_str().unwrap();
    for path in [format!("/me/mailFolders/{child}"), format!("/me/messages/{draft}")] {
        assert_eq!(alice.caller.get(&path).await.code(), "404 ErrorItemNotFound", "{path}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let scene = Scene::new().await;
    let alice = Writer::new(&scene, ALICE);
    let id = scene.message(BUDGET);
    let mut answers = Vec::new();
    for (method, path, body) in [
        ("POST", "/me/sendMail", json!({ "message": { "subject": "to nobody" } })),
        ("POST", "/me/sendMail", json!({})),
        ("POST", "/me/sendMail", json!({ "message": { "toRecipients": to("a b@x.example") } })),
        (
            "POST",
            "/me/sendMail",
            json!({ "message": { "toRecipients": to("bob@contoso.example"), "from": to("bob@contoso.example")[0] } }),
        ),
        ("POST", "/me/messages", json!({ "subjekt": "x" })),
        ("POST", "/me/messages", json!({ "isRead": "yes" })),
        ("POST", "/me/messages", json!({ "importance": "urgent" })),
        ("POST", "/me/messages", json!("text")),
        ("POST", "/me/messages", json!({ "internetMessageHeaders": [{ "name": "From", "value": "x" }] })),
        ("POST", "/me/messages", json!({ "attachments": [{ "name": "a", "contentBytes": "%" }] })),
        ("POST", "/me/messages", json!({ "attachments": [{ "@odata.type": "#microsoft.graph.teapot" }] })),
        ("POST", "/me/messages/{id}/send", json!({})),
        ("POST", "/me/messages/{id}/move", json!({ "destinationId": "nowhere" })),
        ("POST", "/me/messages/{id}/move", json!({})),
        ("POST", "/me/messages/{id}/forward", json!({})),
        ("POST", "/me/messages/{id}/reply", json!({ "comment": "a", "message": { "body": { "content": "b" } } })),
        ("PATCH", "/me/messages/nonsense", json!({ "isRead": true })),
        ("POST", "/me/mailFolders", json!({ "displayName": " " })),
        ("POST", "/me/mailFolders", json!({})),
    ] {
        let code = alice.refused(method, &path.replace("{id}", &id), body.clone()).await;
        answers.push(format!("{method} {path} {body}: {code}"));
    }
    let empty = alice.caller.request("POST", "/me/messages").header("content-type", "application/json").body("");
    answers.push(format!("POST /me/messages (empty): {}", scene.send(empty).await.code()));
    insta::assert_json_snapshot!("write_refusals", answers);
    assert!(scene.running.unmodelled().is_empty());
}

#[tokio::test]
async fn each_write_needs_its_own_scope() {
    let scene = Scene::new().await;
    let id = scene.message(BUDGET);
    let fingerprint = || scene.running.state().world().content_fingerprint();
    let before = fingerprint();
    for row in emulator::graph::permissions().filter(|row| !row.operation.starts_with("GET ")) {
        let (method, path) = row.operation.split_once(' ').unwrap();
        if emulator::graph::permissions().any(|read| {
            read.operation == row.operation
                && read.own.iter().any(|scope| {
                    (scope.starts_with("Calendars.Read") || scope.starts_with("User.Read")) && !scope.contains("Write")
                })
        }) {
            continue;
        }
        let path = path.replacen("{id}", &id, 1).replace("{id}", "inbox");
        // Everything but what the row asks for.
        let all = "Mail.Read Mail.ReadBasic Mail.ReadWrite Mail.Send Mail.Read.Shared Mail.ReadWrite.Shared Mail.Send.Shared Calendars.Read User.Read User.ReadWrite.All";
        let scopes: Vec<_> = all.split(' ').filter(|scope| !row.own.contains(scope)).collect();
        let alice = scene.caller(ALICE, &scopes.join(" "));
        let reply = alice.send(method, &path, &json!({ "isRead": true })).await;
        assert_eq!(reply.status, 403, "{}: {}", row.operation, reply.code());
        let row = scene.running.state().journal.audit_since(0).pop().unwrap();
        assert_eq!(row.kind, "graph-write");
    }
    assert_eq!(fingerprint(), before);
}

/// Bob reads one folder of Alice's mailbox; it is shared for reading.
async fn a_reader_writes(rules: Rules) -> (u16, bool) {
    let scene = Scene::with(Options { rules, ..Options::default() }).await;
    let delegation = scene
        .plan
        .tenants
        .iter()
        .flat_map(|tenant| &tenant.delegations)
        .find(|row| row.folder.is_some())
        .expect("the plan shares a folder");
    let reader = scene.caller(&delegation.to, "Mail.ReadWrite.Shared");
    let (tenant, owner) = scene.plan.person(&delegation.mailbox).unwrap();
    let listed = reader.get(&format!("/users/{}/messages?$top=1", owner.id(tenant))).await.values();
    let id = listed[0]["id"].as_str().unwrap();
    let before = scene.running.state().world().content_fingerprint();
    let body = json!({ "isRead": !listed[0]["isRead"].as_bool().unwrap() });
    let reply = reader.send("PATCH", &format!("/users/{}/messages/{id}", owner.id(tenant)), &body).await;
    (reply.status, scene.running.state().world().content_fingerprint() != before)
}

#[tokio::test]
async fn a_shared_folder_is_shared_for_reading() {
    assert_eq!(a_reader_writes(Rules::STRICT).await, (403, false));
    // The careless emulator is seen by the same question.
    assert_eq!(a_reader_writes(Rules { edits: |_| true, ..Rules::STRICT }).await, (200, true));
}

#[tokio::test]
async fn what_is_shared_stays_shared_where_the_folder_goes() {
    let scene = Scene::new().await;
    let delegation =
        scene.plan.tenants.iter().flat_map(|tenant| &tenant.delegations).find(|row| row.folder.is_some()).unwrap();
    let owner = Writer::new(&scene, &delegation.mailbox);
    let reader = scene.caller(&delegation.to, "Mail.Read.Shared");
    let (tenant, person) = scene.plan.person(&delegation.mailbox).unwrap();
    let shared = format!("/users/{}/mailFolders", person.id(tenant));
    let all = format!("/users/{}/messages", person.id(tenant));
    let seen = reader.get(&all).await.subjects();
    let path = delegation.folder.clone().unwrap();
    let name = path.rsplit('/').next().unwrap().to_owned();
    let folders = owner.caller.all("/me/mailFolders?$top=100").await;
    let mut folder = folders.iter().find(|folder| folder["displayName"] == name).cloned();
    for parent in &folders {
        if folder.is_none() {
            let parent = parent["id"].as_str().unwrap();
            let children = owner.caller.all(&format!("/me/mailFolders/{parent}/childFolders?$top=100")).await;
            folder = children.into_iter().find(|folder| folder["displayName"] == name);
        }
    }
    let id = folder.unwrap()["id"].as_str().unwrap().to_owned();
    owner.write("PATCH", &format!("/me/mailFolders/{id}"), json!({ "displayName": "Renamed" })).await;
    assert_eq!(reader.get(&all).await.subjects(), seen);
    // A new folder in the old place is nobody else's.
    let moved = owner.write("POST", &format!("/me/mailFolders/{id}/move"), json!({ "destinationId": "archive" })).await;
    assert_eq!(moved.json()["id"], id.as_str());
    let fresh = self::id(&owner.write("POST", "/me/mailFolders", json!({ "displayName": name })).await);
    assert_eq!(reader.get(&format!("{shared}/{fresh}")).await.code(), "404 ErrorItemNotFound");
    assert_eq!(reader.get(&all).await.subjects(), seen);
}

#[tokio::test]
async fn a_reset_takes_everything_back() {
    let scene = Scene::new().await;
    let alice = Writer::new(&scene, ALICE);
    let before = alice.fingerprint();
    alice.write("POST", "/me/messages", json!({ "subject": "for a while" })).await;
    scene.running.state().reset();
    assert_eq!(alice.fingerprint(), before);
}
