//! `replay`: runs attacks and tells the story; with `--broken`, shows them succeed.

mod evidence;
mod keep;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use url::Url;

use super::{CommandError, plan, selection};
use crate::broken::{self, Broken};
use crate::check::{Check, Verdict};
use crate::recorder::Leak;
use crate::report::terminal::printable;
use crate::report::{Report, story, walk};
use crate::run::{Outcome, Runner, Via};
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
    /// Writes a bundle of evidence into this folder, which is empty or not there yet
    #[arg(long, value_name = "DIR")]
    pub evidence: Option<PathBuf>,
    /// Sends the harness's own requests through an HTTP proxy: Burp, ZAP, mitmproxy; each says its step and actor in x-offline365-step
    #[arg(long, value_name = "URL")]
    pub via: Option<Url>,
    /// The certificate that the proxy signs with, as PEM
    #[arg(long, value_name = "PEM", requires = "via")]
    pub via_ca: Option<PathBuf>,
    /// Leaves the world up after one attack, and writes its requests for curl and editors
    #[arg(long, conflicts_with_all = ["all", "step"])]
    pub keep: bool,
    /// Where --keep writes them: a folder that is not there yet
    #[arg(long, value_name = "DIR", default_value = "live", requires = "keep")]
    pub live: PathBuf,
    /// Walks through step by step: Enter goes on, q stops
    #[arg(long, conflicts_with = "quiet")]
    pub step: bool,
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
    let mut ids = std::collections::BTreeSet::new();
    if let Some(twice) = checks.iter().find(|check| !ids.insert(check.id)) {
        return Err(CommandError::Usage(format!("{} is named twice: {}", twice.id, twice.source)));
    }
    if args.validate {
        for check in &checks {
            println!("{}: {} is a scenario", check.source, check.id);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let runner = Runner::new(plan()?, args.seed);
    let runner = match &args.via {
        Some(proxy) => runner.via(Via { proxy: proxy.clone(), ca: authority(args.via_ca.as_deref())? }),
        None => runner,
    };
    let observed = if args.evidence.is_some() { runner.clone().observed() } else { runner.clone() };
    let target = match &args.target {
        Some(path) => Target::Remote(Box::new(Profile::read(path)?)),
        None => Target::Embedded(None),
    };
    let began = evidence::wall();
    let mut outcomes = if args.keep {
        vec![keep::keep(&args, &observed, &checks, target.clone()).await?]
    } else if let Some(name) = &args.broken {
        return succeed(&args, &observed, &checks, name).await;
    } else {
        let outcomes = observed.run(&checks, &target).await;
        for outcome in &outcomes {
            tell(&args, outcome, &target.name())?;
        }
        outcomes
    };
    let mut written = None;
    if let Some(folder) = &args.evidence {
        let faults = evidence::Faults::run(&runner, &checks).await;
        let environment = evidence::environment(&args, &runner, &target, began).await;
        written = Some(evidence::write(folder, &args, &target, environment, &mut outcomes, &faults)?);
    }
    let report = Report::new(target.name(), args.seed, &outcomes);
    println!("\n{} of {} refused as they must be", report.count(Verdict::Pass), outcomes.len());
    if let Some(written) = written {
        println!("{written}");
    }
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
    let began = evidence::wall();
    let mut all = true;
    let mut by_fault: BTreeMap<&'static str, (&'static Broken, Vec<Outcome>)> = BTreeMap::new();
    for &check in checks {
        let faults: Vec<&'static Broken> = named.map_or_else(|| check.broken.to_vec(), |one| vec![one]);
        for broken in faults {
            let target = Target::Embedded(Some(broken));
            for outcome in runner.run(&[check], &target).await {
                tell(args, &outcome, &format!("{}: {}", target.name(), broken.sentence))?;
                all &= outcome.verdict == Verdict::Fail;
                let word = if outcome.verdict == Verdict::Fail { "succeeds" } else { "does not succeed" };
                println!("the attack {word} against {}", broken.name);
                by_fault.entry(broken.name).or_insert_with(|| (broken, Vec::new())).1.push(outcome);
            }
        }
    }
    // A bundle is about one target: each fault is one.
    if let Some(folder) = &args.evidence {
        for (name, (broken, mut outcomes)) in by_fault {
            let target = Target::Embedded(Some(broken));
            let environment = evidence::environment(args, runner, &target, began.clone()).await;
            let none = evidence::Faults::none();
            println!("{}", evidence::write(&folder.join(name), args, &target, environment, &mut outcomes, &none)?);
        }
    }
    Ok(ExitCode::from(u8::from(!all)))
}

fn tell(args: &ReplayArgs, outcome: &Outcome, target: &str) -> Result<(), CommandError> {
    println!("\n{}: {}\nagainst {}", outcome.check.id, printable(outcome.check.title), printable(target));
    if let Some(attack) = outcome.check.attack {
        println!("by {}, who has {}", printable(attack.by), printable(attack.knows));
    }
    if args.step {
        through(&walk::pages(&transcript(outcome)?));
    } else if !args.quiet {
        print!("{}", story::render(&transcript(outcome)?));
    }
    let told = outcome.told();
    let because = if told.is_empty() { String::new() } else { format!(": {}", printable(&told)) };
    println!("\nverdict: {}{because}", outcome.verdict);
    Ok(())
}

/// A page at a time. From a pipe that has ended, all of them.
fn through(pages: &[String]) {
    let mut lines = std::io::stdin().lines();
    for (index, page) in pages.iter().enumerate() {
        print!("\n{page}");
        if index + 1 == pages.len() {
            break;
        }
        print!("[{} of {}] Enter goes on, q stops: ", index + 1, pages.len());
        let _ = std::io::Write::flush(&mut std::io::stdout());
        match lines.next() {
            Some(Ok(answer)) if answer.trim().eq_ignore_ascii_case("q") => {
                println!();
                break;
            }
            Some(_) => {}
            None => println!(),
        }
    }
}

/// The certificate of a proxy.
fn authority(path: Option<&std::path::Path>) -> Result<Option<Vec<u8>>, CommandError> {
    let read = |path: &std::path::Path| {
        std::fs::read(path).map_err(|error| CommandError::Usage(format!("{}: {error}", path.display())))
    };
    path.map(read).transpose()
}

fn transcript(outcome: &Outcome) -> Result<crate::recorder::Transcript, CommandError> {
    let transcript = outcome.recorder.transcript(outcome.check.id);
    transcript.map_err(|leaks| CommandError::Ours(leaked(outcome.check.id, &leaks)))
}

fn leaked(id: &str, leaks: &[Leak]) -> String {
    let labels: Vec<String> = leaks.iter().map(|leak| format!("{} ({})", leak.label, leak.encoding)).collect();
    format!("{id}: secrets would have been written: {}", labels.join(", "))
}
