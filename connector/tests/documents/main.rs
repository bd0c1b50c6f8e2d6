//! Files through the worker that ships: what is read, what is refused, what a hostile file costs.

#![expect(clippy::format_collect, reason = "files for tests are short")]

mod files;
mod hostile;
mod kinds;

use std::path::PathBuf;

use connector::documents::{ExtractError, Extracted, Extractor as _, Format, Job, Limits, Program, Workers};

fn workers() -> Workers {
    Workers::new(Program::at(PathBuf::from(env!("CARGO_BIN_EXE_offline365-connector"))), Limits::default())
}

async fn read(format: Format, bytes: Vec<u8>) -> Result<Extracted, ExtractError> {
    workers().extract(Job { format, charset: None, bytes }).await
}
