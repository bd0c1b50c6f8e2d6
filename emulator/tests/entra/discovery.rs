//! Documents.

use serde_json::Value;

use crate::scene::{CONTOSO, scene};

#[tokio::test]
async fn a_domain_in_any_case_gives_the_document_of_its_guid() {
    let scene = scene().await;
    let mut documents = Vec::new();
    for tenant in
        [CONTOSO, "CONTOSO.Example", "c0ff1e00-0365-4c11-8c0a-0000c0a70050", "C0FF1E00-0365-4C11-8C0A-0000C0A70050"]
    {
        let url = scene.login(&format!("{tenant}/v2.0/.well-known/openid-configuration"));
        let answer = scene.http.get(url).send().await.unwrap();
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert_eq!(answer.headers()["cache-control"], "max-age=86400, private");
        documents.push(answer.json::<Value>().await.unwrap());
    }
    assert!(documents.windows(2).all(|two| two[0] == two[1]));
    let origin = scene.running.login.as_str().trim_end_matches('/');
    let document = documents[0].to_string().replace(origin, "https://login");
    let graph = scene.running.graph.as_str().trim_end_matches('/').to_owned();
    let document: Value = serde_json::from_str(&document.replace(&graph, "https://graph")).unwrap();
    insta::assert_json_snapshot!("tenant_document_v2", document);
}

#[tokio::test]
async fn an_endpoint_for_many_tenants_has_a_template_for_an_issuer() {
    let scene = scene().await;
    for (path, issuer) in [
        ("common/v2.0/", "{login}/{tenantid}/v2.0"),
        ("Organizations/v2.0/", "{login}/{tenantid}/v2.0"),
        ("common/", "https://sts.windows.net/{tenantid}/"),
        ("contoso.example/", "https://sts.windows.net/c0ff1e00-0365-4c11-8c0a-0000c0a70050/"),
    ] {
        let url = scene.login(&format!("{path}.well-known/openid-configuration"));
        let document: Value = scene.http.get(url).send().await.unwrap().json().await.unwrap();
        let expected = issuer.replace("{login}", scene.running.login.as_str().trim_end_matches('/'));
        assert_eq!(document["issuer"], expected, "{path}");
        assert!(document.get("code_challenge_methods_supported").is_none());
        assert!(document.get("registration_endpoint").is_none());
    }
}

#[tokio::test]
async fn an_unknown_tenant_is_refused_in_the_services_shape() {
    let scene = scene().await;
    for path in ["nowhere.example/v2.0/.well-known/openid-configuration", "contoso/discovery/v2.0/keys"] {
        let answer = scene.http.get(scene.login(path)).send().await.unwrap();
        assert_eq!(crate::scene::refused(answer).await, crate::scene::no(400, "invalid_tenant", 90002));
    }
}

#[tokio::test]
async fn each_key_names_its_issuer_and_only_in_the_v2_document() {
    let scene = scene().await;
    let keys =
        async |path: &str| -> Value { scene.http.get(scene.login(path)).send().await.unwrap().json().await.unwrap() };
    let v2 = keys("common/discovery/v2.0/keys").await;
    let origin = scene.running.login.as_str().trim_end_matches('/').to_owned();
    let issuers: Vec<_> = v2["keys"].as_array().unwrap().iter().map(|key| key["issuer"].as_str().unwrap()).collect();
    let template = format!("{origin}/{{tenantid}}/v2.0");
    let consumers = format!("{origin}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0");
    assert_eq!(issuers, [template.as_str(), &template, &consumers]);
    for key in v2["keys"].as_array().unwrap() {
        assert_eq!(key["kid"], key["x5t"]);
        assert!(key["n"].as_str().unwrap().len() > 300 && key["e"] == "AQAB" && key["x5c"][0].is_string());
    }
    let v1 = keys("contoso.example/discovery/keys").await;
    assert!(v1["keys"].as_array().unwrap().iter().all(|key| key.get("issuer").is_none()));
}

#[tokio::test]
async fn instance_discovery_knows_itself_and_the_public_cloud() {
    let scene = scene().await;
    let ask = async |endpoint: &str| {
        let mut url = scene.login("common/discovery/instance");
        url.query_pairs_mut().append_pair("api-version", "1.1").append_pair("authorization_endpoint", endpoint);
        scene.http.get(url).send().await.unwrap()
    };
    let own = format!("{}contoso.example/oauth2/v2.0/authorize", scene.running.login);
    let body: Value = ask(&own).await.json().await.unwrap();
    assert!(
        body["tenant_discovery_endpoint"]
            .as_str()
            .unwrap()
            .ends_with("/contoso.example/v2.0/.well-known/openid-configuration")
    );
    assert_eq!(ask("https://login.microsoftonline.com/common/oauth2/v2.0/authorize").await.status(), 200);
    let refused = crate::scene::refused(ask("https://evil.example/common/oauth2/v2.0/authorize").await).await;
    assert_eq!(refused, crate::scene::no(400, "invalid_instance", 50049));
}
