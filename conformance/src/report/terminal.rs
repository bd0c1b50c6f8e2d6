//! The report for a person at a terminal: failures first, and how to see each again.

use std::fmt::Write as _;

use super::{CheckResult, Report};
use crate::check::Verdict;

/// The report as text. Control characters of the target's making do not reach the terminal.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    let told = shared(&mut out, report);
    for verdict in [Verdict::Fail, Verdict::Inconclusive, Verdict::NotApplicable] {
        let of = report.results.iter().filter(|result| result.verdict == verdict);
        for result in of.filter(|result| result.reason.is_none() || result.reason != told) {
            trouble(&mut out, report, result);
        }
    }
    for suite in suites(report) {
        let of = |verdict| {
            report.results.iter().filter(|result| in_suite(result, &suite) && result.verdict == verdict).count()
        };
        let total = report.results.iter().filter(|result| in_suite(result, &suite)).count();
        let _ = writeln!(out, "{suite:<24} {:>3} of {total} held{}", of(Verdict::Pass), remarks(&of));
    }
    let measured: Vec<_> = report.results.iter().flat_map(|result| &result.measured).collect();
    if !measured.is_empty() {
        let _ = writeln!(out, "\ntime to revoke (virtual time)");
        for measured in measured {
            let bound = measured.declared_bound_seconds;
            let _ = writeln!(out, "  {:<40} {:>4} s, declared bound {bound} s", measured.what, measured.seconds);
        }
    }
    if !report.strict.is_empty() {
        let held = report.strict.iter().filter(|result| result.verdict == Verdict::Pass).count();
        let _ = writeln!(out, "\nin the strict world (beside the verdict): {held} of {} held", report.strict.len());
        for result in &report.strict {
            let seconds = result.measured.iter().map(|measured| format!("{} s", measured.seconds)).collect::<Vec<_>>();
            let reason = result.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", printable(reason)));
            let _ = writeln!(out, "  {:<40} {} {}{reason}", result.id, result.verdict, seconds.join(", "));
        }
    }
    for deviation in &report.deviations {
        let _ = writeln!(out, "declared deviation: {deviation}");
    }
    for problem in &report.problems {
        let _ = writeln!(out, "PROBLEM {}", printable(problem));
    }
    let unmodelled: u64 = report.unmodelled.values().sum();
    let _ = writeln!(out, "\nunmodelled requests: {unmodelled}");
    for (what, count) in &report.unmodelled {
        let _ = writeln!(out, "  {count} × {}", printable(what));
    }
    if !report.stubbed.is_empty() {
        let _ = writeln!(out, "stubbed requests: {} (never a pass)", report.stubbed.values().sum::<u64>());
    }
    for (what, count) in &report.stubbed {
        let _ = writeln!(out, "  {count} × {}", printable(what));
    }
    let _ = writeln!(
        out,
        "{}: {} held, {} failed, {} inconclusive, {} not applicable; {} calls, seed {}",
        report.target,
        report.count(Verdict::Pass),
        report.count(Verdict::Fail),
        report.count(Verdict::Inconclusive),
        report.count(Verdict::NotApplicable),
        report.calls,
        report.seed,
    );
    out
}

/// One reason for everything is told once.
fn shared(out: &mut String, report: &Report) -> Option<String> {
    let reason = report.results.first()?.reason.clone()?;
    if report.results.len() < 2 || report.results.iter().any(|result| result.reason.as_ref() != Some(&reason)) {
        return None;
    }
    let _ = writeln!(out, "all {} checks: {}\n", report.results.len(), printable(&reason));
    Some(reason)
}

fn remarks(of: &impl Fn(Verdict) -> usize) -> String {
    let named = [
        (Verdict::Fail, "failed"),
        (Verdict::Inconclusive, "inconclusive"),
        (Verdict::NotApplicable, "not applicable"),
    ];
    let mut out = String::new();
    for (verdict, word) in named {
        let count = of(verdict);
        if count > 0 {
            let _ = write!(out, ", {count} {word}");
        }
    }
    out
}

fn trouble(out: &mut String, report: &Report, result: &CheckResult) {
    let verdict = result.verdict.to_string().to_uppercase();
    let _ = writeln!(out, "{verdict} {} ({}): {}", result.id, result.severity, result.title);
    if let Some(reason) = &result.reason {
        let _ = writeln!(out, "  {}", printable(reason));
    }
    if result.verdict != Verdict::NotApplicable {
        if let Some(broken) = result.expectations.iter().find(|expectation| !expectation.held) {
            let _ = writeln!(out, "  expected {}", printable(&broken.expected));
            let _ = writeln!(out, "  observed {}", printable(&broken.observed));
        }
        let _ = writeln!(out, "  requirements {}; again: {}", result.requirements.join(" "), report.again(result));
        if let Some(reason) = &result.accepted {
            let _ = writeln!(out, "  accepted for now: {}", printable(reason));
        }
        if result.new {
            let _ = writeln!(out, "  newer than the lock: it does not gate until `check --update-lock`");
        }
    }
    out.push('\n');
}

fn suites(report: &Report) -> Vec<String> {
    let mut suites: Vec<String> = Vec::new();
    for result in &report.results {
        let suite = result.id.split('/').next().unwrap_or_default();
        if suites.iter().all(|known| known != suite) {
            suites.push(suite.to_owned());
        }
    }
    suites
}

fn in_suite(result: &CheckResult, suite: &str) -> bool {
    result.id.split('/').next() == Some(suite)
}

/// The same for text of several lines.
pub(crate) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// Text from outside as it may be printed: no escapes, no direction marks, not endless.
pub(crate) fn printable(text: &str) -> String {
    const LONGEST: usize = 600;
    let direction = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() || direction(c) { '·' } else { c }).collect();
    if text.chars().count() > LONGEST {
        out.push('…');
    }
    out
}
