//! What does an operator say about reading documents?

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{Limits, Program};

/// Programs of ours that know the worker's subcommand.
const OURS: &[&str] = &["offline365-connector", "offline365"];

/// How documents are read.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentsConfig {
    /// The program to start as a worker: `offline365-connector`, or any program that calls
    /// [`worker::serve`](super::worker::serve). By default the program that runs now, where it is one of ours; other programs that
    /// embed the connector read no documents until this is set.
    pub worker: Option<PathBuf>,
    /// Workers at a time.
    pub workers: usize,
    /// Seconds that one document may take.
    pub seconds: u64,
    /// Megabytes of memory that one document may take.
    pub memory_mb: u64,
}

impl Default for DocumentsConfig {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            worker: None,
            workers: limits.workers,
            seconds: limits.time.as_secs(),
            memory_mb: limits.memory_bytes / (1024 * 1024),
        }
    }
}

impl DocumentsConfig {
    /// The program to start, if there is one.
    pub fn program(&self) -> Option<Program> {
        if let Some(path) = &self.worker {
            return Some(Program::at(path.clone()));
        }
        let current = std::env::current_exe().ok()?;
        let is_ours = current.file_stem().and_then(|name| name.to_str()).is_some_and(|name| OURS.contains(&name));
        is_ours.then(|| Program::at(current))
    }

    /// What one document may cost.
    pub fn limits(&self) -> Limits {
        Limits {
            workers: self.workers,
            time: Duration::from_secs(self.seconds),
            memory_bytes: self.memory_mb.saturating_mul(1024 * 1024),
            ..Limits::default()
        }
    }
}
