//! Every AADSTS number of the issuer, reached by an ordinary request; docs/aadsts.md is what was seen.
//!
//! `INSTA_UPDATE=always cargo nextest run -p emulator aadsts` writes the page anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use emulator::entra::error::EntraError;
use emulator::{Options, SignIn};
use fixtures::Plan;
use fixtures::plan::RequiredAccess;
use reqwest::Response;
use serde_json::{Value, json};

use crate::assertion::{certified, with};
use crate::scene::*;

const ALICE: &str = "alice@contoso.example";
const FABRIKAM: &str = "fabrikam.example";
const WOODGROVE: &str = "woodgrove.example";
const INTEROP: &str = "1e7e4090-0365-4c11-a0ff-11e036500003";
const WEB: &str = "1e7e4090-0365-4c11-a0ff-11e036500004";
const SPA: &str = "1e7e4090-0365-4c11-a0ff-11e036500005";
const SPA_REDIRECT: &str = "http://localhost/interop/spa";
const INTRANET: &str = "1e7e4090-0365-4c11-a0ff-11e036500006";
const EXPIRED_SECRET: &str = "o365~fixture~secret~that~expired~9Wm";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const DEFAULT: &str = "https://graph.microsoft.com/.default";

/// What was seen.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    number: u32,
    how: &'static str,
    error: String,
    suberror: String,
    status: u16,
    what: &'static str,
}

#[derive(Default)]
struct Book {
    rows: BTreeSet<Row>,
}

impl Book {
    /// Reads a refusal, however it travels, and writes it down.
    async fn note(&mut self, number: u32, what: &'static str, answer: Response) {
        let status = answer.status().as_u16();
        let row = |how, error: String, suberror: String| Row { number, how, error, suberror, status, what };
        let code = format!("AADSTS{number}: ");
        let redirected = |name: &str| parameter(&answer, name).or_else(|| in_fragment(&answer, name));
        let seen = if let Some(description) = redirected("error_description") {
            assert!(description.starts_with(&code), "{what}: {description}");
            row("redirect", redirected("error").unwrap(), String::new())
        } else if answer.headers()["content-type"].to_str().unwrap().starts_with("text/html") {
            let page = answer.text().await.unwrap();
            assert!(page.contains(&code), "{what}: {code} in {page}");
            row("page", String::new(), String::new())
        } else {
            let (status, error, seen, suberror) = refusal(answer).await;
            assert_eq!(seen, u64::from(number), "{what}: {status} {error}");
            row("JSON", error, suberror.unwrap_or_default())
        };
        self.rows.insert(seen);
    }
}

async fn posted(scene: &Scene, path: &str, form: &[(&str, &str)]) -> Response {
    scene.http.post(scene.login(path)).form(form).send().await.unwrap()
}

async fn got(scene: &Scene, path: &str, query: &[(&str, &str)]) -> Response {
    let mut url = scene.login(path);
    url.query_pairs_mut().extend_pairs(query);
    scene.http.get(url).send().await.unwrap()
}

async fn hinted(scene: &Scene, change: (&str, &str)) -> Response {
    scene.authorize(CONTOSO, &[change, ("login_hint", ALICE)]).await
}

/// What a page's form says when it is sent, with these fields beside the hidden ones.
async fn submitted(scene: &Scene, page: &str, cookie: &str, fields: &[(&str, &str)]) -> Response {
    let mut form = hidden(page);
    form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    scene.http.post(scene.login(&action(page))).header("cookie", cookie).form(&form).send().await.unwrap()
}

fn refresh(token: &str) -> [(&'static str, &str); 3] {
    [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)]
}

async fn tenants_and_clients(book: &mut Book) {
    let s = &scene_of_a_public_client().await;
    let nowhere = got(s, "nowhere.example/v2.0/.well-known/openid-configuration", &[]).await;
    book.note(90002, "discovery of a tenant that does not exist", nowhere).await;
    let evil =
        [("api-version", "1.1"), ("authorization_endpoint", "https://login.evil.example/common/oauth2/authorize")];
    book.note(50049, "instance discovery of an unknown host", got(s, "common/discovery/instance", &evil).await).await;
    let unknown = [("grant_type", "refresh_token"), ("client_id", "00000000-0000-0000-0000-000000000001")];
    book.note(700_016, "a client id that nobody registered", s.token(CONTOSO, &unknown).await).await;
    let single = s.authorize("common", &[("client_id", INTRANET), ("scope", "User.Read")]).await;
    book.note(50194, "contoso-intranet, a single-tenant application, at /common", single).await;
    let own = |scope: &'static str| {
        [("grant_type", "client_credentials"), ("client_id", SERVER), ("client_secret", SECRET), ("scope", scope)]
    };
    book.note(50059, "client_credentials at /common", s.token("common", &own(DEFAULT)).await).await;
    let named = own("https://graph.microsoft.com/Mail.Read");
    book.note(1_002_012, "client_credentials with a named scope", s.token(CONTOSO, &named).await).await;
    let itself = own("api://5e12e400-0365-4c11-a0ff-11e036500002/.default");
    let unassigned = s.token(WOODGROVE, &itself).await;
    book.note(501_051, "client_credentials where woodgrove demands an assignment", unassigned).await;
    let password = |name: &'static str, word: &'static str| {
        [("grant_type", "password"), ("client_id", CLIENT), ("username", name), ("password", word), ("scope", ACCESS)]
    };
    let ropc = s.token("common", &password(ALICE, "Passw0rd!alice")).await;
    book.note(9_001_023, "grant_type password at /common", ropc).await;
    book.note(50126, "a wrong password", s.token(CONTOSO, &password(ALICE, "wrong")).await).await;
    let nobody = s.token(CONTOSO, &password("nobody@contoso.example", "x")).await;
    book.note(50034, "the password grant for nobody", nobody).await;
    let web = |secret: &'static str| {
        [("grant_type", "client_credentials"), ("client_id", WEB), ("client_secret", secret), ("scope", DEFAULT)]
    };
    book.note(7_000_215, "a wrong client secret", s.token(CONTOSO, &web("wrong")).await).await;
    let expired = s.token(CONTOSO, &web(EXPIRED_SECRET)).await;
    book.note(7_000_222, "the expired secret of interop-web", expired).await;
    let bare = [("grant_type", "client_credentials"), ("client_id", WEB), ("scope", DEFAULT)];
    book.note(7_000_218, "a confidential client without a credential", s.token(CONTOSO, &bare).await).await;
    let public = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("client_secret", "x")];
    book.note(700_025, "a public client with a secret", s.token(CONTOSO, &public).await).await;
    let other = s.authorize(CONTOSO, &[("redirect_uri", "https://evil.example/")]).await;
    book.note(50011, "a redirect URI that is not registered", other).await;
    let unassigned = unassigned_user(s).await;
    book.note(50105, "a user of woodgrove who is not assigned to m365-server", unassigned).await;
}

/// Whoever of woodgrove is not assigned.
async fn unassigned_user(s: &Scene) -> Response {
    let world = s.running.state().world();
    let tenant = world.tenant_named("woodgrove").unwrap();
    for user in tenant.directory.users().filter(|user| user.enabled && user.signs_in() && user.home.is_none()) {
        let answer = s.authorize(WOODGROVE, &[("login_hint", &user.upn)]).await;
        if parameter(&answer, "error").is_some() {
            return answer;
        }
    }
    panic!("everybody is assigned")
}

async fn requests(book: &mut Book) {
    let s = &scene().await;
    book.note(900_144, "a token request without grant_type", s.token(CONTOSO, &[("x", "y")]).await).await;
    let twice = [("grant_type", "a"), ("grant_type", "b")];
    book.note(9_000_411, "a parameter given twice", s.token(CONTOSO, &twice).await).await;
    let at = s.login("contoso.example/oauth2/v2.0/token");
    let garbage = s.http.post(at).header("content-type", "application/x-www-form-urlencoded").body(vec![0xff; 9]);
    book.note(9_002_313, "a body that is no form", garbage.send().await.unwrap()).await;
    book.note(900_561, "GET at the token endpoint", got(s, "contoso.example/oauth2/v2.0/token", &[]).await).await;
    let magic = [("grant_type", "magic"), ("client_id", CLIENT)];
    book.note(70003, "an unknown grant_type", s.token(CONTOSO, &magic).await).await;
    book.note(70005, "an unknown response_type", hinted(s, ("response_type", "secret")).await).await;
    book.note(700_054, "id_token, which is not enabled", hinted(s, ("response_type", "id_token")).await).await;
    book.note(70007, "an unknown response_mode", hinted(s, ("response_mode", "web_message")).await).await;
    book.note(90023, "an unknown prompt", hinted(s, ("prompt", "perhaps")).await).await;
    let mixed = format!("{DEFAULT} https://graph.microsoft.com/Mail.Read");
    book.note(70011, ".default beside a named scope", hinted(s, ("scope", &mixed)).await).await;
    book.note(500_011, "a scope of an unknown resource", hinted(s, ("scope", "api://nobody/x")).await).await;
    book.note(650_053, "a scope that Graph does not publish", hinted(s, ("scope", "Nonsense.Read")).await).await;
    let target = hinted(s, ("resource", "https://other.example")).await;
    book.note(9_010_010, "resource does not own the scopes (RFC 8707)", target).await;
    book.note(50147, "a code_challenge that is too short", hinted(s, ("code_challenge", "short")).await).await;
    book.note(501_491, "code_challenge_method S512", hinted(s, ("code_challenge_method", "S512")).await).await;
    let naked = [("client_id", SPA), ("redirect_uri", SPA_REDIRECT), ("code_challenge", ""), ("scope", "User.Read")];
    book.note(9_002_325, "a single-page application without PKCE", s.authorize(CONTOSO, &naked).await).await;
    let silent = s.authorize(CONTOSO, &[("prompt", "none")]).await;
    book.note(50058, "prompt=none, and nobody is signed in", silent).await;
    let long = "x".repeat(20_000);
    book.note(90015, "a query of 20,000 bytes", hinted(s, ("extra", &long)).await).await;
    let older = |client: &'static str, resource: &'static str| {
        let changes = [("client_id", client), ("resource", resource), ("scope", "openid"), ("login_hint", ALICE)];
        let mut url = s.login("contoso.example/oauth2/authorize");
        url.query_pairs_mut().extend_pairs(authorization(&changes));
        s.http.get(url).send()
    };
    let nobody = older(CLIENT, "api://nobody").await.unwrap();
    book.note(50001, "v1: a resource that does not exist", nobody).await;
    let unlisted = older(INTEROP, "api://5e12e400-0365-4c11-a0ff-11e036500002").await.unwrap();
    book.note(650_057, "v1: a resource that the registration does not list", unlisted).await;
    let all = [
        ("client_id", INTEROP),
        ("scope", "api://5e12e400-0365-4c11-a0ff-11e036500002/.default"),
        ("login_hint", ALICE),
    ];
    let nothing = s.authorize(CONTOSO, &all).await;
    book.note(650_056, ".default of a resource that the registration does not list", nothing).await;
}

async fn codes_and_refresh_tokens(book: &mut Book) {
    let s = &scene().await;
    let code = s.code(CONTOSO, ALICE).await;
    let elsewhere = s.redeem(FABRIKAM, &code, &[]).await;
    book.note(700_005, "a code at another tenant's endpoint", elsewhere).await;
    let wrong = s.redeem(CONTOSO, &code, &[("code_verifier", CHALLENGE)]).await;
    book.note(501_481, "a wrong code_verifier", wrong).await;
    let two = format!("{ACCESS} https://graph.microsoft.com/Mail.Read");
    let several = s.redeem(CONTOSO, &code, &[("scope", &two)]).await;
    book.note(700_022, "a code for two resources at once", several).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let page =
        s.http.post(s.login("contoso.example/oauth2/v2.0/token")).header("origin", "http://localhost:1").form(&form);
    book.note(9_002_326, "a native application's code from a page", page.send().await.unwrap()).await;
    let body: Value = s.redeem(CONTOSO, &code, &[]).await.json().await.unwrap();
    book.note(54005, "a code for the second time", s.redeem(CONTOSO, &code, &[]).await).await;
    book.note(70000, "a code that nobody issued", s.redeem(CONTOSO, "1.garbage", &[]).await).await;
    let late = s.code(CONTOSO, ALICE).await;
    let spa = [
        ("client_id", SPA),
        ("redirect_uri", SPA_REDIRECT),
        ("scope", "openid offline_access User.Read"),
        ("login_hint", ALICE),
    ];
    let page_code = parameter(&s.authorize(CONTOSO, &spa).await, "code").unwrap();
    let redeem = [
        ("grant_type", "authorization_code"),
        ("client_id", SPA),
        ("redirect_uri", SPA_REDIRECT),
        ("code", &page_code),
        ("code_verifier", VERIFIER),
    ];
    book.note(9_002_327, "a page's code without Origin", s.token(CONTOSO, &redeem).await).await;
    let from_page = async |form: &[(&str, &str)]| {
        let post = s.http.post(s.login("contoso.example/oauth2/v2.0/token")).header("origin", "http://localhost:1");
        post.form(form).send().await.unwrap()
    };
    let day: Value = from_page(&redeem).await.json().await.unwrap();
    s.lab("/lab/clock", json!({ "advance": "PT10M" })).await;
    book.note(70008, "a code after ten minutes", s.redeem(CONTOSO, &late, &[]).await).await;
    s.lab("/lab/clock", json!({ "advance": "PT24H" })).await;
    let day = day["refresh_token"].as_str().unwrap();
    let day = [("grant_type", "refresh_token"), ("client_id", SPA), ("refresh_token", day)];
    book.note(700_084, "a page's refresh token after a day", from_page(&day).await).await;
    let token = body["refresh_token"].as_str().unwrap().to_owned();
    let user = json!({ "tenant": "contoso", "user": "alice", "enabled": false });
    s.lab("/lab/users/update", user).await;
    book.note(50057, "a refresh for a disabled user", s.token(CONTOSO, &refresh(&token)).await).await;
    s.lab("/lab/users/update", json!({ "tenant": "contoso", "user": "alice", "enabled": true })).await;
    s.lab("/lab/users/revoke-sessions", json!({ "tenant": "contoso", "user": "alice" })).await;
    book.note(50173, "a refresh after the sessions were revoked", s.token(CONTOSO, &refresh(&token)).await).await;
    s.lab("/lab/clock", json!({ "advance": "PT2160H" })).await;
    book.note(700_082, "a refresh token after ninety days", s.token(CONTOSO, &refresh(&token)).await).await;
}

async fn assertions(book: &mut Book) {
    let w = certified().await;
    let s = &w.scene;
    let alice = s.signed_in(CONTOSO, ALICE).await;
    let token = alice["access_token"].as_str().unwrap();
    let graph: Value = s.exchange(CONTOSO, token, &[]).await.json().await.unwrap();
    let foreign = s.exchange(CONTOSO, graph["access_token"].as_str().unwrap(), &[]).await;
    book.note(500_131, "On-Behalf-Of with a token for Graph", foreign).await;
    let id_token = s.exchange(CONTOSO, alice["id_token"].as_str().unwrap(), &[]).await;
    book.note(240_002, "On-Behalf-Of with an id token", id_token).await;
    let elsewhere = s.exchange(FABRIKAM, token, &[]).await;
    book.note(50013, "On-Behalf-Of with a token of another tenant", elsewhere).await;
    book.note(50027, "On-Behalf-Of with what is no token", s.exchange(CONTOSO, "nothing", &[]).await).await;
    let (header, claims) = (w.header(), w.claims());
    let unknown = w.answer(&with(&header, &json!({ "x5t#S256": "AAAA" })), &claims).await;
    book.note(700_027, "a client assertion of an unknown certificate", unknown).await;
    let old = w.answer(&header, &with(&claims, &json!({ "exp": w.now - 3_600 }))).await;
    book.note(700_024, "a client assertion that expired", old).await;
    let other = json!({ "iss": CLIENT, "sub": CLIENT });
    let other = w.answer(&header, &with(&claims, &other)).await;
    book.note(700_021, "a client assertion of another application", other).await;
    let subject = w.answer(&header, &with(&claims, &json!({ "sub": CLIENT }))).await;
    book.note(50048, "a client assertion whose subject is not its issuer", subject).await;
    let audience = w.answer(&header, &with(&claims, &json!({ "aud": "https://evil.example/" }))).await;
    book.note(700_023, "a client assertion for somebody else", audience).await;
    book.note(50027, "a client assertion that is no token", w.exchange(CONTOSO, "nothing").await).await;
    let lost = json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph" });
    s.lab("/lab/grants/revoke", lost).await;
    let unconsented = s.exchange(CONTOSO, token, &[]).await;
    book.note(65001, "On-Behalf-Of after consent was withdrawn", unconsented).await;
    s.lab("/lab/clock", json!({ "advance": "PT2H" })).await;
    book.note(500_133, "On-Behalf-Of with an expired token", s.exchange(CONTOSO, token, &[]).await).await;
}

async fn pages(book: &mut Book) {
    let s = &scene_with(Options { sign_in: SignIn::Page, ..Options::default() }).await;
    let page = s.authorize(CONTOSO, &[]).await.text().await.unwrap();
    let signs_in =
        async |login: &str, password: &str| submitted(s, &page, "", &[("login", login), ("passwd", password)]).await;
    book.note(50126, "a wrong password on the page", signs_in(ALICE, "wrong").await).await;
    let disabled = signs_in("ivan@contoso.example", "Passw0rd!ivan").await;
    book.note(50057, "Ivan, who is disabled, on the page", disabled).await;
    let stranger = signs_in("mallory@fabrikam.example", "Passw0rd!mallory").await;
    book.note(50020, "Mallory of fabrikam on contoso's page", stranger).await;
    for _ in 0..10 {
        signs_in("bob@contoso.example", "wrong").await;
    }
    let locked = signs_in("bob@contoso.example", "Passw0rd!bob").await;
    book.note(50053, "the right password after ten wrong ones", locked).await;
    let signed_in = signs_in(ALICE, "Passw0rd!alice").await;
    let cookie = cookie(&signed_in);
    let bare = posted(s, "contoso.example/login", &[("login", ALICE), ("passwd", "x")]).await;
    book.note(90014, "the sign-in page's form without its hidden fields", bare).await;
    let moved = submitted(s, &page, &cookie, &[("login", ALICE), ("passwd", "x")]).await;
    book.note(165_000, "a page sent from another session", moved).await;
    let with_cookie = async |changes: &[(&str, &str)]| {
        let mut url = s.login("contoso.example/oauth2/v2.0/authorize");
        url.query_pairs_mut().extend_pairs(authorization(changes));
        s.http.get(url).header("cookie", &cookie).send().await.unwrap()
    };
    let asked = with_cookie(&[("prompt", "consent")]).await.text().await.unwrap();
    let declined = submitted(s, &asked, &cookie, &[("acceptConsent", "false")]).await;
    book.note(65004, "the person cancels the consent page", declined).await;
    let admin = with_cookie(&[("scope", "https://graph.microsoft.com/Directory.Read.All")]).await;
    book.note(90094, "a scope that only an administrator may grant", admin).await;
    s.lab("/lab/grants/revoke", json!({ "tenant": "contoso", "client": "m365-client", "resource": "m365-server" }))
        .await;
    let silent = with_cookie(&[("prompt", "none")]).await;
    book.note(65001, "prompt=none where nobody consented", silent).await;
    s.lab("/lab/clock", json!({ "advance": "PT2H" })).await;
    book.note(50089, "a page that lay open for two hours", signs_in(ALICE, "Passw0rd!alice").await).await;
}

async fn devices(book: &mut Book) {
    let s = &scene_of_a_public_client().await;
    let begin = async || {
        let form = [("client_id", CLIENT), ("scope", ACCESS)];
        posted(s, "contoso.example/oauth2/v2.0/devicecode", &form).await.json::<Value>().await.unwrap()
    };
    let poll = async |code: &str| {
        s.token(CONTOSO, &[("grant_type", DEVICE_CODE), ("client_id", CLIENT), ("device_code", code)]).await
    };
    let device = begin().await;
    let code = device["device_code"].as_str().unwrap();
    book.note(70016, "a poll before anybody typed the code", poll(code).await).await;
    book.note(70016, "a poll too soon after the one before", poll(code).await).await;
    book.note(70018, "a device code that nobody issued", poll("garbage").await).await;
    let typed = [("otc", device["user_code"].as_str().unwrap()), ("login_hint", ALICE)];
    let page = posted(s, "contoso.example/oauth2/deviceauth", &typed).await;
    let cookie = cookie(&page);
    let page = page.text().await.unwrap();
    submitted(s, &page, &cookie, &[("confirm", "cancel")]).await;
    book.note(65004, "a poll after the person cancelled", poll(code).await).await;
    let late = begin().await;
    s.lab("/lab/clock", json!({ "advance": "PT15M" })).await;
    book.note(70019, "a poll after fifteen minutes", poll(late["device_code"].as_str().unwrap()).await).await;
}

async fn other_worlds(book: &mut Book) {
    let switched_off = |name: &str| {
        let mut plan = Plan::embedded().unwrap();
        let contoso = plan.tenants.iter_mut().find(|tenant| tenant.name == "contoso").unwrap();
        contoso.service_principals.iter_mut().find(|principal| principal.app == name).unwrap().enabled = false;
        plan
    };
    let s = scene_of(switched_off("m365-client"), Options::default()).await;
    book.note(7_000_112, "the client is disabled in the tenant", hinted(&s, ("state", "1")).await).await;
    let s = scene_of(switched_off("m365-server"), Options::default()).await;
    book.note(500_014, "the resource is disabled in the tenant", hinted(&s, ("state", "1")).await).await;
    let mut plan = Plan::embedded().unwrap();
    plan.registrations.iter_mut().find(|app| app.name == "interop-web").unwrap().redirect_uris.clear();
    let s = scene_of(plan, Options::default()).await;
    let none = s.authorize(CONTOSO, &[("client_id", WEB), ("redirect_uri", "")]).await;
    book.note(900_971, "an application signs in that registered no redirect URI", none).await;
    let mut plan = Plan::embedded().unwrap();
    let app = plan.registrations.iter_mut().find(|app| app.name == "interop-client").unwrap();
    app.required.push(RequiredAccess { resource: "m365-server".to_owned(), scopes: vec!["access_as_user".to_owned()] });
    let contoso = plan.tenants.iter_mut().find(|tenant| tenant.name == "contoso").unwrap();
    contoso.service_principals.retain(|principal| principal.app != "m365-server");
    contoso.grants.retain(|grant| grant.resource != "m365-server" && grant.client != "m365-server");
    let s = scene_of(plan, Options::default()).await;
    let lacking = s.authorize(CONTOSO, &[("client_id", INTEROP), ("login_hint", ALICE)]).await;
    book.note(650_052, "a resource that the registration lists and the tenant lacks", lacking).await;
}

#[tokio::test]
async fn every_number_is_reached_by_an_ordinary_request_and_stands_in_the_table() {
    let mut book = Book::default();
    tenants_and_clients(&mut book).await;
    requests(&mut book).await;
    codes_and_refresh_tokens(&mut book).await;
    assertions(&mut book).await;
    pages(&mut book).await;
    devices(&mut book).await;
    other_worlds(&mut book).await;
    for (number, what, answer) in crate::access::refusals().await {
        book.note(number, what, answer).await;
    }

    let table = EntraError::table();
    let seen: BTreeSet<_> = book.rows.iter().map(|row| row.number).collect();
    let missing: BTreeSet<_> =
        table.iter().map(|(number, ..)| *number).filter(|number| !seen.contains(number)).collect();
    assert!(missing.is_empty(), "no request reaches {missing:?}");
    assert!(seen.len() >= 70, "{}", seen.len());
    for row in book.rows.iter().filter(|row| row.how == "JSON") {
        let stands = table.iter().any(|(number, error, suberror)| {
            *number == row.number && *error == row.error && suberror.unwrap_or_default() == row.suberror
        });
        assert!(stands, "{row:?} is not in the code's table");
    }

    let mut page = String::from(
        "# AADSTS numbers\n\nEach of these is reached by an ordinary request to a world of the fixtures; there is no switch that provokes one. The test\n\
         `emulator/tests/entra/aadsts.rs` makes every request of this page and compares what it sees with it:\n\
         `INSTA_UPDATE=always cargo nextest run -p emulator aadsts` writes it anew. \"page\" is shown to a person, \"redirect\" goes back to the\n\
         application, \"JSON\" is a body. Numbers that the lab injects as faults (90055, 90033, 50000, 90004) are not among them.\n\n",
    );
    let _ = writeln!(
        page,
        "{} numbers.\n\n| AADSTS | travels as | HTTP | `error` | `suberror` | request |\n|---|---|---|---|---|---|",
        seen.len()
    );
    for row in &book.rows {
        let Row { number, how, error, suberror, status, what } = row;
        let _ = writeln!(page, "| {number} | {how} | {status} | {error} | {suberror} | {what} |");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/aadsts.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/aadsts.md is stale: INSTA_UPDATE=always cargo nextest run -p emulator aadsts");
}
