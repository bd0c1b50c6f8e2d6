//! Which checks are meant.

use std::path::Path;

use fixtures::Plan;

use super::CommandError;
use crate::check::Check;
use crate::scenario::shipped;
use crate::suites::{self, SUITES};

/// The checks of these suites and ids; all of them when neither names any.
pub(super) fn checks(named: &[String], only: &[String], plan: &Plan) -> Result<Vec<&'static Check>, CommandError> {
    if let Some(unknown) = named.iter().find(|name| SUITES.iter().all(|suite| suite != name)) {
        return Err(CommandError::Usage(format!("there is no suite {unknown}; there are {}", SUITES.join(", "))));
    }
    let only = only.iter().map(|id| known_or_file(id, plan)).collect::<Result<Vec<_>, _>>()?;
    let all = named.is_empty() && only.is_empty();
    let meant = |check: &&Check| all || named.iter().any(|suite| suite == check.suite());
    let mut checks: Vec<&'static Check> = suites::all().filter(meant).collect();
    for check in only {
        if checks.iter().all(|known| known.id != check.id) {
            checks.push(check);
        }
    }
    Ok(checks)
}

/// The check with this id, or the one that a scenario file declares.
pub(super) fn known_or_file(id: &str, plan: &Plan) -> Result<&'static Check, CommandError> {
    let path = Path::new(id);
    let is_file = path.extension().is_some_and(|kind| kind == "yaml" || kind == "yml") || path.is_file();
    if !is_file {
        return known(id);
    }
    shipped::read(path, plan).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        CommandError::Usage(lines.join("\n"))
    })
}

/// The check with this id.
pub(super) fn known(id: &str) -> Result<&'static Check, CommandError> {
    suites::find(id).ok_or_else(|| {
        let near: Vec<&str> = suites::all().map(|check| check.id).filter(|known| resembles(known, id)).collect();
        let hint = if near.is_empty() {
            "see `offline365 list`".to_owned()
        } else {
            format!("did you mean {}", near.join(" or "))
        };
        CommandError::Usage(format!("there is no check {id}; {hint}"))
    })
}

fn resembles(known: &str, asked: &str) -> bool {
    let name = |id: &str| id.rsplit('/').next().unwrap_or_default().to_owned();
    let (known, asked) = (name(known), name(asked));
    !asked.is_empty() && (known.contains(&asked) || asked.contains(&known))
}
