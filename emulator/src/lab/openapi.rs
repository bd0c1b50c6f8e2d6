//! The lab's own description, from its table: OpenAPI 3.1, whose schemas are JSON Schema 2020-12 as schemars writes it.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Area;
use super::refusal::Refusal;
use super::route::{Route, Verb};

/// What a reader must know before the first request.
const ABOUT: &str = "Test controls of the emulator, no part of the real services. Plain HTTP. Reads take their request from the \
    query, changes from a JSON body; a member that is not described is refused. Requests with an Origin header (403), a foreign Host \
    (421), a body over 4 MiB (413) or one that is not application/json (415) are refused. Tenants go by name, domain or id; users \
    by handle, user principal name or object id; applications by name or application id.";

/// Describes every control.
pub(super) fn document(areas: Vec<Area>) -> Value {
    // What is read and what is written differ: a member with a default need not be sent, and is always answered.
    let (mut asked, mut answered) =
        (settings().for_deserialize().into_generator(), settings().for_serialize().into_generator());
    let mut paths = Map::new();
    let mut tags = Vec::new();
    for (area, routes) in areas {
        tags.push(json!({ "name": area }));
        for route in routes {
            let operation = operation(area, &route, &mut asked, &mut answered);
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            path[route.verb.as_str()] = operation;
        }
    }
    let mut schemas: Map<_, _> = answered.take_definitions(false);
    for (name, schema) in asked.take_definitions(false) {
        let same = schemas.insert(name.clone(), schema.clone()).is_none_or(|other| other == schema);
        // Two shapes under one name would describe one of the two wrongly; the test that reads the document would see it.
        assert!(same, "{name} is read in one shape and written in another: give the two names");
    }
    schemas.insert("Refusal".to_owned(), refusal());
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": "offline365 lab", "version": "1", "description": ABOUT },
        "tags": tags,
        "paths": paths,
        "components": { "schemas": schemas },
    });
    plain(&mut document);
    document
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
    })
}

fn operation(area: &str, route: &Route, asked: &mut SchemaGenerator, answered: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "tags": [area],
        "operationId": operation_id(route),
        "summary": route.summary,
        "responses": responses(route, answered),
    });
    match route.verb {
        Verb::Get => {
            let parameters = parameters(route);
            if !parameters.is_empty() {
                operation["parameters"] = json!(parameters);
            }
        }
        Verb::Post => {
            let schema = (route.request)(asked);
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
    }
    operation
}

/// `get /lab/users/revoke-sessions` is `getUsersRevokeSessions`.
fn operation_id(route: &Route) -> String {
    let words = route.path.trim_start_matches("/lab/").split(['/', '-', '.']);
    words.fold(route.verb.as_str().to_owned(), |mut id, word| {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
        id
    })
}

fn responses(route: &Route, answered: &mut SchemaGenerator) -> Value {
    let schema = (route.answer)(answered);
    let mut responses =
        json!({ "200": { "description": "done", "content": { "application/json": { "schema": schema } } } });
    let general = Refusal::GENERAL.iter().filter(|refusal| route.verb == Verb::Post || **refusal != Refusal::MediaType);
    for refusal in general.chain(route.refusals) {
        responses[refusal.status().as_str()] = json!({
            "description": format!("`{}`: {}", refusal.code(), refusal.meaning()),
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Refusal" } } },
        });
    }
    responses
}

/// The members of a request as query parameters.
fn parameters(route: &Route) -> Vec<Value> {
    let schema =
        (route.request)(&mut settings().for_deserialize().with(|to| to.inline_subschemas = true).into_generator());
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
    let members = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    members
        .into_iter()
        .map(|(name, mut schema)| {
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let required = is_required(&name);
            json!({ "name": name, "in": "query", "required": required, "schema": schema, "description": description })
        })
        .collect()
}

fn refusal() -> Value {
    json!({
        "description": "What every refusal looks like.",
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": { "type": "string", "description": "For programs." },
                    "message": { "type": "string", "description": "For people." },
                },
                "required": ["code", "message"],
            },
        },
        "required": ["error"],
    })
}

/// Takes out number formats that only a Rust reader knows.
fn plain(document: &mut Value) {
    match document {
        Value::Object(members) => {
            if members.get("format").and_then(Value::as_str).is_some_and(|format| RUST_FORMATS.contains(&format)) {
                members.remove("format");
            }
            members.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

const RUST_FORMATS: [&str; 6] = ["uint", "uint8", "uint16", "uint32", "uint64", "int"];
