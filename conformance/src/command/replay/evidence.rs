//! From outcomes to a bundle in a folder.

use std::path::Path;

use emulator::clock::Clock;

use super::{CommandError, ReplayArgs};
use crate::broken::Broken;
use crate::check::{Check, Verdict};
use crate::evidence::{Bundle, Change, Described, Environment, FaultRun, Scene, sha256};
use crate::recorder::Recorder;
use crate::report::Report;
use crate::run::{Outcome, Runner};
use crate::target::Target;

/// What a run of connectors with a fault said of each check.
pub(super) struct Faults(Vec<(&'static Check, &'static Broken, Outcome)>);

impl Faults {
    /// None were run.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Runs every fault that the checks name.
    pub(super) async fn run(runner: &Runner, checks: &[&'static Check]) -> Self {
        let pairs: Vec<_> =
            checks.iter().flat_map(|&check| check.broken.iter().map(move |&broken| (check, broken))).collect();
        let runs: Vec<_> = pairs.iter().map(|&(check, broken)| (check, Some(broken))).collect();
        let outcomes = runner.embedded(&runs).await;
        Self(pairs.into_iter().zip(outcomes).map(|((check, broken), outcome)| (check, broken, outcome)).collect())
    }

    fn of(&self, check: &Check) -> Vec<FaultRun> {
        let of = self.0.iter().filter(|(asked, _, _)| asked.id == check.id);
        of.map(|(_, broken, outcome)| FaultRun::of(broken, outcome)).collect()
    }
}

/// The machine's time, for the manifest alone.
pub(super) fn wall() -> String {
    format!("{:.3}", Clock::running().now())
}

/// What is known about where and how a run takes place, before it has.
pub(super) async fn environment(args: &ReplayArgs, runner: &Runner, target: &Target, began: String) -> Environment {
    let (address, authorization) = match target {
        Target::Embedded(_) => (None, None),
        Target::Remote(profile) => (Some(profile.mcp.to_string()), profile.authorization.clone()),
    };
    let server_info = runner.introduced(target).await;
    let program = tokio::task::spawn_blocking(|| {
        std::env::current_exe().and_then(std::fs::read).ok().map(|program| sha256(&program))
    });
    let command: Vec<String> = std::iter::once("offline365".to_owned()).chain(std::env::args().skip(1)).collect();
    let tenants = runner.plan().tenants.iter().map(|tenant| (tenant.id.to_string(), tenant.name.clone())).collect();
    let run = sha256(format!("{began}\n{}\n{}", args.seed, command.join("\n")).as_bytes());
    Environment {
        run: run.chars().take(16).collect(),
        seed: args.seed,
        command,
        commit: option_env!("OFFLINE365_COMMIT").map(str::to_owned),
        program: program.await.ok().flatten(),
        target: Described { name: target.name(), address, server_info, authorization },
        wall: Change { before: began.clone(), after: began },
        tenants,
    }
}

/// Weighs each outcome, makes the bundle, writes it. The verdict of an outcome becomes what the evidence carries.
pub(super) fn write(
    folder: &Path,
    args: &ReplayArgs,
    target: &Target,
    mut environment: Environment,
    outcomes: &mut [Outcome],
    faults: &Faults,
) -> Result<String, CommandError> {
    let ours = |why: String| CommandError::Ours(why);
    let report = lines(args, target, outcomes);
    let mut scenes = Vec::new();
    for (outcome, again) in outcomes.iter_mut().zip(report) {
        let scene = Scene::of(outcome, &environment.target.name, faults.of(outcome.check), again);
        let scene = scene.map_err(|leaks| ours(super::leaked(outcome.check.id, &leaks)))?;
        if scene.verdict.verdict != outcome.verdict {
            (outcome.verdict, outcome.reason) = (scene.verdict.verdict, scene.verdict.reason.clone());
        }
        scenes.push(scene);
    }
    environment.wall.after = wall();
    let recorders = outcomes.iter().map(|outcome| &outcome.recorder);
    let sweep = Recorder::sweep(recorders.chain(faults.0.iter().map(|(_, _, outcome)| &outcome.recorder)));
    let bundle = Bundle::new(&environment, &scenes, &sweep).map_err(|error| ours(error.to_string()))?;
    bundle.write(folder).map_err(|error| CommandError::Usage(error.to_string()))?;
    let files = bundle.files().len();
    let worst = scenes.iter().map(|scene| scene.verdict.verdict).max().unwrap_or(Verdict::Inconclusive);
    let digest = bundle.digest();
    Ok(format!(
        "evidence: {files} files in {}, worst verdict {worst}; read {}\nmanifest SHA-256 {digest}",
        folder.display(),
        folder.join("summary.html").display()
    ))
}

/// The line that replays each.
fn lines(args: &ReplayArgs, target: &Target, outcomes: &[Outcome]) -> Vec<String> {
    let mut report = Report::new(target.name(), args.seed, outcomes);
    report.profile_file = args.target.as_ref().map(|path| path.display().to_string());
    let fault = match target {
        Target::Embedded(Some(broken)) => format!(" --broken {}", broken.name),
        _ => String::new(),
    };
    report.results.iter().map(|result| report.again(result) + &fault).collect()
}
