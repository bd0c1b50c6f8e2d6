//! What would be fetched if somebody showed an answer as Markdown? Hosts do: text of a tool, or of a model that repeats it, is rendered.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

use crate::bench::Reply;

/// Attributes of HTML whose address is loaded by itself.
const LOADING: [&str; 7] = ["src", "srcset", "poster", "data", "background", "href", "xlink:href"];

/// Elements whose `href` only a person follows.
const FOLLOWED: [&str; 2] = ["a", "area"];

/// The addresses, each once.
pub(super) fn loads(reply: &Reply) -> Vec<String> {
    let mut found = BTreeSet::new();
    of_text(&reply.text(), &mut found);
    if let Some(json) = reply.json() {
        of_value(&json, &mut found);
    }
    found.into_iter().collect()
}

fn of_value(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => of_text(text, found),
        Value::Array(items) => items.iter().for_each(|item| of_value(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| of_value(field, found)),
        _ => {}
    }
}

fn of_text(text: &str, found: &mut BTreeSet<String>) {
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::Image { dest_url, .. }) => {
                found.insert(dest_url.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => of_html(&html, found),
            _ => {}
        }
    }
}

/// The elements of a piece of HTML: attributes that load, and styles that do.
fn of_html(html: &str, found: &mut BTreeSet<String>) {
    for element in html.split('<').skip(1) {
        let element = element.split('>').next().unwrap_or_default();
        let name: String = element.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        if name == "script" || element.contains("url(") {
            found.insert(format!("<{element}>"));
        }
        for (at, _) in element.match_indices('=') {
            let attribute = element.get(..at).unwrap_or_default().trim_end();
            let attribute =
                attribute.rsplit([' ', '/', '"', '\'', '\n', '\t']).next().unwrap_or_default().to_lowercase();
            let followed = attribute == "href" && FOLLOWED.contains(&name.as_str());
            if LOADING.contains(&attribute.as_str()) && !followed {
                let address = element.get(at + 1..).unwrap_or_default().trim_start_matches([' ', '"', '\'', '\\']);
                found.insert(address.split([' ', '"', '\'']).next().unwrap_or_default().to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_elements_are_seen_and_links_are_not() {
        let seen = |text: &str| {
            let mut found = BTreeSet::new();
            of_text(text, &mut found);
            found.into_iter().collect::<Vec<_>>()
        };
        for text in [
            "![x](https://evil.example)",
            "![x][r]\n\n[r]: https://evil.example",
            "![r]\n\n[r]: https://evil.example",
            "<img src=https://evil.example>",
            "see <IMG alt='' SRC=\"https://evil.example\">",
        ] {
            assert_eq!(seen(text), ["https://evil.example"], "{text}");
        }
        assert_eq!(seen("<p style=\"background:url(https://evil.example)\">").len(), 1);
        for text in [
            "[x](https://evil.example)",
            "<https://evil.example>",
            "<a href=https://evil.example>x</a>",
            r"!\[x](https://evil.example)",
        ] {
            assert!(seen(text).is_empty(), "{text}");
        }
    }
}
