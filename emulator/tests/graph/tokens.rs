//! What every row has in common: it challenges a revoked session, and it knows no application without a user.

use emulator::change::{Change, DirectoryChange};
use emulator::graph::permissions;
use fixtures::cast::ALICE;
use serde_json::json;

use crate::scene::{ALL, Scene};

/// Every row as a request, its keys filled in with something.
fn requests() -> impl Iterator<Item = (String, String)> {
    permissions().map(|row| {
        let (method, path) = row.operation.split_once(' ').unwrap();
        (method.to_owned(), path.replace("{id}", "x"))
    })
}

#[tokio::test]
async fn every_row_challenges_a_revoked_session() {
    let scene = Scene::new().await;
    let alice = scene.bearer(scene.token(ALICE, ALL, &json!({ "xms_cc": ["cp1"] })));
    let (tenant, person) = scene.plan.person(ALICE).unwrap();
    let user = person.id(tenant);
    scene.running.state().apply(Change::directory(tenant.id, DirectoryChange::RevokeSessions { user })).unwrap();
    for (method, path) in requests() {
        let reply = alice.send(&method, &path, &json!({})).await;
        assert_eq!(reply.code(), "401 InvalidAuthenticationToken", "{method} {path}");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.contains("error=\"insufficient_claims\""), "{method} {path}: {challenge}");
        assert!(challenge.contains("claims=\""), "{method} {path}: {challenge}");
    }
}

#[tokio::test]
async fn no_row_answers_an_application_by_itself() {
    let scene = Scene::new().await;
    let app = scene.bearer(scene.token(ALICE, "", &json!({ "idtyp": "app", "scp": null })));
    // Without the claim, not with an empty one.
    let (tenant, person) = scene.plan.person(ALICE).unwrap();
    let nobody = serde_json::json!({
        "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{}/", tenant.id),
        "tid": tenant.id, "oid": person.id(tenant), "idtyp": "app", "iat": 1_768_208_100, "nbf": 1_768_208_100, "exp": 1_768_212_000,
        "appid": scene.plan.registration("m365-server").unwrap().app_id,
    });
    let signed =
        scene.running.state().keys.sign(tenant.id, emulator::entra::keys::Version::V1, nobody.as_object().unwrap());
    let proper = scene.bearer(signed.unwrap());
    let mut answers = std::collections::BTreeMap::new();
    for (method, path) in requests() {
        let of_alice = path.replacen("/me", "/users/alice@contoso.example", 1);
        for path in [path, of_alice] {
            let reply = proper.send(&method, &path, &json!({})).await;
            assert!(matches!(reply.status, 400 | 403), "{method} {path}: {}", reply.code());
            let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
            *answers.entry(format!("{} {message}", reply.code())).or_insert(0) += 1;
        }
    }
    let kinds: Vec<_> = answers.into_keys().collect();
    assert_eq!(
        kinds,
        [
            "400 BadRequest /me request is only valid with delegated authentication flow.",
            "403 Authorization_RequestDenied Insufficient privileges to complete the operation.",
            "403 ErrorAccessDenied Access is denied. Check credentials and try again.",
            "403 Forbidden Access to the requested entities in Graph API requires the following permissions: Acronym.Read.All, Bookmark.Read.All, Calendars.Read, Calendars.ReadWrite, Chat.Read, Chat.ReadWrite, ExternalItem.Read.All, ExternalItem.ReadWrite.All, Files.Read.All, Files.ReadWrite.All, Mail.Read, Mail.ReadWrite, QnA.Read.All, Sites.Read.All, Sites.ReadWrite.All. However, the application only has the following permissions granted: ",
            "403 Forbidden Missing role permissions on the request. API requires one of 'Chat.ReadWrite, ChatMessage.Send, ChannelMessage.Send, OnlineMeetings.ReadWrite'. Roles on the request ''",
            "403 accessDenied Access denied",
        ]
    );
    let chats = proper.get("/chats").await;
    assert_eq!(chats.code(), "403 Forbidden");
    let row = scene.running.state().journal.audit_since(0).pop().unwrap();
    assert_eq!((row.tenant, row.user), (Some(tenant.id), None));
    assert!(row.client.is_some());
    assert_eq!(app.get("/me").await.code(), "401 InvalidAuthenticationToken", "neither a user's nor an application's");
}
