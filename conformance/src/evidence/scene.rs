//! One scenario's evidence: the transcript, and what the verdict rests on, each ground with pointers into the transcript.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Negative, Weakness};
use crate::bench::Measurement;
use crate::broken::Broken;
use crate::check::{Check, Layer, Run, Severity, Verdict};
use crate::recorder::{Entry, Expectation, Leak, StepKind, Transcript};
use crate::run::Outcome;

/// The version of verdict.json's shape.
const SCHEMA: u32 = 2;

/// Everything about one scenario that was run.
#[derive(Debug)]
pub struct Scene {
    /// What was asked.
    pub check: &'static Check,
    /// What was sent and received.
    pub transcript: Transcript,
    /// What it is worth.
    pub verdict: Judgement,
    /// The command that shows it again.
    pub again: String,
}

/// verdict.json.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// Version of this shape.
    pub schema: u32,
    /// The scenario.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// Rows of requirements.toml.
    pub requirements: Vec<String>,
    /// Where the question is known from: public pages, CVE, CWE and RFC numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// What a failure means.
    pub severity: Severity,
    /// What others call it.
    pub weakness: Weakness,
    /// Who attacks, what they have, who must stop it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attack: Option<AttackOf>,
    /// The target.
    pub target: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the verdict does not rest on, although it could.
    pub limits: Vec<String>,
    /// Who refused what was tried.
    pub refusals: Vec<Refused>,
    /// What had to hold.
    pub assertions: Vec<Assertion>,
    /// What had to work.
    pub controls: Vec<Control>,
    /// What the scenario says of connectors with a deliberate fault.
    pub faults: Vec<FaultRun>,
    /// What did not happen.
    pub negative: Option<Negative>,
    /// The hash over the world's content before and after.
    pub state: Option<Change>,
    /// The world's time at the beginning and at the end.
    pub clock: Option<Change>,
    /// Times that were measured.
    pub measured: Vec<Measurement>,
    /// What the emulator was asked and does not model.
    pub unmodelled: Vec<String>,
}

/// Who attacks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttackOf {
    /// The attacker.
    pub by: String,
    /// What the attacker has.
    pub knows: String,
    /// The parts that must stop it.
    pub stopped_by: Vec<Layer>,
}

/// Something at the beginning and at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// At the beginning.
    pub before: String,
    /// At the end.
    pub after: String,
}

/// One expectation.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Assertion {
    /// The step it is about.
    pub step: usize,
    /// What was claimed, expected and seen.
    #[serde(flatten)]
    pub said: Expectation,
    /// JSON pointers into transcript.json: the exchanges that show it.
    pub at: Vec<String>,
}

/// One positive control.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Control {
    /// The step.
    pub step: usize,
    /// Who did what.
    pub label: String,
    /// Whether it worked.
    pub held: bool,
    /// What was seen.
    pub observed: String,
    /// JSON pointers into transcript.json.
    pub at: Vec<String>,
}

/// A refusal and the part that it is attributed to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// The step.
    pub step: usize,
    /// Who did what.
    pub label: String,
    /// Status of the answer.
    pub status: u16,
    /// Its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The part that refused.
    pub by: Option<Layer>,
    /// How many requests reached the issuer meanwhile.
    pub reached_issuer: usize,
    /// How many reached Graph.
    pub reached_graph: usize,
    /// JSON pointers into transcript.json.
    pub at: Vec<String>,
}

/// What the scenario says of one connector with a deliberate fault.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FaultRun {
    /// The fault's name.
    pub broken: &'static str,
    /// What is wrong with that connector.
    pub sentence: &'static str,
    /// The verdict: `fail` means that the attack succeeds there, and that the scenario sees it.
    pub verdict: Verdict,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The JSON schemas of transcript.json and verdict.json, by file name.
pub fn schemas() -> [(&'static str, serde_json::Value); 2] {
    [
        ("transcript.schema.json", schemars::schema_for!(Transcript).to_value()),
        ("verdict.schema.json", schemars::schema_for!(Judgement).to_value()),
    ]
}

impl FaultRun {
    /// From a run against a broken connector.
    pub fn of(broken: &'static Broken, outcome: &Outcome) -> Self {
        let reason = outcome.reason.is_some().then(|| outcome.told());
        Self { broken: broken.name, sentence: broken.sentence, verdict: outcome.verdict, reason }
    }
}

impl Scene {
    /// The evidence of an outcome. `Err` names secrets that would have been written.
    pub fn of(outcome: &Outcome, target: &str, faults: Vec<FaultRun>, again: String) -> Result<Self, Vec<Leak>> {
        let transcript = outcome.recorder.transcript(outcome.check.id)?;
        let verdict = Judgement::of(outcome, &transcript, target, faults);
        Ok(Self { check: outcome.check, transcript, verdict, again })
    }

    /// The suite.
    pub fn suite(&self) -> &'static str {
        self.check.suite()
    }

    /// The definition that was run.
    pub fn definition(&self) -> serde_json::Value {
        let check = self.check;
        let file = match check.run {
            Run::File(scenario) => serde_json::to_value(scenario).unwrap_or_default(),
            Run::Code(_) => serde_json::Value::Null,
        };
        serde_json::json!({
            "schema": 1,
            "id": check.id,
            "title": check.title,
            "source": check.source,
            "requirements": check.requirements,
            "severity": check.severity,
            "profile": check.profile,
            "needs": check.needs,
            "broken": check.broken.iter().map(|broken| broken.name).collect::<Vec<_>>(),
            "scenario": file,
        })
    }

    /// The exchange that decided: the last one of the last step that was tried.
    pub fn decisive(&self) -> Option<&Entry> {
        let pointed = self.verdict.assertions.iter().rev().find(|assertion| !assertion.said.held);
        let pointed = pointed.or(self.verdict.assertions.last())?;
        let index = pointed.at.first()?.rsplit('/').next()?.parse::<usize>().ok()?;
        self.transcript.entries.get(index)
    }
}

impl Judgement {
    fn of(outcome: &Outcome, transcript: &Transcript, target: &str, faults: Vec<FaultRun>) -> Self {
        let check = outcome.check;
        let grounds = Grounds::of(transcript);
        let observed = outcome.observed.as_ref();
        let mut judgement = Self {
            schema: SCHEMA,
            scenario: check.id.to_owned(),
            title: check.title.to_owned(),
            requirements: check.requirements.iter().map(|&id| id.to_owned()).collect(),
            references: check.references().to_vec(),
            severity: check.severity,
            weakness: Weakness::of(check),
            attack: check.attack.map(|attack| AttackOf {
                by: attack.by.to_owned(),
                knows: attack.knows.to_owned(),
                stopped_by: attack.stopped_by.to_vec(),
            }),
            target: target.to_owned(),
            verdict: outcome.verdict,
            reason: outcome.reason.is_some().then(|| outcome.told()),
            limits: Vec::new(),
            refusals: grounds.refusals,
            assertions: grounds.assertions,
            controls: grounds.controls,
            faults,
            negative: observed.map(|observed| observed.negative.clone()),
            state: observed.map(|observed| Change {
                before: observed.before.fingerprint.clone(),
                after: observed.after.fingerprint.clone(),
            }),
            clock: observed.map(|observed| Change {
                before: observed.before.at.to_string(),
                after: observed.after.at.to_string(),
            }),
            measured: outcome.measured.clone(),
            unmodelled: outcome.unmodelled.keys().cloned().collect(),
        };
        judgement.weigh();
        judgement
    }

    /// A pass has to be earned: nothing of others anywhere, and a fault that the scenario would have noticed.
    fn weigh(&mut self) {
        if self.verdict != Verdict::Pass {
            return;
        }
        if let Some(hit) = self.negative.as_ref().and_then(|negative| negative.hits.first()) {
            self.verdict = Verdict::Fail;
            self.reason = Some(format!("exchange {}: {} was shown to {} ({})", hit.seq, hit.of, hit.to, hit.encoding));
            return;
        }
        if let Some(blind) = self.faults.iter().find(|fault| fault.verdict != Verdict::Fail) {
            self.verdict = Verdict::Inconclusive;
            self.reason =
                Some(format!("the scenario does not notice the fault {}: a pass of it shows nothing", blind.broken));
            return;
        }
        if self.faults.is_empty() {
            self.limits.push("no fault was run: nothing shows that the scenario would notice one".to_owned());
        }
        if self.controls.is_empty() {
            self.limits.push("no step is marked as a control".to_owned());
        }
    }
}

#[derive(Default)]
struct Grounds {
    assertions: Vec<Assertion>,
    controls: Vec<Control>,
    refusals: Vec<Refused>,
}

impl Grounds {
    fn of(transcript: &Transcript) -> Self {
        let mut grounds = Self::default();
        let (mut step, mut tried, mut label) = (0, false, String::new());
        let (mut hops, mut upstream): (Vec<(usize, usize, u16)>, Vec<&str>) = Default::default();
        for (index, entry) in transcript.entries.iter().enumerate() {
            let at = |hops: &[(usize, usize, u16)]| {
                hops.iter().map(|(index, _, _)| format!("/entries/{index}")).collect::<Vec<_>>()
            };
            match entry {
                Entry::Step { number, kind, actor, label: what, .. } => {
                    (step, tried, label) = (*number, *kind == StepKind::Attempt, format!("{actor}: {what}"));
                    (hops, upstream) = Default::default();
                }
                Entry::Hop { seq, from, status, .. } if from == "harness" => hops.push((index, *seq, *status)),
                Entry::Hop { to, .. } => upstream.push(to),
                Entry::Answer(answer) if tried && !answer.served => {
                    let hop = hops.iter().find(|(_, seq, _)| *seq == answer.seq).copied();
                    grounds.refusals.push(Refused {
                        step,
                        label: label.clone(),
                        status: hop.map_or(0, |(_, _, status)| status),
                        code: answer.code.clone(),
                        by: answer.by,
                        reached_issuer: upstream.iter().filter(|&&host| host == "login").count(),
                        reached_graph: upstream.iter().filter(|&&host| host == "graph").count(),
                        at: at(hop.as_slice()),
                    });
                }
                Entry::Answer(_) => {}
                Entry::Control { held, observed } => grounds.controls.push(Control {
                    step,
                    label: label.clone(),
                    held: *held,
                    observed: observed.clone(),
                    at: at(&hops),
                }),
                Entry::Expectation(said) => {
                    grounds.assertions.push(Assertion { step, said: said.clone(), at: at(&hops) });
                }
            }
        }
        grounds
    }
}
