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

/// Every route of people, as somebody with these scopes gets it: status and code, or the names found.
#[tokio::test]
async fn what_stands_around_people_opens_with_its_scopes() {
    let scene = Scene::new().await;
    let organization = scene.plan.tenant("contoso").unwrap().id;
    let mut answers = std::collections::BTreeMap::new();
    for scopes in ["User.Read", "User.ReadBasic.All", "User.Read.All", "GroupMember.Read.All", "Directory.Read.All"] {
        let alice = scene.caller(fixtures::cast::ALICE, scopes);
        for path in [
            "/me/manager",
            "/me/directReports",
            "/users/carol@contoso.example/manager",
            "/me/memberOf",
            "/me/transitiveMemberOf/microsoft.graph.group",
            "/users/admin@contoso.example/memberOf",
            "/organization",
            "/organization/{id}",
            "/me/photo",
            "/users/alice@contoso.example/photos/48x48",
            "/users/bob@contoso.example/photo",
        ] {
            let reply = alice.get(&path.replace("{id}", &organization.to_string())).await;
            let told = if reply.status == 200 {
                let body = reply.json();
                let items = body["value"].as_array().cloned().unwrap_or_else(|| vec![body]);
                let name = |item: &serde_json::Value| {
                    item["displayName"]
                        .as_str()
                        .or(item["@odata.mediaContentType"].as_str())
                        .unwrap_or("null")
                        .to_owned()
                };
                items.iter().map(name).collect::<Vec<_>>().join(", ")
            } else {
                reply.code()
            };
            answers.insert(format!("{scopes} {path}"), told);
        }
    }
    insta::assert_json_snapshot!("around_people", answers);
}

#[tokio::test]
async fn a_photo_is_bytes_or_is_not_there() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read User.ReadBasic.All");
    let photo = alice.get("/me/photo/$value").await;
    assert_eq!((photo.status, photo.header("content-type")), (200, "image/png"));
    assert_eq!(photo.bytes, scene.plan.person(fixtures::cast::ALICE).unwrap().1.picture().unwrap());
    assert_eq!(alice.get("/me/photo").await.json()["id"], "48x48");
    assert_eq!(alice.get("/users/bob@contoso.example/photo/$value").await.code(), "404 ImageNotFound");
    assert_eq!(alice.get("/me/photos/648x648/$value").await.code(), "404 ImageNotFound");
}

#[tokio::test]
async fn nested_groups_and_roles_are_memberships() {
    let scene = Scene::new().await;
    let names = |values: Vec<serde_json::Value>| {
        let name = |item: &serde_json::Value| item["displayName"].as_str().unwrap_or_default().to_owned();
        values.iter().map(name).collect::<std::collections::BTreeSet<_>>()
    };
    let alice = scene.caller(fixtures::cast::ALICE, "Directory.Read.All");
    let direct = names(alice.get("/me/memberOf").await.values());
    let all = names(alice.get("/me/transitiveMemberOf").await.values());
    assert!(direct.contains("Finance") && !direct.contains("Assistant pilot"), "{direct:?}");
    assert!(all.contains("Assistant pilot") && all.is_superset(&direct), "{all:?}");
    let admin = alice.get("/users/admin@contoso.example/memberOf/microsoft.graph.directoryRole").await.values();
    assert_eq!(admin[0]["roleTemplateId"], "62e90394-69f5-4237-9190-012177145e10");
    assert_eq!(alice.get("/me/memberOf?$count=true").await.code(), "400 Request_UnsupportedQuery");
    let counted = alice.get_with("/me/memberOf?$count=true", "ConsistencyLevel", "eventual").await.json();
    assert_eq!(counted["@odata.count"], counted["value"].as_array().unwrap().len());
}

#[tokio::test]
async fn directory_objects_come_page_by_page() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, "Directory.Read.All");
    let manager = alice.get("/me/manager").await.json()["id"].as_str().unwrap().to_owned();
    for path in [format!("/users/{manager}/directReports"), "/me/transitiveMemberOf".to_owned()] {
        let whole = alice.get(&path).await.values();
        let first = alice.get(&format!("{path}?$top=1")).await.json();
        assert!(whole.len() > 1 && first["value"].as_array().unwrap().len() == 1, "{path}: {first}");
        assert_eq!(alice.all(&format!("{path}?$top=1")).await, whole, "{path}");
        assert_eq!(alice.get(&format!("{path}?$top=1000")).await.code(), "400 Request_UnsupportedQuery");
        let elsewhere = first["@odata.nextLink"].as_str().unwrap().replace("top=1", "top=2");
        assert_eq!(alice.get(&elsewhere).await.code(), "400 Request_UnsupportedQuery");
    }
}

#[tokio::test]
async fn queries_beyond_the_simple_ones_need_the_header() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read.All");
    for query in [
        "/users?$filter=endswith(mail,'contoso.example')",
        "/users?$filter=not startswith(displayName,'A')",
        "/users?$filter=userType ne 'Guest'",
        "/users?$count=true",
        "/users?$search=\"displayName:bob\"",
        "/users/$count",
    ] {
        assert_eq!(alice.get(query).await.code(), "400 Request_UnsupportedQuery", "{query}");
        assert_eq!(alice.get_with(query, "ConsistencyLevel", "Eventual").await.status, 200, "{query}");
    }
    let guests = alice.get_with("/users/$count?$filter=userType eq 'Guest'", "ConsistencyLevel", "eventual").await;
    let expected = scene.plan.tenant("contoso").unwrap().people.iter().filter(|person| person.home.is_some()).count();
    assert_eq!(String::from_utf8(guests.bytes).unwrap(), expected.to_string());
}

/// What a guest with every scope learns of a member, or the refusal.
async fn a_guest_looks_around(rules: emulator::rules::Rules) -> [String; 4] {
    let scene = Scene::with(emulator::Options { rules, ..emulator::Options::default() }).await;
    let gina = scene.caller(fixtures::cast::GINA_GUEST, "User.Read Directory.Read.All");
    let listed = gina.get("/users").await;
    let bob = gina.get("/users/bob@contoso.example?$select=displayName,userType,jobTitle,mobilePhone").await.json();
    let groups = gina.get("/users/bob@contoso.example/memberOf").await;
    [
        if listed.status == 200 { "lists".to_owned() } else { listed.code() },
        format!("{} {} {}", bob["displayName"], bob["userType"], bob["jobTitle"]),
        if groups.status == 200 { "sees groups".to_owned() } else { groups.code() },
        gina.get("/me").await.json()["displayName"].to_string(),
    ]
}

#[tokio::test]
async fn guests_see_whom_they_can_name_and_little_of_them() {
    let strict = emulator::rules::Rules::STRICT;
    let denied = "403 Authorization_RequestDenied";
    let seen = a_guest_looks_around(strict).await;
    assert_eq!(seen, [denied, "\"Bob Meyer\" \"Member\" null", denied, "\"Gina Rossi\""]);
    // Careless: guests are like everybody else.
    let careless = emulator::rules::Rules { directory: |_, _| emulator::rules::DirectorySight::Whole, ..strict };
    let seen = a_guest_looks_around(careless).await;
    assert_eq!(seen, ["lists", "\"Bob Meyer\" \"Member\" \"Account Manager\"", "sees groups", "\"Gina Rossi\""]);
}
