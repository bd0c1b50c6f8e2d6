//! Why tokens were issued: what the audit row of a yes says, over the wire and through the lab.

use serde_json::{Value, json};

use crate::scene::*;

const ALICE: &str = "alice@contoso.example";
const WALTER: &str = "walter@woodgrove.example";

/// Operation, status and reason of every row since the last reset, instants blotted out.
async fn told(scene: &Scene) -> Vec<String> {
    let url = scene.running.lab.join("/lab/audit").unwrap();
    let rows: Value = scene.http.get(url).send().await.unwrap().json().await.unwrap();
    let line = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap_or("no reason");
        let words = text("reason").split(' ').map(|word| {
            let is_instant = word.starts_with("20") && word.trim_end_matches(';').ends_with('Z');
            if is_instant { "AT;" } else { word }
        });
        let reason = words.collect::<Vec<_>>().join(" ");
        format!("{} {} → {}: {reason}", text("kind"), text("operation"), row["status"])
    };
    rows["rows"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn every_token_says_what_it_rests_on() {
    let scene = scene_of_a_public_client().await;
    let body = scene.signed_in(CONTOSO, ALICE).await;
    let access = body["access_token"].as_str().unwrap();
    let refresh = body["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", refresh)];
    assert_eq!(scene.token(CONTOSO, &form).await.status(), 200);
    assert_eq!(scene.exchange(CONTOSO, access, &[]).await.status(), 200);
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", SERVER),
        ("client_secret", SECRET),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    assert_eq!(scene.token(CONTOSO, &own).await.status(), 200);
    let password = [
        ("grant_type", "password"),
        ("client_id", CLIENT),
        ("username", ALICE),
        ("password", "Passw0rd!alice"),
        ("scope", ACCESS),
    ];
    assert_eq!(scene.token(CONTOSO, &password).await.status(), 200);
    let rows = told(&scene).await;
    insta::assert_snapshot!(rows.join("\n"));
    let secrets = [SECRET, "Passw0rd", access, refresh, &refresh[..20]];
    assert!(rows.iter().all(|row| secrets.iter().all(|secret| !row.contains(secret))));
}

#[tokio::test]
async fn the_policies_and_assignments_that_applied_are_named() {
    let scene = scene().await;
    scene.lab("/lab/settings", json!({ "clientAddress": "10.20.3.4" })).await;
    scene.signed_in("woodgrove.example", WALTER).await;
    insta::assert_snapshot!(told(&scene).await.join("\n"));
}

#[tokio::test]
async fn a_grant_of_the_users_own_is_told_from_everybodys() {
    let scene = scene().await;
    let body = scene.signed_in(CONTOSO, ALICE).await;
    let access = body["access_token"].as_str().unwrap();
    for (change, principal) in [("/lab/grants/revoke", Value::Null), ("/lab/grants/consent", json!("alice"))] {
        let grant = json!({
            "tenant": "contoso", "client": "m365-server", "resource": "graph", "principal": principal, "scopes": ["Mail.Read"],
        });
        scene.lab(change, grant).await;
    }
    let scopes = ("scope", "https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/User.Read");
    assert_eq!(scene.exchange(CONTOSO, access, &[scopes]).await.status(), 200);
    let last = told(&scene).await.pop().unwrap();
    assert!(
        last.contains("consented: User.Read (for everybody) Mail.Read (by the user); conditional access"),
        "{last}"
    );
}
