//! How calendars become other ones. Only [`CalendarChange`](crate::change::CalendarChange) comes here.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calcard::icalendar::{ICalendarComponent, ICalendarProperty};
use calcard::{Entry, Parser};
use fixtures::ids::exchange_id;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::item::Weeks;
use super::{Calendars, Event, Item, Series};

/// An event that is to be. Its id derives from `handle`.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What its id derives from.
    pub handle: String,
    /// `iCalUId`.
    pub uid: String,
    /// What it says.
    pub item: Item,
    /// What makes it a series: the value of an `RRULE` (RFC 5545, 3.3.10).
    pub rule: Option<String>,
}

/// What becomes of the rule of a series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RuleChange {
    /// It stays as it is.
    #[default]
    Stays,
    /// There is none any more: a single event.
    Goes,
    /// The value of an `RRULE`.
    Becomes(String),
}

impl RuleChange {
    /// The rule that there is to be.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Becomes(rule) => Some(rule),
            Self::Stays | Self::Goes => None,
        }
    }
}

/// A change of something that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No such event, or instance of one.
    #[error("there is no such event")]
    Event,
    /// No such calendar.
    #[error("there is no such calendar")]
    Calendar,
}

/// The id that an event of this handle has.
pub fn event_id(calendars: &Calendars, handle: &str) -> String {
    exchange_id("event", calendars.tenant, calendars.owner, handle)
}

/// What is hashed is everything that an event says in its debug form, which is never shown.
pub(super) fn change_key(id: &str, item: &Item, series: Option<&Series>) -> String {
    let mut hash = Sha256::new();
    hash.update(id.as_bytes());
    hash.update(format!("{item:?}{series:?}").as_bytes());
    let mut key = vec![0x09, 0x00, 0x00, 0x00, 0x16, 0x00, 0x00, 0x00];
    key.extend(hash.finalize().iter().take(16));
    STANDARD.encode(key)
}

/// The series that a rule makes of an item. A rule that Exchange cannot hold makes none.
pub fn series(rule: &str, item: &Item) -> Option<Series> {
    let text = format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:{rule}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    let Entry::ICalendar(calendar) = Parser::new(&text).entry() else { return None };
    let has_rule = |component: &&ICalendarComponent| component.has_property(&ICalendarProperty::Rrule);
    Series::read(calendar.components.iter().find(has_rule)?, item, Weeks::NONE)
}

impl Calendars {
    /// Adds an event to a calendar, by its place.
    pub(crate) fn add_event(&mut self, new: NewEvent, calendar: usize, now: Timestamp) -> Result<(), CalendarError> {
        self.calendar(calendar).ok_or(CalendarError::Calendar)?;
        let id = event_id(self, &new.handle);
        let series = new.rule.as_deref().and_then(|rule| series(rule, &new.item));
        let change_key = change_key(&id, &new.item, series.as_ref());
        let item = Arc::new(new.item);
        let event = Event { id, calendar, change_key, created: now, modified: now, uid: new.uid, item, series };
        self.events.push(Arc::new(event));
        self.sort();
        Ok(())
    }

    /// Changes an event, or makes one instance of a series differ.
    pub(crate) fn edit_event(
        &mut self,
        id: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Item),
    ) -> Result<(), CalendarError> {
        let found = self.find(id).ok_or(CalendarError::Event)?;
        let (series_id, original) = (found.event.id.clone(), found.original);
        let mut item = Item::clone(found.item);
        (item.start, item.end) = (found.local_start(), found.local_end());
        change(&mut item);
        self.touch(&series_id, now, |event| match (original, &mut event.series) {
            (Some(original), Some(series)) => drop(series.exceptions.insert(original, Arc::new(item))),
            _ => event.item = Arc::new(item),
        })
    }

    /// Gives a series another rule, or makes an event one, or a series an event.
    pub(crate) fn set_rule(&mut self, id: &str, now: Timestamp, rule: &RuleChange) -> Result<(), CalendarError> {
        if *rule == RuleChange::Stays {
            return Ok(());
        }
        self.touch(id, now, |event| event.series = rule.rule().and_then(|rule| series(rule, &event.item)))
    }

    /// Takes an event away, or one instance of a series.
    pub(crate) fn remove_event(&mut self, id: &str, now: Timestamp) -> Result<(), CalendarError> {
        let found = self.find(id).ok_or(CalendarError::Event)?;
        let (series_id, original) = (found.event.id.clone(), found.original);
        match original {
            None => {
                self.events.retain(|event| event.id != series_id);
                Ok(())
            }
            Some(original) => self.touch(&series_id, now, |event| {
                if let Some(series) = &mut event.series {
                    series.exceptions.remove(&original);
                    series.gone.insert(original);
                }
            }),
        }
    }

    /// The id that the same event, or the same instance, has in these calendars.
    pub(crate) fn counterpart(&self, uid: &str, original: Option<jiff::civil::DateTime>) -> Option<String> {
        let event = self.events.iter().find(|event| event.uid == uid)?;
        match original {
            None => Some(event.id.clone()),
            Some(original) => event.instance_at(original).map(|instance| instance.id()),
        }
    }

    fn touch(&mut self, id: &str, now: Timestamp, change: impl FnOnce(&mut Event)) -> Result<(), CalendarError> {
        let event = self.events.iter_mut().find(|event| event.id == id).ok_or(CalendarError::Event)?;
        let event = Arc::make_mut(event);
        change(event);
        event.modified = now;
        event.change_key = change_key(&event.id, &event.item, event.series.as_ref());
        self.sort();
        Ok(())
    }

    pub(super) fn sort(&mut self) {
        self.events.sort_by(|left, right| (left.itself().start, &left.id).cmp(&(right.itself().start, &right.id)));
    }
}
