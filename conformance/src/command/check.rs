//! `check`: runs suites against a target and says what held.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use super::{CommandError, plan, selection, write};
use crate::check::{Check, Verdict, World};
use crate::report::baseline::Baseline;
use crate::report::lock::Lock;
use crate::report::{DEFAULT_SEED, Report, html, json, junit, markdown, sarif, terminal};
use crate::requirements;
use crate::run::{Outcome, Runner};
use crate::suites;
use crate::target::{Profile, Target};

/// The lock, where the command is run.
const LOCK: &str = "offline365.lock";

/// Options of `check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Only these suites
    #[arg(long, value_name = "NAME")]
    pub suite: Vec<String>,
    /// Only these checks, by id; or scenario files of your own
    #[arg(long, value_name = "ID|FILE")]
    pub only: Vec<String>,
    /// A connector elsewhere, described by a profile file, instead of the embedded one
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// Writes report.json, report.html, junit.xml and report.sarif into this folder, too
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Findings that are accepted for now, each with id, reason, owner and until
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Pins the checks of this run in offline365.lock
    #[arg(long)]
    pub update_lock: bool,
    /// One part of several: the second of four is 2/4
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Decides every random value; `random` takes one and prints it
    #[arg(long, default_value_t = Seed(DEFAULT_SEED), value_name = "N|random")]
    pub seed: Seed,
    /// Plays 10,000 random histories more, each with another seed
    #[arg(long, conflicts_with_all = ["target", "shard"])]
    pub deep: bool,
    /// Prints the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Part of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((index, of)) if index >= 1 && index <= of => Ok(Self { index, of }),
            _ => Err("write I/N with 1 ≤ I ≤ N, for example 2/4".to_owned()),
        }
    }
}

impl Shard {
    fn of(self, checks: Vec<&'static Check>) -> Vec<&'static Check> {
        let mine = |(index, check): (usize, &'static Check)| (index % self.of == self.index - 1).then_some(check);
        checks.into_iter().enumerate().filter_map(mine).collect()
    }
}

/// What decides every random value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl FromStr for Seed {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "random" {
            let state = std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 0);
            return Ok(Self(state % 1_000_000_000));
        }
        text.parse().map(Self)
    }
}

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Runs it.
pub async fn run(args: CheckArgs) -> Result<ExitCode, CommandError> {
    let plan = plan()?;
    let mut checks = selection::checks(&args.suite, &args.only, &plan)?;
    let whole = args.suite.is_empty() && args.only.is_empty() && args.shard.is_none_or(|shard| shard.of == 1);
    if let Some(shard) = args.shard {
        checks = shard.of(checks);
    }
    let target = match &args.target {
        Some(path) => Target::Remote(Box::new(Profile::read(path)?)),
        None => Target::Embedded(None),
    };
    let baseline = args.baseline.as_deref().map(baseline).transpose()?;
    let lock = lock()?;
    let runner = Runner::new(plan, args.seed.0);
    let watched =
        if std::io::stderr().is_terminal() && !args.json { runner.clone().watched(progress) } else { runner.clone() };
    let mut outcomes = watched.run(&checks, &target).await;
    let too_little = if args.deep { deep(&runner, &mut outcomes).await } else { None };
    let mut report = Report::new(target.name(), args.seed.0, &outcomes);
    report.problems.extend(too_little);
    report.shard = args.shard.filter(|shard| shard.of > 1).map(|Shard { index, of }| format!("{index}/{of}"));
    report.profile_file = args.target.as_ref().map(|path| path.display().to_string());
    if let Target::Remote(profile) = &target {
        report.problems.extend(profile.findings());
    }
    if matches!(target, Target::Embedded(_)) {
        let revocation: Vec<_> = checks.into_iter().filter(|check| check.suite() == "revocation").collect();
        report = report.with_strict(&runner.in_world(World::Strict).run(&revocation, &target).await);
    }
    if args.update_lock {
        write(Path::new(LOCK), &Lock::of(&report).render())?;
    } else if let Some(lock) = lock {
        lock.apply(&mut report, whole);
    }
    if let Some(baseline) = baseline {
        baseline.apply(&mut report, today(), whole);
    }
    let rendered = if args.json { json::render(&report) } else { terminal::render(&report) };
    print!("{rendered}");
    if let Some(folder) = &args.report {
        files(folder, &report)?;
    }
    if let Some(summary) = std::env::var_os("GITHUB_STEP_SUMMARY") {
        append(Path::new(&summary), &markdown::render(&report))?;
    }
    Ok(ExitCode::from(report.exit_code()))
}

/// Plays on with other seeds, and says if that was less than promised. The first run of a check that is red takes the place of the one that
/// was asked for.
async fn deep(runner: &Runner, outcomes: &mut [Outcome]) -> Option<String> {
    let deep = runner.deep(&suites::deep()).await;
    let told = format!(
        "{} runs with other seeds, {} histories, {} calls, {} red",
        deep.runs,
        deep.histories,
        deep.calls,
        deep.red.len()
    );
    eprintln!("deep: {told}");
    for red in deep.red {
        if let Some(known) =
            outcomes.iter_mut().find(|known| known.check.id == red.check.id && known.verdict == Verdict::Pass)
        {
            *known = red;
        }
    }
    let is_enough = deep.histories >= suites::DEEP_HISTORIES && deep.calls >= suites::DEEP_CALLS;
    (!is_enough).then(|| {
        format!("deep: {told}: fewer than {} histories or {} calls", suites::DEEP_HISTORIES, suites::DEEP_CALLS)
    })
}

fn files(folder: &Path, report: &Report) -> Result<(), CommandError> {
    let requirements = requirements::all().map_err(|error| CommandError::Ours(error.to_string()))?;
    let sarif = sarif::render(report, &requirements).map_err(|error| CommandError::Ours(error.to_string()))?;
    write(&folder.join("report.json"), &json::render(report))?;
    write(&folder.join("junit.xml"), &junit::render(report))?;
    write(&folder.join("report.sarif"), &sarif)?;
    write(&folder.join("report.html"), &html::render(report, &requirements))
}

fn baseline(path: &Path) -> Result<Baseline, CommandError> {
    let wrong = |why: String| CommandError::Usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Baseline::parse(&text).map_err(|error| wrong(error.to_string()))
}

fn lock() -> Result<Option<Lock>, CommandError> {
    let text = match std::fs::read_to_string(LOCK) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CommandError::Usage(format!("{LOCK}: {error}"))),
    };
    Lock::parse(&text).map(Some).map_err(|error| CommandError::Usage(format!("{LOCK}: {error}")))
}

fn append(path: &Path, text: &str) -> Result<(), CommandError> {
    let failed = |error: std::io::Error| CommandError::Ours(format!("{}: {error}", path.display()));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

/// One line that is written over by the next.
fn progress(outcome: &Outcome) {
    eprint!("\r\u{1b}[K{} {}", outcome.verdict, outcome.check.id);
}

/// Accepted until a day of the real calendar.
fn today() -> jiff::civil::Date {
    emulator::clock::Clock::running().now().to_zoned(jiff::tz::TimeZone::UTC).date()
}
