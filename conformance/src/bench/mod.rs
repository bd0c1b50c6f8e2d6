//! The test bench of one check: a fresh world, the target, people who sign in for real, and the recorder. Everything goes by URL.

mod actor;
mod back_end;
mod device_code;
mod embedded;
mod expect;
mod impostor;
mod log;
mod own_login;
mod raw;
mod reply;
mod sign_in;
mod speech;
mod under_way;
mod way;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use connector::policy::discovery::DiscoveryPolicy;
use fixtures::Plan;
use fixtures::cast::{GRAPH, M365_SERVER};
use jiff::SignedDuration;
use serde::Serialize;
use url::Url;

pub use actor::{Actor, Call};
pub(crate) use back_end::token_of;
pub use back_end::{As, PERSONAL, Told};
pub use embedded::{Embedded, StandingClock, StartError};
pub use expect::Refusal;
pub use impostor::{CANARY, Says, Tried};
pub use log::Log;
pub use raw::{Host, Raw};
pub use reply::{Reply, Together};
pub use sign_in::{SignIn, Tokens};
pub use speech::Speech;
pub use way::Way;

use crate::check::{Feature, Finding};
use crate::client::{self, Via, chain};
use crate::lab::{Grant, Lab, LabError, Upstream};
use crate::recorder::{Hop, Recorder, StepKind};
use crate::scenario::template::Door;
use crate::target::Doors;

/// The header that says to a proxy which step a request belongs to, and for whom it is.
pub const MARK: &str = "x-offline365-step";

/// The seed if nobody says another.
const SEED: u64 = 365;

/// The bench of one check.
pub struct Bench {
    /// What the world was made from: who may read what.
    pub plan: Arc<Plan>,
    pub(crate) recorder: Recorder,
    lab: Lab,
    http: reqwest::Client,
    doors: Doors,
    clock: Option<Arc<StandingClock>>,
    seen: u64,
    sign_ins: u64,
    /// Tokens that the target gave out or takes, where it takes none of Entra's.
    its_own: BTreeSet<String>,
    calls: u64,
    measured: Vec<Measurement>,
    /// Who signs in at the moment.
    acting: String,
    /// The words of the content, ready to be looked for.
    words: OnceLock<Option<AhoCorasick>>,
    /// What the connector's OAuth client believes, where it can be asked to sign somebody in.
    discovery: Option<DiscoveryPolicy>,
    /// What the connector wrote down, where it can be read.
    log: Option<Arc<Log>>,
    /// What reached Entra and Graph while a call is under way.
    aside: Option<Vec<Upstream>>,
    /// Decides random choices.
    seed: u64,
    /// Whether requests say which step they belong to: where somebody looks on.
    marked: bool,
}

/// A time that a check measured, next to the bound that the target declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// What was measured, for example `revoking Mail.Read stops mail`.
    pub what: String,
    /// Virtual seconds.
    pub seconds: i64,
    /// What the target declares.
    pub declared_bound_seconds: i64,
}

impl Bench {
    /// A bench over doors that are open. `clock` is the target's, where it can be moved.
    pub(crate) async fn new(
        plan: Arc<Plan>,
        doors: Doors,
        clock: Option<Arc<StandingClock>>,
        log: Option<Arc<Log>>,
    ) -> Result<Self, LabError> {
        let http = client::build().map_err(|error| LabError::new("client", chain(&error)))?;
        let lab = Lab::new(http.clone(), doors.lab.clone());
        lab.record().await?;
        let mut recorder = Recorder::default();
        for (name, origin) in [("login", &doors.login), ("graph", &doors.graph), ("connector", &doors.mcp)] {
            recorder.name_origin(name, &Url::parse(&origin.origin().ascii_serialization()).unwrap_or(origin.clone()));
        }
        if let Some(host) = &doors.host {
            recorder.name_origin("host", host);
        }
        for registration in &plan.registrations {
            registration.secrets.iter().for_each(|secret| recorder.secret("client-secret", &secret.value));
        }
        for person in plan.tenants.iter().flat_map(|tenant| &tenant.people) {
            person.password.iter().for_each(|password| recorder.secret("password", password));
        }
        let (calls, measured, acting) = (0, Vec::new(), String::new());
        let (marked, words) = (false, OnceLock::new());
        Ok(Self {
            plan,
            recorder,
            lab,
            http,
            doors,
            clock,
            seen: 0,
            sign_ins: 0,
            its_own: BTreeSet::new(),
            calls,
            measured,
            acting,
            words,
            discovery: None,
            log,
            aside: None,
            marked,
            seed: SEED,
        })
    }

    /// Sends everything but controls of the world through a proxy, each request with its step and actor.
    pub(crate) fn via(&mut self, via: &Via) -> Result<(), String> {
        self.http = client::build_via(Some(via)).map_err(|error| chain(&error))?;
        self.marked = true;
        Ok(())
    }

    /// What a request says to whoever looks on.
    fn mark(&self, actor: &str) -> Option<http::HeaderValue> {
        let actor: String = actor.chars().filter(char::is_ascii_graphic).collect();
        http::HeaderValue::try_from(format!("{} {actor}", self.recorder.step_number())).ok().filter(|_| self.marked)
    }

    /// Takes another seed than the default.
    #[must_use]
    pub(crate) fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Lets the connector's OAuth client be tried.
    #[must_use]
    pub(crate) fn with_client(self, discovery: DiscoveryPolicy) -> Self {
        Self { discovery: Some(discovery), ..self }
    }

    /// What decides random choices.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where everything is.
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// The world's control plane.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The login host.
    pub fn login(&self) -> &Url {
        &self.doors.login
    }

    /// The address of a door of the world.
    pub fn door(&self, door: Door) -> &Url {
        match door {
            Door::Login => &self.doors.login,
            Door::Graph => &self.doors.graph,
            Door::Content => &self.doors.content,
            Door::Connector => &self.doors.mcp,
        }
    }

    /// How many calls the target has answered.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The times that were measured.
    pub fn measured(&self) -> &[Measurement] {
        &self.measured
    }

    /// How long after a revocation the target may go on, by its own declaration.
    pub fn bound(&self) -> SignedDuration {
        self.doors.obo_max_age
    }

    /// Keeps a measured time.
    pub fn measure(&mut self, what: &str, took: SignedDuration) {
        let declared_bound_seconds = self.bound().as_secs();
        self.measured.push(Measurement { what: what.to_owned(), seconds: took.as_secs(), declared_bound_seconds });
    }

    /// The canary of something of the fixtures.
    pub fn canary(&self, handle: &str) -> Result<String, Finding> {
        let canary = self.plan.mark(handle).map(|mark| mark.word.to_owned());
        canary.ok_or_else(|| Finding::Inconclusive(format!("{handle} has no canary in these fixtures")))
    }

    /// What must work, so that a refusal later means something: served, and the proof is in the answer.
    pub async fn control(&mut self, label: &str, call: Call, proof: &str) -> Result<Reply, Finding> {
        let reply = self.run(StepKind::Control, label, &call).await?;
        if reply.served() && reply.shows(proof) {
            self.recorder.control(true, &format!("{}; what proves it is in the answer", reply.summary()));
            return Ok(reply);
        }
        let why = if reply.served() { "the answer does not hold what it must".to_owned() } else { reply.summary() };
        self.recorder.control(false, &why);
        Err(Finding::Inconclusive(format!("control failed: {label}: {why}")))
    }

    /// What is tried. Any answer will do; none is inconclusive.
    pub async fn attempt(&mut self, label: &str, call: Call) -> Result<Reply, Finding> {
        self.run(StepKind::Attempt, label, &call).await
    }

    /// Calls that run side by side.
    pub async fn together(&mut self, label: &str, calls: Vec<Call>) -> Result<Together, Finding> {
        let actors: Vec<&str> = calls.iter().map(|call| call.actor.as_str()).collect();
        self.recorder.step(StepKind::Attempt, &actors.join(", "), label);
        calls.iter().try_for_each(|call| self.can_be_asked(call))?;
        let calls: Vec<Call> = calls.into_iter().map(|call| self.doors.tools.translated(call)).collect();
        let sent =
            calls.iter().map(|call| self.doors.speech.ask(&self.http, &self.doors.mcp, call, self.mark(&call.actor)));
        let mut replies = Vec::new();
        for (call, hop) in calls.iter().zip(futures_util::future::join_all(sent).await) {
            replies.push(self.keep(call, hop.map_err(|why| Finding::Inconclusive(format!("{label}: {why}")))?));
        }
        let upstream = self.drain().await?;
        for upstream in &upstream {
            self.recorder.upstream(upstream);
        }
        for (at, reply) in replies.iter().enumerate() {
            self.recorder.answered(replies.len() - 1 - at, reply.served(), reply.code(), None);
        }
        Ok(Together { replies, upstream })
    }

    async fn run(&mut self, kind: StepKind, label: &str, call: &Call) -> Result<Reply, Finding> {
        self.recorder.step(kind, &call.actor, label);
        self.can_be_asked(call)?;
        let call = self.doors.tools.translated(call.clone());
        let hop = self.doors.speech.ask(&self.http, &self.doors.mcp, &call, self.mark(&call.actor)).await;
        let hop = hop.map_err(|why| Finding::Inconclusive(format!("{label}: no answer: {why}")))?;
        let mut reply = self.keep(&call, hop);
        reply.upstream = self.drain().await?;
        reply.upstream.iter().for_each(|upstream| self.recorder.upstream(upstream));
        self.recorder.answered(0, reply.served(), reply.code(), reply.refused_by());
        Ok(reply)
    }

    fn keep(&mut self, call: &Call, hop: Hop) -> Reply {
        self.calls += 1;
        let reply = Reply::new(&call.actor, hop.status, hop.response_headers.clone(), hop.response.clone());
        self.recorder.hop(Hop { actor: call.actor.clone(), ..hop });
        reply.shaped(call.shape.clone())
    }

    /// One exchange of the harness with the issuer.
    async fn exchange(&mut self, to: &str, request: reqwest::RequestBuilder) -> Result<Hop, String> {
        let request = request.build().map_err(|error| chain(&error))?;
        let hop = execute(&self.http, to, request, self.mark(&self.acting)).await?;
        self.recorder.hop(Hop { actor: self.acting.clone(), ..hop.clone() });
        Ok(hop)
    }

    /// What reached Entra and Graph since the last look.
    async fn drain(&mut self) -> Result<Vec<Upstream>, Finding> {
        let fresh = self.lab.exchanges(self.seen).await.map_err(ours)?;
        self.seen = fresh.iter().map(|upstream| upstream.seq).max().unwrap_or(self.seen);
        if let Some(aside) = &mut self.aside {
            aside.extend(fresh.iter().cloned());
        }
        Ok(fresh)
    }

    /// Refuses to go on without a feature of the target.
    pub fn needs(&self, feature: Feature) -> Result<(), Finding> {
        if self.doors.features.contains(&feature) { Ok(()) } else { Err(Finding::NotApplicable(feature)) }
    }

    /// Refuses what no target of this shape can be given: a forged token where none of Entra's is taken, a header where there is no HTTP, a tool
    /// or an argument that it does not have.
    fn can_be_asked(&self, call: &Call) -> Result<(), Finding> {
        if call.tool().is_some_and(|(tool, _)| self.doors.missing_tools.contains(tool)) {
            return Err(Finding::NotApplicable(Feature::Tool));
        }
        if self.doors.tools.untold(call).is_some() {
            return Err(Finding::NotApplicable(Feature::Argument));
        }
        if call.needs_an_endpoint() {
            self.needs(Feature::Endpoint)?;
        }
        if call.is_raw() {
            self.needs(Feature::Stateless)?;
        }
        if call.token.as_ref().is_some_and(|token| !self.its_own.contains(token)) {
            self.needs(Feature::EntraTokens)?;
        }
        Ok(())
    }

    /// Moves the world's time and the target's together.
    pub async fn advance(&mut self, by: SignedDuration) -> Result<(), Finding> {
        let clock = self.clock.clone().ok_or(Finding::NotApplicable(Feature::ClockControl))?;
        self.recorder.step(StepKind::Prepare, "lab", &format!("{} s pass", by.as_secs()));
        self.lab.advance(by).await.map_err(ours)?;
        clock.advance(by);
        self.recorder.passed(by);
        Ok(())
    }

    /// An administrator withdraws Graph permissions of the connector; the tenant's other grants stay.
    pub async fn revoke(&mut self, tenant: &str, scopes: &[&str]) -> Result<(), Finding> {
        let what = if scopes.is_empty() { "everything".to_owned() } else { scopes.join(" ") };
        let label = format!("revokes {what} for {tenant}");
        self.recorder.step(StepKind::Prepare, &format!("admin@{tenant}"), &label);
        let grant = Grant { tenant, client: M365_SERVER, resource: GRAPH, scopes };
        self.lab.revoke(&grant).await.map_err(ours)
    }

    /// An administrator consents to Graph permissions of the connector.
    pub async fn consent(&mut self, tenant: &str, scopes: &[&str]) -> Result<(), Finding> {
        let label = format!("consents to {} for {tenant}", scopes.join(" "));
        self.recorder.step(StepKind::Prepare, &format!("admin@{tenant}"), &label);
        let grant = Grant { tenant, client: M365_SERVER, resource: GRAPH, scopes };
        self.lab.consent(&grant).await.map_err(ours)
    }

    /// An administrator disables or enables an account.
    pub async fn enable(&mut self, tenant: &str, user: &str, enabled: bool) -> Result<(), Finding> {
        let label = format!("{} {user}", if enabled { "enables" } else { "disables" });
        self.recorder.step(StepKind::Prepare, &format!("admin@{tenant}"), &label);
        self.lab.enable(tenant, user, enabled).await.map_err(ours)
    }

    /// The hash over the world's content.
    pub async fn fingerprint(&self) -> Result<String, Finding> {
        self.lab.fingerprint().await.map_err(ours)
    }

    /// Tells the recorder about a forged token before it is sent.
    pub fn forged(&mut self, what: &str, forged: &crate::forge::Forged) {
        self.recorder.forged(what, &forged.token, forged.changes.clone(), &forged.genuine);
    }

    /// Looks a message up by search, as its reader would: the address under which it is read.
    pub async fn uri_of(&mut self, reader: &Actor, handle: &str, query: &str) -> Result<String, Finding> {
        let canary = self.canary(handle)?;
        let label = format!("{} finds {handle}", reader.name);
        let reply = self.control(&label, reader.search(query), &canary).await?;
        reply.uri_with(&canary).ok_or_else(|| Finding::Inconclusive(format!("{label}: the hit has no uri")))
    }
}

/// What an error page of Entra says: its number, as far as there is one.
fn page(answer: &Hop) -> String {
    let text = String::from_utf8_lossy(&answer.response);
    let number =
        text.split_once("AADSTS").map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    number.map_or_else(|| format!("no redirect, HTTP {}", answer.status), |number| format!("AADSTS{number}"))
}

/// A failure of ours, as a finding: red, never the target's fault.
fn ours(error: LabError) -> Finding {
    Finding::Inconclusive(format!("failure of ours: {error}"))
}

/// Sends a request and keeps the exchange. `mark` goes along and is no part of it: nothing that is tested may hang on it.
async fn execute(
    http: &reqwest::Client,
    to: &str,
    mut request: reqwest::Request,
    mark: Option<http::HeaderValue>,
) -> Result<Hop, String> {
    let headers = |map: &http::HeaderMap| -> Vec<(String, String)> {
        map.iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect()
    };
    let mut hop = Hop {
        from: "harness",
        actor: String::new(),
        to: to.to_owned(),
        method: request.method().to_string(),
        url: request.url().to_string(),
        request_headers: headers(request.headers()),
        request: request.body().and_then(|body| body.as_bytes()).unwrap_or_default().to_vec(),
        status: 0,
        response_headers: Vec::new(),
        response: Vec::new(),
    };
    if let Some(mark) = mark {
        request.headers_mut().insert(MARK, mark);
    }
    let answer = http.execute(request).await.map_err(|error| chain(&error))?;
    hop.status = answer.status().as_u16();
    // How the last leg is kept open says nothing about who answered (RFC 9110, 7.6.1).
    hop.response_headers = headers(answer.headers());
    hop.response_headers.retain(|(name, _)| name != "connection" && name != "keep-alive");
    hop.response = answer.bytes().await.map_err(|error| chain(&error))?.to_vec();
    Ok(hop)
}
