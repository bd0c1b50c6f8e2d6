//! What is promised, sentence by sentence, and which checks ask for it; or why none does yet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::check::Check;

/// One promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its id, for example `R-REV-3`.
    pub id: String,
    /// The promise.
    pub sentence: String,
    /// Where it is from.
    pub source: String,
    /// Where it is kept: files and folders of the repository.
    pub code: Vec<String>,
    /// Why no check asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    requirement: Vec<Requirement>,
}

/// The table is wrong: a fault of ours, found by a test.
#[derive(Debug, thiserror::Error)]
#[error("requirements.toml: {0}")]
pub struct RequirementsError(#[from] toml::de::Error);

/// Every requirement, in the order of the table.
pub fn all() -> Result<Vec<Requirement>, RequirementsError> {
    let file: File = toml::from_str(include_str!("../requirements.toml"))?;
    Ok(file.requirement)
}

/// The table as a page (`docs/requirements.md`).
pub fn page(rows: &[Requirement], coverage: &BTreeMap<&'static str, Vec<&'static str>>) -> String {
    let mut page = PAGE.to_owned();
    for row in rows {
        let code: Vec<String> = row.code.iter().map(|path| format!("[{path}](../{path})")).collect();
        let checks = match (&row.unchecked, coverage.get(row.id.as_str())) {
            (Some(why), _) => format!("*{why}*"),
            (None, Some(checks)) => checks.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join("<br>"),
            (None, None) => String::new(),
        };
        let _ = writeln!(page, "| {} | {} | {} | {checks} |", row.id, row.sentence, code.join("<br>"));
    }
    page
}

const PAGE: &str = "# Requirements

What is promised, where it is kept, and what asks whether it is. Made from `conformance/requirements.toml` and the checks' own heads;
`UPDATE_PAGES=1 cargo test -p conformance --test registry` writes it anew, and the same test fails when it is old, a file is gone, or a cell is empty.
`T-…` are the rules of token validation.

| id | promise | code | checks |
|---|---|---|---|
";

/// The checks of each requirement.
pub fn coverage(checks: impl IntoIterator<Item = &'static Check>) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut coverage: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for check in checks {
        for id in check.requirements {
            coverage.entry(*id).or_default().push(check.id);
        }
    }
    coverage
}
