//! Which tool answers a question, and what is the answer? A script in place of a model, so that the whole way can be walked,
//! tested and shown offline: the same question and result give the same words.
//!
//! An answer is for everybody in the chat, so it says what was found and not what is written inside: how many, and the titles of
//! the first few.

use serde_json::{Map, Value};

/// Words that say which kind of thing is meant, and the tool for it; the first tool is taken where none is said.
const KINDS: &[(&str, &[&str])] = &[
    ("outlook_email_search", &["mail", "mails", "email", "emails", "message", "messages", "inbox"]),
    ("outlook_calendar_search", &["calendar", "event", "events", "meeting", "meetings", "appointment", "appointments"]),
    ("chat_message_search", &["chat", "chats", "teams"]),
    ("sharepoint_search", &["document", "documents", "file", "files", "sharepoint", "page", "pages"]),
    ("get_me", &["who", "account"]),
];

/// Words that mean nothing to a search.
const FILLERS: &[&str] = &[
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "by", "can", "did", "do", "does", "find", "for", "from",
    "give", "have", "how", "i", "in", "is", "it", "last", "latest", "look", "me", "my", "new", "of", "on", "or",
    "please", "say", "says", "search", "show", "tell", "that", "the", "there", "to", "up", "was", "we", "were", "what",
    "when", "where", "which", "with", "you", "your",
];

/// Titles that an answer names.
const NAMED: usize = 3;

/// The tool and its arguments for a question, out of the tools that are there.
pub(super) fn plan(question: &str, tools: &[String]) -> Option<(String, Map<String, Value>)> {
    let words: Vec<String> = question
        .split(|c: char| !(c.is_alphanumeric() || "@._-'".contains(c)))
        .map(|word| word.trim_matches(|c: char| "._-'".contains(c)).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let there = |tool: &&str| tools.iter().any(|known| known == tool);
    let said = KINDS.iter().find(|(tool, kind)| there(tool) && words.iter().any(|word| kind.contains(&word.as_str())));
    let (tool, kind) = said.or_else(|| KINDS.iter().find(|(tool, _)| there(tool)))?;
    let mut arguments = Map::new();
    if *tool != "get_me" {
        let meant = |word: &&String| !FILLERS.contains(&word.as_str()) && !kind.contains(&word.as_str());
        let query: Vec<&str> = words.iter().filter(meant).map(String::as_str).collect();
        if query.is_empty() {
            return None;
        }
        arguments.insert("query".to_owned(), query.join(" ").into());
    }
    Some(((*tool).to_owned(), arguments))
}

/// The answer that everybody in the chat sees.
pub(super) fn answer(tool: &str, result: &Value) -> String {
    if result.get("isError") == Some(&Value::Bool(true)) {
        let why = result.pointer("/structuredContent/error/message").or_else(|| result.pointer("/content/0/text"));
        return match why.and_then(Value::as_str) {
            Some(why) => format!("Failed to call tool {tool}: {why}"),
            None => format!("Failed to call tool {tool}."),
        };
    }
    let content = result.get("structuredContent");
    let Some(items) = content.and_then(|content| content.get("items")).and_then(Value::as_array) else {
        let name = content.and_then(|content| {
            ["displayName", "name", "subject", "title"].iter().find_map(|field| find(content, field))
        });
        return name.map_or_else(
            || format!("{tool} was called. Its result is kept for whoever asked."),
            |name| format!("{tool}: {name}."),
        );
    };
    if items.is_empty() {
        return "Nothing was found.".to_owned();
    }
    let titles: Vec<String> = items.iter().filter_map(title).take(NAMED).map(|title| format!("“{title}”")).collect();
    let more = content.and_then(|content| content.pointer("/page/moreResults")) == Some(&Value::Bool(true));
    let count = if more { format!("more than {}", items.len()) } else { items.len().to_string() };
    match (titles.is_empty(), items.len() > titles.len() || more) {
        (true, _) => format!("Found {count}."),
        (false, true) => format!("Found {count}: {}, …", titles.join(", ")),
        (false, false) => format!("Found {count}: {}.", titles.join(", ")),
    }
}

fn title(item: &Value) -> Option<&str> {
    ["subject", "title", "name", "topic"].iter().find_map(|field| item.get(field)?.as_str())
}

/// A text member called `field`, at the top or one level below.
fn find<'v>(content: &'v Value, field: &str) -> Option<&'v str> {
    let below = || content.as_object()?.values().find_map(|inner| inner.get(field)?.as_str());
    content.get(field).and_then(Value::as_str).or_else(below)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn planned(question: &str) -> Option<(String, Value)> {
        let tools = ["get_me", "outlook_email_search", "outlook_calendar_search"].map(str::to_owned);
        plan(question, &tools).map(|(tool, arguments)| (tool, arguments.into()))
    }

    #[test]
    fn a_question_becomes_a_search() {
        for (question, tool, query) in [
            ("What does the mail about the budget say?", "outlook_email_search", "budget"),
            ("Any meeting with alice@contoso.example?", "outlook_calendar_search", "alice@contoso.example"),
            ("Show me documents on larkspur", "outlook_email_search", "documents larkspur"),
        ] {
            assert_eq!(planned(question), Some((tool.to_owned(), json!({ "query": query }))), "{question}");
        }
        assert_eq!(planned("Who am I?"), Some(("get_me".to_owned(), json!({}))));
        assert_eq!(planned("show me my mail"), None);
        assert_eq!(plan("budget", &[]), None);
    }

    #[test]
    fn an_answer_names_what_was_found_and_quotes_nothing() {
        let items =
            json!([{ "subject": "Budget", "summary": "larkspur" }, { "subject": "Plans", "summary": "secret" }]);
        let result = json!({ "structuredContent": { "items": items, "page": { "moreResults": false } } });
        assert_eq!(answer("t", &result), "Found 2: “Budget”, “Plans”.");
        assert_eq!(answer("t", &json!({ "structuredContent": { "items": [] } })), "Nothing was found.");
        let failed =
            json!({ "isError": true, "structuredContent": { "error": { "message": "Mail.Read is missing." } } });
        assert_eq!(answer("t", &failed), "Failed to call tool t: Mail.Read is missing.");
    }
}
