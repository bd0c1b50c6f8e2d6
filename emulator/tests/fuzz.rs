//! Structure-aware fuzzing of the login host, in process: valid requests, mutated. No panic, no 5xx, every answer in the service's shape;
//! and at least three in ten get past the client's proof, to a grant or the decision behind it, so that the rest is not about nothing.
//!
//! ```sh
//! OFFLINE365_FUZZ=200000 cargo test --release -p emulator --test fuzz      # the long budget; OFFLINE365_FUZZ_SEED=N for another course
//! ```

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, header};
use emulator::serve::Arrived;
use emulator::{Emulator, Options, State};
use fixtures::Plan;
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt as _;

const CLIENT: &str = "c11e4700-0365-4c11-a0ff-11e036500001";
const SERVER: &str = "5e12e400-0365-4c11-a0ff-11e036500002";
const OWN_SCOPE: &str = "api://5e12e400-0365-4c11-a0ff-11e036500002/access_as_user openid profile offline_access";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What values are replaced with: the edges of everything that is parsed.
const EDGES: [&str; 24] = [
    "",
    " ",
    "0",
    "-1",
    "null",
    "{}",
    "[]",
    "%",
    "%00",
    "\u{0}",
    "\u{feff}",
    "a b",
    "+",
    "..",
    "é",
    "𝔘",
    "openid openid",
    "/.default",
    "https://graph.microsoft.com/.default",
    "https://graph.microsoft.com/Mail.Read api://x/y",
    "code id_token",
    "form_post",
    "eyJhbGciOiJub25lIn0.e30.",
    "{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}",
];
const TENANTS: [&str; 9] = [
    "contoso.example",
    "c0ff1e00-0365-4c11-8c0a-0000c0a70050",
    "CONTOSO.EXAMPLE",
    "common",
    "organizations",
    "consumers",
    "fabrikam.example",
    "nowhere",
    "%2e%2e",
];

/// xorshift64*: the course of a run is its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

type Fields = Vec<(String, String)>;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

struct Bench {
    state: Arc<State>,
    router: axum::Router,
    secret: String,
    refresh: String,
    assertion: String,
}

impl Bench {
    async fn send(&self, method: &str, target: &str, kind: &str, body: Vec<u8>) -> Option<Response<Body>> {
        let request = Request::builder().method(method).uri(target).header(header::HOST, "localhost");
        // What is no request at all never leaves a client.
        let mut request = request.header(header::CONTENT_TYPE, kind).body(Body::from(body)).ok()?;
        request.extensions_mut().insert(Arrived { origin: self.state.origins.login_origin().to_owned() });
        Some(self.router.clone().oneshot(request).await.unwrap())
    }

    async fn code(&self) -> String {
        let query = serde_urlencoded::to_string(authorize()).unwrap();
        let target = format!("/contoso.example/oauth2/v2.0/authorize?{query}");
        let answer = self.send("GET", &target, "text/plain", vec![]).await.unwrap();
        let location = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
        let back = reqwest::Url::parse(&location).unwrap();
        back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    /// A fresh sign-in, whose tokens the valid requests carry.
    async fn sign_in(&mut self) {
        let form = self.redemption().await;
        let target = "/contoso.example/oauth2/v2.0/token";
        let answer = self.send("POST", target, FORM, serde_urlencoded::to_string(form).unwrap().into_bytes()).await;
        let body = to_bytes(answer.unwrap().into_body(), usize::MAX).await.unwrap();
        let tokens: Value = serde_json::from_slice(&body).unwrap();
        tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).clone_into(&mut self.refresh);
        tokens["access_token"].as_str().unwrap().clone_into(&mut self.assertion);
    }

    async fn redemption(&self) -> Fields {
        fields(&[
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("code", &self.code().await),
            ("redirect_uri", "http://localhost"),
            ("code_verifier", VERIFIER),
        ])
    }

    /// A request that is right: where it goes, and what it says.
    async fn valid(&self, dice: &mut Dice) -> (&'static str, Fields) {
        let form = match dice.roll(8) {
            0 | 1 => fields(&[
                ("grant_type", "refresh_token"),
                ("client_id", CLIENT),
                ("refresh_token", &self.refresh),
                ("scope", OWN_SCOPE),
            ]),
            2 => self.redemption().await,
            3 | 4 => fields(&[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("requested_token_use", "on_behalf_of"),
                ("client_id", SERVER),
                ("client_secret", &self.secret),
                ("assertion", &self.assertion),
                ("scope", "https://graph.microsoft.com/.default"),
            ]),
            5 => fields(&[
                ("grant_type", "client_credentials"),
                ("client_id", SERVER),
                ("client_secret", &self.secret),
                ("scope", "https://graph.microsoft.com/.default"),
            ]),
            6 => return ("devicecode", fields(&[("client_id", CLIENT), ("scope", OWN_SCOPE)])),
            _ => return ("authorize", authorize()),
        };
        ("token", form)
    }
}

fn authorize() -> Fields {
    fields(&[
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost"),
        ("scope", OWN_SCOPE),
        ("state", "x"),
        ("login_hint", "alice@contoso.example"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ])
}

const FORM: &str = "application/x-www-form-urlencoded";

/// One change. Most leave the client's proof alone: what is behind it is what this is about.
fn mutate(form: &mut Fields, dice: &mut Dice) {
    let at = dice.roll(form.len().max(1));
    let is_spared = |name: &str| matches!(name, "client_id" | "client_secret" | "grant_type");
    if form.get(at).is_none_or(|(name, _)| is_spared(name)) && dice.roll(6) != 0 {
        return;
    }
    match dice.roll(8) {
        0 => drop(form.remove(at)),
        1 => form.push(form[at].clone()),
        2 => dice.pick(&EDGES).clone_into(&mut form[at].1),
        3 => form[at].1.push_str(dice.pick(&EDGES)),
        4 => {
            let mut letters: Vec<char> = form[at].1.chars().collect();
            if !letters.is_empty() {
                let place = dice.roll(letters.len());
                letters[place] = ['A', '_', '.', ' ', '\u{7f}'][dice.roll(5)];
            }
            form[at].1 = letters.into_iter().collect();
        }
        5 => form[at].1 = form[at].1.repeat(1 + dice.roll(40)),
        6 => form[at].0 = form[at].0.to_uppercase(),
        _ => {
            let extra = [
                "claims",
                "prompt",
                "response_mode",
                "nonce",
                "client_assertion",
                "resource",
                "domain_hint",
                "max_age",
                "client_info",
            ];
            form.push((dice.pick(&extra).to_owned(), dice.pick(&EDGES).to_owned()));
        }
    }
}

/// The shape of the real service's answers.
async fn check(endpoint: &str, request: &str, answer: Response<Body>) {
    let status = answer.status().as_u16();
    assert!(status < 500, "{status}: {request}");
    let is_json =
        answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    if endpoint == "authorize" {
        assert!(matches!(status, 200 | 302 | 303 | 400 | 404 | 405), "{status}: {request}");
        return;
    }
    if status == 404 {
        return;
    }
    assert!(is_json, "{status}: {request}: {}", String::from_utf8_lossy(&body));
    let body: Value = serde_json::from_slice(&body).unwrap();
    if status == 200 {
        let given = if endpoint == "token" { "access_token" } else { "device_code" };
        assert!(body[given].is_string() && body["expires_in"].is_u64(), "{request}: {body}");
    } else {
        let told = ["error", "error_description", "timestamp", "trace_id", "correlation_id"];
        assert!(told.iter().all(|name| body[*name].is_string()), "{request}: {body}");
        assert!(body["error_description"].as_str().unwrap().starts_with("AADSTS"), "{request}: {body}");
        assert!(
            body["error_codes"].as_array().is_some_and(|codes| codes.iter().all(Value::is_u64)),
            "{request}: {body}"
        );
    }
}

#[tokio::test]
async fn mutated_requests_are_answered_in_the_services_shape() {
    let number = |name: &str, usual| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let (budget, seed) = (number("OFFLINE365_FUZZ", 2_000), number("OFFLINE365_FUZZ_SEED", 365));
    let plan = Plan::embedded().unwrap();
    let secret = plan.registration("m365-server").unwrap().secrets[0].value.clone();
    let running = Emulator::start(plan, Options::default()).await.unwrap();
    let state = Arc::clone(running.state());
    let router = emulator::entra::router(Arc::clone(&state));
    let mut bench = Bench { state, router, secret, refresh: String::new(), assertion: String::new() };
    bench.sign_in().await;
    let mut dice = Dice(seed | 1);
    let (mut sent, mut reached, mut issued) = (0_u64, 0_u64, 0_u64);
    while sent < budget {
        // What a run leaves behind is thrown away now and then: journal, codes, tokens.
        if sent.is_multiple_of(2_000) && sent > 0 {
            bench.state.reset();
            bench.sign_in().await;
        }
        let (endpoint, mut form) = bench.valid(&mut dice).await;
        for _ in 0..dice.roll(4) {
            if !form.is_empty() {
                mutate(&mut form, &mut dice);
            }
        }
        let text = serde_urlencoded::to_string(&form).unwrap();
        let tenant = if dice.roll(10) == 0 { dice.pick(&TENANTS) } else { "contoso.example" };
        let path = format!("/{tenant}/oauth2/v2.0/{endpoint}");
        let before = bench.state.journal.audit_since(0).last().map_or(0, |row| row.seq);
        let answer = if endpoint == "authorize" {
            bench.send("GET", &format!("{path}?{text}"), "text/plain", vec![]).await
        } else {
            let mut body = text.clone().into_bytes();
            if dice.roll(20) == 0 && !body.is_empty() {
                let place = dice.roll(body.len());
                body[place] = u8::try_from(dice.roll(256)).unwrap();
            }
            bench.send("POST", &path, FORM, body).await
        };
        let Some(answer) = answer else { continue };
        sent += 1;
        issued += u64::from(answer.status() == 200 && endpoint == "token");
        check(endpoint, &format!("{path} {text}"), answer).await;
        let rows = bench.state.journal.audit_since(before);
        reached += u64::from(rows.iter().any(|row| row.client.is_some() && row.operation != "unsupported"));
    }
    println!("{sent} requests, {reached} reached a grant or the decision, {issued} got a token (seed {seed})");
    assert!(reached * 10 >= sent * 3, "only {reached} of {sent} reached a grant or the decision");
    assert!(issued > 0 && issued < sent);
}
