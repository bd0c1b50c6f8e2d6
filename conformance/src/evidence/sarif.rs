//! results.sarif of a bundle: SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>) for the archive, passes included, each with its steps and
//! the exchange that decided. For code scanning take `check --report`: failures alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Environment, Scene, Weakness};
use crate::check::{Severity, Verdict};
use crate::recorder::{Entry, Message};
use crate::report::sarif::{address, capital, line_of};
use crate::report::terminal::printable;

/// More of a body is in transcript.json.
const LONGEST: usize = 20_000;

/// The file.
pub(super) fn render(environment: &Environment, scenes: &[Scene]) -> Value {
    let mut weaknesses: Vec<Weakness> = scenes.iter().map(|scene| scene.verdict.weakness).collect();
    weaknesses.sort_by_key(|weakness| weakness.cwe);
    weaknesses.dedup_by_key(|weakness| weakness.cwe);
    let taxa: Vec<Value> = weaknesses
        .iter()
        .map(|it| {
            json!({
                "id": it.cwe.to_string(),
                "name": it.name,
                "helpUri": format!("https://cwe.mitre.org/data/definitions/{}.html", it.cwe),
            })
        })
        .collect();
    let results: Vec<Value> =
        scenes.iter().enumerate().map(|(index, scene)| result(scene, index, &weaknesses)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "offline365",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": "https://github.com/offline365/offline365",
                "supportedTaxonomies": [{ "name": "CWE", "index": 0 }],
                "rules": scenes.iter().map(rule).collect::<Vec<_>>(),
            } },
            "taxonomies": [{
                "name": "CWE",
                "organization": "MITRE",
                "informationUri": "https://cwe.mitre.org/",
                "shortDescription": { "text": "Common Weakness Enumeration" },
                "taxa": taxa,
            }],
            "automationDetails": { "id": format!("offline365/replay/{}", environment.run) },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(scene: &Scene) -> Value {
    let it = &scene.verdict;
    let score = match it.severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
    };
    let mut tags =
        vec!["security".to_owned(), scene.suite().to_owned(), format!("external/cwe/cwe-{}", it.weakness.cwe)];
    tags.extend(it.weakness.asvs.iter().map(|section| format!("asvs/{section}")));
    let mut help = format!("{} {}", it.weakness.impact, it.weakness.fix);
    if !it.references.is_empty() {
        help = format!("{help}\nKnown from: {}", it.references.join("; "));
    }
    json!({
        "id": it.scenario,
        "name": it.scenario.split(['/', '-']).map(capital).collect::<String>(),
        "shortDescription": { "text": it.title },
        "fullDescription": { "text": format!("{} ({})", it.title, it.requirements.join(", ")) },
        "help": { "text": help },
        "helpUri": format!("https://github.com/offline365/offline365/blob/main/conformance/requirements.toml#{}", it.requirements.first().map_or("", String::as_str)),
        "defaultConfiguration": { "level": "error" },
        "properties": { "tags": tags, "security-severity": score },
    })
}

fn result(scene: &Scene, index: usize, weaknesses: &[Weakness]) -> Value {
    let it = &scene.verdict;
    let (kind, level) = match it.verdict {
        Verdict::Fail => ("fail", "error"),
        Verdict::Pass => ("pass", "none"),
        Verdict::Inconclusive => ("open", "none"),
        Verdict::NotApplicable => ("notApplicable", "none"),
    };
    let told = it.reason.clone().unwrap_or_else(|| scene.outcome());
    let fingerprint = Sha256::digest(format!("{}\n{}", it.scenario, it.requirements.join(" ")));
    let line = it.reason.as_deref().and_then(line_of).unwrap_or(1);
    let taxon = weaknesses.iter().position(|weakness| weakness.cwe == it.weakness.cwe);
    let attachment = |name: &str, what: &str| json!({ "artifactLocation": { "uri": format!("{}/{name}", it.scenario) }, "description": { "text": what } });
    let mut result = json!({
        "ruleId": it.scenario,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": { "text": format!("{}: {}\nagain: {}", it.title, printable(&told), scene.again) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": address(scene.check.source) },
                "region": { "startLine": line },
            },
            "logicalLocations": [{ "fullyQualifiedName": it.scenario, "kind": "function" }],
        }],
        "partialFingerprints": { "offline365/v1": URL_SAFE_NO_PAD.encode(fingerprint) },
        "taxa": [{ "id": it.weakness.cwe.to_string(), "index": taxon, "toolComponent": { "name": "CWE", "index": 0 } }],
        "attachments": [
            attachment("report.html", "for people"),
            attachment("transcript.json", "every exchange"),
            attachment("verdict.json", "what the verdict rests on"),
        ],
    });
    if let Some(fields) = result.as_object_mut() {
        let flows = flows(scene);
        if !flows.is_empty() {
            fields.insert("codeFlows".to_owned(), json!([{ "threadFlows": flows }]));
        }
        if let Some(Entry::Hop { method, url, request, status, response, .. }) = scene.decisive() {
            fields.insert("webRequest".to_owned(), web(request, [("method", json!(method)), ("target", json!(url))]));
            let answered = [("statusCode", json!(status)), ("noResponseReceived", json!(*status == 0))];
            fields.insert("webResponse".to_owned(), web(response, answered));
        }
    }
    result
}

fn web(message: &Message, more: [(&str, Value); 2]) -> Value {
    let headers: Map<String, Value> =
        message.headers.iter().map(|(name, value)| (name.clone(), printable(value).into())).collect();
    let body: String = match &message.withheld {
        Some(why) => format!("withheld: {why}"),
        None => message.body.chars().take(LONGEST).collect(),
    };
    let mut web = json!({ "protocol": "HTTP", "version": "1.1", "headers": headers, "body": { "text": body } });
    if let Some(fields) = web.as_object_mut() {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    web
}

/// The steps, a thread for each actor.
fn flows(scene: &Scene) -> Vec<Value> {
    let mut threads: Vec<(&str, Vec<Value>)> = Vec::new();
    for entry in &scene.transcript.entries {
        let Entry::Step { number, actor, label, .. } = entry else { continue };
        let step = json!({
            "location": { "message": { "text": format!("{number}. {}: {}", printable(actor), printable(label)) } },
            "executionOrder": number,
        });
        match threads.iter_mut().find(|(known, _)| known == actor) {
            Some((_, steps)) => steps.push(step),
            None => threads.push((actor, vec![step])),
        }
    }
    threads.into_iter().map(|(actor, steps)| json!({ "id": printable(actor), "locations": steps })).collect()
}
