//! The emulator's control plane, as the harness uses it: over its socket, as anybody would.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::client::chain;

/// A client of one lab.
#[derive(Debug, Clone)]
pub struct Lab {
    http: reqwest::Client,
    base: Url,
}

/// Why the lab could not do it. Always a failure of ours, never of the target.
#[derive(Debug, thiserror::Error)]
#[error("lab {what}: {why}")]
pub struct LabError {
    what: String,
    why: String,
}

impl LabError {
    pub(crate) fn new(what: &str, why: String) -> Self {
        Self { what: what.to_owned(), why }
    }
}

/// One raw exchange at the login or Graph host. Holds secrets until it is redacted.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upstream {
    /// Counts up.
    pub seq: u64,
    /// `login`, `graph` or `content`.
    pub host: String,
    /// Request method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Request headers in order.
    pub request_headers: Vec<(String, String)>,
    request_body: String,
    /// Status.
    pub status: u16,
    /// Answer headers in order.
    pub response_headers: Vec<(String, String)>,
    response_body: String,
}

impl Upstream {
    /// The bytes of the request.
    pub fn request(&self) -> Vec<u8> {
        STANDARD.decode(&self.request_body).unwrap_or_default()
    }

    /// The bytes of the answer.
    pub fn response(&self) -> Vec<u8> {
        STANDARD.decode(&self.response_body).unwrap_or_default()
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// A request header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request_headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The fields of a form-encoded request.
    pub fn form(&self) -> Vec<(String, String)> {
        serde_urlencoded::from_bytes(&self.request()).unwrap_or_default()
    }

    /// Whether this is a token request.
    pub fn is_token_request(&self) -> bool {
        self.host == "login" && self.method == "POST" && self.path().ends_with("/token")
    }

    /// A token request's field, if it is one.
    pub fn token_field(&self, name: &str) -> Option<String> {
        if !self.is_token_request() {
            return None;
        }
        self.form().into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// Whether this is an On-Behalf-Of request.
    pub fn is_exchange(&self) -> bool {
        self.token_field("requested_token_use").as_deref() == Some("on_behalf_of")
    }
}

#[derive(Deserialize)]
struct Exchanges {
    exchanges: Vec<Upstream>,
}

#[derive(Deserialize)]
struct Rows {
    rows: Vec<Value>,
}

impl Lab {
    /// A client of the lab at `base`.
    pub fn new(http: reqwest::Client, base: Url) -> Self {
        Self { http, base }
    }

    async fn get(&self, path: &str) -> Result<Value, LabError> {
        let url = self.url(path)?;
        Self::answer(path, self.http.get(url).send().await).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, LabError> {
        let url = self.url(path)?;
        Self::answer(path, self.http.post(url).json(body).send().await).await
    }

    fn url(&self, path: &str) -> Result<Url, LabError> {
        self.base.join(path).map_err(|error| LabError { what: path.to_owned(), why: error.to_string() })
    }

    async fn answer(what: &str, sent: Result<reqwest::Response, reqwest::Error>) -> Result<Value, LabError> {
        let failed = |why: String| LabError { what: what.to_owned(), why };
        let answer = sent.map_err(|error| failed(chain(&error)))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| failed(chain(&error)))?;
        if !status.is_success() {
            return Err(failed(format!("{status} {}", String::from_utf8_lossy(&body))));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| failed(error.to_string()))
    }

    fn typed<T: serde::de::DeserializeOwned>(what: &str, value: Value) -> Result<T, LabError> {
        serde_json::from_value(value).map_err(|error| LabError { what: what.to_owned(), why: error.to_string() })
    }

    /// Any control: a path of the lab and its body.
    pub async fn ask(&self, path: &str, body: &Value) -> Result<Value, LabError> {
        self.post(path, body).await
    }

    /// The world as files, and what of it does not come up again.
    pub async fn files(&self) -> Result<Value, LabError> {
        self.get("/lab/files").await
    }

    /// Puts the world back to its plan.
    pub async fn reset(&self) -> Result<(), LabError> {
        self.post("/lab/reset", &json!({})).await.map(drop)
    }

    /// Keeps raw exchanges from now on.
    pub async fn record(&self) -> Result<(), LabError> {
        self.post("/lab/recording", &json!({ "on": true })).await.map(drop)
    }

    /// Raw exchanges after `since`.
    pub async fn exchanges(&self, since: u64) -> Result<Vec<Upstream>, LabError> {
        let value = self.get(&format!("/lab/exchanges?since={since}")).await?;
        Self::typed::<Exchanges>("exchanges", value).map(|answer| answer.exchanges)
    }

    /// Audit rows after `since`, of every tenant.
    pub async fn audit(&self, since: u64) -> Result<Vec<Value>, LabError> {
        let value = self.get(&format!("/lab/audit?since={since}")).await?;
        Self::typed::<Rows>("audit", value).map(|answer| answer.rows)
    }

    /// Audit rows of one request, by its id or the caller's own.
    pub async fn audit_of(&self, request_id: &str) -> Result<Vec<Value>, LabError> {
        let id = percent_encoding::utf8_percent_encode(request_id, percent_encoding::NON_ALPHANUMERIC);
        let value = self.get(&format!("/lab/audit?requestId={id}")).await?;
        Self::typed::<Rows>("audit", value).map(|answer| answer.rows)
    }

    /// A hash over all content.
    pub async fn fingerprint(&self) -> Result<String, LabError> {
        let value = self.get("/lab/fingerprint").await?;
        value
            .get("fingerprint")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| LabError { what: "fingerprint".to_owned(), why: format!("no fingerprint in {value}") })
    }

    /// How often something was asked that the emulator does not model.
    pub async fn unmodelled(&self) -> Result<Vec<(String, u64)>, LabError> {
        let value = self.get("/lab/unmodelled").await?;
        let items = value.get("items").and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(items.into_iter().map(|(what, count)| (what, count.as_u64().unwrap_or(1))).collect())
    }

    /// What was answered by a stub, and how often.
    pub async fn stubbed(&self) -> Result<Vec<(String, u64)>, LabError> {
        let value = self.get("/lab/unmodelled").await?;
        let items = value.get("stubbed").and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(items.into_iter().map(|(what, count)| (what, count.as_u64().unwrap_or(1))).collect())
    }

    /// Whether a request waits at a fault.
    pub async fn somebody_waits(&self) -> Result<bool, LabError> {
        let value = self.get("/lab/faults").await?;
        let faults = value.get("faults").and_then(Value::as_array).into_iter().flatten();
        let mut waiting = faults.filter_map(|fault| fault.get("waiting").and_then(Value::as_u64));
        Ok(waiting.any(|waiting| waiting > 0))
    }

    /// The world's time.
    pub async fn now(&self) -> Result<Timestamp, LabError> {
        let value = self.get("/lab/clock").await?;
        let now = value.get("now").and_then(Value::as_str).unwrap_or_default();
        now.parse().map_err(|error| LabError { what: "clock".to_owned(), why: format!("{now:?}: {error}") })
    }

    /// Moves the world's clock.
    pub async fn advance(&self, by: SignedDuration) -> Result<(), LabError> {
        self.post("/lab/clock", &json!({ "advance": by.to_string() })).await.map(drop)
    }

    /// Grants delegated permissions to everybody of a tenant.
    pub async fn consent(&self, grant: &Grant<'_>) -> Result<(), LabError> {
        self.post("/lab/grants/consent", &grant.json()).await.map(drop)
    }

    /// Withdraws delegated permissions; `scopes` empty means the whole grant.
    pub async fn revoke(&self, grant: &Grant<'_>) -> Result<(), LabError> {
        self.post("/lab/grants/revoke", &grant.json()).await.map(drop)
    }

    /// Enables or disables an account.
    pub async fn enable(&self, tenant: &str, user: &str, enabled: bool) -> Result<(), LabError> {
        let body = json!({ "tenant": tenant, "user": user, "enabled": enabled });
        self.post("/lab/users/update", &body).await.map(drop)
    }

    /// Ends every session of a user.
    pub async fn revoke_sessions(&self, tenant: &str, user: &str) -> Result<(), LabError> {
        self.post("/lab/users/revoke-sessions", &json!({ "tenant": tenant, "user": user })).await.map(drop)
    }
}

/// A delegated permission grant, by registration names.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// Tenant name.
    pub tenant: &'a str,
    /// Client registration.
    pub client: &'a str,
    /// Resource registration.
    pub resource: &'a str,
    /// Scopes.
    pub scopes: &'a [&'a str],
}

impl Grant<'_> {
    fn json(&self) -> Value {
        let mut body = json!({ "tenant": self.tenant, "client": self.client, "resource": self.resource });
        if !self.scopes.is_empty()
            && let Some(body) = body.as_object_mut()
        {
            body.insert("scopes".to_owned(), json!(self.scopes));
        }
        body
    }
}
