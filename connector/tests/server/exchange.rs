//! Which token Graph gets: whose, for what, how long, and what happens when it is refused.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use serde_json::json;

use crate::scene::{ALICE, CONTOSO, FABRIKAM, SERVER, Scene, message};
use crate::stub::{Fault, Place};

#[tokio::test]
async fn the_tenants_own_authority_is_asked_for_exactly_the_tools_scope() {
    let scene = Scene::start().await;
    scene.tool("outlook_email_search", json!({})).await.result();
    scene.tool("get_me", json!({})).await.result();
    let exchanges = scene.stub.exchanges();
    let asked: Vec<_> = exchanges.iter().map(|(tenant, form)| (tenant.as_str(), form["scope"].as_str())).collect();
    assert_eq!(
        asked,
        [(CONTOSO, "https://graph.microsoft.com/Mail.Read"), (CONTOSO, "https://graph.microsoft.com/User.Read"),]
    );
    let form = &exchanges[0].1;
    assert_eq!(form["requested_token_use"], "on_behalf_of");
    assert_eq!(form["claims"], r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
    assert_eq!(form["assertion"], scene.alice());
}

#[tokio::test]
async fn the_same_user_id_in_two_tenants_never_shares_a_token() {
    let scene = Scene::start().await;
    let (alice, mallory) = (scene.alice(), scene.token(FABRIKAM, ALICE));
    for token in [&alice, &mallory, &alice, &mallory] {
        scene.call(token, "outlook_email_search", json!({})).await.result();
    }
    let bearers: Vec<_> = scene.stub.asked().into_iter().map(|asked| asked.bearer).collect();
    let (one, two) = (format!("graph-token-1-{CONTOSO}"), format!("graph-token-2-{FABRIKAM}"));
    assert_eq!(bearers, [one.clone(), two.clone(), one, two]);
}

#[tokio::test]
async fn a_token_is_used_again_until_the_bound_and_not_beyond() {
    let scene = Scene::start().await;
    let alice = scene.alice();
    for (wait, exchanges) in [(0, 1), (59, 1), (1, 2)] {
        scene.clock.advance(wait);
        scene.call(&alice, "outlook_email_search", json!({})).await.result();
        assert_eq!(scene.stub.exchanges().len(), exchanges, "after {wait} s more");
    }
}

#[tokio::test]
async fn a_bound_of_zero_exchanges_every_time() {
    let scene = Scene::with(|config| config.obo.max_age_seconds = 0).await;
    for _ in 0..2 {
        scene.tool("outlook_email_search", json!({})).await.result();
    }
    assert_eq!(scene.stub.exchanges().len(), 2);
}

#[tokio::test]
async fn calls_that_come_together_exchange_once() {
    let scene = Scene::start().await;
    let alice = scene.alice();
    let calls = (0..8).map(|_| scene.call(&alice, "outlook_email_search", json!({})));
    for answer in join_all(calls).await {
        answer.result();
    }
    assert_eq!(scene.stub.exchanges().len(), 1);
}

#[tokio::test]
async fn calls_that_are_refused_together_were_refused_once() {
    let scene = Scene::start().await;
    scene.stub.revoke("Mail.Read");
    let alice = scene.alice();
    let calls = (0..8).map(|_| scene.call(&alice, "outlook_email_search", json!({})));
    for answer in join_all(calls).await {
        assert_eq!(answer.code(), "CONSENT_REQUIRED");
    }
    let refused = scene.stub.exchanges().len();
    assert!(refused < 8, "{refused}");
    scene.stub.consent("Mail.Read");
    scene.call(&alice, "outlook_email_search", json!({})).await.result();
    assert_eq!(scene.stub.exchanges().len(), refused + 1, "whoever asks later is not told of an old refusal");
}

fn names(listed: &serde_json::Value) -> Vec<&str> {
    listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_shows_what_grants_allow_within_the_bound() {
    let scene = Scene::start().await;
    scene.stub.revoke("Chat.Read");
    let alice = scene.alice();
    let list = async || scene.current_era(&alice, "tools/list", json!({})).await.result();
    assert_eq!(names(&list().await), ["get_me", "outlook_email_search", "read_resource"]);
    let known = scene.stub.exchanges().len();
    for _ in 0..5 {
        list().await;
    }
    assert_eq!(scene.stub.exchanges().len(), known, "what is known is not asked again");
    scene.stub.revoke("Mail.Read");
    scene.clock.advance(59);
    assert_eq!(names(&list().await).len(), 3, "below the bound the list may be old");
    scene.clock.advance(1);
    assert_eq!(names(&list().await), ["get_me"], "at the bound it is not");
    assert_eq!(scene.tool("outlook_email_search", json!({})).await.code(), "CONSENT_REQUIRED", "a call says why");
    scene.stub.consent("Mail.Read");
    scene.call(&alice, "outlook_email_search", json!({})).await.result();
    assert_eq!(names(&list().await).len(), 3, "a call that works is known to the list");
    scene.clock.advance(60);
    scene.stub.fail(Place::Token, &Fault::Status(503, None), 9);
    assert_eq!(names(&list().await).len(), 8, "what nobody could find out keeps nothing out");
}

#[tokio::test]
async fn without_the_limited_mode_the_basic_permission_is_not_enough() {
    let scene = Scene::start().await;
    scene.stub.revoke("Mail.Read");
    scene.stub.consent("Mail.ReadBasic");
    assert_eq!(scene.tool("outlook_email_search", json!({})).await.code(), "CONSENT_REQUIRED");
    assert_eq!(scene.tool("get_me", json!({})).await.result()["structuredContent"]["limited"], false);
    assert!(scene.stub.exchanges().iter().all(|(_, form)| !form["scope"].contains("ReadBasic")));
}

#[tokio::test]
async fn the_limited_mode_finds_mail_and_does_not_say_what_it_says() {
    let scene = Scene::with(|config| config.limited_mode = true).await;
    let mut mail = message("m", "Hello", "2026-01-11T08:00:00Z");
    mail.as_object_mut().unwrap().retain(|name, _| name != "body" && name != "bodyPreview");
    scene.stub.set_messages(vec![mail]);
    scene.tool("outlook_email_search", json!({ "query": "x" })).await.result();
    scene.stub.revoke("Mail.Read");
    scene.stub.consent("Mail.ReadBasic");
    scene.clock.advance(60);
    let found = scene.tool("outlook_email_search", json!({})).await.result()["structuredContent"].clone();
    assert_eq!((&found["items"][0]["subject"], &found["notes"][0]["code"]), (&json!("Hello"), &json!("LIMITED_MODE")));
    assert!(!scene.stub.asked().last().unwrap().query["$select"].contains("bodyPreview"));
    for (tool, arguments) in [
        ("outlook_email_search", json!({ "query": "x" })),
        ("read_resource", json!({ "uri": "mail:///messages/m" })),
        ("outlook_email_search", json!({ "mailboxOwnerEmail": "support@contoso.example" })),
    ] {
        let refused = scene.tool(tool, arguments).await.result()["structuredContent"]["error"].clone();
        assert!(refused["permission"].as_str().unwrap().starts_with("Mail.Read"), "{refused}");
        assert_eq!(refused["restoredBy"], "tenant admin");
    }
    assert_eq!(scene.tool("get_me", json!({})).await.result()["structuredContent"]["limited"], true);
    let list = async || scene.current_era(&scene.alice(), "tools/list", json!({})).await.result();
    let with_chats = ["chat_message_search", "get_me", "outlook_email_search", "read_resource"];
    assert_eq!(names(&list().await), with_chats);
    scene.stub.revoke("Chat.Read");
    scene.clock.advance(60);
    assert_eq!(names(&list().await), ["get_me", "outlook_email_search"]);
}

#[tokio::test]
async fn a_certificate_proves_the_server_in_place_of_a_secret() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256);
    let key = key.expect("an RSA key");
    let certificate = rcgen::CertificateParams::new(vec!["connector".into()]).unwrap().self_signed(&key).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (cert_file, key_file) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let scene = Scene::with(|config| {
        config.entra.client_secret = None;
        config.entra.certificate_file = Some(cert_file);
        config.entra.certificate_key_file = Some(key_file);
    })
    .await;
    scene.tool("get_me", json!({})).await.result();
    scene.clock.advance(61);
    scene.tool("get_me", json!({})).await.result();
    let exchanges = scene.stub.exchanges();
    let mut ids = Vec::new();
    for (tenant, form) in &exchanges {
        assert!(!form.contains_key("client_secret"));
        assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let (signed, signature) = form["client_assertion"].rsplit_once('.').unwrap();
        let part = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        let (header, claims) = signed.split_once('.').unwrap();
        let (header, claims) = (part(header), part(claims));
        assert_eq!(header["alg"], "PS256");
        let thumbprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.der());
        assert_eq!(header["x5t#S256"], URL_SAFE_NO_PAD.encode(thumbprint));
        let endpoint = format!("{}{tenant}/oauth2/v2.0/token", scene.stub.login);
        assert_eq!(
            (&claims["aud"], &claims["iss"], &claims["sub"]),
            (&json!(endpoint), &json!(SERVER), &json!(SERVER))
        );
        assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 600);
        let public = jsonwebtoken::DecodingKey::from_rsa_der(key.public_key_raw());
        let verified =
            jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &public, jsonwebtoken::Algorithm::PS256);
        assert!(verified.unwrap(), "the signature is the certificate's");
        ids.push(claims["jti"].clone());
    }
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1], "each assertion is new");
}

#[tokio::test]
async fn a_revoked_permission_is_named_and_takes_down_one_tool() {
    let scene = Scene::start().await;
    scene.stub.revoke("Mail.Read");
    let answer = scene.tool("outlook_email_search", json!({})).await;
    assert_eq!(answer.code(), "CONSENT_REQUIRED");
    let error = answer.result()["structuredContent"]["error"].clone();
    assert_eq!((&error["permission"], &error["restoredBy"]), (&json!("Mail.Read"), &json!("tenant admin")));
    assert!(error["howToRestore"].as_str().unwrap().contains("Mail.Read"));
    scene.tool("get_me", json!({})).await.result();
    assert!(scene.stub.asked().iter().all(|asked| asked.path == "/v1.0/me"), "no mail was asked for");
    scene.stub.consent("Mail.Read");
    assert_eq!(scene.tool("outlook_email_search", json!({})).await.result()["isError"], false);
}

#[tokio::test]
async fn a_permission_that_the_token_lacks_stops_the_call_before_graph() {
    let scene = Scene::start().await;
    scene.stub.leave_out("Mail.Read");
    let answer = scene.tool("read_resource", json!({ "uri": "mail:///messages/a" })).await;
    assert_eq!(answer.code(), "PERMISSION_REVOKED");
    assert!(scene.stub.asked().is_empty());
}

#[tokio::test]
async fn anothers_mailbox_needs_the_shared_permission_too() {
    let scene = Scene::start().await;
    let arguments = json!({ "mailboxOwnerEmail": "support@contoso.example" });
    scene.tool("outlook_email_search", arguments.clone()).await.result();
    let scope = &scene.stub.exchanges()[0].1["scope"];
    assert_eq!(scope, "https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/Mail.Read.Shared");
    assert_eq!(scene.stub.asked()[0].path, "/v1.0/users/support%40contoso.example/messages");
    scene.stub.revoke("Mail.Read.Shared");
    scene.clock.advance(60);
    assert_eq!(scene.tool("outlook_email_search", arguments).await.code(), "CONSENT_REQUIRED");
    scene.tool("outlook_email_search", json!({ "mailboxOwnerEmail": "ALICE@contoso.example" })).await.result();
    assert_eq!(scene.stub.asked().last().unwrap().path, "/v1.0/me/messages", "one's own address is one's own mailbox");
}

#[tokio::test]
async fn graphs_challenge_is_answered_once() {
    let scene = Scene::start().await;
    let claims = r#"{"access_token":{"nbf":{"essential":true, "value":"1768208400"}}}"#;
    let challenge = || {
        let encoded = STANDARD.encode(claims);
        let header = format!(
            r#"Bearer realm="", authorization_uri="https://x/", error="insufficient_claims", claims="{encoded}""#
        );
        vec![("www-authenticate", header)]
    };
    let body = json!({ "error": { "code": "InvalidAuthenticationToken" } });
    scene.stub.script(401, challenge(), body.clone());
    scene.tool("outlook_email_search", json!({})).await.result();
    let exchanges = scene.stub.exchanges();
    assert_eq!(exchanges.len(), 2);
    let asked: serde_json::Value = serde_json::from_str(&exchanges[1].1["claims"]).unwrap();
    assert_eq!(asked["access_token"]["nbf"]["value"], "1768208400");
    assert_eq!(asked["access_token"]["xms_cc"]["values"][0], "cp1");

    scene.clock.advance(61);
    scene.stub.script(401, challenge(), body.clone());
    scene.stub.script(401, challenge(), body);
    let answer = scene.tool("outlook_email_search", json!({})).await;
    assert_eq!(answer.status, 401);
    let header = answer.challenge();
    assert!(header.contains(r#"error="insufficient_claims""#), "{header}");
    assert!(header.contains(&format!(r#"claims="{}""#, STANDARD.encode(claims))), "{header}");
    assert!(header.contains("resource_metadata="), "{header}");
    assert_eq!(scene.stub.exchanges().len(), 4, "it never loops");
}

#[tokio::test]
async fn a_policys_claims_reach_the_client() {
    let scene = Scene::start().await;
    let claims = r#"{"access_token":{"polids":{"essential":true,"values":["p"]}}}"#;
    scene
        .stub
        .refuse_exchange(400, json!({ "error": "interaction_required", "error_codes": [50076], "claims": claims }));
    let answer = scene.tool("outlook_email_search", json!({})).await;
    assert_eq!(answer.status, 401);
    assert!(answer.challenge().contains(&format!(r#"claims="{}""#, STANDARD.encode(claims))), "{}", answer.challenge());
}

#[tokio::test]
async fn each_refusal_of_the_issuer_has_its_code() {
    for (status, error, aadsts, code) in [
        (400, "invalid_grant", 65001, "CONSENT_REQUIRED"),
        (400, "unauthorized_client", 700_016, "CONSENT_REQUIRED"),
        (400, "invalid_grant", 50105, "NOT_ASSIGNED"),
        (400, "invalid_grant", 53003, "POLICY_BLOCKED"),
        (401, "invalid_client", 7_000_215, "UPSTREAM_ERROR"),
        (503, "temporarily_unavailable", 90033, "UPSTREAM_ERROR"),
    ] {
        let scene = Scene::start().await;
        scene
            .stub
            .refuse_exchange(status, json!({ "error": error, "error_codes": [aadsts], "error_description": "secret" }));
        let answer = scene.tool("outlook_email_search", json!({})).await;
        assert_eq!(answer.code(), code, "{aadsts}");
        assert!(!answer.text.contains("secret"));
    }
    for aadsts in [50173, 500_133, 70043] {
        let scene = Scene::start().await;
        scene.stub.refuse_exchange(400, json!({ "error": "invalid_grant", "error_codes": [aadsts] }));
        let answer = scene.tool("outlook_email_search", json!({})).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (401, Some("SIGN_IN_REQUIRED")),
            "{aadsts}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_not_an_empty_one() {
    let scene = Scene::start().await;
    for body in [json!({}), json!([]), json!({ "value": "x" }), json!("truncat")] {
        scene.stub.script(200, vec![], body.clone());
        assert_eq!(scene.tool("outlook_email_search", json!({})).await.code(), "UPSTREAM_ERROR", "{body}");
    }
    scene.stub.script(302, vec![("location", format!("{}v1.0/me/messages", scene.stub.login))], json!({}));
    assert_eq!(
        scene.tool("outlook_email_search", json!({})).await.code(),
        "UPSTREAM_ERROR",
        "a redirect is not followed"
    );
}
