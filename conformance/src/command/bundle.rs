//! `verify` and `diff`: whether a bundle of evidence is what was produced, and whether two say the same.

use std::path::PathBuf;
use std::process::ExitCode;

use super::CommandError;
use crate::evidence;
use crate::report::terminal::printable;

/// Options of `verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The folder that `replay --evidence` wrote
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The SHA-256 that the manifest must have, as `replay` printed it
    #[arg(long, value_name = "SHA256")]
    pub expect: Option<String>,
}

/// Options of `diff`.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// A folder that `replay --evidence` wrote
    #[arg(value_name = "A")]
    pub one: PathBuf,
    /// Another
    #[arg(value_name = "B")]
    pub other: PathBuf,
}

/// Runs `verify`: 0 as it was, 1 not.
pub fn verify(args: &VerifyArgs) -> Result<ExitCode, CommandError> {
    let problems = evidence::verify::problems(&args.folder, args.expect.as_deref());
    for problem in &problems {
        println!("✗ {}", printable(problem));
    }
    if problems.is_empty() {
        println!("✓ every file is as the manifest says, and nothing in them looks like a live token");
        if args.expect.is_none() {
            println!("  the manifest itself is compared with --expect SHA256, or by a signature: docs/evidence.md");
        }
    }
    Ok(ExitCode::from(u8::from(!problems.is_empty())))
}

/// Runs `diff`: 0 the same, 1 different.
pub fn diff(args: &DiffArgs) -> Result<ExitCode, CommandError> {
    let told = evidence::diff::differences(&args.one, &args.other).map_err(CommandError::Usage)?;
    for line in &told {
        println!("{}", printable(line));
    }
    if told.is_empty() {
        println!("the same, but for ids, times and ports");
    }
    Ok(ExitCode::from(u8::from(!told.is_empty())))
}
