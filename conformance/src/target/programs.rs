//! Connectors that are spoken to over their standard streams: one program for each sign-in, a JSON-RPC message on each line
//! (<https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio>).

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fixtures::Plan;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::oneshot;

use super::process::{Said, facts};
use super::{Doors, Process, Start};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The programs of one connector.
#[derive(Debug)]
pub struct Programs {
    start: Start,
    facts: Vec<(&'static str, String)>,
    said: Said,
    running: tokio::sync::Mutex<BTreeMap<String, Arc<Program>>>,
}

/// One of them, serving one person.
#[derive(Debug)]
struct Program {
    stdin: tokio::sync::Mutex<ChildStdin>,
    waiting: Arc<Waiting>,
    /// Ends with it.
    _process: Process,
    /// Where it may write.
    _state: TempDir,
}

/// Who waits for an answer, by the number of the message.
#[derive(Debug, Default)]
struct Waiting(Mutex<(u64, BTreeMap<u64, oneshot::Sender<Value>>)>);

impl Programs {
    /// None runs yet.
    pub fn new(start: Start, plan: &Plan, doors: &Doors) -> Self {
        let facts = facts(plan, doors);
        Self { start, facts, said: Said::default(), running: tokio::sync::Mutex::default() }
    }

    /// The end of what they wrote beside their answers.
    pub fn said(&self) -> String {
        self.said.end()
    }

    /// Ends all.
    pub async fn end(&self) {
        self.running.lock().await.clear();
    }

    /// Asks the program that serves whoever brought this token: started and greeted now, if it does not run. The answer is the message
    /// as it came, under the number that was asked.
    pub async fn ask(&self, token: &str, method: &str, params: &Value, id: &Value) -> Result<Value, String> {
        let program = self.program(token).await?;
        let mut answer = program.ask(method, params).await?;
        if let Some(number) = answer.get_mut("id") {
            *number = id.clone();
        }
        Ok(answer)
    }

    async fn program(&self, token: &str) -> Result<Arc<Program>, String> {
        let mut running = self.running.lock().await;
        if let Some(program) = running.get(token) {
            return Ok(Arc::clone(program));
        }
        let program = Arc::new(self.start(token).await?);
        running.insert(token.to_owned(), Arc::clone(&program));
        Ok(program)
    }

    async fn start(&self, token: &str) -> Result<Program, String> {
        let state = TempDir::new().map_err(|error| format!("no folder for its state: {error}"))?;
        let mut facts = self.facts.clone();
        facts.push(("{token}", token.to_owned()));
        facts.push(("{state}", state.path().display().to_string()));
        let process = Process::spawn(&self.start, &facts, Stdio::piped(), self.said.clone());
        let mut process = process.map_err(|error| error.to_string())?;
        let (stdin, stdout) = process.streams().ok_or("it has no standard streams")?;
        let waiting = Arc::<Waiting>::default();
        waiting.listen(stdout, self.said.clone());
        let program = Program { stdin: tokio::sync::Mutex::new(stdin), waiting, _process: process, _state: state };
        let greeting = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "offline365-harness", "version": env!("CARGO_PKG_VERSION") },
        });
        let ready = Duration::from_secs(self.start.ready_seconds);
        let greeted = tokio::time::timeout(ready, program.ask("initialize", &greeting)).await;
        let greeted = greeted.map_err(|_| {
            format!(
                "no answer to initialize within {} s (start.ready_seconds); it said: {}",
                ready.as_secs(),
                self.said()
            )
        })??;
        if greeted.get("result").is_none() {
            return Err(format!("it refuses initialize: {greeted}"));
        }
        program.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        Ok(program)
    }
}

impl Program {
    async fn ask(&self, method: &str, params: &Value) -> Result<Value, String> {
        let (number, answer) = self.waiting.expect();
        self.tell(&json!({ "jsonrpc": "2.0", "id": number, "method": method, "params": params })).await?;
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let answer = answer.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?;
        answer.map_err(|_| "it ended before it answered".to_owned())
    }

    async fn tell(&self, message: &Value) -> Result<(), String> {
        let mut stdin = self.stdin.lock().await;
        let line = format!("{message}\n");
        let written = async {
            stdin.write_all(line.as_bytes()).await?;
            stdin.flush().await
        };
        written.await.map_err(|error| format!("it does not listen: {error}"))
    }
}

impl Waiting {
    fn expect(&self) -> (u64, oneshot::Receiver<Value>) {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.0 += 1;
        let number = waiting.0;
        waiting.1.insert(number, tell);
        (number, told)
    }

    /// Hands out what comes, until nothing does: then whoever waits learns that nothing will.
    fn listen(self: &Arc<Self>, stdout: ChildStdout, said: Said) {
        let waiting = Arc::clone(self);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                waiting.hear(&line, &said);
            }
            waiting.0.lock().unwrap_or_else(PoisonError::into_inner).1.clear();
        });
    }

    fn hear(&self, line: &str, said: &Said) {
        let message: Option<Value> = serde_json::from_str(line).ok();
        // A request or notification of the program's own, or a word that is no message at all, answers nobody.
        let number = message.as_ref().filter(|message| message.get("method").is_none());
        let Some(number) = number.and_then(|message| message.get("id")?.as_u64()) else { return said.line(line) };
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&number);
        if let (Some(waiting), Some(message)) = (waiting, message) {
            // Whoever asked may have given up.
            let _ = waiting.send(message);
        }
    }
}
