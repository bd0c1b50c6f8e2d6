//! Who spoke to whom, in which order, as a picture: Mermaid text for comparing, SVG for looking at. Made from the transcript alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::negative::template;
use crate::recorder::{Entry, Message, StepKind, Transcript};
use crate::report::junit::escaped;
use crate::report::terminal::printable;

/// More arrows make no picture.
const MOST: usize = 150;

/// Distance between two lanes; many stand closer.
const GAP: usize = 220;
const NARROW_GAP: usize = 165;
const ROW: usize = 46;
const HEAD: usize = 44;

/// The picture of one scenario.
pub(super) struct Sequence {
    lanes: Vec<String>,
    rows: Vec<Row>,
    left_out: usize,
}

enum Row {
    Step(String),
    Arrow(Arrow),
}

struct Arrow {
    from: usize,
    to: usize,
    /// Two short lines.
    text: [String; 2],
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Refused,
    /// It did not happen, and that is right.
    Absent,
}

/// What is drawn before the lanes are known.
struct Draft {
    from: String,
    to: String,
    text: [String; 2],
    kind: Kind,
}

struct Sketch<'a> {
    attacker: &'a str,
    tenants: &'a BTreeMap<String, String>,
    /// Labels of tokens that the attacker made.
    forged: Vec<String>,
    rows: Vec<Result<Draft, String>>,
    actor: String,
    tried: bool,
    /// Since the last request of a person: who else was asked.
    issuer: bool,
    graph: bool,
    asker: String,
    status: u16,
}

impl Sequence {
    /// The picture. `tenants`: id and name.
    pub(super) fn of(transcript: &Transcript, attacker: Option<&str>, tenants: &BTreeMap<String, String>) -> Self {
        let mut sketch = Sketch {
            attacker: attacker.unwrap_or_default(),
            tenants,
            forged: transcript.tokens.iter().filter(|card| card.forged).map(|card| card.label.clone()).collect(),
            rows: Vec::new(),
            actor: String::new(),
            tried: false,
            issuer: false,
            graph: false,
            asker: String::new(),
            status: 0,
        };
        transcript.entries.iter().for_each(|entry| sketch.entry(entry));
        let drawn = sketch.rows.iter().flatten().flat_map(|draft| [draft.from.as_str(), draft.to.as_str()]);
        let drawn: std::collections::BTreeSet<&str> = drawn.collect();
        let mut lanes: Vec<String> = ["attacker", "people", "host", "connector"].map(str::to_owned).to_vec();
        lanes.extend(drawn.iter().filter(|lane| lane.starts_with("issuer")).map(|&lane| lane.to_owned()));
        lanes.push("graph".to_owned());
        lanes.retain(|lane| drawn.contains(lane.as_str()));
        let left_out = sketch.rows.len().saturating_sub(MOST);
        let at = |lane: &str| lanes.iter().position(|known| known == lane).unwrap_or(0);
        let rows = sketch.rows.into_iter().take(MOST).map(|row| match row {
            Err(step) => Row::Step(step),
            Ok(draft) => {
                Row::Arrow(Arrow { from: at(&draft.from), to: at(&draft.to), text: draft.text, kind: draft.kind })
            }
        });
        let rows = rows.collect();
        Self { lanes, rows, left_out }
    }

    /// Mermaid's text (<https://mermaid.js.org/syntax/sequenceDiagram.html>).
    pub(super) fn mermaid(&self) -> String {
        let mut out = String::from("sequenceDiagram\n");
        for (index, lane) in self.lanes.iter().enumerate() {
            let _ = writeln!(out, "  participant L{index} as {}", plain(lane));
        }
        let last = self.lanes.len().saturating_sub(1);
        for row in &self.rows {
            let _ = match row {
                Row::Step(text) => writeln!(out, "  Note over L0,L{last}: {}", plain(text)),
                Row::Arrow(arrow) => {
                    let line = match arrow.kind {
                        Kind::Plain => "->>",
                        Kind::Refused => "-x",
                        Kind::Absent => "--)",
                    };
                    let [one, two] = arrow.text.each_ref().map(|text| plain(text));
                    writeln!(out, "  L{}{line}L{}: {one} {two}", arrow.from, arrow.to)
                }
            };
        }
        if self.left_out > 0 {
            let _ = writeln!(out, "  Note over L0,L{last}: {} more in transcript.json", self.left_out);
        }
        out
    }

    /// A picture without script, font or link.
    pub(super) fn svg(&self) -> String {
        let gap = if self.lanes.len() > 5 { NARROW_GAP } else { GAP };
        let x = |lane: usize| 80 + lane * gap;
        let width = 160 + gap * self.lanes.len().saturating_sub(1).max(1);
        let height = HEAD + ROW * (self.rows.len() + 1) + 10;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" style=\"width:100%;max-width:{width}px;min-width:min({width}px,46rem);height:auto\" role=\"img\" font-family=\"system-ui,sans-serif\" font-size=\"12\">\n<title>Who asked whom, in order</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        for (index, lane) in self.lanes.iter().enumerate() {
            let x = x(index);
            let (fill, ink) = if lane == "attacker" { ("#b3261e", "#ffffff") } else { ("#e7ebf0", "#1f2328") };
            let _ = writeln!(
                out,
                "<line x1=\"{x}\" y1=\"34\" x2=\"{x}\" y2=\"{}\" stroke=\"#c3c8ce\"/><rect x=\"{}\" y=\"8\" width=\"140\" height=\"26\" rx=\"5\" fill=\"{fill}\"/><text x=\"{x}\" y=\"26\" text-anchor=\"middle\" font-weight=\"600\" fill=\"{ink}\">{}</text>",
                height - 8,
                x - 70,
                escaped(&cut(lane, 22))
            );
        }
        let mut y = HEAD;
        for row in &self.rows {
            match row {
                Row::Step(text) => step(&mut out, text, y, width),
                Row::Arrow(arrow) => self::arrow(&mut out, arrow, (x(arrow.from), x(arrow.to)), y),
            }
            y += ROW;
        }
        if self.left_out > 0 {
            step(&mut out, &format!("{} more exchanges in transcript.json", self.left_out), y, width);
        }
        out.push_str("</svg>\n");
        out
    }
}

fn step(out: &mut String, text: &str, y: usize, width: usize) {
    let _ = writeln!(
        out,
        "<rect x=\"4\" y=\"{}\" width=\"{}\" height=\"24\" rx=\"4\" fill=\"#f2f4f7\" stroke=\"#d6dbe1\"/><text x=\"12\" y=\"{}\" font-weight=\"600\" fill=\"#1f2328\">{}</text>",
        y + 12,
        width - 8,
        y + 28,
        escaped(&cut(text, width / 7))
    );
}

fn arrow(out: &mut String, arrow: &Arrow, ends: (usize, usize), y: usize) {
    let (from, to) = ends;
    let (ink, dash) = match arrow.kind {
        Kind::Plain => ("#0b5cad", ""),
        Kind::Refused => ("#b3261e", ""),
        Kind::Absent => ("#57606a", " stroke-dasharray=\"3 5\""),
    };
    let line = y + 38;
    let head = if to > from { to.saturating_sub(8) } else { to + 8 };
    let room = from.abs_diff(to) / 6;
    let middle = usize::midpoint(from, to);
    let [one, two] = arrow.text.each_ref().map(|text| escaped(&cut(text, room)));
    let whole = escaped(&arrow.text.join(" "));
    let _ = writeln!(
        out,
        "<g fill=\"{ink}\"><title>{whole}</title><line x1=\"{from}\" y1=\"{line}\" x2=\"{to}\" y2=\"{line}\" stroke=\"{ink}\" stroke-width=\"1.6\"{dash}/><path d=\"M{to} {line}L{head} {}L{head} {}Z\"/><text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\">{one}</text><text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\">{two}</text></g>",
        line - 5,
        line + 5,
        y + 18,
        y + 32
    );
}

impl Sketch<'_> {
    fn entry(&mut self, entry: &Entry) {
        match entry {
            Entry::Step { number, kind, actor, label, .. } => {
                let kind_told = match kind {
                    StepKind::Prepare => "",
                    StepKind::Control => " (control)",
                    StepKind::Attempt => " (attempt)",
                };
                self.rows.push(Err(format!("{number}. {actor}: {label}{kind_told}")));
                (self.tried, self.issuer, self.graph) = (*kind == StepKind::Attempt, false, false);
                self.actor.clone_from(actor);
            }
            Entry::Hop { seq, from, actor, to, method, url, request, status, .. } => {
                self.hop(*seq, (from, actor, to), (method, url), request, *status);
            }
            Entry::Answer(answer) if !answer.served => {
                let code = answer.code.clone().unwrap_or_else(|| "no code".to_owned());
                let by = answer.by.map_or_else(String::new, |by| format!("refused by the {by}"));
                let text = [format!("refused: {} {code}", self.status), by];
                let from = self.asked();
                if self.tried && !self.issuer && !self.graph && from == "connector" {
                    let issuer = self.issuers().into_iter().next().unwrap_or_else(|| "issuer".to_owned());
                    self.absent(&issuer);
                    self.absent("graph");
                } else if self.tried && !self.graph && from == "connector" {
                    self.absent("graph");
                }
                self.rows.push(Ok(Draft { from, to: self.asker.clone(), text, kind: Kind::Refused }));
            }
            Entry::Answer(_) | Entry::Control { .. } | Entry::Expectation(_) => {}
        }
    }

    /// Who was asked last by a person.
    fn asked(&self) -> String {
        let last = self.rows.iter().rev().flatten().find(|draft| draft.from == self.asker);
        last.map_or_else(|| "connector".to_owned(), |draft| draft.to.clone())
    }

    /// The issuers that are in the picture already.
    fn issuers(&self) -> Vec<String> {
        let named = self.rows.iter().flatten().filter(|draft| draft.to.starts_with("issuer"));
        named.map(|draft| draft.to.clone()).collect()
    }

    fn absent(&mut self, to: &str) {
        let text = ["not asked".to_owned(), String::new()];
        self.rows.push(Ok(Draft { from: "connector".to_owned(), to: to.to_owned(), text, kind: Kind::Absent }));
    }

    fn hop(&mut self, seq: usize, ways: (&str, &str, &str), asked: (&str, &str), request: &Message, status: u16) {
        let (from, actor, to) = ways;
        let (method, url) = asked;
        let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or("/");
        let path = path.split('?').next().unwrap_or("/");
        let to = match to {
            "login" => self.issuer_of(path),
            other => other.to_owned(),
        };
        let from = if from == "harness" {
            let forged = token(request).is_some_and(|label| self.forged.contains(&label));
            let named = actor == self.attacker || self.actor == self.attacker;
            let attacks = named || forged || (self.attacker.is_empty() && self.tried);
            let person = if to == "host" { "people" } else { "host" };
            if attacks { "attacker" } else { person }.clone_into(&mut self.asker);
            self.status = status;
            self.asker.clone()
        } else {
            self.issuer |= to.starts_with("issuer");
            self.graph |= to == "graph";
            "connector".to_owned()
        };
        let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let tool = header("mcp-name").or_else(|| header("mcp-method")).unwrap_or_default();
        let label = token(request).map_or_else(String::new, |label| format!(" {label}"));
        let told = if status == 0 { "no answer".to_owned() } else { status.to_string() };
        let what = if tool.is_empty() { template(path) } else { tool.to_owned() };
        let text = [format!("#{seq} {method} → {told}{label}"), what];
        // A refusal over MCP is red where it is told; a refusal upstream is red at once.
        let kind = if status >= 400 && from == "connector" { Kind::Refused } else { Kind::Plain };
        self.rows.push(Ok(Draft { from, to, text, kind }));
    }

    fn issuer_of(&self, path: &str) -> String {
        let tenant = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        self.tenants.get(tenant).map_or_else(|| "issuer".to_owned(), |name| format!("issuer {name}"))
    }
}

/// The label of the token that a request carries.
fn token(request: &Message) -> Option<String> {
    let header = request.headers.iter().find(|(name, _)| name == "authorization").map(|(_, value)| value.as_str());
    let assertion = request.body.split('&').find_map(|field| field.strip_prefix("assertion="));
    let text = header.or(assertion)?;
    let (_, rest) = text.split_once('<').or_else(|| text.split_once("%3C"))?;
    let label: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    label.starts_with('T').then_some(label)
}

fn cut(text: &str, most: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= most {
        return text;
    }
    format!("{}…", text.chars().take(most.saturating_sub(1)).collect::<String>())
}

/// Text that means nothing to Mermaid.
fn plain(text: &str) -> String {
    let text = printable(text).replace('{', "(").replace('}', ")");
    text.replace([';', '#', '<', '>', ':', '%'], " ").trim().to_owned()
}
