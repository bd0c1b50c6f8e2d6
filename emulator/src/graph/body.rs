//! Bodies of writes: JSON objects whose members may come in any letter case.
//!
//! Texts of refusals as clients have seen them; a member that the type does not have is refused, as the real service refuses it.

use serde_json::{Map, Value};

use super::error::GraphError;
use super::route::Ask;

/// One object of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    of: &'static str,
    map: &'a Map<String, Value>,
}

/// The body as JSON.
pub(super) fn parse(ask: &Ask<'_>) -> Result<Value, GraphError> {
    if ask.body.iter().all(u8::is_ascii_whitespace) {
        return Err(GraphError::BadRequest("Empty Payload. JSON content expected.".to_owned()));
    }
    serde_json::from_slice(ask.body)
        .map_err(|_| GraphError::BadRequest("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.".to_owned()))
}

/// Like [`parse`], for actions whose parameters may all be left out.
pub(super) fn parse_or_empty(ask: &Ask<'_>) -> Result<Value, GraphError> {
    if ask.body.iter().all(u8::is_ascii_whitespace) { Ok(Value::Object(Map::new())) } else { parse(ask) }
}

fn unfit(literal: &Value, kind: &str) -> GraphError {
    let literal: String = literal.to_string().chars().take(60).collect();
    GraphError::RequestBody(format!("Cannot convert the literal '{literal}' to the expected type '{kind}'."))
}

impl<'a> Fields<'a> {
    /// The object, if it is one and has no members beside `known` (and annotations).
    pub(super) fn of(value: &'a Value, of: &'static str, known: &[&str]) -> Result<Self, GraphError> {
        let map = value.as_object().ok_or_else(|| unfit(value, of))?;
        let unknown =
            map.keys().find(|name| !name.contains('@') && !known.iter().any(|known| known.eq_ignore_ascii_case(name)));
        match unknown {
            None => Ok(Self { of, map }),
            Some(name) => Err(GraphError::RequestBody(format!(
                "The property '{name:.60}' does not exist on type 'microsoft.graph.{of}'. Make sure to only use property names that are defined by the type."
            ))),
        }
    }

    /// The first of `names` that is there.
    pub(super) fn any(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.get(name).is_some())
    }

    /// A member; `null` is one.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map
            .get(name)
            .or_else(|| self.map.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value))
    }

    /// A member that is not `null`.
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, GraphError> {
        self.value(name).map(|value| value.as_str().ok_or_else(|| unfit(value, "Edm.String"))).transpose()
    }

    pub(super) fn need(&self, name: &str) -> Result<&'a str, GraphError> {
        self.text(name)?.ok_or_else(|| {
            GraphError::RequestBody(format!("The property '{name}' of type 'microsoft.graph.{}' is required.", self.of))
        })
    }

    /// A Boolean, also as text: so client libraries send it, and are served.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, GraphError> {
        let said = |value: &Value| match value {
            Value::Bool(is) => Ok(*is),
            Value::String(text) => text.to_ascii_lowercase().parse().map_err(|_| unfit(value, "Edm.Boolean")),
            _ => Err(unfit(value, "Edm.Boolean")),
        };
        self.value(name).map(said).transpose()
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, GraphError> {
        let Some(items) = self.items(name)? else { return Ok(None) };
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(|| unfit(item, "Edm.String")));
        texts.collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn items(&self, name: &str) -> Result<Option<&'a [Value]>, GraphError> {
        self.value(name)
            .map(|value| value.as_array().map(Vec::as_slice).ok_or_else(|| unfit(value, "Collection")))
            .transpose()
    }

    /// A member that is one of these words.
    pub(super) fn word<T: Copy>(&self, name: &str, kind: &str, words: &[(&str, T)]) -> Result<Option<T>, GraphError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        found.map(|(_, value)| Some(*value)).ok_or_else(|| unfit(&Value::from(text), kind))
    }
}
