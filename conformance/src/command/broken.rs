//! `broken`: does each broken connector fall to the checks that name it, and only for its fault?

mod matrix;

use std::process::ExitCode;

use self::matrix::{FEW, Matrix, letter};
use super::{CommandError, plan};
use crate::broken::{self, Broken};
use crate::check::{Check, Verdict};
use crate::run::{Outcome, Runner};
use crate::suites::{self, SUITES};

/// Options of `broken`.
#[derive(Debug, clap::Args)]
pub struct BrokenArgs {
    /// Only these, by name
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Every broken connector against every check
    #[arg(long)]
    pub matrix: bool,
    /// Decides every random value
    #[arg(long, default_value_t = 365, value_name = "N")]
    pub seed: u64,
}

/// What one broken connector met.
#[derive(Debug)]
pub struct Fall {
    /// The broken connector.
    pub broken: &'static Broken,
    /// The checks that name it.
    pub naming: Vec<Outcome>,
    /// One more of each suite: what its fault leaves alone.
    pub controls: Vec<Outcome>,
}

impl Fall {
    /// Whether every check that names it fails. Inconclusive is not enough: the fault has to show.
    pub fn caught(&self) -> bool {
        !self.naming.is_empty() && self.naming.iter().all(|outcome| outcome.verdict == Verdict::Fail)
    }

    /// Whether it works at all: something it does right is seen to be right.
    pub fn alive(&self) -> bool {
        self.controls.iter().any(|outcome| outcome.verdict == Verdict::Pass)
    }
}

/// Runs it.
pub async fn run(args: BrokenArgs) -> Result<ExitCode, CommandError> {
    let chosen = chosen(&args.names)?;
    let runner = Runner::new(plan()?, args.seed);
    if args.matrix {
        let held = matrix(&runner, &chosen).await;
        return Ok(ExitCode::from(u8::from(!held)));
    }
    let mut held = true;
    for fall in falls(&runner, &chosen).await {
        held &= fall.caught() && fall.alive();
        let verdict = match (fall.caught(), fall.alive()) {
            (true, true) => "caught",
            (true, false) => "CAUGHT, BUT NOTHING ELSE OF IT WORKS",
            (false, _) => "NOT CAUGHT",
        };
        println!("{:<26} {verdict}", fall.broken.name);
        println!("    {}", fall.broken.sentence);
        for outcome in &fall.naming {
            println!("    {:<13} {}: {}", outcome.verdict.to_string(), outcome.check.id, first_line(&outcome.told()));
        }
        let controls: Vec<String> =
            fall.controls.iter().map(|outcome| format!("{} {}", outcome.check.id, outcome.verdict)).collect();
        println!("    controls      {}", controls.join(", "));
    }
    Ok(ExitCode::from(u8::from(!held)))
}

fn first_line(text: &str) -> String {
    crate::report::terminal::printable(text.lines().next().unwrap_or_default()).chars().take(160).collect()
}

fn chosen(names: &[String]) -> Result<Vec<&'static Broken>, CommandError> {
    if names.is_empty() {
        return Ok(broken::ALL.to_vec());
    }
    let find = |name: &String| {
        broken::find(name).ok_or_else(|| {
            CommandError::Usage(format!("there is no broken connector {name}; see `offline365 list broken`"))
        })
    };
    names.iter().map(find).collect()
}

/// Each broken connector against the checks that name it, and one more of each suite.
pub async fn falls(runner: &Runner, chosen: &[&'static Broken]) -> Vec<Fall> {
    let plans: Vec<_> = chosen.iter().map(|&broken| (broken, naming(broken), controls(broken))).collect();
    let pairs: Vec<_> = plans
        .iter()
        .flat_map(|(broken, naming, controls)| naming.iter().chain(controls).map(|check| (*check, Some(*broken))))
        .collect();
    let mut outcomes = runner.embedded(&pairs).await.into_iter();
    let mut falls = Vec::new();
    for (broken, naming, controls) in plans {
        let naming = outcomes.by_ref().take(naming.len()).collect();
        let controls = outcomes.by_ref().take(controls.len()).collect();
        falls.push(Fall { broken, naming, controls });
    }
    falls
}

/// The checks that must catch it.
pub fn naming(broken: &Broken) -> Vec<&'static Check> {
    suites::all().filter(|check| check.broken.iter().any(|named| named.name == broken.name)).collect()
}

/// How many checks beside those that name it show that a broken connector works at all: more would take longer and show no more.
const CONTROLS: usize = 4;

/// The first check of each of the first suites that does not name it.
fn controls(broken: &Broken) -> Vec<&'static Check> {
    let names = |check: &Check| check.broken.iter().any(|named| named.name == broken.name);
    SUITES.iter().filter_map(|suite| suites::of(suite).into_iter().find(|check| !names(check))).take(CONTROLS).collect()
}

/// Prints every row, and what they show of the checks where no broken connector was left out.
async fn matrix(runner: &Runner, chosen: &[&'static Broken]) -> bool {
    for (index, check) in suites::all().enumerate() {
        println!("{:>3} {}", index + 1, check.id);
    }
    println!("\nF fails, i inconclusive, . passes; at the end: the checks that it fells");
    let told = |broken: &Broken, row: &[Verdict]| {
        let letters: String = row.iter().copied().map(letter).collect();
        println!("{:<34} {letters} {}", broken.name, row.iter().filter(|verdict| **verdict == Verdict::Fail).count());
    };
    let matrix = Matrix::of(runner, chosen, told).await;
    if chosen.len() < broken::ALL.len() {
        return true;
    }
    let (checks, sharp) = matrix.sharp();
    let (lines, held) = matrix.judged();
    println!("\n{sharp} of {checks} checks fall to a fault that at most {} others notice", FEW - 1);
    for line in lines {
        println!("    {line}");
    }
    held
}
