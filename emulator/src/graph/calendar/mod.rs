//! Calendars: events, series and their instances, free/busy, meeting times.

mod calendars;
mod events;
mod meeting;
mod schedule;
mod shape;
mod window;

use super::answer::Answer;
use super::route::{Ask, Handler, Route, Under, Verb, Workload};

/// Reads everything but bodies and attachments.
const BASIC: &[&str] = &["Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite"];
/// Calendars themselves, one's own and those of others in one list.
const CALENDARS: &[&str] = &[
    "Calendars.ReadBasic",
    "Calendars.Read",
    "Calendars.ReadWrite",
    "Calendars.Read.Shared",
    "Calendars.ReadWrite.Shared",
];
/// Reads all of it.
const FULL: &[&str] = &["Calendars.Read", "Calendars.ReadWrite"];
/// Everything of another's.
const SHARED: &[&str] = &["Calendars.Read.Shared", "Calendars.ReadWrite.Shared"];
const ZONES: &[&str] = &["User.Read", "User.ReadBasic.All", "User.ReadWrite"];

const fn row(template: &'static str, own: &'static [&'static str], handler: Handler) -> Route {
    let (verb, under, workload) = (Verb::Get, Under::Owner, Workload::Exchange);
    Route { verb, under, template, own, others: SHARED, workload, handler }
}

const fn asked(template: &'static str, scopes: &'static [&'static str], handler: Handler) -> Route {
    Route { verb: Verb::Post, others: scopes, ..row(template, scopes, handler) }
}

/// The rows. Microsoft's table lists the same scopes for another's calendar as for one's own; the guide to shared calendars asks for the
/// `.Shared` ones (<https://learn.microsoft.com/graph/outlook-get-shared-events-calendars>).
pub(super) const ROUTES: &[Route] = &[
    row("/calendar", CALENDARS, calendars::read_default),
    row("/calendars", CALENDARS, calendars::list),
    row("/calendars/{id}", CALENDARS, calendars::read),
    row("/calendarGroups", BASIC, calendars::groups),
    row("/calendarGroups/{id}", BASIC, calendars::group),
    row("/calendarGroups/{id}/calendars", BASIC, calendars::list_in_group),
    row("/calendar/events", BASIC, events::list_in_default),
    row("/calendar/events/{id}", BASIC, events::read_in_default),
    row("/calendar/calendarView", BASIC, events::view_of_default),
    row("/calendars/{id}/events", BASIC, events::list_in_calendar),
    row("/calendars/{id}/events/{id}", BASIC, events::read_in_calendar),
    row("/calendars/{id}/calendarView", BASIC, events::view_of_calendar),
    row("/events", BASIC, events::list),
    row("/events/{id}", BASIC, events::read),
    row("/events/{id}/instances", BASIC, events::instances),
    row("/events/{id}/calendar", BASIC, calendars::read_of_event),
    row("/events/{id}/attachments", FULL, events::attachments),
    row("/events/{id}/attachments/{id}", FULL, events::attachment),
    row("/events/{id}/attachments/{id}/$value", FULL, events::attachment_value),
    row("/calendarView", BASIC, events::view),
    Route { others: &["User.Read"], ..row("/outlook/supportedTimeZones", ZONES, calendars::zones) },
    asked("/calendar/getSchedule", BASIC, schedule::read),
    asked("/calendar/microsoft.graph.getSchedule", BASIC, schedule::read),
    asked("/findMeetingTimes", SHARED, meeting::find),
    asked("/microsoft.graph.findMeetingTimes", SHARED, meeting::find),
];

fn applied(answer: Answer, ask: &Ask<'_>) -> Answer {
    match ask.prefer.applied_with_zone() {
        Some(applied) => answer.with(http::HeaderName::from_static("preference-applied"), &applied),
        None => answer,
    }
}
