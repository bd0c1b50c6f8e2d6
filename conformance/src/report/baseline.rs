//! Findings that are accepted for now: each with its reason, its owner and an end. One that has ended, or that is no finding any more, is
//! red itself: a list of excuses must not outlive them.

use jiff::civil::Date;
use serde::Deserialize;

use super::Report;
use crate::check::Verdict;

/// A baseline file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// What is accepted.
    #[serde(default)]
    pub accepted: Vec<Accepted>,
}

/// One accepted finding.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The check's id.
    pub id: String,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day, `2026-12-31`.
    pub until: Date,
}

impl Baseline {
    /// Reads a baseline.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Marks what is accepted. `whole`: every check was run, so an entry that accepts nothing is stale.
    pub fn apply(&self, report: &mut Report, today: Date, whole: bool) {
        for entry in &self.accepted {
            let blank = entry.reason.trim().is_empty() || entry.owner.trim().is_empty();
            if blank {
                report.problems.push(format!("baseline: {} has no reason or no owner", entry.id));
                continue;
            }
            if entry.until < today {
                let (id, until, owner) = (&entry.id, entry.until, &entry.owner);
                report.problems.push(format!("baseline: {id} was accepted until {until} ({owner})"));
                continue;
            }
            let red = |verdict| matches!(verdict, Verdict::Fail | Verdict::Inconclusive);
            let found = report.results.iter_mut().find(|result| result.id == entry.id);
            match found {
                Some(result) if red(result.verdict) => {
                    let (reason, owner, until) = (&entry.reason, &entry.owner, entry.until);
                    result.accepted = Some(format!("{reason} ({owner}, until {until})"));
                }
                Some(_) => report.problems.push(format!("baseline: {} is no finding any more; take it out", entry.id)),
                None if whole => report.problems.push(format!("baseline: there is no check {}", entry.id)),
                None => {}
            }
        }
    }
}
