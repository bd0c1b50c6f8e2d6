//! The report for a pull request: a few lines of Markdown, with one reproducing command for each red.

use std::fmt::Write as _;

use super::Report;
use super::terminal::printable;
use crate::check::Verdict;

/// The summary.
pub fn render(report: &Report) -> String {
    let count = |verdict| report.count(verdict);
    let mut out = format!("## offline365: {}\n\n", cell(&report.target));
    let _ = writeln!(
        out,
        "**{} held, {} failed, {} inconclusive, {} not applicable** ({} calls, seed {})\n",
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Inconclusive),
        count(Verdict::NotApplicable),
        report.calls,
        report.seed
    );
    for problem in &report.problems {
        let _ = writeln!(out, "- **problem**: {}", cell(problem));
    }
    let red = report.results.iter().filter(|result| matches!(result.verdict, Verdict::Fail | Verdict::Inconclusive));
    let red: Vec<_> = red.collect();
    if !red.is_empty() {
        out.push_str("| verdict | check | severity | why | again |\n|---|---|---|---|---|\n");
    }
    for result in red {
        let accepted = if result.gates() { "" } else { " (does not gate)" };
        let why = cell(result.reason.as_deref().unwrap_or_default());
        let _ = writeln!(
            out,
            "| {}{accepted} | {} | {} | {why} | `{}` |",
            result.verdict,
            cell(&result.id),
            result.severity,
            report.again(result)
        );
    }
    for deviation in &report.deviations {
        let _ = writeln!(out, "\n> declared deviation: {}", cell(deviation));
    }
    out
}

/// Text for a cell: no markup of the target's making.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '*' | '_' | '[' | ']' | '`' | '#' | '\\' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
