//! An issuer that does what a test tells it: codes, tokens, refusals, and a token endpoint that can be held.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::KeyPair as _;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use connector::host::{KeysUnavailable, SigningKey, SigningKeys};
use futures_util::future::BoxFuture;
use http::StatusCode;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use url::Url;

use crate::scene::{HandClock, serve};

pub(crate) const CONTOSO: &str = "aaaaaaaa-0365-4c11-a0ff-00000000000a";
pub(crate) const FABRIKAM: &str = "bbbbbbbb-0365-4c11-a0ff-00000000000b";
pub(crate) const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
pub(crate) const ALICE: &str = "a11ce000-0365-4c11-a0ff-0000000000a1";
pub(crate) const BOB: &str = "b0b00000-0365-4c11-a0ff-0000000000b0";
pub(crate) const SERVER: &str = "5e12e400-0365-4c11-a0ff-11e036500002";
pub(crate) const CLIENT: &str = "c11e4700-0365-4c11-a0ff-11e036500001";

/// One running issuer.
#[derive(Clone)]
pub(crate) struct StubIssuer {
    pub(crate) login: Url,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<Inner>,
    clock: HandClock,
    /// Requests of the token endpoint wait for a permit while it is held.
    gate: Semaphore,
    arrived: Semaphore,
}

struct Inner {
    codes: BTreeMap<String, SignedIn>,
    refresh_tokens: BTreeMap<String, SignedIn>,
    /// The last one of each person.
    latest: BTreeMap<String, String>,
    /// Everything that was ever issued and must appear nowhere.
    secrets: BTreeSet<String>,
    asked: Vec<BTreeMap<String, String>>,
    issued: u32,
    refusal: Option<(StatusCode, Value)>,
    expires_in: i64,
    held: bool,
    claims: BTreeMap<&'static str, Value>,
    issuer_of_key: Option<String>,
    for_real_server: bool,
}

#[derive(Clone)]
struct SignedIn {
    tenant: String,
    oid: String,
    nonce: String,
    challenge: String,
}

impl StubIssuer {
    pub(crate) async fn start(clock: HandClock) -> Self {
        let inner = Inner {
            codes: BTreeMap::new(),
            refresh_tokens: BTreeMap::new(),
            latest: BTreeMap::new(),
            secrets: BTreeSet::new(),
            asked: Vec::new(),
            issued: 0,
            refusal: None,
            expires_in: 3600,
            held: false,
            claims: BTreeMap::new(),
            issuer_of_key: None,
            for_real_server: false,
        };
        let shared =
            Arc::new(Shared { state: Mutex::new(inner), clock, gate: Semaphore::new(0), arrived: Semaphore::new(0) });
        let issuer = Arc::new(OnceLock::<StubIssuer>::new());
        let app = Router::new()
            .route("/{tenant}/oauth2/v2.0/token", routing::post(token))
            .route("/common/v2.0/.well-known/openid-configuration", routing::get(discovery))
            .route("/common/discovery/v2.0/keys", routing::get(keys))
            .with_state(Arc::clone(&issuer));
        let address: SocketAddr = serve(app).await;
        let this = Self { login: format!("http://{address}").parse().unwrap(), shared };
        this.set_issuer_of_key(Some(format!("{}{{tenantid}}/v2.0", this.login)));
        assert!(issuer.set(this.clone()).is_ok());
        this
    }

    /// From now on access tokens are signed ones for the server's registration, not words of this stub.
    pub(crate) fn serve_real_server(&self) {
        self.lock().for_real_server = true;
    }

    /// A token for the server's registration.
    pub(crate) fn token_for(&self, tenant: &str, oid: &str) -> String {
        let now = self.shared.clock.seconds();
        sign(&json!({
            "iss": format!("{}{tenant}/v2.0", self.login), "aud": SERVER, "ver": "2.0", "tid": tenant, "oid": oid,
            "azp": CLIENT, "scp": "access_as_user", "iat": now - 300, "nbf": now - 300, "exp": now + 3600,
        }))
    }

    /// Signs `oid` of `tenant` in at the address that the host gave out; returns the code and the state.
    pub(crate) fn sign_in(&self, authorization_url: &str, tenant: &str, oid: &str) -> (String, String) {
        let url: Url = authorization_url.parse().unwrap();
        assert!(url.as_str().starts_with(self.login.as_str()), "the browser is sent to the configured issuer");
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["code_challenge_method"], "S256");
        let mut inner = self.lock();
        inner.issued += 1;
        let code = format!("code-{}-larkspur-{}", inner.issued, noise(inner.issued, "code"));
        let signed_in = SignedIn {
            tenant: tenant.to_owned(),
            oid: oid.to_owned(),
            nonce: query["nonce"].clone(),
            challenge: query["code_challenge"].clone(),
        };
        inner.codes.insert(code.clone(), signed_in);
        inner.secrets.insert(code.clone());
        (code, query["state"].clone())
    }

    /// Everything secret that this issuer gave out or was told.
    pub(crate) fn secrets(&self) -> BTreeSet<String> {
        self.lock().secrets.clone()
    }

    /// The refresh token that `oid` was given last.
    pub(crate) fn latest_refresh_token(&self, oid: &str) -> Option<String> {
        self.lock().latest.get(oid).cloned()
    }

    /// Forms that the token endpoint received with this grant type.
    pub(crate) fn asked(&self, grant_type: &str) -> Vec<BTreeMap<String, String>> {
        self.lock().asked.iter().filter(|form| form["grant_type"] == grant_type).cloned().collect()
    }

    pub(crate) fn set_expires_in(&self, seconds: i64) {
        self.lock().expires_in = seconds;
    }

    /// From now on the token endpoint refuses.
    pub(crate) fn refuse(&self, status: u16, error: &str, aadsts: u32) {
        let body = json!({
            "error": error, "error_codes": [aadsts],
            "error_description": format!("AADSTS{aadsts}: <script>not ours</script>"),
        });
        self.lock().refusal = Some((StatusCode::from_u16(status).unwrap(), body));
    }

    pub(crate) fn accept(&self) {
        self.lock().refusal = None;
    }

    /// Overwrites a claim of every id_token from now on.
    pub(crate) fn forge(&self, claim: &'static str, value: Value) {
        self.lock().claims.insert(claim, value);
    }

    /// Requests of the token endpoint stop before they are answered, until released.
    pub(crate) fn hold(&self) {
        self.lock().held = true;
    }

    /// Waits until a held request is there.
    pub(crate) async fn arrival(&self) {
        self.shared.arrived.acquire().await.unwrap().forget();
    }

    pub(crate) fn release(&self) {
        self.lock().held = false;
        self.shared.gate.add_permits(1000);
    }

    /// The keys as the host asks for them.
    pub(crate) fn keys(&self) -> Arc<dyn SigningKeys> {
        Arc::new(StubKeys { issuer: self.lock().issuer_of_key.clone() })
    }

    /// The `issuer` member of the key, for hosts that start from now on.
    pub(crate) fn set_issuer_of_key(&self, issuer: Option<String>) {
        self.lock().issuer_of_key = issuer;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.shared.state.lock().unwrap()
    }
}

async fn token(
    State(issuer): State<Arc<OnceLock<StubIssuer>>>,
    Path(authority): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    let issuer = issuer.get().unwrap();
    let held = {
        let mut inner = issuer.lock();
        inner.asked.push(form.clone());
        inner.held
    };
    if held {
        issuer.shared.arrived.add_permits(1);
        issuer.shared.gate.acquire().await.unwrap().forget();
    }
    let now = issuer.shared.clock.seconds();
    let login = issuer.login.clone();
    let mut inner = issuer.lock();
    if let Some((status, body)) = inner.refusal.clone() {
        return (status, Json(body)).into_response();
    }
    if form["client_id"] == SERVER {
        // The real server exchanges tokens to learn what is granted: everything is; no Graph would take them.
        inner.issued += 1;
        let access_token = format!("exchanged-{}-{}", inner.issued, noise(inner.issued, "exchanged"));
        inner.secrets.insert(access_token.clone());
        let answer = json!({
            "token_type": "Bearer", "scope": form["scope"], "expires_in": 3600, "access_token": access_token,
        });
        return Json(answer).into_response();
    }
    assert_eq!(form["client_id"], CLIENT);
    let who = match form["grant_type"].as_str() {
        "authorization_code" => {
            assert_eq!(authority, "organizations");
            let verifier = form["code_verifier"].clone();
            inner.secrets.insert(verifier.clone());
            let Some(who) = inner.codes.remove(&form["code"]) else { return invalid_grant(54005) };
            if URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier)) != who.challenge {
                return invalid_grant(501_481);
            }
            who
        }
        "refresh_token" => match inner.refresh_tokens.get(&form["refresh_token"]) {
            Some(who) if who.tenant == authority => who.clone(),
            _ => return invalid_grant(70000),
        },
        other => panic!("unexpected grant {other}"),
    };
    inner.issued += 1;
    let mut access_token = format!("access-{}-of-{}-{}", inner.issued, who.oid, noise(inner.issued, "access"));
    if inner.for_real_server {
        access_token = issuer.token_for(&who.tenant, &who.oid);
    }
    let refresh_token = format!("refresh-{}-of-{}-{}", inner.issued, who.oid, noise(inner.issued, "refresh"));
    let mut claims = json!({
        "iss": format!("{login}{}/v2.0", who.tenant), "aud": CLIENT, "ver": "2.0", "tid": who.tenant, "oid": who.oid,
        "nonce": who.nonce, "iat": now - 300, "nbf": now - 300, "exp": now + 3600,
        "preferred_username": "alice@contoso.example", "name": "Alice",
    });
    for (claim, value) in &inner.claims {
        claims[*claim] = value.clone();
    }
    let id_token = sign(&claims);
    inner.latest.insert(who.oid.clone(), refresh_token.clone());
    inner.refresh_tokens.insert(refresh_token.clone(), who);
    inner.secrets.extend([access_token.clone(), refresh_token.clone(), id_token.clone()]);
    let answer = json!({
        "token_type": "Bearer", "scope": form["scope"], "expires_in": inner.expires_in,
        "access_token": access_token, "refresh_token": refresh_token, "id_token": id_token,
    });
    Json(answer).into_response()
}

async fn discovery(State(issuer): State<Arc<OnceLock<StubIssuer>>>) -> Json<Value> {
    let login = &issuer.get().unwrap().login;
    Json(json!({
        "issuer": format!("{login}{{tenantid}}/v2.0"), "jwks_uri": format!("{login}common/discovery/v2.0/keys"),
    }))
}

async fn keys(State(issuer): State<Arc<OnceLock<StubIssuer>>>) -> Json<Value> {
    let public = PublicKeyComponents::<Vec<u8>>::from(key().public_key());
    Json(json!({ "keys": [{
        "kty": "RSA", "use": "sig", "kid": KID, "issuer": issuer.get().unwrap().lock().issuer_of_key,
        "n": URL_SAFE_NO_PAD.encode(&public.n), "e": URL_SAFE_NO_PAD.encode(&public.e),
    }] }))
}

fn invalid_grant(aadsts: u32) -> Response {
    let body = json!({ "error": "invalid_grant", "error_codes": [aadsts], "error_description": format!("AADSTS{aadsts}: no") });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// What makes a word unlike all others, so that a scan for its pieces finds nothing else.
fn noise(number: u32, kind: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{kind} {number}")))
}

const KID: &str = "stub-key";

struct StubKeys {
    issuer: Option<String>,
}

impl SigningKeys for StubKeys {
    fn find<'a>(&'a self, kid: &'a str) -> BoxFuture<'a, Result<Option<SigningKey>, KeysUnavailable>> {
        let public = PublicKeyComponents::<Vec<u8>>::from(key().public_key());
        let found = (kid == KID).then(|| SigningKey {
            key: DecodingKey::from_rsa_raw_components(&public.n, &public.e),
            issuer: self.issuer.clone(),
        });
        Box::pin(async move { Ok(found) })
    }
}

fn sign(claims: &Value) -> String {
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(key()).unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
    let header = Header { kid: Some(KID.to_owned()), ..Header::new(Algorithm::RS256) };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()).unwrap()
}

fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
}
