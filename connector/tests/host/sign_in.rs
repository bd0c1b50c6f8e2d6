//! A person at a terminal tries a server: what it names is checked before a browser goes there, and before a code does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Json, Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connector::sign_in::{SignIn, SignInError, Step, Tried, Unfound, sign_in};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::scene::serve;

/// A server and its issuer in one, and what is wrong with them.
#[derive(Clone, Default)]
struct Wrong {
    resource: Option<&'static str>,
    issuer: Option<&'static str>,
    authorization_endpoint: Option<&'static str>,
    token_endpoint: Option<&'static str>,
    silent_about_pkce: bool,
    promises_iss: bool,
    iss: Option<&'static str>,
    state: Option<&'static str>,
    error: bool,
    /// Scopes that a tool call needs; the token gets what was asked for.
    needs: &'static str,
}

struct Place {
    base: String,
    wrong: Wrong,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    authorizations: Vec<BTreeMap<String, String>>,
    tokens: Vec<BTreeMap<String, String>>,
}

type Shared = Arc<OnceLock<Arc<Place>>>;

async fn place(wrong: Wrong) -> Arc<Place> {
    let shared: Shared = Arc::default();
    let app = Router::new()
        .route("/mcp", routing::post(mcp))
        .route("/.well-known/oauth-protected-resource/mcp", routing::get(resource))
        .route("/.well-known/oauth-authorization-server", routing::get(metadata))
        .route("/authorize", routing::get(authorize))
        .route("/token", routing::post(token))
        .with_state(Arc::clone(&shared));
    let base = format!("http://{}", serve(app).await);
    let place = Arc::new(Place { base, wrong, seen: Mutex::default() });
    assert!(shared.set(Arc::clone(&place)).is_ok());
    place
}

async fn mcp(State(shared): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let place = shared.get().unwrap();
    let refused = |status: StatusCode, scope: &str| {
        let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", place.base);
        let challenge = format!("Bearer scope=\"{scope}\", resource_metadata=\"{metadata}\"");
        (status, [(header::WWW_AUTHENTICATE, challenge)], "{}").into_response()
    };
    let Some(bearer) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return refused(StatusCode::UNAUTHORIZED, "read");
    };
    let granted: Vec<&str> = bearer.trim_start_matches("Bearer token-").split('+').collect();
    if body["method"] == "tools/list" {
        let result = json!({ "tools": [{ "name": "test-tool" }] });
        return Json(json!({ "jsonrpc": "2.0", "id": 1, "result": result })).into_response();
    }
    if !granted.contains(&place.wrong.needs) {
        return refused(StatusCode::FORBIDDEN, place.wrong.needs);
    }
    Json(json!({ "jsonrpc": "2.0", "id": 1, "result": { "granted": granted } })).into_response()
}

async fn resource(State(shared): State<Shared>) -> Json<Value> {
    let place = shared.get().unwrap();
    let named = place.wrong.resource.map_or_else(|| format!("{}/mcp", place.base), str::to_owned);
    Json(json!({ "resource": named, "authorization_servers": [place.base] }))
}

async fn metadata(State(shared): State<Shared>) -> Json<Value> {
    let place = shared.get().unwrap();
    let or = |wrong: Option<&str>, path: &str| wrong.map_or_else(|| format!("{}{path}", place.base), str::to_owned);
    Json(json!({
        "issuer": or(place.wrong.issuer, ""),
        "authorization_endpoint": or(place.wrong.authorization_endpoint, "/authorize"),
        "token_endpoint": or(place.wrong.token_endpoint, "/token"),
        "code_challenge_methods_supported": if place.wrong.silent_about_pkce { json!([]) } else { json!(["S256"]) },
        "authorization_response_iss_parameter_supported": place.wrong.promises_iss,
    }))
}

async fn authorize(State(shared): State<Shared>, Query(query): Query<BTreeMap<String, String>>) -> Redirect {
    let place = shared.get().unwrap();
    let mut back: Url = query["redirect_uri"].parse().unwrap();
    let state = place.wrong.state.map_or_else(|| query["state"].clone(), str::to_owned);
    let outcome = if place.wrong.error { ("error", "access_denied") } else { ("code", "the-code") };
    back.query_pairs_mut().append_pair("state", &state).append_pair(outcome.0, outcome.1);
    if let Some(iss) = place.wrong.iss {
        back.query_pairs_mut().append_pair("iss", iss);
    }
    place.seen.lock().unwrap().authorizations.push(query);
    Redirect::to(back.as_str())
}

async fn token(State(shared): State<Shared>, Form(form): Form<BTreeMap<String, String>>) -> Response {
    let place = shared.get().unwrap();
    let mut seen = place.seen.lock().unwrap();
    let asked = seen.authorizations.last().unwrap();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    assert_eq!(asked["code_challenge"], challenge, "the verifier is the one of this request");
    assert_eq!(asked["redirect_uri"], form["redirect_uri"]);
    let scope = asked["scope"].replace(' ', "+");
    seen.tokens.push(form);
    Json(json!({ "token_type": "Bearer", "access_token": format!("token-{scope}"), "expires_in": 600 })).into_response()
}

/// Signs in as a person whose browser goes wherever it is sent.
async fn tried(place: &Place, call: bool) -> (Result<Tried, SignInError>, Vec<Step>) {
    let what = SignIn {
        server: format!("{}/mcp", place.base).parse().unwrap(),
        client_id: "a-client".to_owned(),
        port: None,
        entra: false,
        stranger: false,
        call: call.then(|| ("test-tool".to_owned(), serde_json::Map::new())),
        extra_roots: None,
    };
    let mut steps = Vec::new();
    let signing_in = sign_in(&what, |step| {
        if let Step::Open(url) = &step {
            tokio::spawn(reqwest::get(url.clone()));
        }
        steps.push(step);
    });
    // A browser that was sent to nowhere never comes back.
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(10), signing_in).await;
    (outcome.expect("the sign-in ends"), steps)
}

#[tokio::test]
async fn a_person_signs_in_where_the_server_says() {
    let place = place(Wrong { needs: "read", ..Wrong::default() }).await;
    let (outcome, steps) = tried(&place, true).await;
    let tried = outcome.unwrap();
    assert_eq!(tried.tools, ["test-tool"]);
    assert_eq!(tried.result.unwrap()["granted"], json!(["read"]));
    assert!(
        matches!(&steps[..], [Step::Issuer(_), Step::Open(_), Step::SignedIn { expires_in: 600, .. }]),
        "{steps:?}"
    );
    let seen = place.seen.lock().unwrap();
    let resource = format!("{}/mcp", place.base);
    for asked in [&seen.authorizations[0], &seen.tokens[0]] {
        assert_eq!((asked["resource"].as_str(), asked["client_id"].as_str()), (resource.as_str(), "a-client"));
    }
    let printed = format!("{steps:?}");
    assert!(!printed.contains("token-") && !printed.contains("the-code"), "{printed}");
}

#[tokio::test]
async fn more_is_asked_for_with_what_was_there() {
    let place = place(Wrong { needs: "write", ..Wrong::default() }).await;
    let (outcome, _) = tried(&place, true).await;
    assert_eq!(outcome.unwrap().result.unwrap()["granted"], json!(["read", "write"]));
    assert_eq!(place.seen.lock().unwrap().authorizations.len(), 2);
}

#[tokio::test]
async fn a_server_that_always_wants_more_is_left() {
    let place = place(Wrong { needs: "never granted", ..Wrong::default() }).await;
    let (outcome, _) = tried(&place, true).await;
    assert!(matches!(outcome, Err(SignInError::TokenRefused(_))), "{outcome:?}");
    assert_eq!(place.seen.lock().unwrap().authorizations.len(), 3);
}

/// What a server or an issuer that lies is refused with, and how far it got: no browser, or no code.
#[tokio::test]
async fn what_is_wrong_is_refused_before_it_gets_anything() {
    let base = Wrong { needs: "read", ..Wrong::default() };
    let no_browser = [
        Wrong { resource: Some("https://other.example/mcp"), ..base.clone() },
        Wrong { issuer: Some("https://other.example"), ..base.clone() },
        Wrong { authorization_endpoint: Some("http://other.example/authorize"), ..base.clone() },
        Wrong { authorization_endpoint: Some("javascript:alert(1)"), ..base.clone() },
        Wrong { token_endpoint: Some("http://169.254.169.254/token"), ..base.clone() },
        Wrong { silent_about_pkce: true, ..base.clone() },
    ];
    for wrong in no_browser {
        let place = place(wrong).await;
        let (outcome, steps) = tried(&place, true).await;
        assert!(matches!(outcome, Err(SignInError::Unfound(_) | SignInError::NoPkce(_))), "{outcome:?}");
        assert!(!steps.iter().any(|step| matches!(step, Step::Open(_))), "{steps:?}");
    }
    let no_code = [
        Wrong { state: Some("another"), ..base.clone() },
        Wrong { promises_iss: true, ..base.clone() },
        Wrong { iss: Some("https://other.example"), ..base.clone() },
        Wrong { error: true, ..base.clone() },
    ];
    for wrong in no_code {
        let place = place(wrong).await;
        let (outcome, _) = tried(&place, true).await;
        assert!(matches!(outcome, Err(SignInError::Unfinished(_) | SignInError::Refused { .. })), "{outcome:?}");
        let seen = place.seen.lock().unwrap();
        assert_eq!((seen.authorizations.len(), seen.tokens.len()), (1, 0));
    }
}

#[tokio::test]
async fn a_server_without_metadata_is_told_where_it_was_looked_for() {
    let base = format!(
        "http://{}",
        serve(Router::new().route("/mcp", routing::post(|| async { StatusCode::UNAUTHORIZED }))).await
    );
    let place = Place { base: base.clone(), wrong: Wrong::default(), seen: Mutex::default() };
    let (outcome, _) = tried(&place, false).await;
    let Err(SignInError::Unfound(Unfound::NoDocument { tried, .. })) = outcome else { panic!("{outcome:?}") };
    let whole = format!("{base}/.well-known/oauth-protected-resource/mcp");
    assert_eq!(tried, [whole, format!("{base}/.well-known/oauth-protected-resource")]);
}
