//! Audit logs: for the administrators of a tenant, of that tenant alone; and what was changed, apart from what was read.

use emulator::Options;
use emulator::rules::Rules;
use fixtures::cast::{ALICE, BUDGET, MALLORY};
use jiff::SignedDuration;
use serde_json::json;

use crate::scene::Scene;

const ADMIN: &str = "admin@contoso";
const AUDITOR: &str = "AuditLog.Read.All User.Read";

#[tokio::test]
async fn administrators_see_what_was_asked_in_their_tenant() {
    let scene = Scene::new().await;
    let (alice, mallory) = (scene.caller(ALICE, "Mail.Read"), scene.caller(MALLORY, "Mail.Read"));
    alice.get("/me/messages?$top=1").await;
    let refused = alice.get("/me").await;
    mallory.get("/me/messages?$top=1").await;
    scene.send(scene.request("GET", "/v1.0/me")).await;

    let admin = scene.caller(ADMIN, AUDITOR);
    let rows = admin.get("/auditLogs/graphActivityLogs").await.values();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row["OperationId"].as_str().unwrap(), row["ResponseStatusCode"].as_u64().unwrap()))
        .collect();
    assert_eq!(seen, [("GET /me", 403), ("GET /me/messages", 200)], "newest first, and nothing of another tenant");
    assert_eq!(rows[0]["RequestId"], refused.header("request-id"));
    assert_eq!(rows[0]["Scopes"], "Mail.Read");

    let first = admin.get("/auditLogs/graphActivityLogs?$top=1").await;
    let next = first.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    assert_eq!(admin.get(&next).await.values()[0]["OperationId"], "GET /me", "the page goes on below the last row");
    let other = scene.caller("admin@fabrikam", AUDITOR);
    assert_eq!(other.get(&next).await.code(), "400 Request_UnsupportedQuery", "the link is no credential");
    assert_eq!(other.get("/auditLogs/graphActivityLogs").await.values().len(), 2, "mallory's, and the refused link");
    for asked in ["/auditLogs/graphActivityLogs", "/auditLogs/signIns", "/auditLogs/signIns/x"] {
        assert_eq!(
            scene.caller(ALICE, AUDITOR).get(asked).await.code(),
            "403 Authorization_RequestDenied",
            "{asked}: no role"
        );
        assert_eq!(
            scene.caller(ADMIN, "User.Read").get(asked).await.code(),
            "403 Authorization_RequestDenied",
            "{asked}: no scope"
        );
    }
}

#[tokio::test]
async fn a_careless_audit_log_is_seen() {
    let rules = Rules { reads_audit: |_, _| true, ..Rules::STRICT };
    let scene = Scene::with(Options { rules, ..Options::default() }).await;
    assert_eq!(scene.caller(ALICE, AUDITOR).get("/auditLogs/signIns").await.status, 200);

    let careless = Rules { audited: |own, named| named.unwrap_or(own), ..Rules::STRICT };
    for (rules, seen) in [(Rules::STRICT, 0), (careless, 1)] {
        let scene = Scene::with(Options { rules, ..Options::default() }).await;
        scene.caller(ALICE, "User.Read").get("/me").await;
        let contoso = scene.plan.tenant("contoso").unwrap().id;
        let asked = format!("/auditLogs/graphActivityLogs?tenantId={contoso}");
        assert_eq!(scene.caller("admin@fabrikam", AUDITOR).get(&asked).await.values().len(), seen);
    }
}

#[tokio::test]
async fn rows_are_kept_as_long_as_is_said() {
    let audit_retention = Some(SignedDuration::from_hours(24));
    let scene = Scene::with(Options { audit_retention, ..Options::default() }).await;
    let state = scene.running.state();
    scene.caller(ALICE, "User.Read").get("/me").await;
    let first = state.journal.audit_since(0).pop().unwrap().seq;
    state.clock.advance(SignedDuration::from_hours(23));
    scene.caller(ALICE, "User.Read").get("/me").await;
    assert_eq!(state.journal.audit_since(first - 1).len(), 2);
    state.clock.advance(SignedDuration::from_hours(2));
    scene.caller(ALICE, "User.Read").get("/me").await;
    assert_eq!(state.journal.audit_since(0).iter().map(|row| row.seq).collect::<Vec<_>>(), [first + 1, first + 2]);
}

#[tokio::test]
async fn a_change_leaves_a_side_effect_and_a_read_none() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, "Mail.ReadWrite");
    let id = scene.message(BUDGET);
    alice.get(&format!("/me/messages/{id}")).await;
    alice.send("POST", "/me/sendMail", &json!({})).await;
    assert!(scene.running.state().journal.side_effects_since(0).is_empty(), "reads and refusals");
    let batch = json!({ "requests": [{ "id": "1", "method": "PATCH", "url": format!("/me/messages/{id}"), "body": { "isRead": false }, "headers": { "Content-Type": "application/json" } }] });
    let reply = alice.send("POST", "/$batch", &batch).await;
    assert_eq!(reply.json()["responses"][0]["status"], 200);
    let effects = scene.running.state().journal.side_effects_since(0);
    assert_eq!(effects.len(), 1);
    assert_eq!(
        (effects[0].operation.as_str(), &effects[0].resource),
        ("PATCH /me/messages/{id}", &format!("/me/messages/{id}"))
    );
    let rows = scene.running.state().journal.audit_since(0);
    assert!(rows.iter().any(|row| row.request_id == effects[0].request_id && row.kind == "graph-write"));
}

#[tokio::test]
async fn a_sign_in_is_told_to_administrators() {
    let scene = Scene::new().await;
    let tenant = scene.plan.tenant("contoso").unwrap();
    let client = scene.plan.registration("m365-client").unwrap().app_id;
    for who in ["alice@contoso.example", "nobody@contoso.example"] {
        let url = format!(
            "{}{}/oauth2/v2.0/authorize?client_id={client}&response_type=code&redirect_uri=http%3A%2F%2Flocalhost&scope=openid&login_hint={who}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
            scene.running.login, tenant.id
        );
        scene.send(scene.request("GET", &url)).await;
    }
    let admin = scene.caller(ADMIN, AUDITOR);
    let rows = admin.get("/auditLogs/signIns").await.values();
    let of_alice = rows.iter().find(|row| row["userPrincipalName"] == "alice@contoso.example").expect("her sign-in");
    assert_eq!((&of_alice["status"]["errorCode"], &of_alice["appId"]), (&json!(0), &json!(client.to_string())));
    let id = of_alice["id"].as_str().unwrap();
    assert_eq!(admin.get(&format!("/auditLogs/signIns/{id}")).await.json()["userId"], of_alice["userId"]);
    let other = scene.caller("admin@fabrikam", AUDITOR);
    assert!(other.get("/auditLogs/signIns").await.values().is_empty(), "another tenant's");
    assert_eq!(other.get(&format!("/auditLogs/signIns/{id}")).await.code(), "404 Request_ResourceNotFound");
}
