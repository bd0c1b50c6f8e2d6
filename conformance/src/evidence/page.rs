//! report.html of one scenario: what was tried, who stopped it, on what evidence; every exchange below. Without script, without network.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Scene, curl, finding};
use crate::check::{Layer, Verdict};
use crate::recorder::{Card, Entry, Message, StepKind};
use crate::report::junit::escaped;

/// What every page of a bundle looks like.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark}*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;max-width:68rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}\
h1{font-size:1.4rem;line-height:1.25;margin:.6rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}.wide{overflow-x:auto;max-width:100%}\
table{border-collapse:collapse;width:100%}table.five,table.three{table-layout:fixed}table.five .head th:nth-child(1),table.three .head th:nth-child(1){width:6.5rem}table.five .head th:nth-child(5){width:8rem}th,td{text-align:left;overflow-wrap:anywhere;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #8885;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}.v{display:inline-block;padding:0 .5rem;border-radius:.3rem;font-weight:600;color:#fff;white-space:nowrap}\
.pass{background:#1a7f37}.fail{background:#b3261e}.inconclusive{background:#8a5a00}.na{background:#57606a}\
code,pre{font:13px/1.45 ui-monospace,monospace}code{overflow-wrap:anywhere}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.6rem;border-radius:.4rem;margin:.4rem 0}\
details{margin:.4rem 0;padding:.4rem .6rem;border:1px solid #8885;border-radius:.4rem}summary{cursor:pointer;overflow-wrap:anywhere}\
.held{color:#1a7f37}.broken{color:#b3261e;font-weight:600}.dim{opacity:.75;font-size:.9rem}.box{border-left:4px solid #8888;padding:.2rem .9rem;margin:1rem 0;background:#8881;border-radius:0 .4rem .4rem 0}\
.box.pass{border-color:#1a7f37;background:#1a7f3714}.box.fail{border-color:#b3261e;background:#b3261e14}.box.inconclusive{border-color:#8a5a00;background:#8a5a0014}.box p{margin:.5rem 0}\
mark{background:#ffd33d66;color:inherit;padding:0 .15rem;border-radius:.2rem}svg{display:block;border-radius:.4rem}.picture{max-height:90vh;overflow:auto}\
a{color:inherit}nav a{margin-right:1rem}\
@media(max-width:40rem){body{padding:.7rem}table.stack,table.stack tbody,table.stack tr,table.stack td{display:block;width:100%}table.stack tr.head{display:none}\
table.stack tr{border-bottom:1px solid #8885;padding:.4rem 0}table.stack td{border:0;padding:.1rem 0}table.stack td[data-l]::before{content:attr(data-l) \": \";opacity:.7;font-size:.85em}}\
@media(prefers-color-scheme:dark){.held{color:#4ac26b}.broken{color:#ff8b82}}\
@media print{.picture{max-height:none}details{break-inside:avoid}}";

/// The longest piece of a body on the page; the whole is in transcript.json.
const LONGEST: usize = 4_000;

/// The page. `svg`: the picture.
pub(super) fn render(scene: &Scene, svg: &str) -> String {
    let mut out = head(&format!("{}: {}", scene.check.id, scene.check.title));
    let _ = writeln!(
        out,
        "<nav><a href=\"../../summary.html\">all scenarios</a> <code>{}</code></nav>",
        escaped(scene.check.id)
    );
    let _ = writeln!(out, "<h1>{} {}</h1>", badge(scene.verdict.verdict), escaped(scene.check.title));
    minute(&mut out, scene);
    let _ = writeln!(out, "<h2>What happened</h2><div class=\"wide picture\" tabindex=\"0\">{svg}</div>");
    out.push_str("<p class=\"dim\">Red: refused. Dotted: not asked, and that is right. The same token has the same label everywhere.</p>\n");
    assertions(&mut out, scene);
    grounds(&mut out, scene);
    negative(&mut out, scene);
    tokens(&mut out, scene);
    steps(&mut out, scene);
    if scene.verdict.verdict == Verdict::Fail {
        let _ = writeln!(out, "<h2>The finding, ready to paste</h2><pre>{}</pre>", lines(&finding::markdown(scene)));
    }
    again(&mut out, scene);
    out.push_str("</main></body></html>\n");
    out
}

/// The beginning of a page.
pub(super) fn head(title: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title><style>{STYLE}</style></head><body><main>\n",
        escaped(title)
    )
}

/// A verdict as a coloured word.
pub(super) fn badge(verdict: Verdict) -> String {
    format!("<span class=\"v {}\">{verdict}</span>", class(verdict))
}

pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NotApplicable => "na",
    }
}

/// What a reviewer has to know after a minute.
fn minute(out: &mut String, scene: &Scene) {
    let it = &scene.verdict;
    let _ = writeln!(out, "<div class=\"box {}\">", class(it.verdict));
    if let Some(attack) = &it.attack {
        let _ = writeln!(out, "<p><b>Attack.</b> {} has {}.</p>", escaped(&attack.by), escaped(&attack.knows));
    }
    if let Some((tried, others)) = scene.tried() {
        let others = if others > 0 { format!(", and {others} more attempts") } else { String::new() };
        let _ = writeln!(out, "<p><b>Tried.</b> {}{others}.</p>", escaped(&tried));
    }
    let _ = writeln!(out, "<p><b>Outcome.</b> {}</p>", escaped(&scene.outcome()));
    if let Some(reason) = &it.reason {
        let _ = writeln!(out, "<p class=\"broken\">{}</p>", escaped(reason));
    }
    let _ = writeln!(out, "<p><b>Rests on.</b> {}</p>", escaped(&scene.rests_on()));
    for limit in &it.limits {
        let _ = writeln!(out, "<p class=\"dim\">Mind: {}</p>", escaped(limit));
    }
    if !it.references.is_empty() {
        let _ = writeln!(out, "<p class=\"dim\">known from {}</p>", escaped(&it.references.join("; ")));
    }
    let _ = writeln!(
        out,
        "<p class=\"dim\">severity {}, requirements {}, CWE-{}, ASVS 5.0 {}; against {}; <code>{}</code></p></div>",
        it.severity,
        escaped(&it.requirements.join(" ")),
        it.weakness.cwe,
        it.weakness.asvs.join(" "),
        escaped(&it.target),
        escaped(scene.check.source)
    );
}

fn assertions(out: &mut String, scene: &Scene) {
    out.push_str("<h2>What had to hold</h2><table class=\"stack five\"><tr class=\"head\"><th>result</th><th>claim</th><th>expected</th><th>observed</th><th>shown by</th></tr>\n");
    for it in &scene.verdict.assertions {
        let (class, mark) = if it.said.held { ("held", "✓ held") } else { ("broken", "✗ broken") };
        let _ = writeln!(
            out,
            "<tr><td class=\"{class}\">{mark}</td><td>{}</td><td data-l=\"expected\">{}</td><td data-l=\"observed\">{}</td><td data-l=\"shown by\">{}</td></tr>",
            escaped(&it.said.claim),
            escaped(&it.said.expected),
            escaped(&it.said.observed),
            pointers(it.step, &it.at)
        );
    }
    out.push_str("</table>\n");
    if !scene.verdict.refusals.is_empty() {
        out.push_str("<h2>Who refused</h2><table class=\"stack\"><tr class=\"head\"><th>what</th><th>answer</th><th>refused by</th><th>asked meanwhile</th></tr>\n");
        for it in &scene.verdict.refusals {
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td data-l=\"answer\">HTTP {}, {}</td><td data-l=\"refused by\"><b>{}</b></td><td data-l=\"asked meanwhile\">issuer {}, Graph {} ({})</td></tr>",
                escaped(&it.label),
                it.status,
                escaped(it.code.as_deref().unwrap_or("no code")),
                it.by.map_or_else(|| "–".to_owned(), |by| by.to_string()),
                it.reached_issuer,
                it.reached_graph,
                pointers(it.step, &it.at)
            );
        }
        out.push_str("</table>\n");
    }
}

fn pointers(step: usize, at: &[String]) -> String {
    let at: Vec<String> = at.iter().map(|at| escaped(at)).collect();
    format!("<a href=\"#s{step}\">step {step}</a> <code>{}</code>", at.join(" "))
}

fn grounds(out: &mut String, scene: &Scene) {
    out.push_str("<h2>Why a refusal means something</h2>\n");
    if !scene.verdict.controls.is_empty() {
        out.push_str(
            "<table class=\"stack three\"><tr class=\"head\"><th>result</th><th>what must work</th><th>observed</th></tr>\n",
        );
        for it in &scene.verdict.controls {
            let (class, mark) = if it.held { ("held", "✓ works") } else { ("broken", "✗ does not") };
            let _ = writeln!(
                out,
                "<tr><td class=\"{class}\">{mark}</td><td>{}</td><td data-l=\"observed\">{}</td></tr>",
                escaped(&it.label),
                escaped(&it.observed)
            );
        }
        out.push_str("</table>\n");
    }
    if !scene.verdict.faults.is_empty() {
        out.push_str("<table class=\"stack three\"><tr class=\"head\"><th>result</th><th>our connector with a fault</th><th>what the scenario says</th></tr>\n");
        for it in &scene.verdict.faults {
            let (class, mark) =
                if it.verdict == Verdict::Fail { ("held", "✓ noticed") } else { ("broken", "✗ not noticed") };
            let _ = writeln!(
                out,
                "<tr><td class=\"{class}\">{mark}</td><td><code>{}</code>: {}</td><td data-l=\"said\">{} {}</td></tr>",
                escaped(it.broken),
                escaped(it.sentence),
                it.verdict,
                escaped(it.reason.as_deref().unwrap_or_default())
            );
        }
        out.push_str("</table>\n");
    }
}

fn negative(out: &mut String, scene: &Scene) {
    let Some(negative) = &scene.verdict.negative else { return };
    out.push_str("<h2>What did not happen</h2>\n");
    let hits =
        if negative.hits.is_empty() { "none was shown to anybody who may not see it" } else { "some were shown:" };
    let _ = writeln!(
        out,
        "<p>{} words of the world's content were looked for in {} answers ({} bytes), {}: <b>{hits}</b>.</p>",
        negative.words,
        negative.places.len(),
        negative.bytes,
        escaped(&negative.encodings.join(", "))
    );
    for hit in &negative.hits {
        let _ = writeln!(
            out,
            "<p class=\"broken\">exchange {}: {} to {} ({})</p>",
            hit.seq,
            escaped(&hit.of),
            escaped(&hit.to),
            escaped(&hit.encoding)
        );
    }
    if let Some(state) = &scene.verdict.state {
        let told = if state.before == state.after { "unchanged" } else { "changed" };
        let _ = writeln!(out, "<p>The world's content: <b>{told}</b> <code>{}</code></p>", escaped(&state.after));
    }
    out.push_str("<details><summary>To whom the connector spoke</summary><table>\n");
    for it in &negative.outbound {
        let _ = writeln!(
            out,
            "<tr><td class=\"n\">{} ×</td><td><code>{} {}{}</code></td></tr>",
            it.count,
            escaped(&it.method),
            escaped(&it.host),
            escaped(&it.path)
        );
    }
    out.push_str("</table></details>\n");
}

fn tokens(out: &mut String, scene: &Scene) {
    if scene.transcript.tokens.is_empty() {
        return;
    }
    out.push_str("<h2>Tokens</h2>\n");
    for card in &scene.transcript.tokens {
        self::card(out, card);
    }
}

fn card(out: &mut String, card: &Card) {
    let forged = if card.forged { " <span class=\"v fail\">forged</span>" } else { "" };
    let open = if card.forged { " open" } else { "" };
    let _ = writeln!(
        out,
        "<details{open} id=\"{0}\"><summary><b>{0}</b>{forged} {1} <code class=\"dim\">{2}</code></summary>",
        escaped(&card.label),
        escaped(&card.what),
        escaped(&card.print)
    );
    for change in &card.changes {
        let _ = writeln!(out, "<p class=\"broken\">{}</p>", escaped(change));
    }
    if let Some(genuine) = &card.genuine {
        let _ = writeln!(
            out,
            "<table class=\"stack\"><tr class=\"head\"><th>field</th><th>genuine {0}</th><th>{1}</th></tr>",
            escaped(genuine),
            escaped(&card.label)
        );
        let told =
            |value: &Option<Value>| value.as_ref().map_or_else(|| "–".to_owned(), |value| escaped(&value.to_string()));
        for it in &card.difference {
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td data-l=\"genuine\"><code>{}</code></td><td data-l=\"here\"><mark><code>{}</code></mark></td></tr>",
                escaped(&it.field),
                told(&it.genuine),
                told(&it.here)
            );
        }
        if card.difference.is_empty() {
            out.push_str(
                "<tr><td>header and claims</td><td>the same</td><td>the same: only the signature differs</td></tr>",
            );
        }
        out.push_str("</table>\n");
    }
    let json = |value: &Value| lines(&serde_json::to_string_pretty(value).unwrap_or_default());
    let _ = writeln!(out, "<pre>{}</pre><pre>{}</pre></details>", json(&card.header), json(&card.claims));
}

fn steps(out: &mut String, scene: &Scene) {
    out.push_str("<h2>Step by step</h2>\n");
    let mut open = false;
    for (index, entry) in scene.transcript.entries.iter().enumerate() {
        match entry {
            Entry::Step { number, kind, actor, label, at } => {
                if open {
                    out.push_str("</details>\n");
                }
                open = true;
                let kind = match kind {
                    StepKind::Prepare => "",
                    StepKind::Control => " <span class=\"dim\">control</span>",
                    StepKind::Attempt => " <span class=\"dim\">attempt</span>",
                };
                let at = if *at > 0 { format!(" <span class=\"dim\">+{at} s</span>") } else { String::new() };
                let _ = writeln!(
                    out,
                    "<details id=\"s{number}\"><summary><b>{number}.</b> {}: {}{kind}{at}</summary>",
                    escaped(actor),
                    escaped(label)
                );
            }
            Entry::Hop { seq, from, to, method, url, request, status, response, .. } => {
                let _ = writeln!(
                    out,
                    "<p><b>#{seq}</b> {} → {}: <code>{} {}</code> → <b>{}</b> <code class=\"dim\">/entries/{index}</code></p>",
                    escaped(from),
                    escaped(to),
                    escaped(method),
                    escaped(url),
                    if *status == 0 { "no answer".to_owned() } else { status.to_string() }
                );
                message(out, "request", request);
                message(out, "answer", response);
                if from == "harness"
                    && let Some(line) = curl::line(method, url, request)
                {
                    let _ = writeln!(out, "<details><summary>as curl</summary><pre>{}</pre></details>", lines(&line));
                }
            }
            Entry::Answer(answer) => {
                let by = answer.by.map_or_else(String::new, |by| format!(", refused by the {by}"));
                let code = answer.code.as_deref().unwrap_or("no code");
                let told = if answer.served { "served".to_owned() } else { format!("not served: {code}{by}") };
                let _ = writeln!(out, "<p>#{} {}</p>", answer.seq, escaped(&told));
            }
            Entry::Control { held, observed } => {
                let (class, mark) = if *held { ("held", "✓") } else { ("broken", "✗") };
                let _ = writeln!(out, "<p class=\"{class}\">{mark} control: {}</p>", escaped(observed));
            }
            Entry::Expectation(it) => {
                let (class, mark) = if it.held { ("held", "✓") } else { ("broken", "✗") };
                let _ = writeln!(
                    out,
                    "<p class=\"{class}\">{mark} {}: expected {}, observed {}</p>",
                    escaped(&it.claim),
                    escaped(&it.expected),
                    escaped(&it.observed)
                );
            }
        }
    }
    if open {
        out.push_str("</details>\n");
    }
}

fn message(out: &mut String, what: &str, message: &Message) {
    let mut text = String::new();
    for (name, value) in &message.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    if let Some(why) = &message.withheld {
        let _ = write!(text, "\n[withheld: {why}]");
    } else if !message.body.is_empty() {
        let pretty = serde_json::from_str::<Value>(&message.body).ok().filter(|_| message.body.len() < 200_000);
        let pretty = pretty.and_then(|value| serde_json::to_string_pretty(&value).ok());
        let body = pretty.as_deref().unwrap_or(&message.body);
        let shown: String = body.chars().take(LONGEST).collect();
        let _ = write!(text, "\n{shown}");
        if shown.len() < body.len() {
            let _ = write!(text, "\n[{} of {} bytes; the whole is in transcript.json]", shown.len(), body.len());
        }
    }
    let _ = writeln!(out, "<details><summary>{what}</summary><pre>{}</pre></details>", lines(&text));
}

fn again(out: &mut String, scene: &Scene) {
    let _ = writeln!(out, "<h2>Again</h2><pre>{}</pre>", lines(&scene.again));
    if let Some(fault) = scene.verdict.faults.first() {
        let _ = writeln!(
            out,
            "<p>and against a connector with the fault:</p><pre>{} --broken {}</pre>",
            lines(&scene.again),
            fault.broken
        );
    }
    out.push_str("<p class=\"dim\">Beside this page: <code>scenario.json</code> what was run, <code>transcript.json</code> every byte, <code>verdict.json</code> the grounds, <code>transcript.har</code> for browsers and proxies, <code>sequence.svg</code> and <code>.mmd</code> the picture.</p>\n");
}

/// Text of several lines for a page, control and direction characters as dots.
fn lines(text: &str) -> String {
    escaped(text)
}

impl Scene {
    /// What was tried last, in a sentence, and how much else was.
    pub(super) fn tried(&self) -> Option<(String, usize)> {
        let mut tried = self.transcript.entries.iter().rev().filter_map(|entry| match entry {
            Entry::Step { kind: StepKind::Attempt, actor, label, .. } => Some(format!("{actor}: {label}")),
            _ => None,
        });
        tried.next().map(|last| (last, tried.count()))
    }

    /// Who stopped it, in a sentence.
    pub(super) fn outcome(&self) -> String {
        match (self.verdict.verdict, self.verdict.refusals.last()) {
            (Verdict::Fail, _) => "The attack succeeds, or something that must hold does not.".to_owned(),
            (Verdict::Inconclusive, _) => "Nothing was shown.".to_owned(),
            (Verdict::NotApplicable, _) => "It cannot be asked of this target.".to_owned(),
            (Verdict::Pass, None) => {
                "Nothing had to be refused: what was served holds nothing that it must not.".to_owned()
            }
            (Verdict::Pass, Some(last)) => {
                let by = match last.by {
                    None => "the target",
                    Some(Layer::Connector) => "the connector",
                    Some(Layer::Issuer) => "the issuer",
                    Some(Layer::Graph) => "Graph",
                };
                let reached = match (last.reached_issuer, last.reached_graph) {
                    (0, 0) => "nobody else was asked".to_owned(),
                    (issuer, graph) => format!("requests meanwhile: {issuer} to the issuer, {graph} to Graph"),
                };
                let code = last.code.as_deref().unwrap_or("no code");
                format!("Stopped by {by}: HTTP {}, {code}; {reached}.", last.status)
            }
        }
    }

    /// What the verdict rests on, in a sentence.
    pub(super) fn rests_on(&self) -> String {
        let it = &self.verdict;
        let held = it.assertions.iter().filter(|assertion| assertion.said.held).count();
        let works = it.controls.iter().filter(|control| control.held).count();
        let noticed = it.faults.iter().filter(|fault| fault.verdict == Verdict::Fail).count();
        let searched = it.negative.as_ref().map_or_else(String::new, |negative| {
            format!(
                "; {} of {} words of others' content in {} bytes of answers",
                negative.hits.len(),
                negative.words,
                negative.bytes
            )
        });
        format!(
            "{held} of {} expectations held; {works} of {} controls worked; {noticed} of {} deliberate faults were noticed{searched}.",
            it.assertions.len(),
            it.controls.len(),
            it.faults.len()
        )
    }
}
