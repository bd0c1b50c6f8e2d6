//! What are the target's tools called, what do they take, and where are things in their answers?

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::bench::Call;

/// Ours by name, and what each is at the target.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Tools(BTreeMap<String, Tool>);

/// One tool of the target.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    /// What it is called.
    name: String,
    /// Its arguments: `"{query}"` stands for our argument `query`, with its own type. Without a table, ours as they are.
    #[serde(default)]
    arguments: Option<BTreeMap<String, Value>>,
    /// Where things are in its answer.
    #[serde(default)]
    answer: Shape,
}

/// Where things are in a tool's structured answer: JSON pointers.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shape {
    /// The hits of a search.
    pub items: String,
    /// The address inside a hit.
    pub uri: String,
    /// The cursor of the next page.
    pub cursor: String,
    /// The code of an error.
    pub code: String,
}

impl Default for Shape {
    fn default() -> Self {
        let pointer = str::to_owned;
        Self {
            items: pointer("/items"),
            uri: pointer("/uri"),
            cursor: pointer("/page/nextCursor"),
            code: pointer("/error/code"),
        }
    }
}

impl Tools {
    /// The names at the target.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(|tool| tool.name.as_str())
    }

    /// What a tool of ours is called there.
    pub fn name<'a>(&'a self, ours: &'a str) -> &'a str {
        self.0.get(ours).map_or(ours, |tool| &tool.name)
    }

    /// Whether some tool takes arguments of its own.
    pub(super) fn are_templates(&self) -> bool {
        self.0.values().any(|tool| tool.arguments.is_some())
    }

    /// The first argument of a call that the target cannot be given: its template has no place for it. How much is asked for is no question
    /// of its own.
    pub(crate) fn untold<'a>(&self, call: &'a Call) -> Option<&'a str> {
        let (ours, arguments) = call.tool()?;
        let template = self.0.get(ours)?.arguments.as_ref()?;
        let places: Vec<&str> = template.values().filter_map(place).collect();
        let given = arguments.as_object()?.keys().map(String::as_str);
        given.filter(|&name| name != "limit").find(|name| !places.contains(name))
    }

    /// The call in the target's words.
    pub(crate) fn translated(&self, call: Call) -> Call {
        let Some((ours, arguments)) = call.tool() else { return call };
        let Some(tool) = self.0.get(ours) else { return call };
        let arguments = tool.arguments.as_ref().map_or_else(
            || arguments.clone(),
            |template| {
                let filled =
                    template.iter().filter_map(|(name, value)| Some((name.clone(), filled(value, arguments)?)));
                Value::Object(filled.collect())
            },
        );
        call.asked_of(&tool.name, arguments, tool.answer.clone())
    }
}

/// A value of a template; `None`: the argument it stands for was not given.
fn filled(template: &Value, arguments: &Value) -> Option<Value> {
    match place(template) {
        Some(name) => arguments.get(name).cloned(),
        None => Some(template.clone()),
    }
}

/// The argument that a value of a template stands for.
fn place(template: &Value) -> Option<&str> {
    template.as_str()?.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_said_in_the_targets_words() {
        let tools: Tools = toml::from_str(
            "[outlook_email_search]\nname = \"search_mail\"\nanswer = { items = \"/value\" }\narguments = { q = \"{query}\", top = \"{limit}\", folder = \"inbox\", after = \"{cursor}\" }\n",
        )
        .unwrap();
        let call = Call::anonymous("tools/call").asked_of(
            "outlook_email_search",
            json!({ "query": "x", "limit": 5 }),
            Shape::default(),
        );
        let call = tools.translated(call);
        let expected = json!({ "q": "x", "top": 5, "folder": "inbox" });
        assert_eq!(call.tool(), Some(("search_mail", &expected)));
        assert_eq!(tools.name("get_me"), "get_me");
        let asking =
            |arguments| Call::anonymous("tools/call").asked_of("outlook_email_search", arguments, Shape::default());
        assert_eq!(tools.untold(&asking(json!({ "query": "x", "limit": 5 }))), None);
        assert_eq!(
            tools.untold(&asking(json!({ "query": "x", "mailboxOwnerEmail": "a@b" }))),
            Some("mailboxOwnerEmail")
        );
    }
}
