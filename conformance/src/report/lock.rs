//! Which checks were there when somebody last looked: newer ones are shown and do not gate, fewer applicable ones are red.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::check::Verdict;

/// The lock, `offline365.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The harness that wrote it.
    pub harness: String,
    /// At least so many checks must be applicable.
    pub applicable: usize,
    /// The checks that gate.
    pub checks: BTreeSet<String>,
}

impl Lock {
    /// The lock after this run.
    pub fn of(report: &Report) -> Self {
        let applicable = report.results.iter().filter(|result| result.verdict != Verdict::NotApplicable).count();
        let checks = report.results.iter().map(|result| result.id.clone()).collect();
        Self { harness: report.harness.clone(), applicable, checks }
    }

    /// Reads a lock.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Writes a lock.
    pub fn render(&self) -> String {
        let text = toml::to_string_pretty(self).unwrap_or_default();
        format!("# Written by `offline365 check --update-lock`; commit it.\n{text}")
    }

    /// Marks what is newer, and says what is missing. `whole`: every check was run.
    pub fn apply(&self, report: &mut Report, whole: bool) {
        for result in &mut report.results {
            result.new = !self.checks.contains(&result.id);
        }
        if !whole {
            return;
        }
        let applicable = report.results.iter().filter(|result| !result.new);
        let applicable = applicable.filter(|result| result.verdict != Verdict::NotApplicable).count();
        if applicable < self.applicable {
            report.problems.push(format!(
                "{applicable} checks are applicable, {} were pinned: less is tested than before",
                self.applicable
            ));
        }
        let known: BTreeSet<&str> = report.results.iter().map(|result| result.id.as_str()).collect();
        for gone in self.checks.iter().filter(|id| !known.contains(id.as_str())) {
            report.problems.push(format!("the pinned check {gone} is gone"));
        }
    }
}
