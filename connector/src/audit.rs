//! What is written down of each request? Who, which tenant, which tool, how it ended, which permission was missing, how
//! long it took. Never content, a query or a token.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// One line of the log.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// When the request came.
    pub time: Timestamp,
    /// What the request is called: the answer's `x-request-id`, and Graph's `client-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// What was asked for.
    pub event: EventKind,
    /// The tenant, if a token proved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The user within it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The host's organization, where the host writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The host's person: a name of the host, not of Microsoft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The client application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// `ok`, or the code of the refusal or the name of the broken token rule.
    pub outcome: String,
    /// The permission that was missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// Graph's request ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub graph_requests: Vec<String>,
    /// Milliseconds from request to answer.
    pub duration_ms: i64,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EventKind {
    /// A token was seen for the first time (`ok`), was refused, or its tenant kept out.
    Authentication,
    /// A tool was called.
    Tool,
    /// Something happened in the assistant's back end.
    #[serde(untagged)]
    Host(HostEvent),
}

/// What happened in the assistant's back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HostEvent {
    /// A browser was signed in to the host.
    SessionBegun,
    /// A browser was signed out.
    SessionEnded,
    /// Somebody began to connect a Microsoft account.
    ConnectStarted,
    /// A sign-in came back.
    ConnectFinished,
    /// Somebody disconnected.
    Disconnected,
    /// A token was renewed, or could not be.
    TokenRenewed,
    /// A connection ended without the person asking for it.
    ConnectionEnded,
    /// A person's tool call went to the server.
    ToolCalled,
    /// Somebody switched a tool on or off.
    ToolSwitched,
    /// An owner turned the connector on.
    ConnectorEnabled,
    /// An owner turned the connector off.
    ConnectorDisabled,
    /// An administrator's consent was begun.
    ConsentStarted,
    /// An administrator's consent came back.
    ConsentFinished,
    /// A chat was shared, or no longer.
    ChatShared,
}

impl AuditEvent {
    /// A line that says when, what and how it ended; the rest is added.
    pub fn new(time: Timestamp, event: EventKind, outcome: impl Into<String>) -> Self {
        Self {
            time,
            request_id: None,
            event,
            tenant: None,
            user: None,
            organization: None,
            person: None,
            client: None,
            tool: None,
            outcome: outcome.into(),
            permission: None,
            graph_requests: Vec::new(),
            duration_ms: 0,
        }
    }
}

/// Where the log goes.
pub trait AuditSink: Send + Sync {
    /// Writes one event. A log that fails does not stop the request; it says so itself.
    fn record(&self, event: &AuditEvent);
}

/// JSON lines at the end of a file.
pub struct AuditFile(Mutex<File>);

/// JSON lines on standard output.
pub struct AuditStdout;

impl AuditSink for AuditStdout {
    fn record(&self, event: &AuditEvent) {
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        if let Err(error) = io::stdout().lock().write_all(&line) {
            tracing::error!(%error, "the audit log cannot be written");
        }
    }
}

/// JSON lines in the program's own log, at level info.
pub struct AuditTrace;

impl AuditFile {
    /// Opens the file, made if it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)))
    }
}

impl AuditSink for AuditFile {
    fn record(&self, event: &AuditEvent) {
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
        if let Err(error) = written {
            tracing::error!(%error, "the audit log cannot be written");
        }
    }
}

impl AuditSink for AuditTrace {
    fn record(&self, event: &AuditEvent) {
        if let Ok(line) = serde_json::to_string(event) {
            tracing::info!(target: "audit", "{line}");
        }
    }
}
