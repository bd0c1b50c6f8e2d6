//! An emulator of its own for each test, and a client that sees redirects.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulator::{Emulator, Options, Running};
use fixtures::Plan;
use reqwest::{Client, Response};
use serde_json::{Map, Value};
use url::Url;

pub(crate) const CLIENT: &str = "c11e4700-0365-4c11-a0ff-11e036500001";
pub(crate) const SERVER: &str = "5e12e400-0365-4c11-a0ff-11e036500002";
pub(crate) const SECRET: &str = "o365~fixture~secret~of~the~server~7Qx";
pub(crate) const ACCESS: &str = "api://5e12e400-0365-4c11-a0ff-11e036500002/access_as_user";
pub(crate) const CONTOSO: &str = "contoso.example";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const REDIRECT: &str = "http://localhost:8400";
const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

pub(crate) struct Scene {
    pub(crate) running: Running,
    pub(crate) http: Client,
}

pub(crate) async fn scene() -> Scene {
    scene_with(Options::default()).await
}

/// A world in which the client may take device codes and passwords, which its registration does not say.
pub(crate) async fn scene_of_a_public_client() -> Scene {
    let mut plan = Plan::embedded().unwrap();
    plan.registrations.iter_mut().find(|app| app.app_id.to_string() == CLIENT).unwrap().public_client = true;
    scene_of(plan, Options::default()).await
}

pub(crate) async fn scene_with(options: Options) -> Scene {
    scene_of(Plan::embedded().unwrap(), options).await
}

pub(crate) async fn scene_of(plan: Plan, options: Options) -> Scene {
    let running = Emulator::start(plan, options).await.unwrap();
    Scene { running, http: client() }
}

#[expect(clippy::disallowed_methods, reason = "the one place where these tests build their client")]
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl Scene {
    pub(crate) fn login(&self, path: &str) -> Url {
        self.running.login.join(path).unwrap()
    }

    pub(crate) async fn authorize(&self, tenant: &str, changes: &[(&str, &str)]) -> Response {
        let mut url = self.login(&format!("{tenant}/oauth2/v2.0/authorize"));
        url.query_pairs_mut().extend_pairs(authorization(changes));
        self.http.get(url).send().await.unwrap()
    }

    pub(crate) async fn token(&self, tenant: &str, form: &[(&str, &str)]) -> Response {
        self.http.post(self.login(&format!("{tenant}/oauth2/v2.0/token"))).form(form).send().await.unwrap()
    }

    pub(crate) async fn code(&self, tenant: &str, hint: &str) -> String {
        let answer = self.authorize(tenant, &[("login_hint", hint)]).await;
        parameter(&answer, "code").expect("a code")
    }

    pub(crate) async fn redeem(&self, tenant: &str, code: &str, changes: &[(&str, &str)]) -> Response {
        let form = changed(
            &[
                ("grant_type", "authorization_code"),
                ("client_id", CLIENT),
                ("redirect_uri", REDIRECT),
                ("code", code),
                ("code_verifier", VERIFIER),
                ("client_info", "1"),
            ],
            changes,
        );
        self.token(tenant, &borrowed(&form)).await
    }

    /// Somebody's token for the server.
    pub(crate) async fn signed_in(&self, tenant: &str, upn: &str) -> Value {
        let code = self.code(tenant, upn).await;
        let answer = self.redeem(tenant, &code, &[]).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub(crate) async fn exchange(&self, tenant: &str, assertion: &str, changes: &[(&str, &str)]) -> Response {
        let form = changed(
            &[
                ("grant_type", ON_BEHALF_OF),
                ("requested_token_use", "on_behalf_of"),
                ("client_id", SERVER),
                ("client_secret", SECRET),
                ("assertion", assertion),
                ("scope", "https://graph.microsoft.com/Mail.Read offline_access openid profile"),
                ("client_info", "1"),
            ],
            changes,
        );
        self.token(tenant, &borrowed(&form)).await
    }

    pub(crate) async fn lab(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(self.running.lab.join(path).unwrap()).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path} {body}");
        answer.json().await.unwrap()
    }
}

/// Parameters of an authorization request that succeeds with a hint, some of them changed (an empty value leaves one out).
pub(crate) fn authorization(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    changed(
        &[
            ("client_id", CLIENT),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", &format!("{ACCESS} openid profile offline_access")),
            ("state", "st<&\"te"),
            ("nonce", "n-0S6"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ],
        changes,
    )
}

fn changed(base: &[(&str, &str)], changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    base.iter()
        .filter(|(name, _)| !is_changed(name))
        .chain(changes)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn borrowed(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A parameter of the address that an answer redirects to.
pub(crate) fn parameter(answer: &Response, name: &str) -> Option<String> {
    let location = answer.headers().get("location")?.to_str().ok()?;
    let url = Url::parse(location).ok()?;
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

/// A parameter of the fragment that an answer redirects to.
pub(crate) fn in_fragment(answer: &Response, name: &str) -> Option<String> {
    let location = answer.headers().get("location")?.to_str().ok()?;
    let url = Url::parse(location).ok()?;
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(url.fragment()?).ok()?;
    pairs.into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
}

/// The hidden fields of a page's form.
pub(crate) fn hidden(page: &str) -> Vec<(String, String)> {
    let unescape = |text: &str| {
        let text = text.replace("&#39;", "'").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
        text.replace("&amp;", "&")
    };
    page.split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|rest| {
            let mut parts = rest.split('"');
            (unescape(parts.next().unwrap()), unescape(parts.nth(1).unwrap()))
        })
        .collect()
}

/// Where a page's form is posted to.
pub(crate) fn action(page: &str) -> String {
    page.split("action=\"").nth(1).expect("a form").split('"').next().unwrap().to_owned()
}

/// The session cookie that an answer sets.
pub(crate) fn cookie(answer: &Response) -> String {
    answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// Claims of a token, unverified.
pub(crate) fn claims(token: &str) -> Map<String, Value> {
    part(token, 1)
}

/// Header of a token.
pub(crate) fn header(token: &str) -> Map<String, Value> {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Map<String, Value> {
    let part = token.split('.').nth(index).expect("a compact JWS");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Status, `error`, AADSTS number and suberror of a refusal, after its shape was looked at.
pub(crate) async fn refusal(answer: Response) -> (u16, String, u64, Option<String>) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/json; charset=utf-8");
    let request_id = answer.headers()["x-ms-request-id"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{name} in {body}")).to_owned();
    let number = body["error_codes"][0].as_u64().unwrap();
    let (trace, correlation, time) = (text("trace_id"), text("correlation_id"), text("timestamp"));
    assert_eq!(trace, request_id);
    assert!(trace.len() == 36 && correlation.len() == 36 && time.len() == 20 && time.ends_with('Z'), "{body}");
    let description = text("error_description");
    assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
    let tail = format!(" Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}");
    assert!(description.ends_with(&tail), "{description}");
    assert!(text("error_uri").ends_with(&format!("/error?code={number}")));
    (status, text("error"), number, body["suberror"].as_str().map(str::to_owned))
}

/// [`refusal`] without the suberror.
pub(crate) async fn refused(answer: Response) -> (u16, String, u64) {
    let (status, error, number, _) = refusal(answer).await;
    (status, error, number)
}

pub(crate) fn no(status: u16, error: &str, number: u64) -> (u16, String, u64) {
    (status, error.to_owned(), number)
}
