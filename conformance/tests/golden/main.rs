//! What every tool answers, whole: in the world as it is shipped, in one that challenges at once, and when Entra, Graph and the host of
//! downloads misbehave. What people did not mean to change must not change.

use std::collections::BTreeMap;
use std::sync::Arc;

use conformance::bench::{Actor, Bench, Embedded, Reply};
use conformance::check::{Setup, World};
use fixtures::Plan;
use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};

/// Every tool, and of `read_resource` every scheme: a name, and the call.
fn calls() -> Vec<(&'static str, &'static str, Value)> {
    let read = |uri: &str| json!({ "uri": uri });
    vec![
        ("get_me", "get_me", json!({})),
        ("outlook_email_search", "outlook_email_search", json!({ "query": "budget", "limit": 2 })),
        ("outlook_email_search, filtered", "outlook_email_search", json!({ "sender": "carol", "limit": 1 })),
        ("outlook_calendar_search", "outlook_calendar_search", json!({ "query": "budget review" })),
        (
            "find_meeting_availability",
            "find_meeting_availability",
            json!({
                "participants": ["bob@contoso.example"], "afterDateTime": "2026-01-14T08:00:00Z",
                "beforeDateTime": "2026-01-14T12:00:00Z", "maxCandidates": 1,
            }),
        ),
        ("chat_message_search", "chat_message_search", json!({ "query": "discount" })),
        ("sharepoint_search", "sharepoint_search", json!({ "query": "forecast", "limit": 1 })),
        ("sharepoint_folder_search", "sharepoint_folder_search", json!({ "name": "Board" })),
        ("read_resource, folders of mail", "read_resource", read("mail:///folders/")),
        ("read_resource, mail", "read_resource", read("${outlook_email_search}")),
        ("read_resource, event", "read_resource", read("${outlook_calendar_search}")),
        ("read_resource, chat message", "read_resource", read("${chat_message_search}")),
        ("read_resource, file", "read_resource", read("${sharepoint_search}")),
        ("read_resource, folder of files", "read_resource", read("${sharepoint_folder_search}")),
    ]
}

/// Everything that was answered, by name. Texts that no two runs share are put out.
type Answers = BTreeMap<&'static str, Value>;

struct Scene {
    running: Embedded,
    bench: Bench,
    alice: Actor,
}

impl Scene {
    async fn start(world: World) -> Self {
        let plan = Arc::new(Plan::embedded().unwrap());
        let setup = Setup { world, ..Setup::SHIPPED };
        let (running, mut bench) = Embedded::start(plan, 365, &setup, None).await.unwrap();
        let alice = bench.sign_in("alice@contoso").await.unwrap();
        Self { running, bench, alice }
    }

    /// All calls, in order; what is read was found before, or is given.
    async fn ask(&mut self, mut found: BTreeMap<String, String>) -> (Answers, BTreeMap<String, String>) {
        let mut answers = BTreeMap::new();
        for (name, tool, with) in calls() {
            let with = filled(with, &found);
            let reply = self.bench.attempt(name, self.alice.call(tool, with)).await.unwrap();
            if let Some(uri) = reply.items().first().and_then(|item| item.get("uri")?.as_str().map(str::to_owned)) {
                found.entry(name.to_owned()).or_insert(uri);
            }
            answers.insert(name, shown(&reply));
        }
        (answers, found)
    }
}

/// With the address that an earlier call found.
fn filled(mut with: Value, found: &BTreeMap<String, String>) -> Value {
    if let Some(uri) = with.pointer_mut("/uri")
        && let Some(of) = uri.as_str().and_then(|uri| uri.strip_prefix("${")?.strip_suffix('}'))
    {
        *uri = found[of].clone().into();
    }
    with
}

/// The tool's result; of a refusal on HTTP its status, challenge and body.
fn shown(reply: &Reply) -> Value {
    let mut answer = match reply.result() {
        Some(result) => {
            let mut result = result.clone();
            // The text says the same once more.
            if !result.get("isError").is_some_and(|is| is == true)
                && let Some(fields) = result.as_object_mut()
            {
                fields.remove("content");
            }
            result
        }
        None => json!({
            "status": reply.status, "challenge": reply.header("www-authenticate"),
            "body": serde_json::from_slice::<Value>(&reply.body).unwrap_or_default(),
        }),
    };
    put_out(&mut answer);
    answer
}

/// A cursor is sealed with a key that every process makes anew; request ids are random; ports are those that were free.
fn put_out(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match name.as_str() {
                    "nextCursor" | "requestId" | "_meta" if !value.is_null() => *value = "…".into(),
                    _ => put_out(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(put_out),
        Value::String(text) => {
            if let Some((before, rest)) = text.split_once("localhost:") {
                let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                *text = format!("{before}localhost:…{after}");
            }
        }
        _ => {}
    }
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn as_shipped() {
    let mut scene = Scene::start(World::Real).await;
    let (answers, _) = scene.ask(BTreeMap::new()).await;
    scene.running.shutdown().await;
    assert!(answers.values().all(|answer| answer.get("structuredContent").is_some()));
    insta::assert_snapshot!("as_shipped", pretty(&answers));
}

/// A world that challenges at once answers the same until something is taken away, and then refuses at once.
#[tokio::test(flavor = "multi_thread")]
async fn strict() {
    let mut shipped = Scene::start(World::Real).await;
    let (expected, _) = shipped.ask(BTreeMap::new()).await;
    shipped.running.shutdown().await;
    let mut scene = Scene::start(World::Strict).await;
    let (answers, found) = scene.ask(BTreeMap::new()).await;
    assert_eq!(answers, expected);
    scene
        .bench
        .revoke("contoso", &["Mail.Read", "Calendars.Read", "Chat.Read", "Files.Read", "Sites.Read.All"])
        .await
        .unwrap();
    scene.bench.advance(jiff::SignedDuration::from_secs(60)).await.unwrap();
    let (answers, _) = scene.ask(found).await;
    scene.running.shutdown().await;
    insta::assert_snapshot!("strict_after_revocation", pretty(&answers));
}

/// Graph, Entra or the host of downloads answers wrongly all the time.
fn misbehaviours() -> Vec<(&'static str, Value)> {
    vec![
        ("Graph throttles", json!({ "host": "graph", "kind": "status", "status": 429, "retryAfter": 62 })),
        ("Graph fails", json!({ "host": "graph", "kind": "status", "status": 500 })),
        (
            "a proxy answers",
            json!({ "host": "graph", "kind": "status", "status": 502, "body": "<html>Bad gateway</html>" }),
        ),
        ("Graph breaks off", json!({ "host": "graph", "kind": "cutShort" })),
        ("Graph redirects", json!({ "host": "graph", "kind": "redirect", "location": "http://localhost:9/v1.0/me" })),
        (
            "Graph goes on elsewhere",
            json!({ "host": "graph", "kind": "nextLink", "location": "http://localhost:9/v1.0/me/messages" }),
        ),
        ("Graph does not convert", json!({ "host": "graph", "path": "/content", "kind": "status", "status": 406 })),
        ("downloads fail", json!({ "host": "content", "kind": "status", "status": 503, "retryAfter": 1 })),
        ("downloads break off", json!({ "host": "content", "kind": "cutShort" })),
        ("downloads redirect", json!({ "host": "content", "kind": "redirect", "location": "http://localhost:9/x" })),
        (
            "Entra fails",
            json!({ "host": "login", "grant": "urn:ietf:params:oauth:grant-type:jwt-bearer", "kind": "status", "status": 503 }),
        ),
    ]
}

/// What becomes of a call: served as ever, served otherwise, or refused.
fn outcome(answer: &Value, as_ever: &Value) -> Value {
    if answer == as_ever {
        return "as ever".into();
    }
    match answer.pointer("/structuredContent/error") {
        Some(error) => error.clone(),
        None => answer.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn misbehaving() {
    let mut shipped = Scene::start(World::Real).await;
    let (as_ever, found) = shipped.ask(BTreeMap::new()).await;
    shipped.running.shutdown().await;
    let (as_ever, found) = (&as_ever, &found);
    let asked = misbehaviours().into_iter().map(|(name, fault)| async move {
        let mut told = Map::new();
        // A world for every call: what Graph wishes once is kept to for the calls that follow.
        for (call, _, _) in calls() {
            let answer = one(call, &fault, found).await;
            told.insert(call.to_owned(), outcome(&answer, &as_ever[call]));
        }
        (name, Value::Object(told))
    });
    let told: BTreeMap<_, _> = stream::iter(asked).buffered(11).collect().await;
    insta::assert_snapshot!("misbehaving", pretty(&told));
}

/// One call under a fault.
async fn one(call: &str, fault: &Value, found: &BTreeMap<String, String>) -> Value {
    let mut scene = Scene::start(World::Real).await;
    scene.bench.lab().ask("/lab/faults/add", fault).await.unwrap();
    let (_, tool, with) = calls().into_iter().find(|(name, _, _)| *name == call).unwrap();
    let reply = scene.bench.attempt(call, scene.alice.call(tool, filled(with, found))).await.unwrap();
    let answer = shown(&reply);
    scene.running.shutdown().await;
    answer
}

/// `docs/tools.md` names every tool, and in its row every argument.
#[tokio::test]
async fn the_page_of_tools_knows_every_argument() {
    let mut scene = Scene::start(World::Real).await;
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/tools.md")).unwrap();
    let list = scene.bench.attempt("asks for the tools", scene.alice.list_tools()).await.unwrap();
    let tools = list.result().unwrap()["tools"].as_array().unwrap().clone();
    assert_eq!(tools.len(), 8);
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/tools.md has no row for {name}"));
        let none = Map::new();
        for argument in tool["inputSchema"]["properties"].as_object().unwrap_or(&none).keys() {
            assert!(row.contains(&format!("`{argument}`")), "docs/tools.md: {name} has an argument {argument}");
        }
    }
    scene.running.shutdown().await;
}
