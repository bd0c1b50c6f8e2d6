//! `/calendar`, `/calendars`, `/calendarGroups`, and the time zones that Outlook knows.

use crate::calendar::{Calendar, Group, WINDOWS};
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, boolean, key, string};
use crate::graph::mail::{check_id, encoded, page_size, selection};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::{CalendarsView, View};

type Answered = Result<Answer, Refusal>;

const CALENDAR: &[&str] = &[
    "name",
    "color",
    "hexColor",
    "isDefaultCalendar",
    "changeKey",
    "canShare",
    "canViewPrivateItems",
    "canEdit",
    "allowedOnlineMeetingProviders",
    "defaultOnlineMeetingProvider",
    "isTallyingResponses",
    "isRemovable",
    "owner",
];
const GROUP: &[&str] = &["name", "classId", "changeKey"];
const LISTED: &[Kind] = &[Kind::Select, Kind::Top, Kind::Skip, Kind::Count];

fn hidden() -> Refusal {
    GraphError::ItemNotFound.because("no such calendar within reach of the caller")
}

/// The default calendar, if it is visible.
pub(super) fn default(calendars: &CalendarsView<'_>) -> Result<usize, Refusal> {
    calendars.calendars().find(|(_, calendar)| calendar.is_default).map(|(at, _)| at).ok_or_else(hidden)
}

/// A visible calendar by id.
pub(super) fn find(calendars: &CalendarsView<'_>, id: &str) -> Result<usize, Refusal> {
    check_id(id)?;
    calendars.calendars().find(|(_, calendar)| calendar.id == id).map(|(at, _)| at).ok_or_else(hidden)
}

pub(super) fn read_default(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    single(&calendars, ask, default(&calendars)?, "calendar")
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    single(&calendars, ask, find(&calendars, ask.key(0))?, "calendars")
}

pub(super) fn read_of_event(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let event = super::events::find(&calendars, ask.key(0))?;
    single(&calendars, ask, event.instance.event.calendar, "calendars")
}

pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let all: Vec<_> = calendars.calendars().collect();
    page(&calendars, ask, all, "calendars", CALENDAR, write_calendar)
}

pub(super) fn list_in_group(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let (at, _) = find_group(&calendars, ask.key(0))?;
    let all: Vec<_> = calendars.calendars().filter(|(_, calendar)| calendar.group == at).collect();
    let within = format!("calendarGroups('{}')/calendars", encoded(ask.key(0)));
    page(&calendars, ask, all, &within, CALENDAR, write_calendar)
}

pub(super) fn groups(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let all: Vec<_> = calendars.groups().collect();
    page(&calendars, ask, all, "calendarGroups", GROUP, write_group)
}

pub(super) fn group(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    ask.only(&[Kind::Select])?;
    check_select(ask, GROUP)?;
    let (at, found) = find_group(&calendars, ask.key(0))?;
    Ok(entity(&calendars, ask, "calendarGroups", |out| write_group(out, &calendars, at, found, ask)))
}

fn find_group<'a>(calendars: &CalendarsView<'a>, id: &str) -> Result<(usize, &'a Group), Refusal> {
    check_id(id)?;
    calendars.groups().find(|(_, group)| group.id == id).ok_or_else(hidden)
}

fn check_select(ask: &Ask<'_>, known: &[&str]) -> Result<(), GraphError> {
    for name in ask.options.select.iter().flatten() {
        if !name.eq_ignore_ascii_case("id") && !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(crate::graph::mail::no_property(name, "Calendar"));
        }
    }
    Ok(())
}

fn selected<'k>(ask: &Ask<'_>, known: &'k [&'k str]) -> impl Iterator<Item = &'k str> {
    let select = ask.options.select.clone();
    known.iter().copied().filter(move |name| {
        select.as_ref().is_none_or(|select| select.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)))
    })
}

fn write_calendar(out: &mut Vec<u8>, calendars: &CalendarsView<'_>, at: usize, calendar: &Calendar, ask: &Ask<'_>) {
    key(out, "id");
    string(out, &calendar.id);
    for name in selected(ask, CALENDAR) {
        key(out, name);
        match name {
            "name" => string(out, &calendar.name),
            "color" => string(out, &calendar.color),
            "hexColor" => string(out, ""),
            "isDefaultCalendar" | "isTallyingResponses" => boolean(out, calendar.is_default),
            "changeKey" => string(out, calendar.id.get(60..84).unwrap_or_default()),
            "canShare" => boolean(out, calendars.is_own),
            "canEdit" => boolean(out, calendars.can_edit(at)),
            "canViewPrivateItems" => boolean(out, calendars.shows_private(at)),
            "allowedOnlineMeetingProviders" => array(out, ["teamsForBusiness"], string),
            "defaultOnlineMeetingProvider" => string(out, "teamsForBusiness"),
            "isRemovable" => boolean(out, !calendar.is_default),
            _ => {
                let (person, address) = calendars.person();
                out.extend_from_slice(b"{\"name\":");
                string(out, person);
                out.extend_from_slice(b",\"address\":");
                string(out, address);
                out.push(b'}');
            }
        }
    }
}

fn write_group(out: &mut Vec<u8>, _: &CalendarsView<'_>, at: usize, group: &Group, ask: &Ask<'_>) {
    key(out, "id");
    string(out, &group.id);
    for name in selected(ask, GROUP) {
        key(out, name);
        match name {
            "name" => string(out, &group.name),
            // The classes that Outlook gives its own groups; every other has one of its own, which nobody reads.
            "classId" if at == 0 => string(out, "0006f0b7-0000-0000-c000-000000000046"),
            "classId" => string(out, "0006f0b8-0000-0000-c000-000000000046"),
            _ => string(out, group.id.get(60..84).unwrap_or_default()),
        }
    }
}

fn single(calendars: &CalendarsView<'_>, ask: &Ask<'_>, at: usize, within: &str) -> Answered {
    ask.only(&[Kind::Select])?;
    check_select(ask, CALENDAR)?;
    let (at, calendar) = calendars.calendars().find(|(known, _)| *known == at).ok_or_else(hidden)?;
    Ok(entity(calendars, ask, within, |out| write_calendar(out, calendars, at, calendar, ask)))
}

fn entity(calendars: &CalendarsView<'_>, ask: &Ask<'_>, within: &str, write: impl FnOnce(&mut Vec<u8>)) -> Answer {
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    let (root, owner) = (&ask.root, calendars.owner());
    string(&mut out, &format!("{root}/$metadata#users('{owner}')/{within}{}/$entity", selection(ask)));
    write(&mut out);
    out.push(b'}');
    Answer::json(out)
}

fn page<T>(
    calendars: &CalendarsView<'_>,
    ask: &Ask<'_>,
    all: Vec<(usize, &T)>,
    within: &str,
    known: &[&str],
    write: impl Fn(&mut Vec<u8>, &CalendarsView<'_>, usize, &T, &Ask<'_>),
) -> Answered {
    ask.only(LISTED)?;
    check_select(ask, known)?;
    let (size, skip) = (page_size(ask)?, ask.options.skip.unwrap_or(0));
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    let (root, owner) = (&ask.root, calendars.owner());
    string(&mut out, &format!("{root}/$metadata#users('{owner}')/{within}{}", selection(ask)));
    if ask.options.count {
        key(&mut out, "@odata.count");
        crate::graph::json::number(&mut out, all.len());
    }
    key(&mut out, "value");
    array(&mut out, all.iter().skip(skip).take(size), |out, (at, item)| {
        out.push(b'{');
        write(out, calendars, *at, item, ask);
        out.push(b'}');
    });
    if all.len() > skip.saturating_add(size) {
        key(&mut out, "@odata.nextLink");
        string(&mut out, &ask.next(Kind::Skip, &(skip + size).to_string()));
    }
    out.push(b'}');
    Ok(Answer::json(out))
}

/// <https://learn.microsoft.com/graph/api/outlookuser-supportedtimezones>
pub(super) fn zones(_: &View<'_>, ask: &Ask<'_>) -> Answered {
    ask.only(&[])?;
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &format!("{}/$metadata#Collection(microsoft.graph.timeZoneInformation)", ask.root));
    key(&mut out, "value");
    array(&mut out, WINDOWS, |out, (windows, _)| {
        out.extend_from_slice(b"{\"alias\":");
        string(out, windows);
        out.extend_from_slice(b",\"displayName\":");
        string(out, windows);
        out.push(b'}');
    });
    out.push(b'}');
    Ok(Answer::json(out))
}
