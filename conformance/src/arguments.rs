//! Arguments for a tool, drawn from the schema that the tool publishes (<https://json-schema.org/draft/2020-12>); every fourth has one fault.

use serde_json::{Map, Value, json};

use crate::history::Draw;

/// How deep a schema may refer to itself.
const DEPTH: usize = 6;
/// Members of a list, at most.
const MANY: usize = 4;

/// What texts are drawn from, beside what a schema names.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// For `uri` and the like.
    pub uris: Vec<String>,
    /// For addresses of people.
    pub people: Vec<String>,
    /// For dates and times.
    pub times: Vec<String>,
    /// For everything else.
    pub texts: Vec<String>,
}

/// The arguments of one call: an object that fits `schema`, or nearly.
pub fn drawn(schema: &Value, words: &Words, draw: &mut Draw) -> Value {
    let mut arguments = Arguments { root: schema, words, draw };
    let mut value = arguments.value("", schema, DEPTH);
    if arguments.draw.below(4) == 0 {
        arguments.spoil(&mut value);
    }
    value
}

struct Arguments<'a> {
    root: &'a Value,
    words: &'a Words,
    draw: &'a mut Draw,
}

impl<'a> Arguments<'a> {
    fn value(&mut self, name: &str, schema: &'a Value, depth: usize) -> Value {
        let schema = self.resolved(schema, depth);
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(known) = schema.get("enum").and_then(Value::as_array) {
            return self.draw.one_of(known).cloned().unwrap_or_default();
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(choice).and_then(Value::as_array)
                && let Some(chosen) = choices.get(self.draw.below(choices.len()))
            {
                return self.value(name, chosen, depth.saturating_sub(1));
            }
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.get(self.draw.below(kinds.len())).and_then(Value::as_str),
            Some(kind) => kind.as_str(),
            None => None,
        };
        match kind {
            Some("object") => self.object(schema, depth),
            Some("array") => {
                let many = self.draw.below(MANY);
                let item = schema.get("items").unwrap_or(&Value::Null);
                (0..many).map(|_| self.value(name, item, depth.saturating_sub(1))).collect()
            }
            Some("integer" | "number") => self.number(schema).into(),
            Some("boolean") => (self.draw.below(2) == 0).into(),
            Some("null") => Value::Null,
            _ => self.text(name).into(),
        }
    }

    fn resolved(&self, schema: &'a Value, depth: usize) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#')) {
            Some(pointer) if depth > 0 => {
                self.root.pointer(pointer).map_or(schema, |schema| self.resolved(schema, depth - 1))
            }
            _ => schema,
        }
    }

    /// What is required, and of the rest each with one chance in three.
    fn object(&mut self, schema: &'a Value, depth: usize) -> Value {
        let required: Vec<_> = schema.get("required").and_then(Value::as_array).into_iter().flatten().collect();
        let mut fields = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let is_required = required.iter().any(|known| known.as_str() == Some(name));
            if (is_required || self.draw.below(3) == 0) && depth > 0 {
                fields.insert(name.clone(), self.value(name, property, depth - 1));
            }
        }
        fields.into()
    }

    /// At the bounds more often than between them.
    fn number(&mut self, schema: &Value) -> i64 {
        let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
        let (low, high) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(1000));
        match self.draw.below(4) {
            0 => low,
            1 => high,
            _ => low.saturating_add(i64::try_from(self.draw.below(50)).unwrap_or(0)).min(high),
        }
    }

    fn text(&mut self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        let fitting = if name.contains("uri") {
            &self.words.uris
        } else if name.contains("date") || name.contains("time") {
            &self.words.times
        } else if ["email", "participant", "sender", "recipient", "owner"].iter().any(|word| name.contains(word)) {
            &self.words.people
        } else {
            &self.words.texts
        };
        // Anything may stand anywhere, now and then.
        let words = self.words;
        let all = [&words.uris, &words.people, &words.times, &words.texts];
        let from =
            if self.draw.below(5) == 0 { all.get(self.draw.below(4)).copied().unwrap_or(fitting) } else { fitting };
        let text = self.draw.one_of(from).cloned().unwrap_or_default();
        // Before a colon stands a property (<https://learn.microsoft.com/graph/search-query-parameter>): a phrase has none.
        if fitting == &self.words.texts && text.contains(':') {
            return format!("\"{}\"", text.replace('"', ""));
        }
        text
    }

    /// One fault: a field more, a field less, or one of another kind.
    fn spoil(&mut self, value: &mut Value) {
        let Some(fields) = value.as_object_mut() else { return };
        let names: Vec<String> = fields.keys().cloned().collect();
        let other =
            [json!(null), json!(-1), json!(1e30), json!({ "$ref": "#" }), json!(["a", ["b"]]), json!(true), json!("")];
        match (self.draw.below(3), self.draw.one_of(&names)) {
            (0, Some(name)) => drop(fields.remove(name)),
            (1, Some(name)) => {
                fields.insert(name.clone(), self.draw.one_of(&other).cloned().unwrap_or_default());
            }
            _ => {
                let more = ["method", "$method", "_method", "path", "body", "action", "select", "__proto__"];
                let name = self.draw.one_of(&more).copied().unwrap_or("method");
                fields.insert(name.to_owned(), "PATCH".into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_a_schema_names_is_drawn_and_the_rest_is_not() {
        let schema = json!({
            "type": "object",
            "required": ["kind"],
            "properties": {
                "kind": { "enum": ["a", "b"] },
                "limit": { "type": ["integer", "null"], "minimum": 1, "maximum": 25 },
                "who": { "anyOf": [{ "$ref": "#/$defs/Who" }, { "type": "null" }] },
                "some": { "type": "array", "items": { "type": "boolean" } },
            },
            "$defs": { "Who": { "type": "object", "properties": { "email": { "type": "string" } }, "required": ["email"] } },
        });
        let words = Words { people: vec!["p@x".to_owned()], texts: vec!["t".to_owned()], ..Words::default() };
        let mut draw = Draw::of_seed(1);
        let all: Vec<_> = (0..400).map(|_| drawn(&schema, &words, &mut draw)).collect();
        let seen = |pointer: &str| {
            all.iter().filter_map(|value| value.pointer(pointer)).map(Value::to_string).collect::<BTreeSet<_>>()
        };
        assert!(seen("/kind").is_superset(&BTreeSet::from(["\"a\"".to_owned(), "\"b\"".to_owned()])));
        assert!(seen("/limit").contains("1") && seen("/limit").contains("25") && seen("/limit").contains("null"));
        assert!(seen("/who/email").contains("\"p@x\""));
        assert!(seen("/some").contains("[]") && seen("/some").iter().any(|list| list.contains("true")));
        // Faults, too: without what is required, and with what nobody named.
        assert!(all.iter().any(|value| value.get("kind").is_none()));
        assert!(all.iter().any(|value| value.get("$method").is_some()));
        assert!(all.iter().filter(|value| value["kind"] == "a" || value["kind"] == "b").count() > 300);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({ "$ref": "#/$defs/A", "$defs": { "A": { "type": "object", "required": ["a"], "properties": { "a": { "$ref": "#/$defs/A" } } } } });
        assert!(drawn(&schema, &Words::default(), &mut Draw::of_seed(3)).is_object());
    }
}
