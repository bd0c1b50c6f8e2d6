//! The report for people: one self-contained page without script, readable on a phone.

use std::fmt::Write as _;

use super::junit::escaped;
use super::{CheckResult, Report};
use crate::check::Verdict;
use crate::requirements::Requirement;

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}\
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8885;vertical-align:top}td.n{text-align:right}\
.v{display:inline-block;padding:0 .5rem;border-radius:.3rem;font-weight:600;color:#fff}.pass{background:#1a7f37}\
.fail{background:#b3261e}.inconclusive{background:#8a5a00}.na{background:#57606a}code{font-size:.9em;overflow-wrap:anywhere}\
details{margin:.4rem 0;padding:.4rem .6rem;border:1px solid #8885;border-radius:.4rem}summary{cursor:pointer;overflow-wrap:anywhere}\
.held{color:#1a7f37}.broken{color:#b3261e;font-weight:600}@media(prefers-color-scheme:dark){.held{color:#4ac26b}.broken{color:#ff8b82}}";

/// The page.
pub fn render(report: &Report, requirements: &[Requirement]) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let target = escaped(&report.target);
    let _ = writeln!(out, "<title>offline365: {target}</title><style>{STYLE}</style></head><body>");
    let _ = writeln!(out, "<h1>{target}</h1>");
    let verdicts = [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::NotApplicable];
    let counts: Vec<String> =
        verdicts.iter().map(|verdict| format!("{} {}", badge(*verdict), report.count(*verdict))).collect();
    let _ = writeln!(
        out,
        "<p>{}</p><p>{} calls, seed {}, offline365 {}</p>",
        counts.join(" "),
        report.calls,
        report.seed,
        escaped(&report.harness)
    );
    for problem in &report.problems {
        let _ = writeln!(out, "<p class=\"broken\">{}</p>", escaped(problem));
    }
    matrix(&mut out, report, &verdicts);
    revocation(&mut out, report);
    coverage(&mut out, report, requirements);
    if !report.deviations.is_empty() {
        out.push_str("<h2>Declared deviations</h2><ul>\n");
        for deviation in &report.deviations {
            let _ = writeln!(out, "<li>{}</li>", escaped(deviation));
        }
        out.push_str("</ul>\n");
    }
    if !report.unmodelled.is_empty() {
        out.push_str("<h2>Asked of the emulator and not modelled</h2><ul>\n");
        for (what, count) in &report.unmodelled {
            let _ = writeln!(out, "<li>{count} × <code>{}</code></li>", escaped(what));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("<h2>Evidence</h2>\n");
    for verdict in [Verdict::Fail, Verdict::Inconclusive, Verdict::NotApplicable, Verdict::Pass] {
        for result in report.results.iter().filter(|result| result.verdict == verdict) {
            evidence(&mut out, report, result);
        }
    }
    out.push_str("</body></html>\n");
    out
}

fn badge(verdict: Verdict) -> String {
    let class = match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NotApplicable => "na",
    };
    format!("<span class=\"v {class}\">{verdict}</span>")
}

fn matrix(out: &mut String, report: &Report, verdicts: &[Verdict]) {
    out.push_str("<h2>Suites</h2><div class=\"wide\"><table><tr><th>suite</th>");
    for verdict in verdicts {
        let _ = write!(out, "<th>{verdict}</th>");
    }
    out.push_str("</tr>\n");
    let mut suites: Vec<&str> = Vec::new();
    for result in &report.results {
        if !suites.contains(&result.suite()) {
            suites.push(result.suite());
        }
    }
    for suite in suites {
        let _ = write!(out, "<tr><td>{}</td>", escaped(suite));
        for verdict in verdicts {
            let of = report.results.iter().filter(|result| result.suite() == suite && result.verdict == *verdict);
            let _ = write!(out, "<td class=\"n\">{}</td>", of.count());
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
}

fn revocation(out: &mut String, report: &Report) {
    let real: Vec<_> = report.results.iter().flat_map(|result| &result.measured).collect();
    if real.is_empty() {
        return;
    }
    let strict: Vec<_> = report.strict.iter().flat_map(|result| &result.measured).collect();
    out.push_str("<h2>Time to revoke (virtual seconds)</h2><div class=\"wide\"><table><tr><th>what</th><th>as the real service</th><th>strict world</th><th>declared bound</th></tr>\n");
    for measured in real {
        let beside = strict.iter().find(|strict| strict.what == measured.what);
        let beside = beside.map_or_else(|| "–".to_owned(), |strict| strict.seconds.to_string());
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{beside}</td><td class=\"n\">{}</td></tr>",
            escaped(&measured.what),
            measured.seconds,
            measured.declared_bound_seconds
        );
    }
    out.push_str("</table></div>\n");
}

fn coverage(out: &mut String, report: &Report, requirements: &[Requirement]) {
    out.push_str("<h2>Requirements</h2><div class=\"wide\"><table><tr><th>id</th><th>promise</th><th>checks</th><th></th></tr>\n");
    for row in requirements {
        let of: Vec<_> = report.results.iter().filter(|result| result.requirements.contains(&row.id)).collect();
        let worst = of.iter().map(|result| result.verdict).max();
        let told = match (worst, &row.unchecked) {
            (Some(worst), _) => badge(worst),
            (None, Some(why)) => escaped(why),
            (None, None) => "not in this run".to_owned(),
        };
        let _ = writeln!(
            out,
            "<tr id=\"{0}\"><td>{0}</td><td>{1}</td><td class=\"n\">{2}</td><td>{told}</td></tr>",
            escaped(&row.id),
            escaped(&row.sentence),
            of.len()
        );
    }
    out.push_str("</table></div>\n");
}

fn evidence(out: &mut String, report: &Report, result: &CheckResult) {
    let open = if result.verdict == Verdict::Fail { " open" } else { "" };
    let (id, title) = (escaped(&result.id), escaped(&result.title));
    let _ = writeln!(out, "<details{open}><summary>{} <code>{id}</code> {title}</summary>", badge(result.verdict));
    let requirements = escaped(&result.requirements.join(" "));
    let _ = writeln!(
        out,
        "<p>severity {}, requirements {requirements}, <code>{}</code></p>",
        result.severity,
        escaped(&result.source)
    );
    if let Some(reason) = &result.reason {
        let _ = writeln!(out, "<p class=\"broken\">{}</p>", escaped(reason));
    }
    if let Some(reason) = &result.accepted {
        let _ = writeln!(out, "<p>accepted for now: {}</p>", escaped(reason));
    }
    let _ = writeln!(out, "<p><code>{}</code></p>", escaped(&report.again(result)));
    out.push_str("<div class=\"wide\"><table><tr><th></th><th>claim</th><th>expected</th><th>observed</th></tr>\n");
    for it in &result.expectations {
        let (class, mark) = if it.held { ("held", "✓") } else { ("broken", "✗") };
        let _ = writeln!(
            out,
            "<tr><td class=\"{class}\">{mark}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&it.claim),
            escaped(&it.expected),
            escaped(&it.observed)
        );
    }
    out.push_str("</table></div></details>\n");
}
