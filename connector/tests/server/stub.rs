//! An issuer and a Graph that do what a test tells them, and remember what they were asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::KeyPair as _;
use axum::body::Body;
use axum::extract::{Form, Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connector::policy::token::SigningKey;
use http::{HeaderMap, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};
use url::Url;

pub(crate) const KID: &str = "key-1";
/// The same key under another name: what a roll-over looks like.
pub(crate) const NEXT_KID: &str = "key-2";

/// Both services.
#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) login: Url,
    pub(crate) graph: Url,
    shared: Arc<Mutex<Inner>>,
}

/// One answer of Graph that a test wrote.
pub(crate) struct Scripted {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Value,
}

/// What a test can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Discovery,
    Keys,
    Token,
    Graph,
}

/// How an answer goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Status(u16, Option<&'static str>),
    Text(&'static str, &'static str),
    Redirect(String),
    Truncated,
    Reset,
    Hang,
    /// Larger than anybody reads.
    Endless,
}

impl Fault {
    pub(crate) async fn answer(self) -> Response {
        match self {
            Self::Status(status, retry_after) => {
                let mut response = (StatusCode::from_u16(status).unwrap(), Json(json!({}))).into_response();
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert("retry-after", seconds.parse().unwrap());
                }
                response
            }
            Self::Text(kind, text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
            Self::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
            Self::Truncated => {
                let parts = [Ok("{\"value\":["), Err(std::io::Error::other("cut"))];
                let body = Body::from_stream(futures_util::stream::iter(parts));
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
            // No message is printed for it.
            Self::Reset => std::panic::resume_unwind(Box::new(())),
            Self::Hang => std::future::pending().await,
            Self::Endless => {
                let chunk = || Some((Ok::<_, std::io::Error>(vec![b' '; 1024 * 1024]), ()));
                let body = Body::from_stream(futures_util::stream::unfold((), move |()| async move { chunk() }));
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
        }
    }
}

/// What Graph was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) body: Value,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) bearer: String,
    pub(crate) client_request_id: String,
}

#[derive(Default)]
struct Inner {
    login: String,
    granted: BTreeSet<String>,
    /// Left out of the `scope` of the answer, though asked for.
    silently_missing: BTreeSet<String>,
    refusal: Option<(u16, Value)>,
    exchanges: Vec<(String, BTreeMap<String, String>)>,
    key_requests: u32,
    asked: Vec<Asked>,
    scripted: VecDeque<Scripted>,
    messages: Vec<Value>,
    key_issuer: String,
    kids: Vec<&'static str>,
    /// Whose each token for Graph is.
    people: BTreeMap<String, String>,
    faults: BTreeMap<Place, VecDeque<Option<Fault>>>,
}

impl Inner {
    fn fault(&mut self, place: Place) -> Option<Fault> {
        self.faults.get_mut(&place)?.pop_front()?
    }
}

impl Stub {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Inner::default()));
        let issuer = Router::new()
            .route("/common/v2.0/.well-known/openid-configuration", routing::get(discovery))
            .route("/common/discovery/v2.0/keys", routing::get(keys))
            .route("/{tenant}/oauth2/v2.0/token", routing::post(token))
            .with_state(Arc::clone(&shared));
        let graph = Router::new().fallback(graph).with_state(Arc::clone(&shared));
        let this = Self { login: serve(issuer).await, graph: serve(graph).await, shared };
        let mut inner = this.lock();
        this.login.as_str().trim_end_matches('/').clone_into(&mut inner.login);
        inner.key_issuer = format!("{}/{{tenantid}}/v2.0", inner.login);
        inner.kids = vec![KID];
        inner.granted = ["User.Read", "Mail.Read", "Mail.Read.Shared", "Chat.Read", "ChannelMessage.Read.All"]
            .map(str::to_owned)
            .into();
        drop(inner);
        this
    }

    pub(crate) fn revoke(&self, scope: &str) {
        self.lock().granted.remove(scope);
    }

    pub(crate) fn consent(&self, scope: &str) {
        self.lock().granted.insert(scope.to_owned());
    }

    pub(crate) fn leave_out(&self, scope: &str) {
        self.lock().silently_missing.insert(scope.to_owned());
    }

    pub(crate) fn refuse_exchange(&self, status: u16, body: Value) {
        self.lock().refusal = Some((status, body));
    }

    pub(crate) fn set_key_issuer(&self, issuer: &str) {
        issuer.clone_into(&mut self.lock().key_issuer);
    }

    pub(crate) fn set_kids(&self, kids: &[&'static str]) {
        self.lock().kids = kids.to_vec();
    }

    pub(crate) fn script(&self, status: u16, headers: Vec<(&'static str, String)>, body: Value) {
        self.lock().scripted.push_back(Scripted { status, headers, body });
    }

    /// The next `times` answers of this place go wrong.
    pub(crate) fn fail(&self, place: Place, fault: &Fault, times: usize) {
        self.lock().faults.entry(place).or_default().extend(std::iter::repeat_n(Some(fault.clone()), times));
    }

    /// So many answers of this place are as they should be; what goes wrong comes after them.
    pub(crate) fn spare(&self, place: Place, times: usize) {
        self.lock().faults.entry(place).or_default().extend(std::iter::repeat_n(None, times));
    }

    pub(crate) fn set_messages(&self, messages: Vec<Value>) {
        self.lock().messages = messages;
    }

    /// Tenant of the authority and form of every exchange.
    pub(crate) fn exchanges(&self) -> Vec<(String, BTreeMap<String, String>)> {
        self.lock().exchanges.clone()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    pub(crate) fn key_requests(&self) -> u32 {
        self.lock().key_requests
    }

    /// Signs `claims` under `header`.
    pub(crate) fn sign(header: &Value, claims: &str) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &encoding_key(), Algorithm::RS256).unwrap();
        format!("{input}.{signature}")
    }

    /// The key that tokens are signed with, signing for `issuer`.
    pub(crate) fn signing_key(issuer: &str) -> SigningKey {
        let components = PublicKeyComponents::<Vec<u8>>::from(key().public_key());
        let (n, e) = (URL_SAFE_NO_PAD.encode(components.n), URL_SAFE_NO_PAD.encode(components.e));
        SigningKey { key: DecodingKey::from_rsa_components(&n, &e).unwrap(), issuer: Some(issuer.to_owned()) }
    }

    pub(crate) fn header() -> Value {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(KID.to_owned());
        serde_json::to_value(header).unwrap()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared.lock().unwrap()
    }
}

pub(crate) async fn serve(app: Router) -> Url {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}").parse().unwrap()
}

type Shared = State<Arc<Mutex<Inner>>>;

async fn discovery(State(shared): Shared) -> Response {
    let fault = shared.lock().unwrap().fault(Place::Discovery);
    if let Some(fault) = fault {
        return fault.answer().await;
    }
    let login = shared.lock().unwrap().login.clone();
    Json(json!({
        "issuer": format!("{login}/{{tenantid}}/v2.0"),
        "jwks_uri": format!("{login}/common/discovery/v2.0/keys"),
    }))
    .into_response()
}

async fn keys(State(shared): Shared) -> Response {
    shared.lock().unwrap().key_requests += 1;
    let fault = shared.lock().unwrap().fault(Place::Keys);
    if let Some(fault) = fault {
        return fault.answer().await;
    }
    let inner = shared.lock().unwrap();
    let components = PublicKeyComponents::<Vec<u8>>::from(key().public_key());
    let keys = inner.kids.iter().map(|kid| {
        json!({
            "kty": "RSA", "use": "sig", "kid": kid, "issuer": inner.key_issuer,
            "n": URL_SAFE_NO_PAD.encode(&components.n), "e": URL_SAFE_NO_PAD.encode(&components.e),
        })
    });
    Json(json!({ "keys": keys.collect::<Vec<_>>() })).into_response()
}

async fn token(
    State(shared): Shared,
    Path(tenant): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    // Slow enough that calls which come together wait together.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let fault = shared.lock().unwrap().fault(Place::Token);
    if let Some(fault) = fault {
        shared.lock().unwrap().exchanges.push((tenant, form));
        return fault.answer().await;
    }
    let mut inner = shared.lock().unwrap();
    inner.exchanges.push((tenant.clone(), form.clone()));
    let number = inner.exchanges.len();
    if let Some((status, body)) = &inner.refusal {
        return (StatusCode::from_u16(*status).unwrap(), Json(body.clone())).into_response();
    }
    let claims = form["assertion"].split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let whose = format!("{tenant}/{}", claims["oid"].as_str().unwrap());
    inner.people.insert(format!("graph-token-{number}-{tenant}"), whose);
    let bare = |scope: &str| scope.rsplit('/').next().unwrap().to_owned();
    let scopes: Vec<_> = form["scope"].split(' ').collect();
    if scopes.iter().any(|scope| !inner.granted.contains(&bare(scope))) {
        let body = json!({
            "error": "invalid_grant", "suberror": "consent_required", "error_codes": [65001],
            "error_description": "AADSTS65001: The user or administrator has not consented to use the application.",
        });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let scope: Vec<_> = scopes.into_iter().filter(|scope| !inner.silently_missing.contains(&bare(scope))).collect();
    Json(json!({
        "token_type": "Bearer", "expires_in": 3600, "scope": scope.join(" "),
        "access_token": format!("graph-token-{number}-{tenant}"),
    }))
    .into_response()
}

async fn graph(State(shared): Shared, request: Request) -> Response {
    let (request, body) = request.into_parts();
    let url = Url::parse(&format!("http://graph{}", request.uri)).unwrap();
    let bearer = text(&request.headers, "authorization");
    let bearer = bearer.trim_start_matches("Bearer ");
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let fault = {
        let mut inner = shared.lock().unwrap();
        inner.asked.push(Asked {
            method: request.method.to_string(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            path: url.path().to_owned(),
            query: url.query_pairs().into_owned().collect(),
            bearer: bearer.to_owned(),
            client_request_id: text(&request.headers, "client-request-id"),
        });
        inner.fault(Place::Graph)
    };
    match fault {
        Some(fault) => fault.answer().await,
        None => played(&mut shared.lock().unwrap(), &url, bearer),
    }
}

fn played(inner: &mut Inner, url: &Url, bearer: &str) -> Response {
    if let Some(scripted) = inner.scripted.pop_front() {
        let mut response = (StatusCode::from_u16(scripted.status).unwrap(), Json(scripted.body)).into_response();
        for (name, value) in scripted.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        return response;
    }
    let body = match url.path() {
        "/v1.0/me" => {
            json!({ "id": inner.people.get(bearer), "displayName": "Alice", "mail": "alice@contoso.example" })
        }
        path if path.ends_with("/messages") => json!({ "value": inner.messages }),
        path => {
            let id = path.rsplit('/').next().unwrap_or_default();
            let Some(message) = inner.messages.iter().find(|message| message["id"] == id) else {
                let body = json!({ "error": { "code": "ErrorItemNotFound", "message": "not found" } });
                return (StatusCode::NOT_FOUND, Json(body)).into_response();
            };
            message.clone()
        }
    };
    ([(header::HeaderName::from_static("request-id"), "req-1")], Json(body)).into_response()
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn encoding_key() -> EncodingKey {
    let der: Pkcs8V1Der<'static> = key().as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64::engine::general_purpose::STANDARD.encode(der.as_ref())
    );
    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
}

fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
}
