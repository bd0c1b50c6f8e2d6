//! Admin consent.

use serde_json::{Value, json};

use crate::authorize::context_of;
use crate::scene::*;

#[tokio::test]
async fn an_administrator_lets_the_client_and_its_server_in_again() {
    let scene = scene().await;
    let lost = [("m365-client", "m365-server"), ("m365-server", "graph")];
    for (client, resource) in lost {
        scene.lab("/lab/grants/revoke", json!({ "tenant": "contoso", "client": client, "resource": resource })).await;
    }
    let refused = scene.authorize(CONTOSO, &[("login_hint", "alice@contoso.example")]).await;
    assert_eq!(parameter(&refused, "error").unwrap(), "consent_required");

    let mut url = scene.login("contoso.example/v2.0/adminconsent");
    let scope = "api://5e12e400-0365-4c11-a0ff-11e036500002/.default";
    let query = [
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("scope", scope),
        ("state", "7"),
        ("login_hint", "admin@contoso.example"),
    ];
    url.query_pairs_mut().extend_pairs(query);
    let page = scene.http.get(url.clone()).send().await.unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let text = page.text().await.unwrap();
    assert!(text.contains("Offline365 Test Publisher") && text.contains("Mail.Read"), "{text}");
    let context = context_of(&text);
    let decide = async |decision: &str, cookie: &str| {
        let form = [("ctx", context.as_str()), ("decision", decision)];
        let post = scene.http.post(scene.login("contoso.example/v2.0/adminconsent")).header("cookie", cookie);
        post.form(&form).send().await.unwrap()
    };
    let nobody = decide("accept", "").await;
    assert!(nobody.headers().get("location").is_none() && nobody.text().await.unwrap().contains("AADSTS50058"));
    let declined = decide("cancel", &cookie).await;
    assert_eq!(parameter(&declined, "error").unwrap(), "consent_required");
    assert_eq!(parameter(&declined, "admin_consent").unwrap(), "True");
    let accepted = decide("accept", &cookie).await;
    assert_eq!(parameter(&accepted, "admin_consent").unwrap(), "True");
    assert_eq!(parameter(&accepted, "tenant").unwrap(), "c0ff1e00-0365-4c11-8c0a-0000c0a70050");
    assert_eq!(parameter(&accepted, "state").unwrap(), "7");

    let alice = scene.signed_in(CONTOSO, "alice@contoso.example").await;
    let graph = scene.exchange(CONTOSO, alice["access_token"].as_str().unwrap(), &[]).await;
    assert_eq!(graph.status(), 200);
    let grants = scene.http.get(scene.running.lab.join("/lab/grants?tenant=contoso").unwrap()).send().await.unwrap();
    let grants: Value = grants.json().await.unwrap();
    assert!(grants.as_array().unwrap().iter().all(|grant| grant["principal"].is_null()));
}

#[tokio::test]
async fn nobody_else_may_consent_for_everybody() {
    let scene = scene().await;
    let mut url = scene.login("contoso.example/adminconsent");
    let query = [("client_id", CLIENT), ("redirect_uri", REDIRECT), ("login_hint", "alice@contoso.example")];
    url.query_pairs_mut().extend_pairs(query);
    let page = scene.http.get(url).send().await.unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(page.text().await.unwrap().contains("AADSTS90094"));
    let before = scene.running.state().world().directory_fingerprint();
    let context = format!("client_id={CLIENT}&redirect_uri=http%3A%2F%2Flocalhost%3A8400");
    let post = scene.http.post(scene.login("contoso.example/adminconsent")).header("cookie", cookie);
    let answer = post.form(&[("ctx", context.as_str()), ("decision", "accept")]).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("AADSTS90094"));
    assert_eq!(scene.running.state().world().directory_fingerprint(), before);
}
