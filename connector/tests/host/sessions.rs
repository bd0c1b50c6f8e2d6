//! Browser sessions: begun by whoever the identity says is there, changing nothing without the page's own proof.

use std::sync::Arc;

use connector::host::{
    HostConfig, HostParts, HostStartError, IdentityConfig, OrganizationConfig, Proxied, Surroundings,
};
use http::Method;
use serde_json::json;

use crate::issuer::{ALICE, CONTOSO, FABRIKAM};
use crate::scene::{Scene, api_token, read};

#[tokio::test]
async fn a_picked_person_has_a_session_and_signs_out() {
    let scene = Scene::new().await;
    let shown = read(scene.http.get(scene.host.join("/api/session").unwrap()).send().await.unwrap()).await;
    assert_eq!(
        shown.body,
        json!({ "session": null, "choices": [
            { "organization": "contoso", "members": ["alice", "bob", "olga"] },
            { "organization": "fabrikam", "members": ["mallory"] },
            { "organization": null, "members": ["pat"] },
        ] })
    );
    let alice = scene.browser("alice").await;
    assert_eq!(alice.ask(Method::GET, "/api/me", None).await.body["user"], "alice");
    assert_eq!(alice.ask(Method::DELETE, "/api/session", None).await.body, json!({ "done": true }));
    assert_eq!(alice.ask(Method::GET, "/api/me", None).await.code(), "UNAUTHENTICATED");
    assert_eq!(
        scene.audit.of("alice"),
        [("sessionBegun".to_owned(), "ok".to_owned()), ("sessionEnded".to_owned(), "ok".to_owned())]
    );

    for nobody in [json!({}), json!({ "user": "nobody" }), json!({ "user": "alice", "organization": "fabrikam" })] {
        let request = scene.http.post(scene.host.join("/api/session").unwrap()).json(&nobody);
        let answer = read(request.send().await.unwrap()).await;
        assert!(["NO_SESSION", "NOT_A_MEMBER"].contains(&answer.code()), "{answer:?}");
    }
    let idle = scene.browser("alice").await;
    scene.clock.advance(13 * 3600);
    assert_eq!(idle.ask(Method::GET, "/api/me", None).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn another_site_changes_nothing_in_a_signed_in_browser() {
    let scene = Scene::new().await;
    let olga = scene.browser("olga").await;
    let own = scene.host.origin().ascii_serialization();
    let changes = [
        (Method::POST, "/api/organization", json!({ "connectorEnabled": false })),
        (Method::POST, "/api/connect", json!({})),
        (Method::POST, "/api/disconnect", json!({})),
        (Method::POST, "/api/chats", json!({})),
        (Method::PUT, "/api/tools/x", json!({ "on": false })),
        (Method::DELETE, "/api/session", json!({})),
    ];
    for (method, path, body) in changes {
        let attempts: [&[(&str, &str)]; 5] = [
            &[],
            &[("x-csrf-token", "wrong"), ("origin", &own)],
            &[("x-csrf-token", &olga.csrf), ("origin", "https://evil.example")],
            &[("x-csrf-token", &olga.csrf), ("origin", "null")],
            &[("x-csrf-token", &olga.csrf), ("origin", &own), ("sec-fetch-site", "same-site")],
        ];
        for headers in attempts {
            let answer = olga.sent(method.clone(), path, Some(body.clone()), headers).await;
            assert_eq!((answer.status, answer.code()), (403, "NOT_FROM_THIS_PAGE"), "{path} {headers:?}");
        }
    }
    let read_across = olga.sent(Method::GET, "/api/me", None, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(read_across.code(), "NOT_FROM_THIS_PAGE");
    let switched = olga.ask(Method::POST, "/api/organization", Some(json!({ "connectorEnabled": false }))).await;
    assert_eq!(switched.status, 200, "the control: {switched:?}");
}

#[tokio::test]
async fn a_sign_in_that_one_session_started_is_not_finished_in_anothers() {
    let scene = Scene::new().await;
    let (alice, bob) = (scene.browser("alice").await, scene.browser("bob").await);
    let started = bob.ask(Method::POST, "/api/connect", Some(json!({}))).await;
    let (code, state) = scene.issuer.sign_in(started.body["authorizationUrl"].as_str().unwrap(), CONTOSO, ALICE);
    let sign_in = started.cookie.unwrap();
    let back = [("code", code.as_str()), ("state", state.as_str())];
    // Bob's link in Alice's browser; and, worse, with Bob's cookie as well, as on a shared machine.
    for (cookies, expected) in [
        (alice.cookie.clone(), "OTHER_BROWSER"),
        (format!("{}; {sign_in}", alice.cookie), "OTHER_USER"),
        (sign_in.clone(), "OTHER_USER"),
    ] {
        let answer = scene.callback(&back, Some(&cookies)).await;
        assert_eq!(answer.code(), expected, "{cookies}");
    }
    for user in ["alice", "bob"] {
        assert_eq!(scene.connection(user).await, "not_connected");
    }
    let finished = scene.callback(&back, Some(&format!("{}; {sign_in}", bob.cookie))).await;
    assert_eq!(finished.status, 200, "the control: {finished:?}");
}

#[tokio::test]
async fn somebody_of_two_organizations_says_for_which_one() {
    let mut scene = Scene::new().await;
    scene.close().await;
    let second = OrganizationConfig {
        enabled: true,
        members: vec!["alice".into()],
        tenants: vec![FABRIKAM.to_owned()],
        ..OrganizationConfig::default()
    };
    let config = scene.config().with_organization("northwind", second);
    scene.open_config(config).await;
    let asked = |organization: Option<&'static str>| {
        let mut request = scene.http.get(scene.host.join("/api/tools").unwrap()).bearer_auth(api_token("alice"));
        if let Some(organization) = organization {
            request = request.header("offline365-organization", organization);
        }
        async { read(request.send().await.unwrap()).await.code().to_owned() }
    };
    assert_eq!(asked(None).await, "ORGANIZATION_REQUIRED");
    assert_eq!(asked(Some("contoso")).await, "NOT_CONNECTED");
    assert_eq!(asked(Some("northwind")).await, "NOT_CONNECTED");
    assert_eq!(asked(Some("fabrikam")).await, "NOT_A_MEMBER");
    let me = scene.get("alice", "/api/me").await;
    assert_eq!(me.body["organizations"], json!(["contoso", "northwind"]));
}

#[tokio::test]
async fn a_plan_for_one_person_has_no_connector_whatever_the_switch_says() {
    let mut scene = Scene::new().await;
    scene.close().await;
    for plan in ["free", "pro", "max"] {
        let mut config = scene.config();
        let contoso = config.organizations.get_mut(&"contoso".into()).unwrap();
        contoso.plan = serde_json::from_value(json!(plan)).unwrap();
        scene.open_config(config).await;
        assert_eq!(scene.post("alice", "/api/connect", json!({})).await.code(), "PLAN_WITHOUT_CONNECTOR", "{plan}");
        let switch = scene.post("olga", "/api/organization", json!({ "connectorEnabled": true })).await;
        assert_eq!(switch.code(), "PLAN_WITHOUT_CONNECTOR");
        assert_eq!(scene.get("mallory", "/api/tools").await.code(), "NOT_CONNECTED", "nobody else notices");
        scene.close().await;
    }
}

#[tokio::test]
async fn with_a_proxy_the_session_is_whoever_the_proxy_says() {
    let mut scene = Scene::new().await;
    scene.close().await;
    let proxied = || -> Arc<Proxied> {
        Arc::new(Proxied::new("x-user".to_owned(), "x-proof".to_owned(), "s3cret".to_owned().into()))
    };
    scene.open_with(|parts| parts.with_identity(proxied())).await;
    let sign_in = |headers: &'static [(&'static str, &'static str)]| {
        let mut request = scene.http.post(scene.host.join("/api/session").unwrap()).json(&json!({ "user": "olga" }));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        async { read(request.send().await.unwrap()).await }
    };
    assert_eq!(sign_in(&[("x-user", "olga")]).await.code(), "NO_SESSION");
    let begun = sign_in(&[("x-user", "alice"), ("x-proof", "s3cret")]).await;
    assert_eq!(begun.body["session"]["user"], "alice", "what the browser says does not count");
    let cookie = begun.cookie.unwrap();
    let me = |user: &'static str| {
        let request = scene.http.get(scene.host.join("/api/me").unwrap()).header("cookie", &cookie);
        let request = request.header("x-user", user).header("x-proof", "s3cret");
        async { read(request.send().await.unwrap()).await }
    };
    assert_eq!(me("alice").await.body["user"], "alice");
    assert_eq!(me("bob").await.code(), "UNAUTHENTICATED", "the proxy says somebody else is there now");
    assert_eq!(me("alice").await.code(), "UNAUTHENTICATED", "and the session is over");
}

#[tokio::test]
async fn people_pick_who_they_are_on_this_machine_only() {
    let mut scene = Scene::new().await;
    scene.close().await;
    let surroundings = || Surroundings { public_url: "https://host.example/".parse().unwrap(), ..scene.surroundings() };
    let refused = HostParts::open(scene.config(), surroundings());
    assert!(matches!(refused, Err(HostStartError::PickedElsewhere(_))));
    let config = HostConfig { identity: IdentityConfig::ApiTokens, ..scene.config() };
    assert!(HostParts::open(config, surroundings()).is_ok());
}
