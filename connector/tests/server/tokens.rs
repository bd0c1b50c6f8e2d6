//! Every token rule refuses the one token that breaks it, and a good token passes.

use connector::policy::token::{self, Expected, RULES};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::scene::{ALICE, CLIENT, CONTOSO, SERVER, Scene};
use crate::stub::{Fault, KID, NEXT_KID, Place, Stub};

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
    ("identity", |_, claims| {
        claims.remove("scp");
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
    assert_eq!(scene.earlier_era(&scene.alice(), "tools/list", json!({})).await.status, 200, "a good token passes");
    let exchanges = scene.stub.exchanges().len();
    for (name, change) in FORGERIES {
        let rule = RULES.iter().find(|rule| rule.name == *name).unwrap();
        let (mut header, mut claims) = (Stub::header(), scene.claims(CONTOSO, ALICE));
        change(&mut header, &mut claims);
        let token = Stub::sign(&header, &Value::Object(claims).to_string());
        let answer = scene.earlier_era(&token, "tools/list", json!({})).await;
        let expected = if ["scope", "delegated"].contains(name) { 403 } else { 401 };
        assert_eq!(answer.status, expected, "{name}");
        assert!(answer.challenge().contains(rule.says), "{name}: {}", answer.challenge());
    }
    assert_eq!(scene.stub.exchanges().len(), exchanges, "none of them was exchanged");
}

#[tokio::test]
async fn a_key_signs_for_its_own_issuer_alone() {
    let scene = Scene::start().await;
    scene.stub.set_key_issuer("https://login.live.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0");
    let answer = scene.earlier_era(&scene.alice(), "tools/list", json!({})).await;
    assert_eq!(answer.status, 401);
    assert!(answer.challenge().contains("its key may not sign for its issuer"));
}

#[tokio::test]
async fn a_changed_token_has_no_signature() {
    let scene = Scene::start().await;
    let (alice, mallory) = (scene.alice(), scene.token(CONTOSO, "ee11ce00-0365-4c11-a0ff-0000000000a1"));
    let spliced = format!("{}.{}", mallory.rsplit_once('.').unwrap().0, alice.rsplit_once('.').unwrap().1);
    assert_eq!(scene.earlier_era(&spliced, "tools/list", json!({})).await.status, 401);
    for broken in ["a", "a.b", "a.b.c", "..", "e30.e30."] {
        assert_eq!(scene.earlier_era(broken, "tools/list", json!({})).await.status, 401, "{broken}");
    }
    assert_eq!(scene.earlier_era(&"x".repeat(17_000), "tools/list", json!({})).await.status / 100, 4);
}

#[tokio::test]
async fn made_up_key_ids_do_not_make_the_server_ask() {
    let scene = Scene::start().await;
    scene.earlier_era(&scene.alice(), "tools/list", json!({})).await;
    for number in 0..20 {
        let mut header = Stub::header();
        header["kid"] = format!("made-up-{number}").into();
        let token = Stub::sign(&header, &Value::Object(scene.claims(CONTOSO, ALICE)).to_string());
        assert_eq!(scene.earlier_era(&token, "tools/list", json!({})).await.status, 401);
    }
    assert_eq!(scene.stub.key_requests(), 4, "the first, and three more in five minutes");
    scene.clock.advance(301);
    scene.earlier_era(&token_of(&scene, "made-up"), "tools/list", json!({})).await;
    assert_eq!(scene.stub.key_requests(), 5);
}

fn token_of(scene: &Scene, kid: &str) -> String {
    let mut header = Stub::header();
    header["kid"] = kid.into();
    Stub::sign(&header, &Value::Object(scene.claims(CONTOSO, ALICE)).to_string())
}

async fn status(scene: &Scene, kid: &str) -> u16 {
    scene.earlier_era(&token_of(scene, kid), "tools/list", json!({})).await.status
}

#[tokio::test]
async fn a_roll_over_is_noticed_at_once_even_after_made_up_ids() {
    let scene = Scene::start().await;
    assert_eq!((status(&scene, KID).await, status(&scene, "made-up").await), (200, 401));
    scene.stub.set_kids(&[KID, NEXT_KID]);
    assert_eq!((status(&scene, NEXT_KID).await, status(&scene, KID).await), (200, 200), "both sign for a while");
    scene.stub.set_kids(&[NEXT_KID]);
    assert_eq!(status(&scene, NEXT_KID).await, 200);
}

#[tokio::test]
async fn a_key_that_is_withdrawn_stops_counting() {
    let scene = Scene::start().await;
    assert_eq!(status(&scene, KID).await, 200);
    scene.stub.set_kids(&[NEXT_KID]);
    assert_eq!(status(&scene, NEXT_KID).await, 200, "the first token of the new key");
    assert_eq!(status(&scene, KID).await, 401, "ends the old one");

    let scene = Scene::start().await;
    assert_eq!(status(&scene, KID).await, 200);
    scene.stub.set_kids(&[]);
    scene.clock.advance(899);
    assert_eq!(status(&scene, KID).await, 200, "nothing new was seen: just below the bound it still counts");
    scene.clock.advance(1);
    assert_eq!(status(&scene, KID).await, 401, "15 minutes later at the latest");
}

#[tokio::test]
async fn known_keys_serve_while_the_authority_is_down() {
    let scene = Scene::with(|config| config.limits.request_seconds = 1).await;
    assert_eq!(status(&scene, KID).await, 200);
    scene.clock.advance(3000);
    scene.stub.fail(Place::Keys, &Fault::Status(500, None), 9);
    for _ in 0..3 {
        assert_eq!(status(&scene, KID).await, 200);
    }
    assert_eq!(scene.stub.key_requests(), 2, "after a failure it is left alone for a while");
    scene.clock.advance(10);
    scene.stub.fail(Place::Discovery, &Fault::Hang, 1);
    let (one, two) = tokio::join!(status(&scene, KID), status(&scene, KID));
    assert_eq!((one, two), (200, 200));
}

/// Each rule stands alone: for each there is a token that no other rule refuses, so that a server without it can be told.
#[tokio::test]
async fn no_rule_is_covered_by_the_others() {
    let scene = Scene::start().await;
    let expected = Expected {
        login: scene.stub.login.clone(),
        client_id: SERVER.to_owned(),
        scope: "access_as_user".to_owned(),
        clients: [CLIENT.to_owned()].into(),
        now: Timestamp::from_second(scene.clock.seconds()).unwrap(),
    };
    let broken = |token: &str, issuer: &str| -> Vec<&str> {
        let mut presented = token::parse(token).unwrap();
        presented.key = Some(Stub::signing_key(issuer));
        RULES.iter().filter(|rule| !(rule.holds)(&presented, &expected)).map(|rule| rule.name).collect()
    };
    let template = format!("{}{{tenantid}}/v2.0", scene.stub.login);
    assert_eq!(broken(&scene.alice(), &template), [""; 0]);
    let mut alone: Vec<&str> = FORGERIES
        .iter()
        .filter_map(|(name, change)| {
            let (mut header, mut claims) = (Stub::header(), scene.claims(CONTOSO, ALICE));
            change(&mut header, &mut claims);
            let token = Stub::sign(&header, &Value::Object(claims).to_string());
            (broken(&token, &template) == [*name]).then_some(*name)
        })
        .collect();
    let spliced = format!("{}x", scene.alice());
    assert_eq!(broken(&spliced, &template), ["signature"]);
    assert_eq!(broken(&scene.alice(), "https://login.live.com/9188040d/v2.0"), ["key-issuer"]);
    alone.extend(["signature", "key-issuer"]);
    for rule in RULES {
        assert!(alone.contains(&rule.name), "{}", rule.name);
    }
}
