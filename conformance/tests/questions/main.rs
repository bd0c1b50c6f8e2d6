//! What a newcomer asks, each answered over MCP alone in at most three calls. The questions, and what must come out, are in `questions.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conformance::bench::{Bench, Embedded, Reply};
use conformance::check::Setup;
use fixtures::Plan;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    asks: String,
    by: String,
    calls: Vec<Step>,
}

/// One call, and what its answer must hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    tool: String,
    /// `${n/pointer}` is a value of the answer to call `n`, from 1.
    #[serde(default)]
    with: Map<String, Value>,
    /// The hits, all of them and in this order, each with these fields at least.
    items: Option<Vec<Value>>,
    /// Values by JSON pointer.
    #[serde(default)]
    answer: BTreeMap<String, Value>,
    /// Texts in the content.
    #[serde(default)]
    says: Vec<String>,
    /// The code of the refusal; without it the call must be served.
    refused: Option<String>,
}

fn questions() -> Vec<Question> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/questions/questions.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

async fn world(plan: &Arc<Plan>) -> (Embedded, Bench) {
    Embedded::start(Arc::clone(plan), 365, &Setup::SHIPPED, None).await.unwrap()
}

/// Why the answers are not what the question expects; nothing when they are.
async fn ask(plan: &Arc<Plan>, question: &Question) -> Option<String> {
    let (running, mut bench) = world(plan).await;
    let actor = bench.sign_in(&question.by).await.unwrap();
    let mut answers = Vec::new();
    let mut wrong = None;
    for (at, step) in question.calls.iter().enumerate() {
        let with = filled(&Value::Object(step.with.clone()), &answers);
        let reply = bench.attempt(&question.asks, actor.call(&step.tool, with.clone())).await.unwrap();
        let answer = reply.structured().unwrap_or_default();
        if let Some(why) = step.disagrees(&reply, &answer) {
            wrong = Some(format!(
                "{} ({}), call {}: {why}\n  asked {with}\n  got {answer}",
                question.asks,
                question.by,
                at + 1
            ));
            break;
        }
        answers.push(answer);
    }
    running.shutdown().await;
    wrong
}

impl Step {
    fn disagrees(&self, reply: &Reply, answer: &Value) -> Option<String> {
        if let Some(code) = &self.refused {
            let told = reply.code();
            return (reply.served() || told.as_ref() != Some(code)).then(|| format!("expected {code}, got {told:?}"));
        }
        if !reply.served() {
            return Some(reply.summary());
        }
        if let Some(expected) = &self.items {
            let items = reply.items();
            if items.len() != expected.len() {
                return Some(format!("expected {} items, got {}", expected.len(), items.len()));
            }
            if let Some((_, expected)) = items.iter().zip(expected).find(|(item, expected)| !holds(item, expected)) {
                return Some(format!("no such item at its place: {expected}"));
            }
        }
        for (pointer, expected) in &self.answer {
            let found = answer.pointer(pointer);
            if found != Some(expected) {
                return Some(format!("{pointer} is {found:?}, not {expected}"));
            }
        }
        let content = answer.get("content").and_then(Value::as_str).unwrap_or_default();
        self.says.iter().find(|text| !content.contains(*text)).map(|text| format!("the content does not say {text:?}"))
    }

    /// Whether it asks for anything in particular.
    fn expects(&self) -> bool {
        self.refused.is_some() || self.items.is_some() || !self.answer.is_empty() || !self.says.is_empty()
    }
}

/// Whether everything of `expected` is in `found`.
fn holds(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(name, value)| found.get(name).is_some_and(|found| holds(found, value)))
        }
        _ => found == expected,
    }
}

/// With the values of earlier answers put in. A text that is one `${…}` alone takes the value's own type.
fn filled(value: &Value, answers: &[Value]) -> Value {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("${").and_then(|name| name.strip_suffix('}')) {
                return earlier(name, answers);
            }
            let Some((before, rest)) = text.split_once("${") else { return value.clone() };
            let (name, after) = rest.split_once('}').unwrap();
            format!("{before}{}{after}", earlier(name, answers).as_str().unwrap()).into()
        }
        Value::Array(values) => values.iter().map(|value| filled(value, answers)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), filled(value, answers))).collect(),
        _ => value.clone(),
    }
}

fn earlier(name: &str, answers: &[Value]) -> Value {
    let (call, _) = name.split_once('/').unwrap();
    let call: usize = call.parse().unwrap();
    let pointer = name.trim_start_matches(|c: char| c.is_ascii_digit());
    answers[call - 1].pointer(pointer).unwrap_or_else(|| panic!("{name} is not there: {}", answers[call - 1])).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_newcomers_find_what_they_ask_for() {
    let plan = Arc::new(Plan::embedded().unwrap());
    let questions = questions();
    assert!(questions.len() >= 50, "{} questions", questions.len());
    let asked = stream::iter(&questions).map(|question| ask(&plan, question)).buffered(4);
    let wrong: Vec<String> = asked.filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_question_takes_three_calls_at_most_and_expects_something_of_each() {
    let mut said = BTreeSet::new();
    for question in questions() {
        assert!((1..=3).contains(&question.calls.len()), "{}", question.asks);
        assert!(question.calls.iter().all(Step::expects), "{}: a call expects nothing", question.asks);
        assert!(said.insert(question.asks.clone()), "{}: twice", question.asks);
    }
}

/// The questions are worth what they exercise: every published argument of every tool.
#[tokio::test(flavor = "multi_thread")]
async fn every_argument_of_every_tool_is_used() {
    let plan = Arc::new(Plan::embedded().unwrap());
    let (running, mut bench) = world(&plan).await;
    let actor = bench.sign_in("alice@contoso").await.unwrap();
    let reply = bench.attempt("the tools", actor.list_tools()).await.unwrap();
    let listed = reply.result().unwrap().get("tools").unwrap().as_array().unwrap().clone();
    running.shutdown().await;
    let mut published = BTreeSet::new();
    for tool in &listed {
        let name = tool.get("name").and_then(Value::as_str).unwrap().to_owned();
        let arguments = tool.pointer("/inputSchema/properties").and_then(Value::as_object);
        published.extend(arguments.into_iter().flatten().map(|(argument, _)| (name.clone(), argument.clone())));
        published.insert((name, String::new()));
    }
    let questions = questions();
    let steps = questions.iter().flat_map(|question| &question.calls);
    let used: BTreeSet<_> = steps
        .flat_map(|step| {
            let arguments = step.with.keys().cloned().chain([String::new()]);
            arguments.map(|argument| (step.tool.clone(), argument))
        })
        .collect();
    assert_eq!(listed.len(), 8);
    assert_eq!(used, published, "used by the questions, and published by tools/list");
}
