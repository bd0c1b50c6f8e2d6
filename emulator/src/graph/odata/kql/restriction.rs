//! `property:value`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Kql, KqlError, Vocabulary};
use crate::mailbox::Importance;
use crate::search::{Instant, Phrase};

pub(super) fn restriction(
    vocabulary: &Vocabulary,
    name: &str,
    operator: &str,
    value: &str,
    now: Timestamp,
) -> Result<Kql, KqlError> {
    let not_modelled = || KqlError::NotModelled(format!("{name}{operator}"));
    if value.is_empty() {
        return Err(KqlError::NotModelled(format!("{name}{operator} without a word")));
    }
    if let Some(fields) = vocabulary.fields(name) {
        let text = Kql::Text { fields, phrase: Phrase::of(value) };
        return match operator {
            ":" => Ok(text),
            "<>" => Ok(Kql::Not(Box::new(text))),
            _ => Err(not_modelled()),
        };
    }
    let word = value.to_lowercase();
    if let Some(instant) = vocabulary.instant(name) {
        return times(instant, operator, &word, now).ok_or_else(not_modelled);
    }
    if let Some(flag) = vocabulary.flag(name).filter(|_| operator == ":") {
        return boolean(&word).map(|wanted| Kql::Flag(flag, wanted)).ok_or_else(not_modelled);
    }
    match (name, operator) {
        ("size", _) => sizes(operator, &word).ok_or_else(not_modelled),
        ("importance", ":") if vocabulary.is_mail => match word.as_str() {
            "low" => Ok(Kql::Importance(Importance::Low)),
            "medium" | "normal" => Ok(Kql::Importance(Importance::Normal)),
            "high" => Ok(Kql::Importance(Importance::High)),
            _ => Err(not_modelled()),
        },
        ("kind", ":") if vocabulary.is_mail => match word.as_str() {
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
        _ => match super::super::filter::time(&word.to_uppercase()) {
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
