//! Is a file a scenario, and if not: on which line, in which step, and what helps?

use std::fmt;

use fixtures::Plan;

use super::{Scenario, names};

/// What is wrong with a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ScenarioError {
    /// The file.
    pub file: String,
    /// Its line, from 1; 0 when no line is to blame.
    pub line: u64,
    /// The step, for example `step 3 (call)`.
    pub step: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What helps.
    pub remedy: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if let Some(step) = &self.step {
            write!(f, "{step}: ")?;
        }
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// Larger files are no scenarios.
const LARGEST: usize = 256 * 1024;

/// Reads a scenario, and whether it can run in the world of this plan.
pub fn parse(file: &str, text: &str, plan: &Plan) -> Result<Scenario, Vec<ScenarioError>> {
    let error = |line, what: String, remedy: &str| {
        vec![ScenarioError { file: file.to_owned(), line, step: None, what, remedy: remedy.to_owned() }]
    };
    if text.len() > LARGEST {
        return Err(error(0, format!("the file has {} bytes", text.len()), "a scenario has 256 KiB at most"));
    }
    let scenario: Scenario = serde_saphyr::from_str(text).map_err(|found| {
        let line = found.location().map_or(0, |location| location.line());
        let what = told(&found.without_snippet().to_string());
        let remedy = remedy(&what);
        vec![ScenarioError { file: file.to_owned(), line, step: step_at(text, line), what, remedy }]
    })?;
    let problems = names::problems(&scenario, plan);
    if problems.is_empty() {
        return Ok(scenario);
    }
    Err(problems.into_iter().map(|problem| ScenarioError { file: file.to_owned(), ..problem }).collect())
}

/// What the parser says, without the place: that is told in front.
fn told(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ").trim();
    line.split(" at line ").next().unwrap_or(line).to_owned()
}

/// The step of the outermost list that a line belongs to.
fn step_at(text: &str, line: u64) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(usize::try_from(line).ok()?).collect();
    let begin = lines.iter().position(|line| line.trim_end() == "steps:")?;
    let steps = lines.get(begin + 1..)?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let first = steps.iter().find(|line| line.trim_start().starts_with("- ")).map(|line| indent(line))?;
    let count = steps.iter().filter(|line| indent(line) == first && line.trim_start().starts_with("- ")).count();
    Some(format!("step {count}"))
}

/// What helps against what the parser says.
fn remedy(what: &str) -> String {
    let after = |word: &str| {
        let rest = what.strip_prefix(word)?;
        rest.split([',', ' ']).next().map(|wrong| wrong.trim_matches('`'))
    };
    if let Some(wrong) = after("unknown variant ") {
        return near(wrong, what);
    }
    if let Some(wrong) = after("unknown field ") {
        return near(wrong, what);
    }
    if what.starts_with("missing field ") {
        return "write it there".to_owned();
    }
    "see docs/scenarios.md; an editor that knows scenario.schema.json shows more".to_owned()
}

/// The known word that a wrong one was meant to be.
fn near(wrong: &str, what: &str) -> String {
    let known = what.split_once("expected one of ").map_or("", |(_, known)| known).split(", ");
    let best = known.map(|word| (distance(wrong, word), word)).min();
    match best {
        Some((distance, word)) if distance <= 1 + wrong.len() / 3 => format!("did you mean `{word}`?"),
        _ => "see docs/scenarios.md".to_owned(),
    }
}

/// How many letters have to change (Levenshtein).
pub(super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let change = row.get(j).copied().unwrap_or(0) + usize::from(a != *b);
            let insert = next.get(j).copied().unwrap_or(0) + 1;
            let delete = row.get(j + 1).copied().unwrap_or(0) + 1;
            next.push(change.min(insert).min(delete));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
