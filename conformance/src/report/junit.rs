//! The report for CI: JUnit XML. A failure is a failure, inconclusive an error, not applicable skipped with its reason.

use std::fmt::Write as _;

use super::{CheckResult, Report};
use crate::check::Verdict;

/// The report as XML.
pub fn render(report: &Report) -> String {
    let mut suites: Vec<(&str, Vec<&CheckResult>)> = Vec::new();
    for result in &report.results {
        match suites.iter_mut().find(|(suite, _)| *suite == result.suite()) {
            Some((_, results)) => results.push(result),
            None => suites.push((result.suite(), vec![result])),
        }
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"offline365\" {}>", counts(&report.results.iter().collect::<Vec<_>>()));
    for (suite, results) in suites {
        let _ = writeln!(out, "  <testsuite name=\"{}\" {}>", escaped(suite), counts(&results));
        for result in results {
            case(&mut out, report, result);
        }
        out.push_str("  </testsuite>\n");
    }
    for problem in &report.problems {
        let _ = writeln!(
            out,
            "  <testsuite name=\"run\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\"><testcase classname=\"run\" name=\"gate\"><failure message=\"{}\"/></testcase></testsuite>",
            escaped(problem)
        );
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts(results: &[&CheckResult]) -> String {
    let of = |verdict| results.iter().filter(|result| result.verdict == verdict && result.gates()).count();
    let skipped = results.iter().filter(|result| skipped(result)).count();
    let (failures, errors) = (of(Verdict::Fail), of(Verdict::Inconclusive));
    format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"", results.len())
}

/// What does not decide about the run is skipped, and says why.
fn skipped(result: &CheckResult) -> bool {
    result.verdict == Verdict::NotApplicable || (result.verdict != Verdict::Pass && !result.gates())
}

fn case(out: &mut String, report: &Report, result: &CheckResult) {
    let (suite, id) = (escaped(result.suite()), escaped(&result.id));
    let _ = writeln!(out, "    <testcase classname=\"{suite}\" name=\"{id}\" file=\"{}\">", escaped(&result.source));
    out.push_str("      <properties>\n");
    for requirement in &result.requirements {
        let _ = writeln!(out, "        <property name=\"requirement\" value=\"{}\"/>", escaped(requirement));
    }
    let _ = writeln!(out, "        <property name=\"severity\" value=\"{}\"/>", result.severity);
    out.push_str("      </properties>\n");
    let reason = escaped(result.reason.as_deref().unwrap_or_default());
    if skipped(result) {
        let why = result.accepted.as_ref().map_or_else(|| reason.clone(), |why| escaped(&format!("accepted: {why}")));
        let _ = writeln!(out, "      <skipped message=\"{why}\"/>");
    } else if result.verdict != Verdict::Pass {
        let element = if result.verdict == Verdict::Fail { "failure" } else { "error" };
        let broken = result.expectations.iter().find(|expectation| !expectation.held);
        let seen = broken.map_or_else(String::new, |it| {
            format!("{}\nexpected {}\nobserved {}\n", it.claim, it.expected, it.observed)
        });
        let text = escaped(&format!("{}\n{seen}again: {}", result.title, report.again(result)));
        let _ = writeln!(out, "      <{element} message=\"{reason}\" type=\"{}\">{text}</{element}>", result.severity);
    }
    out.push_str("    </testcase>\n");
}

/// Text for XML: what XML 1.0 cannot hold is replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in super::terminal::printable_lines(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('·'),
            c => out.push(c),
        }
    }
    out
}
