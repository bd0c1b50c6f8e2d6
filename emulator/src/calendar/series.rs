//! Recurring events: a rule, the instances that differ, the instances that are gone.
//!
//! A rule is expanded on the wall clock of the series and each instance is then put into the series' zone, so nine o'clock stays nine
//! o'clock over a change of daylight saving time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarFrequency, ICalendarProperty,
    ICalendarRecurrenceRule, ICalendarValue, ICalendarWeekday,
};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::item::{Item, Weeks, instant};
use super::zone::Zone;

/// The most instances that one series has, however long it runs: fifty years of days.
const LIMIT: usize = 20_000;

/// What makes an event a series.
#[derive(Debug, Clone)]
pub struct Series {
    rule: ICalendarRecurrenceRule,
    /// The last wall-clock time at which it may begin.
    until: Option<DateTime>,
    /// Instances that are gone, by their wall-clock time in the rule: `cancelledOccurrences`.
    pub(super) gone: BTreeSet<DateTime>,
    /// Instances that differ.
    pub(super) exceptions: BTreeMap<DateTime, Arc<Item>>,
}

/// `recurrence.pattern`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// `type`.
    pub kind: &'static str,
    /// `interval`.
    pub interval: u16,
    /// `month`; 0 where it means nothing.
    pub month: i8,
    /// `dayOfMonth`; 0 where it means nothing.
    pub day_of_month: i8,
    /// `daysOfWeek`.
    pub days_of_week: Vec<&'static str>,
    /// `firstDayOfWeek`.
    pub first_day_of_week: &'static str,
    /// `index`.
    pub index: &'static str,
}

/// `recurrence.range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// `noEnd`.
    NoEnd,
    /// `endDate`, the last day.
    EndDate(Date),
    /// `numbered`.
    Numbered(u32),
}

impl Series {
    /// The rule of a component; none if it has none, or one that Exchange cannot hold (several times a day, by number of the week …).
    pub(super) fn read(component: &ICalendarComponent, item: &Item, weeks: Weeks) -> Option<Self> {
        let rule = match component.property(&ICalendarProperty::Rrule)?.values.first()? {
            ICalendarValue::RecurrenceRule(rule) => rule.as_ref().clone(),
            _ => return None,
        };
        if rule.freq > ICalendarFrequency::Daily || !rule.byweekno.is_empty() || !rule.byyearday.is_empty() {
            return None;
        }
        let until = rule.until.as_ref().and_then(|until| local(until, &item.zone)).map(|until| weeks.moved(until));
        Some(Self { rule, until, gone: BTreeSet::new(), exceptions: BTreeMap::new() })
    }

    /// The wall-clock times at which instances of the rule begin, up to and including `last`, the gone and the different ones included.
    pub fn originals(&self, start: DateTime, last: DateTime) -> Vec<DateTime> {
        let mut rule = self.rule.clone();
        let last = self.until.map_or(last, |until| until.min(last));
        rule.until = (rule.count.is_none()).then(|| floating(last));
        let component = ICalendarComponent {
            component_type: ICalendarComponentType::VEvent,
            entries: vec![
                entry(ICalendarProperty::Dtstart, ICalendarValue::PartialDateTime(Box::new(floating(start)))),
                entry(ICalendarProperty::Rrule, ICalendarValue::RecurrenceRule(Box::new(rule))),
            ],
            component_ids: Vec::new(),
        };
        let expanded = ICalendar { components: vec![component] }.expand_dates(Tz::Floating, LIMIT);
        expanded
            .events
            .iter()
            .filter_map(|event| Timestamp::from_second(event.start.naive_local().and_utc().timestamp()).ok())
            .map(|at| TimeZone::UTC.to_datetime(at))
            .filter(|at| *at <= last)
            .collect()
    }

    /// Whether an instance of the rule begins at this wall-clock time.
    pub fn has(&self, start: DateTime, original: DateTime) -> bool {
        self.originals(start, original).last() == Some(&original)
    }

    /// The last wall-clock time at which an instance may begin.
    pub(super) const fn until(&self) -> Option<DateTime> {
        self.until
    }

    /// The rule with another end on the wall clock.
    pub(super) fn rule_until(&self, until: Option<DateTime>) -> ICalendarRecurrenceRule {
        ICalendarRecurrenceRule { until: until.map(floating_time), ..self.rule.clone() }
    }

    /// Instances that are gone, by their wall-clock time in the rule.
    pub fn gone(&self) -> &BTreeSet<DateTime> {
        &self.gone
    }

    /// Instances that differ, by their wall-clock time in the rule.
    pub fn exceptions(&self) -> &BTreeMap<DateTime, Arc<Item>> {
        &self.exceptions
    }

    /// `recurrence.range`.
    pub fn range(&self) -> Range {
        match (self.rule.count, self.until) {
            (Some(count), _) => Range::Numbered(count),
            (None, Some(until)) => Range::EndDate(until.date()),
            (None, None) => Range::NoEnd,
        }
    }

    /// `recurrence.pattern` of a series that starts at `start`.
    pub fn pattern(&self, start: DateTime) -> Pattern {
        let rule = &self.rule;
        let by_day: Vec<_> = rule.byday.iter().map(|day| weekday(day.weekday)).collect();
        let nth = rule.byday.iter().find_map(|day| day.ordwk).map(i32::from).or_else(|| rule.bysetpos.first().copied());
        let day_of_month = rule.bymonthday.first().copied().unwrap_or_else(|| start.day());
        let month =
            rule.bymonth.first().map_or_else(|| start.month(), |month| i8::try_from(month.month()).unwrap_or(1));
        let first_day_of_week = rule.wkst.map_or("sunday", weekday);
        let blank = Pattern {
            kind: "daily",
            interval: rule.interval.unwrap_or(1),
            month: 0,
            day_of_month: 0,
            days_of_week: Vec::new(),
            first_day_of_week,
            index: "first",
        };
        let index = match nth {
            Some(2) => "second",
            Some(3) => "third",
            Some(4) => "fourth",
            Some(-1 | 5) => "last",
            _ => "first",
        };
        let is_relative = nth.is_some() && !by_day.is_empty();
        match rule.freq {
            ICalendarFrequency::Weekly => {
                let days_of_week = if by_day.is_empty() { vec![day_of(start)] } else { by_day };
                Pattern { kind: "weekly", days_of_week, ..blank }
            }
            ICalendarFrequency::Monthly if is_relative => {
                Pattern { kind: "relativeMonthly", days_of_week: by_day, index, ..blank }
            }
            ICalendarFrequency::Monthly => Pattern { kind: "absoluteMonthly", day_of_month, ..blank },
            ICalendarFrequency::Yearly if is_relative => {
                Pattern { kind: "relativeYearly", days_of_week: by_day, index, month, ..blank }
            }
            ICalendarFrequency::Yearly => Pattern { kind: "absoluteYearly", day_of_month, month, ..blank },
            // Every weekday, written as a daily rule by some programs.
            _ if !by_day.is_empty() => Pattern { kind: "weekly", days_of_week: by_day, ..blank },
            _ => blank,
        }
    }
}

fn entry(name: ICalendarProperty, value: ICalendarValue) -> ICalendarEntry {
    ICalendarEntry { name, params: Vec::new(), values: vec![value] }
}

/// A wall-clock time that is in no zone, as files have it.
fn floating_time(local: DateTime) -> PartialDateTime {
    PartialDateTime { tz_hour: None, tz_minute: None, tz_minus: false, ..floating(local) }
}

fn floating(local: DateTime) -> PartialDateTime {
    PartialDateTime::from_naive_timestamp(instant(local, &TimeZone::UTC).as_second())
}

/// `UNTIL` on the wall clock of the series: written in UTC, or as a date that it includes.
fn local(until: &PartialDateTime, zone: &Zone) -> Option<DateTime> {
    let small = |part: Option<u8>| part.and_then(|part| i8::try_from(part).ok());
    let date = Date::new(i16::try_from(until.year?).ok()?, small(until.month)?, small(until.day)?).ok()?;
    let Some(hour) = small(until.hour) else { return Some(date.at(23, 59, 59, 0)) };
    let time = jiff::civil::Time::new(hour, small(until.minute)?, small(until.second)?.min(59), 0).ok()?;
    let written = date.to_datetime(time);
    match until.tz_hour {
        Some(_) => Some(zone.tz().to_datetime(instant(written, &TimeZone::UTC))),
        None => Some(written),
    }
}

const fn weekday(day: ICalendarWeekday) -> &'static str {
    match day {
        ICalendarWeekday::Sunday => "sunday",
        ICalendarWeekday::Monday => "monday",
        ICalendarWeekday::Tuesday => "tuesday",
        ICalendarWeekday::Wednesday => "wednesday",
        ICalendarWeekday::Thursday => "thursday",
        ICalendarWeekday::Friday => "friday",
        ICalendarWeekday::Saturday => "saturday",
    }
}

fn day_of(at: DateTime) -> &'static str {
    super::settings::DAYS[usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or(0) % 7]
}
