//! A history as a scenario file.

use std::fmt::Write as _;

use fixtures::cast::{ALICE, BOB, CONTOSO, GRAPH, INTEROP_CLIENT, M365_SERVER, MALLORY};
use serde_json::{Value, json};

use super::model::{Model, Outcome, Tally, tally};
use super::{Asked, Event, PEOPLE};

/// A history, written down.
#[derive(Debug, Clone)]
pub struct Script {
    /// The scenario file.
    pub text: String,
    /// How much it asks.
    pub tally: Tally,
}

/// The scenario of a history; what means nothing when its turn comes is left out. `bound`: of the connector, in seconds.
pub fn script(name: &str, events: &[Event], bound: i64) -> Script {
    let mut model = Model::new(bound);
    let mut lines = String::new();
    let mut line = |step: &Value| {
        // JSON is YAML: one step to a line.
        let _ = writeln!(lines, "  - {step}");
    };
    for who in PEOPLE {
        line(&json!({ "sign_in": { "who": who } }));
    }
    line(&json!({ "call": { "by": ALICE, "tool": "get_me", "control": "alice@contoso.example" } }));
    for (who, name) in [(ALICE, "mail_of_alice"), (MALLORY, "mail_of_mallory")] {
        line(&json!({ "call": {
            "by": who, "tool": "outlook_email_search", "with": { "query": "Budget 2026" },
            "expect": { "served": true }, "capture": { name: { "uri_of": canary(who) } },
        } }));
    }
    line(&json!({ "call": {
        "by": BOB, "tool": "sharepoint_search", "with": { "query": OFFER },
        "expect": { "served": true }, "capture": { "file_of_bob": { "uri_of": OFFER } },
    } }));
    for step in shared(events) {
        line(&step);
    }
    for event in events {
        if !model.allows(event) {
            continue;
        }
        for step in steps(event, &model) {
            line(&step);
        }
        model.apply(event);
    }
    let text = format!(
        "id: revocation/{name}\ntitle: A random history\nrequirements: [R-REV-1, R-REV-7, R-USER-1]\nseverity: critical\nneeds: [clock-control]\nsteps:\n{lines}"
    );
    Script { text, tally: tally(events, bound) }
}

fn canary(who: &str) -> String {
    let (name, tenant) = who.split_once('@').unwrap_or((who, ""));
    format!("${{canary:{tenant}/mail/{name}/budget}}")
}

/// What changes at Graph itself is changed with an application that may: where Bob's folder is, and who has it.
fn shared(events: &[Event]) -> Vec<Value> {
    let grant = |scope| {
        lab(
            "/lab/grants/consent",
            &json!({ "tenant": CONTOSO, "client": INTEROP_CLIENT, "resource": GRAPH, "scopes": [scope] }),
        )
    };
    let mut steps = Vec::new();
    if events.contains(&Event::Moves) {
        steps.extend(grant(MAIL));
    }
    if events.iter().any(|event| matches!(event, Event::Share { .. })) {
        steps.extend(grant(FILES));
        let all = "v1.0/me/drive/items/${folder_of_bob}/permissions";
        steps.push(writes(BOB, FILES));
        steps.push(graph(BOB, "GET", FOLDER, None, &json!({ "folder_of_bob": { "json": "/id" } })));
        steps.push(graph(BOB, "GET", all, None, &json!({ "share_of_bob": { "json": "/value/0/id" } })));
    }
    steps
}

const MAIL: &str = "Mail.ReadWrite";
const FILES: &str = "Files.ReadWrite.All";

/// Somebody gets a token for Graph with which they change something themselves.
fn writes(who: &str, scope: &str) -> Value {
    let (name, tenant) = who.split_once('@').unwrap_or((who, ""));
    json!({ "lab": {
        "post": "/lab/mint",
        "json": { "tenant": tenant, "user": name, "client": INTEROP_CLIENT, "resource": GRAPH, "scopes": [scope] },
        "capture": { "writer": "/token" },
    } })
}

/// A file of Bob's, and its folder, which he shares with Alice.
const OFFER: &str = "${canary:contoso/files/bob/offer}";
const FOLDER: &str = "v1.0/me/drive/root:/Sales/Offers";

/// Whoever got a token last does something at Graph.
fn graph(who: &str, method: &str, path: &str, body: Option<&Value>, capture: &Value) -> Value {
    let mut step = json!({ "http": {
        "to": "graph", "by": who, "method": method, "path": path, "capture": capture,
        "headers": { "authorization": "Bearer ${writer}", "content-type": "application/json" },
    } });
    if let Some(body) = body {
        step["http"]["body"] = Value::String(body.to_string());
    }
    step
}

/// The mail is somewhere else and back. Each move gives it another id (<https://learn.microsoft.com/graph/outlook-immutable-id>).
fn moves() -> Vec<Value> {
    let path = "v1.0/me/messages?$filter=subject%20eq%20'Budget%202026'&$select=id";
    let mut steps =
        vec![writes(ALICE, MAIL), graph(ALICE, "GET", path, None, &json!({ "moving": { "json": "/value/0/id" } }))];
    for folder in ["archive", "inbox"] {
        let to = json!({ "destinationId": folder });
        let capture = json!({ "moving": { "json": "/id" } });
        steps.push(graph(ALICE, "POST", "v1.0/me/messages/${moving}/move", Some(&to), &capture));
    }
    steps
}

fn lab(path: &str, body: &Value) -> Vec<Value> {
    vec![json!({ "lab": { "post": path, "json": body } })]
}

fn steps(event: &Event, model: &Model) -> Vec<Value> {
    let step = match event {
        Event::SignsIn { who, renews: false } => json!({ "sign_in": { "who": who } }),
        Event::SignsIn { who, renews: true } => json!({ "sign_in": { "who": who, "flow": "refresh", "from": who } }),
        Event::Permission { tenant, scope, granted: true } => {
            json!({ "consent": { "tenant": tenant, "scopes": [scope] } })
        }
        Event::Permission { tenant, scope, granted: false } => {
            json!({ "revoke": { "tenant": tenant, "scopes": [scope] } })
        }
        Event::Account { who, enabled } => json!({ "account": { "who": who, "enabled": enabled } }),
        Event::SessionsEnd { who } => json!({ "end_sessions": { "who": who } }),
        Event::Assignment { tenant, required } => {
            let body = json!({ "tenant": tenant, "app": M365_SERVER, "assignmentRequired": required });
            return lab("/lab/service-principals/update", &body);
        }
        Event::Group { assigned } => {
            let body = json!({ "tenant": CONTOSO, "app": M365_SERVER, "member": "group:finance" });
            let verb = if *assigned { "assign" } else { "unassign" };
            return lab(&format!("/lab/service-principals/{verb}"), &body);
        }
        Event::Policy { tenant, blocks: true } => {
            let policy = json!({ "name": "history", "demands": ["block"] });
            return lab("/lab/policies/put", &json!({ "tenant": tenant, "policy": policy }));
        }
        Event::Policy { tenant, blocks: false } => {
            return lab("/lab/policies/remove", &json!({ "tenant": tenant, "name": "history" }));
        }
        Event::Share { shared: true } => {
            let to = json!({ "recipients": [{ "email": "alice@contoso.example" }], "roles": ["read"] });
            let path = "v1.0/me/drive/items/${folder_of_bob}/invite";
            let capture = json!({ "share_of_bob": { "json": "/value/0/id" } });
            return vec![writes(BOB, FILES), graph(BOB, "POST", path, Some(&to), &capture)];
        }
        Event::Share { shared: false } => {
            let path = "v1.0/me/drive/items/${folder_of_bob}/permissions/${share_of_bob}";
            return vec![writes(BOB, FILES), graph(BOB, "DELETE", path, None, &json!({}))];
        }
        Event::Moves => return moves(),
        Event::KeysRoll => return lab("/lab/keys/roll-over", &json!({})),
        Event::Passes(seconds) => json!({ "clock": { "pass": seconds } }),
        Event::Ask(asked) => match asked.as_slice() {
            [(who, asked)] => json!({ "call": call(who, *asked, model) }),
            several => {
                let calls: Vec<_> = several.iter().map(|(who, asked)| call(who, *asked, model)).collect();
                json!({ "together": { "calls": calls } })
            }
        },
    };
    vec![step]
}

fn call(who: &str, asked: Asked, model: &Model) -> Value {
    let (tool, with) = match asked {
        Asked::Profile => ("get_me", json!({})),
        Asked::Mail => ("outlook_email_search", json!({ "query": "Budget 2026" })),
        Asked::Calendar => ("outlook_calendar_search", json!({ "query": "Budget" })),
        Asked::Chats => ("chat_message_search", json!({ "query": "budget" })),
        Asked::Files => ("sharepoint_search", json!({ "query": "budget" })),
        Asked::MailOf(ALICE) => ("read_resource", json!({ "uri": "${mail_of_alice}" })),
        Asked::MailOf(_) => ("read_resource", json!({ "uri": "${mail_of_mallory}" })),
        Asked::FileOfBob => ("read_resource", json!({ "uri": "${file_of_bob}" })),
    };
    let mut call = json!({ "by": who, "tool": tool, "with": with });
    let served = match model.outcome(who, asked) {
        Outcome::Either => return call,
        Outcome::Served => true,
        Outcome::Refused => false,
    };
    let mut expect = json!({ "served": served });
    if served && asked == Asked::Mail && [ALICE, MALLORY].contains(&who) {
        expect["shows"] = json!([canary(who)]);
    }
    call["expect"] = expect;
    call
}
