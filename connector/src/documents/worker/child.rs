//! The connector's side: starts workers, hands each one file, and ends it.

use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use super::super::model::Extracted;
use super::{ExtractError, Extractor, Job, Limits, Program, frame};

/// Starts a process for each file, some at a time, with one kept ready.
#[derive(Debug)]
pub struct Workers {
    program: Program,
    limits: Limits,
    free: Semaphore,
    /// Started, and waiting for its one file.
    spare: Mutex<Option<Child>>,
}

impl Workers {
    /// Workers of this program. None is started before the first file.
    pub fn new(program: Program, limits: Limits) -> Self {
        Self { program, free: Semaphore::new(limits.workers.max(1)), limits, spare: Mutex::new(None) }
    }

    fn start(&self) -> Result<Child, ExtractError> {
        let root = if cfg!(unix) { "/" } else { "." };
        Command::new(&self.program.path)
            .args(&self.program.arguments)
            .env_clear()
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                tracing::error!(%error, "no worker for documents could be started");
                ExtractError::NoWorker
            })
    }

    fn take_spare(&self) -> Option<Child> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        // One that has ended meanwhile would be no answer.
        matches!(spare.try_wait(), Ok(None)).then_some(spare)
    }

    fn keep_spare(&self) {
        if let Ok(child) = self.start() {
            *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        }
    }

    async fn read(&self, job: Job) -> Result<Extracted, ExtractError> {
        if job.bytes.len() > self.limits.file_bytes {
            return Err(ExtractError::TooLarge { limit: self.limits.file_bytes });
        }
        let _turn = self.free.acquire().await.map_err(|_| ExtractError::NoWorker)?;
        let worker = self.take_spare().map_or_else(|| self.start(), Ok)?;
        let job = frame::job(&job, &self.limits).map_err(|_| ExtractError::NoWorker)?;
        // Dropped with the worker in it when time is over or the caller has gone: that kills the process.
        let answer = tokio::time::timeout(self.limits.time, answer(worker, job, self.limits.answer_bytes));
        let answer = answer.await.unwrap_or(Err(ExtractError::GaveUp));
        self.keep_spare();
        frame::read_answer(&answer?)
    }
}

impl Extractor for Workers {
    fn extract(&self, job: Job) -> BoxFuture<'_, Result<Extracted, ExtractError>> {
        Box::pin(self.read(job))
    }
}

async fn answer(mut worker: Child, job: Vec<u8>, limit: usize) -> Result<Vec<u8>, ExtractError> {
    let (Some(mut input), Some(output)) = (worker.stdin.take(), worker.stdout.take()) else {
        return Err(ExtractError::NoWorker);
    };
    let give = async {
        // A worker that died already closed its end; its missing answer says so.
        let _ = input.write_all(&job).await;
        drop(input);
    };
    let mut answer = Vec::new();
    let take = async { output.take(limit as u64 + 1024).read_to_end(&mut answer).await };
    let ((), taken) = tokio::join!(give, take);
    taken.map_err(|_| ExtractError::GaveUp)?;
    let _ = worker.wait().await;
    Ok(answer)
}
