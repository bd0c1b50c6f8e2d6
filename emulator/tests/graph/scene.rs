//! An emulator of its own for each test, and people who ask it things.

use emulator::entra::keys::Version;
use emulator::{Emulator, Options, Running};
use fixtures::Plan;
use serde_json::{Map, Value, json};

/// Every delegated mail and people scope a reader may hold.
pub(crate) const ALL: &str = "User.Read User.ReadBasic.All Mail.Read Mail.Read.Shared";

/// A running emulator.
pub(crate) struct Scene {
    pub(crate) running: Running,
    pub(crate) plan: Plan,
    http: reqwest::Client,
}

/// An answer, read to its end.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn code(&self) -> String {
        format!("{} {}", self.status, self.json()["error"]["code"].as_str().unwrap_or("(none)"))
    }

    pub(crate) fn values(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()["value"].as_array().expect("a collection").clone()
    }

    pub(crate) fn subjects(&self) -> Vec<String> {
        self.values().iter().map(|message| message["subject"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Somebody with a token.
pub(crate) struct Caller<'s> {
    scene: &'s Scene,
    pub(crate) token: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::of(Plan::embedded().unwrap(), options).await
    }

    #[expect(clippy::disallowed_methods, reason = "the tests are a client of their own")]
    pub(crate) async fn of(plan: Plan, options: Options) -> Self {
        let running = Emulator::start(plan.clone(), options).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { running, plan, http }
    }

    /// Somebody like `alice@contoso`, with a token as the issuer would make it.
    pub(crate) fn caller(&self, person: &str, scopes: &str) -> Caller<'_> {
        Caller { scene: self, token: self.token(person, scopes, &json!({})) }
    }

    pub(crate) fn bearer(&self, token: String) -> Caller<'_> {
        Caller { scene: self, token }
    }

    /// A Graph token, some of its claims replaced.
    pub(crate) fn token(&self, person: &str, scopes: &str, replaced: &Value) -> String {
        let (tenant, person) = self.plan.person(person).unwrap();
        let state = self.running.state();
        let now = state.clock.now().as_second();
        let claims = json!({
            "aud": "https://graph.microsoft.com",
            "iss": format!("https://sts.windows.net/{}/", tenant.id),
            "tid": tenant.id, "oid": person.id(tenant), "sub": "sub", "ver": "1.0", "uti": "test",
            "appid": self.plan.registration("m365-server").unwrap().app_id,
            "scp": scopes, "iat": now - 300, "nbf": now - 300, "exp": now + 3600,
        });
        let mut claims: Map<String, Value> = claims.as_object().unwrap().clone();
        claims.extend(replaced.as_object().unwrap().clone());
        state.keys.sign(tenant.id, Version::V1, &claims).unwrap()
    }

    /// The Graph id of a fixture message.
    pub(crate) fn message(&self, handle: &str) -> String {
        let (tenant, row) = self.plan.message(handle).unwrap();
        let owner = row.mailbox.split('@').next().unwrap();
        fixtures::ids::exchange_id("message", tenant.id, tenant.person(owner).unwrap().id(tenant), handle)
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let reply = Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() };
        // Whatever a test asks, what it gets is made as Microsoft's metadata says.
        if let Ok(body) = serde_json::from_slice::<Value>(&reply.bytes) {
            let wrong = crate::metadata::unexcused(&body);
            assert!(status >= 300 || wrong.is_empty(), "not as the metadata says: {wrong:?}");
        }
        reply
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{}", self.running.graph.as_str().trim_end_matches('/'), path)
        };
        self.http.request(method.parse().unwrap(), url)
    }
}

impl Caller<'_> {
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        // Below the service root, unless the path brings a version of its own.
        let has_version = ["/v1.0", "/v9", "/beta"].iter().any(|version| path.to_lowercase().starts_with(version));
        let path = if path.starts_with("http") || path == "/" || has_version {
            path.to_owned()
        } else {
            format!("/v1.0{path}")
        };
        self.scene.request(method, &path).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.scene.send(self.request("GET", path)).await
    }

    pub(crate) async fn get_with(&self, path: &str, header: &str, value: &str) -> Reply {
        self.scene.send(self.request("GET", path).header(header, value)).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.scene.send(self.request(method, path).json(body)).await
    }

    /// Every item of a list, next links followed to the end.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let reply = self.get(&path).await;
            items.extend(reply.values());
            next = reply.json()["@odata.nextLink"].as_str().map(str::to_owned);
            assert!(items.len() < 10_000, "a list without an end");
        }
        items
    }
}
