//! The authorization endpoint and its pages.

use emulator::{Options, SignIn};

use crate::scene::*;

const ALICE: &str = "alice@contoso.example";

#[tokio::test]
async fn a_hint_signs_in_and_state_comes_back() {
    let scene = scene().await;
    let answer = scene.authorize(CONTOSO, &[("login_hint", "ALICE@contoso.example"), ("client_info", "1")]).await;
    assert_eq!(answer.status(), 302);
    assert!(answer.headers()["location"].to_str().unwrap().starts_with("http://localhost:8400/?code="));
    assert_eq!(parameter(&answer, "state").unwrap(), "st<&\"te");
    assert!(parameter(&answer, "session_state").is_some() && parameter(&answer, "client_info").is_some());
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && !cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn response_modes_carry_the_same() {
    let scene = scene().await;
    let fragment = scene.authorize(CONTOSO, &[("login_hint", ALICE), ("response_mode", "fragment")]).await;
    assert!(fragment.headers()["location"].to_str().unwrap().starts_with("http://localhost:8400/#code="));
    let posted = scene.authorize(CONTOSO, &[("login_hint", ALICE), ("response_mode", "form_post")]).await;
    assert_eq!(posted.status(), 200);
    let page = posted.text().await.unwrap();
    assert!(page.contains("action=\"http://localhost:8400\"") && page.contains("name=\"code\""), "{page}");
    assert!(page.contains("value=\"st&lt;&amp;&quot;te\""), "every value is escaped: {page}");
    let unknown = scene.authorize(CONTOSO, &[("login_hint", ALICE), ("response_mode", "web_message")]).await;
    assert_eq!(parameter(&unknown, "error").unwrap(), "invalid_request");
}

#[tokio::test]
async fn a_person_signs_in_on_the_page_and_stays_signed_in() {
    let scene = scene_with(Options { sign_in: SignIn::Page, ..Options::default() }).await;
    let page = scene.authorize(CONTOSO, &[("login_hint", ALICE)]).await;
    assert_eq!(page.status(), 200);
    let text = page.text().await.unwrap();
    for part in [
        "method=post",
        "name=login",
        "name=passwd",
        "for=login",
        "for=passwd",
        "Alice Hansen",
        "value=\"alice@contoso.example\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("Ivan"), "a disabled user is no choice");
    assert!(!text.contains("Mallory"));

    let hidden = hidden(&text);
    let post = async |login: &str, password: &str| {
        let mut form = hidden.clone();
        form.extend([("login".to_owned(), login.to_owned()), ("passwd".to_owned(), password.to_owned())]);
        scene.http.post(scene.login("contoso.example/login")).form(&form).send().await.unwrap()
    };
    for (login, password, code) in [
        (ALICE, "wrong", "AADSTS50126"),
        ("nobody@contoso.example", "x", "AADSTS50126"),
        ("ivan@contoso.example", "Passw0rd!ivan", "AADSTS50057"),
        ("mallory@fabrikam.example", "wrong", "AADSTS50126"),
        ("mallory@fabrikam.example", "Passw0rd!mallory", "AADSTS50020"),
    ] {
        let again = post(login, password).await;
        assert_eq!(again.status(), 200);
        assert!(again.headers().get("set-cookie").is_none());
        assert!(again.text().await.unwrap().contains(code), "{login}");
    }
    let signed_in = post(ALICE, "Passw0rd!alice").await;
    assert_eq!(signed_in.status(), 302);
    assert!(parameter(&signed_in, "code").is_some());
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();

    let silent = async |changes: &[(&str, &str)], cookie: &str| {
        let mut url = scene.login("contoso.example/oauth2/v2.0/authorize");
        url.query_pairs_mut().extend_pairs(authorization(changes));
        scene.http.get(url).header("cookie", cookie).send().await.unwrap()
    };
    assert!(parameter(&silent(&[("prompt", "none")], &cookie).await, "code").is_some());
    assert_eq!(parameter(&silent(&[("prompt", "none")], "ESTSAUTH=forged").await, "error").unwrap(), "login_required");
    assert_eq!(silent(&[("prompt", "login")], &cookie).await.status(), 200, "asked anew");
    assert_eq!(silent(&[("prompt", "select_account")], &cookie).await.status(), 200, "asked anew");
    let foreign = scene.login("fabrikam.example/oauth2/v2.0/authorize");
    let mut foreign = foreign;
    foreign.query_pairs_mut().extend_pairs(authorization(&[("prompt", "none")]));
    let foreign = scene.http.get(foreign).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(parameter(&foreign, "error").unwrap(), "login_required", "a session of contoso is none of fabrikam");
}

#[tokio::test]
async fn what_may_be_forged_is_shown_on_a_page_and_never_sent_anywhere() {
    let scene = scene().await;
    for (tenant, changes, code) in [
        ("nowhere.example", [("login_hint", ALICE)], "AADSTS90002"),
        (CONTOSO, [("client_id", "00000000-0000-0000-0000-000000000001")], "AADSTS700016"),
        (CONTOSO, [("client_id", "")], "AADSTS900144"),
        (CONTOSO, [("client_id", "00000003-0000-0000-c000-000000000000")], "AADSTS700016"),
        (CONTOSO, [("redirect_uri", "https://evil.example/")], "AADSTS50011"),
        (CONTOSO, [("redirect_uri", "http://localhost:1@evil.example/")], "AADSTS50011"),
        (CONTOSO, [("redirect_uri", "javascript:alert(1)")], "AADSTS50011"),
    ] {
        let answer = scene.authorize(tenant, &changes).await;
        assert_eq!(answer.status(), 400, "{changes:?}");
        assert!(answer.headers().get("location").is_none());
        let page = answer.text().await.unwrap();
        assert!(page.contains(code), "{code} in {page}");
    }
    let hostile = scene.authorize(CONTOSO, &[("redirect_uri", "https://x/\"><script>")]).await.text().await.unwrap();
    assert!(!hostile.contains("<script>"), "{hostile}");
}

#[tokio::test]
async fn other_mistakes_go_back_to_the_client_with_state() {
    let scene = scene().await;
    for (change, error, number) in [
        (("response_type", "id_token"), "unsupported_response_type", 700_054),
        (("response_type", "token"), "unsupported_response_type", 70005),
        (("response_type", "secret"), "unsupported_response_type", 70005),
        (("scope", ""), "invalid_request", 900_144),
        (("scope", "Nonsense.Read"), "invalid_client", 650_053),
        (("scope", "api://nobody/x"), "invalid_resource", 500_011),
        (("code_challenge", "short"), "invalid_request", 50147),
        (("code_challenge_method", "S512"), "invalid_request", 501_491),
        (("prompt", "perhaps"), "invalid_request", 90023),
        (("prompt", "none"), "login_required", 50058),
        (("resource", "https://other.example"), "invalid_target", 9_010_010),
        (("claims", "not json"), "invalid_request", 90023),
    ] {
        let hint = if change.0 == "prompt" { "" } else { ALICE };
        let answer = scene.authorize(CONTOSO, &[change, ("login_hint", hint)]).await;
        assert_eq!(answer.status(), 302, "{change:?}");
        let get = |name: &str| parameter(&answer, name).or_else(|| in_fragment(&answer, name));
        assert_eq!(get("error").as_deref(), Some(error), "{change:?}");
        assert_eq!(get("state").unwrap(), "st<&\"te");
        let description = get("error_description").unwrap();
        assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
    }
    // The resource that owns the scopes may be named: MCP clients send it.
    let resource = ("resource", "api://5e12e400-0365-4c11-a0ff-11e036500002");
    assert!(parameter(&scene.authorize(CONTOSO, &[resource, ("login_hint", ALICE)]).await, "code").is_some());
}

#[tokio::test]
async fn at_common_the_users_home_tenant_answers() {
    let scene = scene().await;
    let code = scene.code("common", "mallory@fabrikam.example").await;
    let answer = scene.redeem("organizations", &code, &[]).await;
    let body: serde_json::Value = answer.json().await.unwrap();
    let tid = claims(body["access_token"].as_str().unwrap())["tid"].clone();
    assert_eq!(tid.as_str().unwrap(), fixtures::Plan::embedded().unwrap().tenant("fabrikam").unwrap().id.to_string());
}
