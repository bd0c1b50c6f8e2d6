//! A request as a line for a shell. What is secret stays a variable: the line of a bundle works once its variables are set.

use std::fmt::Write as _;

use crate::recorder::Message;

/// Longer bodies are not part of a line.
const LONGEST: usize = 4_000;

/// Where `$CONNECTOR`, `$LOGIN` and `$GRAPH` stand for origins.
const ORIGINS: &[(&str, &str)] =
    &[("https://connector.test", "$CONNECTOR"), ("https://login.test", "$LOGIN"), ("https://graph.test", "$GRAPH")];

/// The line; `None` where the body is too long for one, or was withheld.
pub(super) fn line(method: &str, url: &str, request: &Message) -> Option<String> {
    if request.withheld.is_some() || request.body.len() > LONGEST {
        return None;
    }
    let mut line = format!("curl -sS -i -X {} {}", word(method), address(url));
    for (name, value) in &request.headers {
        let _ = write!(line, " -H {}", variables(&header(name, value)));
    }
    if !request.body.is_empty() {
        let _ = write!(line, " --data-raw {}", variables(&quoted(&request.body)));
    }
    Some(line)
}

/// A header as curl takes it: one without a value ends with a semicolon, for a colon would leave it out.
pub(super) fn header(name: &str, value: &str) -> String {
    quoted(&if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") })
}

/// A text in single quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn word(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii_alphanumeric()) { text.to_owned() } else { quoted(text) }
}

fn address(url: &str) -> String {
    for (origin, name) in ORIGINS {
        if let Some(rest) = url.strip_prefix(origin) {
            return format!("\"{name}\"{}", variables(&quoted(rest)));
        }
    }
    variables(&quoted(url))
}

/// Labels of secrets inside single quotes become variables: `<T1>` is `'"$T1"'`, `<client-secret-1>` is `'"$CLIENT_SECRET_1"'`.
fn variables(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        rest = after;
        if let Some((label, after)) = after.split_once('>').filter(|(label, _)| is_label(label)) {
            let _ = write!(out, "'\"${}\"'", label.to_uppercase().replace('-', "_"));
            rest = after;
        } else {
            out.push('<');
        }
    }
    out.push_str(rest);
    out
}

/// `T4`, or a kind of secret and its number.
fn is_label(label: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    label.strip_prefix('T').is_some_and(digits)
        || label.rsplit_once('-').is_some_and(|(kind, number)| {
            digits(number) && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_variable_and_the_rest_stays_as_it_was() {
        let request = Message {
            headers: vec![("authorization".to_owned(), "Bearer <T3>".to_owned())],
            body: "it's <b>bold</b> & $HOME <client-secret-1>".to_owned(),
            raw: String::new(),
            withheld: None,
        };
        let line = line("POST", "https://connector.test/mcp", &request).unwrap();
        assert_eq!(
            line,
            r#"curl -sS -i -X POST "$CONNECTOR"'/mcp' -H 'authorization: Bearer '"$T3"'' --data-raw 'it'\''s <b>bold</b> & $HOME '"$CLIENT_SECRET_1"''"#
        );
    }
}
