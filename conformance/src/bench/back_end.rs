//! The assistant's back end in front of the connector, as its people reach it: programs with API tokens, browsers with cookies.

use std::time::Duration;

use connector::host::{HostConfig, IdentityConfig, OrganizationConfig, VaultKey};
use fixtures::Plan;
use fixtures::cast::{ADMIN_CONTOSO, CONTOSO, FABRIKAM, M365_CLIENT};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use super::{Bench, execute};
use crate::check::{Feature, Finding};
use crate::client::chain;
use crate::lab::Upstream;
use crate::recorder::{Hop, StepKind};

/// A person of the host who belongs to no organization.
pub const PERSONAL: &str = "pat@nowhere";

/// How long a stream is listened to after its last word.
const MOMENT: Duration = Duration::from_millis(150);

/// What the back end answered.
#[derive(Debug, Clone)]
pub struct Told {
    /// HTTP status.
    pub status: u16,
    /// The whole answer.
    pub text: String,
    /// The same as JSON; null where it is none.
    pub body: Value,
    /// The cookie that was set, name and value.
    pub cookie: Option<String>,
    /// What was said beside it: who may read it, where it travels.
    pub cookie_attributes: String,
    /// What went to Entra and Graph meanwhile.
    pub upstream: Vec<Upstream>,
    location: Option<String>,
}

/// How a request says who it is from.
#[derive(Debug, Clone, Copy)]
pub enum As<'a> {
    /// A person's API token.
    Token(&'a str),
    /// A browser's cookie, and further headers.
    Browser(&'a str, &'a [(&'a str, &'a str)]),
}

impl Told {
    /// `200`, or the status and the code of the refusal.
    pub fn summary(&self) -> String {
        match self.body.pointer("/error/code").and_then(Value::as_str) {
            Some(code) => format!("HTTP {} {code}", self.status),
            None => format!("HTTP {}", self.status),
        }
    }

    /// A text member by JSON pointer.
    pub fn word(&self, pointer: &str) -> Result<String, Finding> {
        let word = self.body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        word.ok_or_else(|| Finding::Inconclusive(format!("no {pointer} in {}", self.summary())))
    }
}

/// Contoso, which its administrator owns, and Fabrikam, both with the connector on; one person of neither.
pub(super) fn config(plan: &Plan) -> Result<(HostConfig, TempDir), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let key = VaultKey::generate().map_err(|error| error.to_string())?;
    let client = plan.registration(M365_CLIENT).ok_or("no client registration")?;
    let mut config = HostConfig::new(client.app_id.to_string(), folder.path().join("host"), &key)
        .with_user(PERSONAL, &token_of(PERSONAL));
    config.identity = IdentityConfig::Pick;
    for tenant in plan.tenants.iter().filter(|tenant| [CONTOSO, FABRIKAM].contains(&tenant.name.as_str())) {
        let mut organization =
            OrganizationConfig { enabled: true, tenants: vec![tenant.id.to_string()], ..OrganizationConfig::default() };
        for person in &tenant.people {
            let name = person.reference(tenant);
            config = config.with_user(&name, &token_of(&name));
            let list = if name == ADMIN_CONTOSO { &mut organization.owners } else { &mut organization.members };
            list.push(name.as_str().into());
        }
        config = config.with_organization(&tenant.name, organization);
    }
    Ok((config, folder))
}

/// The API token of a person of the host: a constant, which the bench's own host alone knows.
pub(crate) fn token_of(person: &str) -> String {
    format!("test bench token of {person}, which protects nothing")
}

impl Bench {
    /// Asks the back end.
    pub async fn ask(
        &mut self,
        label: &str,
        who: As<'_>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Told, Finding> {
        let host = self.doors.host.clone().ok_or(Finding::NotApplicable(Feature::Host))?;
        let actor = match who {
            As::Token(person) => person,
            As::Browser(..) => "a browser",
        };
        // What stands behind the path may be a code that is good for one use.
        let bare = path.split('?').next().unwrap_or(path);
        self.recorder.step(StepKind::Attempt, actor, &format!("{label}: {method} {bare}"));
        self.calls += 1;
        let failed = |why: String| Finding::Inconclusive(format!("{label}: no answer: {why}"));
        let url = host.join(path).map_err(|error| failed(error.to_string()))?;
        let method = http::Method::from_bytes(method.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let mut request = self.http.request(method, url).header("accept", "application/json");
        request = match who {
            As::Token(person) => request.bearer_auth(token_of(person)),
            As::Browser(cookie, headers) => headers
                .iter()
                .fold(request.header("cookie", cookie), |request, (name, value)| request.header(*name, *value)),
        };
        if let Some(body) = body {
            request = request.json(&body);
        }
        let request = request.build().map_err(|error| failed(chain(&error)))?;
        let hop = execute(&self.http, "host", request, self.mark(actor)).await.map_err(failed)?;
        let mut told = Told::of(&hop);
        self.recorder.hop(Hop { actor: actor.to_owned(), ..hop });
        told.upstream = self.drain().await?;
        told.upstream.iter().for_each(|upstream| self.recorder.upstream(upstream));
        let code = told.body.pointer("/error/code").and_then(Value::as_str).map(str::to_owned);
        self.recorder.answered(0, told.status < 400, code, None);
        Ok(told)
    }

    /// The same browser asks for one address several times at once: the statuses, and what went to Entra and Graph meanwhile.
    pub async fn at_once(
        &mut self,
        label: &str,
        cookie: &str,
        path: &str,
        times: usize,
    ) -> Result<(Vec<u16>, Vec<Upstream>), Finding> {
        let host = self.doors.host.clone().ok_or(Finding::NotApplicable(Feature::Host))?;
        let bare = path.split('?').next().unwrap_or(path);
        self.recorder.step(StepKind::Attempt, "a browser", &format!("{label}: {times} times GET {bare}"));
        let failed = |why: String| Finding::Inconclusive(format!("{label}: no answer: {why}"));
        let url = host.join(path).map_err(|error| failed(error.to_string()))?;
        let mut under_way = tokio::task::JoinSet::new();
        for _ in 0..times {
            self.calls += 1;
            let request = self.http.get(url.clone()).header("accept", "application/json").header("cookie", cookie);
            under_way.spawn(request.send());
        }
        let mut statuses = Vec::new();
        while let Some(answer) = under_way.join_next().await {
            let answer = answer.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(chain(&error)))?;
            statuses.push(answer.status().as_u16());
        }
        statuses.sort_unstable();
        let upstream = self.drain().await?;
        for upstream in &upstream {
            self.recorder.upstream(upstream);
        }
        Ok((statuses, upstream))
    }

    /// The same, and it must be served.
    pub async fn served(
        &mut self,
        label: &str,
        who: As<'_>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Told, Finding> {
        let told = self.ask(label, who, method, path, body).await?;
        if told.status == 200 {
            return Ok(told);
        }
        Err(Finding::Inconclusive(format!("control failed: {label}: {}", told.summary())))
    }

    /// `person` of the host begins to connect: the browser's cookie, and where the issuer sends it after `account` signed in.
    pub async fn sign_in_to_connect(&mut self, person: &str, account: &str) -> Result<(String, String), Finding> {
        let (tenant, who) =
            self.plan.person(account).ok_or_else(|| Finding::Inconclusive(format!("nobody is called {account}")))?;
        let hint = json!({ "loginHint": who.upn(tenant) });
        let started = self.served("starts to connect", As::Token(person), "POST", "/api/connect", Some(hint)).await?;
        let url = started.word("/authorizationUrl")?;
        let cookie = started.cookie.ok_or_else(|| Finding::Inconclusive("no cookie was set".to_owned()))?;
        account.clone_into(&mut self.acting);
        let answer = self.exchange("login", self.http.get(url)).await.map_err(Finding::Inconclusive)?;
        let answer = Told::of(&answer);
        self.drain().await?;
        let location = answer.location.ok_or_else(|| {
            Finding::Inconclusive(format!("{account} cannot sign in: HTTP {} and no redirect", answer.status))
        })?;
        let back = Url::parse(&location).map_err(|error| Finding::Inconclusive(error.to_string()))?;
        Ok((cookie, format!("{}?{}", back.path(), back.query().unwrap_or_default())))
    }

    /// `person` of the host connects `account`; what the back end says at the end.
    pub async fn connect(&mut self, person: &str, account: &str) -> Result<Told, Finding> {
        let (cookie, back) = self.sign_in_to_connect(person, account).await?;
        self.ask("comes back from the sign-in", As::Browser(&cookie, &[]), "GET", &back, None).await
    }

    /// The same with the person's own account, which must work.
    pub async fn connected(&mut self, person: &str) -> Result<(), Finding> {
        let told = self.connect(person, person).await?;
        if told.status == 200 {
            return Ok(());
        }
        Err(Finding::Inconclusive(format!("control failed: {person} connects: {}", told.summary())))
    }

    /// What an event stream says to this person at once: it is listened to for a moment.
    pub async fn overheard(&mut self, label: &str, person: &str, path: &str) -> Result<Told, Finding> {
        let host = self.doors.host.clone().ok_or(Finding::NotApplicable(Feature::Host))?;
        self.recorder.step(StepKind::Attempt, person, &format!("{label}: GET {path}"));
        self.calls += 1;
        let failed = |why: String| Finding::Inconclusive(format!("{label}: no answer: {why}"));
        let url = host.join(path).map_err(|error| failed(error.to_string()))?;
        let request = self.http.get(url.clone()).header("accept", "text/event-stream").bearer_auth(token_of(person));
        let mut answer = request.send().await.map_err(|error| failed(chain(&error)))?;
        let status = answer.status().as_u16();
        let mut response = Vec::new();
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(MOMENT, answer.chunk()).await {
            response.extend_from_slice(&chunk);
        }
        let hop = Hop {
            from: "harness",
            actor: person.to_owned(),
            to: "host".to_owned(),
            method: "GET".to_owned(),
            url: url.to_string(),
            request_headers: vec![("accept".to_owned(), "text/event-stream".to_owned())],
            request: Vec::new(),
            status,
            response_headers: Vec::new(),
            response,
        };
        let told = Told::of(&hop);
        self.recorder.hop(hop);
        self.drain().await?;
        let code = told.body.pointer("/error/code").and_then(Value::as_str).map(str::to_owned);
        self.recorder.answered(0, status < 400, code, None);
        Ok(told)
    }

    /// It was refused with this code.
    pub fn expect_told(&mut self, claim: &str, told: &Told, code: &str) -> Result<(), Finding> {
        let held = told.body.pointer("/error/code").and_then(Value::as_str) == Some(code);
        self.expect(claim, code, &told.summary(), held)
    }
}

impl Told {
    fn of(hop: &Hop) -> Self {
        let header = |name: &str| hop.response_headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let (cookie, attributes) = match header("set-cookie") {
            Some(set) => {
                let (cookie, attributes) = set.split_once(';').unwrap_or((set, ""));
                (Some(cookie.to_owned()), attributes.to_owned())
            }
            None => (None, String::new()),
        };
        let text = String::from_utf8_lossy(&hop.response).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        let location = header("location").map(str::to_owned);
        Self { status: hop.status, text, body, cookie, cookie_attributes: attributes, upstream: Vec::new(), location }
    }
}
