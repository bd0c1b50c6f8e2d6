//! A failure as a finding for a report of somebody's: Markdown, ready to paste.

use std::fmt::Write as _;

use super::{Scene, curl};
use crate::recorder::{Entry, StepKind};
use crate::report::terminal::printable;

/// The finding.
pub(super) fn markdown(scene: &Scene) -> String {
    let it = &scene.verdict;
    let mut out = format!("# {}\n\n", text(&it.title));
    let _ = writeln!(out, "- **Severity:** {}", it.severity);
    let _ = writeln!(out, "- **Weakness:** CWE-{} {}", it.weakness.cwe, it.weakness.name);
    let _ = writeln!(out, "- **ASVS 5.0:** {}", it.weakness.asvs.join(", "));
    let _ = writeln!(out, "- **Requirements:** {}", it.requirements.join(", "));
    if !it.references.is_empty() {
        let known: Vec<String> = it.references.iter().map(|known| text(known)).collect();
        let _ = writeln!(out, "- **Known from:** {}", known.join("; "));
    }
    let _ = writeln!(out, "- **Target:** {}", text(&it.target));
    let _ = writeln!(out, "- **Scenario:** `{}`\n", it.scenario);
    let _ = writeln!(out, "## Impact\n\n{}\n", it.weakness.impact);
    if let Some(attack) = &it.attack {
        let _ = writeln!(out, "Attacker: {}, who has {}.\n", text(&attack.by), text(&attack.knows));
    }
    let _ = writeln!(out, "## Observed\n\n{}\n", text(it.reason.as_deref().unwrap_or("no reason was given")));
    for broken in it.assertions.iter().filter(|assertion| !assertion.said.held) {
        let said = &broken.said;
        let _ = writeln!(
            out,
            "- {}: expected {}, observed {}",
            text(&said.claim),
            text(&said.expected),
            text(&said.observed)
        );
        let _ = writeln!(out, "  (`transcript.json` {})", broken.at.join(", "));
    }
    out.push_str("\n## Steps\n\n");
    for entry in &scene.transcript.entries {
        match entry {
            Entry::Step { number, kind, actor, label, .. } => {
                let kind = if *kind == StepKind::Control { " (control)" } else { "" };
                let _ = writeln!(out, "{number}. {}: {}{kind}", text(actor), text(label));
            }
            Entry::Hop { from, to, method, url, request, status, .. } if from == "harness" && to == "connector" => {
                if let Some(line) = curl::line(method, url, request) {
                    let _ = writeln!(out, "\n   ```sh\n   {}\n   ```\n\n   answered {status}\n", printable(&line));
                }
            }
            _ => {}
        }
    }
    let _ = writeln!(out, "\nAgain: `{}`\n", scene.again);
    let _ = writeln!(out, "## Fix\n\n{}", it.weakness.fix);
    out
}

/// Text that is no Markdown and no HTML.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '`' | '*' | '_' | '[' | ']' | '#' | '|' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
