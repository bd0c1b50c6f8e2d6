//! summary.html: the bundle on one page, every scenario with its verdict and the way to it.

use std::fmt::Write as _;

use super::page::{badge, head};
use super::{Environment, Scene};
use crate::check::Verdict;
use crate::report::junit::escaped;

/// The page.
pub(super) fn render(environment: &Environment, scenes: &[Scene]) -> String {
    let mut out = head(&format!("offline365: {}", environment.target.name));
    let _ = writeln!(out, "<h1>{}</h1>", escaped(&environment.target.name));
    let counts: Vec<String> = [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::NotApplicable]
        .into_iter()
        .map(|verdict| {
            format!("{} {}", badge(verdict), scenes.iter().filter(|it| it.verdict.verdict == verdict).count())
        })
        .collect();
    let _ = writeln!(out, "<p>{}</p>", counts.join(" "));
    let _ = writeln!(
        out,
        "<p class=\"dim\">run <code>{}</code>, seed {}, offline365 {}{}; {} to {}<br><code>{}</code></p>",
        escaped(&environment.run),
        environment.seed,
        env!("CARGO_PKG_VERSION"),
        environment.commit.as_ref().map_or_else(String::new, |commit| format!(" ({})", escaped(commit))),
        environment.wall.before,
        environment.wall.after,
        escaped(&environment.command.join(" "))
    );
    if let Some(server) = &environment.target.server_info {
        let _ =
            writeln!(out, "<p class=\"dim\">the target calls itself <code>{}</code></p>", escaped(&server.to_string()));
    }
    if let Some(allowed) = &environment.target.authorization {
        let _ = writeln!(
            out,
            "<p>Authorized by {} ({}), until {}.</p>",
            escaped(&allowed.owner),
            escaped(&allowed.reference),
            allowed.valid_until
        );
    }
    matrix(&mut out, scenes);
    let mut suites: Vec<&str> = Vec::new();
    for scene in scenes {
        if !suites.contains(&scene.suite()) {
            suites.push(scene.suite());
        }
    }
    for suite in suites {
        let _ = writeln!(
            out,
            "<h2 id=\"{0}\">{0}</h2><table class=\"stack\"><tr class=\"head\"><th>verdict</th><th>scenario</th><th>severity</th><th>outcome</th></tr>",
            escaped(suite)
        );
        for scene in scenes.iter().filter(|scene| scene.suite() == suite) {
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td><a href=\"{1}/report.html\">{2}</a><br><code>{1}</code></td><td data-l=\"severity\">{3}</td><td data-l=\"outcome\">{4}</td></tr>",
                badge(scene.verdict.verdict),
                escaped(scene.check.id),
                escaped(scene.check.title),
                scene.verdict.severity,
                escaped(scene.verdict.reason.as_deref().unwrap_or(&scene.outcome()))
            );
        }
        out.push_str("</table>\n");
    }
    out.push_str("<p class=\"dim\">Hashes of every file: <code>manifest.json</code>; <code>offline365 verify DIR</code> compares them. How to read it: docs/evidence.md.</p></main></body></html>\n");
    out
}

fn matrix(out: &mut String, scenes: &[Scene]) {
    out.push_str("<h2>Suites</h2><div class=\"wide\"><table><tr><th>suite</th><th>pass</th><th>fail</th><th>inconclusive</th><th>n/a</th></tr>\n");
    let mut suites: Vec<&str> = scenes.iter().map(Scene::suite).collect();
    suites.dedup();
    for suite in suites {
        let _ = write!(out, "<tr><td><a href=\"#{0}\">{0}</a></td>", escaped(suite));
        for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::NotApplicable] {
            let of = scenes.iter().filter(|scene| scene.suite() == suite && scene.verdict.verdict == verdict).count();
            let _ = write!(out, "<td class=\"n\">{of}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
}
