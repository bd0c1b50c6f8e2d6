//! A connector between the stubs, and what a client says to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use connector::clock::Clock;
use connector::{Config, Connector, Parts, Running};
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::stub::Stub;

pub(crate) const CONTOSO: &str = "aaaaaaaa-0365-4c11-a0ff-00000000000a";
pub(crate) const FABRIKAM: &str = "bbbbbbbb-0365-4c11-a0ff-00000000000b";
pub(crate) const ALICE: &str = "a11ce000-0365-4c11-a0ff-0000000000a1";
pub(crate) const SERVER: &str = "5e12e400-0365-4c11-a0ff-11e036500002";
pub(crate) const CLIENT: &str = "c11e4700-0365-4c11-a0ff-11e036500001";

/// A clock that a test moves.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn seconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.seconds()).unwrap()
    }
}

/// Everything a test needs.
pub(crate) struct Scene {
    pub(crate) stub: Stub,
    pub(crate) clock: HandClock,
    pub(crate) running: Running,
    pub(crate) http: reqwest::Client,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text))
    }

    pub(crate) fn challenge(&self) -> String {
        self.headers.get("www-authenticate").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The tool's result.
    pub(crate) fn result(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["result"].clone()
    }

    /// The code of the tool's refusal.
    pub(crate) fn code(&self) -> String {
        let result = self.result();
        assert_eq!(result["isError"], true, "{result}");
        let code = result["structuredContent"]["error"]["code"].as_str().unwrap().to_owned();
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("Failed to call tool: {code}: ")), "{text}");
        code
    }
}

impl Scene {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let stub = Stub::start().await;
        let clock = HandClock(Arc::new(AtomicI64::new(1_768_208_400)));
        let mut config = Config::new(SERVER, "a secret".into(), CLIENT);
        config.server.allow_plain_http = true;
        config.entra.login = stub.login.clone();
        config.graph.url = stub.graph.clone();
        config.admission.tenants = vec![CONTOSO.parse().unwrap(), FABRIKAM.parse().unwrap()];
        change(&mut config);
        let running =
            Connector::start(config, Parts { clock: Arc::new(clock.clone()), ..Parts::default() }).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { stub, clock, running, http }
    }

    /// The claims of a good token.
    pub(crate) fn claims(&self, tenant: &str, user: &str) -> Map<String, Value> {
        let now = self.clock.seconds();
        let login = self.stub.login.as_str().trim_end_matches('/');
        let claims = json!({
            "iss": format!("{login}/{tenant}/v2.0"), "tid": tenant, "oid": user, "aud": SERVER, "ver": "2.0",
            "exp": now + 3600, "nbf": now - 300, "iat": now - 300, "azp": CLIENT, "azpacr": "0", "scp": "access_as_user",
            "sub": "pairwise", "preferred_username": "alice@contoso.example",
        });
        claims.as_object().unwrap().clone()
    }

    pub(crate) fn token(&self, tenant: &str, user: &str) -> String {
        Stub::sign(&Stub::header(), &Value::Object(self.claims(tenant, user)).to_string())
    }

    pub(crate) fn alice(&self) -> String {
        self.token(CONTOSO, ALICE)
    }

    /// A request of the older era: no session, no metadata.
    pub(crate) async fn earlier_era(&self, token: &str, method: &str, params: Value) -> Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post(token, &[("mcp-protocol-version", "2025-11-25")], &body).await
    }

    /// A request of the newer era.
    pub(crate) async fn current_era(&self, token: &str, method: &str, mut params: Value) -> Answer {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let name = params["name"].as_str().or(params["uri"].as_str()).unwrap_or_default().to_owned();
        let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        if !name.is_empty() {
            headers.push(("mcp-name", &name));
        }
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post(token, &headers, &body).await
    }

    pub(crate) async fn call(&self, token: &str, tool: &str, arguments: Value) -> Answer {
        self.current_era(token, "tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Reads a resource.
    pub(crate) async fn resource(&self, token: &str, uri: &str) -> Answer {
        self.current_era(token, "resources/read", json!({ "uri": uri })).await
    }

    /// A call of Alice's.
    pub(crate) async fn tool(&self, tool: &str, arguments: Value) -> Answer {
        self.call(&self.alice(), tool, arguments).await
    }

    pub(crate) async fn post(&self, token: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut request =
            self.http.post(self.running.mcp.clone()).header("accept", "application/json, text/event-stream").json(body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.unwrap()).await
    }
}

pub(crate) async fn read(answer: reqwest::Response) -> Answer {
    Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), text: answer.text().await.unwrap() }
}

/// A message as Graph gives it.
pub(crate) fn message(id: &str, subject: &str, received: &str) -> Value {
    json!({
        "id": id, "subject": subject, "receivedDateTime": received, "isRead": false, "hasAttachments": false,
        "from": { "emailAddress": { "name": "Bob Builder", "address": "bob@contoso.example" } },
        "toRecipients": [{ "emailAddress": { "name": "Alice", "address": "alice@contoso.example" } }],
        "ccRecipients": [{ "emailAddress": { "name": "Carol", "address": "carol@contoso.example" } }],
        "parentFolderId": "inbox-id", "bodyPreview": "larkspur", "webLink": "https://outlook.office365.com/x",
        "body": { "contentType": "html", "content": "<p>Hello <b>larkspur</b></p><img src='https://evil.example/p.png'>" },
    })
}
