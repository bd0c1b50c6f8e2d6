//! What reports look like, on one sample: a pass, a failure, an inconclusive and a not-applicable.

use std::collections::BTreeMap;

use conformance::bench::Measurement;
use conformance::check::{Profile, Severity, Verdict};
use conformance::recorder::Expectation;
use conformance::report::{CheckResult, Report, SCHEMA, json, terminal};

fn result(id: &str, verdict: Verdict, reason: Option<&str>) -> CheckResult {
    let observed = if verdict == Verdict::Fail { "served: HTTP 200, 512 bytes" } else { "HTTP 401, invalid_token" };
    CheckResult {
        id: id.to_owned(),
        title: "A sample".to_owned(),
        requirements: vec!["R-USER-1".to_owned()],
        severity: Severity::High,
        profile: Profile::Core,
        attack: false,
        verdict,
        reason: reason.map(str::to_owned),
        expectations: vec![Expectation {
            claim: "it is refused".to_owned(),
            expected: "HTTP 401, invalid_token".to_owned(),
            observed: observed.to_owned(),
            held: verdict == Verdict::Pass,
        }],
        measured: Vec::new(),
        source: "conformance/src/suites/sample.rs".to_owned(),
    }
}

fn sample() -> Report {
    let mut revoked = result("revocation/mail-read", Verdict::Pass, None);
    revoked.measured.push(Measurement {
        what: "revoking Mail.Read stops mail".to_owned(),
        seconds: 61,
        declared_bound_seconds: 60,
    });
    let hostile = "control failed: \u{1b}[31mred\u{1b}[0m and \u{202e}backwards";
    let mut report = Report::new("a sample connector".to_owned(), 365, &[]);
    report.results = vec![
        revoked,
        result(
            "tenant-isolation/foreign-id-read",
            Verdict::Fail,
            Some("content of others: expected none, saw contoso/mail/alice/budget"),
        ),
        result("read-only/no-trace", Verdict::Inconclusive, Some(hostile)),
        result("tenant-isolation/unlisted-tenant", Verdict::NotApplicable, Some("the target has no tenant-gate")),
    ];
    report.deviations = vec!["the target declares up to 60 s".to_owned()];
    report.calls = 42;
    report.unmodelled = BTreeMap::from([("Graph GET /me/teamwork".to_owned(), 2)]);
    report
}

#[test]
fn the_terminal_report() {
    let text = terminal::render(&sample());
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "hostile text reaches the terminal");
    insta::assert_snapshot!("terminal", text);
}

#[test]
fn the_json_report() {
    let text = json::render(&sample());
    assert!(text.contains(&format!("\"schema\": {SCHEMA}")));
    insta::assert_snapshot!("json", text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn the_exit_code_says_the_worst() {
    let mut report = sample();
    assert_eq!(report.exit_code(), 1);
    report.results.retain(|result| result.verdict != Verdict::Fail);
    assert_eq!(report.exit_code(), 2);
    report.results.retain(|result| result.verdict != Verdict::Inconclusive);
    assert_eq!(report.exit_code(), 0);
    report.results.retain(|result| result.verdict == Verdict::NotApplicable);
    assert_eq!(report.exit_code(), 2, "a run in which nothing held is no success");
}
