//! The calendars of one mailbox: an immutable value built from iCalendar files.
//!
//! ```text
//! .ics ─► item (one VEVENT) ─┬─► event (single)
//!                            └─► event + series (rule, exceptions, gone) ─► instances of a window
//! ```
//! Nothing in this module decides who may see what.

mod edit;
mod file;
mod item;
mod series;
mod settings;
pub(crate) mod written;
mod zone;

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use fixtures::calendar::{DEFAULT, DEFAULT_GROUP};
use fixtures::ids::{TenantId, UserId, exchange_id};
use fixtures::plan::{Dates, Person, Tenant};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

pub use edit::{CalendarError, NewEvent, RuleChange, event_id, series};
pub use item::{Attendee, Item, Sensitivity, ShowAs, instant};
pub use series::{Pattern, Range, Series};
pub use settings::{DAYS, Replies, Settings};
pub use zone::{WINDOWS, Zone};

pub(crate) use item::Weeks;

use crate::directory::User;
use crate::holdings::{Begin, Holdings, Origin};

/// The calendars of one mailbox.
#[derive(Debug, Clone)]
pub struct Calendars {
    /// The tenant it lies in.
    pub tenant: TenantId,
    /// Object id of its owner.
    pub owner: UserId,
    /// The owner's address: who is organizer and who has answered is told by it.
    pub address: String,
    /// The owner's name.
    pub name: String,
    /// Settings of the mailbox.
    pub settings: Settings,
    all: Vec<Calendar>,
    groups: Vec<Group>,
    events: Vec<Arc<Event>>,
}

/// One calendar.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// `id`.
    pub id: String,
    /// `name`.
    pub name: String,
    /// `color`.
    pub color: String,
    /// `isDefaultCalendar`.
    pub is_default: bool,
    /// The group it lies in.
    pub group: usize,
}

/// One calendar group.
#[derive(Debug, Clone)]
pub struct Group {
    /// `id`.
    pub id: String,
    /// `name`.
    pub name: String,
}

/// An event, or a series.
#[derive(Debug, Clone)]
pub struct Event {
    /// `id`.
    pub id: String,
    /// The calendar it lies in, by its place.
    pub calendar: usize,
    /// `changeKey`; inside `W/"…"` the etag.
    pub change_key: String,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// `lastModifiedDateTime`.
    pub modified: Timestamp,
    /// `iCalUId`: the same in every mailbox.
    pub uid: String,
    /// What it says.
    pub item: Arc<Item>,
    /// What makes it a series.
    pub series: Option<Series>,
}

/// One time at which an event is: an event itself, or an instance of a series.
#[derive(Debug, Clone)]
pub struct Instance<'a> {
    /// The event or the series.
    pub event: &'a Arc<Event>,
    /// What it says.
    pub item: &'a Arc<Item>,
    /// Its wall-clock time in the rule, of an instance of a series.
    pub original: Option<DateTime>,
    /// Whether it differs from its series.
    pub is_exception: bool,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
}

impl Event {
    /// The event itself: a single one, or the master of a series at its first time.
    pub fn itself(self: &Arc<Self>) -> Instance<'_> {
        let item = &self.item;
        let (start, end) = span(item.start, item);
        Instance { event: self, item, original: None, is_exception: false, start, end }
    }

    /// All times at which it is and that touch a window, the earliest first.
    pub fn within(self: &Arc<Self>, from: Timestamp, to: Timestamp) -> Vec<Instance<'_>> {
        let touches = |instance: &Instance<'_>| {
            instance.start < to && (instance.end > from || instance.start == from && instance.end == from)
        };
        let Some(series) = &self.series else {
            return Some(self.itself()).into_iter().filter(touches).collect();
        };
        let tz = self.item.zone.tz();
        let last = tz.to_datetime(to);
        let mut found: Vec<_> = series
            .originals(self.item.start, last)
            .into_iter()
            .filter(|at| !series.gone.contains(at) && !series.exceptions.contains_key(at))
            .map(|at| self.occurrence(at))
            .chain(series.exceptions.iter().map(|(at, item)| self.exception(*at, item)))
            .filter(touches)
            .collect();
        found.sort_by_key(|instance| instance.start);
        found
    }

    fn occurrence(self: &Arc<Self>, original: DateTime) -> Instance<'_> {
        let (start, end) = span(original, &self.item);
        Instance { event: self, item: &self.item, original: Some(original), is_exception: false, start, end }
    }

    fn exception<'a>(self: &'a Arc<Self>, original: DateTime, item: &'a Arc<Item>) -> Instance<'a> {
        let (start, end) = span(item.start, item);
        Instance { event: self, item, original: Some(original), is_exception: true, start, end }
    }

    /// The instance that the rule has at a wall-clock time, unless it is gone.
    pub fn instance_at(self: &Arc<Self>, original: DateTime) -> Option<Instance<'_>> {
        let series = self.series.as_ref()?;
        if let Some(item) = series.exceptions.get(&original) {
            return Some(self.exception(original, item));
        }
        let is_there = !series.gone.contains(&original) && series.has(self.item.start, original);
        is_there.then(|| self.occurrence(original))
    }

    /// A hash over all of it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.id.as_bytes());
        hash.update(self.calendar.to_be_bytes());
        hash.update(self.change_key.as_bytes());
        for at in [self.created, self.modified] {
            hash.update(at.as_nanosecond().to_be_bytes());
        }
        hash.update(format!("{} {:?}", self.uid, self.item).as_bytes());
        if let Some(series) = &self.series {
            // The rule's own end is written in many ways; what it comes to is beside it.
            let (rule, until) = (series.rule_until(None), series.until());
            hash.update(format!("{rule} {until:?} {:?} {:?}", series.gone(), series.exceptions()).as_bytes());
        }
        hash.finalize().into()
    }
}

/// When an item is that begins at a wall-clock time of its zone.
fn span(start: DateTime, item: &Item) -> (Timestamp, Timestamp) {
    let tz = item.zone.tz();
    let end = start.checked_add(item.length()).unwrap_or(start);
    (instant(start, tz), instant(end, tz))
}

impl Instance<'_> {
    /// `id`: the event's own, or of an instance, which names the series and the time.
    pub fn id(&self) -> String {
        match self.original {
            None => self.event.id.clone(),
            Some(original) => instance_id(&self.event.id, original),
        }
    }

    /// Where it begins on the wall clock of its zone.
    pub fn local_start(&self) -> DateTime {
        match (self.original, self.is_exception) {
            (Some(original), false) => original,
            _ => self.item.start,
        }
    }

    /// Where it ends on the wall clock of its zone.
    pub fn local_end(&self) -> DateTime {
        let start = self.local_start();
        start.checked_add(self.item.length()).unwrap_or(start)
    }

    /// `type`.
    pub fn kind(&self) -> &'static str {
        match (self.original.is_some(), self.is_exception, self.event.series.is_some()) {
            (true, true, _) => "exception",
            (true, false, _) => "occurrence",
            (false, _, true) => "seriesMaster",
            (false, _, false) => "singleInstance",
        }
    }
}

/// Where the second half of an Exchange id begins, and its length: see [`exchange_id`].
const HALF: std::ops::Range<usize> = 75..107;

/// The id of an instance: as long as every other, its second half the time and a check of both.
fn instance_id(series: &str, original: DateTime) -> String {
    let mut raw = URL_SAFE.decode(series).unwrap_or_default();
    let seconds = instant(original, &TimeZone::UTC).as_second();
    let mut half = seconds.to_be_bytes().to_vec();
    let mut hash = Sha256::new();
    hash.update(series.as_bytes());
    hash.update(&half);
    half.extend(hash.finalize().iter().take(24));
    if let Some(place) = raw.get_mut(HALF) {
        place.copy_from_slice(&half);
    }
    URL_SAFE.encode(raw)
}

impl Begin for Calendars {
    fn begun(origin: &Origin, owner: &User) -> Self {
        Self::empty(origin.tenant, owner.id, owner.mail.clone(), &owner.display_name)
    }
}

impl Holdings<Calendars> {
    /// Under which address invitations reach whom.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (UserId, &str)> {
        self.owners().filter_map(|owner| {
            let address = match self.peek(owner) {
                Some(calendars) => calendars.address.as_str(),
                None => self.origin().directory.user(owner)?.mail.as_deref().unwrap_or_default(),
            };
            Some((owner, address))
        })
    }
}

impl Calendars {
    /// One calendar without events.
    fn empty(tenant: TenantId, owner: UserId, address: Option<String>, name: &str) -> Self {
        let mut calendars = Self {
            tenant,
            owner,
            address: address.unwrap_or_default(),
            name: name.to_owned(),
            settings: Settings::default(),
            all: Vec::new(),
            groups: Vec::new(),
            events: Vec::new(),
        };
        calendars.add(DEFAULT, DEFAULT_GROUP, "auto");
        calendars
    }

    /// The calendars of a tenant's people.
    pub(crate) fn everybodys(tenant: &Tenant, origin: &Arc<Origin>) -> Holdings<Self> {
        let rows = &tenant.calendars;
        let calendars = rows.calendars.iter().map(|row| row.owner.as_str());
        let events = rows.events.iter().map(|row| row.owner.as_str());
        let settings = rows.settings.iter().map(|row| row.mailbox.as_str());
        let named: BTreeSet<&str> = calendars.chain(events).chain(settings).collect();
        Holdings::planned(tenant, origin, &named, |person| Self::of(tenant, person, origin.shift))
    }

    /// The calendars of `person`; the dates of fixture files moved by `shift`, in whole weeks.
    pub fn of(tenant: &Tenant, person: &Person, shift: SignedDuration) -> Self {
        let owner = person.id(tenant);
        let reference = person.reference(tenant);
        let rows = &tenant.calendars;
        let mut calendars = Self::empty(tenant.id, owner, person.mail(tenant), &person.display_name);
        if let Some(row) = rows.settings.iter().find(|row| row.mailbox == reference) {
            calendars.settings = Settings::of(row);
        }
        for row in rows.calendars.iter().filter(|row| row.owner == reference) {
            let group = row.group.as_deref().unwrap_or(DEFAULT_GROUP);
            calendars.add(&row.name, group, row.color.as_deref().unwrap_or("auto"));
        }
        let created = crate::options::EPOCH.checked_add(shift).unwrap_or(Timestamp::MAX);
        for row in rows.events.iter().filter(|row| row.owner == reference) {
            let Some(calendar) = calendars.all.iter().position(|calendar| calendar.name == row.calendar) else {
                continue;
            };
            let weeks = match row.dates {
                Dates::FollowClock => Weeks::of(shift),
                Dates::AsWritten => Weeks::NONE,
            };
            let place = file::Place { tenant: tenant.id, owner, handle: &row.handle, calendar, weeks, created };
            let mut found = file::read(&row.ics, &place);
            if let (Some(saved), Some(event)) = (&row.saved, found.first_mut()) {
                event.id.clone_from(&saved.id);
                event.change_key.clone_from(&saved.change_key);
                (event.created, event.modified) = (weeks.after(saved.created), weeks.after(saved.modified));
            }
            calendars.events.extend(found.into_iter().map(Arc::new));
        }
        calendars.sort();
        calendars
    }

    fn add(&mut self, name: &str, group: &str, color: &str) {
        let group = self.groups.iter().position(|known| known.name == group).unwrap_or_else(|| {
            let id = exchange_id("calendar-group", self.tenant, self.owner, group);
            self.groups.push(Group { id, name: group.to_owned() });
            self.groups.len() - 1
        });
        self.all.push(Calendar {
            id: exchange_id("calendar", self.tenant, self.owner, name),
            name: name.to_owned(),
            color: color.to_owned(),
            is_default: self.all.is_empty(),
            group,
        });
    }

    /// All calendars with their places, the default one first.
    pub fn calendars(&self) -> impl Iterator<Item = (usize, &Calendar)> {
        self.all.iter().enumerate()
    }

    /// A calendar by its place.
    pub fn calendar(&self, at: usize) -> Option<&Calendar> {
        self.all.get(at)
    }

    /// All calendar groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All events, series once, the earliest first.
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// An event, a series or an instance of one by id.
    pub fn find(&self, id: &str) -> Option<Instance<'_>> {
        if let Some(event) = self.events.iter().find(|event| event.id == id) {
            return Some(event.itself());
        }
        let raw = URL_SAFE.decode(id).or_else(|_| STANDARD.decode(id)).ok()?;
        let first = raw.get(..HALF.start)?;
        let seconds = i64::from_be_bytes(raw.get(HALF.start..HALF.start + 8)?.try_into().ok()?);
        let original = TimeZone::UTC.to_datetime(Timestamp::from_second(seconds).ok()?);
        let event = self.events.iter().find(|event| {
            event.series.is_some()
                && URL_SAFE.decode(&event.id).is_ok_and(|known| known.get(..HALF.start) == Some(first))
        })?;
        event.instance_at(original).filter(|instance| instance.id() == id)
    }

    /// A hash over all content.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for calendar in &self.all {
            hash.update((calendar.name.len() as u64).to_be_bytes());
            hash.update(calendar.name.as_bytes());
        }
        for event in &self.events {
            hash.update(event.digest());
        }
        hash.update(format!("{:?}", self.settings).as_bytes());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn calendars(person: &str, shift: SignedDuration) -> Calendars {
        let plan = fixtures::Plan::embedded().unwrap();
        let (tenant, person) = plan.person(person).unwrap();
        Calendars::of(tenant, person, shift)
    }

    fn event<'a>(calendars: &'a Calendars, subject: &str) -> &'a Arc<Event> {
        calendars.events().iter().find(|event| event.item.subject.starts_with(subject)).unwrap()
    }

    fn starts(event: &Arc<Event>, from: &str, to: &str) -> Vec<String> {
        let found = event.within(from.parse().unwrap(), to.parse().unwrap());
        found.iter().map(|instance| format!("{} {}", instance.start, instance.kind())).collect()
    }

    #[test]
    fn a_series_keeps_its_wall_clock_time_over_daylight_saving() {
        let alice = calendars("alice@contoso", SignedDuration::ZERO);
        let standup = event(&alice, "Standup");
        assert_eq!(
            starts(standup, "2025-10-24T00:00:00Z", "2025-10-28T00:00:00Z"),
            ["2025-10-24T07:15:00Z occurrence", "2025-10-27T08:15:00Z occurrence"]
        );
        let carol = calendars("carol@contoso", SignedDuration::ZERO);
        assert_eq!(
            starts(event(&carol, "Early call"), "2026-03-06T00:00:00Z", "2026-03-10T00:00:00Z"),
            ["2026-03-06T15:00:00Z occurrence", "2026-03-09T14:00:00Z occurrence"]
        );
    }

    #[test]
    fn instances_are_moved_cancelled_and_gone() {
        let alice = calendars("alice@contoso", SignedDuration::ZERO);
        assert_eq!(
            starts(event(&alice, "Standup"), "2026-01-12T00:00:00Z", "2026-01-22T00:00:00Z"),
            [
                "2026-01-12T08:15:00Z occurrence",
                "2026-01-14T10:00:00Z exception",
                "2026-01-19T08:15:00Z exception",
                "2026-01-21T08:15:00Z occurrence",
            ]
        );
        assert_eq!(
            starts(event(&alice, "Falcon retro"), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").len(),
            8,
            "every other week until April, one of them gone"
        );
        let board: Vec<_> = starts(event(&alice, "Board"), "2025-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
        assert_eq!((board.len(), board[3].as_str()), (12, "2026-01-13T15:00:00Z occurrence"));
    }

    #[test]
    fn every_instance_is_found_by_its_id_and_no_other_id_is() {
        let alice = calendars("alice@contoso", SignedDuration::ZERO);
        let bob = calendars("bob@contoso", SignedDuration::ZERO);
        let (from, to) = ("2025-12-01T00:00:00Z".parse().unwrap(), "2026-03-01T00:00:00Z".parse().unwrap());
        let mut seen = std::collections::BTreeSet::new();
        for instance in alice.events().iter().flat_map(|event| event.within(from, to)) {
            let id = instance.id();
            let found = alice.find(&id).unwrap();
            assert_eq!((found.start, found.id()), (instance.start, id.clone()));
            assert!(bob.find(&id).is_none());
            assert_eq!(id.len(), alice.events()[0].id.len());
            assert!(seen.insert(id));
        }
        let standup = event(&alice, "Standup");
        let gone: DateTime = "2026-01-16T09:15:00".parse().unwrap();
        assert!(alice.find(&instance_id(&standup.id, gone)).is_none());
        let never: DateTime = "2026-01-15T09:15:00".parse().unwrap();
        assert!(alice.find(&instance_id(&standup.id, never)).is_none());
    }

    #[test]
    fn dates_follow_the_clock_in_whole_weeks() {
        let later = calendars("alice@contoso", SignedDuration::from_hours(24 * 10));
        assert_eq!(event(&later, "Budget review").itself().start.to_string(), "2026-01-20T09:00:00Z");
        let standup = event(&later, "Standup");
        assert_eq!(
            starts(standup, "2026-01-21T00:00:00Z", "2026-01-22T00:00:00Z"),
            ["2026-01-21T10:00:00Z exception"],
            "exceptions move with their series"
        );
    }

    proptest! {
        #[test]
        fn any_file_is_read(lines in prop::collection::vec(prop_oneof![
            Just("BEGIN:VCALENDAR".to_owned()), Just("END:VCALENDAR".to_owned()), Just("BEGIN:VEVENT".to_owned()), Just("END:VEVENT".to_owned()),
            Just("UID:1".to_owned()), "(DTSTART|DTEND|EXDATE|RECURRENCE-ID)(;TZID=(Europe/Paris|Pacific Standard Time|x)|;VALUE=DATE)?:(20[0-9]{6}|99991231|2026[0-9]{4}T[0-9]{6}Z?)",
            "RRULE:FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY|HOURLY|SECONDLY)(;COUNT=[0-9]{1,10})?(;INTERVAL=[0-9]{1,5})?(;BYDAY=-?[0-9]?(MO|SU))?(;BYMONTHDAY=-?[0-9]{1,2})?(;BYSETPOS=-?[0-9]{1,3})?(;UNTIL=20[0-9]{6})?",
            ".*",
        ], 0..20)) {
            static PLAN: std::sync::LazyLock<fixtures::Plan> = std::sync::LazyLock::new(|| fixtures::Plan::embedded().unwrap());
            let (tenant, person) = PLAN.person("alice@contoso").unwrap();
            let place = file::Place {
                tenant: tenant.id, owner: person.id(tenant), handle: "x", calendar: 0, weeks: Weeks::NONE, created: Timestamp::UNIX_EPOCH,
            };
            for event in file::read(lines.join("\r\n").as_bytes(), &place) {
                let event = Arc::new(event);
                let found = event.within("2026-01-01T00:00:00Z".parse().unwrap(), "2026-02-01T00:00:00Z".parse().unwrap());
                prop_assert!(found.iter().all(|instance| instance.start <= instance.end));
            }
        }
    }
}
