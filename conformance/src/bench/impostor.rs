//! The connector's OAuth client at a server that lies: an MCP server and its issuer in one, which name whatever they are told to, and a
//! canary beside them that nobody may reach.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use connector::danger;
use connector::sign_in::{SignIn, Step};
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

use super::Bench;
use crate::check::{Feature, Finding};
use crate::recorder::{Hop, StepKind};

/// What stands where nobody is led.
pub const CANARY: &str = "inside-brolantikmovap";

/// What the impostor says. Each text may name `{base}`, where it is, and `{canary}`, where the canary is.
#[derive(Debug, Clone)]
pub struct Says {
    /// Where its metadata is, as the challenge names it.
    pub metadata: &'static str,
    /// Whose metadata that is.
    pub resource: &'static str,
    /// Who gives tokens.
    pub issuers: &'static [&'static str],
    /// Who that says it is.
    pub issuer: &'static str,
    /// Where a person signs in.
    pub authorization_endpoint: &'static str,
    /// Where a code becomes tokens.
    pub token_endpoint: &'static str,
    /// Which of its documents is elsewhere, and where.
    pub moved: Option<(&'static str, &'static str)>,
}

impl Says {
    /// The truth.
    pub const TRUE: Self = Self {
        metadata: "{base}/.well-known/oauth-protected-resource/mcp",
        resource: "{base}/mcp",
        issuers: &["{base}"],
        issuer: "{base}",
        authorization_endpoint: "{base}/authorize",
        token_endpoint: "{base}/token",
        moved: None,
    };
}

/// What came of a sign-in.
#[derive(Debug)]
pub struct Tried {
    /// Where a browser was to go, in order.
    pub opened: Vec<Url>,
    /// What was asked of the canary.
    pub inside: Vec<String>,
    /// Why it ended, if it did not end well. Empty where it was stopped because a browser was to go somewhere.
    pub refusal: Option<String>,
}

struct Place {
    says: Says,
    base: String,
    canary: String,
    hops: Mutex<Vec<Hop>>,
}

struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Bench {
    /// A person signs in at a server that says this. `stranger`: the server is not the person's own, wherever it stands. A browser goes
    /// where it is sent if `follows`; otherwise that is the end.
    pub async fn sign_in_at(
        &mut self,
        label: &str,
        says: &Says,
        stranger: bool,
        follows: bool,
    ) -> Result<Tried, Finding> {
        let policy = self.discovery.ok_or(Finding::NotApplicable(Feature::Client))?;
        self.recorder.step(if follows { StepKind::Control } else { StepKind::Attempt }, "a person", label);
        let (listener, base) = listen().await?;
        let (within, canary) = listen().await?;
        for (name, origin) in [("impostor", &base), ("canary", &canary)] {
            if let Ok(origin) = Url::parse(origin) {
                self.recorder.name_origin(name, &origin);
            }
        }
        let place = Arc::new(Place { says: says.clone(), base, canary: canary.clone(), hops: Mutex::default() });
        let _impostor = serve(listener, Router::new().fallback(answer).with_state(Arc::clone(&place)));
        let reached =
            Arc::new(Place { says: says.clone(), base: canary, canary: String::new(), hops: Mutex::default() });
        let _canary = serve(within, Router::new().fallback(told).with_state(Arc::clone(&reached)));
        let what = SignIn {
            server: format!("{}/mcp", place.base).parse().map_err(|_| ours("an address"))?,
            client_id: "a-client".to_owned(),
            port: None,
            entra: false,
            stranger,
            call: None,
            extra_roots: None,
        };
        let (sender, mut sent) = mpsc::unbounded_channel();
        let http = self.http.clone();
        let mut opened = Vec::new();
        let refusal = {
            let trying = danger::sign_in_with_policy(&policy, &what, |step| {
                if let Step::Open(url) = step {
                    let _ = sender.send(url);
                }
            });
            tokio::pin!(trying);
            loop {
                tokio::select! {
                    result = &mut trying => break result.err().map(|error| error.to_string()),
                    Some(url) = sent.recv() => {
                        opened.push(url.clone());
                        if !follows {
                            break None;
                        }
                        let http = http.clone();
                        tokio::spawn(async move { browse(&http, url).await });
                    }
                }
            }
        };
        let inside = reached.asked();
        for (place, name) in [(&place, "impostor"), (&reached, "canary")] {
            for hop in place.hops.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                self.recorder.hop(Hop { to: name.to_owned(), ..hop });
            }
        }
        Ok(Tried { opened, inside, refusal })
    }
}

impl Place {
    /// What was asked, as method and path.
    fn asked(&self) -> Vec<String> {
        let hops = self.hops.lock().unwrap_or_else(PoisonError::into_inner);
        hops.iter().map(|hop| format!("{} {}", hop.method, hop.url)).collect()
    }

    fn text(&self, template: &str) -> String {
        let port = |origin: &str| origin.rsplit_once(':').map(|(_, port)| port.to_owned()).unwrap_or_default();
        template
            .replace("{base}", &self.base)
            .replace("{canary}", &self.canary)
            .replace("{canary-port}", &port(&self.canary))
    }
}

async fn listen() -> Result<(TcpListener, String), Finding> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| ours(&error.to_string()))?;
    let port = listener.local_addr().map_err(|error| ours(&error.to_string()))?.port();
    Ok((listener, format!("http://127.0.0.1:{port}")))
}

fn serve(listener: TcpListener, router: Router) -> Serving {
    Serving(tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    }))
}

/// The browser: it goes where it is sent, and back.
async fn browse(http: &reqwest::Client, url: Url) {
    let Ok(answer) = http.get(url).send().await else { return };
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    if let Some(back) = location {
        let _ = http.get(back).send().await;
    }
}

async fn told(State(place): State<Arc<Place>>, request: Request) -> Response {
    kept(&place, &request, (StatusCode::OK, CANARY).into_response())
}

async fn answer(State(place): State<Arc<Place>>, request: Request) -> Response {
    let says = &place.says;
    let path = request.uri().path();
    let has_token = request.headers().contains_key(header::AUTHORIZATION);
    let json = |body: serde_json::Value| axum::Json(body).into_response();
    let response = match (request.method(), path) {
        (_, path) if says.moved.is_some_and(|(moved, _)| moved == path) => {
            let to = says.moved.map(|(_, to)| place.text(to)).unwrap_or_default();
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        }
        (&Method::POST, "/mcp") if has_token => {
            json(json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": [{ "name": "test-tool" }] } }))
        }
        (_, "/mcp") => {
            let challenge = format!("Bearer scope=\"read\", resource_metadata=\"{}\"", place.text(says.metadata));
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], "{}").into_response()
        }
        (_, "/.well-known/oauth-protected-resource/mcp") => {
            let issuers: Vec<String> = says.issuers.iter().map(|issuer| place.text(issuer)).collect();
            json(json!({ "resource": place.text(says.resource), "authorization_servers": issuers }))
        }
        (_, "/.well-known/oauth-authorization-server") => json(json!({
            "issuer": place.text(says.issuer),
            "authorization_endpoint": place.text(says.authorization_endpoint),
            "token_endpoint": place.text(says.token_endpoint),
            "code_challenge_methods_supported": ["S256"],
        })),
        (_, "/authorize") => back(request.uri().query().unwrap_or_default()),
        (_, "/token") => json(json!({ "token_type": "Bearer", "access_token": "a-token", "expires_in": 600 })),
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    kept(&place, &request, response)
}

/// Back to the client, with a code.
fn back(query: &str) -> Response {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let Some(mut to) = value("redirect_uri").and_then(|uri| Url::parse(uri).ok()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    to.query_pairs_mut().append_pair("state", value("state").unwrap_or_default()).append_pair("code", "the-code");
    (StatusCode::FOUND, [(header::LOCATION, to.to_string())]).into_response()
}

/// The exchange as evidence: without the query, which is another one each time.
fn kept(place: &Place, request: &Request, response: Response) -> Response {
    let headers = |map: &HeaderMap, name: header::HeaderName| {
        let value = map.get(&name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        value.map(|value| (name.to_string(), value)).into_iter().collect::<Vec<_>>()
    };
    place.hops.lock().unwrap_or_else(PoisonError::into_inner).push(Hop {
        from: "connector",
        actor: String::new(),
        to: String::new(),
        method: request.method().to_string(),
        url: format!("{}{}", place.base, request.uri().path()),
        request_headers: headers(request.headers(), header::ACCEPT),
        request: Vec::new(),
        status: response.status().as_u16(),
        response_headers: headers(response.headers(), header::WWW_AUTHENTICATE),
        response: Vec::new(),
    });
    response
}

fn ours(why: &str) -> Finding {
    Finding::Inconclusive(format!("failure of ours: {why}"))
}
