//! One host with a stub on either side, and a browser to walk through it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use connector::audit::{AuditEvent, AuditSink};
use connector::clock::Clock;
use connector::host::{
    EntraSettings, HostConfig, HostDoors, HostParts, IdentityConfig, OrganizationConfig, Plan, Surroundings, VaultKey,
    router,
};
use http::header;
use jiff::Timestamp;
use reqwest::{Client, Method, Response, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use crate::issuer::{CLIENT, CONTOSO, FABRIKAM, SERVER, StubIssuer};
use crate::server::StubServer;

/// A clock that stands until a test moves it.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn at(seconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(seconds)))
    }

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

/// An audit log that a test reads.
#[derive(Clone, Default)]
pub(crate) struct Audit(Arc<Mutex<Vec<Value>>>);

impl Audit {
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// Event and outcome of each line of a person.
    pub(crate) fn of(&self, person: &str) -> Vec<(String, String)> {
        let text = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
        let lines = self.lines().into_iter().filter(|line| line["person"] == person);
        lines.map(|line| (text(&line, "event"), text(&line, "outcome"))).collect()
    }
}

impl AuditSink for Audit {
    fn record(&self, event: &AuditEvent) {
        self.0.lock().unwrap().push(serde_json::to_value(event).unwrap());
    }
}

/// Everything a test needs.
pub(crate) struct Scene {
    pub(crate) issuer: StubIssuer,
    pub(crate) server: StubServer,
    pub(crate) clock: HandClock,
    pub(crate) key: VaultKey,
    pub(crate) host: Url,
    pub(crate) http: Client,
    pub(crate) audit: Audit,
    dir: TempDir,
    serving: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) cookie: Option<String>,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("")
    }
}

impl Scene {
    /// Contoso (Olga owns it, Alice and Bob belong to it) and Fabrikam (Mallory) with the connector on; Pat belongs nowhere.
    pub(crate) async fn new() -> Self {
        let clock = HandClock::at(1_768_208_400);
        let issuer = StubIssuer::start(clock.clone()).await;
        let server = StubServer::start().await;
        let dir = tempfile::tempdir().unwrap();
        let http = Client::builder()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        let mut scene = Self {
            issuer,
            server,
            clock,
            key: VaultKey::generate().unwrap(),
            host: "http://127.0.0.1:1/".parse().unwrap(),
            http,
            audit: Audit::default(),
            dir,
            serving: None,
        };
        scene.open().await;
        scene
    }

    /// Stops the host and lets go of its files.
    pub(crate) async fn close(&mut self) {
        if let Some((stop, stopped)) = self.serving.take() {
            stop.send(()).unwrap();
            stopped.await.unwrap();
        }
    }

    /// Starts a host on this scene's state folder, as after a restart.
    pub(crate) async fn open(&mut self) -> HostDoors {
        self.open_with(|parts| parts).await
    }

    /// The same, with another configuration.
    pub(crate) async fn open_config(&mut self, config: HostConfig) -> HostDoors {
        self.start_with(config, |parts| parts).await
    }

    /// The same, with parts changed.
    pub(crate) async fn open_with(&mut self, change: impl FnOnce(HostParts) -> HostParts) -> HostDoors {
        self.start_with(self.config(), change).await
    }

    async fn start_with(&mut self, config: HostConfig, change: impl FnOnce(HostParts) -> HostParts) -> HostDoors {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        self.host = format!("http://{address}").parse().unwrap();
        let parts = change(HostParts::open(config, self.surroundings()).unwrap());
        let (stop, stopping) = oneshot::channel::<()>();
        let doors = parts.doors();
        let app = router(parts);
        let stopped = tokio::spawn(async move {
            let stopping = async { stopping.await.unwrap_or(()) };
            axum::serve(listener, app).with_graceful_shutdown(stopping).await.unwrap();
        });
        self.serving = Some((stop, stopped));
        doors
    }

    pub(crate) fn config(&self) -> HostConfig {
        let contoso = OrganizationConfig {
            enabled: true,
            owners: vec!["olga".into()],
            members: vec!["alice".into(), "bob".into()],
            tenants: vec![CONTOSO.to_owned()],
            plan: Plan::Team,
        };
        let fabrikam = OrganizationConfig {
            enabled: true,
            members: vec!["mallory".into()],
            tenants: vec![FABRIKAM.to_owned()],
            ..OrganizationConfig::default()
        };
        let mut config = HostConfig::new(CLIENT, self.state(), &self.key);
        config.identity = IdentityConfig::Pick;
        ["olga", "alice", "bob", "mallory", "pat"]
            .into_iter()
            .fold(config, |config, name| config.with_user(name, &api_token(name)))
            .with_organization("contoso", contoso)
            .with_organization("fabrikam", fabrikam)
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings {
            entra: EntraSettings {
                login: self.issuer.login.clone(),
                server_id: SERVER.to_owned(),
                app_id_uri: "api://5e12e400-0365-4c11-a0ff-11e036500002".to_owned(),
                scope: "access_as_user".to_owned(),
            },
            mcp: self.server.mcp.clone(),
            public_url: self.host.clone(),
            http: self.http.clone(),
            clock: Arc::new(self.clock.clone()),
            keys: self.issuer.keys(),
            audit: Arc::new(self.audit.clone()),
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) async fn get(&self, user: &str, path: &str) -> Answer {
        self.ask(Method::GET, user, path, None).await
    }

    pub(crate) async fn post(&self, user: &str, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, user, path, Some(body)).await
    }

    async fn ask(&self, method: Method, user: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, self.host.join(path).unwrap()).bearer_auth(api_token(user));
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    pub(crate) async fn put(&self, user: &str, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, user, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, user: &str, path: &str) -> Answer {
        self.ask(Method::DELETE, user, path, None).await
    }

    /// A browser in which `user` is signed in to the host.
    pub(crate) async fn browser(&self, user: &str) -> Browser {
        let request = self.http.post(self.host.join("/api/session").unwrap()).json(&json!({ "user": user }));
        let answer = read(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let csrf = answer.body["session"]["csrfToken"].as_str().unwrap().to_owned();
        Browser { cookie: answer.cookie.unwrap(), csrf, http: self.http.clone(), host: self.host.clone() }
    }

    /// Starts a sign-in; returns the address to go to and the browser's cookie.
    pub(crate) async fn start(&self, user: &str) -> (String, String) {
        let started = self.post(user, "/api/connect", json!({})).await;
        assert_eq!(started.status, 200, "{started:?}");
        (started.body["authorizationUrl"].as_str().unwrap().to_owned(), started.cookie.unwrap())
    }

    /// What the browser does when the issuer sends it back.
    pub(crate) async fn callback(&self, query: &[(&str, &str)], cookie: Option<&str>) -> Answer {
        let mut request = self.http.get(self.host.join("/connect/callback").unwrap()).query(query);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        read(request.header(header::ACCEPT, "application/json").send().await.unwrap()).await
    }

    /// Connects `user` of Contoso with the account `oid`.
    pub(crate) async fn connect(&self, user: &str, oid: &str) {
        let (url, cookie) = self.start(user).await;
        let (code, state) = self.issuer.sign_in(&url, CONTOSO, oid);
        let finished = self.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await;
        assert_eq!(finished.status, 200, "{finished:?}");
    }

    pub(crate) async fn call(&self, user: &str) -> Answer {
        self.post(user, "/api/tools/outlook_email_search", json!({ "arguments": { "query": "budget" } })).await
    }

    pub(crate) async fn connection(&self, user: &str) -> String {
        let me = self.get(user, "/api/me").await;
        me.body["connection"]["state"].as_str().unwrap().to_owned()
    }
}

/// A signed-in browser.
pub(crate) struct Browser {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
    http: Client,
    host: Url,
}

impl Browser {
    /// As our page asks.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let origin = self.host.origin().ascii_serialization();
        self.sent(
            method,
            path,
            body,
            &[("x-csrf-token", &self.csrf), ("origin", &origin), ("sec-fetch-site", "same-origin")],
        )
        .await
    }

    /// With these headers and the cookie alone.
    pub(crate) async fn sent(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.request(method, self.host.join(path).unwrap()).header(header::COOKIE, &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }
}

/// The API token of a person.
pub(crate) fn api_token(user: &str) -> String {
    format!("host-token-of-{user}-{}", "t".repeat(32))
}

pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

pub(crate) async fn read(answer: Response) -> Answer {
    let status = answer.status().as_u16();
    let cookie = answer.headers().get(header::SET_COOKIE).map(|cookie| {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    });
    let text = answer.text().await.unwrap();
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text, cookie }
}
