//! How is a connector elsewhere started? By its own command, in a process group of its own that ends with us, its output kept.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fixtures::Plan;
use fixtures::cast::{M365_CLIENT, M365_SERVER};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Doors;

/// How long the group may take to end after TERM.
const GRACE: Duration = Duration::from_secs(3);

/// So much of its output is kept: the end of it.
const KEPT_LINES: usize = 2_000;

/// The table `[start]` of a profile. In command and environment `{login}`, `{graph}`, `{content}`, `{port}`, `{client_id}`, `{client_secret}`,
/// `{app_id_uri}`, `{allowed_client}` and `{tenants}` (ids, comma-separated, quoted) stand for what the world has; over stdio also `{token}`, the
/// token of whoever is served, and `{state}`, an empty folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Environment, in addition to ours.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// How long it may take until it answers.
    #[serde(default = "half_a_minute")]
    pub ready_seconds: u64,
    /// How long all checks together may take.
    #[serde(default = "half_an_hour")]
    pub total_seconds: u64,
}

fn half_a_minute() -> u64 {
    30
}

fn half_an_hour() -> u64 {
    1_800
}

/// A connector that was started. Dropped, its whole group is killed.
pub struct Process {
    child: Child,
    group: Option<Pid>,
    said: Said,
}

/// What programs wrote: the end of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Said(Arc<Mutex<Vec<String>>>);

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("id", &self.child.id()).finish_non_exhaustive()
    }
}

/// Why a connector could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartFailed {
    /// The command is empty.
    #[error("start.command is empty")]
    NoCommand,
    /// The command cannot be run.
    #[error("{command}: {source}")]
    Spawn {
        /// The program.
        command: String,
        /// Why.
        source: std::io::Error,
    },
    /// It ended before it answered.
    #[error("it ended ({status}) before it answered; it said: {said}")]
    Ended {
        /// How it ended.
        status: String,
        /// The end of its output.
        said: String,
    },
    /// It did not answer in time.
    #[error("nothing answered at {mcp} within {seconds} s (start.ready_seconds); it said: {said}")]
    Silent {
        /// Where it was expected.
        mcp: String,
        /// How long was waited.
        seconds: u64,
        /// The end of its output.
        said: String,
    },
}

impl Process {
    /// Starts it and waits until somebody answers at its endpoint.
    pub async fn start(start: &Start, plan: &Plan, doors: &Doors) -> Result<Self, StartFailed> {
        let said = Said::default();
        let mut process = Self::spawn(start, &facts(plan, doors), Stdio::null(), said.clone())?;
        if let Some(out) = process.child.stdout.take() {
            said.keep(out);
        }
        process.ready(start, doors).await?;
        Ok(process)
    }

    /// Starts it. What it writes to standard error is kept; its standard output is the caller's.
    pub(super) fn spawn(
        start: &Start,
        facts: &[(&str, String)],
        stdin: Stdio,
        said: Said,
    ) -> Result<Self, StartFailed> {
        let mut words = start.command.iter().map(|word| filled(word, facts));
        let program = words.next().ok_or(StartFailed::NoCommand)?;
        let mut child = Command::new(&program)
            .args(words)
            .envs(start.env.iter().map(|(name, value)| (name, filled(value, facts))))
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|source| StartFailed::Spawn { command: program, source })?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(err) = child.stderr.take() {
            said.keep(err);
        }
        Ok(Self { child, group, said })
    }

    /// Its standard streams, once.
    pub(super) fn streams(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        Some((self.child.stdin.take()?, self.child.stdout.take()?))
    }

    async fn ready(&mut self, start: &Start, doors: &Doors) -> Result<(), StartFailed> {
        let (host, port) = (doors.mcp.host_str().unwrap_or_default(), doors.mcp.port_or_known_default().unwrap_or(80));
        let limit = tokio::time::sleep(Duration::from_secs(start.ready_seconds));
        tokio::pin!(limit);
        loop {
            tokio::select! {
                status = self.child.wait() => {
                    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    return Err(StartFailed::Ended { status, said: self.said() });
                }
                () = &mut limit => {
                    let (mcp, seconds) = (doors.mcp.to_string(), start.ready_seconds);
                    return Err(StartFailed::Silent { mcp, seconds, said: self.said() });
                }
                () = tokio::time::sleep(Duration::from_millis(50)) => {
                    if tokio::net::TcpStream::connect((host, port)).await.is_ok() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The end of what it wrote.
    pub fn said(&self) -> String {
        self.said.end()
    }

    /// Ends the group: TERM, a while to comply, KILL.
    pub async fn end(mut self) {
        let Some(group) = self.group else { return };
        let _ = kill_process_group(group, Signal::TERM);
        let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Whatever of it is left; gone already is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Said {
    /// The end of it.
    pub(super) fn end(&self) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.iter().rev().take(20).rev().cloned().collect::<Vec<_>>().join("\n")
    }

    /// One line more.
    pub(super) fn line(&self, line: &str) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.push(line.chars().take(2_000).collect());
        if said.len() > KEPT_LINES {
            said.remove(0);
        }
    }

    fn keep(&self, stream: impl AsyncRead + Unpin + Send + 'static) {
        let said = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                said.line(&line);
            }
        });
    }
}

/// What stands in the place of names in braces.
pub(super) fn facts(plan: &Plan, doors: &Doors) -> Vec<(&'static str, String)> {
    let server = plan.registration(M365_SERVER);
    let client = plan.registration(M365_CLIENT).map(|client| client.app_id.to_string());
    let tenants: Vec<String> = plan.tenants.iter().map(|tenant| format!("\"{}\"", tenant.id)).collect();
    let address = |url: &url::Url| url.as_str().trim_end_matches('/').to_owned();
    vec![
        ("{login}", address(&doors.login)),
        ("{graph}", address(&doors.graph)),
        ("{content}", address(&doors.content)),
        ("{port}", doors.mcp.port_or_known_default().unwrap_or(80).to_string()),
        ("{client_id}", server.map(|server| server.app_id.to_string()).unwrap_or_default()),
        ("{client_secret}", server.and_then(|server| Some(server.secrets.first()?.value.clone())).unwrap_or_default()),
        ("{app_id_uri}", server.and_then(|server| server.identifier_uris.first().cloned()).unwrap_or_default()),
        ("{allowed_client}", client.unwrap_or_default()),
        ("{tenants}", tenants.join(", ")),
    ]
}

fn filled(text: &str, facts: &[(&str, String)]) -> String {
    facts.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}
