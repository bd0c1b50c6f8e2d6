//! What reports look like, on one sample: a pass, a failure, an inconclusive and a not-applicable.

mod formats;

use std::collections::BTreeMap;

use conformance::bench::Measurement;
use conformance::check::{Profile, Severity, Verdict};
use conformance::recorder::Expectation;
use conformance::report::baseline::Baseline;
use conformance::report::lock::Lock;
use conformance::report::{CheckResult, Report, SCHEMA, html, json, junit, markdown, sarif, terminal};
use conformance::requirements;
use serde_json::Value;

fn result(id: &str, verdict: Verdict, reason: Option<&str>) -> CheckResult {
    let observed = if verdict == Verdict::Fail { "served: HTTP 200, 512 bytes" } else { "HTTP 401, invalid_token" };
    CheckResult {
        references: Vec::new(),
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
        own: false,
        accepted: None,
        new: false,
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
        result(
            "tenant-isolation/unlisted-tenant-valid-token",
            Verdict::NotApplicable,
            Some("the target has no tenant-gate"),
        ),
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

/// The sample, with a finding in a scenario file of the user's own.
fn with_own_file() -> Report {
    let mut report = sample();
    let mut own = result("tenant-isolation/mine", Verdict::Fail, Some("<script>alert(1)</script> & more (line 12)"));
    "checks/mine file.yaml".clone_into(&mut own.source);
    own.own = true;
    report.results.push(own);
    report.profile_file = Some("connector.toml".to_owned());
    report
}

fn anonymous(text: &str) -> String {
    text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn the_junit_report() {
    let text = junit::render(&with_own_file());
    assert!(!text.contains('\u{1b}') && !text.contains("<script>"));
    assert_eq!(formats::junit(&text), [""; 0]);
    assert_eq!(formats::xml(&text), [""; 0]);
    insta::assert_snapshot!("junit", text);
}

#[test]
fn the_markdown_summary() {
    let text = markdown::render(&with_own_file());
    assert!(!text.contains("<script>"));
    insta::assert_snapshot!("markdown", text);
}

#[test]
fn the_html_report_needs_no_script_and_loads_nothing() {
    let requirements = requirements::all().unwrap();
    let text = html::render(&with_own_file(), &requirements);
    assert!(!text.contains("<script") && !text.contains("src=") && !text.contains("<link"), "self-contained");
    assert!(text.contains("default-src 'none'") && text.contains("width=device-width"));
    for section in ["Suites", "Time to revoke", "Requirements", "Declared deviations", "Evidence"] {
        assert!(text.contains(section), "{section}");
    }
    let few: Vec<_> = requirements.into_iter().take(2).collect();
    insta::assert_snapshot!("html", anonymous(&html::render(&with_own_file(), &few)));
}

#[test]
fn the_sarif_report_points_at_places_that_exist() {
    let requirements = requirements::all().unwrap();
    let text = sarif::render(&with_own_file(), &requirements).unwrap();
    assert_eq!(formats::sarif(text.as_bytes()), [""; 0]);
    let mut part = with_own_file();
    part.shard = Some("2/4".to_owned());
    let part = sarif::render(&part, &requirements).unwrap();
    assert!(part.contains("\"id\": \"offline365/a sample connector/2-of-4/\""), "{part}");
    for other in [formats::har, formats::transcript, formats::verdict] {
        assert!(!other(text.as_bytes()).is_empty(), "the schemas are told apart");
    }
    let sarif: Value = serde_json::from_str(&text).unwrap();
    let results = sarif.pointer("/runs/0/results").unwrap().as_array().unwrap();
    assert_eq!(results.len(), 3, "failures and inconclusive ones alone");
    let rules = sarif.pointer("/runs/0/tool/driver/rules").unwrap().as_array().unwrap();
    for (index, result) in results.iter().enumerate() {
        let text = |pointer: &str| result.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        assert!(!text("/locations/0/physicalLocation/artifactLocation/uri").is_empty(), "{result}");
        assert_eq!(text("/locations/0/logicalLocations/0/fullyQualifiedName"), text("/ruleId"));
        assert!(!text("/partialFingerprints/offline365~1v1").is_empty());
        assert_eq!(rules[index].get("id"), result.get("ruleId"));
        assert_eq!(result.get("ruleIndex"), Some(&Value::from(index)));
    }
    insta::assert_snapshot!("sarif", anonymous(&text));
    let mut nowhere = with_own_file();
    nowhere.results.last_mut().unwrap().source.clear();
    sarif::render(&nowhere, &requirements).unwrap_err();
}

#[test]
fn an_accepted_finding_does_not_gate_and_an_old_excuse_does() {
    let of = |id: &str, until: &str| {
        let text = format!("[[accepted]]\nid = \"{id}\"\nreason = \"known\"\nowner = \"Dana\"\nuntil = \"{until}\"\n");
        Baseline::parse(&text).unwrap()
    };
    let today = "2026-11-23".parse().unwrap();
    let applied = |baseline: &Baseline| {
        let mut report = sample();
        report.results.retain(|result| result.verdict != Verdict::Inconclusive);
        baseline.apply(&mut report, today, true);
        report
    };
    assert_eq!(applied(&of("tenant-isolation/foreign-id-read", "2026-12-31")).exit_code(), 0);
    for (id, until) in [
        ("tenant-isolation/foreign-id-read", "2026-11-22"),
        ("revocation/mail-read", "2026-12-31"),
        ("tenant-isolation/nothing", "2026-12-31"),
    ] {
        let report = applied(&of(id, until));
        assert_eq!((report.problems.len(), report.exit_code()), (1, 1), "{id} until {until}");
    }
    Baseline::parse("[[accepted]]\nid = \"x/y\"\nreason = \"known\"\nuntil = \"2026-12-31\"\n").unwrap_err();
}

#[test]
fn newer_checks_do_not_gate_and_fewer_applicable_ones_do() {
    let lock = Lock::of(&sample());
    assert_eq!(Lock::parse(&lock.render()).unwrap(), lock);
    let mut newer = sample();
    newer.results.retain(|result| result.verdict == Verdict::Pass);
    let lock = Lock::of(&newer);
    newer.results.push(result("tenant-isolation/newer", Verdict::Fail, Some("found")));
    lock.apply(&mut newer, true);
    assert_eq!((newer.exit_code(), newer.problems.len()), (0, 0));
    let mut fewer = sample();
    fewer.results.retain(|result| result.verdict == Verdict::NotApplicable);
    lock.apply(&mut fewer, true);
    assert_eq!(fewer.exit_code(), 1, "{:?}", fewer.problems);
}

#[test]
fn the_schema_of_the_report_is_the_one_that_is_shipped() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("report.schema.json");
    let schema = format!("{}\n", serde_json::to_string_pretty(&json::schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == schema, "UPDATE_SCHEMA=1 cargo nextest run -p conformance the_schema writes it anew");
}
