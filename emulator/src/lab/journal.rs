//! What was asked: audit rows, counts, fingerprints, raw exchanges.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::directory::tenant;
use super::refusal::{LabError, Refusal};
use super::route::{Nothing, Route, get, post};
use crate::journal::{AuditRow, Exchange, SideEffect};
use crate::world::State;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/lab/audit", "Audit rows after since, oldest first", audit).refuses(&[Refusal::Missing]),
        get(
            "/lab/side-effects",
            "What requests to Graph changed, after since, oldest first. Reads leave no row",
            side_effects,
        ),
        get("/lab/fingerprint", "Hashes over the whole world, its content, its directories", fingerprint),
        get("/lab/unmodelled", "What was asked that is not modelled, and how often", unmodelled),
        post("/lab/recording", "Keeps raw exchanges of the login and Graph hosts, or stops and forgets them", record),
        get("/lab/exchanges", "Raw exchanges after since. They hold secrets", exchanges),
    ]
}

/// `?since=17&tenant=contoso`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AuditQuery {
    /// Only rows with a greater `seq`.
    #[serde(default)]
    since: u64,
    /// Only rows of this tenant: name, domain or id.
    #[serde(default)]
    tenant: Option<String>,
    /// Only rows with this `request-id` or `client-request-id`.
    #[serde(default)]
    request_id: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Audit {
    rows: Vec<AuditRow>,
}

async fn audit(state: Arc<State>, asked: AuditQuery) -> Result<Audit, LabError> {
    let of = asked.tenant.map(|name| tenant(&state.world(), &name).map(|tenant| tenant.id)).transpose()?;
    let mut rows = state.journal.audit_since(asked.since);
    if of.is_some() {
        rows.retain(|row| row.tenant == of);
    }
    if let Some(id) = asked.request_id {
        rows.retain(|row| row.request_id.eq_ignore_ascii_case(&id) || row.client_request_id.as_ref() == Some(&id));
    }
    Ok(Audit { rows })
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SideEffects {
    side_effects: Vec<SideEffect>,
}

async fn side_effects(state: Arc<State>, asked: ExchangesQuery) -> Result<SideEffects, LabError> {
    Ok(SideEffects { side_effects: state.journal.side_effects_since(asked.since) })
}

/// SHA-256, lower-case hexadecimal.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the wire's names")]
struct Fingerprint {
    /// Over both.
    fingerprint: String,
    /// What users own.
    content: String,
    /// Directories and registrations.
    directory: String,
}

async fn fingerprint(state: Arc<State>, _: Nothing) -> Result<Fingerprint, LabError> {
    let world = state.world();
    let (content, directory) = (world.content_fingerprint(), world.directory_fingerprint());
    let both = Sha256::new().chain_update(content).chain_update(directory).finalize();
    Ok(Fingerprint { fingerprint: hex(&both), content: hex(&content), directory: hex(&directory) })
}

#[derive(Debug, Serialize, JsonSchema)]
struct Unmodelled {
    /// The sum of them.
    count: u64,
    /// What, and how often.
    items: BTreeMap<String, u64>,
    /// What was answered by a stub, and how often: not counted above, and no answer of ours either.
    stubbed: BTreeMap<String, u64>,
}

async fn unmodelled(state: Arc<State>, _: Nothing) -> Result<Unmodelled, LabError> {
    let items = state.journal.unmodelled_counts();
    Ok(Unmodelled { count: items.values().sum(), items, stubbed: state.journal.stubbed_counts() })
}

/// `{"on": true}`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Recording {
    /// Whether exchanges are kept from now on.
    on: bool,
}

async fn record(state: Arc<State>, recording: Recording) -> Result<Recording, LabError> {
    state.journal.record(recording.on);
    Ok(recording)
}

/// `?since=17`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExchangesQuery {
    /// Only exchanges with a greater `seq`.
    #[serde(default)]
    since: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Exchanges {
    exchanges: Vec<Explained>,
}

/// A raw exchange, and why it went so.
#[derive(Debug, Serialize, JsonSchema)]
struct Explained {
    #[serde(flatten)]
    exchange: Exchange,
    /// The audit rows of this exchange: what was asked, by whom, and why it was refused. A batch has one for each of its requests.
    audit: Vec<AuditRow>,
}

async fn exchanges(state: Arc<State>, asked: ExchangesQuery) -> Result<Exchanges, LabError> {
    let rows = state.journal.audit_since(0);
    let explained = |exchange: Exchange| {
        let id = exchange.request_id();
        let audit = rows.iter().filter(|row| id == Some(row.request_id.as_str())).cloned().collect();
        Explained { exchange, audit }
    };
    Ok(Exchanges { exchanges: state.journal.exchanges_since(asked.since).into_iter().map(explained).collect() })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
