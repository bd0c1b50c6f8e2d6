//! Conditional access over the wire: woodgrove's policies, the pages that satisfy them, and the issuer that forgets them.

use emulator::entra::rules::IssuerRules;
use emulator::rules::Rules;
use emulator::{Options, SignIn};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::scene::*;

const WOODGROVE: &str = "woodgrove.example";
const WALTER: &str = "walter@woodgrove.example";
const WENDY: &str = "wendy@woodgrove.example";
const GRAPH_MAIL: (&str, &str) = ("scope", "https://graph.microsoft.com/Mail.ReadBasic offline_access");

/// Whoever stands before a page: the page's hidden request, and the browser's cookie.
struct AtPage {
    text: String,
    cookie: String,
}

impl Scene {
    async fn at_page(&self, hint: &str, changes: &[(&str, &str)]) -> AtPage {
        let changes: Vec<_> = changes.iter().copied().chain([("login_hint", hint)]).collect();
        let answer = self.authorize(WOODGROVE, &changes).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        AtPage { text: answer.text().await.unwrap(), cookie }
    }

    async fn show_code(&self, page: &AtPage, code: &str) -> Response {
        let form = hidden(&page.text).into_iter().chain([("otc".to_owned(), code.to_owned())]).collect::<Vec<_>>();
        let url = self.login("woodgrove.example/SAS/ProcessAuth");
        self.http.post(url).header("cookie", &page.cookie).form(&form).send().await.unwrap()
    }

    async fn with_second_factor(&self, hint: &str, code: &str, changes: &[(&str, &str)]) -> Value {
        let page = self.at_page(hint, changes).await;
        let answer = self.show_code(&page, code).await;
        let code = parameter(&answer, "code").expect("a code");
        let claims: Vec<_> = changes.iter().copied().filter(|(name, _)| *name == "claims").collect();
        let answer = self.redeem(WOODGROVE, &code, &claims).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    async fn refresh(&self, token: &Value) -> Response {
        let token = token["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
        self.token(WOODGROVE, &form).await
    }

    async fn from(&self, address: &str) {
        self.lab("/lab/settings", json!({ "clientAddress": address })).await;
    }
}

fn access(body: &Value) -> &str {
    body["access_token"].as_str().unwrap()
}

#[tokio::test]
async fn a_second_factor_is_shown_on_a_page_and_stands_in_the_token() {
    let scene = scene().await;
    let page = scene.at_page(WALTER, &[]).await;
    assert!(page.text.contains("name=otc") && page.text.contains("Enter code"), "{}", page.text);
    let wrong = scene.show_code(&page, "000000").await;
    assert_eq!(wrong.status(), 200);
    assert!(wrong.text().await.unwrap().contains("expected verification code"));
    let silent = scene.authorize(WOODGROVE, &[("prompt", "none")]).await;
    assert_eq!(parameter(&silent, "error").unwrap(), "login_required");
    let mut url = scene.login("woodgrove.example/oauth2/v2.0/authorize");
    url.query_pairs_mut().extend_pairs(authorization(&[("prompt", "none")]));
    let silent = scene.http.get(url).header("cookie", &page.cookie).send().await.unwrap();
    assert_eq!(parameter(&silent, "error").unwrap(), "interaction_required");

    let body = scene.with_second_factor(WALTER, "314159", &[]).await;
    assert_eq!(body["expires_in"], 1_199, "the tenant's lifetime policy for this resource");
    let answer = scene.exchange(WOODGROVE, access(&body), &[GRAPH_MAIL]).await;
    assert_eq!(answer.status(), 200);
    let graph: Value = answer.json().await.unwrap();
    assert_eq!(claims(access(&graph))["amr"], json!(["pwd", "mfa"]));
    assert!((3_599..5_400).contains(&graph["expires_in"].as_i64().unwrap()), "no policy for Graph");
}

#[tokio::test]
async fn whoever_has_none_registers_one_and_a_device_is_management_s_business() {
    let scene = scene().await;
    let page = scene.at_page(WENDY, &[]).await;
    assert!(page.text.contains("More information required"));
    assert!(scene.show_code(&page, "12345").await.text().await.unwrap().contains("six digits"));
    let body = scene.with_second_factor(WENDY, "123456", &[]).await;
    let refused = scene.exchange(WOODGROVE, access(&body), &[GRAPH_MAIL]).await;
    assert_eq!(refused.status(), 400);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["error"], "interaction_required");
    assert_eq!(refused["error_codes"], json!([53000]));
    assert_eq!(refused["suberror"], "message_only");
    let challenge: Value = serde_json::from_str(refused["claims"].as_str().unwrap()).unwrap();
    assert_eq!(challenge["access_token"]["capolids"]["essential"], true);
    assert_eq!(challenge["access_token"]["capolids"]["values"].as_array().unwrap().len(), 1);
    for (device, expected) in [("unmanaged", Some(530_003)), ("compliant", None), ("registered", Some(53000))] {
        scene.lab("/lab/users/update", json!({ "tenant": "woodgrove", "user": "wendy", "device": device })).await;
        let answer: Value = scene.exchange(WOODGROVE, access(&body), &[GRAPH_MAIL]).await.json().await.unwrap();
        assert_eq!(answer["error_codes"][0].as_u64(), expected, "{device}: {answer}");
    }
}

#[tokio::test]
async fn a_second_factor_taken_away_from_a_sign_in_is_asked_for_at_every_grant() {
    let scene = scene().await;
    scene.from("10.20.3.4").await;
    // In the branch nobody is asked.
    let body = scene.signed_in(WOODGROVE, WALTER).await;
    scene.from("10.21.0.1").await;
    let refused = refusal(scene.refresh(&body).await).await;
    assert_eq!(refused, (400, "interaction_required".to_owned(), 50076, Some("basic_action".to_owned())));
    scene.lab("/lab/users/update", json!({ "tenant": "woodgrove", "user": "walter", "secondFactor": "" })).await;
    let refused = refusal(scene.refresh(&body).await).await;
    assert_eq!(refused, (400, "interaction_required".to_owned(), 50079, Some("basic_action".to_owned())));
    // The code that was handed out in the branch is worth as little elsewhere.
    scene.from("10.20.3.4").await;
    let code = scene.code(WOODGROVE, WALTER).await;
    scene.from("10.21.0.1").await;
    assert_eq!(refused_code(&scene, &code).await, 50079);
}

async fn refused_code(scene: &Scene, code: &str) -> u64 {
    refused(scene.redeem(WOODGROVE, code, &[]).await).await.2
}

#[tokio::test]
async fn a_place_is_closed_at_every_door_graph_s_too() {
    let scene = scene().await;
    let body = scene.with_second_factor(WALTER, "314159", &[]).await;
    let cp1 = ("claims", r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
    let exchange = async |claims: &[(&str, &str)]| -> Value {
        let form: Vec<_> = [GRAPH_MAIL, ("scope", "https://graph.microsoft.com/User.Read")]
            .into_iter()
            .skip(1)
            .chain(claims.iter().copied())
            .collect();
        scene.exchange(WOODGROVE, access(&body), &form).await.json().await.unwrap()
    };
    let (evaluated, plain) = (exchange(&[cp1]).await, exchange(&[]).await);
    let me = async |token: &Value| {
        let url = scene.running.graph.join("v1.0/me").unwrap();
        scene.http.get(url).bearer_auth(access(token)).send().await.unwrap()
    };
    assert_eq!((me(&evaluated).await.status().as_u16(), me(&plain).await.status().as_u16()), (200, 200));
    scene.from("203.0.113.77").await;
    let refused = refusal(scene.refresh(&body).await).await;
    assert_eq!(refused, (400, "invalid_grant".to_owned(), 53003, Some("message_only".to_owned())));
    let page = scene.authorize(WOODGROVE, &[("login_hint", WALTER)]).await;
    assert_eq!(page.status(), 400);
    assert!(page.text().await.unwrap().contains("AADSTS53003"));
    let challenged = me(&evaluated).await;
    assert_eq!(challenged.status(), 401);
    assert!(challenged.headers()["www-authenticate"].to_str().unwrap().contains("insufficient_claims"));
    assert_eq!(me(&plain).await.status(), 200, "who did not say cp1 is let be");
}

#[tokio::test]
async fn a_sign_in_grows_too_old() {
    let scene = scene().await;
    let body = scene.with_second_factor(WALTER, "314159", &[]).await;
    scene.lab("/lab/clock", json!({ "advance": "PT12H" })).await;
    let next: Value = scene.refresh(&body).await.json().await.unwrap();
    scene.lab("/lab/clock", json!({ "advance": "PT1S" })).await;
    let refused = refusal(scene.refresh(&next).await).await;
    assert_eq!(refused, (400, "invalid_grant".to_owned(), 70043, Some("token_expired".to_owned())));
}

#[tokio::test]
async fn an_authentication_context_is_asked_for_satisfied_and_written_down() {
    let scene = scene().await;
    let c1 = [("claims", r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#)];
    let page = scene.at_page(WALTER, &c1).await;
    let refused = scene.show_code(&page, "314159").await;
    assert_eq!(refused.status(), 400, "the context demands a device as well");
    scene.lab("/lab/users/update", json!({ "tenant": "woodgrove", "user": "walter", "device": "compliant" })).await;
    let body = scene.with_second_factor(WALTER, "314159", &c1).await;
    assert_eq!(claims(access(&body))["acrs"], json!(["c1"]));
    let without = scene.with_second_factor(WALTER, "314159", &[]).await;
    assert!(claims(access(&without)).get("acrs").is_none());
}

#[tokio::test]
async fn policies_come_and_go_through_the_lab() {
    let scene = scene().await;
    let body = scene.signed_in(CONTOSO, "alice@contoso.example").await;
    let policy = json!({ "name": "finance", "include": ["group:finance"], "exclude": ["carol"], "demands": ["mfa"] });
    scene.lab("/lab/policies/put", json!({ "tenant": "contoso", "policy": policy })).await;
    let exchange = async || refused(scene.exchange(CONTOSO, access(&body), &[]).await).await.2;
    assert_eq!(exchange().await, 50079);
    assert!(parameter(&scene.authorize(CONTOSO, &[("login_hint", "carol@contoso.example")]).await, "code").is_some());
    scene.lab("/lab/policies/remove", json!({ "tenant": "contoso", "name": "finance" })).await;
    assert_eq!(scene.exchange(CONTOSO, access(&body), &[]).await.status(), 200);
}

#[tokio::test]
async fn a_careless_issuer_asks_nobody_and_is_seen_to() {
    let issuer =
        IssuerRules { access: |_, _, _, _| Ok(emulator::directory::Conditions::default()), ..IssuerRules::STRICT };
    let rules = Rules { issuer, ..Rules::STRICT };
    let scene = scene_with(Options { rules, sign_in: SignIn::Hint, ..Options::default() }).await;
    let answer = scene.authorize(WOODGROVE, &[("login_hint", WALTER)]).await;
    assert!(parameter(&answer, "code").is_some(), "without a second factor");
}

/// One request for each number of conditional access: for the table of all numbers.
pub(crate) async fn refusals() -> Vec<(u32, &'static str, Response)> {
    let scene = scene().await;
    scene.from("10.20.3.4").await;
    let body = scene.signed_in(WOODGROVE, WALTER).await;
    let wendy = scene.signed_in(WOODGROVE, WENDY).await;
    let device = scene.exchange(WOODGROVE, access(&wendy), &[GRAPH_MAIL]).await;
    let state = json!({ "tenant": "woodgrove", "user": "wendy", "device": "unmanaged" });
    scene.lab("/lab/users/update", state).await;
    let unmanaged = scene.exchange(WOODGROVE, access(&wendy), &[GRAPH_MAIL]).await;
    scene.from("127.0.0.1").await;
    let second = scene.refresh(&body).await;
    let enrollment = scene.refresh(&wendy).await;
    scene.from("203.0.113.1").await;
    let blocked = scene.refresh(&body).await;
    scene.from("10.20.3.4").await;
    scene.lab("/lab/clock", json!({ "advance": "PT13H" })).await;
    let old = scene.refresh(&body).await;
    vec![
        (50076, "a refresh outside woodgrove's branch, without the second factor", second),
        (50079, "the same, and the user has none yet", enrollment),
        (53000, "On-Behalf-Of for a user whose device is not compliant", device),
        (530_003, "the same, and the device is not managed", unmanaged),
        (53003, "a refresh from an address that woodgrove blocks", blocked),
        (70043, "a refresh thirteen hours after the sign-in, where twelve are allowed", old),
    ]
}
