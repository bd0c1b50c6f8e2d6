//! The gate: who is let in, and how fast it closes.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use connector::host::{Closed, HostConfig, HostParts, HostStartError, OrganizationConfig, OrganizationsError};

use crate::issuer::{ALICE, CONTOSO, FABRIKAM};
use crate::scene::{Scene, read};

const EVERYTHING: [(&str, &str); 5] = [
    ("POST", "/api/connect"),
    ("POST", "/api/disconnect"),
    ("GET", "/api/tools"),
    ("POST", "/api/tools/outlook_email_search"),
    ("POST", "/api/organization"),
];

#[tokio::test]
async fn nobody_gets_in_without_an_api_token() {
    let scene = Scene::new().await;
    for (method, path) in EVERYTHING.into_iter().chain([("GET", "/api/me")]) {
        for token in [None, Some(""), Some("Bearer"), Some("Bearer wrong"), Some("Basic d3Jvbmc=")] {
            let mut request = scene.http.request(method.parse().unwrap(), scene.host.join(path).unwrap());
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path} {token:?}");
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
            assert_eq!(read(answer).await.code(), "UNAUTHENTICATED");
        }
    }
    let health = scene.http.get(scene.host.join("/api/health").unwrap()).send().await.unwrap();
    assert_eq!(read(health).await.body, json!({ "status": "ok" }));
}

#[tokio::test]
async fn a_person_of_no_organization_is_told_so() {
    let scene = Scene::new().await;
    for (method, path) in EVERYTHING {
        let answer = match method {
            "GET" => scene.get("pat", path).await,
            _ => scene.post("pat", path, json!({ "connectorEnabled": true })).await,
        };
        // The addresses that take other bodies say so only to members.
        if path == "/api/connect" || path.starts_with("/api/tools/") {
            let answer = scene.post("pat", path, json!({})).await;
            assert_eq!((answer.status, answer.code()), (403, "NOT_A_MEMBER"), "{path}");
            continue;
        }
        assert_eq!((answer.status, answer.code()), (403, "NOT_A_MEMBER"), "{path}");
    }
    let me = scene.get("pat", "/api/me").await;
    let nothing = json!({
        "user": "pat", "organization": null, "organizations": [], "connection": { "state": "not_connected" },
    });
    assert_eq!(me.body, nothing);
}

#[tokio::test]
async fn an_owner_switches_off_and_the_next_call_stops_and_stays_stopped_after_a_restart() {
    let mut scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    assert_eq!(scene.call("alice").await.status, 200);

    for user in ["alice", "mallory"] {
        let answer = scene.post(user, "/api/organization", json!({ "connectorEnabled": false })).await;
        assert_eq!((answer.status, answer.code()), (403, "NOT_AN_OWNER"), "{user}");
    }
    assert_eq!(scene.call("alice").await.status, 200);

    let off = scene.post("olga", "/api/organization", json!({ "connectorEnabled": false })).await;
    assert_eq!(off.body, json!({ "name": "contoso", "connectorEnabled": false }));
    let calls = scene.server.calls().len();
    for _ in 0..2 {
        for (method, path) in [("POST", "/api/tools/x"), ("GET", "/api/tools"), ("POST", "/api/connect")] {
            let answer = match method {
                "GET" => scene.get("alice", path).await,
                _ => scene.post("alice", path, json!({})).await,
            };
            assert_eq!((answer.status, answer.code()), (403, "CONNECTOR_DISABLED"), "{path}");
        }
        scene.close().await;
        scene.open().await;
    }
    assert_eq!(scene.server.calls().len(), calls);
    assert_eq!(scene.issuer.asked("refresh_token").len(), 0);

    scene.post("olga", "/api/organization", json!({ "connectorEnabled": true })).await;
    assert_eq!(scene.call("alice").await.status, 200, "the tokens were sealed, not lost");
    let gone = scene.post("alice", "/api/disconnect", Value::Null).await;
    assert_eq!(gone.status, 200, "disconnecting takes no body to speak of: {gone:?}");
}

#[tokio::test]
async fn what_the_host_decides_the_server_admits() {
    let mut scene = Scene::new().await;
    scene.close().await;
    let config = scene.config().with_organization(
        "northwind",
        OrganizationConfig { tenants: vec![FABRIKAM.to_owned()], ..OrganizationConfig::default() },
    );
    let parts = HostParts::open(config, scene.surroundings()).unwrap();
    let doors = parts.doors();
    let organizations = doors.organizations();
    let tenant = |id: &str| Uuid::parse_str(id).unwrap();
    assert_eq!(organizations.admit_tenant(tenant(CONTOSO)), Ok(()));
    assert_eq!(organizations.admit_tenant(tenant(FABRIKAM)), Ok(()), "one of its two organizations has it on");
    assert_eq!(organizations.admit_tenant(tenant(ALICE)), Err(Closed::TenantNotEnabled));
}

#[tokio::test]
async fn a_configuration_that_would_mean_something_else_is_refused() {
    let mut scene = Scene::new().await;
    scene.close().await;
    let unknown = OrganizationConfig { members: vec!["nobody".into()], ..OrganizationConfig::default() };
    let domain = OrganizationConfig { tenants: vec!["contoso.example".to_owned()], ..OrganizationConfig::default() };
    for organization in [unknown, domain] {
        let config = scene.config().with_organization("x", organization);
        assert!(matches!(
            HostParts::open(config, scene.surroundings()),
            Err(HostStartError::Organizations(
                OrganizationsError::UnknownUser { .. } | OrganizationsError::Tenant { .. }
            ))
        ));
    }
    for tenant in ["", "..", "a/b", "a?b", "a#b", "-a", "a b"] {
        let mut config = scene.config();
        config.authority_tenant = tenant.to_owned();
        let outcome = HostParts::open(config, scene.surroundings());
        assert!(matches!(outcome, Err(HostStartError::AuthorityTenant(_))), "{tenant}");
    }
    let mut config = scene.config();
    config.vault_key_env = Some("ALSO".to_owned());
    assert!(matches!(HostParts::open(config, scene.surroundings()), Err(HostStartError::Key(_))));
    let mut surroundings = scene.surroundings();
    surroundings.public_url = "http://host.example/".parse().unwrap();
    assert!(matches!(HostParts::open(scene.config(), surroundings), Err(HostStartError::PublicUrl(_))));
}

#[test]
fn the_documented_section_is_read_and_a_misspelt_key_is_not() {
    let text = r#"
        listen = "127.0.0.1:8446"
        client_id = "c11e4700-0365-4c11-a0ff-11e036500001"
        vault_key_file = "/run/secrets/vault-key"

        [users.alice]
        token_sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

        [organizations.contoso]
        enabled = true
        members = ["alice"]
        tenants = ["aaaaaaaa-0365-4c11-a0ff-00000000000a"]
    "#;
    let config: HostConfig = toml::from_str(text).unwrap();
    assert_eq!(config.authority_tenant, "organizations");
    assert!(config.organizations[&"contoso".into()].enabled);
    for (right, wrong) in
        [("client_id", "clientid"), ("members", "member"), ("token_sha256", "token"), ("a08\"", "a0\"")]
    {
        assert!(toml::from_str::<HostConfig>(&text.replace(right, wrong)).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn unknown_addresses_and_other_bodies_get_clear_answers() {
    let scene = Scene::new().await;
    assert_eq!(scene.get("alice", "/api/nothing").await.code(), "NOT_FOUND");
    assert_eq!(scene.get("alice", "/api/connect").await.code(), "METHOD_NOT_ALLOWED");
    let form = scene.http.post(scene.host.join("/api/connect").unwrap()).bearer_auth(crate::scene::api_token("alice"));
    let answer = read(form.body("loginHint=x").send().await.unwrap()).await;
    assert_eq!((answer.status, answer.code()), (415, "JSON_REQUIRED"));
}
