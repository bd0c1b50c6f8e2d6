//! Is a file of the format that its name says? The schemas are in `conformance/schemas`, in our own words: what each format requires, closed over what we
//! write, so that a field nobody knows is seen.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

/// What is wrong with a HAR.
pub(crate) fn har(text: &[u8]) -> Vec<String> {
    against(include_str!("../../schemas/har-1.2.json"), text)
}

/// What is wrong with a SARIF log.
pub(crate) fn sarif(text: &[u8]) -> Vec<String> {
    let mut problems = against(include_str!("../../schemas/sarif-2.1.0.json"), text);
    let log: Value = serde_json::from_slice(text).unwrap_or_default();
    for run in log.pointer("/runs").and_then(Value::as_array).into_iter().flatten() {
        let rules = run.pointer("/tool/driver/rules").and_then(Value::as_array).cloned().unwrap_or_default();
        for result in run.pointer("/results").and_then(Value::as_array).into_iter().flatten() {
            let index = result.get("ruleIndex").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            let rule = index.and_then(|index| rules.get(index)).and_then(|rule| rule.get("id"));
            if rule != result.get("ruleId") {
                problems.push(format!("ruleIndex of {} points at {rule:?}", result["ruleId"]));
            }
            // 3.27.10: a kind other than fail has the level none.
            if result["kind"] != "fail" && result["level"] != "none" {
                problems.push(format!("{}: kind {} with level {}", result["ruleId"], result["kind"], result["level"]));
            }
        }
    }
    problems
}

/// What is wrong with a transcript.json.
pub(crate) fn transcript(text: &[u8]) -> Vec<String> {
    against(include_str!("../../schemas/transcript.schema.json"), text)
}

/// What is wrong with a verdict.json.
pub(crate) fn verdict(text: &[u8]) -> Vec<String> {
    against(include_str!("../../schemas/verdict.schema.json"), text)
}

fn against(schema: &str, text: &[u8]) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let mut problems = Vec::new();
    match serde_json::from_slice(text) {
        Ok(value) => check(&schema, &schema, &value, "", &mut problems),
        Err(error) => problems.push(format!("no JSON: {error}")),
    }
    problems
}

/// The part of JSON Schema that the two files use; a keyword it does not know is an error, for what is not asked is not checked.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().unwrap() {
        let held = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" => true,
            "type" => match rule {
                Value::Array(types) => types.iter().any(|rule| of_type(rule, value)),
                rule => of_type(rule, value),
            },
            "const" => value == rule,
            "$ref" => {
                let place = rule.as_str().unwrap().trim_start_matches('#');
                check(root, root.pointer(place).unwrap(), value, at, problems);
                true
            }
            "oneOf" | "anyOf" => rule.as_array().unwrap().iter().any(|rule| {
                let mut found = Vec::new();
                check(root, rule, value, at, &mut found);
                found.is_empty()
            }),
            "prefixItems" => {
                for (index, rule) in rule.as_array().unwrap().iter().enumerate() {
                    value.get(index).into_iter().for_each(|item| check(root, rule, item, at, problems));
                }
                true
            }
            "maxItems" => value.as_array().is_some_and(|items| items.len() as u64 <= rule.as_u64().unwrap()),
            "required" => {
                let names = rule.as_array().unwrap().iter().filter_map(Value::as_str);
                names.into_iter().all(|name| value.get(name).is_some())
            }
            "enum" => rule.as_array().unwrap().contains(value),
            "pattern" => value.as_str().is_some_and(|text| text.contains(rule.as_str().unwrap())),
            "format" => formatted(rule.as_str().unwrap(), value.as_str().unwrap_or_default()),
            "minItems" => value.as_array().is_some_and(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "minLength" => value.as_str().is_some_and(|text| text.len() as u64 >= rule.as_u64().unwrap()),
            "minimum" => value.as_f64() >= rule.as_f64(),
            "maximum" => value.as_f64() <= rule.as_f64(),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{at}/{index}"), problems);
                }
                true
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    value
                        .get(name)
                        .into_iter()
                        .for_each(|value| check(root, rule, value, &format!("{at}/{name}"), problems));
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let more = value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
                for (name, value) in more {
                    if rule == &Value::Bool(false) {
                        problems.push(format!("{at}/{name} is not known"));
                    } else {
                        check(root, rule, value, &format!("{at}/{name}"), problems);
                    }
                }
                true
            }
            other => panic!("{other} is not known here"),
        };
        if !held {
            problems.push(format!(
                "{at}: {keyword} {rule} does not hold of {}",
                value.to_string().chars().take(200).collect::<String>()
            ));
        }
    }
}

fn of_type(rule: &Value, value: &Value) -> bool {
    match rule.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("type {other} is not known here"),
    }
}

fn formatted(format: &str, text: &str) -> bool {
    match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "uri" => url::Url::parse(text).is_ok(),
        "uri-reference" => url::Url::parse("http://base/").unwrap().join(text).is_ok() && !text.contains([' ', '\\']),
        "uint" | "uint16" | "uint32" | "uint64" | "int64" => true,
        other => panic!("format {other} is not known here"),
    }
}

/// What is wrong with a JUnit file: elements, attributes, and sums that do not add up.
pub(crate) fn junit(text: &str) -> Vec<String> {
    let table: BTreeMap<String, Value> = serde_json::from_str(include_str!("../../schemas/junit.json")).unwrap();
    let list = |element: &str, what: &str| -> Vec<String> {
        let row = table.get(element).and_then(|row| row.get(what)?.as_array());
        row.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut problems = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    let mut begin = |element: &BytesStart<'_>, open: &[String], problems: &mut Vec<String>| {
        let name = element.name().as_ref().to_owned();
        let parent = open.last().map_or("", String::as_str);
        let allowed = if parent.is_empty() { vec!["testsuites".to_owned()] } else { list(parent, "children") };
        if !allowed.contains(&name) {
            problems.push(format!("<{name}> inside <{parent}>"));
        }
        *counts.entry(name.clone()).or_default() += 1;
        let rules = list(&name, "attributes");
        let mut seen = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| problems.push(format!("<{name}>: {error}")));
            let Ok(attribute) = attribute else { continue };
            let key = attribute.key.as_ref().to_owned();
            let Some(rule) = rules.iter().find(|rule| rule.split('!').next() == Some(&key)) else {
                problems.push(format!("<{name} {key}> is not known"));
                continue;
            };
            let value = attribute.value.to_string();
            if rule.ends_with("int") {
                match value.parse::<u64>() {
                    Ok(count) => *sums.entry(format!("{name} {key}")).or_default() += count,
                    Err(_) => problems.push(format!("<{name} {key}> is no number: {value}")),
                }
            }
            seen.push(key);
        }
        for rule in rules.iter().filter(|rule| rule.contains('!')) {
            let key = rule.split('!').next().unwrap();
            if !seen.iter().any(|seen| seen == key) {
                problems.push(format!("<{name}> has no {key}"));
            }
        }
        name
    };
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                let name = begin(&element, &open, &mut problems);
                open.push(name);
            }
            Ok(Event::Empty(element)) => drop(begin(&element, &open, &mut problems)),
            Ok(Event::End(_)) => drop(open.pop()),
            Ok(Event::Text(text)) => {
                let parent = open.last().map_or("", String::as_str);
                if !text.trim().is_empty() && !list(parent, "children").contains(&"#".to_owned()) {
                    problems.push(format!("text inside <{parent}>"));
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => {
                problems.push(format!("no XML: {error}"));
                break;
            }
        }
    }
    for (attribute, element) in
        [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
    {
        let found = counts.get(element).copied().unwrap_or(0);
        for all in ["testsuites", "testsuite"] {
            let said = sums.get(&format!("{all} {attribute}")).copied().unwrap_or(0);
            if said != found {
                problems.push(format!("<{all}>: {attribute} adds up to {said}, there are {found}"));
            }
        }
    }
    problems
}

/// Whether a text is well-formed XML, as a picture must be.
pub(crate) fn xml(text: &str) -> Vec<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return Vec::new(),
            Ok(_) => {}
            Err(error) => return vec![error.to_string()],
        }
    }
}
