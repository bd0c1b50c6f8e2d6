//! Runs checks: each on a bench of its own, several side by side, results in the order they were asked for.

mod around;
mod ground;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fixtures::Plan;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;

pub use self::around::Ask;
use self::ground::{Ground, NoGround};
use crate::bench::{Bench, Embedded, Measurement, StartError};
use crate::broken::Broken;
use crate::check::{Check, Feature, Finding, Run, Setup, Verdict, World};
pub use crate::client::Via;
use crate::evidence::Negative;
use crate::recorder::{Recorder, Sweep};
use crate::suites::Drawing;
use crate::target::{Doors, Profile, Target};

/// How long one check may take before it is given up as inconclusive.
const PATIENCE: Duration = Duration::from_mins(1);

/// The same where a person holds requests in a proxy.
const PATIENCE_OF_A_PERSON: Duration = Duration::from_hours(1);

/// How many embedded benches run side by side. They mostly wait for each other's sockets, so a few more than there are cores.
const SIDE_BY_SIDE: usize = 4;

/// Runs checks against targets.
#[derive(Clone)]
pub struct Runner {
    plan: Arc<Plan>,
    seed: u64,
    world: Option<World>,
    watch: Option<fn(&Outcome)>,
    /// The words of the content, where every answer is to be searched for them.
    observed: Option<Arc<Sweep>>,
    via: Option<Via>,
}

/// What came of many runs with other seeds.
#[derive(Debug, Default)]
pub struct Deep {
    /// Runs.
    pub runs: u64,
    /// Histories in those that passed.
    pub histories: u64,
    /// Calls that the target answered.
    pub calls: u64,
    /// Those that did not pass.
    pub red: Vec<Outcome>,
}

/// How one check ended, with everything it recorded.
#[derive(Debug)]
pub struct Outcome {
    /// The check.
    pub check: &'static Check,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not a pass.
    pub reason: Option<String>,
    /// What kept the check from being asked at all.
    pub halt: Option<Halt>,
    /// The record.
    pub recorder: Recorder,
    /// Times that were measured.
    pub measured: Vec<Measurement>,
    /// Calls that the target answered.
    pub calls: u64,
    /// What was seen beside the record, if it was asked for.
    pub observed: Option<Observed>,
    /// What was asked of the emulator and is not modelled.
    pub unmodelled: BTreeMap<String, u64>,
    /// What was answered by a stub of the user's, and how often: never a pass.
    pub stubbed: BTreeMap<String, u64>,
}

/// What was seen beside the record.
#[derive(Debug, Clone)]
pub struct Observed {
    /// When it began.
    pub before: State,
    /// When it had ended.
    pub after: State,
    /// What did not happen.
    pub negative: Negative,
}

/// The world at one instant.
#[derive(Debug, Clone)]
pub struct State {
    /// Its time.
    pub at: Timestamp,
    /// The hash over its content.
    pub fingerprint: String,
}

impl State {
    async fn of(bench: &Bench) -> Option<Self> {
        Some(Self { at: bench.lab().now().await.ok()?, fingerprint: bench.lab().fingerprint().await.ok()? })
    }
}

/// What kept a check from being asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The target did not start.
    Target,
    /// A failure of ours.
    Ours,
}

/// What stays up after a check.
pub struct Kept {
    /// Where everything is.
    pub doors: Doors,
    house: House,
}

enum House {
    Embedded(Box<Embedded>),
    Elsewhere(Box<Ground>),
}

impl Kept {
    /// Ends it.
    pub async fn end(self) {
        match self.house {
            House::Embedded(house) => house.shutdown().await,
            House::Elsewhere(ground) => ground.end().await,
        }
    }
}

impl Runner {
    /// A runner over these fixtures. The seed decides every random value of the worlds.
    pub fn new(plan: Plan, seed: u64) -> Self {
        Self { plan: Arc::new(plan), seed, world: None, watch: None, observed: None, via: None }
    }

    /// The same in a world that treats revocations so, whatever the checks say.
    #[must_use]
    pub fn in_world(self, world: World) -> Self {
        Self { world: Some(world), ..self }
    }

    /// The same, with what evidence needs beside the record: times, the state of the world, a search of every answer.
    #[must_use]
    pub fn observed(self) -> Self {
        Self { observed: Some(Arc::new(Negative::words(&self.plan))), ..self }
    }

    /// The same, with every request of the harness through a proxy, one check after the other.
    #[must_use]
    pub fn via(self, via: Via) -> Self {
        Self { via: Some(via), ..self }
    }

    /// What worlds are made from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same, telling each outcome as soon as it is there.
    #[must_use]
    pub fn watched(self, watch: fn(&Outcome)) -> Self {
        Self { watch: Some(watch), ..self }
    }

    fn told(&self, outcome: Outcome) -> Outcome {
        if let Some(watch) = self.watch {
            watch(&outcome);
        }
        outcome
    }

    /// Runs checks against one target.
    pub async fn run(&self, checks: &[&'static Check], target: &Target) -> Vec<Outcome> {
        match target {
            Target::Embedded(broken) => {
                let pairs: Vec<_> = checks.iter().map(|&check| (check, *broken)).collect();
                self.embedded(&pairs).await
            }
            Target::Remote(profile) => self.remote(checks, profile).await,
        }
    }

    /// Runs each check against our connector, with its own deliberate fault if one is named.
    pub async fn embedded(&self, pairs: &[(&'static Check, Option<&'static Broken>)]) -> Vec<Outcome> {
        let runs = pairs.iter().map(|&(check, broken)| {
            let runner = self.clone();
            async move {
                let run = tokio::spawn(async move { runner.one(check, broken).await });
                run.await
                    .unwrap_or_else(|error| Outcome::halted(check, Halt::Ours, format!("the harness failed: {error}")))
            }
        });
        stream::iter(runs.collect::<Vec<_>>())
            .buffered(if self.via.is_some() { 1 } else { SIDE_BY_SIDE })
            .map(|outcome| self.told(outcome))
            .collect()
            .await
    }

    /// Runs checks that draw at random again and again, each time with another seed. What passes is counted and let go.
    pub async fn deep(&self, all: &[Drawing]) -> Deep {
        let seeds = all.iter().flat_map(|&drawing| (1..=drawing.runs).map(move |seed| (drawing, seed)));
        let runs = seeds.map(|(drawing, more)| {
            let check = drawing.check;
            let runner = Self { seed: self.seed.wrapping_add(more), ..self.clone() };
            async move {
                let run = tokio::spawn(async move { runner.one(check, None).await });
                let outcome = run.await;
                (
                    drawing,
                    outcome.unwrap_or_else(|error| {
                        Outcome::halted(check, Halt::Ours, format!("the harness failed: {error}"))
                    }),
                )
            }
        });
        let mut runs = stream::iter(runs).buffer_unordered(SIDE_BY_SIDE);
        let mut deep = Deep::default();
        while let Some((drawing, outcome)) = runs.next().await {
            deep.runs += 1;
            deep.calls += outcome.calls;
            if outcome.verdict == Verdict::Pass {
                deep.histories += drawing.histories;
            } else {
                deep.red.push(outcome);
            }
        }
        deep
    }

    async fn one(&self, check: &'static Check, broken: Option<&'static Broken>) -> Outcome {
        let setup = Setup { world: self.world.unwrap_or(check.setup.world), ..check.setup };
        let started = Embedded::start(Arc::clone(&self.plan), self.seed, &setup, broken).await;
        let (house, bench) = match started {
            Ok(started) => started,
            Err(StartError::Ours(why)) => return Outcome::halted(check, Halt::Ours, why),
            Err(StartError::Target(why)) => return Outcome::halted(check, Halt::Target, why),
        };
        let outcome = self.ask(check, bench).await;
        house.shutdown().await;
        outcome
    }

    async fn ask(&self, check: &'static Check, bench: Bench) -> Outcome {
        let mut bench = bench.seeded(self.seed);
        if let Some(via) = &self.via
            && let Err(why) = bench.via(via)
        {
            return Outcome::halted(check, Halt::Ours, why);
        }
        let patience = if self.via.is_some() { PATIENCE_OF_A_PERSON } else { PATIENCE };
        ask(check, bench, self.observed.as_deref(), patience).await
    }

    /// Runs one check and leaves everything up.
    pub async fn keep(&self, check: &'static Check, target: &Target) -> Result<(Outcome, Kept), Outcome> {
        match target {
            Target::Embedded(broken) => {
                let setup = Setup { world: self.world.unwrap_or(check.setup.world), ..check.setup };
                let started = Embedded::start(Arc::clone(&self.plan), self.seed, &setup, *broken).await;
                let (house, bench) = started.map_err(|error| Outcome::halted(check, Halt::Ours, error.to_string()))?;
                let doors = bench.doors().clone();
                let outcome = self.ask(check, bench).await;
                Ok((outcome, Kept { doors, house: House::Embedded(Box::new(house)) }))
            }
            Target::Remote(profile) => match self.ground(profile).await {
                Ok(ground) => {
                    let outcome = self.on(check, &ground).await;
                    Ok((outcome, Kept { doors: ground.doors.clone(), house: House::Elsewhere(Box::new(ground)) }))
                }
                Err(NoGround::Ours(why)) => Err(Outcome::halted(check, Halt::Ours, why)),
                Err(NoGround::Target(why)) => Err(Outcome::halted(check, Halt::Target, why)),
            },
        }
    }

    /// One after the other: there is one target, and one world that it knows.
    async fn remote(&self, checks: &[&'static Check], profile: &Profile) -> Vec<Outcome> {
        let ground = match self.ground(profile).await {
            Ok(ground) => ground,
            Err(NoGround::Ours(why)) => return halted(checks, Halt::Ours, &why),
            Err(NoGround::Target(why)) => return halted(checks, Halt::Target, &why),
        };
        let begun = tokio::time::Instant::now();
        let total = profile.start.as_ref().map(|start| Duration::from_secs(start.total_seconds));
        let mut outcomes = Vec::new();
        for &check in checks {
            if total.is_some_and(|total| begun.elapsed() > total) {
                let why = "the run took longer than start.total_seconds of the profile".to_owned();
                outcomes.push(self.told(Outcome::halted(check, Halt::Target, why)));
                continue;
            }
            outcomes.push(self.told(self.on(check, &ground).await));
        }
        ground.end().await;
        outcomes
    }

    async fn on(&self, check: &'static Check, ground: &Ground) -> Outcome {
        if let Some(missing) = missing(check, &ground.doors.features) {
            return Outcome::ended(check, &Finding::NotApplicable(missing));
        }
        // What one check left behind must not help the next.
        ground.doors.speech.forget().await;
        let bench = match Bench::new(Arc::clone(&ground.plan), ground.doors.clone(), None, None).await {
            Ok(bench) => bench,
            Err(error) => return Outcome::halted(check, Halt::Ours, error.to_string()),
        };
        if let Err(error) = bench.lab().reset().await {
            return Outcome::halted(check, Halt::Ours, error.to_string());
        }
        let mut outcome = self.ask(check, bench).await;
        let said = ground.said();
        if !said.is_empty()
            && outcome.verdict != Verdict::Pass
            && let Some(reason) = &mut outcome.reason
        {
            let last = said.lines().last().unwrap_or_default();
            *reason = format!("{reason}; the target's last line: {last}");
        }
        outcome
    }
}

fn halted(checks: &[&'static Check], halt: Halt, why: &str) -> Vec<Outcome> {
    checks.iter().map(|check| Outcome::halted(check, halt, why.to_owned())).collect()
}

/// The first feature that the check needs and the target lacks.
fn missing(check: &Check, has: &BTreeSet<Feature>) -> Option<Feature> {
    check.needs.iter().find(|feature| !has.contains(feature)).copied()
}

async fn ask(check: &'static Check, mut bench: Bench, observed: Option<&Sweep>, patience: Duration) -> Outcome {
    if let Run::File(scenario) = check.run {
        bench.recorder.defined_by(serde_json::to_string(scenario).unwrap_or_default());
    }
    let before = if observed.is_some() { State::of(&bench).await } else { None };
    let asked = tokio::time::timeout(patience, check.run.ask(&mut bench)).await;
    let finding = match asked {
        Ok(Ok(())) => None,
        Ok(Err(finding)) => Some(finding),
        Err(_) => Some(Finding::Inconclusive(format!("not answered within {} s", patience.as_secs()))),
    };
    let mut outcome = match &finding {
        None => Outcome::new(check, Verdict::Pass, None),
        Some(finding) => Outcome::ended(check, finding),
    };
    outcome.unmodelled = bench.lab().unmodelled().await.unwrap_or_default().into_iter().collect();
    outcome.stubbed = bench.lab().stubbed().await.unwrap_or_default().into_iter().collect();
    outcome.doubt_stubs();
    outcome.measured = bench.measured().to_vec();
    outcome.calls = bench.calls();
    if let (Some(before), Some(words)) = (before, observed)
        && let Some(after) = State::of(&bench).await
    {
        let negative = Negative::of(&bench.plan, words, &bench.recorder);
        outcome.observed = Some(Observed { before, after, negative });
    }
    outcome.recorder = bench.recorder;
    // A pass that claimed nothing would be the worst bug of all.
    if outcome.verdict == Verdict::Pass && outcome.recorder.expectations().next().is_none() {
        outcome.verdict = Verdict::Inconclusive;
        outcome.reason = Some("the check expected nothing".to_owned());
    }
    outcome
}

impl Outcome {
    /// Why it is not a pass, without secrets.
    pub fn told(&self) -> String {
        if self.reason.is_none() {
            return String::new();
        }
        self.recorder.summary(self.reason.as_deref()).1.unwrap_or_default()
    }

    /// What a stub answered proves nothing; a failure stays one.
    fn doubt_stubs(&mut self) {
        if self.verdict == Verdict::Pass && !self.stubbed.is_empty() {
            self.verdict = Verdict::Inconclusive;
            self.reason = Some("a stub answered: what the user wrote is no proof of anything".to_owned());
        }
    }

    pub(crate) fn new(check: &'static Check, verdict: Verdict, reason: Option<String>) -> Self {
        Self {
            check,
            verdict,
            reason,
            halt: None,
            recorder: Recorder::default(),
            measured: Vec::new(),
            calls: 0,
            observed: None,
            unmodelled: BTreeMap::new(),
            stubbed: BTreeMap::new(),
        }
    }

    fn ended(check: &'static Check, finding: &Finding) -> Self {
        match finding {
            Finding::Fail(why) => Self::new(check, Verdict::Fail, Some(why.clone())),
            Finding::Inconclusive(why) => Self::new(check, Verdict::Inconclusive, Some(why.clone())),
            Finding::NotApplicable(feature) => {
                Self::new(check, Verdict::NotApplicable, Some(format!("the target has no {feature}")))
            }
        }
    }

    fn halted(check: &'static Check, halt: Halt, why: String) -> Self {
        Self { halt: Some(halt), ..Self::new(check, Verdict::Inconclusive, Some(why)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stub_answered_is_never_a_pass_and_never_excuses_a_failure() {
        let check = crate::suites::all().next().expect("there are checks");
        for (asked, stubs, expected) in [
            (Verdict::Pass, 0, Verdict::Pass),
            (Verdict::Pass, 1, Verdict::Inconclusive),
            (Verdict::Fail, 1, Verdict::Fail),
        ] {
            let mut outcome = Outcome::new(check, asked, None);
            outcome.stubbed = (0..stubs).map(|at| (format!("GET /{at}"), 1)).collect();
            outcome.doubt_stubs();
            assert_eq!(outcome.verdict, expected, "{asked:?} with {stubs} stubs");
        }
    }
}
