//! A connector as somebody else would write one: three tools over Graph, nothing of ours. What `check --target` is tried with, and a pattern
//! for a first one of your own.
//!
//! ```text
//! plain_connector passthrough      over stdio; $TOKEN is a token for Graph
//! plain_connector device-code      over stdio; the tool `login` shows a code; $TOKEN_CACHE, if set, keeps the token for the next start
//! plain_connector own-login PORT   over HTTP with sessions; an authorization server of its own in front of Entra
//! plain_connector obo PORT         over HTTP; takes tokens for itself, exchanges them, and refuses with a bare 401, 403 or 404
//! ```
//!
//! `$LOGIN`, `$GRAPH` and `$CLIENT_ID` say where and who; `$CLIENT_SECRET` belongs to the last two, `$AUDIENCE` and `$TENANTS` to the last. Each can be
//! wrong in a way that happens: `$TOKEN_CACHE` keeps one token for all programs of a machine, `$ONE_FOR_ALL` uses the token that came last for
//! everybody, `$UNSIGNED_PASSES` does not look at signatures.
#![expect(clippy::disallowed_methods, reason = "somebody else's program, which knows nothing of our one client")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const TOOLS: &[&str] = &["whoami", "search_mail", "read_mail"];

const SCOPE: &str = "https://graph.microsoft.com/.default offline_access openid profile";

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["passthrough"] => over_stdio(Graph::of(Some(setting("TOKEN")))).await,
        ["device-code"] => over_stdio(Graph::of(cached())).await,
        ["own-login", port] => over_http(port).await,
        ["obo", port] => resource_server(port).await,
        _ => Err("passthrough, device-code, own-login PORT or obo PORT".into()),
    }
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The token of whoever signed in last, where one is kept.
fn cached() -> Option<String> {
    std::fs::read_to_string(setting("TOKEN_CACHE")).ok()
}

/// Graph, as one person.
struct Graph {
    http: reqwest::Client,
    token: Option<String>,
}

impl Graph {
    fn of(token: Option<String>) -> Self {
        Self { http: reqwest::Client::new(), token }
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        let token = self.token.as_ref().ok_or("nobody has signed in: call login")?;
        let url = format!("{}/v1.0/{path}", setting("GRAPH").trim_end_matches('/'));
        let answer = self.http.get(url).bearer_auth(token).send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body: Value = answer.json().await.map_err(|error| error.to_string())?;
        if status.is_success() {
            return Ok(body);
        }
        let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
        Err(format!("Graph answered {status}: {code}"))
    }

    async fn call(&self, tool: &str, arguments: &Value) -> Value {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let done = match tool {
            "whoami" => self.get("me").await,
            "search_mail" => {
                let words = text("q").replace('"', " ");
                let query: String = url::form_urlencoded::byte_serialize(format!("\"{words}\"").as_bytes()).collect();
                let found =
                    self.get(&format!("me/messages?$search={query}&$top=25&$select=id,subject,bodyPreview")).await;
                found.map(|found| json!({ "hits": found.get("value") }))
            }
            "read_mail" => {
                let id: String = url::form_urlencoded::byte_serialize(text("id").as_bytes()).collect();
                self.get(&format!("me/messages/{id}")).await
            }
            _ => Err("no such tool".to_owned()),
        };
        match done {
            Ok(answer) => {
                json!({ "content": [{ "type": "text", "text": answer.to_string() }], "structuredContent": answer })
            }
            Err(why) => json!({ "isError": true, "content": [{ "type": "text", "text": why }] }),
        }
    }
}

fn tools(more: &[&str]) -> Value {
    let names = TOOLS.iter().chain(more);
    let tools = names.map(
        |name| json!({ "name": name, "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true } }),
    );
    json!({ "tools": tools.collect::<Vec<_>>() })
}

fn greeting() -> Value {
    json!({
        "protocolVersion": "2025-11-25",
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "plain-connector", "version": "1.0.0" },
    })
}

async fn over_stdio(mut graph: Graph) -> Result<(), Failure> {
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let Some(id) = message.get("id") else { continue };
        let tool = message.pointer("/params/name").and_then(Value::as_str).unwrap_or_default();
        let nothing = json!({});
        let answer = match message.get("method").and_then(Value::as_str).unwrap_or_default() {
            "initialize" => Ok(greeting()),
            "ping" => Ok(json!({})),
            "tools/list" => Ok(tools(&["login"])),
            "tools/call" if tool == "login" => Ok(login(&mut graph).await?),
            "tools/call" => Ok(graph.call(tool, message.pointer("/params/arguments").unwrap_or(&nothing)).await),
            _ => Err(json!({ "code": -32601, "message": "Method not found" })),
        };
        let answer = match answer {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Shows a code on standard error, and waits until it was typed.
async fn login(graph: &mut Graph) -> Result<Value, Failure> {
    let signed_in = json!({ "content": [{ "type": "text", "text": "signed in" }] });
    let (base, client) =
        (format!("{}/organizations/oauth2/v2.0", setting("LOGIN").trim_end_matches('/')), setting("CLIENT_ID"));
    let form = [("client_id", client.as_str()), ("scope", SCOPE)];
    let begun: Value = graph.http.post(format!("{base}/devicecode")).form(&form).send().await?.json().await?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    eprintln!("{}", text(&begun, "message").unwrap_or_default());
    let device = text(&begun, "device_code").unwrap_or_default();
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", client.as_str()),
        ("device_code", device.as_str()),
    ];
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(begun.get("interval").and_then(Value::as_u64).unwrap_or(5))).await;
        let answer: Value = graph.http.post(format!("{base}/token")).form(&form).send().await?.json().await?;
        if let Some(token) = text(&answer, "access_token") {
            let cache = setting("TOKEN_CACHE");
            // Whoever started first keeps the place: the fault of connectors that share one cache.
            let token = if cache.is_empty() {
                token
            } else if let Some(first) = cached() {
                first
            } else {
                std::fs::write(cache, &token)?;
                token
            };
            graph.token = Some(token);
            return Ok(signed_in);
        }
        if text(&answer, "error").as_deref() != Some("authorization_pending") {
            return Ok(json!({ "isError": true, "content": [{ "type": "text", "text": "the sign-in was refused" }] }));
        }
    }
    Ok(json!({ "isError": true, "content": [{ "type": "text", "text": "nobody typed the code" }] }))
}

/// What the HTTP server knows: who waits at Entra, codes that were given out, tokens and sessions.
struct Server {
    own: String,
    counter: AtomicU64,
    pending: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
    codes: Mutex<BTreeMap<String, (String, String)>>,
    tokens: Mutex<BTreeMap<String, String>>,
    sessions: Mutex<BTreeMap<String, String>>,
    last: Mutex<String>,
}

impl Server {
    /// Something nobody guesses; a test's clock and counter are enough of a secret here.
    fn secret(&self, what: &str) -> String {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let seed = format!("{what} {number} {} {}", std::process::id(), setting("CLIENT_SECRET"));
        URL_SAFE_NO_PAD.encode(Sha256::digest(seed))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn over_http(port: &str) -> Result<(), Failure> {
    let own = format!("http://localhost:{port}");
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let metadata = json!({ "resource": format!("{own}/mcp"), "authorization_servers": [own] });
    let server = json!({
        "issuer": own,
        "authorization_endpoint": format!("{own}/authorize"),
        "token_endpoint": format!("{own}/token"),
        "registration_endpoint": format!("{own}/register"),
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["mail"],
    });
    let state = Arc::new(Server {
        own,
        counter: AtomicU64::new(0),
        pending: Mutex::default(),
        codes: Mutex::default(),
        tokens: Mutex::default(),
        sessions: Mutex::default(),
        last: Mutex::default(),
    });
    let app = Router::new()
        .route("/.well-known/oauth-protected-resource/mcp", get(move || async move { Json(metadata) }))
        .route("/.well-known/oauth-authorization-server", get(move || async move { Json(server) }))
        .route("/register", post(register))
        .route("/authorize", get(authorize))
        .route("/callback", get(callback))
        .route("/token", post(token))
        .route("/mcp", post(mcp))
        .with_state(state);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn register(Json(client): Json<Value>) -> Response {
    let known = json!({ "client_id": "a-client", "redirect_uris": client.get("redirect_uris") });
    (StatusCode::CREATED, Json(known)).into_response()
}

async fn authorize(State(server): State<Arc<Server>>, Query(asked): Query<BTreeMap<String, String>>) -> Redirect {
    let state = server.secret("state");
    locked(&server.pending).insert(state.clone(), asked);
    let query = [
        ("client_id", setting("CLIENT_ID")),
        ("response_type", "code".to_owned()),
        ("redirect_uri", format!("{}/callback", server.own)),
        ("scope", SCOPE.to_owned()),
        ("state", state),
    ];
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    Redirect::to(&format!("{}/organizations/oauth2/v2.0/authorize?{query}", setting("LOGIN").trim_end_matches('/')))
}

async fn callback(State(server): State<Arc<Server>>, Query(back): Query<BTreeMap<String, String>>) -> Response {
    let asked = back.get("state").and_then(|state| locked(&server.pending).remove(state));
    let (Some(asked), Some(code)) = (asked, back.get("code")) else {
        return (StatusCode::BAD_REQUEST, "the sign-in did not end well").into_response();
    };
    let (id, secret) = (setting("CLIENT_ID"), setting("CLIENT_SECRET"));
    let redirect = format!("{}/callback", server.own);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", redirect.as_str()),
    ];
    let url = format!("{}/organizations/oauth2/v2.0/token", setting("LOGIN").trim_end_matches('/'));
    let answer = reqwest::Client::new().post(url).form(&form).send().await;
    let answer: Option<Value> = match answer {
        Ok(answer) => answer.json().await.ok(),
        Err(_) => None,
    };
    let token = answer.as_ref().and_then(|answer| answer.get("access_token")?.as_str());
    let Some(token) = token else { return (StatusCode::BAD_GATEWAY, "Entra gave no token").into_response() };
    let code = server.secret("code");
    let challenge = asked.get("code_challenge").cloned().unwrap_or_default();
    locked(&server.codes).insert(code.clone(), (challenge, token.to_owned()));
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", code), ("state", text("state"))])
        .finish();
    Redirect::to(&format!("{}?{query}", text("redirect_uri"))).into_response()
}

async fn token(State(server): State<Arc<Server>>, Form(form): Form<BTreeMap<String, String>>) -> Response {
    let known = form.get("code").and_then(|code| locked(&server.codes).remove(code));
    let verifier = form.get("code_verifier").map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
    match known {
        Some((challenge, graph)) if Some(&challenge) == verifier.as_ref() => {
            let own = server.secret("token");
            locked(&server.tokens).insert(own.clone(), graph.clone());
            *locked(&server.last) = graph;
            Json(json!({ "access_token": own, "token_type": "Bearer", "expires_in": 3600 })).into_response()
        }
        _ => (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response(),
    }
}

async fn mcp(State(server): State<Arc<Server>>, headers: HeaderMap, Json(message): Json<Value>) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let graph = bearer.and_then(|token| locked(&server.tokens).get(token).cloned());
    let (Some(bearer), Some(mut graph)) = (bearer, graph) else {
        let told = format!("Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\"", server.own);
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, told)]).into_response();
    };
    if !setting("ONE_FOR_ALL").is_empty() {
        graph.clone_from(&locked(&server.last));
    }
    let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
    if method == "initialize" {
        let session = server.secret("session");
        locked(&server.sessions).insert(session.clone(), bearer.to_owned());
        let answer = json!({ "jsonrpc": "2.0", "id": message.get("id"), "result": greeting() });
        return ([("mcp-session-id", session)], Json(answer)).into_response();
    }
    let session = headers.get("mcp-session-id").and_then(|id| id.to_str().ok());
    let Some(session) = session else { return StatusCode::BAD_REQUEST.into_response() };
    if locked(&server.sessions).get(session).is_none_or(|whose| whose != bearer) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let nothing = json!({});
    let tool = message.pointer("/params/name").and_then(Value::as_str).unwrap_or_default();
    let result = match method {
        "ping" => json!({}),
        "tools/list" => tools(&[]),
        "tools/call" => {
            Graph::of(Some(graph)).call(tool, message.pointer("/params/arguments").unwrap_or(&nothing)).await
        }
        _ => return unknown(id),
    };
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

fn unknown(id: &Value) -> Response {
    let error = json!({ "code": -32601, "message": "Method not found" });
    Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response()
}

/// A resource server that says no with a status and nothing else.
async fn resource_server(port: &str) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, Router::new().route("/mcp", post(protected))).await?;
    Ok(())
}

/// What of a caller's token counts. One audience, in words; times as numbers.
#[derive(serde::Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    tid: uuid::Uuid,
    oid: uuid::Uuid,
    scp: String,
    azp: String,
    ver: String,
    nbf: u64,
    exp: u64,
}

/// The keys that Entra signs with, and when they were read: asked anew for a name that is not known, once in a while.
static KEYS: Mutex<Option<(Instant, Value)>> = Mutex::new(None);

async fn key(kid: &str, issuer: &str) -> Option<jsonwebtoken::DecodingKey> {
    let login = setting("LOGIN");
    let known = |keys: &Value| {
        let keys = keys.get("keys")?.as_array()?;
        let key = keys.iter().find(|key| key.get("kid").and_then(Value::as_str) == Some(kid))?.clone();
        // A key of personal accounts signs for nobody else.
        let signs_for = key.get("issuer")?.as_str()?.replace("{tenantid}", issuer);
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key).ok()?;
        Some((signs_for, jsonwebtoken::DecodingKey::from_jwk(&jwk).ok()?))
    };
    let kept = locked(&KEYS).clone();
    let found = match kept {
        Some((_, keys)) if known(&keys).is_some() => known(&keys),
        Some((read, _)) if read.elapsed() < Duration::from_secs(30) => None,
        _ => {
            let url = format!("{}/common/discovery/v2.0/keys", login.trim_end_matches('/'));
            let keys: Value = reqwest::get(url).await.ok()?.json().await.ok()?;
            *locked(&KEYS) = Some((Instant::now(), keys.clone()));
            known(&keys)
        }
    };
    let (signs_for, key) = found?;
    (signs_for == format!("{}/{issuer}/v2.0", login.trim_end_matches('/'))).then_some(key)
}

async fn protected(headers: HeaderMap, Json(message): Json<Value>) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(bearer) = bearer else { return StatusCode::UNAUTHORIZED.into_response() };
    let Some(claims) = believed(bearer).await else { return StatusCode::UNAUTHORIZED.into_response() };
    if !setting("TENANTS").contains(&claims.tid.to_string()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let nothing = json!({});
    let tool = message.pointer("/params/name").and_then(Value::as_str).unwrap_or_default();
    let result = match message.get("method").and_then(Value::as_str).unwrap_or_default() {
        "initialize" => greeting(),
        "ping" => nothing,
        "tools/list" => tools(&[]),
        "tools/call" if !TOOLS.contains(&tool) => return StatusCode::NOT_FOUND.into_response(),
        "tools/call" => {
            let Some(graph) = exchanged(bearer, &claims.tid.to_string()).await else {
                return StatusCode::FORBIDDEN.into_response();
            };
            let answer =
                Graph::of(Some(graph)).call(tool, message.pointer("/params/arguments").unwrap_or(&nothing)).await;
            let text = answer.pointer("/content/0/text").and_then(Value::as_str).unwrap_or_default();
            match answer.get("isError") {
                Some(_) if text.contains("404") => return StatusCode::NOT_FOUND.into_response(),
                Some(_) => return StatusCode::FORBIDDEN.into_response(),
                None => answer,
            }
        }
        _ => return unknown(id),
    };
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

/// The claims of a token that Entra signed for us.
async fn believed(token: &str) -> Option<Claims> {
    let login = setting("LOGIN");
    let login = login.trim_end_matches('/');
    let claims = jsonwebtoken::dangerous::insecure_decode::<Claims>(token).ok()?.claims;
    if setting("UNSIGNED_PASSES").is_empty() {
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let header: Value = serde_json::from_slice(&header).ok()?;
        let kid = header.get("kid").and_then(Value::as_str).filter(|_| header.get("crit").is_none())?;
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.validate_aud = false;
        jsonwebtoken::decode::<Claims>(token, &key(kid, &claims.tid.to_string()).await?, &rules).ok()?;
    }
    let now = jiff::Timestamp::now().as_second().cast_unsigned();
    let good = claims.iss == format!("{login}/{}/v2.0", claims.tid)
        && [setting("AUDIENCE"), setting("CLIENT_ID")].contains(&claims.aud)
        && (claims.nbf..claims.exp).contains(&now)
        && !claims.oid.is_nil()
        && claims.ver == "2.0"
        && setting("ALLOWED_CLIENT") == claims.azp
        && claims.scp.split(' ').any(|scope| scope == "access_as_user");
    good.then_some(claims)
}

/// A token for Graph in place of the caller's.
async fn exchanged(assertion: &str, tenant: &str) -> Option<String> {
    let (id, secret) = (setting("CLIENT_ID"), setting("CLIENT_SECRET"));
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("assertion", assertion),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let url = format!("{}/{tenant}/oauth2/v2.0/token", setting("LOGIN").trim_end_matches('/'));
    let answer: Value = reqwest::Client::new().post(url).form(&form).send().await.ok()?.json().await.ok()?;
    answer.get("access_token").and_then(Value::as_str).map(str::to_owned)
}
