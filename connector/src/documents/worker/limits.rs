//! What one file may cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The stack of the thread that reads: parsers that recurse get room before the kernel stops them.
pub(super) const STACK_BYTES: usize = 32 * 1024 * 1024;

/// What one file may cost. The kernel enforces memory and processor time, the connector the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest file, in bytes.
    pub file_bytes: usize,
    /// The largest answer, in bytes of JSON.
    pub answer_bytes: usize,
    /// Memory that the worker may own, in bytes.
    pub memory_bytes: u64,
    /// Time from the job to its answer.
    pub time: Duration,
    /// Workers at a time.
    pub workers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 32 * 1024 * 1024,
            answer_bytes: 32 * 1024 * 1024,
            memory_bytes: 448 * 1024 * 1024,
            time: Duration::from_secs(5),
            workers: 2,
        }
    }
}

impl Limits {
    /// Binds this process. What it links is not counted, only what it owns: heap and stacks. Nothing can be written to a file, and
    /// an abort leaves no core dump, which would hold the document.
    #[cfg(unix)]
    pub(super) fn enforce(&self) -> std::io::Result<()> {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let at_most = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
        setrlimit(Resource::Core, at_most(0))?;
        setrlimit(Resource::Fsize, at_most(0))?;
        setrlimit(Resource::Data, at_most(self.memory_bytes))?;
        setrlimit(Resource::Cpu, at_most(self.time.as_secs().max(1) + 1))?;
        Ok(())
    }

    /// Without such limits in the system, time alone is bounded.
    #[cfg(not(unix))]
    pub(super) fn enforce(&self) -> std::io::Result<()> {
        Ok(())
    }
}
