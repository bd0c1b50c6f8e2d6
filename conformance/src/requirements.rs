//! What is promised, sentence by sentence, and which checks ask for it; or why none does yet.

use std::collections::BTreeMap;

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
