//! An application acts as itself: what it gets, and that nobody takes it for a user.

use emulator::entra::verify::{GraphAuthFailure, principal};
use serde_json::Value;

use crate::scene::*;

const GRAPH: &str = "https://graph.microsoft.com/.default";

async fn asked(scene: &Scene, tenant: &str, scope: &str) -> reqwest::Response {
    let form =
        [("grant_type", "client_credentials"), ("client_id", SERVER), ("client_secret", SECRET), ("scope", scope)];
    scene.token(tenant, &form).await
}

#[tokio::test]
async fn an_application_gets_a_token_that_is_nobodys() {
    let scene = scene().await;
    let body: Value = asked(&scene, CONTOSO, GRAPH).await.json().await.unwrap();
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none(), "{body}");
    let token = body["access_token"].as_str().unwrap();
    let graph = claims(token);
    assert_eq!((&graph["idtyp"], &graph["ver"], &graph["appid"]), (&"app".into(), &"1.0".into(), &SERVER.into()));
    assert_eq!(graph["sub"], graph["oid"]);
    assert!(!graph.contains_key("scp") && !graph.contains_key("roles"));
    let failure = principal(scene.running.state(), token).unwrap_err();
    assert!(
        matches!(failure, GraphAuthFailure::Application { client, .. } if client.to_string() == SERVER),
        "{failure}"
    );

    let own = format!("api://{SERVER}/.default");
    let body: Value = asked(&scene, CONTOSO, &own).await.json().await.unwrap();
    let token = body["access_token"].as_str().unwrap();
    let own = claims(token);
    assert_eq!((&own["idtyp"], &own["ver"], &own["aud"]), (&"app".into(), &"2.0".into(), &SERVER.into()));
    let exchanged = scene.exchange(CONTOSO, token, &[]).await;
    assert_eq!(refused(exchanged).await, no(400, "invalid_grant", 50013), "no user is behind it");
    assert!(scene.running.unmodelled().is_empty());
}

#[tokio::test]
async fn it_asks_one_tenant_for_everything_at_one_resource_with_a_credential() {
    let scene = scene().await;
    let refusal = async |tenant: &str, scope: &str| refused(asked(&scene, tenant, scope).await).await;
    let named = "https://graph.microsoft.com/Mail.Read";
    assert_eq!(refusal(CONTOSO, named).await, no(400, "invalid_scope", 1_002_012));
    let mixed = format!("{GRAPH} openid");
    assert_eq!(refusal(CONTOSO, &mixed).await, no(400, "invalid_scope", 1_002_012));
    assert_eq!(refusal("common", GRAPH).await, no(400, "invalid_request", 50059));
    let public = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("scope", GRAPH)];
    assert_eq!(refused(scene.token(CONTOSO, &public).await).await, no(401, "invalid_client", 7_000_218));
}
