//! The lab over the wire: what it changes, and whom it refuses.

mod copies;
mod keys;
mod page;
mod routes;
mod save;

use emulator::{Emulator, Options, Running};
use fixtures::Plan;
use reqwest::{Client, Response};
use serde_json::{Value, json};

struct Scene {
    running: Running,
    http: Client,
}

async fn scene() -> Scene {
    let running = Emulator::start(Plan::embedded().unwrap(), Options::default()).await.unwrap();
    Scene { running, http: client() }
}

#[expect(clippy::disallowed_methods, reason = "the one place where these tests build their client")]
fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl Scene {
    fn url(&self, path: &str) -> reqwest::Url {
        self.running.lab.join(path).unwrap()
    }

    async fn read(&self, path: &str) -> Value {
        let answer = self.http.get(self.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Response {
        self.http.post(self.url(path)).json(&body).send().await.unwrap()
    }

    async fn done(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body.clone()).await;
        let status = answer.status();
        let said: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{path} {body}: {said}");
        said
    }

    async fn code_of(&self, tenant: &str, hint: &str) -> u16 {
        let mut url = self.running.login.join(&format!("{tenant}/oauth2/v2.0/authorize")).unwrap();
        url.query_pairs_mut().extend_pairs([
            ("client_id", "c11e4700-0365-4c11-a0ff-11e036500001"),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost"),
            ("scope", "openid"),
            ("login_hint", hint),
        ]);
        self.http.get(url).send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn strangers_are_refused_before_anything_is_read() {
    let scene = scene().await;
    let before = scene.read("/lab/fingerprint").await;
    let grant = json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph" });
    let post = || scene.http.post(scene.url("/lab/grants/revoke"));
    let page = post().header("origin", "https://evil.example").json(&grant).send().await.unwrap();
    assert_eq!(page.status(), 403);
    let own =
        post().header("origin", scene.running.lab.as_str().trim_end_matches('/')).json(&grant).send().await.unwrap();
    assert_eq!(own.status(), 403, "not even a page of its own origin");
    let rebound = post().header("host", "lab.evil.example").json(&grant).send().await.unwrap();
    assert_eq!(rebound.status(), 421);
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let simple = post().header("content-type", kind).body(grant.to_string()).send().await.unwrap();
        assert_eq!(simple.status(), 415, "{kind}");
        let body: Value = simple.json().await.unwrap();
        assert_eq!(body["error"]["code"], "unsupportedMediaType");
    }
    assert_eq!(scene.read("/lab/fingerprint").await, before);
}

#[tokio::test]
async fn mistakes_are_named() {
    let scene = scene().await;
    for (path, body, status) in [
        ("/lab/grants/revoke", json!({ "tenant": "nowhere", "client": "m365-server", "resource": "graph" }), 404),
        ("/lab/grants/revoke", json!({ "tenant": "contoso", "client": "nobody", "resource": "graph" }), 404),
        ("/lab/grants/revoke", json!({ "tenant": "contoso", "client": "graph", "resource": "m365-server" }), 404),
        (
            "/lab/grants/consent",
            json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph", "scopes": ["No.Such"] }),
            404,
        ),
        ("/lab/grants/consent", json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph" }), 400),
        ("/lab/grants/revoke", json!({ "tenant": "contoso" }), 400),
        ("/lab/clock", json!({}), 400),
        ("/lab/clock", json!({ "advance": "soon" }), 400),
        ("/lab/users/update", json!({ "tenant": "contoso", "user": "alice", "manager": "bob" }), 400),
        (
            "/lab/users/update",
            json!({ "tenant": "contoso", "user": "mallory@fabrikam.example", "enabled": false }),
            404,
        ),
        ("/lab/nothing", json!({}), 404),
        ("/lab/audit", json!({}), 405),
    ] {
        let answer = scene.post(path, body.clone()).await;
        assert_eq!(answer.status(), status, "{path} {body}");
        let said: Value = answer.json().await.unwrap();
        assert!(said["error"]["code"].is_string() && said["error"]["message"].is_string(), "{said}");
    }
    let broken = scene.http.post(scene.url("/lab/reset")).header("content-type", "application/json").body("{\"a\":");
    assert_eq!(broken.send().await.unwrap().status(), 400);
    let big =
        scene.http.post(scene.url("/lab/reset")).header("content-type", "application/json").body(vec![b' '; 5 << 20]);
    assert_eq!(big.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn the_clock_moves_and_is_set() {
    let scene = scene().await;
    assert_eq!(scene.read("/lab/clock").await, json!({ "now": "2026-01-12T09:00:00Z", "running": false }));
    let moved: Value = scene.post("/lab/clock", json!({ "advance": "PT1H30M" })).await.json().await.unwrap();
    assert_eq!(moved["now"], "2026-01-12T10:30:00Z");
    let set: Value = scene.post("/lab/clock", json!({ "set": "2027-02-03T04:05:06Z" })).await.json().await.unwrap();
    assert_eq!(set["now"], "2027-02-03T04:05:06Z");
}

#[tokio::test]
async fn changes_show_in_the_fingerprint_and_reset_takes_them_back() {
    let scene = scene().await;
    let before = scene.read("/lab/fingerprint").await;
    let mut seen = vec![before.clone()];
    for (path, body) in [
        (
            "/lab/grants/revoke",
            json!({ "tenant": "contoso.example", "client": "m365-server", "resource": "graph", "scopes": ["Mail.Read"] }),
        ),
        (
            "/lab/grants/consent",
            json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph", "scopes": ["Mail.Read"], "principal": "bob" }),
        ),
        ("/lab/users/update", json!({ "tenant": "contoso", "user": "alice", "enabled": false })),
        ("/lab/users/revoke-sessions", json!({ "tenant": "contoso", "user": "bob@contoso.example" })),
    ] {
        assert_eq!(scene.post(path, body).await.status(), 200, "{path}");
        let now = scene.read("/lab/fingerprint").await;
        assert_eq!(now["content"], before["content"], "content is untouched");
        assert!(!seen.contains(&now), "{path}");
        seen.push(now);
    }
    let grants = scene.read("/lab/grants?tenant=contoso").await;
    assert!(grants.as_array().unwrap().iter().any(|grant| grant["principal"] == "bob@contoso.example"));
    assert_eq!(scene.code_of("contoso.example", "alice@contoso.example").await, 200, "a disabled user sees the page");
    assert_eq!(scene.post("/lab/reset", json!({})).await.status(), 200);
    assert_eq!(scene.read("/lab/fingerprint").await, before);
    assert_eq!(scene.code_of("contoso.example", "alice@contoso.example").await, 302);
}

#[tokio::test]
async fn audit_rows_belong_to_a_tenant_and_count_on() {
    let scene = scene().await;
    scene.code_of("contoso.example", "alice@contoso.example").await;
    scene.code_of("fabrikam.example", "mallory@fabrikam.example").await;
    let all = scene.read("/lab/audit").await;
    let all = all["rows"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["kind"], "sign-in");
    let contoso = scene.read("/lab/audit?tenant=contoso").await;
    assert_eq!(contoso["rows"].as_array().unwrap().len(), 1);
    let since = scene.read("/lab/audit?since=1").await;
    assert_eq!(since["rows"].as_array().unwrap().len(), 1);
    let unknown = scene.http.get(scene.url("/lab/audit?sinze=1")).send().await.unwrap();
    assert_eq!(unknown.status(), 400, "nothing is ignored in silence");
}

#[tokio::test]
async fn exchanges_are_kept_only_while_recording() {
    let scene = scene().await;
    let document = scene.running.login.join("common/v2.0/.well-known/openid-configuration?x=1").unwrap();
    scene.http.get(document.clone()).send().await.unwrap();
    assert_eq!(scene.read("/lab/exchanges").await, json!({ "exchanges": [] }));
    scene.post("/lab/recording", json!({ "on": true })).await;
    scene.http.get(document.clone()).send().await.unwrap();
    scene.http.get(scene.running.graph.join("v1.0/me").unwrap()).send().await.unwrap();
    let kept = scene.read("/lab/exchanges").await;
    let kept = kept["exchanges"].as_array().unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!((&kept[0]["host"], &kept[1]["host"]), (&json!("login"), &json!("graph")));
    assert_eq!(kept[0]["target"], "/common/v2.0/.well-known/openid-configuration?x=1");
    assert_eq!(kept[0]["status"], 200);
    assert_eq!((&kept[1]["audit"][0]["status"], &kept[1]["status"]), (&json!(401), &json!(401)));
    assert!(kept[1]["audit"][0]["reason"].is_string(), "why");
    scene.code_of("contoso.example", "alice@contoso.example").await;
    let signed_in = &scene.read("/lab/exchanges?since=2").await["exchanges"][0];
    assert_eq!(signed_in["audit"][0]["kind"], "sign-in");
    assert!(signed_in["audit"][0]["reason"].as_str().unwrap().contains("conditional access: no policy applies"));
    let later = scene.read("/lab/exchanges?since=1").await;
    assert_eq!(later["exchanges"].as_array().unwrap().len(), 2);
    scene.post("/lab/recording", json!({ "on": false })).await;
    assert_eq!(scene.read("/lab/exchanges").await, json!({ "exchanges": [] }));
}

#[tokio::test]
async fn an_application_of_ones_own_signs_people_in_at_once() {
    let scene = scene().await;
    let own = json!({
        "name": "mine", "client_id": "11111111-2222-3333-4444-555555555555", "tenant": "contoso",
        "secrets": ["s3cret"], "scopes": ["read"], "redirect_uris": { "web": ["https://app.test/back"] },
        "grants": [{ "resource": "graph", "scopes": ["User.Read", "openid"] }, { "resource": "mine", "scopes": ["read"] }],
    });
    let unfinished = |member: &str, value: Value| {
        let mut unfinished = own.clone();
        unfinished[member] = value;
        unfinished
    };
    let before = scene.read("/lab/fingerprint").await;
    for (unfit, status) in [
        (unfinished("grants", json!([{ "resource": "graph", "scopes": ["User.Raed"] }])), 404),
        (unfinished("tenant", json!("nowhere")), 404),
        (unfinished("client_id", json!("c11e4700-0365-4c11-a0ff-11e036500001")), 409),
        (unfinished("access_token_version", json!(3)), 400),
        (unfinished("certificates", json!(["no PEM"])), 400),
        (unfinished("secret", json!("x")), 400),
    ] {
        assert_eq!(scene.post("/lab/apps/add", unfit.clone()).await.status(), status, "{unfit}");
        assert_eq!(scene.read("/lab/fingerprint").await, before, "nothing of it stays");
    }
    scene.done("/lab/apps/add", own.clone()).await;
    let mut url = scene.running.login.join("contoso.example/oauth2/v2.0/authorize").unwrap();
    url.query_pairs_mut().extend_pairs([
        ("client_id", "11111111-2222-3333-4444-555555555555"),
        ("response_type", "code"),
        ("redirect_uri", "https://app.test/back"),
        ("scope", "api://11111111-2222-3333-4444-555555555555/read"),
        ("login_hint", "alice@contoso.example"),
    ]);
    let answer = scene.http.get(url).send().await.unwrap();
    let back = reqwest::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let redeem = |secret: &'static str| {
        let url = scene.running.login.join("contoso.example/oauth2/v2.0/token").unwrap();
        scene.http.post(url).form(&[
            ("grant_type", "authorization_code"),
            ("client_id", "11111111-2222-3333-4444-555555555555"),
            ("client_secret", secret),
            ("redirect_uri", "https://app.test/back"),
            ("code", code.as_str()),
        ])
    };
    assert_eq!(redeem("wrong").send().await.unwrap().status(), 401);
    let tokens: Value = redeem("s3cret").send().await.unwrap().json().await.unwrap();
    assert!(tokens["access_token"].is_string(), "{tokens}");
    assert_eq!(scene.post("/lab/apps/add", own).await.status(), 409);
    scene.done("/lab/apps/remove", json!({ "app": "mine" })).await;
    assert_eq!(redeem("s3cret").send().await.unwrap().status(), 400);
}
