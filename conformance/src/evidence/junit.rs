//! junit.xml of a bundle: a case for each scenario and one for its controls. No bodies: those are beside it.

use std::fmt::Write as _;

use super::Scene;
use crate::check::Verdict;
use crate::report::junit::escaped;

/// The file.
pub(super) fn render(scenes: &[Scene]) -> String {
    let mut suites: Vec<(&str, Vec<&Scene>)> = Vec::new();
    for scene in scenes {
        match suites.iter_mut().find(|(suite, _)| *suite == scene.suite()) {
            Some((_, of)) => of.push(scene),
            None => suites.push((scene.suite(), vec![scene])),
        }
    }
    let all: Vec<&Scene> = scenes.iter().collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"offline365 replay\" {}>", counts(&all));
    for (suite, of) in suites {
        let _ = writeln!(out, "  <testsuite name=\"{}\" {}>", escaped(suite), counts(&of));
        for scene in of {
            case(&mut out, scene);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn controlled(scene: &Scene) -> bool {
    !scene.verdict.controls.is_empty()
}

fn lost(scene: &Scene) -> bool {
    scene.verdict.controls.iter().any(|control| !control.held)
}

fn counts(scenes: &[&Scene]) -> String {
    let of = |verdict| scenes.iter().filter(|scene| scene.verdict.verdict == verdict).count();
    let (controls, lost) =
        (scenes.iter().filter(|it| controlled(it)).count(), scenes.iter().filter(|it| lost(it)).count());
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        scenes.len() + controls,
        of(Verdict::Fail) + lost,
        of(Verdict::Inconclusive),
        of(Verdict::NotApplicable)
    )
}

fn case(out: &mut String, scene: &Scene) {
    let it = &scene.verdict;
    let (suite, id) = (escaped(scene.suite()), escaped(&it.scenario));
    let _ =
        writeln!(out, "    <testcase classname=\"{suite}\" name=\"{id}\" file=\"{}\">", escaped(scene.check.source));
    out.push_str("      <properties>\n");
    for requirement in &it.requirements {
        let _ = writeln!(out, "        <property name=\"requirement\" value=\"{}\"/>", escaped(requirement));
    }
    let _ = writeln!(out, "        <property name=\"severity\" value=\"{}\"/>", it.severity);
    let _ = writeln!(out, "        <property name=\"cwe\" value=\"{}\"/>\n      </properties>", it.weakness.cwe);
    let reason = escaped(it.reason.as_deref().unwrap_or_default());
    match it.verdict {
        Verdict::Pass => {}
        Verdict::NotApplicable => drop(writeln!(out, "      <skipped message=\"{reason}\"/>")),
        verdict => {
            let element = if verdict == Verdict::Fail { "failure" } else { "error" };
            let broken = it.assertions.iter().find(|assertion| !assertion.said.held).map(|assertion| &assertion.said);
            let seen = broken.map_or_else(String::new, |it| {
                format!("{}\nexpected {}\nobserved {}\n", it.claim, it.expected, it.observed)
            });
            let text =
                escaped(&format!("{}\n{seen}evidence: {}/report.html\nagain: {}", it.title, it.scenario, scene.again));
            let _ = writeln!(out, "      <{element} message=\"{reason}\" type=\"{}\">{text}</{element}>", it.severity);
        }
    }
    out.push_str("    </testcase>\n");
    if controlled(scene) {
        let _ = write!(out, "    <testcase classname=\"{suite}\" name=\"{id}::control\"");
        let lost: Vec<String> = it
            .controls
            .iter()
            .filter(|control| !control.held)
            .map(|control| format!("{}: {}", control.label, control.observed))
            .collect();
        if lost.is_empty() {
            out.push_str("/>\n");
        } else {
            let _ = writeln!(out, "><failure message=\"{}\"/></testcase>", escaped(&lost.join("; ")));
        }
    }
}
