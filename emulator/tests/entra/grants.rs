//! The token endpoint: what it gives, and what it refuses.

use emulator::entra::verify::{GraphAuthFailure, principal};
use emulator::{Options, Revocation};
use serde_json::{Value, json};

use crate::scene::*;

const ALICE: &str = "alice@contoso.example";
const MALLORY: &str = "mallory@fabrikam.example";
const FABRIKAM: &str = "fabrikam.example";
const CERTIFIED: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[tokio::test]
async fn a_code_becomes_tokens_with_everything_that_clients_insist_on() {
    let scene = scene().await;
    let body = scene.signed_in(CONTOSO, ALICE).await;
    assert_eq!(body["token_type"], "Bearer");
    let lifetime = body["expires_in"].as_i64().unwrap();
    assert!((3_599..=5_400).contains(&lifetime), "{lifetime}");
    assert_eq!(body["scope"], format!("{ACCESS} openid profile"));
    assert!(body["refresh_token"].as_str().unwrap().len() > 40);
    let info = claims(&format!(".{}.", body["client_info"].as_str().unwrap()));
    assert_eq!(info["uid"], "a11ce000-0365-4c11-a0ff-5a3e0b1ec700");
    assert_eq!(info["utid"], "c0ff1e00-0365-4c11-8c0a-0000c0a70050");

    let access = body["access_token"].as_str().unwrap();
    assert_eq!(header(access).keys().collect::<Vec<_>>(), ["alg", "kid", "typ"]);
    let access = claims(access);
    assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), lifetime + 1 + 300);
    let mut shown = Value::Object(access);
    shown["iss"] = json!(shown["iss"].as_str().unwrap().replace(scene.running.login.as_str(), "https://login/"));
    insta::assert_json_snapshot!("access_token_v2", shown, { ".exp" => "[exp]" });

    let id_token = claims(body["id_token"].as_str().unwrap());
    assert_eq!(id_token["aud"], CLIENT);
    assert_eq!(id_token["nonce"], "n-0S6");
    assert_ne!(id_token["sub"], shown["sub"], "sub is another one for each application");
    assert!(id_token.get("scp").is_none());
}

#[tokio::test]
async fn on_behalf_of_gives_a_v1_token_for_graph_with_exactly_what_was_asked() {
    let scene = scene().await;
    let assertion = scene.signed_in(CONTOSO, ALICE).await;
    let answer = scene.exchange(CONTOSO, assertion["access_token"].as_str().unwrap(), &[]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store, no-cache");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["scope"], "https://graph.microsoft.com/Mail.Read openid profile");
    for member in ["refresh_token", "id_token", "client_info"] {
        assert!(body[member].is_string(), "{member}");
    }
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(header(token)["x5t"], header(token)["kid"]);
    insta::assert_json_snapshot!("access_token_graph_v1", Value::Object(claims(token)), { ".exp" => "[exp]" });
    let reader = principal(scene.running.state(), token).unwrap();
    assert_eq!(reader.user.to_string(), "a11ce000-0365-4c11-a0ff-5a3e0b1ec700");
    assert_eq!(reader.client.to_string(), SERVER);
    assert!(reader.scopes.contains("Mail.Read") && !reader.scopes.contains("User.Read"));
    assert!(!reader.claims_capable);
    assert!(scene.running.unmodelled().is_empty());
}

#[tokio::test]
async fn default_is_everything_granted_and_comes_back_as_asked() {
    let scene = scene().await;
    let assertion = scene.signed_in(CONTOSO, ALICE).await;
    let scope = [("scope", "https://graph.microsoft.com/.default")];
    let body: Value =
        scene.exchange(CONTOSO, assertion["access_token"].as_str().unwrap(), &scope).await.json().await.unwrap();
    let words: Vec<_> = body["scope"].as_str().unwrap().split(' ').collect();
    assert!(words.contains(&"https://graph.microsoft.com/.default"));
    assert!(words.contains(&"https://graph.microsoft.com/Files.Read.All"));
    assert!(!words.iter().any(|word| word.contains("Sites.Selected")));
    assert!(claims(body["access_token"].as_str().unwrap())["scp"].as_str().unwrap().contains("Mail.Read"));
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
}

#[tokio::test]
async fn a_client_that_declares_cp1_gets_a_long_token_that_says_so() {
    let scene = scene().await;
    let assertion = scene.signed_in(CONTOSO, ALICE).await;
    let cp1 = [("claims", r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#)];
    let body: Value =
        scene.exchange(CONTOSO, assertion["access_token"].as_str().unwrap(), &cp1).await.json().await.unwrap();
    assert!((71_999..=100_800).contains(&body["expires_in"].as_i64().unwrap()));
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(claims(token)["xms_cc"], json!(["CP1"]));
    let reader = principal(scene.running.state(), token).unwrap();
    assert!(reader.claims_capable);
    scene.lab("/lab/users/revoke-sessions", json!({ "tenant": "contoso", "user": "alice" })).await;
    let challenged = principal(scene.running.state(), token).unwrap_err();
    assert!(matches!(challenged, GraphAuthFailure::Challenge(_)), "{challenged}");
}

#[tokio::test]
async fn a_code_is_good_once_for_its_tenant_client_redirect_and_verifier() {
    let scene = scene().await;
    let code = scene.code(CONTOSO, ALICE).await;
    let redeem =
        async |tenant: &str, changes: &[(&str, &str)]| refused(scene.redeem(tenant, &code, changes).await).await;
    assert_eq!(redeem(FABRIKAM, &[]).await, no(400, "invalid_grant", 700_005));
    assert_eq!(redeem(CONTOSO, &[("redirect_uri", "http://localhost:8401")]).await, no(400, "invalid_grant", 70000));
    assert_eq!(
        redeem(CONTOSO, &[("client_id", SERVER), ("client_secret", SECRET)]).await,
        no(400, "invalid_grant", 70000)
    );
    assert_eq!(redeem(CONTOSO, &[("code_verifier", CHALLENGE)]).await, no(400, "invalid_grant", 501_481));
    assert_eq!(redeem(CONTOSO, &[("code_verifier", "")]).await, no(400, "invalid_request", 900_144));
    // None of these spent it.
    assert_eq!(scene.redeem(CONTOSO, &code, &[]).await.status(), 200);
    assert_eq!(redeem(CONTOSO, &[]).await, no(400, "invalid_grant", 54005));

    let late = scene.code(CONTOSO, ALICE).await;
    scene.lab("/lab/clock", json!({ "advance": "PT10M" })).await;
    assert_eq!(refused(scene.redeem(CONTOSO, &late, &[]).await).await, no(400, "invalid_grant", 70008));
    assert_eq!(refused(scene.redeem(CONTOSO, "1.garbage", &[]).await).await, no(400, "invalid_grant", 70000));
}

#[tokio::test]
async fn a_refresh_token_stays_valid_slides_and_serves_other_resources() {
    let scene = scene().await;
    let first = scene.signed_in(CONTOSO, ALICE).await;
    let token = first["refresh_token"].as_str().unwrap();
    let refresh = async |tenant: &str, token: &str| {
        scene
            .token(
                tenant,
                &[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token), ("scope", ACCESS)],
            )
            .await
    };
    let second: Value = refresh(CONTOSO, token).await.json().await.unwrap();
    let successor = second["refresh_token"].as_str().unwrap();
    assert_ne!(successor, token);
    assert_eq!(refresh(CONTOSO, token).await.status(), 200, "no reuse detection");
    assert_eq!(refused(refresh(FABRIKAM, token).await).await, no(400, "invalid_grant", 50034));
    scene.lab("/lab/clock", json!({ "advance": "PT2160H" })).await;
    assert_eq!(refused(refresh(CONTOSO, token).await).await, no(400, "invalid_grant", 700_082));
    let graph =
        [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token), ("scope", "Mail.Read")];
    assert_eq!(refused(scene.token(CONTOSO, &graph).await).await, no(400, "invalid_grant", 700_082));
}

#[tokio::test]
async fn on_behalf_of_refuses_what_is_not_an_access_token_of_a_user_for_this_app() {
    let scene = scene().await;
    let alice = scene.signed_in(CONTOSO, ALICE).await;
    let token = alice["access_token"].as_str().unwrap();
    let exchange = async |tenant: &str, assertion: &str| refused(scene.exchange(tenant, assertion, &[]).await).await;
    let graph: Value = scene.exchange(CONTOSO, token, &[]).await.json().await.unwrap();
    assert_eq!(exchange(CONTOSO, graph["access_token"].as_str().unwrap()).await, no(400, "invalid_grant", 500_131));
    assert_eq!(exchange(CONTOSO, alice["id_token"].as_str().unwrap()).await, no(400, "invalid_request", 240_002));
    assert_eq!(exchange(CONTOSO, graph["id_token"].as_str().unwrap()).await, no(400, "invalid_request", 240_002));
    assert_eq!(exchange(FABRIKAM, token).await, no(400, "invalid_grant", 50013));
    assert_eq!(exchange(CONTOSO, "not a token").await, no(400, "invalid_grant", 50027));
    let (body, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    assert_eq!(exchange(CONTOSO, &format!("{body}.{other}{}", &signature[1..])).await, no(400, "invalid_grant", 50013));
    scene.lab("/lab/clock", json!({ "advance": "PT2H" })).await;
    assert_eq!(exchange(CONTOSO, token).await, no(400, "invalid_grant", 500_133));
}

#[tokio::test]
async fn a_client_proves_itself_or_hears_which_way_it_did_not() {
    let scene = scene().await;
    let alice = scene.signed_in(CONTOSO, ALICE).await;
    let token = alice["access_token"].as_str().unwrap();
    let exchange = async |changes: &[(&str, &str)]| refused(scene.exchange(CONTOSO, token, changes).await).await;
    assert_eq!(exchange(&[("client_secret", "wrong")]).await, no(401, "invalid_client", 7_000_215));
    assert_eq!(exchange(&[("client_secret", "")]).await, no(401, "invalid_client", 7_000_218));
    assert_eq!(exchange(&[("client_id", CLIENT)]).await, no(401, "invalid_client", 700_025));
    assert_eq!(exchange(&[("client_id", CLIENT), ("client_secret", "")]).await, no(401, "invalid_client", 7_000_218));
    let unknown = "00000000-0000-0000-0000-000000000001";
    assert_eq!(exchange(&[("client_id", unknown)]).await, no(400, "unauthorized_client", 700_016));
    let assertion = [("client_secret", ""), ("client_assertion", "e30.e30.x"), ("client_assertion_type", CERTIFIED)];
    assert_eq!(exchange(&assertion).await, no(401, "invalid_client", 700_027));
    let code = scene.code(CONTOSO, ALICE).await;
    let with_secret = scene.redeem(CONTOSO, &code, &[("client_secret", SECRET)]).await;
    assert_eq!(refused(with_secret).await, no(401, "invalid_client", 700_025));
    let basic = scene
        .http
        .post(scene.login("contoso.example/oauth2/v2.0/token"))
        .basic_auth(SERVER, Some("o365%7Efixture~secret~of~the~server~7Qx"))
        .form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("requested_token_use", "on_behalf_of"),
            ("assertion", token),
            ("scope", "User.Read"),
        ]);
    assert_eq!(basic.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn scopes_that_nobody_granted_published_or_heard_of_are_refused_apart() {
    let scene = scene().await;
    let alice = scene.signed_in(CONTOSO, ALICE).await;
    let token = alice["access_token"].as_str().unwrap();
    let ask = async |scope: &str| refused(scene.exchange(CONTOSO, token, &[("scope", scope)]).await).await;
    assert_eq!(ask("https://graph.microsoft.com/Mail.Send").await, no(400, "invalid_grant", 65001));
    assert_eq!(ask("https://graph.microsoft.com/Nonsense.Read").await, no(401, "invalid_client", 650_053));
    assert_eq!(ask("api://nobody/read").await, no(400, "invalid_resource", 500_011));
    assert_eq!(ask(&format!("Mail.Read {ACCESS}")).await, no(400, "invalid_scope", 700_022));
    assert_eq!(ask("Mail.Read https://graph.microsoft.com/.default").await, no(400, "invalid_scope", 70011));
}

#[tokio::test]
async fn revoking_one_scope_refuses_it_alone_in_this_tenant_alone_until_it_is_granted_again() {
    let scene = scene().await;
    let alice = scene.signed_in(CONTOSO, ALICE).await;
    let mallory = scene.signed_in(FABRIKAM, MALLORY).await;
    let (alice, mallory) = (alice["access_token"].as_str().unwrap(), mallory["access_token"].as_str().unwrap());
    let before: Value = scene.exchange(CONTOSO, alice, &[]).await.json().await.unwrap();
    let grant = json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph", "scopes": ["Mail.Read"] });
    scene.lab("/lab/grants/revoke", grant.clone()).await;
    let (status, error, number, suberror) = refusal(scene.exchange(CONTOSO, alice, &[]).await).await;
    assert_eq!(
        (status, error.as_str(), number, suberror.as_deref()),
        (400, "invalid_grant", 65001, Some("consent_required"))
    );
    assert_eq!(scene.exchange(CONTOSO, alice, &[("scope", "User.Read")]).await.status(), 200);
    assert_eq!(scene.exchange(FABRIKAM, mallory, &[]).await.status(), 200);
    // `revocation: real`: Graph honours what was issued before.
    let issued = before["access_token"].as_str().unwrap();
    assert!(principal(scene.running.state(), issued).is_ok());
    scene.lab("/lab/grants/consent", grant).await;
    assert_eq!(scene.exchange(CONTOSO, alice, &[]).await.status(), 200);
}

#[tokio::test]
async fn revoked_sessions_and_disabled_users_get_nothing_more() {
    let scene = scene().await;
    let alice = scene.signed_in(CONTOSO, ALICE).await;
    let token = alice["access_token"].as_str().unwrap();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT),
        ("refresh_token", alice["refresh_token"].as_str().unwrap()),
    ];
    scene.lab("/lab/users/revoke-sessions", json!({ "tenant": "contoso", "user": ALICE })).await;
    let (status, error, number, suberror) = refusal(scene.token(CONTOSO, &refresh).await).await;
    assert_eq!((status, error.as_str(), number, suberror.as_deref()), (400, "invalid_grant", 50173, Some("bad_token")));
    assert_eq!(refused(scene.exchange(CONTOSO, token, &[]).await).await, no(400, "invalid_grant", 50173));
    // The same instant, and a new sign-in is good.
    let again = scene.signed_in(CONTOSO, ALICE).await;
    assert_eq!(scene.exchange(CONTOSO, again["access_token"].as_str().unwrap(), &[]).await.status(), 200);
    scene.lab("/lab/users/update", json!({ "tenant": "contoso", "user": ALICE, "enabled": false })).await;
    let disabled = scene.exchange(CONTOSO, again["access_token"].as_str().unwrap(), &[]).await;
    assert_eq!(refused(disabled).await, no(400, "invalid_grant", 50057));
}

#[tokio::test]
async fn a_key_signs_for_its_own_issuer_alone() {
    let scene = scene().await;
    let alice = scene.signed_in(CONTOSO, ALICE).await;
    let claims = claims(alice["access_token"].as_str().unwrap());
    let plan = fixtures::Plan::embedded().unwrap();
    let forged = |index: usize| {
        let key = &plan.keys[index];
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        header.kid = Some(key.kid.clone());
        let private = jsonwebtoken::EncodingKey::from_rsa_pem(key.private_pem.as_bytes()).unwrap();
        jsonwebtoken::encode(&header, &claims, &private).unwrap()
    };
    assert_eq!(scene.exchange(CONTOSO, &forged(0), &[]).await.status(), 200, "the control: the tenant's own key");
    let consumers = scene.exchange(CONTOSO, &forged(2), &[]).await;
    assert_eq!(refused(consumers).await, no(400, "invalid_grant", 50013), "the key of personal accounts");
}

#[tokio::test]
async fn strict_revocation_refuses_at_once_what_real_graph_would_honour() {
    let scene = scene_with(Options { revocation: Revocation::Strict, ..Options::default() }).await;
    let alice = scene.signed_in(CONTOSO, ALICE).await;
    let graph: Value =
        scene.exchange(CONTOSO, alice["access_token"].as_str().unwrap(), &[]).await.json().await.unwrap();
    let token = graph["access_token"].as_str().unwrap();
    assert!(principal(scene.running.state(), token).is_ok());
    let grant = json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph", "scopes": ["Mail.Read"] });
    scene.lab("/lab/grants/revoke", grant).await;
    let refused = principal(scene.running.state(), token).unwrap_err();
    assert!(matches!(refused, GraphAuthFailure::Revoked(_)), "{refused}");
}
