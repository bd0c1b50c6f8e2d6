//! The lab's description: what it says is there and looks so, what it does not say is not there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{Scene, scene};

/// The second of the fixture keys.
const ANNOUNCED: &str = "lmViZpsAYQsRjcAKanq-qmI_HMA";

const OWN: &str = "11111111-2222-3333-4444-555555555555";

/// One request per control that does something. A new control needs a line here.
fn examples() -> Vec<(&'static str, &'static str, Value)> {
    let grant = json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph", "scopes": ["Mail.Read"] });
    let user = json!({ "tenant": "contoso", "user": "alice" });
    vec![
        ("get", "/lab/health", json!({})),
        ("get", "/lab/openapi.json", json!({})),
        ("get", "/lab/files", json!({})),
        ("post", "/lab/reset", json!({})),
        ("get", "/lab/clock", json!({})),
        ("post", "/lab/clock", json!({ "advance": "PT1H" })),
        ("get", "/lab/tenants", json!({})),
        ("post", "/lab/tenants/clone", json!({ "tenant": "contoso", "name": "worker-1" })),
        ("post", "/lab/tenants/delete", json!({ "tenant": "fabrikam" })),
        ("get", "/lab/apps", json!({})),
        (
            "post",
            "/lab/apps/add",
            json!({
                "name": "mine", "client_id": OWN, "tenant": "contoso", "pre_authorized": ["m365-client"],
                "grants": [{ "resource": "graph", "scopes": ["User.Read"] }],
            }),
        ),
        ("post", "/lab/apps/remove", json!({ "app": "m365-server" })),
        ("get", "/lab/grants", json!({ "tenant": "contoso" })),
        ("post", "/lab/grants/consent", grant.clone()),
        ("post", "/lab/grants/revoke", grant),
        ("post", "/lab/users/update", json!({ "tenant": "contoso", "user": "alice", "enabled": false })),
        ("post", "/lab/users/revoke-sessions", user),
        ("post", "/lab/users/add", json!({ "tenant": "contoso", "name": "judy", "guestOf": "mallory@fabrikam" })),
        (
            "post",
            "/lab/users/set-password",
            json!({ "tenant": "contoso", "user": "bob", "password": "another", "by": "administrator" }),
        ),
        ("post", "/lab/users/delete", json!({ "tenant": "contoso", "user": "bob" })),
        ("post", "/lab/users/restore", json!({ "tenant": "contoso", "user": "erin" })),
        ("get", "/lab/groups", json!({ "tenant": "contoso" })),
        ("post", "/lab/groups/add", json!({ "tenant": "contoso", "name": "newcomers" })),
        ("post", "/lab/groups/members/add", json!({ "tenant": "contoso", "group": "leads", "member": "carol" })),
        ("post", "/lab/groups/members/remove", json!({ "tenant": "contoso", "group": "leads", "member": "alice" })),
        ("post", "/lab/groups/delete", json!({ "tenant": "contoso", "group": "pilot" })),
        ("get", "/lab/service-principals", json!({ "tenant": "woodgrove" })),
        ("post", "/lab/service-principals/add", json!({ "tenant": "adatum", "app": "m365-client" })),
        (
            "post",
            "/lab/service-principals/update",
            json!({ "tenant": "woodgrove", "app": "m365-server", "assignmentRequired": false }),
        ),
        (
            "post",
            "/lab/service-principals/assign",
            json!({ "tenant": "woodgrove", "app": "m365-server", "member": "group:trainees" }),
        ),
        (
            "post",
            "/lab/service-principals/unassign",
            json!({ "tenant": "woodgrove", "app": "m365-server", "member": "walter" }),
        ),
        ("post", "/lab/service-principals/remove", json!({ "tenant": "woodgrove", "app": "m365-client" })),
        ("get", "/lab/policies", json!({ "tenant": "woodgrove" })),
        (
            "post",
            "/lab/policies/put",
            json!({ "tenant": "contoso", "policy": { "name": "mfa", "include": ["group:leads"], "demands": ["mfa"] } }),
        ),
        ("post", "/lab/policies/remove", json!({ "tenant": "woodgrove", "name": "abroad" })),
        (
            "post",
            "/lab/locations/put",
            json!({ "tenant": "contoso", "location": { "name": "here", "ranges": ["127.0.0.0/8"] } }),
        ),
        ("post", "/lab/locations/remove", json!({ "tenant": "woodgrove", "name": "branch" })),
        (
            "post",
            "/lab/lifetimes/put",
            json!({ "tenant": "contoso", "lifetime": { "name": "short", "accessToken": "PT10M" } }),
        ),
        ("post", "/lab/lifetimes/remove", json!({ "tenant": "woodgrove", "name": "short" })),
        ("get", "/lab/settings", json!({})),
        ("post", "/lab/settings", json!({ "propagation": "PT5M", "clientAddress": "203.0.113.9" })),
        ("get", "/lab/keys", json!({})),
        ("post", "/lab/keys/add", json!({ "tenant": "contoso" })),
        ("post", "/lab/keys/activate", json!({ "kid": ANNOUNCED })),
        ("post", "/lab/keys/roll-over", json!({})),
        ("post", "/lab/keys/remove", json!({ "kid": ANNOUNCED })),
        (
            "post",
            "/lab/mint",
            json!({ "tenant": "contoso", "user": "alice", "client": "m365-client", "resource": "graph", "key": ANNOUNCED }),
        ),
        ("get", "/lab/faults", json!({})),
        ("post", "/lab/faults/add", json!({ "host": "graph", "kind": "cutShort", "count": 1 })),
        ("post", "/lab/faults/release", json!({})),
        ("get", "/lab/audit", json!({ "since": 0, "tenant": "contoso" })),
        ("get", "/lab/side-effects", json!({ "since": 0 })),
        ("get", "/lab/fingerprint", json!({})),
        ("get", "/lab/unmodelled", json!({})),
        ("post", "/lab/recording", json!({ "on": true })),
        ("get", "/lab/exchanges", json!({ "since": 0 })),
    ]
}

impl Scene {
    async fn ask(&self, method: &str, path: &str, request: &Value) -> (u16, Value) {
        let url = self.url(path);
        let asked = match method {
            "get" => self.http.get(url).query(request),
            _ => self.http.post(url).json(request),
        };
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Something for every list of the lab to show.
    async fn busy(&self) {
        self.post("/lab/recording", json!({ "on": true })).await;
        self.post("/lab/users/delete", json!({ "tenant": "contoso", "user": "erin" })).await;
        self.code_of("contoso.example", "alice@contoso.example").await;
        self.http.get(self.running.graph.join("v1.0/me").unwrap()).send().await.unwrap();
    }
}

fn described(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(|m| (m.clone(), path.clone()))).collect()
}

/// What of `value` the schema does not allow: enough of JSON Schema for what schemars writes about our types.
fn misfit(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).expect(reference);
        return misfit(document, target, value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let all: Vec<_> = choices.iter().map(|choice| misfit(document, choice, value, at)).collect();
        return if all.iter().any(Vec::is_empty) { vec![] } else { all.concat() };
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|known| known == kind),
        Value::Null => true,
        one => one == kind || (kind == "integer" && one == "number"),
    };
    let mut misfits = if allowed { vec![] } else { vec![format!("{at}: {kind} is not {}", schema["type"])] };
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            misfits.extend(misfit(document, &schema["items"], item, &format!("{at}[{index}]")));
        }
    }
    let members = value.as_object().cloned().unwrap_or_default();
    for (name, member) in &members {
        let at = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Null) if schema["type"] == "object" => misfits.push(format!("{at} is not described")),
            (Value::Null, of @ Value::Object(_)) => misfits.extend(misfit(document, of, member, &at)),
            (Value::Null, _) => {}
            (known, _) => misfits.extend(misfit(document, known, member, &at)),
        }
    }
    for required in schema["required"].as_array().into_iter().flatten().filter(|_| value.is_object()) {
        if !members.contains_key(required.as_str().unwrap()) {
            misfits.push(format!("{at}: {required} is missing"));
        }
    }
    misfits
}

#[tokio::test]
async fn the_description_is_this() {
    let document = scene().await.read("/lab/openapi.json").await;
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn every_control_that_is_described_answers_as_described() {
    let document = scene().await.read("/lab/openapi.json").await;
    let examples = examples();
    let shown = examples.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(described(&document), shown, "described, and shown by an example");
    for (method, path, request) in examples {
        let scene = scene().await;
        scene.busy().await;
        let (status, answer) = scene.ask(method, path, &request).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        if path == "/lab/openapi.json" {
            continue;
        }
        let operation = &document["paths"][path][method];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path}");
        assert_eq!(misfit(&document, schema, &answer, ""), [""; 0], "{method} {path}: {answer}");
        let asked = request.as_object().unwrap();
        let parameters =
            operation["parameters"].as_array().into_iter().flatten().map(|one| one["name"].as_str().unwrap());
        let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let body = body.as_str().map_or(&Value::Null, |at| document.pointer(&at[1..]).unwrap());
        let members = body["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let known: BTreeSet<_> = members.chain(parameters).collect();
        assert!(asked.keys().all(|name| known.contains(name.as_str())), "{path} takes {known:?}");
    }
}

#[tokio::test]
async fn refusals_are_described_too() {
    let scene = scene().await;
    let document = scene.read("/lab/openapi.json").await;
    let nobody = json!({ "no such member": true });
    for (method, path) in described(&document) {
        let (status, answer) = scene.ask(&method, &path, &nobody).await;
        assert_eq!(status, 400, "{method} {path}: a member that is not described is refused");
        let schema = json!({ "$ref": "#/components/schemas/Refusal" });
        assert_eq!(misfit(&document, &schema, &answer, ""), [""; 0]);
        assert!(document["paths"][&path][&method]["responses"]["400"].is_object());
        let page = scene.http.get(scene.url(&path)).header("origin", "http://localhost").send().await.unwrap();
        assert_eq!(page.status(), 403);
    }
    // What names something: the same examples, with a name that is not there.
    for (method, path, mut request) in examples() {
        let members = request.as_object().unwrap().clone();
        for (member, _) in members
            .into_iter()
            .filter(|(member, value)| value.is_string() && !["advance", "name", "password"].contains(&member.as_str()))
        {
            let kept = std::mem::replace(&mut request[&member], json!("nowhere"));
            let (status, answer) = scene.ask(method, path, &request).await;
            let responses = &document["paths"][path][method]["responses"];
            assert!(responses[status.to_string()].is_object(), "{method} {path} {request}: {status} {answer}");
            assert_ne!(status, 200, "{method} {path} {request}");
            request[&member] = kept;
        }
    }
}

#[tokio::test]
async fn what_is_not_described_is_not_there() {
    let scene = scene().await;
    let document = scene.read("/lab/openapi.json").await;
    let described = described(&document);
    let paths: BTreeSet<_> = described.iter().map(|(_, path)| path.clone()).collect();
    for path in &paths {
        for method in ["get", "post"] {
            let is_there = described.contains(&(method.to_owned(), path.clone()));
            let (status, _) = scene.ask(method, path, &json!({ "no such member": true })).await;
            assert_eq!(status, if is_there { 400 } else { 405 }, "{method} {path}");
        }
        let deleted = scene.http.delete(scene.url(path)).send().await.unwrap();
        assert_eq!(deleted.status(), 405, "{path}");
        for near in [format!("{path}/"), format!("{path}/x"), path.to_uppercase(), path.replacen("/lab", "", 1)] {
            if !paths.contains(&near) {
                let (status, answer) = scene.ask("get", &near, &json!({})).await;
                assert_eq!((status, &answer["error"]["code"]), (404, &json!("notFound")), "{near}");
            }
        }
    }
}
