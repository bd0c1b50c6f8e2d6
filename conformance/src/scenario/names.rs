//! Does everything that a scenario names exist when it is named? A dry run: what is captured is known to exist, its value is not.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::Plan;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::load::{ScenarioError, distance};
use super::step::{During, ForEach, SignIn, Step};
use super::template::{self, Door, Names};
use super::{Scenario, expect::Expect};
use crate::broken;
use crate::requirements;

/// Everything that is wrong.
pub(super) fn problems(scenario: &Scenario, plan: &Plan) -> Vec<ScenarioError> {
    let mut dry = Dry {
        plan,
        values: scenario.with.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect(),
        speakers: BTreeSet::new(),
        answers: BTreeSet::new(),
        worlds: BTreeSet::new(),
        controls: 0,
        expectations: 0,
        number: 0,
        line: 0,
        step: None,
        problems: Vec::new(),
    };
    dry.head(scenario);
    dry.steps(&scenario.steps);
    (dry.step, dry.line) = (None, 0);
    if dry.controls == 0 && dry.problems.is_empty() {
        dry.problem(
            "there is no positive control: a refusal would show nothing",
            "give a request that must work `control: TEXT THAT ITS ANSWER HOLDS`",
        );
    }
    if dry.expectations == 0 && dry.problems.is_empty() {
        dry.problem("nothing is expected", "give a request an `expect:`");
    }
    dry.problems
}

struct Dry<'a> {
    plan: &'a Plan,
    values: BTreeMap<String, Option<Value>>,
    speakers: BTreeSet<String>,
    answers: BTreeSet<String>,
    worlds: BTreeSet<String>,
    controls: usize,
    expectations: usize,
    number: usize,
    line: u64,
    step: Option<String>,
    problems: Vec<ScenarioError>,
}

impl Names for Dry<'_> {
    fn named(&self, name: &str) -> Result<Option<Value>, String> {
        self.values.get(name).cloned().ok_or_else(|| {
            let near = nearest(name, self.values.keys());
            format!("nothing is named `{name}`{near}")
        })
    }

    fn token(&self, name: &str) -> Result<Option<String>, String> {
        if self.speakers.contains(name) { Ok(None) } else { Err(format!("`{name}` has not signed in")) }
    }

    fn login(&self) -> Option<String> {
        None
    }

    fn origin(&self, _: Door) -> Option<String> {
        None
    }

    fn plan(&self) -> &Plan {
        self.plan
    }
}

impl Dry<'_> {
    fn problem(&mut self, what: &str, remedy: &str) {
        let (what, remedy) = (what.to_owned(), remedy.to_owned());
        let known = self.problems.iter().any(|known| known.line == self.line && known.what == what);
        if !known {
            self.problems.push(ScenarioError {
                file: String::new(),
                line: self.line,
                step: self.step.clone(),
                what,
                remedy,
            });
        }
    }

    fn head(&mut self, scenario: &Scenario) {
        let plain = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if !scenario.id.split_once('/').is_some_and(|(suite, name)| plain(suite) && plain(name)) {
            self.problem(&format!("`id: {}` is no id", scenario.id), "write `suite/name` in lower case with dashes");
        }
        let known: Vec<String> = requirements::all().unwrap_or_default().into_iter().map(|row| row.id).collect();
        for id in scenario.requirements.iter().filter(|id| !known.contains(id)) {
            let near = nearest(id, known.iter());
            self.problem(&format!("there is no requirement `{id}`{near}"), "see `offline365 list requirements`");
        }
        if scenario.requirements.is_empty() {
            self.problem("`requirements` is empty", "name what it speaks about; see `offline365 list requirements`");
        }
        let names: Vec<String> = broken::ALL.iter().map(|broken| broken.name.to_owned()).collect();
        for name in scenario.broken.iter().filter(|name| !names.contains(name)) {
            let near = nearest(name, names.iter());
            self.problem(&format!("there is no broken connector `{name}`{near}"), "see `offline365 list broken`");
        }
        for tenant in scenario.setup.iter().flat_map(|setup| &setup.admitted) {
            self.tenant(tenant);
        }
        if let Some(attack) = &scenario.attack
            && let Some(by) = self.text(&attack.by)
        {
            self.person(&by);
        }
    }

    fn steps(&mut self, steps: &[Spanned<Step>]) {
        for step in steps {
            self.number += 1;
            self.line = step.defined.line();
            let label = format!("step {} ({})", self.number, step.value.verb());
            self.step = Some(label);
            self.one(&step.value);
        }
    }

    fn one(&mut self, step: &Step) {
        if let Step::ForEach(each) = step {
            return self.for_each(each);
        }
        if let Step::During(during) = step {
            return self.during(during);
        }
        self.templates(&serde_json::to_value(step).unwrap_or_default());
        match step {
            Step::SignIn(sign_in) => self.sign_in(sign_in),
            Step::Forge(forge) => {
                self.speaker(&forge.from);
                self.define_speaker(&forge.name);
            }
            Step::Consent(permissions) | Step::Revoke(permissions) => {
                if let Some(tenant) = self.text(&permissions.tenant) {
                    self.tenant(&tenant);
                }
            }
            Step::Account(account) => self.who(&account.who),
            Step::EndSessions(who) => self.who(&who.who),
            Step::Lab(lab) => {
                let controls: Vec<String> = emulator::lab::controls().into_iter().map(str::to_owned).collect();
                if !lab.post.contains("${") && !controls.contains(&lab.post) {
                    let near = nearest(&lab.post, controls.iter());
                    self.problem(
                        &format!("the lab has no control `{}`{near}", lab.post),
                        "see docs/lab.md, or /lab/openapi.json of a running world",
                    );
                }
                lab.capture.keys().for_each(|name| self.define(name));
            }
            Step::Clock(clock) => {
                if super::play::seconds(&clock.pass, 60).is_none() {
                    self.problem("`pass` is no time", "write seconds, or `bound`, `bound-1`, `bound+1`");
                }
            }
            Step::Document(document) => {
                self.values.insert(document.name.clone(), None);
            }
            Step::Let(values) => {
                for (name, value) in values {
                    let value = template::fill_value(value, self).ok().flatten();
                    self.values.insert(name.clone(), value);
                }
            }
            Step::Call(call) => self.call(call),
            Step::Mcp(r) => self.request(
                r.by.as_deref(),
                r.control.as_ref(),
                r.expect.as_deref(),
                r.save.as_ref(),
                r.capture.keys(),
            ),
            Step::Http(r) => self.request(
                r.by.as_deref(),
                r.control.as_ref(),
                r.expect.as_deref(),
                r.save.as_ref(),
                r.capture.keys(),
            ),
            Step::Token(r) => {
                self.request(None, r.control.as_ref(), r.expect.as_deref(), r.save.as_ref(), r.capture.keys());
            }
            Step::Graph(r) => {
                self.request(Some(&r.by), r.control.as_ref(), r.expect.as_deref(), r.save.as_ref(), r.capture.keys());
            }
            Step::Together(together) => {
                together.calls.iter().for_each(|call| self.call(call));
                self.expectations += together.upstream.len();
            }
            Step::UntilRefused(until) => {
                self.speaker(&until.by);
                self.expectations += 1;
            }
            Step::Remember(world) => drop(self.worlds.insert(world.world.clone())),
            Step::Unchanged(world) => {
                self.expectations += 1;
                if !self.worlds.contains(&world.world) {
                    self.problem(
                        &format!("no world `{}` is remembered", world.world),
                        "put `- remember: { world: … }` before it",
                    );
                }
            }
            Step::Audit(_) | Step::Events(_) | Step::Traffic(_) | Step::NoSecrets(_) => self.expectations += 1,
            // Taken apart above: they have steps of their own.
            Step::ForEach(_) | Step::During(_) => {}
        }
    }

    fn for_each(&mut self, each: &ForEach) {
        if each.list.is_empty() {
            self.problem("`in` is empty: its steps never happen", "list people or values");
        }
        self.templates(&Value::Array(each.list.clone()));
        let (step, line, number) = (self.step.clone(), self.line, self.number);
        for value in &each.list {
            let value = template::fill_value(value, self).ok().flatten();
            self.values.insert(each.name.clone(), value);
            self.number = number;
            self.steps(&each.steps);
        }
        self.values.remove(&each.name);
        (self.step, self.line) = (step, line);
    }

    fn during(&mut self, during: &During) {
        self.templates(&serde_json::to_value(&during.call).unwrap_or_default());
        let (step, line) = (self.step.clone(), self.line);
        self.steps(&during.steps);
        (self.step, self.line) = (step, line);
        self.call(&during.call);
    }

    fn call(&mut self, call: &super::step::Call) {
        self.request(
            Some(&call.by),
            call.control.as_ref(),
            call.expect.as_deref(),
            call.save.as_ref(),
            call.capture.keys(),
        );
    }

    fn request<'n>(
        &mut self,
        by: Option<&str>,
        control: Option<&String>,
        expect: Option<&Expect>,
        save: Option<&String>,
        captured: impl Iterator<Item = &'n String>,
    ) {
        if let Some(by) = by {
            self.speaker(by);
        }
        self.controls += usize::from(control.is_some());
        if let Some(expect) = expect {
            if expect.is_empty() {
                self.problem("`expect` is empty", "say what must hold, for example `served: false`");
            }
            self.expectations += 1;
            if let Some(other) = expect.same_as.as_ref().filter(|other| !self.answers.contains(*other)) {
                self.problem(&format!("no answer is saved as `{other}`"), "give the earlier request `save: …`");
            }
        }
        if let Some(save) = save {
            self.answers.insert(save.clone());
        }
        captured.for_each(|name| self.define(name));
    }

    fn sign_in(&mut self, sign_in: &SignIn) {
        self.who(&sign_in.who);
        if let Some(from) = &sign_in.from {
            self.speaker(from);
        }
        self.expectations += usize::from(sign_in.refused.is_some());
        if sign_in.refused.is_none() {
            self.define_speaker(sign_in.name.as_ref().unwrap_or(&sign_in.who));
        }
    }

    fn define(&mut self, name: &str) {
        self.values.insert(name.to_owned(), None);
    }

    fn define_speaker(&mut self, name: &str) {
        if let Some(name) = self.text(name) {
            self.speakers.insert(name);
        }
    }

    fn speaker(&mut self, name: &str) {
        let Some(name) = self.text(name) else { return };
        if !self.speakers.contains(&name) {
            let near = nearest(&name, self.speakers.iter());
            let remedy = format!("put `- sign_in: {{ who: {name} }}` before it");
            self.problem(&format!("`{name}` has not signed in{near}"), &remedy);
        }
    }

    fn who(&mut self, who: &str) {
        if let Some(who) = self.text(who) {
            self.person(&who);
        }
    }

    fn person(&mut self, who: &str) {
        if self.plan.person(who).is_none() {
            let people =
                self.plan.tenants.iter().flat_map(|tenant| tenant.people.iter().map(move |person| (tenant, person)));
            let people: Vec<String> =
                people.map(|(tenant, person)| format!("{}@{}", person.name, tenant.name)).collect();
            let near = nearest(who, people.iter());
            self.problem(
                &format!("nobody is called `{who}`{near}"),
                "people are `name@tenant`, as in fixtures/<tenant>/people.toml",
            );
        }
    }

    fn tenant(&mut self, name: &str) {
        if self.plan.tenant(name).is_none() {
            let known: Vec<&str> = self.plan.tenants.iter().map(|tenant| tenant.name.as_str()).collect();
            self.problem(&format!("there is no tenant `{name}`"), &format!("there are {}", known.join(", ")));
        }
    }

    /// A text, if its value is known before the scenario runs.
    fn text(&self, text: &str) -> Option<String> {
        template::fill(text, self).ok().flatten().and_then(|value| value.as_str().map(str::to_owned))
    }

    /// Every `${…}` anywhere in a step.
    fn templates(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                if let Err(why) = template::fill(text, self) {
                    self.problem(&format!("in `{text}`: {why}"), "see docs/scenarios.md, \"Names and facts\"");
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.templates(item)),
            Value::Object(fields) => fields.values().for_each(|value| self.templates(value)),
            _ => {}
        }
    }
}

/// What a wrong name was probably meant to be.
fn nearest<'n>(wrong: &str, known: impl Iterator<Item = &'n String>) -> String {
    let best = known.map(|word| (distance(wrong, word), word)).min();
    let near = best.filter(|(distance, _)| *distance <= 1 + wrong.len() / 4);
    near.map_or_else(String::new, |(_, word)| format!(" (is it `{word}`?)"))
}
