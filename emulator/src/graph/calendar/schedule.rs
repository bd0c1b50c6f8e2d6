//! `getSchedule`: when people are busy, as far as each of them shows it.
//!
//! <https://learn.microsoft.com/graph/api/calendar-getschedule>, <https://learn.microsoft.com/graph/outlook-get-free-busy-schedule>

use jiff::{SignedDuration, Timestamp};

use super::{applied, shape, window};
use crate::calendar::{Instance, Settings, ShowAs};
use crate::graph::answer::Answer;
use crate::graph::body::{self, Fields};
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, boolean, key, string};
use crate::graph::route::Ask;
use crate::graph::view::{ScheduleView, View};

/// Most entities of one request, and days of one period.
const ENTITIES: usize = 20;
const DAYS: i64 = 62;

fn refused(message: impl Into<String>) -> GraphError {
    GraphError::Calendar { code: "ErrorInvalidParameter", message: message.into() }
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[])?;
    let body = body::parse(ask)?;
    let fields = Fields::of(&body, "getSchedule", &["schedules", "startTime", "endTime", "availabilityViewInterval"])?;
    let schedules = fields.texts("schedules")?.unwrap_or_default();
    if schedules.is_empty() || schedules.len() > ENTITIES {
        return Err(refused(format!("Between 1 and {ENTITIES} schedules can be asked for.")).into());
    }
    let (Some(from), Some(to)) = (window::zoned(&fields, "startTime")?, window::zoned(&fields, "endTime")?) else {
        return Err(refused("startTime and endTime are required.").into());
    };
    if to <= from || to.duration_since(from).as_hours() >= DAYS * 24 {
        return Err(refused(format!("The period must be longer than nothing and shorter than {DAYS} days.")).into());
    }
    let interval = match fields.get("availabilityViewInterval").filter(|value| !value.is_null()) {
        None => 30,
        Some(value) => value
            .as_i64()
            .or_else(|| value.as_str()?.parse().ok())
            .filter(|minutes| (5..=1440).contains(minutes))
            .ok_or_else(|| refused("availabilityViewInterval must be between 5 and 1440."))?,
    };
    let zone = window::zone(ask)?;
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &format!("{}/$metadata#Collection(microsoft.graph.scheduleInformation)", ask.root));
    key(&mut out, "value");
    array(&mut out, &schedules, |out, address| {
        out.extend_from_slice(b"{\"scheduleId\":");
        string(out, address);
        match view.schedule(address) {
            Some(schedule) if !schedule.settings().times_out => {
                let items = schedule.items(from, to);
                key(out, "availabilityView");
                string(out, &availability(&items, from, to, SignedDuration::from_mins(interval)));
                key(out, "scheduleItems");
                array(out, &items, |out, (instance, told)| write(out, instance, *told, &zone));
                key(out, "workingHours");
                working_hours(out, schedule.settings());
            }
            Some(_) => error(out, "ErrorTimeoutExpired", "The mailbox did not answer in time."),
            None => error(
                out,
                "ErrorMailRecipientNotFound",
                &format!("Unable to resolve e-mail address {address} to an Active Directory object."),
            ),
        }
        out.push(b'}');
    });
    out.push(b'}');
    Ok(applied(Answer::json(out), ask))
}

fn error(out: &mut Vec<u8>, code: &str, message: &str) {
    key(out, "error");
    out.extend_from_slice(b"{\"message\":");
    string(out, message);
    out.extend_from_slice(b",\"responseCode\":");
    string(out, code);
    out.push(b'}');
}

/// One digit for each interval: the most there is in it.
fn availability(items: &[(Instance<'_>, bool)], from: Timestamp, to: Timestamp, interval: SignedDuration) -> String {
    let mut view = String::new();
    let mut at = from;
    while at < to {
        let next = at.checked_add(interval).unwrap_or(to).min(to);
        let most = items
            .iter()
            .filter(|(instance, _)| instance.start < next && instance.end > at)
            .map(|(instance, _)| weight(instance.item.show_as))
            .max()
            .unwrap_or((0, '0'));
        view.push(most.1);
        at = next;
    }
    view
}

/// How much a thing takes of its owner, and its digit.
const fn weight(show_as: ShowAs) -> (u8, char) {
    match show_as {
        ShowAs::Free => (0, '0'),
        ShowAs::WorkingElsewhere => (1, '4'),
        ShowAs::Tentative => (2, '1'),
        ShowAs::Busy => (3, '2'),
        ShowAs::Oof => (4, '3'),
    }
}

fn write(out: &mut Vec<u8>, instance: &Instance<'_>, told: bool, zone: &crate::calendar::Zone) {
    use crate::calendar::Sensitivity::{Confidential, Private};
    let is_private = matches!(instance.item.sensitivity, Private | Confidential);
    out.push(b'{');
    if told {
        key(out, "isPrivate");
        boolean(out, is_private);
    }
    key(out, "status");
    string(out, instance.item.show_as.as_str());
    if told {
        key(out, "subject");
        string(out, &instance.item.subject);
        key(out, "location");
        string(out, &instance.item.location);
    }
    for (name, at) in [("start", instance.start), ("end", instance.end)] {
        key(out, name);
        shape::zoned(out, zone.tz().to_datetime(at), zone);
    }
    out.push(b'}');
}

fn working_hours(out: &mut Vec<u8>, settings: &Settings) {
    out.extend_from_slice(b"{\"daysOfWeek\":");
    array(out, &settings.days, |out, day| string(out, day));
    for (name, time) in [("startTime", settings.from), ("endTime", settings.to)] {
        key(out, name);
        string(out, &time.strftime("%H:%M:%S.0000000").to_string());
    }
    key(out, "timeZone");
    out.extend_from_slice(b"{\"name\":");
    string(out, settings.zone.windows_name());
    out.extend_from_slice(b"}}");
}

/// How somebody stands to a span of time; nothing when the caller is not told.
pub(super) fn busiest(schedule: Option<&ScheduleView<'_>>, from: Timestamp, to: Timestamp) -> Option<ShowAs> {
    let items = schedule?.items(from, to);
    let most = items.iter().map(|(instance, _)| instance.item.show_as).max_by_key(|show_as| weight(*show_as).0);
    Some(most.unwrap_or(ShowAs::Free))
}
