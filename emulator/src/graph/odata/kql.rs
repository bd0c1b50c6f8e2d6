//! `$search` over mail: KQL text → expression → does a message match?
//!
//! <https://learn.microsoft.com/graph/search-query-parameter>. Bare words look into sender, subject and body; words side by side must all
//! match, except that two restrictions of one property are alternatives, as KQL has it. A word matches whole words, with `*` at its end
//! their beginnings.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::mailbox::{BodyKind, Correspondent, Importance, Message};

/// A search expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::graph) enum Kql {
    All(Vec<Kql>),
    AnyOf(Vec<Kql>),
    Not(Box<Kql>),
    /// Text in one of the fields.
    Text {
        scope: Scope,
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
    HasAttachments(bool),
    IsRead(bool),
    Importance(Importance),
    Nothing,
    Everything,
}

/// Where a text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Scope {
    Anywhere,
    From,
    To,
    Cc,
    Bcc,
    Recipients,
    Participants,
    Subject,
    Body,
    Attachment,
    Category,
}

/// Which instant of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Instant {
    Received,
    Sent,
}

/// One or more words in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::graph) struct Phrase {
    words: Vec<String>,
    is_prefix: bool,
    /// The text as given, lower case, for scripts that do not put spaces between words.
    whole: String,
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

/// Reads the value of `$search`.
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
    let tokens = tokens(&text);
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, now };
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
                    return Ok(Kql::Not(Box::new(text(Scope::Anywhere, excluded))));
                }
                Ok(text(Scope::Anywhere, words.strip_prefix('+').unwrap_or(&words)))
            }
            Some(Token::Restriction(name, operator, value)) => restriction(&name, operator, &value, self.now),
            _ => Err(KqlError::Syntax(self.at - 1)),
        }
    }
}

fn restriction(name: &str, operator: &str, value: &str, now: Timestamp) -> Result<Kql, KqlError> {
    let not_modelled = || KqlError::NotModelled(format!("{name}{operator}"));
    let scope = match name {
        "from" => Some(Scope::From),
        "to" => Some(Scope::To),
        "cc" => Some(Scope::Cc),
        "bcc" => Some(Scope::Bcc),
        "recipients" => Some(Scope::Recipients),
        "participants" => Some(Scope::Participants),
        "subject" => Some(Scope::Subject),
        "body" => Some(Scope::Body),
        "attachment" | "attachmentnames" => Some(Scope::Attachment),
        "category" => Some(Scope::Category),
        _ => None,
    };
    // `subject:(a b)` and a property without a value.
    if value.is_empty() {
        return Err(KqlError::NotModelled(format!("{name}{operator} without a word")));
    }
    if let Some(scope) = scope {
        return match operator {
            ":" => Ok(text(scope, value)),
            "<>" => Ok(Kql::Not(Box::new(text(scope, value)))),
            _ => Err(not_modelled()),
        };
    }
    let word = value.to_lowercase();
    match (name, operator) {
        ("received", _) => times(Instant::Received, operator, &word, now).ok_or_else(not_modelled),
        ("sent", _) => times(Instant::Sent, operator, &word, now).ok_or_else(not_modelled),
        ("size", _) => sizes(operator, &word).ok_or_else(not_modelled),
        ("hasattachment" | "hasattachments", ":") => boolean(&word).map(Kql::HasAttachments).ok_or_else(not_modelled),
        ("isread", ":") => boolean(&word).map(Kql::IsRead).ok_or_else(not_modelled),
        ("importance", ":") => match word.as_str() {
            "low" => Ok(Kql::Importance(Importance::Low)),
            "medium" | "normal" => Ok(Kql::Importance(Importance::Normal)),
            "high" => Ok(Kql::Importance(Importance::High)),
            _ => Err(not_modelled()),
        },
        ("kind", ":") => match word.as_str() {
            "email" => Ok(Kql::Everything),
            "contacts" | "docs" | "faxes" | "im" | "journals" | "meetings" | "notes" | "posts" | "rssfeeds"
            | "tasks" | "voicemail" => Ok(Kql::Nothing),
            _ => Err(not_modelled()),
        },
        _ => Err(not_modelled()),
    }
}

fn boolean(word: &str) -> Option<bool> {
    match word {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn sizes(operator: &str, word: &str) -> Option<Kql> {
    if let Some((from, until)) = word.split_once("..") {
        return Some(Kql::Size { from: from.parse().ok()?, until: until.parse().ok()? });
    }
    let size: u64 = word.parse().ok()?;
    Some(match operator {
        ":" => Kql::Size { from: size, until: size },
        ">" => Kql::Size { from: size.checked_add(1)?, until: u64::MAX },
        ">=" => Kql::Size { from: size, until: u64::MAX },
        "<" => Kql::Size { from: 0, until: size.checked_sub(1)? },
        "<=" => Kql::Size { from: 0, until: size },
        _ => return None,
    })
}

fn times(of: Instant, operator: &str, word: &str, now: Timestamp) -> Option<Kql> {
    let between = |from, until| Some(Kql::Time { of, from, until });
    if operator == ":" {
        if let Some((first, last)) = word.split_once("..") {
            return between(Some(span(first, now)?.0), Some(span(last, now)?.1));
        }
        let (from, until) = span(word, now)?;
        return between(Some(from), Some(until));
    }
    let (from, until) = span(word, now)?;
    match operator {
        ">" => between(Some(until), None),
        ">=" => between(Some(from), None),
        "<" => between(None, Some(from)),
        "<=" => between(None, Some(until)),
        "<>" => Some(Kql::Not(Box::new(Kql::Time { of, from: Some(from), until: Some(until) }))),
        _ => None,
    }
}

/// Beginning and end (exclusive) of what a date word names, in UTC.
fn span(word: &str, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let days = |first: Date, last: Date| {
        let begins = first.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let ends = last.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        Some((begins, ends))
    };
    let monday = |date: Date| {
        let back = jiff::Span::new().try_days(i64::from(date.weekday().to_monday_zero_offset())).ok()?;
        date.checked_sub(back).ok()
    };
    let week = |first: Date| days(first, first.checked_add(jiff::Span::new().try_days(6).ok()?).ok()?);
    let month = |date: Date| days(date.first_of_month(), date.last_of_month());
    match word {
        "today" => days(today, today),
        "yesterday" => days(today.yesterday().ok()?, today.yesterday().ok()?),
        "this week" => week(monday(today)?),
        "last week" => week(monday(today)?.checked_sub(jiff::Span::new().try_days(7).ok()?).ok()?),
        "this month" => month(today),
        "last month" => month(today.first_of_month().yesterday().ok()?),
        "this year" => days(today.first_of_year(), today.last_of_year()),
        "last year" => {
            let last = today.first_of_year().yesterday().ok()?;
            days(last.first_of_year(), last)
        }
        _ => match super::filter::time(&word.to_uppercase()) {
            Some(instant) if word.contains('t') => {
                Some((instant, instant.checked_add(jiff::SignedDuration::from_secs(1)).ok()?))
            }
            _ => date(word).and_then(|date| days(date, date)),
        },
    }
}

/// `2026-01-12` or, as the real service has it, `1/12/2026`: month first.
fn date(word: &str) -> Option<Date> {
    if let Some(date) = (word.len() == 10).then(|| word.parse().ok()).flatten() {
        return Some(date);
    }
    let mut parts = word.split('/');
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    let year = parts.next()?.parse().ok()?;
    if parts.next().is_some() { None } else { Date::new(year, month, day).ok() }
}

fn text(scope: Scope, value: &str) -> Kql {
    let is_prefix = value.ends_with('*');
    let whole = value.trim_end_matches('*').to_lowercase();
    let words = words(&whole).map(str::to_owned).collect();
    Kql::Text { scope, phrase: Phrase { words, is_prefix, whole } }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

impl Phrase {
    fn is_in(&self, text: &str) -> bool {
        if self.words.is_empty() {
            return !self.whole.is_empty() && text.contains(&self.whole);
        }
        let text = text.to_lowercase();
        // Chinese, Japanese and Thai write words without spaces: no word of the text would ever be equal.
        if self.whole.chars().any(is_unspaced) {
            return text.contains(&self.whole);
        }
        let found: Vec<&str> = words(&text).collect();
        found.windows(self.words.len()).any(|window| {
            let (Some((last, init)), Some((last_word, init_words))) = (window.split_last(), self.words.split_last())
            else {
                return false;
            };
            let last_fits = if self.is_prefix { last.starts_with(last_word.as_str()) } else { last == last_word };
            last_fits && init.iter().zip(init_words).all(|(left, right)| left == right)
        })
    }

    fn names(&self, people: &[Correspondent]) -> bool {
        people.iter().any(|person| self.is_in(&person.name) || self.is_in(&person.address))
    }
}

fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{0e00}'..='\u{0e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

impl Kql {
    /// Whether a message matches. Its text is looked into only if `has_body`: who may not read a body may not probe it either.
    pub(in crate::graph) fn matches(&self, message: &Message, has_body: bool) -> bool {
        match self {
            Self::All(every) => every.iter().all(|one| one.matches(message, has_body)),
            Self::AnyOf(some) => some.iter().any(|one| one.matches(message, has_body)),
            Self::Not(inner) => !inner.matches(message, has_body),
            Self::Text { scope, phrase } => text_matches(*scope, phrase, message, has_body),
            Self::Time { of, from, until } => {
                let at = match of {
                    Instant::Received => message.received,
                    Instant::Sent => message.sent.unwrap_or(message.received),
                };
                from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until)
            }
            Self::Size { from, until } => (*from..=*until).contains(&(message.mime.len() as u64)),
            Self::HasAttachments(wanted) => message.has_attachments() == *wanted,
            Self::IsRead(wanted) => message.is_read == *wanted,
            Self::Importance(wanted) => message.importance == *wanted,
            Self::Nothing => false,
            Self::Everything => true,
        }
    }
}

fn text_matches(scope: Scope, phrase: &Phrase, message: &Message, has_body: bool) -> bool {
    let from = || phrase.names(message.from.as_slice()) || phrase.names(message.sender.as_slice());
    let subject = || phrase.is_in(&message.subject);
    let body = || has_body && phrase.is_in(message.body.content(BodyKind::Text));
    let attachment = || has_body && message.attachments.iter().any(|attachment| phrase.is_in(&attachment.name));
    let recipients = || [&message.to, &message.cc, &message.bcc].into_iter().any(|people| phrase.names(people));
    match scope {
        Scope::Anywhere => from() || subject() || body(),
        Scope::From => from(),
        Scope::To => phrase.names(&message.to),
        Scope::Cc => phrase.names(&message.cc),
        Scope::Bcc => phrase.names(&message.bcc),
        Scope::Recipients => recipients(),
        Scope::Participants => from() || recipients(),
        Scope::Subject => subject(),
        Scope::Body => body(),
        Scope::Attachment => attachment(),
        Scope::Category => message.categories.iter().any(|category| phrase.is_in(category)),
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
        assert!(matches!(parse("\"from:alice\"", now()), Ok(Kql::Text { scope: Scope::From, .. })));
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
