//! docs/lab.md, made from the lab's own description. `INSTA_UPDATE=always cargo nextest run -p emulator lab_page` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::scene;

/// The schema behind a reference.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let named = schema["$ref"].as_str().and_then(|name| document.pointer(name.trim_start_matches('#')));
    named.unwrap_or(schema)
}

/// What a member is, in a word or two.
fn kind(document: &Value, schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let target = resolved(document, schema);
        let words = words(target);
        return if words.is_empty() { name.rsplit('/').next().unwrap().to_owned() } else { words };
    }
    if let Some(any) = schema["anyOf"].as_array() {
        return any
            .iter()
            .filter(|one| one["type"] != "null")
            .map(|one| kind(document, one))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    let of = |name: &Value| match (name.as_str(), schema["items"].is_object()) {
        (Some("array"), true) => format!("list of {}", kind(document, &schema["items"])),
        (Some("null") | None, _) => String::new(),
        (Some(name), _) => schema["format"].as_str().unwrap_or(name).to_owned(),
    };
    let listed = words(schema);
    if !listed.is_empty() {
        return listed;
    }
    match &schema["type"] {
        Value::Array(several) => several.iter().map(of).filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" or "),
        one => of(one),
    }
}

/// The words of an enumeration.
fn words(schema: &Value) -> String {
    let of = |one: &Value| one["const"].as_str().map(|word| format!("`{word}`"));
    let listed: Vec<String> = match (schema["enum"].as_array(), schema["oneOf"].as_array()) {
        (Some(all), _) => all.iter().filter_map(|word| Some(format!("`{}`", word.as_str()?))).collect(),
        (None, Some(all)) => all.iter().filter_map(of).collect(),
        (None, None) => Vec::new(),
    };
    listed.join(", ")
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The members of a request: name, kind, whether it must be there, what it means.
fn members(document: &Value, operation: &Value) -> Vec<(String, String, bool, String)> {
    if let Some(parameters) = operation["parameters"].as_array() {
        let row = |one: &Value| {
            let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let required = one["required"].as_bool().unwrap_or_default();
            (text("name"), kind(document, &one["schema"]), required, line(&text("description")))
        };
        return parameters.iter().map(row).collect();
    }
    let body = resolved(document, &operation["requestBody"]["content"]["application/json"]["schema"]);
    let empty = Map::new();
    let required: Vec<&str> = body["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    body["properties"]
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .map(|(name, schema)| {
            let meaning = schema["description"].as_str().or_else(|| resolved(document, schema)["description"].as_str());
            let is_required = required.contains(&name.as_str());
            (name.clone(), kind(document, schema), is_required, line(meaning.unwrap_or_default()))
        })
        .collect()
}

fn page(document: &Value) -> String {
    let mut areas: BTreeMap<&str, Vec<(&str, &str, &Value)>> = BTreeMap::new();
    for (path, verbs) in document["paths"].as_object().unwrap() {
        for (verb, operation) in verbs.as_object().unwrap() {
            areas.entry(operation["tags"][0].as_str().unwrap()).or_default().push((path, verb, operation));
        }
    }
    let mut out = String::from(
        "# The lab\n\nMade from the lab's own table by `INSTA_UPDATE=always cargo nextest run -p emulator lab_page`; a test compares the two. A running\n\
         emulator describes itself at `GET /lab/openapi.json` (OpenAPI 3.1, with the shapes of answers).\n\n",
    );
    let about = document["info"]["description"].as_str().unwrap();
    let _ = writeln!(out, "{about}\n");
    for tag in document["tags"].as_array().unwrap() {
        let area = tag["name"].as_str().unwrap();
        let _ = writeln!(out, "## {area}\n");
        for (path, verb, operation) in areas.remove(area).unwrap_or_default() {
            let _ = writeln!(
                out,
                "### `{} {path}`\n\n{}.\n",
                verb.to_uppercase(),
                line(operation["summary"].as_str().unwrap())
            );
            let members = members(document, operation);
            if !members.is_empty() {
                let _ = writeln!(out, "| member | is | |\n|---|---|---|");
                for (name, kind, required, meaning) in members {
                    let star = if required { " (required)" } else { "" };
                    let _ = writeln!(out, "| `{name}`{star} | {kind} | {meaning} |");
                }
                out.push('\n');
            }
        }
    }
    assert!(areas.is_empty(), "areas without a heading: {areas:?}");
    out
}

#[tokio::test]
async fn the_lab_page_is_what_the_lab_says() {
    let document = scene().await.read("/lab/openapi.json").await;
    let page = page(&document);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/lab.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/lab.md is stale: INSTA_UPDATE=always cargo nextest run -p emulator lab_page");
}
