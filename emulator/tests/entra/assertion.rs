//! A client proves itself with a certificate: what libraries really send is accepted, everything near it is not.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use emulator::Options;
use fixtures::Plan;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::scene::*;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const FABRIKAM: &str = "fabrikam.example";
const ALICE: &str = "alice@contoso.example";

/// A scene whose server holds a certificate, and the certificate's other half.
pub(crate) struct Certified {
    pub(crate) scene: Scene,
    pub(crate) key: EncodingKey,
    /// Of somebody else.
    other: EncodingKey,
    sha256: Vec<u8>,
    sha1: Vec<u8>,
    pub(crate) now: i64,
}

pub(crate) async fn certified() -> Certified {
    certified_of(Options::default()).await
}

pub(crate) async fn certified_of(options: Options) -> Certified {
    let mut plan = Plan::embedded().unwrap();
    let key = |index: usize| EncodingKey::from_rsa_pem(plan.keys[index].private_pem.as_bytes()).unwrap();
    let (key, other) = (key(1), key(0));
    let pem = plan.keys[1].certificate_pem.to_string();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(der).unwrap();
    let digest = |algorithm| aws_lc_rs::digest::digest(algorithm, &der).as_ref().to_vec();
    let sha256 = digest(&aws_lc_rs::digest::SHA256);
    let sha1 = digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    let server = plan.registrations.iter_mut().find(|app| app.name == "m365-server").unwrap();
    server.certificates.push(pem);
    let now = plan.epoch.as_second();
    Certified { scene: scene_of(plan, options).await, key, other, sha256, sha1, now }
}

impl Certified {
    fn audience(&self) -> String {
        self.scene.login("c0ff1e00-0365-4c11-8c0a-0000c0a70050/oauth2/v2.0/token").to_string()
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(&self.sha256) })
    }

    pub(crate) fn claims(&self) -> Value {
        json!({
            "aud": self.audience(), "iss": SERVER, "sub": SERVER, "jti": "6f2c9b1e",
            "iat": self.now, "nbf": self.now, "exp": self.now + 600,
        })
    }

    /// A token request with this assertion: the exchange of a user's token.
    pub(crate) async fn exchange(&self, tenant: &str, assertion: &str) -> reqwest::Response {
        let alice = self.scene.signed_in(CONTOSO, ALICE).await;
        let user = alice["access_token"].as_str().unwrap();
        let proof = [("client_secret", ""), ("client_assertion_type", TYPE), ("client_assertion", assertion)];
        self.scene.exchange(tenant, user, &proof).await
    }

    pub(crate) async fn answer(&self, header: &Value, claims: &Value) -> reqwest::Response {
        self.exchange(CONTOSO, &signed(header, claims, &self.key)).await
    }
}

pub(crate) fn signed(header: &Value, claims: &Value, key: &EncodingKey) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let algorithm = if header["alg"] == "RS256" { Algorithm::RS256 } else { Algorithm::PS256 };
    format!("{message}.{}", jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap())
}

pub(crate) fn with(value: &Value, changes: &Value) -> Value {
    let mut value = value.clone();
    for (name, change) in changes.as_object().unwrap() {
        value[name] = change.clone();
    }
    value
}

fn without(value: &Value, name: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(name);
    value
}

#[tokio::test]
async fn every_form_that_libraries_send_proves_the_client() {
    let world = certified().await;
    let (header, claims, now) = (world.header(), world.claims(), world.now);
    let legacy = json!({ "alg": "RS256", "typ": "JWT", "x5t": URL_SAFE_NO_PAD.encode(&world.sha1) });
    let float = |seconds: i64| json!(format!("{seconds}.25").parse::<f64>().unwrap());
    let issuer = world.audience().replace("/oauth2/v2.0/token", "/v2.0");
    let cases = [
        ("current", header.clone(), claims.clone()),
        ("legacy", legacy.clone(), claims.clone()),
        ("padded SHA-256", with(&header, &json!({ "x5t#S256": URL_SAFE.encode(&world.sha256) })), claims.clone()),
        ("padded SHA-1", with(&legacy, &json!({ "x5t": URL_SAFE.encode(&world.sha1) })), claims.clone()),
        ("x5c string", with(&header, &json!({ "x5c": "MIIB" })), claims.clone()),
        ("x5c array", with(&header, &json!({ "x5c": ["MIIB"] })), claims.clone()),
        ("strings", header.clone(), with(&claims, &json!({ "nbf": now.to_string(), "exp": (now + 600).to_string() }))),
        (
            "floats",
            header.clone(),
            with(&without(&claims, "nbf"), &json!({ "iat": float(now), "exp": float(now + 600) })),
        ),
        (
            "domain",
            header.clone(),
            with(&claims, &json!({ "aud": world.scene.login("contoso.example/oauth2/v2.0/token") })),
        ),
        ("issuer", header.clone(), with(&claims, &json!({ "aud": issuer }))),
    ];
    for (name, header, claims) in cases {
        let answer = world.answer(&header, &claims).await;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{name}: {body}");
        assert_eq!(self::claims(body["access_token"].as_str().unwrap())["appidacr"], "2", "{name}");
    }
    assert!(world.scene.running.unmodelled().is_empty());
}

#[tokio::test]
async fn what_proves_nothing_is_refused_with_its_number() {
    let world = certified().await;
    let (header, claims, now) = (world.header(), world.claims(), world.now);
    let with_header = |changes: Value| (with(&header, &changes), claims.clone());
    let with_claims = |changes: Value| (header.clone(), with(&claims, &changes));
    let cases = [
        ("unknown thumbprint", with_header(json!({ "x5t#S256": URL_SAFE_NO_PAD.encode([7; 32]) })), 700_027),
        ("one of two unknown", with_header(json!({ "x5t": URL_SAFE_NO_PAD.encode([7; 20]) })), 700_027),
        ("no thumbprint", (without(&header, "x5t#S256"), claims.clone()), 700_027),
        ("other algorithm", with_header(json!({ "alg": "none" })), 700_027),
        ("expired", with_claims(json!({ "exp": now - 300 })), 700_024),
        ("no expiry", (header.clone(), without(&claims, "exp")), 700_024),
        ("not yet", with_claims(json!({ "nbf": now + 301 })), 700_024),
        ("unreadable time", with_claims(json!({ "exp": "tomorrow" })), 700_024),
        ("foreign issuer", with_claims(json!({ "iss": CLIENT })), 50048),
        ("foreign subject", with_claims(json!({ "sub": CLIENT })), 50048),
        ("another application", with_claims(json!({ "iss": CLIENT, "sub": CLIENT })), 700_021),
        ("foreign audience", with_claims(json!({ "aud": "https://login.example/oauth2/v2.0/token" })), 700_023),
        (
            "other tenant",
            with_claims(json!({ "aud": world.scene.login("fabrikam.example/oauth2/v2.0/token") })),
            700_023,
        ),
    ];
    for (name, (header, claims), number) in cases {
        let answer = world.answer(&header, &claims).await;
        assert_eq!(refused(answer).await, no(401, "invalid_client", number), "{name}");
    }
    let good = signed(&header, &claims, &world.key);
    let elsewhere = world.exchange(FABRIKAM, &good).await;
    assert_eq!(refused(elsewhere).await, no(401, "invalid_client", 700_023), "sent to another tenant");
    let forged = world.exchange(CONTOSO, &signed(&header, &claims, &world.other)).await;
    assert_eq!(refused(forged).await, no(401, "invalid_client", 700_027), "another key");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let lengthened = with(&claims, &json!({ "exp": now + 6_000 }));
    let altered = format!(
        "{}.{}.{signature}",
        message.split_once('.').unwrap().0,
        URL_SAFE_NO_PAD.encode(lengthened.to_string())
    );
    assert_eq!(refused(world.exchange(CONTOSO, &altered).await).await, no(401, "invalid_client", 700_027), "altered");
    assert_eq!(refused(world.exchange(CONTOSO, "a.b").await).await, no(401, "invalid_client", 50027));
}

#[tokio::test]
async fn the_client_id_may_be_implied_and_a_public_client_has_no_assertion() {
    let world = certified().await;
    let assertion = signed(&world.header(), &world.claims(), &world.key);
    let alice = world.scene.signed_in(CONTOSO, ALICE).await;
    let user = alice["access_token"].as_str().unwrap();
    let proof = [("client_secret", ""), ("client_assertion_type", TYPE), ("client_assertion", assertion.as_str())];
    let implied = world.scene.exchange(CONTOSO, user, &[&proof[..], &[("client_id", "")]].concat()).await;
    assert_eq!(implied.status(), 200);
    let code = world.scene.code(CONTOSO, ALICE).await;
    let public = world.scene.redeem(CONTOSO, &code, &proof[1..]).await;
    assert_eq!(refused(public).await, no(401, "invalid_client", 700_025));
    let untyped = world.scene.exchange(CONTOSO, user, &[proof[0], proof[2]]).await;
    assert_eq!(refused(untyped).await, no(400, "invalid_request", 900_144));
}
