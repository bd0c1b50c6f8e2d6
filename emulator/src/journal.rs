//! What was asked, by whom, with what result: audit rows, unmodelled requests, raw exchanges.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use fixtures::ids::{AppId, TenantId, UserId};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// One row of a tenant's audit log: one Graph call, or one token request.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Rows count up from 1; a gap means a row of another tenant.
    pub seq: u64,
    /// When the request was answered.
    pub time: Timestamp,
    /// `sign-in`, `token`, `graph-read`, `graph-write`, `graph-stub`, `consent`, `lab`.
    pub kind: &'static str,
    /// Tenant; `None` when the request never got that far.
    #[schemars(with = "Option<Uuid>")]
    pub tenant: Option<TenantId>,
    /// User object id.
    #[schemars(with = "Option<Uuid>")]
    pub user: Option<UserId>,
    /// Client application id.
    #[schemars(with = "Option<Uuid>")]
    pub client: Option<AppId>,
    /// Operation, for example `GET /me/messages/{id}` or `on_behalf_of`.
    pub operation: String,
    /// The resource addressed: the path without its query.
    pub resource: String,
    /// Delegated scopes of the token.
    pub scopes: Vec<String>,
    /// HTTP status.
    pub status: u16,
    /// Error code in the service's own vocabulary (`ErrorAccessDenied`, `AADSTS65001`), if refused.
    pub error: Option<String>,
    /// Why, for people. Of a refusal the permission row, the scope missing, the access rule; of a token that was issued what was
    /// presented, how the client proved itself, and the grants and policies the decision rests on. Never content.
    pub reason: Option<String>,
    /// `request-id` / trace id of the answer.
    pub request_id: String,
    /// What the caller sent as `client-request-id`.
    pub client_request_id: Option<String>,
}

/// One raw HTTP exchange at the login or Graph host, kept only while recording is on. Holds secrets: it leaves through the lab
/// alone, and whoever writes it anywhere redacts first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// Counts up from 1 over both hosts.
    pub seq: u64,
    /// When the answer was complete.
    pub time: Timestamp,
    /// `login`, `graph` or `content`.
    pub host: &'static str,
    /// Request method.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Request headers in order.
    pub request_headers: Vec<(String, String)>,
    /// Request body, base64.
    pub request_body: String,
    /// Status.
    pub status: u16,
    /// Answer headers in order.
    pub response_headers: Vec<(String, String)>,
    /// Answer body, base64.
    pub response_body: String,
}

impl Exchange {
    /// `request-id` of Graph's answers, `x-ms-request-id` of the login host's: what the audit row has too.
    pub fn request_id(&self) -> Option<&str> {
        let is_id = |name: &str| ["request-id", "x-ms-request-id"].contains(&name);
        self.response_headers.iter().find(|(name, _)| is_id(name)).map(|(_, value)| value.as_str())
    }
}

/// One change that a request made. Reads leave none, refused writes neither.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SideEffect {
    /// Rows count up from 1.
    pub seq: u64,
    /// When.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// Tenant of whoever asked.
    #[schemars(with = "uuid::Uuid")]
    pub tenant: TenantId,
    /// User object id of whoever asked.
    #[schemars(with = "uuid::Uuid")]
    pub user: UserId,
    /// Client application id.
    #[schemars(with = "uuid::Uuid")]
    pub client: AppId,
    /// Operation, for example `PATCH /me/messages/{id}`.
    pub operation: String,
    /// The resource addressed: the path without its query.
    pub resource: String,
    /// `request-id` of the answer: the audit row's.
    pub request_id: String,
}

/// What one tenant's administrators may see of the journal.
#[derive(Debug, Clone, Copy)]
pub struct TenantAudit<'a> {
    journal: &'a Journal,
    tenant: TenantId,
}

impl TenantAudit<'_> {
    /// Rows of the tenant, newest first.
    pub fn newest_first(&self) -> Vec<AuditRow> {
        let inner = self.journal.inner();
        inner.audit.iter().rev().filter(|row| row.tenant == Some(self.tenant)).cloned().collect()
    }
}

/// The journal of a running emulator.
#[derive(Debug, Default)]
pub struct Journal {
    inner: Mutex<Inner>,
    /// How long rows are kept; `None` = as long as the emulator runs.
    retention: Option<SignedDuration>,
}

#[derive(Debug, Default)]
struct Inner {
    audit: VecDeque<AuditRow>,
    side_effects: Vec<SideEffect>,
    exchanges: Vec<Exchange>,
    recording: bool,
    unmodelled: BTreeMap<String, u64>,
    stubbed: BTreeMap<String, u64>,
    seq: u64,
}

impl Journal {
    /// A journal that forgets rows when they are this old.
    pub fn keeping(retention: Option<SignedDuration>) -> Self {
        Self { inner: Mutex::default(), retention }
    }

    /// One tenant's part of it.
    pub const fn of(&self, tenant: TenantId) -> TenantAudit<'_> {
        TenantAudit { journal: self, tenant }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes an audit row; its `seq` is set here.
    pub fn audit(&self, mut row: AuditRow) {
        let mut inner = self.inner();
        inner.seq += 1;
        row.seq = inner.seq;
        if let Some(oldest) = self.retention.and_then(|kept| row.time.checked_sub(kept).ok()) {
            while inner.audit.front().is_some_and(|row| row.time < oldest) {
                inner.audit.pop_front();
            }
        }
        inner.audit.push_back(row);
    }

    /// Writes down a change that was made; its `seq` is set here.
    pub fn side_effect(&self, mut effect: SideEffect) {
        let mut inner = self.inner();
        effect.seq = inner.side_effects.last().map_or(1, |last| last.seq + 1);
        inner.side_effects.push(effect);
    }

    /// Changes after `since`, oldest first.
    pub fn side_effects_since(&self, since: u64) -> Vec<SideEffect> {
        self.inner().side_effects.iter().filter(|effect| effect.seq > since).cloned().collect()
    }

    /// Rows after `since`, oldest first.
    pub fn audit_since(&self, since: u64) -> Vec<AuditRow> {
        let inner = self.inner();
        let start = inner.audit.partition_point(|row| row.seq <= since);
        inner.audit.iter().skip(start).cloned().collect()
    }

    /// Counts something the emulator does not model and therefore refused: an option, path, scope or word.
    pub fn unmodelled(&self, what: String) {
        *self.inner().unmodelled.entry(what).or_default() += 1;
    }

    /// Counts an answer that was given by a stub.
    pub fn stubbed(&self, what: String) {
        *self.inner().stubbed.entry(what).or_default() += 1;
    }

    /// What was answered by a stub, and how often.
    pub fn stubbed_counts(&self) -> BTreeMap<String, u64> {
        self.inner().stubbed.clone()
    }

    /// What was not modelled, and how often it was asked.
    pub fn unmodelled_counts(&self) -> BTreeMap<String, u64> {
        self.inner().unmodelled.clone()
    }

    /// Turns the recording of raw exchanges on or off; off drops what was kept.
    pub fn record(&self, on: bool) {
        let mut inner = self.inner();
        inner.recording = on;
        if !on {
            inner.exchanges.clear();
        }
    }

    /// Whether raw exchanges are kept.
    pub fn is_recording(&self) -> bool {
        self.inner().recording
    }

    /// Keeps a raw exchange if recording is on; its `seq` is set here.
    pub fn exchange(&self, mut exchange: Exchange) {
        let mut inner = self.inner();
        if inner.recording {
            exchange.seq = inner.exchanges.last().map_or(1, |last| last.seq + 1);
            inner.exchanges.push(exchange);
        }
    }

    /// Raw exchanges after `since`, oldest first.
    pub fn exchanges_since(&self, since: u64) -> Vec<Exchange> {
        self.inner().exchanges.iter().filter(|exchange| exchange.seq > since).cloned().collect()
    }

    /// Forgets everything but whether recording is on.
    pub fn clear(&self) {
        let mut inner = self.inner();
        let recording = inner.recording;
        *inner = Inner { recording, ..Inner::default() };
    }
}
