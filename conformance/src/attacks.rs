//! The attacks that every version is asked for, and how much of each there is.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::check::Check;

/// One attack of the list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// `suite/name`; the check with this id runs it.
    pub id: String,
    /// The check leaves something out, which `note` names.
    #[serde(default)]
    pub partial: bool,
    /// What is left out, why there is none, or where the rest is.
    #[serde(default)]
    pub note: Option<String>,
}

/// How much of an attack there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All of it.
    Full,
    /// Some of it.
    Partial,
    /// None.
    Missing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    attack: Vec<Attack>,
}

/// The list is wrong: a fault of ours, found by a test.
#[derive(Debug, thiserror::Error)]
#[error("attacks.toml: {0}")]
pub struct AttacksError(#[from] toml::de::Error);

/// The list, in its order.
pub fn all() -> Result<Vec<Attack>, AttacksError> {
    let file: File = toml::from_str(include_str!("../attacks.toml"))?;
    Ok(file.attack)
}

impl Attack {
    /// How much of it there is, if this is its check.
    pub fn state(&self, check: Option<&Check>) -> State {
        match check {
            None => State::Missing,
            Some(_) if self.partial => State::Partial,
            Some(_) => State::Full,
        }
    }
}

/// The list as a page (`docs/attacks.md`). `find` gives the check of an id.
pub fn page(attacks: &[Attack], find: impl Fn(&str) -> Option<&'static Check>) -> String {
    let count = |state| attacks.iter().filter(|attack| attack.state(find(&attack.id)) == state).count();
    let mut page = format!(
        "{HEAD}\n{} attacks: {} in full, {} in part, {} missing.\n",
        attacks.len(),
        count(State::Full),
        count(State::Partial),
        count(State::Missing)
    );
    let mut class = "";
    for attack in attacks {
        let (suite, name) = attack.id.split_once('/').unwrap_or(("", &attack.id));
        if suite != class {
            class = suite;
            let _ = write!(page, "\n## {class}\n\n{TABLE}");
        }
        let check = find(&attack.id);
        let state = match attack.state(check) {
            State::Full => "full",
            State::Partial => "**partial**",
            State::Missing => "**missing**",
        };
        let note = attack.note.as_deref().unwrap_or("–");
        let Some(check) = check else {
            let _ = writeln!(page, "| `{name}` | – | – | – | {state}: {note} |");
            continue;
        };
        let file = check.source.rsplit_once('/').map_or(check.source, |(_, file)| file);
        let broken: Vec<String> = check.broken.iter().map(|broken| format!("`{}`", broken.name)).collect();
        let note = attack.note.as_deref().map_or_else(String::new, |note| format!(": {note}"));
        let _ = writeln!(
            page,
            "| `{name}` | {} | [{file}](../{}) | {} | {state}{note} |",
            check.severity,
            check.source,
            broken.join("<br>")
        );
    }
    page
}

const HEAD: &str = "# Attacks

What every version is attacked with, where each attack is written down, what must give in to it, and what is not there yet. `offline365 replay ID` shows
an attack refused, `offline365 replay ID --broken` the same attack succeeding against each broken connector, or careless Entra (`issuer-…`) or Graph
(`graph-…`), of its row. More than these are checked: `offline365 list attacks`.

Made from `conformance/attacks.toml` and the checks' own heads; `UPDATE_PAGES=1 cargo test -p conformance --test registry` writes it anew, and the same
test fails when it is old.
";

const TABLE: &str = "| attack | severity | written in | broken by | state |
|---|---|---|---|---|
";
