//! An administrator's consent: the server's application first, then the client's, in one browser.

use std::collections::BTreeMap;

use serde_json::json;
use url::Url;

use crate::issuer::{CLIENT, CONTOSO, FABRIKAM, SERVER};
use crate::scene::{Answer, Scene, read};

#[tokio::test]
async fn both_applications_are_asked_for_in_order() {
    let scene = Scene::new().await;
    let (first, cookie) = start(&scene).await;
    assert_eq!(first["client_id"], SERVER);
    assert_eq!(first["scope"], "https://graph.microsoft.com/.default");
    assert_eq!(first["redirect_uri"], scene.host.join("/connect/admin-consent").unwrap().as_str());

    let (second, cookie) = next(&scene, &first, &cookie).await;
    assert_eq!(second["client_id"], CLIENT);
    assert_eq!(second["scope"], format!("api://{SERVER}/.default"));
    assert_ne!(first["state"], second["state"]);
    let done =
        back(&scene, &[("state", &second["state"]), ("tenant", CONTOSO), ("admin_consent", "True")], &cookie).await;
    assert_eq!(done.body, json!({ "consented": true }));
    let told: Vec<_> = scene.audit.of("olga").into_iter().map(|(event, _)| event).collect();
    assert_eq!(told, ["consentStarted", "consentFinished"]);
}

#[tokio::test]
async fn what_comes_back_otherwise_goes_no_further() {
    let scene = Scene::new().await;
    let (first, cookie) = start(&scene).await;
    let state = first["state"].as_str();
    for (query, with, code) in [
        (vec![("tenant", CONTOSO)], cookie.as_str(), "UNKNOWN_SIGN_IN"),
        (vec![("state", "made-up"), ("tenant", CONTOSO)], &cookie, "UNKNOWN_SIGN_IN"),
        (vec![("state", state), ("tenant", CONTOSO)], "offline365-consent=other", "OTHER_BROWSER"),
        (vec![("state", state), ("tenant", FABRIKAM)], &cookie, "TENANT_NOT_ENABLED"),
        (vec![("state", state), ("tenant", CONTOSO)], &cookie, "UNKNOWN_SIGN_IN"),
    ] {
        assert_eq!(back(&scene, &query, with).await.code(), code, "{query:?}");
    }
    let (first, cookie) = start(&scene).await;
    let declined = [
        ("state", first["state"].as_str()),
        ("admin_consent", "True"),
        ("error", "consent_required"),
        ("error_description", "AADSTS65004: <b>declined</b>"),
    ];
    let answer = back(&scene, &declined, &cookie).await;
    assert_eq!(answer.code(), "SIGN_IN_DECLINED");
    assert!(!answer.text.contains("<b>"), "{answer:?}");

    let elsewhere = scene.post("olga", "/api/admin-consent", json!({ "tenant": FABRIKAM })).await;
    assert_eq!(elsewhere.code(), "TENANT_NOT_ENABLED");
    scene.post("olga", "/api/organization", json!({ "connectorEnabled": false })).await;
    assert_eq!(scene.post("olga", "/api/admin-consent", json!({})).await.code(), "CONNECTOR_DISABLED");
    assert_eq!(scene.post("pat", "/api/admin-consent", json!({})).await.code(), "NOT_A_MEMBER");
}

async fn start(scene: &Scene) -> (BTreeMap<String, String>, String) {
    let started = scene.post("olga", "/api/admin-consent", json!({})).await;
    assert_eq!(started.status, 200, "{started:?}");
    let url: Url = started.body["authorizationUrl"].as_str().unwrap().parse().unwrap();
    assert_eq!(url.path(), format!("/{CONTOSO}/v2.0/adminconsent"));
    (url.query_pairs().into_owned().collect(), started.cookie.unwrap())
}

/// The browser comes back from one page and is sent to the next.
async fn next(scene: &Scene, query: &BTreeMap<String, String>, cookie: &str) -> (BTreeMap<String, String>, String) {
    let request = scene.http.get(scene.host.join("/connect/admin-consent").unwrap()).header("cookie", cookie);
    let answer = request.query(&[("state", query["state"].as_str()), ("tenant", CONTOSO)]).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let url: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    let cookie = read(answer).await.cookie.unwrap();
    (url.query_pairs().into_owned().collect(), cookie)
}

async fn back(scene: &Scene, query: &[(&str, &str)], cookie: &str) -> Answer {
    let request = scene.http.get(scene.host.join("/connect/admin-consent").unwrap()).query(query);
    read(request.header("cookie", cookie).header("accept", "application/json").send().await.unwrap()).await
}
