//! Every token rule refuses the one token that breaks it, and a good token passes.

use connector::policy::token::RULES;
use serde_json::{Map, Value, json};

use crate::scene::{ALICE, CONTOSO, Scene};
use crate::stub::Stub;

type Change = fn(&mut Value, &mut Map<String, Value>);

/// One violation per rule.
const FORGERIES: &[(&str, Change)] = &[
    ("unique-claims", |_, claims| {
        claims.insert("TID".into(), CONTOSO.into());
    }),
    ("algorithm", |header, _| header["alg"] = "RS512".into()),
    ("algorithm", |header, _| header["alg"] = "none".into()),
    ("type", |header, _| header["typ"] = "secevent+jwt".into()),
    ("critical-header", |header, _| header["crit"] = json!(["exp"])),
    ("signature", |header, _| header["kid"] = "nobody".into()),
    ("issuer", |_, claims| {
        let iss = claims["iss"].as_str().unwrap().replace(CONTOSO, "bbbbbbbb-0365-4c11-a0ff-00000000000b");
        claims.insert("iss".into(), iss.into());
    }),
    ("tenant-id", |_, claims| {
        let upper = CONTOSO.to_uppercase();
        let iss = claims["iss"].as_str().unwrap().replace(CONTOSO, &upper);
        claims.insert("iss".into(), iss.into());
        claims.insert("tid".into(), upper.into());
    }),
    ("work-account", |_, claims| {
        let personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
        let iss = claims["iss"].as_str().unwrap().replace(CONTOSO, personal);
        claims.insert("iss".into(), iss.into());
        claims.insert("tid".into(), personal.into());
    }),
    ("audience", |_, claims| {
        claims.insert("aud".into(), "https://graph.microsoft.com".into());
    }),
    ("audience", |_, claims| {
        claims.insert("aud".into(), json!([claims["aud"]]));
    }),
    ("audience", |_, claims| {
        claims.remove("aud");
    }),
    ("version", |_, claims| {
        claims.insert("ver".into(), "1.0".into());
    }),
    ("expiry", |_, claims| {
        claims.insert("exp".into(), (claims["nbf"].as_i64().unwrap() + 200).into());
    }),
    ("expiry", |_, claims| {
        claims.insert("exp".into(), "1999999999".into());
    }),
    ("not-before", |_, claims| {
        claims.insert("nbf".into(), (claims["nbf"].as_i64().unwrap() + 600).into());
    }),
    ("delegated", |_, claims| {
        claims.insert("idtyp".into(), "app".into());
    }),
    ("delegated", |_, claims| {
        claims.remove("scp");
        claims.insert("roles".into(), json!(["access_as_user"]));
    }),
    ("client", |_, claims| {
        claims.insert("azp".into(), "00000000-0000-0000-0000-000000000001".into());
    }),
    ("identity", |_, claims| {
        claims.insert("oid".into(), "alice".into());
    }),
    ("scope", |_, claims| {
        claims.insert("scp".into(), "access_as_user_all".into());
    }),
];

#[tokio::test]
async fn each_rule_refuses_what_breaks_it() {
    let scene = Scene::start().await;
    assert_eq!(scene.old(&scene.alice(), "tools/list", json!({})).await.status, 200, "a good token passes");
    for (name, change) in FORGERIES {
        let rule = RULES.iter().find(|rule| rule.name == *name).unwrap();
        let (mut header, mut claims) = (Stub::header(), scene.claims(CONTOSO, ALICE));
        change(&mut header, &mut claims);
        let token = Stub::sign(&header, &Value::Object(claims).to_string());
        let answer = scene.old(&token, "tools/list", json!({})).await;
        let expected = if *name == "scope" { 403 } else { 401 };
        assert_eq!(answer.status, expected, "{name}");
        assert!(answer.challenge().contains(rule.says), "{name}: {}", answer.challenge());
    }
    assert!(scene.stub.exchanges().is_empty());
}

#[tokio::test]
async fn a_key_signs_for_its_own_issuer_alone() {
    let scene = Scene::start().await;
    scene.stub.set_key_issuer("https://login.live.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0");
    let answer = scene.old(&scene.alice(), "tools/list", json!({})).await;
    assert_eq!(answer.status, 401);
    assert!(answer.challenge().contains("its key may not sign for its issuer"));
}

#[tokio::test]
async fn a_changed_token_has_no_signature() {
    let scene = Scene::start().await;
    let (alice, mallory) = (scene.alice(), scene.token(CONTOSO, "ee11ce00-0365-4c11-a0ff-0000000000a1"));
    let spliced = format!("{}.{}", mallory.rsplit_once('.').unwrap().0, alice.rsplit_once('.').unwrap().1);
    assert_eq!(scene.old(&spliced, "tools/list", json!({})).await.status, 401);
    for broken in ["a", "a.b", "a.b.c", "..", "e30.e30."] {
        assert_eq!(scene.old(broken, "tools/list", json!({})).await.status, 401, "{broken}");
    }
    assert_eq!(scene.old(&"x".repeat(17_000), "tools/list", json!({})).await.status / 100, 4);
}

#[tokio::test]
async fn made_up_key_ids_do_not_make_the_server_ask() {
    let scene = Scene::start().await;
    scene.old(&scene.alice(), "tools/list", json!({})).await;
    for number in 0..20 {
        let mut header = Stub::header();
        header["kid"] = format!("made-up-{number}").into();
        let token = Stub::sign(&header, &Value::Object(scene.claims(CONTOSO, ALICE)).to_string());
        assert_eq!(scene.old(&token, "tools/list", json!({})).await.status, 401);
    }
    assert_eq!(scene.stub.key_requests(), 1);
    scene.clock.advance(301);
    let mut header = Stub::header();
    header["kid"] = "made-up".into();
    let token = Stub::sign(&header, &Value::Object(scene.claims(CONTOSO, ALICE)).to_string());
    scene.old(&token, "tools/list", json!({})).await;
    assert_eq!(scene.stub.key_requests(), 2);
}
