//! Mail that nobody here wrote.

use std::fmt::Write as _;

use emulator::Options;
use fixtures::Plan;
use fixtures::own_mail::OwnMessage;
use proptest::prelude::*;

use crate::scene::Scene;

/// Serves these files as Alice's mailbox and reads everything that can be read of them.
async fn served(files: Vec<Vec<u8>>) -> Vec<serde_json::Value> {
    let mut plan = Plan::embedded().unwrap();
    let mail = files
        .iter()
        .enumerate()
        .map(|(at, mime)| OwnMessage { name: format!("{at:04}.eml"), mime: mime.clone() })
        .collect();
    plan.with_own_mail(fixtures::cast::ALICE, mail).unwrap();
    let scene = Scene::of(plan, Options::default()).await;
    let alice = scene.caller(fixtures::cast::ALICE, "Mail.Read");
    let messages = alice
        .all("/me/messages?$top=9&$expand=attachments&$select=subject,body,from,bodyPreview,internetMessageHeaders")
        .await;
    assert_eq!(messages.len(), files.len());
    let mut left = files;
    for message in &messages {
        let raw = alice.get(&format!("/me/messages/{}/$value", message["id"].as_str().unwrap())).await;
        let at = left.iter().position(|file| *file == raw.bytes).expect("byte for byte a file");
        left.swap_remove(at);
    }
    messages
}

#[tokio::test]
async fn anything_is_served_as_it_is() {
    let mut deep = "Subject: deep\nMIME-Version: 1.0\n".to_owned();
    for at in 0..200 {
        let _ = write!(deep, "Content-Type: multipart/mixed; boundary=\"b{at}\"\n\n--b{at}\n");
    }
    let messages = served(vec![
        Vec::new(),
        b"\n".to_vec(),
        b"no headers at all".to_vec(),
        b"Subject: only headers".to_vec(),
        b"Subject: =?utf-8?q?broken\r\nFrom: <<<>>>,,;\r\nDate: yesterday\r\n\r\nbody".to_vec(),
        b"Subject: \xff\xfe\r\nContent-Type: text/html; charset=x-unknown\r\n\r\n<p>\xff<script>".to_vec(),
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n\nSubject: inner\n\ntext\n--x\nContent-Type: image/png; name=\"a\r\nb.png\"\nContent-Transfer-Encoding: base64\n\n!!!!\n--x--\n".to_vec(),
        deep.into_bytes(),
        b"Content-Type: message/rfc822\n\n".repeat(100_000),
    ])
    .await;
    assert!(messages.iter().any(|message| message["subject"] == "only headers"));
    let with_inner = messages
        .iter()
        .find(|message| message["attachments"].as_array().is_some_and(|all| all.len() == 2))
        .expect("two attachments");
    assert_eq!(with_inner["attachments"][0]["name"], "inner");
}

#[tokio::test]
async fn headers_in_many_encodings_are_read() {
    let messages = served(vec![
        b"From: =?iso-8859-1?q?J=F6rg?= <j@x.example>\nSubject: =?utf-8?b?w6TDtsO8?= =?utf-8?q?_und_mehr?=\n\nx"
            .to_vec(),
        b"From: root\nSubject: local\n\nx".to_vec(),
        b"From: a@display.example <b@real.example>\nSubject: two\n\nx".to_vec(),
    ])
    .await;
    let of = |subject: &str| {
        messages.iter().find(|message| message["subject"] == subject).expect(subject)["from"]["emailAddress"].clone()
    };
    assert_eq!(of("äöü und mehr"), serde_json::json!({ "name": "Jörg", "address": "j@x.example" }));
    assert_eq!(of("local")["address"], "root");
    assert_eq!(of("two")["address"], "b@real.example");
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("Content-Type: multipart/mixed; boundary=x".to_owned()),
        Just("Content-Type: multipart/related; boundary=\"y\"; start=\"<z>\"".to_owned()),
        Just("Content-Type: message/rfc822".to_owned()),
        Just("Content-Type: text/html".to_owned()),
        Just("Content-Transfer-Encoding: base64".to_owned()),
        Just("Content-Transfer-Encoding: quoted-printable".to_owned()),
        Just("Content-Disposition: attachment; filename*0*=utf-8''a%e2; filename*1=b".to_owned()),
        Just("Date: Thu, 31 Feb 2026 99:99:99 +9999".to_owned()),
        Just("References: <a> <b> <a>".to_owned()),
        Just("Message-ID: <a>".to_owned()),
        Just("--x".to_owned()),
        Just("--x--".to_owned()),
        Just("--y".to_owned()),
        Just(String::new()),
        ".{0,40}",
    ];
    (prop::collection::vec(line, 0..24), any::<bool>())
        .prop_map(|(lines, crlf)| lines.join(if crlf { "\r\n" } else { "\n" }).into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn hostile_mail_never_stops_the_service(files in prop::collection::vec(prop_oneof![hostile(), prop::collection::vec(any::<u8>(), 0..300)], 1..40)) {
        tokio::runtime::Runtime::new().unwrap().block_on(served(files));
    }
}

/// The third kind of attachment: a link to a file that lies elsewhere, which has no bytes of its own.
#[tokio::test]
async fn a_link_to_a_file_is_a_reference_attachment() {
    let mail = concat!(
        "Subject: the plan\r\nDate: Mon, 05 Jan 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n",
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nsee the link\r\n",
        "--x\r\nContent-Type: message/external-body; access-type=URL;\r\n URL=\"https://contoso-my.sharepoint.example/plan.docx\"; name=\"plan.docx\"\r\n\r\n",
        "Content-Type: application/pdf; x=y\r\nContent-ID: <1@x>\r\n\r\n",
        "--x\r\nContent-Type: message/external-body; access-type=local-file; name=\"/etc/passwd\"\r\n\r\nContent-Type: text/plain\r\n\r\n",
        "--x--\r\n"
    );
    let mut plan = Plan::embedded().unwrap();
    let mail = vec![OwnMessage { name: "one.eml".to_owned(), mime: mail.as_bytes().to_vec() }];
    plan.with_own_mail(fixtures::cast::ALICE, mail).unwrap();
    let scene = Scene::of(plan, Options::default()).await;
    let alice = scene.caller(fixtures::cast::ALICE, "Mail.Read");
    let message = alice.get("/me/messages?$select=hasAttachments").await.values()[0].clone();
    assert_eq!(message["hasAttachments"], true);
    let path = format!("/me/messages/{}/attachments", message["id"].as_str().unwrap());
    let listed = alice.get(&path).await.values();
    let kinds: Vec<_> = listed.iter().map(|one| one["@odata.type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["#microsoft.graph.referenceAttachment", "#microsoft.graph.fileAttachment"]);
    let link = &listed[0];
    assert_eq!((&link["name"], &link["contentType"]), (&"plan.docx".into(), &"application/pdf".into()));
    assert!(link.get("contentBytes").is_none() && link["isInline"] == false, "{link}");
    let one = format!("{path}/{}", link["id"].as_str().unwrap());
    assert_eq!(alice.get(&one).await.json()["name"], "plan.docx");
    assert_eq!(alice.get(&format!("{one}/$value")).await.status, 405);
    let other = format!("{path}/{}/$value", listed[1]["id"].as_str().unwrap());
    assert_eq!(alice.get(&other).await.status, 200);
}
