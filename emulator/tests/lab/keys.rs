//! Keys and minted tokens, seen from where they count: the key documents, and Graph.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::{Scene, scene};

impl Scene {
    async fn kids(&self, tenant: &str) -> Vec<String> {
        let url = self.running.login.join(&format!("{tenant}/discovery/v2.0/keys")).unwrap();
        let document: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        document["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    /// A token for Graph, with these further members of the request.
    async fn mint(&self, further: Value) -> String {
        let mut order = json!({ "tenant": "contoso", "user": "alice", "client": "m365-server", "resource": "graph" });
        order.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        self.done("/lab/mint", order).await["token"].as_str().unwrap().to_owned()
    }

    async fn me(&self, token: &str) -> u16 {
        let url = self.running.graph.join("v1.0/me").unwrap();
        self.http.get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
    }
}

fn header_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_minted_token_is_as_good_as_an_issued_one_until_it_is_changed() {
    let scene = scene().await;
    assert_eq!(scene.me(&scene.mint(json!({})).await).await, 200);
    let nowhere = "c2c3b5cc-f1ea-5c11-9a2f-7e1d6a0f0000";
    for (what, further) in [
        ("unsigned", json!({ "algorithm": "none" })),
        ("HMAC under the certificate", json!({ "algorithm": "HS256" })),
        ("another padding", json!({ "algorithm": "PS256" })),
        ("another hash", json!({ "algorithm": "RS512" })),
        ("says RS256, is PS256", json!({ "algorithm": "PS256", "header": { "alg": "RS256" } })),
        ("a stranger's key", json!({ "key": "fE65PGA-O7jcALqwMLjnMRCJzQo" })),
        (
            "a stranger's key under our id",
            json!({ "key": "fE65PGA-O7jcALqwMLjnMRCJzQo", "header": { "kid": "Ov2BfuAEmLZwW3sQjsYZ2BOBf58" } }),
        ),
        ("the key of personal accounts", json!({ "key": "AH9MI5rf_3Lj8hzBfACzX6VRhHo" })),
        ("no key id", json!({ "header": { "kid": null } })),
        ("expired", json!({ "claims": { "exp": 1 } })),
        ("a tenant that is not there", json!({ "claims": { "tid": nowhere } })),
        ("no audience", json!({ "claims": { "aud": null } })),
        ("no JSON", json!({ "payload": "{" })),
        ("no text", json!({ "payload_bytes": "gICA" })),
    ] {
        assert_eq!(scene.me(&scene.mint(further).await).await, 401, "{what}");
    }
}

#[tokio::test]
async fn claims_are_set_and_taken_and_repeated() {
    let scene = scene().await;
    let minted = scene
        .done("/lab/mint", json!({ "claims": { "a": 1, "b": null }, "header": { "crit": ["x"], "typ": null } }))
        .await;
    assert_eq!(minted["claims"], json!({ "a": 1 }));
    assert_eq!(minted["header"], json!({ "alg": "RS256", "kid": "Ov2BfuAEmLZwW3sQjsYZ2BOBf58", "crit": ["x"] }));
    let twice = scene.done("/lab/mint", json!({ "payload": "{\"tid\":1,\"tid\":2}" })).await;
    let payload = twice["token"].as_str().unwrap().split('.').nth(1).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(payload).unwrap(), b"{\"tid\":1,\"tid\":2}");
    let scoped = scene.mint(json!({ "scopes": ["User.Read"], "claims_capable": true })).await;
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(scoped.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!((&claims["scp"], &claims["xms_cc"]), (&json!("User.Read"), &json!(["CP1"])));
}

#[tokio::test]
async fn a_roll_over_announces_before_it_signs_and_keeps_what_was_signed_good() {
    let scene = scene().await;
    let old = scene.mint(json!({})).await;
    let before = scene.kids("common").await;
    let next = before[1].clone();
    assert_ne!(header_of(&old)["kid"], json!(next));
    let after = scene.done("/lab/keys/roll-over", json!({})).await;
    assert_eq!(after["keys"][0]["kid"], json!(next), "what signs now was published before");
    let new = scene.mint(json!({})).await;
    assert_eq!(header_of(&new)["kid"], json!(next));
    assert_eq!((scene.me(&old).await, scene.me(&new).await), (200, 200));
    let kids = scene.kids("common").await;
    assert_eq!(kids.len(), before.len() + 1, "another one is announced");
    assert!(before.iter().all(|kid| kids.contains(kid)));
    // Through the spare keys, and beyond: keys are made.
    for _ in 0..3 {
        scene.done("/lab/keys/roll-over", json!({})).await;
        assert_eq!(scene.me(&scene.mint(json!({})).await).await, 200);
    }
    scene.done("/lab/reset", json!({})).await;
    assert_eq!(scene.kids("common").await, before);
}

#[tokio::test]
async fn an_emergency_removal_voids_what_the_key_signed() {
    let scene = scene().await;
    let token = scene.mint(json!({})).await;
    let kid = header_of(&token)["kid"].clone();
    assert_eq!(scene.me(&token).await, 200);
    scene.done("/lab/keys/remove", json!({ "kid": kid })).await;
    assert_eq!(scene.me(&token).await, 401);
    assert!(!scene.kids("common").await.contains(&kid.as_str().unwrap().to_owned()));
    let other = scene.mint(json!({})).await;
    assert_eq!(scene.me(&other).await, 200, "the announced key took over");
    let last = scene.post("/lab/keys/remove", json!({ "kid": header_of(&other)["kid"] })).await;
    assert_eq!(last.status(), 409, "somebody must sign");
    assert_eq!(scene.me(&other).await, 200);
}

#[tokio::test]
async fn a_tenant_may_have_a_key_of_its_own() {
    let scene = scene().await;
    let own = scene.done("/lab/keys/add", json!({ "tenant": "contoso" })).await;
    assert_eq!(own["active"], true);
    let kid = own["kid"].as_str().unwrap().to_owned();
    let token = scene.mint(json!({})).await;
    assert_eq!(header_of(&token)["kid"], json!(kid));
    assert_eq!(scene.me(&token).await, 200);
    let contoso = scene.kids("contoso.example").await;
    assert!(contoso.contains(&kid) && scene.kids("common").await.contains(&kid));
    assert!(!scene.kids("fabrikam.example").await.contains(&kid), "not in another tenant's document");
    let oscar =
        json!({ "tenant": "fabrikam", "user": "mallory", "client": "m365-server", "resource": "graph", "key": kid });
    let forged = scene.done("/lab/mint", oscar).await;
    assert_eq!(scene.me(forged["token"].as_str().unwrap()).await, 401, "it signs for its tenant alone");
}

#[tokio::test]
async fn a_key_can_be_brought() {
    let scene = scene().await;
    let pem = include_str!("../../../fixtures/keys/spare-b.pem");
    let brought = scene.done("/lab/keys/add", json!({ "private_key": pem })).await;
    assert_eq!(brought["active"], false, "announced first");
    scene.done("/lab/keys/activate", json!({ "kid": brought["kid"] })).await;
    let token = scene.mint(json!({})).await;
    assert_eq!(header_of(&token)["kid"], brought["kid"]);
    assert_eq!(scene.me(&token).await, 200);
    assert_eq!(scene.post("/lab/keys/add", json!({ "private_key": pem })).await.status(), 409);
    for unfit in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert_eq!(scene.post("/lab/keys/add", json!({ "private_key": unfit })).await.status(), 400, "{unfit:?}");
    }
}

/// Graph remembers whose signature it has verified. Nothing else about a token is remembered: whatever changes counts at once.
#[tokio::test]
async fn a_token_that_was_seen_before_is_good_no_longer_than_any_other() {
    let scene = scene().await;
    let seen = async |further: Value| {
        let token = scene.mint(further).await;
        assert_eq!((scene.me(&token).await, scene.me(&token).await), (200, 200));
        token
    };
    // Its key goes: at a planned roll-over it stays published, in an emergency it does not.
    let token = seen(json!({})).await;
    scene.done("/lab/keys/roll-over", json!({})).await;
    assert_eq!(scene.me(&token).await, 200, "the old key is still published");
    let kid = header_of(&token)["kid"].as_str().unwrap().to_owned();
    scene.done("/lab/keys/remove", json!({ "kid": kid })).await;
    assert_eq!(scene.me(&token).await, 401, "its key was removed");
    let newer = seen(json!({})).await;
    assert_ne!(header_of(&newer)["kid"], kid.as_str());
    assert_eq!(scene.post("/lab/reset", json!({})).await.status(), 200);
    assert_eq!(scene.me(&token).await, 200, "the plan's keys are back");

    // Any other bytes are another token.
    let token = seen(json!({})).await;
    for at in [token.find('.').unwrap() + 5, token.rfind('.').unwrap() + 5] {
        let mut other = token.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(scene.me(std::str::from_utf8(&other).unwrap()).await, 401, "byte {at}");
    }
    let (signed, _) = token.rsplit_once('.').unwrap();
    assert_eq!(scene.me(&format!("{signed}.")).await, 401);

    // Sessions, the account, time: asked anew each time.
    let capable = seen(json!({ "claims": { "xms_cc": ["cp1"] } })).await;
    scene.done("/lab/users/revoke-sessions", json!({ "tenant": "contoso", "user": "alice" })).await;
    assert_eq!(scene.me(&capable).await, 401, "sessions were revoked");
    let token = seen(json!({})).await;
    scene.done("/lab/settings", json!({ "revocation": "strict" })).await;
    let grant = json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph" });
    scene.done("/lab/grants/revoke", grant).await;
    assert_eq!(scene.me(&token).await, 401, "consent was withdrawn, and revocation is strict");
    assert_eq!(scene.post("/lab/reset", json!({})).await.status(), 200);
    let token = seen(json!({})).await;
    scene.done("/lab/clock", json!({ "advance": "PT3H" })).await;
    assert_eq!(scene.me(&token).await, 401, "it has expired");
    scene.done("/lab/clock", json!({ "advance": "-PT3H" })).await;
    assert_eq!(scene.me(&token).await, 200);
    scene.done("/lab/users/delete", json!({ "tenant": "contoso", "user": "alice" })).await;
    assert_eq!(scene.me(&token).await, 401, "nobody is called so any more");
}
