//! Users, as far as each scope shows them.

use crate::scene::{ALL, Scene};

#[tokio::test]
async fn the_basic_scope_shows_the_basic_profile_of_others() {
    let scene = Scene::new().await;
    let path = "/users/bob@contoso.example";
    assert_eq!(
        scene.caller(fixtures::cast::ALICE, "User.Read").get(path).await.code(),
        "403 Authorization_RequestDenied"
    );
    let basic = scene.caller(fixtures::cast::ALICE, "User.ReadBasic.All").get(path).await.json();
    assert_eq!((&basic["displayName"], &basic["jobTitle"]), (&"Bob Meyer".into(), &serde_json::Value::Null));
    let all = scene.caller(fixtures::cast::ALICE, "User.Read.All").get(path).await.json();
    assert_eq!(all["jobTitle"], "Account Manager");
}

#[tokio::test]
async fn people_of_another_tenant_do_not_exist() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    for stranger in ["mallory@fabrikam.example", "nobody@contoso.example", "11111111-1111-1111-1111-111111111111"] {
        assert_eq!(alice.get(&format!("/users/{stranger}")).await.code(), "404 Request_ResourceNotFound");
    }
    let listed = alice.all("/users?$top=3").await;
    assert_eq!(listed.len(), scene.plan.tenant("contoso").unwrap().people.len());
    assert!(!serde_json::to_string(&listed).unwrap().contains("mallory"));
}

#[tokio::test]
async fn users_are_filtered_and_searched() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let names = |values: Vec<serde_json::Value>| {
        values.iter().map(|user| user["displayName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(alice.get("/users?$filter=startswith(displayName,'bob')").await.values()), ["Bob Meyer"]);
    assert_eq!(names(alice.get("/users?$filter=mail eq 'CAROL@contoso.example'").await.values()), ["Carol Nguyen"]);
    let searched =
        alice.get_with("/users?$search=\"displayName:oka\"&$count=true", "ConsistencyLevel", "eventual").await;
    assert_eq!(names(searched.values()), ["Dave Okafor"]);
    assert_eq!(searched.json()["@odata.count"], 1);
    // The basic profile does not answer questions about what it hides.
    assert!(alice.get("/users?$filter=jobTitle eq 'Recruiter'").await.values().is_empty());
    let reader = scene.caller(fixtures::cast::ALICE, "User.Read.All");
    assert_eq!(names(reader.get("/users?$filter=jobTitle eq 'Recruiter'").await.values()), ["Erin Sato"]);
}

#[tokio::test]
async fn a_guest_has_no_mailbox_here() {
    let scene = Scene::new().await;
    let gina = scene.caller(fixtures::cast::GINA_GUEST, ALL);
    assert_eq!(gina.get("/me/messages").await.code(), "404 MailboxNotEnabledForRESTAPI");
    assert_eq!(gina.get("/me").await.status, 200);
}
