//! Calendars: events, series and their instances, free/busy, meeting times.

mod calendars;
mod events;
mod meeting;
mod parse;
mod schedule;
mod settings;
mod shape;
mod window;
mod write;

use super::answer::Answer;
use super::effect::{WriteRoute, Writer};
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
const SETTINGS: &[&str] = &["MailboxSettings.Read", "MailboxSettings.ReadWrite"];
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
    Route { others: SETTINGS, ..row("/mailboxSettings", SETTINGS, settings::read) },
    asked("/calendar/getSchedule", BASIC, schedule::read),
    asked("/calendar/microsoft.graph.getSchedule", BASIC, schedule::read),
    asked("/findMeetingTimes", SHARED, meeting::find),
    asked("/microsoft.graph.findMeetingTimes", SHARED, meeting::find),
];

/// Changes calendars.
const WRITE: &[&str] = &["Calendars.ReadWrite"];
const WRITE_SHARED: &[&str] = &["Calendars.ReadWrite.Shared"];

const fn write(verb: Verb, template: &'static str, at: usize, handler: Writer) -> WriteRoute {
    let (under, workload) = (Under::Owner, Workload::Exchange);
    WriteRoute { verb, under, template, own: WRITE, others: WRITE_SHARED, workload, at, handler }
}

/// The rows that change calendars and settings.
pub(super) const WRITES: &[WriteRoute] = &[
    write(Verb::Post, "/events", 0, write::create),
    write(Verb::Patch, "/events/{id}", 0, write::update),
    write(Verb::Delete, "/events/{id}", 0, write::delete),
    write(Verb::Post, "/events/{id}/accept", 0, write::accept),
    write(Verb::Post, "/events/{id}/tentativelyAccept", 0, write::tentatively_accept),
    write(Verb::Post, "/events/{id}/decline", 0, write::decline),
    write(Verb::Post, "/events/{id}/cancel", 0, write::cancel),
    write(Verb::Post, "/events/{id}/permanentDelete", 0, write::delete),
    write(Verb::Post, "/calendar/events", 0, write::create),
    write(Verb::Patch, "/calendar/events/{id}", 0, write::update),
    write(Verb::Delete, "/calendar/events/{id}", 0, write::delete),
    write(Verb::Post, "/calendar/events/{id}/accept", 0, write::accept),
    write(Verb::Post, "/calendar/events/{id}/tentativelyAccept", 0, write::tentatively_accept),
    write(Verb::Post, "/calendar/events/{id}/decline", 0, write::decline),
    write(Verb::Post, "/calendar/events/{id}/cancel", 0, write::cancel),
    write(Verb::Post, "/calendars/{id}/events", 0, write::create_in_calendar),
    write(Verb::Patch, "/calendars/{id}/events/{id}", 1, write::update),
    write(Verb::Delete, "/calendars/{id}/events/{id}", 1, write::delete),
    write(Verb::Post, "/calendars/{id}/events/{id}/accept", 1, write::accept),
    write(Verb::Post, "/calendars/{id}/events/{id}/tentativelyAccept", 1, write::tentatively_accept),
    write(Verb::Post, "/calendars/{id}/events/{id}/decline", 1, write::decline),
    write(Verb::Post, "/calendars/{id}/events/{id}/cancel", 1, write::cancel),
    WriteRoute {
        own: &["MailboxSettings.ReadWrite"],
        others: &["MailboxSettings.ReadWrite"],
        ..write(Verb::Patch, "/mailboxSettings", 0, settings::update)
    },
];

fn applied(answer: Answer, ask: &Ask<'_>) -> Answer {
    match ask.prefer.applied_with_zone() {
        Some(applied) => answer.with(http::HeaderName::from_static("preference-applied"), &applied),
        None => answer,
    }
}
