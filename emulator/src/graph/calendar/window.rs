//! Times in requests: windows, zones, `dateTimeTimeZone`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::calendar::{Zone, instant};
use crate::graph::body::Fields;
use crate::graph::error::GraphError;
use crate::graph::route::Ask;

/// The most days that one view covers: <https://learn.microsoft.com/graph/api/user-list-calendarview>, as the service refuses more.
const LIMIT: i64 = 1825;

/// `startDateTime` and `endDateTime`: both needed; without an offset they are UTC, whatever is preferred.
pub(super) fn of(ask: &Ask<'_>) -> Result<(Timestamp, Timestamp), GraphError> {
    let (Some(from), Some(to)) = (ask.options.parameter("startDateTime"), ask.options.parameter("endDateTime")) else {
        return Err(GraphError::Calendar {
            code: "ErrorInvalidParameter",
            message: "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime."
                .to_owned(),
        });
    };
    let (from, to) = (moment("StartDateTime", from)?, moment("EndDateTime", to)?);
    if to < from {
        return Err(GraphError::Calendar {
            code: "ErrorCalendarEndDateIsEarlierThanStartDate",
            message: "End date is earlier than start date.".to_owned(),
        });
    }
    if to.duration_since(from).as_hours() > LIMIT * 24 {
        return Err(GraphError::Calendar {
            code: "ErrorCalendarViewRangeTooBig",
            message: format!(
                "The requested time duration specified for calendarview is too long. Allowed limit = {LIMIT} days."
            ),
        });
    }
    Ok((from, to))
}

fn moment(name: &str, text: &str) -> Result<Timestamp, GraphError> {
    // A plus sign that nobody encoded has become a space.
    let text = text.trim().replace(' ', "+");
    read(&text).ok_or_else(|| GraphError::Calendar {
        code: "ErrorInvalidParameter",
        message: format!("The value '{text:.60}' of parameter '{name}' is invalid."),
    })
}

fn read(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local =
        text.parse::<DateTime>().or_else(|_| Ok::<_, jiff::Error>(text.parse::<Date>()?.at(0, 0, 0, 0))).ok()?;
    Some(instant(local, &TimeZone::UTC))
}

/// The zone in which times are answered.
pub(super) fn zone(ask: &Ask<'_>) -> Result<Zone, GraphError> {
    ask.prefer.zone.as_deref().map_or_else(|| Ok(Zone::utc()), named)
}

pub(super) fn named(name: &str) -> Result<Zone, GraphError> {
    Zone::named(name).ok_or_else(|| GraphError::Calendar {
        code: "TimeZoneNotSupportedException",
        message: format!(
            "A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name:.60}'."
        ),
    })
}

/// A `dateTimeTimeZone` of a body.
pub(super) fn zoned(fields: &Fields<'_>, name: &str) -> Result<Option<Timestamp>, GraphError> {
    Ok(written(fields, name)?.map(|(at, _)| at))
}

/// The same, with the zone it is written in.
pub(super) fn written(fields: &Fields<'_>, name: &str) -> Result<Option<(Timestamp, Zone)>, GraphError> {
    let Some(value) = fields.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let inner = Fields::of(value, "dateTimeTimeZone", &["dateTime", "timeZone"])?;
    let text = inner.need("dateTime")?;
    let zone = named(inner.text("timeZone")?.unwrap_or("UTC"))?;
    let wrong = || GraphError::Calendar {
        code: "ErrorInvalidParameter",
        message: format!("The value '{text:.60}' of parameter '{name}' is invalid."),
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Some((at, zone)));
    }
    let local = text.parse::<DateTime>().or_else(|_| Ok::<_, jiff::Error>(text.parse::<Date>()?.at(0, 0, 0, 0)));
    let at = instant(local.map_err(|_| wrong())?, zone.tz());
    Ok(Some((at, zone)))
}
