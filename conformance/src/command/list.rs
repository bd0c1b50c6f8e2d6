//! `list`: what there is to ask, to replay, to break, and what it is for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::CommandError;
use super::broken::naming;
use crate::broken;
use crate::check::Check;
use crate::report::terminal::printable;
use crate::requirements;
use crate::suites;
use crate::target::Profile;

/// Options of `list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// One kind only
    #[arg(value_enum)]
    pub what: Option<Kind>,
    /// Only what belongs to these suites
    #[arg(long, value_name = "NAME")]
    pub suite: Vec<String>,
    /// Only checks of this severity
    #[arg(long, value_name = "critical|high|medium|low")]
    pub severity: Option<String>,
    /// Only checks of these requirements
    #[arg(long, value_name = "ID")]
    pub requirement: Vec<String>,
    /// Says how many of them can be asked of a connector elsewhere, and why not the others
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Every check.
    Checks,
    /// The checks that are attacks.
    Attacks,
    /// The broken connectors.
    Broken,
    /// The promises.
    Requirements,
}

/// Runs it.
pub fn run(args: &ListArgs) -> Result<ExitCode, CommandError> {
    if let Some(path) = &args.target {
        given(args, &Profile::read(path)?);
        return Ok(ExitCode::SUCCESS);
    }
    let list = listed(args)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&list).unwrap_or_default());
    } else {
        for (kind, rows) in list.as_object().into_iter().flatten() {
            println!("{kind}");
            for row in rows.as_array().into_iter().flatten() {
                let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let (id, what) = if kind == "broken" {
                    (text("name"), text("sentence"))
                } else {
                    (text("id"), text("title") + &text("sentence"))
                };
                println!("  {id:<42} {what}");
                for known in row.get("references").and_then(Value::as_array).into_iter().flatten() {
                    println!("  {:<42}   known from {}", "", printable(known.as_str().unwrap_or_default()));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl ListArgs {
    /// Whether a check is one of those that are asked for.
    fn means(&self, check: &Check) -> bool {
        (self.suite.is_empty() || self.suite.iter().any(|suite| suite == check.suite()))
            && self.severity.as_ref().is_none_or(|severity| *severity == check.severity.to_string())
            && (self.requirement.is_empty()
                || self.requirement.iter().any(|id| check.requirements.contains(&id.as_str())))
    }
}

/// What can be asked of a connector elsewhere: attacks, or all checks if those are asked for.
fn given(args: &ListArgs, profile: &Profile) {
    let attacks = args.what != Some(Kind::Checks);
    let asked: Vec<&'static Check> =
        suites::all().filter(|check| args.means(check) && (!attacks || check.attack.is_some())).collect();
    let has = profile.has();
    let mut without: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for check in &asked {
        let lacks: Vec<String> =
            check.needs.iter().filter(|feature| !has.contains(feature)).map(ToString::to_string).collect();
        if !lacks.is_empty() {
            without.entry(lacks.join(", ")).or_default().push(check.id);
        }
    }
    let cannot: usize = without.values().map(Vec::len).sum();
    let can = asked.len() - cannot;
    if args.json {
        let target = json!({ "target": profile.name, "can": can, "of": asked.len(), "without": without });
        println!("{}", serde_json::to_string_pretty(&target).unwrap_or_default());
    } else {
        let kind = if attacks { "attacks" } else { "checks" };
        println!("{can} of {} {kind} can be given to {}", asked.len(), printable(&profile.name));
        for (lacks, ids) in &without {
            println!("{} not, for it has no {lacks}:", ids.len());
            for id in ids {
                println!("  {id}");
            }
        }
        for finding in profile.findings() {
            println!("{}", printable(&finding));
        }
    }
}

fn listed(args: &ListArgs) -> Result<Value, CommandError> {
    let wanted = |kind| args.what.is_none_or(|what| what == kind);
    let mut list = serde_json::Map::new();
    let mut add = |kind, name: &str, rows: Vec<Value>| {
        if wanted(kind) {
            list.insert(name.to_owned(), rows.into());
        }
    };
    add(Kind::Checks, "checks", suites::all().filter(|check| args.means(check)).map(check).collect());
    add(
        Kind::Attacks,
        "attacks",
        suites::all().filter(|check| args.means(check)).filter(|check| check.attack.is_some()).map(attack).collect(),
    );
    let broken = broken::ALL.iter().map(|broken| {
        let caught_by: Vec<&str> = naming(broken).iter().map(|check| check.id).collect();
        json!({ "name": broken.name, "sentence": broken.sentence, "reference": broken.reference, "caughtBy": caught_by })
    });
    add(Kind::Broken, "broken", broken.collect());
    let coverage = requirements::coverage(suites::all());
    let requirements = requirements::all().map_err(|error| CommandError::Ours(error.to_string()))?;
    let requirements = requirements.into_iter().map(|row| {
        let checks = coverage.get(row.id.as_str()).cloned().unwrap_or_default();
        json!({ "id": row.id, "sentence": row.sentence, "source": row.source, "checks": checks, "unchecked": row.unchecked })
    });
    add(Kind::Requirements, "requirements", requirements.collect());
    Ok(Value::Object(list))
}

fn check(check: &'static Check) -> Value {
    json!({
        "id": check.id,
        "suite": check.suite(),
        "title": check.title,
        "requirements": check.requirements,
        "profile": check.profile,
        "severity": check.severity,
        "needs": check.needs,
        "attack": check.attack.is_some(),
        "references": check.references(),
        "broken": check.broken.iter().map(|broken| broken.name).collect::<Vec<_>>(),
        "source": check.source,
    })
}

fn attack(check: &'static Check) -> Value {
    let mut row = self::check(check);
    if let (Some(attack), Some(row)) = (check.attack, row.as_object_mut()) {
        row.insert("by".to_owned(), attack.by.into());
        row.insert("knows".to_owned(), attack.knows.into());
        row.insert("stoppedBy".to_owned(), json!(attack.stopped_by));
    }
    row
}
