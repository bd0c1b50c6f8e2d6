//! What goes over the pipes: a line of JSON that says how many bytes follow, then those bytes.

use std::io::{self, BufRead, Read as _, Write};

use serde::{Deserialize, Serialize};

use super::super::extract::Unreadable;
use super::super::format::Format;
use super::super::model::Extracted;
use super::{ExtractError, Job, Limits};

/// Headers are short: no worker reads an endless line.
const MAX_HEADER: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Header {
    format: Format,
    charset: Option<String>,
    bytes: usize,
    limits: Limits,
}

/// A worker's answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Extracted(Extracted),
    Damaged,
    Protected,
    TooLarge,
}

/// A job as it goes to a worker's input.
pub(super) fn job(job: &Job, limits: &Limits) -> io::Result<Vec<u8>> {
    let header =
        Header { format: job.format, charset: job.charset.clone(), bytes: job.bytes.len(), limits: limits.clone() };
    let mut frame = serde_json::to_vec(&header)?;
    frame.push(b'\n');
    frame.extend_from_slice(&job.bytes);
    Ok(frame)
}

pub(super) fn read_job(input: &mut impl BufRead) -> io::Result<(Limits, Job)> {
    let mut line = String::new();
    input.take(MAX_HEADER).read_line(&mut line)?;
    let header: Header = serde_json::from_str(&line)?;
    let mut bytes = Vec::with_capacity(header.bytes.min(header.limits.file_bytes));
    input.take(header.bytes as u64).read_to_end(&mut bytes)?;
    if bytes.len() != header.bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((header.limits, Job { format: header.format, charset: header.charset, bytes }))
}

pub(super) fn write_answer(
    output: &mut impl Write,
    result: &Result<Extracted, Unreadable>,
    limit: usize,
) -> io::Result<()> {
    let answer = match result {
        Ok(extracted) => {
            serde_json::to_vec(extracted).map(|inner| [br#"{"extracted":"#, inner.as_slice(), b"}"].concat())?
        }
        Err(Unreadable::Damaged) => serde_json::to_vec(&Answer::Damaged)?,
        Err(Unreadable::Protected) => serde_json::to_vec(&Answer::Protected)?,
        Err(Unreadable::TooLarge) => serde_json::to_vec(&Answer::TooLarge)?,
    };
    let answer = if answer.len() > limit { serde_json::to_vec(&Answer::TooLarge)? } else { answer };
    output.write_all(&answer)?;
    output.flush()
}

pub(super) fn read_answer(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    match serde_json::from_slice(bytes) {
        Ok(Answer::Extracted(extracted)) => Ok(extracted),
        Ok(Answer::Damaged) => Err(Unreadable::Damaged.into()),
        Ok(Answer::Protected) => Err(Unreadable::Protected.into()),
        Ok(Answer::TooLarge) => Err(Unreadable::TooLarge.into()),
        // Cut short: the worker died while it wrote.
        Err(_) => Err(ExtractError::GaveUp),
    }
}
