//! Reading a file in a process of its own, which reads one file and ends.
//!
//! A parser of somebody else's file may abort, overflow its stack, loop, or ask for all memory there is. None of that can be caught inside a
//! process, so it happens outside: the worker is this program again, started with [`SUBCOMMAND`], with limits that the kernel
//! enforces, an empty environment, no files to write and nothing inherited but two pipes. One is kept started, so that an answer
//! does not wait for it; because it serves once, no file ever meets another one's leftovers.

mod child;
mod frame;
mod limits;

use std::path::PathBuf;

use futures_util::future::BoxFuture;

use super::extract::Unreadable;
use super::format::Format;
use super::model::Extracted;

pub use child::Workers;
pub use limits::Limits;

/// The subcommand under which a program that links this library serves as a worker; it calls [`serve`].
pub const SUBCOMMAND: &str = "extract-worker";

/// A file to be read.
#[derive(Debug)]
pub struct Job {
    /// What name and type promise.
    pub format: Format,
    /// The charset that the sender declared.
    pub charset: Option<String>,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Something that reads files.
pub trait Extractor: Send + Sync {
    /// Reads one.
    fn extract(&self, job: Job) -> BoxFuture<'_, Result<Extracted, ExtractError>>;
}

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// The worker read it and says why not.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The file is larger than a worker takes.
    #[error("the file is larger than {} MB", .limit / (1024 * 1024))]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// The worker ended without an answer: the file made it run out of memory, stack or time.
    #[error("reading the file needs more memory or time than is allowed")]
    GaveUp,
    /// No worker could be started, or none was configured.
    #[error("this connector is not set up to read documents")]
    NoWorker,
}

/// Which program to start as a worker.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// What it is told; [`SUBCOMMAND`] by default.
    pub arguments: Vec<String>,
}

impl Program {
    /// A program that knows [`SUBCOMMAND`].
    pub fn at(path: PathBuf) -> Self {
        Self { path, arguments: vec![SUBCOMMAND.to_owned()] }
    }
}

/// The worker's side: takes one job from standard input, answers on standard output, and returns. The caller ends the process.
pub fn serve() -> std::io::Result<()> {
    let (limits, job) = frame::read_job(&mut std::io::stdin().lock())?;
    limits.enforce()?;
    let reading = std::thread::Builder::new()
        .stack_size(limits::STACK_BYTES)
        .spawn(move || super::extract::extract(job.format, job.charset.as_deref(), &job.bytes))?;
    // A panic ends the process like an abort would: without an answer.
    let Ok(result) = reading.join() else { return Err(std::io::Error::other("the file made its reader panic")) };
    frame::write_answer(&mut std::io::stdout().lock(), &result, limits.answer_bytes)
}

/// Reads a file: text here, for it needs no parser, everything else with `extractor`.
pub async fn read(extractor: &dyn Extractor, job: Job) -> Result<Extracted, ExtractError> {
    if job.format == Format::Text {
        return Ok(super::extract::extract(job.format, job.charset.as_deref(), &job.bytes)?);
    }
    extractor.extract(job).await
}

/// Where no worker is configured.
#[derive(Debug, Clone, Copy)]
pub struct NoWorkers;

impl Extractor for NoWorkers {
    fn extract(&self, _: Job) -> BoxFuture<'_, Result<Extracted, ExtractError>> {
        Box::pin(std::future::ready(Err(ExtractError::NoWorker)))
    }
}
