//! Which instant does somebody mean by "last week" or `2026-01-12`? Read in UTC; said back in the answer.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan as _};

use super::Note;
use crate::refusal::{Code, Refusal};

/// Which end of a span of days is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// Its first second.
    After,
    /// Its last second.
    Before,
}

/// The instant, and whether it had to be interpreted.
pub(super) fn instant(parameter: &str, text: &str, bound: Bound, now: Timestamp) -> Result<(Timestamp, bool), Refusal> {
    let text = text.trim();
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Ok((exact, false));
    }
    if let Ok(local) = text.parse::<jiff::civil::DateTime>()
        && text.contains(['T', 't', ':'])
        && let Ok(zoned) = local.to_zoned(TimeZone::UTC)
    {
        return Ok((zoned.timestamp(), true));
    }
    let today = now.to_zoned(TimeZone::UTC).date();
    let days = text.parse::<Date>().ok().map(|day| (day, day)).or_else(|| words(&text.to_ascii_lowercase(), today));
    days.and_then(|(first, last)| match bound {
        Bound::After => Some(first.to_zoned(TimeZone::UTC).ok()?.timestamp()),
        Bound::Before => {
            let end = last.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
            end.checked_sub(SignedDuration::from_secs(1)).ok()
        }
    })
    .map(|instant| (instant, true))
    .ok_or_else(|| {
        Refusal::new(Code::InvalidDate, format!("`{parameter}` is not understood as a date."))
            .parameters(&[parameter])
            .suggestion("Use ISO 8601 (2026-01-12 or 2026-01-12T09:00:00Z), or words such as today, yesterday, last week, 7 days ago, next monday.")
    })
}

/// The instant of a parameter that may be left out; a note says how it was read, where that had to be decided.
pub(super) fn given(
    parameter: &str,
    text: Option<&String>,
    bound: Bound,
    now: Timestamp,
    notes: &mut Vec<Note>,
) -> Result<Option<Timestamp>, Refusal> {
    text.map(|text| noted(parameter, text, bound, now, notes)).transpose()
}

/// The same of a parameter that is always there.
pub(super) fn noted(
    parameter: &str,
    text: &str,
    bound: Bound,
    now: Timestamp,
    notes: &mut Vec<Note>,
) -> Result<Timestamp, Refusal> {
    let (instant, interpreted) = instant(parameter, text, bound, now)?;
    if interpreted {
        notes.push(Note::new("DATE_INTERPRETED", format!("`{parameter}` was read as {instant}.")));
    }
    Ok(instant)
}

/// First and last day of what the words mean.
fn words(text: &str, today: Date) -> Option<(Date, Date)> {
    let day = |span: Span| today.checked_add(span).ok().map(|day| (day, day));
    let parts: Vec<_> = text.split_whitespace().collect();
    match parts.as_slice() {
        ["today" | "now"] => day(0.days()),
        ["yesterday"] => day((-1).days()),
        ["tomorrow"] => day(1.day()),
        [count, unit, "ago"] => day(-span(count, unit)?),
        ["in", count, unit] => day(span(count, unit)?),
        [which @ ("last" | "this" | "next"), "week"] => {
            let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
            let first = monday.checked_add((7 * step(which)).days()).ok()?;
            Some((first, first.checked_add(6.days()).ok()?))
        }
        [which @ ("last" | "this" | "next"), "month"] => {
            let first = today.first_of_month().checked_add(step(which).months()).ok()?;
            Some((first, first.last_of_month()))
        }
        [which @ ("last" | "this" | "next"), "year"] => {
            let first = today.first_of_year().checked_add(step(which).years()).ok()?;
            Some((first, first.last_of_year()))
        }
        ["last", name] | [name] => {
            let wanted = weekday(name)?;
            let back = i64::from(today.weekday().since(wanted));
            let back = if back == 0 && parts.len() == 2 { 7 } else { back };
            day((-back).days())
        }
        ["next", name] => {
            let ahead = i64::from(today.weekday().until(weekday(name)?));
            day((if ahead == 0 { 7 } else { ahead }).days())
        }
        _ => None,
    }
}

fn step(which: &str) -> i64 {
    match which {
        "last" => -1,
        "next" => 1,
        _ => 0,
    }
}

fn span(count: &str, unit: &str) -> Option<Span> {
    let count: i64 = match count {
        "a" | "an" | "one" => 1,
        digits => digits.parse().ok().filter(|count| (0..=4000).contains(count))?,
    };
    match unit.trim_end_matches('s') {
        "day" => Some(count.days()),
        "week" => Some(count.weeks()),
        "month" => Some(count.months()),
        "year" => Some(count.min(100).years()),
        _ => None,
    }
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meant(text: &str, bound: Bound) -> String {
        let monday = "2026-01-12T09:00:00Z".parse().unwrap();
        instant("afterDateTime", text, bound, monday).unwrap().0.to_string()
    }

    #[test]
    fn words_mean_whole_days() {
        for (text, first, last) in [
            ("today", "2026-01-12T00:00:00Z", "2026-01-12T23:59:59Z"),
            ("yesterday", "2026-01-11T00:00:00Z", "2026-01-11T23:59:59Z"),
            ("last week", "2026-01-05T00:00:00Z", "2026-01-11T23:59:59Z"),
            ("This Week", "2026-01-12T00:00:00Z", "2026-01-18T23:59:59Z"),
            ("last month", "2025-12-01T00:00:00Z", "2025-12-31T23:59:59Z"),
            ("7 days ago", "2026-01-05T00:00:00Z", "2026-01-05T23:59:59Z"),
            ("last monday", "2026-01-05T00:00:00Z", "2026-01-05T23:59:59Z"),
            ("monday", "2026-01-12T00:00:00Z", "2026-01-12T23:59:59Z"),
            ("next monday", "2026-01-19T00:00:00Z", "2026-01-19T23:59:59Z"),
            ("friday", "2026-01-09T00:00:00Z", "2026-01-09T23:59:59Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z", "2026-01-02T23:59:59Z"),
            ("2026-01-02T08:00:00+01:00", "2026-01-02T07:00:00Z", "2026-01-02T07:00:00Z"),
            ("2026-01-02T08:00", "2026-01-02T08:00:00Z", "2026-01-02T08:00:00Z"),
        ] {
            assert_eq!(
                (meant(text, Bound::After).as_str(), meant(text, Bound::Before).as_str()),
                (first, last),
                "{text}"
            );
        }
    }

    #[test]
    fn an_unknown_date_is_refused() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(instant("afterDateTime", "soon", Bound::After, now).unwrap_err().code(), Code::InvalidDate);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(last|next|in)? ?[0-9]{0,20} ?(days|weeks|months|years)? ?(ago)?\\PC{0,3}") {
            let _ = instant("afterDateTime", &text, Bound::After, Timestamp::MAX);
            let _ = instant("afterDateTime", &text, Bound::Before, Timestamp::MIN);
        }
    }
}
