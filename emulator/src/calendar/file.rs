//! One iCalendar file: its events, each series with what differs in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use calcard::icalendar::{ICalendarComponent, ICalendarProperty};
use calcard::{Entry, Parser};
use fixtures::ids::{TenantId, UserId, exchange_id};
use jiff::Timestamp;

use super::Event;
use super::edit::change_key;
use super::item::{Item, Weeks, date_of, instant, when};
use super::series::Series;

/// Where the events of a file belong.
pub(super) struct Place<'a> {
    pub(super) tenant: TenantId,
    pub(super) owner: UserId,
    pub(super) handle: &'a str,
    /// The calendar, by its place.
    pub(super) calendar: usize,
    pub(super) weeks: Weeks,
    /// When an event was made that does not say so.
    pub(super) created: Timestamp,
}

/// The events of a file. What cannot be read is left out: a file is served as far as it is one.
pub(super) fn read(file: &[u8], place: &Place<'_>) -> Vec<Event> {
    let text = String::from_utf8_lossy(file);
    let mut parser = Parser::new(&text);
    let mut components = Vec::new();
    loop {
        match parser.entry() {
            Entry::ICalendar(calendar) => components.extend(calendar.components),
            Entry::Eof => break,
            _ => {}
        }
    }
    let events: Vec<_> = components.iter().filter(|component| component.component_type.is_event()).collect();
    let mut by_uid: BTreeMap<&str, Vec<(usize, &ICalendarComponent)>> = BTreeMap::new();
    for (number, component) in events.iter().enumerate() {
        by_uid.entry(component.uid().unwrap_or_default()).or_default().push((number, component));
    }
    let mut found = Vec::new();
    for (uid, parts) in by_uid {
        // Without a UID every component is an event of its own.
        let (masters, differing): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|(_, part)| uid.is_empty() || !part.is_recurrence_override());
        let is_series =
            masters.len() == 1 && masters.iter().any(|(_, part)| part.has_property(&ICalendarProperty::Rrule));
        for (number, part) in &masters {
            let differing = if is_series { differing.as_slice() } else { &[] };
            found.extend(event(part, *number, differing, place).map(|event| (*number, event)));
        }
        if !is_series {
            // An invitation to one instance alone: the series is somewhere else.
            found.extend(
                differing.iter().filter_map(|(number, part)| Some((*number, event(part, *number, &[], place)?))),
            );
        }
    }
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, event)| event).collect()
}

fn event(
    component: &ICalendarComponent,
    number: usize,
    differing: &[(usize, &ICalendarComponent)],
    place: &Place<'_>,
) -> Option<Event> {
    // The first event of a file has the file's own handle: most files hold one.
    let handle = if number == 0 { place.handle.to_owned() } else { format!("{}#{number}", place.handle) };
    let item = |part: &ICalendarComponent, number: usize| {
        Item::read(part, place.weeks, |at| {
            exchange_id("attachment", place.tenant, place.owner, &format!("{handle}#{number}#{at}"))
        })
    };
    let own = item(component, number)?;
    let mut series = Series::read(component, &own, place.weeks);
    if let Some(series) = &mut series {
        let zone = own.zone.tz();
        // Times of instances are told on the wall clock of the series, whatever zone they are written in.
        let local = |at: super::item::When| match at {
            super::item::When::Day(_) => at.local(),
            super::item::When::Time(local, written) => zone.to_datetime(instant(local, written.tz())),
        };
        for entry in component.properties(&ICalendarProperty::Exdate) {
            series.gone.extend(entry.values.iter().filter_map(|value| Some(local(when(value, entry, place.weeks)?))));
        }
        for (number, part) in differing {
            let Some(original) = date_of(part, &ICalendarProperty::RecurrenceId, place.weeks) else { continue };
            let original = local(original);
            if series.has(own.start, original)
                && let Some(item) = item(part, *number)
            {
                series.exceptions.insert(original, Arc::new(item));
            }
        }
    }
    let stamp = |name| {
        date_of(component, name, place.weeks).and_then(|at| match at {
            super::item::When::Time(local, zone) => Some(instant(local, zone.tz())),
            super::item::When::Day(_) => None,
        })
    };
    let created = stamp(&ICalendarProperty::Created).unwrap_or(place.created);
    let id = exchange_id("event", place.tenant, place.owner, &handle);
    let change_key = change_key(&id, &own, series.as_ref());
    Some(Event {
        uid: component.uid().filter(|uid| !uid.is_empty()).map_or_else(|| handle.clone(), str::to_owned),
        id,
        calendar: place.calendar,
        change_key,
        created,
        modified: stamp(&ICalendarProperty::LastModified).unwrap_or(created),
        item: Arc::new(own),
        series,
    })
}
