//! `replay`: runs attacks and tells the story; with `--broken`, shows them succeed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::{CommandError, plan, selection, write};
use crate::broken::{self, Broken};
use crate::check::{Check, Verdict};
use crate::report::terminal::printable;
use crate::report::{Report, story};
use crate::run::{Outcome, Runner};
use crate::suites;
use crate::target::{Profile, Target};

/// Options of `replay`.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// Ids, as `list attacks` shows them (any check can be replayed), or scenario files
    #[arg(value_name = "ID|FILE", required_unless_present = "all")]
    pub ids: Vec<String>,
    /// Every attack
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Shows the attack succeed against a broken connector: the one named, or each that the check names
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    pub broken: Option<String>,
    /// A connector elsewhere, described by a profile file
    #[arg(long, value_name = "FILE", conflicts_with = "broken")]
    pub target: Option<PathBuf>,
    /// Writes transcript.json and verdict.json for each into this folder
    #[arg(long, value_name = "DIR")]
    pub evidence: Option<PathBuf>,
    /// Says what is wrong with scenario files, and runs none
    #[arg(long, conflicts_with_all = ["all", "broken", "evidence"])]
    pub validate: bool,
    /// Decides every random value
    #[arg(long, default_value_t = 365, value_name = "N")]
    pub seed: u64,
    /// Verdicts only
    #[arg(long)]
    pub quiet: bool,
}

/// Runs it.
pub async fn run(args: ReplayArgs) -> Result<ExitCode, CommandError> {
    let checks = if args.all {
        suites::all().filter(|check| check.attack.is_some()).collect()
    } else {
        let plan = plan()?;
        args.ids.iter().map(|id| selection::known_or_file(id, &plan)).collect::<Result<Vec<_>, _>>()?
    };
    if args.validate {
        for check in &checks {
            println!("{}: {} is a scenario", check.source, check.id);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let runner = Runner::new(plan()?, args.seed);
    if let Some(name) = &args.broken {
        return succeed(&args, &runner, &checks, name).await;
    }
    let target = match &args.target {
        Some(path) => Target::Remote(Box::new(Profile::read(path)?)),
        None => Target::Embedded(None),
    };
    let outcomes = runner.run(&checks, &target).await;
    for outcome in &outcomes {
        tell(&args, outcome, &target.name())?;
    }
    if let Some(folder) = &args.evidence {
        let faults = faults(&runner, &checks).await;
        for outcome in &outcomes {
            let of = faults.iter().filter(|(check, _, _)| check.id == outcome.check.id);
            evidence(
                folder,
                outcome,
                &target.name(),
                &of.map(|(_, broken, verdict)| (*broken, *verdict)).collect::<Vec<_>>(),
            )?;
        }
    }
    let report = Report::new(target.name(), args.seed, &outcomes);
    println!("\n{} of {} refused as they must be", report.count(Verdict::Pass), outcomes.len());
    Ok(ExitCode::from(report.exit_code()))
}

/// Each attack against its faults: 0 if every one succeeds.
async fn succeed(
    args: &ReplayArgs,
    runner: &Runner,
    checks: &[&'static Check],
    name: &str,
) -> Result<ExitCode, CommandError> {
    let named = match name {
        "" => None,
        name => Some(broken::find(name).ok_or_else(|| {
            CommandError::Usage(format!("there is no broken connector {name}; see `offline365 list broken`"))
        })?),
    };
    let mut all = true;
    for &check in checks {
        let faults: Vec<&'static Broken> = named.map_or_else(|| check.broken.to_vec(), |one| vec![one]);
        for broken in faults {
            let target = Target::Embedded(Some(broken));
            for outcome in runner.run(&[check], &target).await {
                tell(args, &outcome, &format!("{}: {}", target.name(), broken.sentence))?;
                all &= outcome.verdict == Verdict::Fail;
                let word = if outcome.verdict == Verdict::Fail { "succeeds" } else { "does not succeed" };
                println!("the attack {word} against {}", broken.name);
                if let Some(folder) = &args.evidence {
                    evidence(&folder.join(broken.name), &outcome, &target.name(), &[])?;
                }
            }
        }
    }
    Ok(ExitCode::from(u8::from(!all)))
}

/// What each check says of its broken connectors.
async fn faults(runner: &Runner, checks: &[&'static Check]) -> Vec<(&'static Check, &'static Broken, Verdict)> {
    let pairs: Vec<_> =
        checks.iter().flat_map(|&check| check.broken.iter().map(move |&broken| (check, broken))).collect();
    let runs: Vec<_> = pairs.iter().map(|&(check, broken)| (check, Some(broken))).collect();
    let outcomes = runner.embedded(&runs).await;
    pairs.into_iter().zip(outcomes).map(|((check, broken), outcome)| (check, broken, outcome.verdict)).collect()
}

fn tell(args: &ReplayArgs, outcome: &Outcome, target: &str) -> Result<(), CommandError> {
    println!("\n{}: {}\nagainst {target}", outcome.check.id, outcome.check.title);
    if let Some(attack) = outcome.check.attack {
        println!("by {}, who has {}", attack.by, attack.knows);
    }
    if !args.quiet {
        print!("{}", story::render(&transcript(outcome)?));
    }
    let told = outcome.told();
    let because = if told.is_empty() { String::new() } else { format!(": {}", printable(&told)) };
    println!("\nverdict: {}{because}", outcome.verdict);
    Ok(())
}

fn transcript(outcome: &Outcome) -> Result<crate::recorder::Transcript, CommandError> {
    outcome.recorder.transcript(outcome.check.id).map_err(|leaks| {
        let labels: Vec<String> = leaks.iter().map(|leak| format!("{} ({})", leak.label, leak.encoding)).collect();
        CommandError::Ours(format!("{}: secrets would have been written: {}", outcome.check.id, labels.join(", ")))
    })
}

/// One folder for one scenario: what was sent and received, and the verdict with its grounds.
fn evidence(
    folder: &Path,
    outcome: &Outcome,
    target: &str,
    faults: &[(&'static Broken, Verdict)],
) -> Result<(), CommandError> {
    let folder = folder.join(outcome.check.id);
    let transcript = transcript(outcome)?;
    let faults: Vec<_> =
        faults.iter().map(|(broken, verdict)| json!({ "broken": broken.name, "verdict": verdict })).collect();
    let verdict = json!({
        "schema": 1,
        "check": outcome.check.id,
        "title": outcome.check.title,
        "requirements": outcome.check.requirements,
        "severity": outcome.check.severity,
        "stoppedBy": outcome.check.attack.map(|attack| attack.stopped_by),
        "target": target,
        "verdict": outcome.verdict,
        "reason": outcome.reason.is_some().then(|| outcome.told()),
        "assertions": transcript.expectations(),
        "faults": faults,
        "measured": outcome.measured,
        "redaction": "self-check passed",
    });
    write(&folder.join("transcript.json"), &pretty(&serde_json::to_value(&transcript).unwrap_or_default()))?;
    write(&folder.join("verdict.json"), &pretty(&verdict))
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default())
}
