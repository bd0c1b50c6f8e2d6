//! The report for code scanning: SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>), failures only, each at a place that the
//! user's repository has: the scenario file, or the profile of the target.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CheckResult, Report};
use crate::check::{Severity, Verdict};
use crate::requirements::Requirement;

/// Why there is no SARIF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: a result without a place is worth nothing in code scanning")]
pub struct NoPlace(pub String);

/// The failures as SARIF.
pub fn render(report: &Report, requirements: &[Requirement]) -> Result<String, NoPlace> {
    let failed: Vec<&CheckResult> = report.results.iter().filter(|result| red(result)).collect();
    let rules: Vec<Value> = failed.iter().map(|result| rule(result, requirements)).collect();
    let results = failed.iter().enumerate().map(|(index, result)| finding(report, result, index));
    let results = results.collect::<Result<Vec<_>, _>>()?;
    let sarif = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "offline365",
                "semanticVersion": report.harness,
                "informationUri": "https://github.com/offline365/offline365",
                "rules": rules,
            } },
            "automationDetails": { "id": category(report) },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&sarif).unwrap_or_default()))
}

/// What keeps two uploads for one commit apart: what stands before the last slash is the category, and of one category the last upload counts
/// (<https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>).
fn category(report: &Report) -> String {
    let part = report.shard.as_deref().map(|shard| format!("{}/", shard.replace('/', "-of-")));
    format!("offline365/{}/{}", report.target, part.unwrap_or_default())
}

fn red(result: &CheckResult) -> bool {
    matches!(result.verdict, Verdict::Fail | Verdict::Inconclusive) && result.gates()
}

fn rule(result: &CheckResult, requirements: &[Requirement]) -> Value {
    let of = requirements.iter().filter(|row| result.requirements.contains(&row.id));
    let sentences = of.map(|row| format!("- **{}**: {}", row.id, row.sentence));
    let sentences: Vec<String> = sentences.chain(result.references.iter().map(|known| format!("- {known}"))).collect();
    let score = match result.severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
    };
    let text = sentences.join("\n").replace("**", "");
    json!({
        "id": result.id,
        "name": result.id.split(['/', '-']).map(capital).collect::<String>(),
        "shortDescription": { "text": result.title },
        "fullDescription": { "text": format!("{} ({})", result.title, result.requirements.join(", ")) },
        "help": { "text": text, "markdown": sentences.join("\n") },
        "helpUri": format!("https://github.com/offline365/offline365/blob/main/conformance/requirements.toml#{}", result.requirements.first().map_or("", String::as_str)),
        "defaultConfiguration": { "level": "error" },
        "properties": { "tags": ["security", result.suite()], "security-severity": score },
    })
}

pub(crate) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn finding(report: &Report, result: &CheckResult, index: usize) -> Result<Value, NoPlace> {
    let file = if result.own { Some(&result.source) } else { report.profile_file.as_ref().or(Some(&result.source)) };
    let file = file.filter(|file| !file.is_empty()).ok_or_else(|| NoPlace(result.id.clone()))?;
    let line = result.reason.as_deref().filter(|_| result.own).and_then(line_of).unwrap_or(1);
    let failed = result.verdict == Verdict::Fail;
    let reason = super::terminal::printable(result.reason.as_deref().unwrap_or("no reason was given"));
    let fingerprint = Sha256::digest(format!("{}\n{}", result.id, result.requirements.join(" ")));
    let fingerprint = URL_SAFE_NO_PAD.encode(fingerprint);
    Ok(json!({
        "ruleId": result.id,
        "ruleIndex": index,
        "kind": if failed { "fail" } else { "open" },
        "level": if failed { "error" } else { "none" },
        "message": { "text": format!("{}: {reason}\nagain: {}", result.title, report.again(result)) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": address(file) },
                "region": { "startLine": line },
            },
            "logicalLocations": [{ "fullyQualifiedName": result.id, "kind": "function" }],
        }],
        "partialFingerprints": { "offline365/v1": fingerprint },
    }))
}

/// A relative file name as an address: `%`, blanks and backslashes are none.
pub(crate) fn address(file: &str) -> String {
    file.trim_start_matches("./").replace('\\', "/").replace('%', "%25").replace(' ', "%20")
}

/// The line that a scenario's reason ends with.
pub(crate) fn line_of(reason: &str) -> Option<u64> {
    reason.rsplit_once("(line ")?.1.trim_end_matches(')').parse().ok()
}
