//! Time zones by the names Exchange takes: Windows names and IANA names.
//!
//! The pairs are those of CLDR's windowsZones for the world (<https://github.com/unicode-org/cldr>, `001`); the rules of each zone come
//! from the tz database that is built in, so that two machines agree.

use std::str::FromStr as _;
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Windows name, IANA name.
pub const WINDOWS: [(&str, &str); 60] = [
    ("Dateline Standard Time", "Etc/GMT+12"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Mountain Standard Time", "America/Denver"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("Canada Central Standard Time", "America/Regina"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("Eastern Standard Time", "America/New_York"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Argentina Standard Time", "America/Buenos_Aires"),
    ("Greenland Standard Time", "America/Godthab"),
    ("Azores Standard Time", "Atlantic/Azores"),
    ("Cape Verde Standard Time", "Atlantic/Cape_Verde"),
    ("UTC", "Etc/UTC"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Afghanistan Standard Time", "Asia/Kabul"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("West Asia Standard Time", "Asia/Tashkent"),
    ("India Standard Time", "Asia/Calcutta"),
    ("Nepal Standard Time", "Asia/Katmandu"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("Myanmar Standard Time", "Asia/Rangoon"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Tonga Standard Time", "Pacific/Tongatapu"),
];

/// A time zone under the name it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    name: String,
    tz: TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), tz: TimeZone::UTC }
    }

    /// By a Windows or an IANA name; letter case does not count.
    pub fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("utc") {
            return Some(Self::utc());
        }
        let windows = WINDOWS.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name));
        let (name, iana) = windows.map_or((name, name), |(windows, iana)| (*windows, *iana));
        DATABASE.get(iana).ok().map(|tz| Self { name: name.to_owned(), tz })
    }

    /// By the `TZID` of an iCalendar file, where programs write what they like: `Pacific Time (US & Canada)`, `/freeassociation/…/Paris`.
    pub(super) fn of_file(tzid: &str) -> Option<Self> {
        Self::named(tzid).or_else(|| {
            let guessed = calcard::common::timezone::Tz::from_str(tzid).ok()?;
            Self::named(&guessed.name()?)
        })
    }

    /// As it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Windows name, where there is one: what `originalStartTimeZone` and `recurrenceTimeZone` hold.
    pub fn windows_name(&self) -> &str {
        let iana = self.tz.iana_name().unwrap_or("UTC");
        WINDOWS.iter().find(|(_, known)| *known == iana).map_or(self.name.as_str(), |(windows, _)| windows)
    }

    /// The rules of it.
    pub const fn tz(&self) -> &TimeZone {
        &self.tz
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_windows_name_has_a_zone() {
        for (windows, iana) in WINDOWS {
            let zone = Zone::named(windows).unwrap_or_else(|| panic!("{windows}"));
            assert_eq!(zone.name(), windows);
            assert!(Zone::named(iana).is_some(), "{iana}");
            assert_eq!(zone.windows_name(), windows);
        }
        assert_eq!(Zone::named("pacific standard time").unwrap().name(), "Pacific Standard Time");
        assert_eq!(Zone::named("europe/berlin").unwrap().windows_name(), "W. Europe Standard Time");
        assert_eq!(Zone::named("Middle Earth"), None);
        assert_eq!(Zone::of_file("Pacific").unwrap().name(), "America/Los_Angeles");
    }
}
