//! Headers, tokens, addresses.

use base64::Engine as _;
use emulator::{Options, Revocation};
use serde_json::{Value, json};

use crate::scene::{ALL, Scene};

#[tokio::test]
async fn every_answer_carries_the_headers_of_graph() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let good = alice.get_with("/me", "client-request-id", "my-own-id").await;
    let bad = alice.get("/me/messages/x").await;
    assert_eq!(
        good.header("content-type"),
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    );
    assert_eq!(good.header("client-request-id"), "my-own-id");
    assert_eq!(bad.header("client-request-id"), bad.header("request-id"));
    for reply in [&good, &bad] {
        assert!(reply.header("request-id").parse::<uuid::Uuid>().is_ok());
        assert!(reply.header("x-ms-ags-diagnostic").contains("ServerInfo"));
        assert_eq!(reply.header("date"), "Mon, 12 Jan 2026 09:00:00 GMT");
        assert_eq!(reply.header("strict-transport-security"), "max-age=31536000");
    }
}

#[tokio::test]
async fn a_token_that_is_missing_or_wrong_is_challenged() {
    let scene = Scene::new().await;
    let alice = fixtures::cast::ALICE;
    let now = scene.running.state().clock.now().as_second();
    let wrong = |claims: Value| scene.token(alice, ALL, &claims);
    let flipped = {
        let token = wrong(json!({}));
        let (head, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        format!("{head}.{first}{}", &signature[1..])
    };
    for (token, message) in [
        ("junk".to_owned(), "CompactToken parsing failed with error code: 80049217"),
        (flipped, "Access token validation failure. Invalid signature."),
        (wrong(json!({ "exp": now - 1000 })), "Lifetime validation failed, the token is expired."),
        (wrong(json!({ "aud": "api://someone-else" })), "Access token validation failure. Invalid audience."),
        (wrong(json!({ "oid": null })), "Access token validation failure."),
    ] {
        let reply = scene.bearer(token).get("/me").await;
        assert_eq!(reply.code(), "401 InvalidAuthenticationToken");
        assert_eq!(reply.json()["error"]["message"], message);
        assert!(reply.header("www-authenticate").starts_with("Bearer realm=\"\", authorization_uri=\"http"));
    }
    let reply = scene.send(scene.request("GET", "/v1.0/me")).await;
    assert_eq!(reply.json()["error"]["message"], "Access token is empty.");
}

#[tokio::test]
async fn a_revoked_session_is_challenged_with_claims_if_the_token_can_be() {
    let scene = Scene::with(Options { revocation: Revocation::Real, ..Options::default() }).await;
    let capable = scene.bearer(scene.token(fixtures::cast::ALICE, ALL, &json!({ "xms_cc": ["CP1"] })));
    let plain = scene.caller(fixtures::cast::ALICE, ALL);
    let (tenant, person) = scene.plan.person(fixtures::cast::ALICE).unwrap();
    scene
        .running
        .state()
        .apply(emulator::change::Change::directory(
            tenant.id,
            emulator::change::DirectoryChange::EnableUser { user: person.id(tenant), enabled: false },
        ))
        .unwrap();
    let reply = capable.get("/me/messages").await;
    assert_eq!(reply.code(), "401 InvalidAuthenticationToken");
    let challenge = reply.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_claims\""), "{challenge}");
    let claims = challenge.split("claims=\"").nth(1).unwrap().trim_end_matches('"');
    let claims: Value =
        serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["access_token"]["nbf"], json!({ "essential": true, "value": "1768208400" }));
    assert_eq!(plain.get("/me/messages").await.status, 200, "without cp1 the token lives on");
}

#[tokio::test]
async fn addresses_come_in_many_forms() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let wanted = alice.get("/me/mailFolders/inbox/messages?$top=3&$select=subject").await.subjects();
    assert_eq!(wanted.len(), 3);
    let (tenant, person) = scene.plan.person(fixtures::cast::ALICE).unwrap();
    let oid = person.id(tenant);
    for path in [
        "/v1.0//me/mailFolders/inbox/messages?%24top=3&%24select=subject".to_owned(),
        "/V1.0/Me/MAILFOLDERS('InBox')/Messages?$top=3&$select=subject".to_owned(),
        format!("/v1.0/users/{oid}/mailFolders/inbox/messages?$top=3&$select=subject"),
        format!("/v1.0/users('{oid}')/mailFolders('inbox')/messages?top=3&select=subject"),
        "/v1.0/users/ALICE%40contoso.example/mailFolders/inbox/messages/?$top=3&$select=subject".to_owned(),
    ] {
        assert_eq!(alice.get(&path).await.subjects(), wanted, "{path}");
    }
    let id = scene.message(fixtures::cast::BUDGET);
    let encoded = id.replace('=', "%3D");
    assert_eq!(alice.get(&format!("/me/messages/{encoded}")).await.json()["id"], id);
    assert_eq!(alice.get(&format!("/me/messages('{id}')")).await.json()["id"], id);
    assert_eq!(
        alice.get(&format!("/me/messages/{}", id.to_lowercase())).await.status,
        404,
        "letter case of ids counts"
    );
}

#[tokio::test]
async fn hostile_addresses_are_refused_in_the_services_shape() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    for path in [
        "/v1.0/%ff",
        "/v1.0/me/messages/..%2f..%2fusers",
        "/v1.0/me/messages/%00",
        "/v1.0/me/messages('",
        "/v1.0/me/messages(')/x",
        "/v1.0/users('a''b')/messages",
        "/v1.0/",
        "/",
        "/beta/me",
        "/v9/me",
        "/v1.0/me/messages?$filter=((((((((((((((((((((((",
        "/v1.0/me/messages?%ff=%ff",
        "/v1.0/$batch",
    ] {
        let reply = alice.get(path).await;
        assert!((400..=501).contains(&reply.status) && reply.status != 500, "{path}: {}", reply.status);
        assert!(reply.json()["error"]["code"].is_string(), "{path}");
    }
    assert_eq!(alice.send("OPTIONS", "/me", &json!({})).await.code(), "405 Request_BadRequest");
    let reply = alice.send("POST", "/$batch", &json!("not a batch")).await;
    assert_eq!(reply.code(), "400 BadRequest");
}

#[tokio::test]
async fn what_is_not_modelled_is_counted() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    assert!(scene.running.unmodelled().is_empty());
    alice.get("/me/messages?$top=2&$filter=isRead eq true&$count=true&x=y").await.values();
    assert!(scene.running.unmodelled().is_empty(), "{:?}", scene.running.unmodelled());
    alice.get("/me/messages?$frobnicate=1").await;
    alice.get("/me/messages?$search=\"frobnicate:1\"").await;
    alice.get("/me/events").await;
    alice.get("/me/frobnicate").await;
    alice.get("/me/mailFolders/inbox/messages/delta").await;
    alice.get("/users/delta").await;
    alice.get("/beta/me").await;
    alice.send("POST", "/search/query", &json!({})).await;
    alice.get_with("/me/messages", "Prefer", "frobnicate").await;
    let counted: Vec<_> = scene.running.unmodelled().into_keys().collect();
    insta::assert_json_snapshot!("unmodelled", counted);
}

#[tokio::test]
async fn every_call_leaves_a_row_that_names_its_permission() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read");
    let id = scene.message(fixtures::cast::BUDGET);
    let reply = alice.get(&format!("/me/messages/{id}?$select=subject")).await;
    assert_eq!(reply.code(), "403 ErrorAccessDenied");
    let rows = scene.running.state().journal.audit_since(0);
    let row = rows.last().unwrap();
    assert_eq!((row.kind, row.operation.as_str(), row.status), ("graph-read", "GET /me/messages/{id}", 403));
    assert_eq!(row.resource, format!("/me/messages/{id}"));
    assert_eq!(row.scopes, ["User.Read"]);
    assert_eq!(row.error.as_deref(), Some("ErrorAccessDenied"));
    assert_eq!(
        row.reason.as_deref(),
        Some(
            "permission row `GET /me/messages/{id}` needs one of Mail.ReadBasic, Mail.Read, Mail.ReadWrite; the token holds: User.Read"
        )
    );
    assert_eq!(row.request_id, reply.header("request-id"));
    assert_eq!(
        row.user,
        Some(scene.plan.person(fixtures::cast::ALICE).map(|(tenant, person)| person.id(tenant)).unwrap())
    );
}
