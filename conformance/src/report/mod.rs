//! What a run found, as a model; terminal and JSON are functions of it. No wall-clock time inside: the same run gives the same bytes.

pub mod baseline;
pub mod html;
pub mod json;
pub mod junit;
pub mod lock;
pub mod markdown;
pub mod sarif;
pub mod story;
pub mod terminal;
pub mod walk;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::bench::Measurement;
use crate::check::{Profile, Severity, Verdict};
use crate::recorder::Expectation;
use crate::run::{Halt, Outcome};

/// The seed, if nobody names another.
pub const DEFAULT_SEED: u64 = 365;

/// The version of the report's shape.
pub const SCHEMA: u32 = 1;

/// The result of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this shape.
    pub schema: u32,
    /// Version of the harness.
    pub harness: String,
    /// The target's name.
    pub target: String,
    /// What decided every random value.
    pub seed: u64,
    /// One for each check, in the order of the suites.
    pub results: Vec<CheckResult>,
    /// The revocation suite once more, where every revocation also acts on tokens that are out already. Stricter than the real
    /// service: shown beside the verdict, no part of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub strict: Vec<CheckResult>,
    /// What is wrong with the run as a whole: an accepted finding that expired, fewer checks than were pinned. Red.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// The profile file of a target elsewhere: what a finding about it points at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_file: Option<String>,
    /// Which part of the checks this is, where they are split: `2/4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Where the target's promise is weaker than the product's, by its own declaration.
    pub deviations: Vec<String>,
    /// Calls that the target answered.
    pub calls: u64,
    /// What was asked of the emulator and is not modelled.
    pub unmodelled: BTreeMap<String, u64>,
    /// What was answered by a stub of the user's, and how often.
    pub stubbed: BTreeMap<String, u64>,
    #[serde(skip)]
    halts: Vec<Halt>,
}

/// The result of one check.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    /// The check's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its requirements.
    pub requirements: Vec<String>,
    /// Where its question is known from: public pages, CVE, CWE and RFC numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// What a failure means.
    pub severity: Severity,
    /// Which connectors it speaks about.
    pub profile: Profile,
    /// Whether it is an attack, and can be replayed.
    pub attack: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was expected and seen; without secrets.
    pub expectations: Vec<Expectation>,
    /// Times that were measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measurement>,
    /// The file that declares it.
    pub source: String,
    /// Whether the file is one of the user's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// Why a failure is accepted for now: it is shown, and does not gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Newer than the lock: it is shown, and does not gate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
}

impl Report {
    /// The report of a run.
    pub fn new(target: String, seed: u64, outcomes: &[Outcome]) -> Self {
        let counted = |of: fn(&Outcome) -> &BTreeMap<String, u64>| {
            let mut sums: BTreeMap<String, u64> = BTreeMap::new();
            for (what, count) in outcomes.iter().flat_map(of) {
                *sums.entry(what.clone()).or_default() += count;
            }
            sums
        };
        let bounds = outcomes.iter().flat_map(|outcome| &outcome.measured);
        let bound = bounds.map(|measured| measured.declared_bound_seconds).max().unwrap_or(0);
        let deviations = (bound > 0).then(|| {
            format!("the product promises that a revocation acts at once; the target declares up to {bound} s (obo.max_age_seconds)")
        });
        Self {
            schema: SCHEMA,
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            target,
            seed,
            results: outcomes.iter().map(CheckResult::new).collect(),
            strict: Vec::new(),
            problems: Vec::new(),
            profile_file: None,
            shard: None,
            deviations: deviations.into_iter().collect(),
            calls: outcomes.iter().map(|outcome| outcome.calls).sum(),
            unmodelled: counted(|outcome| &outcome.unmodelled),
            stubbed: counted(|outcome| &outcome.stubbed),
            halts: outcomes.iter().filter_map(|outcome| outcome.halt).collect(),
        }
    }

    /// Adds what was found in the strict world.
    #[must_use]
    pub fn with_strict(self, outcomes: &[Outcome]) -> Self {
        Self { strict: outcomes.iter().map(CheckResult::new).collect(), ..self }
    }

    /// How many results have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.results.iter().filter(|result| result.verdict == verdict).count()
    }

    /// How many results have this verdict and decide about the run.
    fn gating(&self, verdict: Verdict) -> usize {
        self.results.iter().filter(|result| result.verdict == verdict && result.gates()).count()
    }

    /// The command that shows one result again.
    pub fn again(&self, result: &CheckResult) -> String {
        let what = if result.own { &result.source } else { &result.id };
        let target = self.profile_file.as_ref().map_or_else(String::new, |file| format!(" --target {file}"));
        let seed = if self.seed == DEFAULT_SEED { String::new() } else { format!(" --seed {}", self.seed) };
        format!("offline365 replay {what}{target}{seed}")
    }

    /// 0 held, 1 failed, 2 inconclusive, 3 the target did not start, 70 a failure of ours.
    pub fn exit_code(&self) -> u8 {
        if self.gating(Verdict::Fail) > 0 || !self.problems.is_empty() {
            1
        } else if self.halts.contains(&Halt::Ours) {
            70
        } else if self.halts.contains(&Halt::Target) {
            3
        } else if self.gating(Verdict::Inconclusive) > 0 || self.count(Verdict::Pass) == 0 {
            2
        } else {
            0
        }
    }
}

impl CheckResult {
    /// Whether it decides about the run.
    pub fn gates(&self) -> bool {
        self.accepted.is_none() && !self.new
    }

    /// The part of the id before `/`.
    pub fn suite(&self) -> &str {
        self.id.split_once('/').map_or(&self.id, |(suite, _)| suite)
    }

    fn new(outcome: &Outcome) -> Self {
        let check = outcome.check;
        let (expectations, reason) = outcome.recorder.summary(outcome.reason.as_deref());
        Self {
            id: check.id.to_owned(),
            title: check.title.to_owned(),
            requirements: check.requirements.iter().map(|&id| id.to_owned()).collect(),
            references: check.references().to_vec(),
            severity: check.severity,
            profile: check.profile,
            attack: check.attack.is_some(),
            verdict: outcome.verdict,
            reason,
            expectations,
            measured: outcome.measured.clone(),
            source: check.source.to_owned(),
            own: !check.source.starts_with("conformance/"),
            accepted: None,
            new: false,
        }
    }
}
