//! Admin consent.

use serde_json::{Value, json};

use crate::scene::*;

#[tokio::test]
async fn an_administrator_lets_the_client_and_its_server_in_again() {
    let scene = scene().await;
    let lost = [("m365-client", "m365-server"), ("m365-server", "graph")];
    for (client, resource) in lost {
        scene.lab("/lab/grants/revoke", json!({ "tenant": "contoso", "client": client, "resource": resource })).await;
    }
    let page = scene.authorize(CONTOSO, &[("login_hint", "alice@contoso.example")]).await;
    let session = cookie(&page);
    let mut silent = scene.login("contoso.example/oauth2/v2.0/authorize");
    silent.query_pairs_mut().extend_pairs(authorization(&[("prompt", "none")]));
    let refused = scene.http.get(silent).header("cookie", session).send().await.unwrap();
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
    let cookie = cookie(&page);
    let text = page.text().await.unwrap();
    assert!(text.contains("Offline365 Test Publisher") && text.contains("Mail.Read"), "{text}");
    let decide = async |accept: &str, cookie: &str| {
        let mut form = hidden(&text);
        form.push(("acceptConsent".to_owned(), accept.to_owned()));
        scene.http.post(scene.login(&action(&text))).header("cookie", cookie).form(&form).send().await.unwrap()
    };
    let nobody = decide("true", "").await;
    assert!(nobody.headers().get("location").is_none() && nobody.text().await.unwrap().contains("AADSTS165000"));
    let declined = decide("false", &cookie).await;
    assert_eq!(parameter(&declined, "error").unwrap(), "consent_required");
    assert_eq!(parameter(&declined, "admin_consent").unwrap(), "True");
    let accepted = decide("true", &cookie).await;
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
    assert!(page.text().await.unwrap().contains("AADSTS90094"));
}
