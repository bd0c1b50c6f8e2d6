//! What a mailbox is set to: its time zone and its hours of work.

use fixtures::calendar::MailboxSettings as Row;
use jiff::civil::{DateTime, Time};

use super::zone::Zone;

/// Days as Graph names them, Monday first.
pub const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Settings of one mailbox: `mailboxSettings`.
///
/// <https://learn.microsoft.com/graph/api/resources/mailboxsettings>
#[derive(Debug, Clone)]
pub struct Settings {
    /// `timeZone`.
    pub zone: Zone,
    /// `workingHours.daysOfWeek`.
    pub days: Vec<&'static str>,
    /// `workingHours.startTime`.
    pub from: Time,
    /// `workingHours.endTime`.
    pub to: Time,
    /// `automaticRepliesSetting`.
    pub replies: Replies,
    /// `language.locale`.
    pub language: Option<String>,
    /// `dateFormat` and `timeFormat`.
    pub formats: [String; 2],
    /// The mailbox does not answer in time.
    pub times_out: bool,
}

/// `automaticRepliesSetting`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replies {
    /// `status`: `disabled`, `alwaysEnabled` or `scheduled`.
    pub status: Option<&'static str>,
    /// `externalAudience`: `none`, `contactsOnly` or `all`.
    pub audience: Option<&'static str>,
    /// `internalReplyMessage`.
    pub internal: String,
    /// `externalReplyMessage`.
    pub external: String,
}

/// `automaticReplyStatus`.
pub(crate) const STATUSES: [&str; 3] = ["disabled", "alwaysEnabled", "scheduled"];
/// `externalAudienceScope`.
pub(crate) const AUDIENCES: [&str; 3] = ["none", "contactsOnly", "all"];

impl Replies {
    /// Of a row; a word that there is not counts for nothing.
    fn of(row: &fixtures::calendar::Replies) -> Self {
        let one_of = |words: [&'static str; 3], given: Option<&String>| {
            words.into_iter().find(|word| given.is_some_and(|given| given == word))
        };
        Self {
            status: one_of(STATUSES, row.status.as_ref()),
            audience: one_of(AUDIENCES, row.audience.as_ref()),
            internal: row.internal.clone(),
            external: row.external.clone(),
        }
    }

    fn row(&self) -> fixtures::calendar::Replies {
        fixtures::calendar::Replies {
            status: self.status.map(str::to_owned),
            audience: self.audience.map(str::to_owned),
            internal: self.internal.clone(),
            external: self.external.clone(),
        }
    }
}

impl Default for Settings {
    /// Monday to Friday, eight to five, in UTC: what a mailbox has that nobody has opened.
    fn default() -> Self {
        Self {
            zone: Zone::utc(),
            days: DAYS[..5].to_vec(),
            from: Time::constant(8, 0, 0, 0),
            to: Time::constant(17, 0, 0, 0),
            replies: Replies::default(),
            language: None,
            formats: ["yyyy-MM-dd".to_owned(), "HH:mm".to_owned()],
            times_out: false,
        }
    }
}

impl Settings {
    /// Of a row; a zone, an hour or a day that there is not stays as it is by default.
    pub(super) fn of(row: &Row) -> Self {
        let default = Self::default();
        let hour = |at: usize, default: Time| {
            row.working_hours.and_then(|hours| Time::new(*hours.get(at)?, 0, 0, 0).ok()).unwrap_or(default)
        };
        let days = row.working_days.as_ref().map(|days| {
            DAYS.into_iter().filter(|known| days.iter().any(|day| day.eq_ignore_ascii_case(known))).collect()
        });
        Self {
            zone: row.time_zone.as_deref().and_then(Zone::named).unwrap_or_else(|| default.zone.clone()),
            days: days.unwrap_or_else(|| default.days.clone()),
            from: hour(0, default.from),
            to: hour(1, default.to),
            times_out: row.times_out,
            language: row.language.clone(),
            formats: row.formats.clone().unwrap_or_else(|| default.formats.clone()),
            replies: row.replies.as_ref().map(Replies::of).unwrap_or_default(),
        }
        .exactly(row.exact_hours)
    }

    fn exactly(mut self, hours: Option<[Time; 2]>) -> Self {
        if let Some([from, to]) = hours {
            (self.from, self.to) = (from, to);
        }
        self
    }

    /// As a row, for a world that is saved; nothing when they are what every mailbox has.
    pub(crate) fn row(&self, mailbox: String) -> Option<Row> {
        (format!("{self:?}") != format!("{:?}", Self::default())).then(|| Row {
            mailbox,
            time_zone: Some(self.zone.name().to_owned()),
            working_hours: None,
            working_days: Some(self.days.iter().map(|day| (*day).to_owned()).collect()),
            times_out: self.times_out,
            exact_hours: Some([self.from, self.to]),
            language: self.language.clone(),
            formats: Some(self.formats.clone()),
            replies: (self.replies != Replies::default()).then(|| self.replies.row()),
        })
    }

    /// Whether work goes on from one wall-clock time of the mailbox's zone to another.
    pub fn works(&self, from: DateTime, to: DateTime) -> bool {
        let day = DAYS.get(usize::try_from(from.weekday().to_monday_zero_offset()).unwrap_or(0));
        from.date() == to.date()
            && day.is_some_and(|day| self.days.contains(day))
            && from.time() >= self.from
            && to.time() <= self.to
    }
}
