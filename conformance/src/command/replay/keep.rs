//! `--keep`: the world stays up after one attack, with everything that is needed to go on by hand.

use std::path::Path;

use super::{CommandError, ReplayArgs, tell};
use crate::broken;
use crate::check::Check;
use crate::evidence::live;
use crate::run::{Outcome, Runner};
use crate::target::Target;

/// Runs one check, says where everything is, and waits for Ctrl-C.
pub(super) async fn keep(
    args: &ReplayArgs,
    runner: &Runner,
    checks: &[&'static Check],
    target: Target,
) -> Result<Outcome, CommandError> {
    let &[check] = checks else {
        return Err(CommandError::Usage("--keep leaves one world up: name one attack".to_owned()));
    };
    let target = match args.broken.as_deref() {
        None => target,
        Some(name) => Target::Embedded(Some(fault(check, name)?)),
    };
    if args.evidence.as_deref().is_some_and(|evidence| inside(&args.live, evidence)) {
        return Err(CommandError::Usage("--live holds real tokens: it is no part of the evidence".to_owned()));
    }
    let (outcome, kept) = match runner.keep(check, &target).await {
        Ok(kept) => kept,
        Err(outcome) => return Ok(outcome),
    };
    tell(args, &outcome, &target.name())?;
    let written = live::write(&args.live, &outcome.recorder);
    let written = match written {
        Ok(written) => written,
        Err(error) => {
            kept.end().await;
            return Err(CommandError::Usage(format!("{}: {error}", args.live.display())));
        }
    };
    let doors = &kept.doors;
    println!("\nthe world stays up until Ctrl-C");
    println!("  connector  {}", doors.mcp);
    println!("  login      {}", doors.login);
    println!("  graph      {}", doors.graph);
    println!("  lab        {}   what may be changed: {}lab", doors.lab, doors.lab);
    println!(
        "  {} requests as they were sent in {}: real tokens of this world, nobody else may read them",
        written.len(),
        args.live.display()
    );
    if let Some(last) = written.last() {
        println!("  again      sh {}", last.file.display());
    }
    end().await;
    kept.end().await;
    Ok(outcome)
}

fn fault(check: &Check, name: &str) -> Result<&'static broken::Broken, CommandError> {
    let found = if name.is_empty() { check.broken.first().copied() } else { broken::find(name) };
    found.ok_or_else(|| {
        CommandError::Usage(format!("there is no broken connector {name}; see `offline365 list broken`"))
    })
}

fn inside(folder: &Path, other: &Path) -> bool {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole(folder).starts_with(whole(other))
}

/// Until Ctrl-C, or until somebody ends the process politely.
async fn end() {
    let mut politely = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let ended = async {
        match &mut politely {
            Some(politely) => drop(politely.recv().await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = ended => {}
    }
}
