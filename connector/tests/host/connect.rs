//! Connecting: the round trip, and every way in which it must not end with tokens in the vault.

use axum::body::Body;
use connector::host::{HostConfig, HostParts, IdentityConfig, Surroundings, router};
use serde_json::json;
use tower::ServiceExt as _;

use crate::issuer::{ALICE, BOB, CONTOSO, FABRIKAM, PERSONAL};
use crate::scene::{Scene, api_token, read};

#[tokio::test]
async fn a_member_connects_and_calls_a_tool_as_themselves() {
    let scene = Scene::new().await;
    assert_eq!(scene.connection("alice").await, "not_connected");
    assert_eq!(scene.call("alice").await.code(), "NOT_CONNECTED");

    scene.connect("alice", ALICE).await;
    scene.connect("bob", BOB).await;
    let me = scene.get("alice", "/api/me").await;
    assert_eq!(
        me.body,
        json!({
            "user": "alice",
            "organization": {
                "name": "contoso", "plan": "team", "owner": false, "connectorEnabled": true,
                "members": ["alice", "bob", "olga"],
            },
            "organizations": ["contoso"],
            "connection": { "state": "connected", "account": {
                "tenant": CONTOSO, "object_id": ALICE, "username": "alice@contoso.example", "display_name": "Alice",
            } },
        })
    );
    for (user, oid) in [("alice", ALICE), ("bob", BOB)] {
        let called = scene.call(user).await;
        assert_eq!(called.status, 200, "{called:?}");
        assert_eq!(called.body["result"]["structuredContent"]["calledBy"], oid);
    }
}

#[tokio::test]
async fn the_authorization_request_asks_for_the_server_and_for_nothing_of_graph() {
    let scene = Scene::new().await;
    let (url, _) = scene.start("alice").await;
    let url: url::Url = url.parse().unwrap();
    assert_eq!(url.path(), "/organizations/oauth2/v2.0/authorize");
    let query: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(
        query["scope"],
        "api://5e12e400-0365-4c11-a0ff-11e036500002/access_as_user openid profile offline_access"
    );
    assert_eq!(query["redirect_uri"], scene.host.join("/connect/callback").unwrap().as_str());
    assert_eq!(query["response_mode"], "query");
    for secret in ["state", "nonce", "code_challenge"] {
        assert_eq!(query[secret].len(), 43, "{secret}");
    }
    let (again, _) = scene.start("alice").await;
    assert_ne!(url.as_str(), again);
}

#[tokio::test]
async fn the_cookie_stays_on_https_and_on_this_origin() {
    let mut scene = Scene::new().await;
    scene.close().await;
    for (public_url, expected) in [
        ("https://host.example/", "__Host-offline365-sign-in=; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure"),
        ("http://localhost:8446/", "offline365-sign-in=; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"),
    ] {
        let surroundings = Surroundings { public_url: public_url.parse().unwrap(), ..scene.surroundings() };
        let config = HostConfig { identity: IdentityConfig::ApiTokens, ..scene.config() };
        let app = router(HostParts::open(config, surroundings).unwrap());
        let request =
            http::Request::post("/api/connect").header("authorization", format!("Bearer {}", api_token("alice")));
        let answer = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let (name, rest) = cookie.split_once('=').unwrap();
        let (value, attributes) = rest.split_once(';').unwrap();
        assert_eq!(value.len(), 43);
        assert_eq!(format!("{name}=;{attributes}"), expected);
    }
}

#[tokio::test]
async fn a_callback_that_nobody_started_connects_nobody() {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    for (query, cookie, expected) in [
        (vec![("code", code.as_str())], Some(cookie.as_str()), "UNKNOWN_SIGN_IN"),
        (vec![("code", &code), ("state", "made-up")], Some(&cookie), "UNKNOWN_SIGN_IN"),
        (vec![("code", &code), ("state", &state)], None, "OTHER_BROWSER"),
        (vec![("code", &code), ("state", &state)], Some("offline365-sign-in=made-up"), "OTHER_BROWSER"),
        (vec![("code", &code), ("state", &state), ("state", &state)], Some(&cookie), "INVALID_REQUEST"),
    ] {
        let answer = scene.callback(&query, cookie).await;
        assert_eq!((answer.status, answer.code()), (400, expected), "{query:?}");
    }
    assert_eq!(scene.connection("alice").await, "not_connected");
    assert_eq!(scene.issuer.asked("authorization_code").len(), 0, "no code is redeemed for a stranger");

    let finished = scene.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await;
    assert_eq!(finished.status, 200, "the control: {finished:?}");
    let again = scene.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await;
    assert_eq!(again.code(), "UNKNOWN_SIGN_IN", "a state is good for one callback");
}

#[tokio::test]
async fn a_link_that_one_user_started_is_not_finished_in_another_users_browser() {
    let scene = Scene::new().await;
    let (bobs_link, _) = scene.start("bob").await;
    let (_, alices_cookie) = scene.start("alice").await;
    // Bob sends Alice his link; she signs in; her browser comes back with her own cookie, or with none.
    let (code, state) = scene.issuer.sign_in(&bobs_link, CONTOSO, ALICE);
    for cookie in [Some(alices_cookie.as_str()), None] {
        let answer = scene.callback(&[("code", &code), ("state", &state)], cookie).await;
        assert_eq!(answer.code(), "OTHER_BROWSER");
    }
    assert_eq!(scene.connection("bob").await, "not_connected");
    assert_eq!(scene.connection("alice").await, "not_connected");
}

#[tokio::test]
async fn a_callback_that_says_it_is_from_another_user_connects_nobody() {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("bob").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    let request = scene
        .http
        .get(scene.host.join("/connect/callback").unwrap())
        .query(&[("code", &code), ("state", &state)])
        .header("cookie", &cookie)
        .header("accept", "application/json")
        .bearer_auth(api_token("alice"));
    let answer = read(request.send().await.unwrap()).await;
    assert_eq!(answer.code(), "OTHER_USER");
    assert_eq!(scene.connection("bob").await, "not_connected");
}

#[tokio::test]
async fn a_sign_in_is_given_up_after_ten_minutes() {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    scene.clock.advance(600);
    let answer = scene.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await;
    assert_eq!(answer.code(), "UNKNOWN_SIGN_IN");
}

#[tokio::test]
async fn an_id_token_that_does_not_prove_this_sign_in_connects_nobody() {
    let now = 1_768_208_400;
    for (claim, value) in [
        ("nonce", json!("of another sign-in")),
        ("nonce", json!(null)),
        ("aud", json!("5e12e400-0365-4c11-a0ff-11e036500002")),
        ("aud", json!([crate::issuer::CLIENT])),
        ("iss", json!(format!("https://login.example/{CONTOSO}/v2.0"))),
        ("iss", json!("{tenantid}")),
        ("tid", json!(FABRIKAM)),
        ("tid", json!("contoso.example")),
        ("ver", json!("1.0")),
        ("oid", json!(null)),
        ("exp", json!(now - 61)),
        ("nbf", json!(now + 61)),
        ("nbf", json!(null)),
    ] {
        let scene = Scene::new().await;
        scene.issuer.forge(claim, value.clone());
        let (url, cookie) = scene.start("alice").await;
        let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
        let answer = scene.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await;
        assert_eq!((answer.status, answer.code()), (400, "IDENTITY_NOT_PROVEN"), "{claim} = {value}: {answer:?}");
        assert_eq!(scene.connection("alice").await, "not_connected", "{claim}");
    }
}

#[tokio::test]
async fn a_key_of_another_issuer_proves_nobody() {
    let mut scene = Scene::new().await;
    for issuer in [Some(format!("{}{PERSONAL}/v2.0", scene.issuer.login)), Some("{tenantid}".to_owned()), None] {
        scene.close().await;
        scene.issuer.set_issuer_of_key(issuer.clone());
        scene.open().await;
        let (url, cookie) = scene.start("alice").await;
        let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
        let answer = scene.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await;
        assert_eq!(answer.code(), "IDENTITY_NOT_PROVEN", "{issuer:?}");
    }
}

#[tokio::test]
async fn two_callbacks_at_once_redeem_one_code() {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    let query = [("code", code.as_str()), ("state", &state)];
    scene.issuer.hold();
    let second = async {
        scene.issuer.arrival().await;
        let answer = scene.callback(&query, Some(&cookie)).await;
        scene.issuer.release();
        answer
    };
    let (first, second) = tokio::join!(scene.callback(&query, Some(&cookie)), second);
    assert_eq!((first.status, second.code()), (200, "UNKNOWN_SIGN_IN"));
    assert_eq!(scene.issuer.asked("authorization_code").len(), 1);
}

#[tokio::test]
async fn an_issuer_that_names_itself_wrongly_connects_nobody() {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    let query = [("code", code.as_str()), ("state", &state), ("iss", "https://evil.example")];
    assert_eq!(scene.callback(&query, Some(&cookie)).await.code(), "IDENTITY_NOT_PROVEN");
    assert_eq!(scene.connection("alice").await, "not_connected");
}

#[tokio::test]
async fn an_account_of_a_tenant_that_the_organization_does_not_have_is_refused() {
    let scene = Scene::new().await;
    for (tenant, expected) in [(FABRIKAM, "TENANT_NOT_ENABLED"), (PERSONAL, "PERSONAL_ACCOUNT")] {
        let (url, cookie) = scene.start("alice").await;
        let (code, state) = scene.issuer.sign_in(&url, tenant, ALICE);
        let answer = scene.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await;
        assert_eq!((answer.status, answer.code()), (403, expected));
        assert_eq!(scene.connection("alice").await, "not_connected");
    }
}

#[tokio::test]
async fn the_issuers_refusals_are_told_honestly_and_in_our_words() {
    let scene = Scene::new().await;
    for (error, description, code) in [
        ("access_denied", "AADSTS65004: User declined", "SIGN_IN_DECLINED"),
        ("access_denied", "the user cancelled", "SIGN_IN_DECLINED"),
        ("invalid_grant", "AADSTS65001: <b>consent</b>", "ADMIN_CONSENT_REQUIRED"),
        ("interaction_required", "AADSTS50105: not assigned", "NOT_ASSIGNED"),
        ("unauthorized_client", "AADSTS700016: not found", "APP_NOT_IN_TENANT"),
        ("interaction_required", "AADSTS53003: blocked", "POLICY_BLOCKED"),
        ("server_error", "<script>alert(1)</script>", "SIGN_IN_FAILED"),
    ] {
        let (url, cookie) = scene.start("alice").await;
        let (_, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
        let query = [("error", error), ("error_description", description), ("state", &state)];
        let answer = scene.callback(&query, Some(&cookie)).await;
        assert_eq!((answer.status, answer.code()), (403, code));
        assert!(!answer.text.contains("AADSTS") && !answer.text.contains('<'), "{}", answer.text);
    }
    // The same from the token endpoint.
    scene.issuer.refuse(400, "invalid_grant", 65001);
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    let answer = scene.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await;
    assert_eq!(answer.code(), "ADMIN_CONSENT_REQUIRED");
    assert!(answer.body["error"]["message"].as_str().unwrap().contains("administrator"));
}

#[tokio::test]
async fn the_page_that_a_browser_gets_shows_nothing_that_came_in_the_address() {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("alice").await;
    let (_, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    let request = scene
        .http
        .get(scene.host.join("/connect/callback").unwrap())
        .query(&[("error", "<img src=x>"), ("error_description", "<script>larkspur</script>"), ("state", &state)])
        .header("cookie", &cookie);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(
        answer.headers()["content-security-policy"],
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'"
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    let text = answer.text().await.unwrap();
    assert!(!text.contains("larkspur") && !text.contains("<img") && !text.contains(&state), "{text}");
}

#[tokio::test]
async fn disconnecting_calls_off_a_sign_in_that_is_being_finished() {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    scene.issuer.hold();
    let query = [("code", code.as_str()), ("state", &state)];
    let disconnecting = async {
        scene.issuer.arrival().await;
        assert_eq!(scene.post("alice", "/api/disconnect", json!({})).await.status, 200);
        scene.issuer.release();
    };
    let (answer, ()) = tokio::join!(scene.callback(&query, Some(&cookie)), disconnecting);
    assert_eq!((answer.status, answer.code()), (409, "DISCONNECTED"));
    assert_eq!(scene.connection("alice").await, "not_connected");
}

#[tokio::test]
async fn an_owner_who_closes_the_gate_closes_it_for_a_sign_in_that_is_being_finished() {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    scene.issuer.hold();
    let query = [("code", code.as_str()), ("state", &state)];
    let disabling = async {
        scene.issuer.arrival().await;
        let off = scene.post("olga", "/api/organization", json!({ "connectorEnabled": false })).await;
        assert_eq!(off.status, 200);
        scene.issuer.release();
    };
    let (answer, ()) = tokio::join!(scene.callback(&query, Some(&cookie)), disabling);
    assert_eq!((answer.status, answer.code()), (403, "CONNECTOR_DISABLED"));
    assert_eq!(scene.connection("alice").await, "not_connected");
}

#[tokio::test]
async fn a_sign_in_that_comes_back_while_the_owner_switches_off_connects_nobody() {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    scene.issuer.hold();
    let switching = async {
        scene.issuer.arrival().await;
        let off = scene.post("olga", "/api/organization", json!({ "connectorEnabled": false })).await;
        assert_eq!(off.status, 200);
        scene.issuer.release();
    };
    let back = [("code", code.as_str()), ("state", state.as_str())];
    let (answer, ()) = tokio::join!(scene.callback(&back, Some(&cookie)), switching);
    assert_eq!((answer.status, answer.code()), (403, "CONNECTOR_DISABLED"));
    scene.post("olga", "/api/organization", json!({ "connectorEnabled": true })).await;
    assert_eq!(scene.connection("alice").await, "not_connected");
}
