//! Flows that a person or another kind of client walks: consent, device code, hybrid answers, the v1 endpoints, pages, logout.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulator::{GrantedScopes, Options, RefreshReuse, SignIn};
use fixtures::Plan;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::scene::*;

const ALICE: &str = "alice@contoso.example";
const ADATUM: &str = "adatum.example";
const WEB: &str = "1e7e4090-0365-4c11-a0ff-11e036500004";
const WEB_SECRET: &str = "o365~fixture~secret~of~interop~web~2Kd";
const WEB_REDIRECT: &str = "http://localhost/interop/callback";
const SPA: &str = "1e7e4090-0365-4c11-a0ff-11e036500005";
const SPA_REDIRECT: &str = "http://localhost/interop/spa";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Posts a page's form with these fields added, as the browser with this cookie.
async fn submit(scene: &Scene, page: &str, cookie: &str, fields: &[(&str, &str)]) -> reqwest::Response {
    let mut form = hidden(page);
    form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    scene.http.post(scene.login(&action(page))).header("cookie", cookie).form(&form).send().await.unwrap()
}

async fn text(answer: reqwest::Response) -> (String, String) {
    let cookie = cookie(&answer);
    (cookie, answer.text().await.unwrap())
}

#[tokio::test]
async fn a_user_consents_for_themselves_and_is_asked_no_more() {
    let scene = scene().await;
    let scope = ("scope", "https://graph.microsoft.com/Mail.Read openid");
    let (cookie, page) = text(scene.authorize(CONTOSO, &[scope, ("login_hint", ALICE)]).await).await;
    for part in ["Permissions requested", "Offline365 Test Publisher (verified publisher)", "Mail.Read", ALICE] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("consentOnBehalfOfOrganization"), "Alice is no administrator");
    let stranger = submit(&scene, &page, "ESTSAUTH=other", &[("acceptConsent", "true")]).await;
    assert!(stranger.text().await.unwrap().contains("AADSTS165000"), "a page of another browser");
    let declined = submit(&scene, &page, &cookie, &[("acceptConsent", "false")]).await;
    assert_eq!(parameter(&declined, "error").unwrap(), "access_denied");
    let beyond = [("acceptConsent", "true"), ("consentOnBehalfOfOrganization", "true")];
    let refused = submit(&scene, &page, &cookie, &beyond).await;
    assert!(refused.text().await.unwrap().contains("AADSTS90094"), "she may not decide for others");
    let accepted = submit(&scene, &page, &cookie, &[("acceptConsent", "true")]).await;
    let code = parameter(&accepted, "code").unwrap();
    assert_eq!(scene.redeem(CONTOSO, &code, &[]).await.status(), 200);
    let again = scene.authorize(CONTOSO, &[scope, ("login_hint", ALICE)]).await;
    assert!(parameter(&again, "code").is_some());
    // Bob was not asked.
    let (_, page) = text(scene.authorize(CONTOSO, &[scope, ("login_hint", "bob@contoso.example")]).await).await;
    assert!(page.contains("Permissions requested"));
    let asked = scene.authorize(CONTOSO, &[scope, ("login_hint", ALICE), ("prompt", "consent")]).await;
    assert!(asked.text().await.unwrap().contains("Permissions requested"), "prompt=consent asks again");
    assert!(scene.running.unmodelled().is_empty());
}

#[tokio::test]
async fn what_only_an_administrator_may_grant_is_refused_to_others_and_offered_to_administrators() {
    let scene = scene().await;
    let scope = [("scope", "https://graph.microsoft.com/Directory.Read.All openid"), ("login_hint", ALICE)];
    let page = scene.authorize(CONTOSO, &scope).await.text().await.unwrap();
    assert!(page.contains("AADSTS90094"), "{page}");
    let admin = [scope[0], ("login_hint", "admin@contoso.example")];
    let (cookie, page) = text(scene.authorize(CONTOSO, &admin).await).await;
    let all = [("acceptConsent", "true"), ("consentOnBehalfOfOrganization", "true")];
    let accepted = submit(&scene, &page, &cookie, &all).await;
    assert!(parameter(&accepted, "code").is_some());
    let alice = scene.authorize(CONTOSO, &scope).await;
    assert!(parameter(&alice, "code").is_some(), "granted for everybody");
}

#[tokio::test]
async fn the_first_consent_brings_an_application_into_a_tenant() {
    let scene = scene().await;
    let admin = "admin@adatum.example";
    let named = [("login_hint", admin), ("scope", &format!("api://{SERVER}/.default"))];
    let silent = scene.authorize(ADATUM, &[("prompt", "none"), ("login_hint", admin)]).await;
    assert_eq!(parameter(&silent, "error").unwrap(), "login_required");
    let (cookie, page) = text(scene.authorize(ADATUM, &named).await).await;
    assert!(page.contains("Mail.Read"), "known clients show what the server behind them needs: {page}");
    let all = [("acceptConsent", "true"), ("consentOnBehalfOfOrganization", "true")];
    let accepted = submit(&scene, &page, &cookie, &all).await;
    let code = parameter(&accepted, "code").expect("a code");
    let body: Value = scene.redeem(ADATUM, &code, &[]).await.json().await.unwrap();
    let graph = scene.exchange(ADATUM, body["access_token"].as_str().unwrap(), &[]).await;
    assert_eq!(graph.status(), 200);
}

#[tokio::test]
async fn a_device_is_let_in_by_whoever_types_its_code() {
    let scene = scene_of_a_public_client().await;
    let begin = async |scope: &str| {
        let form = [("client_id", CLIENT), ("scope", scope)];
        let answer = scene.http.post(scene.login("contoso.example/oauth2/v2.0/devicecode")).form(&form).send().await;
        answer.unwrap().json::<Value>().await.unwrap()
    };
    let device = begin(&format!("{ACCESS} openid profile offline_access")).await;
    assert_eq!((device["expires_in"].as_i64(), device["interval"].as_i64()), (Some(900), Some(5)));
    assert!(device["message"].as_str().unwrap().contains(device["user_code"].as_str().unwrap()));
    assert!(device.get("verification_uri_complete").is_none());
    let poll = async |device: &Value| {
        let code = device["device_code"].as_str().unwrap();
        let form = [("grant_type", DEVICE_CODE), ("client_id", CLIENT), ("device_code", code), ("client_info", "1")];
        scene.token(CONTOSO, &form).await
    };
    assert_eq!(refused(poll(&device).await).await, no(400, "authorization_pending", 70016));
    assert_eq!(refused(poll(&device).await).await, no(400, "slow_down", 70016));

    let address = device["verification_uri"].as_str().unwrap();
    let short = scene.http.get(address).send().await.unwrap();
    let entry = scene.login(short.headers()["location"].to_str().unwrap());
    let page = scene.http.get(entry.clone()).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("name=otc"), "{page}");
    let typed = async |code: &str| {
        scene.http.post(entry.clone()).form(&[("otc", code), ("login_hint", ALICE)]).send().await.unwrap()
    };
    assert!(typed("WRONG").await.text().await.unwrap().contains("AADSTS70018"));
    let user_code = device["user_code"].as_str().unwrap().to_lowercase();
    let there = typed(&user_code).await;
    let there = scene.login(there.headers()["location"].to_str().unwrap());
    let (cookie, page) = text(scene.http.get(there).send().await.unwrap()).await;
    assert!(page.contains("Are you trying to sign in to M365 MCP Client?"), "{page}");
    let stranger = submit(&scene, &page, "", &[("confirm", "continue")]).await;
    assert!(stranger.text().await.unwrap().contains("AADSTS165000"));
    let done = submit(&scene, &page, &cookie, &[("confirm", "continue")]).await;
    assert!(done.text().await.unwrap().contains("You have signed in"));

    let body: Value = poll(&device).await.json().await.unwrap();
    for member in ["access_token", "refresh_token", "id_token", "client_info"] {
        assert!(body[member].is_string(), "{member} in {body}");
    }
    assert_eq!(refused(poll(&device).await).await, no(400, "invalid_grant", 54005));
    assert!(scene.running.unmodelled().is_empty());
}

#[tokio::test]
async fn hybrid_answers_carry_an_id_token_that_names_the_code() {
    let mut plan = Plan::embedded().unwrap();
    let web = plan.registrations.iter_mut().find(|app| app.name == "interop-web").unwrap();
    (web.id_tokens, web.implicit_tokens) = (true, true);
    let scene = scene_of(plan, Options::default()).await;
    let ask = async |response_type: &str, mode: &str| {
        let changes = [
            ("client_id", WEB),
            ("redirect_uri", WEB_REDIRECT),
            ("scope", "openid profile User.Read"),
            ("response_type", response_type),
            ("response_mode", mode),
            ("code_challenge", ""),
            ("login_hint", ALICE),
        ];
        scene.authorize(CONTOSO, &changes).await
    };
    let hash = |value: &str| URL_SAFE_NO_PAD.encode(&Sha256::digest(value)[..16]);
    let posted = ask("code id_token", "form_post").await.text().await.unwrap();
    let fields = hidden(&posted);
    let field = |name: &str| fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap();
    let id_token = claims(&field("id_token"));
    assert_eq!((&id_token["aud"], &id_token["nonce"]), (&json!(WEB), &json!("n-0S6")));
    assert_eq!(id_token["c_hash"], hash(&field("code")));
    assert_eq!(field("state"), "st<&\"te");

    let implicit = ask("id_token token", "").await;
    let token = in_fragment(&implicit, "access_token").unwrap();
    assert_eq!(claims(&in_fragment(&implicit, "id_token").unwrap())["at_hash"], hash(&token));
    let query = ask("id_token", "query").await;
    assert_eq!(in_fragment(&query, "error").unwrap(), "invalid_request", "no token in a query");

    let code = field("code");
    let redeem = [("client_id", WEB), ("redirect_uri", WEB_REDIRECT), ("code_verifier", "")];
    let naked = scene.redeem(CONTOSO, &code, &redeem).await;
    assert_eq!(refused(naked).await, no(401, "invalid_client", 7_000_218), "a web application proves itself");
    let proven = [redeem[0], redeem[1], redeem[2], ("client_secret", WEB_SECRET)];
    assert_eq!(scene.redeem(CONTOSO, &code, &proven).await.status(), 200);
}

#[tokio::test]
async fn the_older_endpoints_name_a_resource_and_answer_text() {
    let scene = scene().await;
    let mut url = scene.login("contoso.example/oauth2/authorize");
    let resource = format!("api://{SERVER}");
    let changes = [("scope", "openid"), ("resource", resource.as_str()), ("login_hint", ALICE)];
    url.query_pairs_mut().extend_pairs(authorization(&changes));
    let answer = scene.http.get(url).send().await.unwrap();
    let code = parameter(&answer, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let answer = scene.http.post(scene.login("contoso.example/oauth2/token")).form(&form).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    assert!(body["expires_in"].is_string() && body["expires_on"].is_string() && body["not_before"].is_string());
    assert_eq!((&body["resource"], &body["scope"]), (&json!(resource), &json!("access_as_user")));
    let id_token = claims(body["id_token"].as_str().unwrap());
    assert_eq!((&id_token["ver"], &id_token["upn"]), (&json!("1.0"), &json!(ALICE)));
    assert_eq!(claims(body["access_token"].as_str().unwrap())["ver"], "2.0", "the resource decides about its own");
}

#[tokio::test]
async fn pages_of_single_page_applications_get_answers_and_a_day() {
    let scene = scene().await;
    let changes = [
        ("client_id", SPA),
        ("redirect_uri", SPA_REDIRECT),
        ("scope", "openid offline_access User.Read"),
        ("login_hint", ALICE),
    ];
    let code = parameter(&scene.authorize(CONTOSO, &changes).await, "code").unwrap();
    let post = async |form: &[(&str, &str)], origin: &str| {
        let request = scene.http.post(scene.login("contoso.example/oauth2/v2.0/token")).form(form);
        let request = if origin.is_empty() { request } else { request.header("origin", origin) };
        request.send().await.unwrap()
    };
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", SPA),
        ("redirect_uri", SPA_REDIRECT),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(refused(post(&form, "").await).await, no(400, "invalid_request", 9_002_327));
    let answer = post(&form, "http://localhost:5173").await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "http://localhost:5173");
    let body: Value = answer.json().await.unwrap();
    let refresh = |token: &str| {
        vec![
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", SPA.to_owned()),
            ("refresh_token", token.to_owned()),
        ]
    };
    let again = async |token: &str, origin: &str| {
        let form = refresh(token);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        post(&form, origin).await
    };
    let first = body["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refused(again(&first, "").await).await, no(400, "invalid_request", 9_002_327));
    scene.lab("/lab/clock", json!({ "advance": "PT23H" })).await;
    let next: Value = again(&first, "http://localhost:5173").await.json().await.unwrap();
    let next = next["refresh_token"].as_str().unwrap().to_owned();
    scene.lab("/lab/clock", json!({ "advance": "PT1H" })).await;
    let over = refused(again(&next, "http://localhost:5173").await).await;
    assert_eq!(over, no(400, "invalid_grant", 700_084), "the successor inherits the end");
    let foreign = post(&form, "https://evil.example").await;
    assert!(foreign.headers().get("access-control-allow-origin").is_none());
    let url = scene.login("contoso.example/oauth2/v2.0/token");
    let ask = scene.http.request(reqwest::Method::OPTIONS, url).header("origin", "http://localhost:5173");
    assert_eq!(ask.send().await.unwrap().headers()["access-control-allow-methods"], "POST, OPTIONS");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_goes_back_only_where_it_may() {
    let mut plan = Plan::embedded().unwrap();
    let client = plan.registrations.iter_mut().find(|app| app.name == "m365-client").unwrap();
    client.logout_url = Some("https://localhost/signed-out".to_owned());
    let scene = scene_of(plan, Options::default()).await;
    let answer = scene.authorize(CONTOSO, &[("login_hint", ALICE)]).await;
    let (cookie, sid) = (cookie(&answer), parameter(&answer, "session_state").unwrap());
    let out = async |query: &[(&str, &str)], cookie: &str| {
        let mut url = scene.login("contoso.example/oauth2/v2.0/logout");
        url.query_pairs_mut().extend_pairs(query);
        scene.http.get(url).header("cookie", cookie).send().await.unwrap()
    };
    let evil = out(&[("post_logout_redirect_uri", "https://evil.example/"), ("client_id", CLIENT)], "").await;
    assert!(evil.status() == 200 && !evil.text().await.unwrap().contains("evil"));
    let back = out(&[("post_logout_redirect_uri", REDIRECT), ("client_id", CLIENT), ("state", "9")], "").await;
    assert_eq!(back.headers()["location"], "http://localhost:8400/?state=9");
    let page = out(&[("post_logout_redirect_uri", REDIRECT)], &cookie).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("frame-src https://localhost;"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(
        page.contains("https://localhost/signed-out?iss=") && page.contains(&sid),
        "the application is told: {page}"
    );
    let mut silent = scene.login("contoso.example/oauth2/v2.0/authorize");
    silent.query_pairs_mut().extend_pairs(authorization(&[("prompt", "none")]));
    let gone = scene.http.get(silent).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(parameter(&gone, "error").unwrap(), "login_required");
}

#[tokio::test]
async fn userinfo_names_the_person_as_the_clients_id_token_does() {
    let scene = scene().await;
    let changes = [("scope", "openid profile email User.Read"), ("login_hint", ALICE)];
    let interop = [("client_id", "1e7e4090-0365-4c11-a0ff-11e036500003"), changes[0], changes[1]];
    let code = parameter(&scene.authorize(CONTOSO, &interop).await, "code").unwrap();
    let body: Value = scene.redeem(CONTOSO, &code, &[interop[0]]).await.json().await.unwrap();
    let at = scene.running.graph.join("oidc/userinfo").unwrap();
    let bearer = body["access_token"].as_str().unwrap();
    let info = scene.http.get(at.clone()).bearer_auth(bearer).send().await.unwrap();
    let info: Value = info.json().await.unwrap();
    assert_eq!(info["sub"], claims(body["id_token"].as_str().unwrap())["sub"]);
    assert_eq!((&info["name"], &info["email"]), (&json!("Alice Hansen"), &json!(ALICE)));
    assert_eq!(scene.http.get(at).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn settings_widen_scp_spend_refresh_tokens_and_shorten_metadata() {
    let options = Options {
        granted_scopes: GrantedScopes::All,
        refresh_reuse: RefreshReuse::Once,
        omit_metadata: vec!["userinfo_endpoint".to_owned()],
        ..Options::default()
    };
    let scene = scene_with(options).await;
    let body = scene.signed_in(CONTOSO, ALICE).await;
    let graph: Value = scene.exchange(CONTOSO, body["access_token"].as_str().unwrap(), &[]).await.json().await.unwrap();
    assert!(claims(graph["access_token"].as_str().unwrap())["scp"].as_str().unwrap().contains("Calendars.Read"));
    let token = body["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
    assert_eq!(scene.token(CONTOSO, &form).await.status(), 200);
    assert_eq!(refused(scene.token(CONTOSO, &form).await).await, no(400, "invalid_grant", 70000));
    let document = scene.http.get(scene.login("contoso.example/v2.0/.well-known/openid-configuration")).send().await;
    let document: Value = document.unwrap().json().await.unwrap();
    assert!(document.get("userinfo_endpoint").is_none() && document.get("issuer").is_some());
}

#[tokio::test]
async fn a_guest_signs_in_with_the_password_and_the_address_of_home() {
    let scene = scene_with(Options { sign_in: SignIn::Page, ..Options::default() }).await;
    let page = scene.authorize(CONTOSO, &[]).await.text().await.unwrap();
    assert!(page.contains("M365 MCP Client") && page.contains("Contoso Ltd."), "{page}");
    let guest = [("login", "gina@fabrikam.example"), ("passwd", "Passw0rd!gina")];
    let answer = submit(&scene, &page, "", &guest).await;
    let code = parameter(&answer, "code").expect("a code");
    let body: Value = scene.redeem(CONTOSO, &code, &[]).await.json().await.unwrap();
    let access = claims(body["access_token"].as_str().unwrap());
    assert!(access["idp"].as_str().unwrap().starts_with("https://sts.windows.net/"));
    scene.lab("/lab/clock", json!({ "advance": "PT2H" })).await;
    let late = submit(&scene, &page, "", &guest).await;
    assert!(late.text().await.unwrap().contains("AADSTS50089"), "a page does not lie open for ever");
}
