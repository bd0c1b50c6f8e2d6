//! `check`: runs suites against a target and says what held.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{CommandError, plan, selection, write};
use crate::check::World;
use crate::report::{Report, json, terminal};
use crate::run::Runner;
use crate::target::{Profile, Target};

/// Options of `check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Only these suites
    #[arg(long, value_name = "NAME")]
    pub suite: Vec<String>,
    /// Only these checks, by id
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,
    /// A connector elsewhere, described by a profile file, instead of the embedded one
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// Writes report.json into this folder, too
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Decides every random value
    #[arg(long, default_value_t = 365, value_name = "N")]
    pub seed: u64,
    /// Prints the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs it.
pub async fn run(args: CheckArgs) -> Result<ExitCode, CommandError> {
    let checks = selection::checks(&args.suite, &args.only)?;
    let target = match &args.target {
        Some(path) => Target::Remote(Profile::read(path)?),
        None => Target::Embedded(None),
    };
    let runner = Runner::new(plan()?, args.seed);
    let outcomes = runner.run(&checks, &target).await;
    let mut report = Report::new(target.name(), args.seed, &outcomes);
    if matches!(target, Target::Embedded(_)) {
        let revocation: Vec<_> = checks.into_iter().filter(|check| check.suite() == "revocation").collect();
        report = report.with_strict(&runner.in_world(World::Strict).run(&revocation, &target).await);
    }
    let rendered = if args.json { json::render(&report) } else { terminal::render(&report) };
    print!("{rendered}");
    if let Some(folder) = &args.report {
        write(&folder.join("report.json"), &json::render(&report))?;
    }
    Ok(ExitCode::from(report.exit_code()))
}
