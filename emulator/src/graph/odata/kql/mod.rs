//! KQL: text → expression → does a document match, and which of an index do?
//!
//! `$search` over mail (<https://learn.microsoft.com/graph/search-query-parameter>) and `/search/query`
//! (<https://learn.microsoft.com/sharepoint/dev/general-development/keyword-query-language-kql-syntax-reference>). What properties there are
//! is told by a vocabulary. Words side by side must all match, except that two restrictions of one property are alternatives, as KQL has it.
//! A word matches whole words, with `*` at its end their beginnings.

mod matching;
mod restriction;
pub(in crate::graph) mod vocabulary;

use jiff::Timestamp;

use self::restriction::restriction;
pub(in crate::graph) use self::vocabulary::Vocabulary;
use crate::mailbox::Importance;
use crate::search::{Fields, Flag, Instant, Phrase};

/// A search expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::graph) enum Kql {
    All(Vec<Kql>),
    AnyOf(Vec<Kql>),
    Not(Box<Kql>),
    /// Text in one of the fields.
    Text {
        fields: Fields,
        phrase: Phrase,
    },
    Time {
        of: Instant,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    },
    Size {
        from: u64,
        until: u64,
    },
    Flag(Flag, bool),
    Importance(Importance),
    Nothing,
    Everything,
}

/// A search that cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::graph) enum KqlError {
    /// Not KQL; the place.
    Syntax(usize),
    /// KQL that is not modelled: a property, a date word.
    NotModelled(String),
}

const DEPTH: usize = 50;

/// Reads the value of `$search` over mail.
pub(in crate::graph) fn parse(search: &str, now: Timestamp) -> Result<Kql, KqlError> {
    let search = search.trim();
    // The outer quotes belong to the parameter's value, not to KQL; quotes inside them are escaped with a backslash.
    let text = if let Some(inner) = search.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        inner.replace("\\\"", "\"").replace("\\\\", "\\")
    } else if let Some(at) = search.find([':', '"', '@', '(', ')', '=', '<', '>']) {
        return Err(KqlError::Syntax(at));
    } else {
        search.to_owned()
    };
    parse_with(&text, &vocabulary::MAIL, now)
}

/// Reads KQL.
pub(in crate::graph) fn parse_with(
    text: &str,
    vocabulary: &'static Vocabulary,
    now: Timestamp,
) -> Result<Kql, KqlError> {
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, now, vocabulary, fields: vocabulary.anywhere };
    let found = parser.any()?;
    if parser.at < tokens.len() { Err(KqlError::Syntax(parser.at)) } else { Ok(found) }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    /// Property, operator, value, whether the value was quoted.
    Restriction(String, &'static str, String),
    Words(String),
}

fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    let get = |at: usize| letters.get(at).copied();
    let quoted = |at: &mut usize| {
        *at += 1;
        let mut value = String::new();
        while let Some(letter) = get(*at) {
            *at += 1;
            if letter == '"' {
                break;
            }
            value.push(letter);
        }
        value
    };
    let bare = |at: &mut usize, stops: &[char]| {
        let mut value = String::new();
        while let Some(letter) = get(*at) {
            if letter.is_whitespace() || matches!(letter, '(' | ')' | '"') || stops.contains(&letter) {
                break;
            }
            value.push(letter);
            *at += 1;
        }
        value
    };
    while let Some(letter) = get(at) {
        match letter {
            letter if letter.is_whitespace() => at += 1,
            '(' => {
                found.push(Token::Open);
                at += 1;
            }
            ')' => {
                found.push(Token::Close);
                at += 1;
            }
            '"' => found.push(Token::Words(quoted(&mut at))),
            _ => {
                let start = at;
                let word = bare(&mut at, &[':', '=', '<', '>']);
                let operator = match (get(at), get(at + 1)) {
                    (Some('>'), Some('=')) => Some((">=", 2)),
                    (Some('<'), Some('=')) => Some(("<=", 2)),
                    (Some('<'), Some('>')) => Some(("<>", 2)),
                    (Some('>'), _) => Some((">", 1)),
                    (Some('<'), _) => Some(("<", 1)),
                    (Some(':' | '='), _) => Some((":", 1)),
                    _ => None,
                };
                // `-from:ann` is `NOT from:ann`.
                let word = match word.strip_prefix('-') {
                    Some(rest) if operator.is_some() && !rest.is_empty() && rest.chars().all(char::is_alphabetic) => {
                        found.push(Token::Not);
                        rest.to_owned()
                    }
                    _ => word,
                };
                match operator {
                    Some((operator, length)) if !word.is_empty() && word.chars().all(char::is_alphabetic) => {
                        at += length;
                        let value = if get(at) == Some('"') { quoted(&mut at) } else { bare(&mut at, &[]) };
                        found.push(Token::Restriction(word.to_lowercase(), operator, value));
                    }
                    Some(_) => {
                        // No property before the sign: it is part of a word (10:30, <a@b>).
                        let mut word = word;
                        while at == start || matches!(get(at), Some(':' | '=' | '<' | '>')) {
                            word.extend(get(at));
                            at += 1;
                        }
                        word.push_str(&bare(&mut at, &[]));
                        found.push(Token::Words(word));
                    }
                    None => found.push(match word.as_str() {
                        "AND" => Token::And,
                        "OR" => Token::Or,
                        "NOT" => Token::Not,
                        _ => Token::Words(word),
                    }),
                }
            }
        }
    }
    found
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    now: Timestamp,
    vocabulary: &'static Vocabulary,
    /// Where words without a property are looked for.
    fields: Fields,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn any(&mut self) -> Result<Kql, KqlError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(KqlError::Syntax(self.at));
        }
        let mut some = vec![self.all()?];
        while self.peek() == Some(&Token::Or) {
            self.at += 1;
            some.push(self.all()?);
        }
        self.depth -= 1;
        Ok(if some.len() == 1 { some.remove(0) } else { Kql::AnyOf(some) })
    }

    fn all(&mut self) -> Result<Kql, KqlError> {
        let mut every: Vec<(Option<String>, Kql)> = Vec::new();
        loop {
            let is_explicit = self.peek() == Some(&Token::And);
            self.at += usize::from(is_explicit);
            let property = match self.peek() {
                Some(Token::Restriction(name, ":", _)) => Some(name.clone()),
                None | Some(Token::Or | Token::Close) => break,
                _ => None,
            };
            let one = self.one()?;
            match (every.last_mut(), property) {
                // `from:ann from:bob`: alternatives, unless AND stands between them.
                (Some((Some(before), kept)), Some(property)) if !is_explicit && *before == property => {
                    let first = std::mem::replace(kept, Kql::Nothing);
                    *kept = Kql::AnyOf(vec![first, one]);
                }
                (_, property) => every.push((property, one)),
            }
        }
        let mut every: Vec<Kql> = every.into_iter().map(|(_, one)| one).collect();
        match every.len() {
            0 => Err(KqlError::Syntax(self.at)),
            1 => Ok(every.remove(0)),
            _ => Ok(Kql::All(every)),
        }
    }

    fn text(&self, text: &str) -> Kql {
        let phrase = Phrase::of(text);
        if phrase.is_empty() && self.vocabulary.takes_star {
            Kql::Everything
        } else {
            Kql::Text { fields: self.fields, phrase }
        }
    }

    fn one(&mut self) -> Result<Kql, KqlError> {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Not) => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(KqlError::Syntax(self.at));
                }
                let inner = self.one()?;
                self.depth -= 1;
                Ok(Kql::Not(Box::new(inner)))
            }
            Some(Token::Open) => {
                let inner = self.any()?;
                if self.peek() != Some(&Token::Close) {
                    return Err(KqlError::Syntax(self.at));
                }
                self.at += 1;
                Ok(inner)
            }
            Some(Token::Words(words)) => {
                if let Some(excluded) = words.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                    return Ok(Kql::Not(Box::new(self.text(excluded))));
                }
                Ok(self.text(words.strip_prefix('+').unwrap_or(&words)))
            }
            // `subject:(budget OR plan)`
            Some(Token::Restriction(name, ":", value)) if value.is_empty() && self.peek() == Some(&Token::Open) => {
                let Some(fields) = self.vocabulary.fields(&name) else {
                    return Err(KqlError::NotModelled(format!("{name}:(")));
                };
                let outer = std::mem::replace(&mut self.fields, fields);
                let inner = self.one();
                self.fields = outer;
                inner
            }
            Some(Token::Restriction(name, operator, value)) => {
                restriction(self.vocabulary, &name, operator, &value, self.now)
            }
            _ => Err(KqlError::Syntax(self.at - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-01-12T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_quotes_belong_to_the_value() {
        assert_eq!(parse("\"budget\"", now()), parse("budget", now()));
        assert_eq!(parse("from:alice", now()), Err(KqlError::Syntax(4)));
        assert!(
            matches!(parse("\"from:alice\"", now()), Ok(Kql::Text { fields, .. }) if fields == Fields::of(&[crate::search::Field::From]))
        );
        assert_eq!(parse("\"frobnicate:x\"", now()), Err(KqlError::NotModelled("frobnicate:".to_owned())));
        assert!(parse("\"\"", now()).is_err());
        assert!(parse("\"(a\"", now()).is_err());
    }

    #[test]
    fn dates_are_days_months_first() {
        let day = |text: &str| parse(&format!("\"received{text}\""), now()).unwrap();
        let at = |text: &str| Some(text.parse().unwrap());
        let from_to = |from, until| Kql::Time { of: Instant::Received, from, until };
        let whole = from_to(at("2026-01-05T00:00:00Z"), at("2026-01-06T00:00:00Z"));
        assert_eq!(day(":01/05/2026"), whole);
        assert_eq!(day(":2026-01-05"), whole);
        assert_eq!(day(">=1/5/2026"), from_to(at("2026-01-05T00:00:00Z"), None));
        assert_eq!(day(":2026-01-05..2026-01-07"), from_to(at("2026-01-05T00:00:00Z"), at("2026-01-08T00:00:00Z")));
        assert_eq!(day(":yesterday"), from_to(at("2026-01-11T00:00:00Z"), at("2026-01-12T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".*") {
            let _ = parse(&text, now());
            let _ = parse(&format!("\"{text}\""), now());
        }

        #[test]
        fn nothing_panics_near_the_grammar(text in "((from|received|size|AND|OR|NOT|:|<|>=|\\.\\.|\\(|\\)|\"|\\*| |1/2/2026|9){0,24})") {
            let _ = parse(&format!("\"{text}\""), now());
        }
    }
}
