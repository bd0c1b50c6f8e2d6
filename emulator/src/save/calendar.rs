//! Calendars as rows and files. A file that nobody touched is written as it was; there is no writer for what was made or changed since.

use std::sync::Arc;

use fixtures::calendar::{Calendar as CalendarRow, DEFAULT_GROUP, EventFile, Share};
use fixtures::ids::{UserId, exchange_id};
use fixtures::plan::Tenant;

use super::Saving;
use crate::calendar::{Calendars, Event};
use crate::holdings::Holdings;
use crate::world::TenantWorld;

pub(super) fn write(
    saving: &mut Saving<'_>,
    tenant: &TenantWorld,
    calendars: &Holdings<Calendars>,
    shares: &[Share],
    rows: &mut Tenant,
) {
    rows.calendars.shares = shares.to_vec();
    let Some(planned) = saving.plan.tenant(&tenant.name) else { return };
    rows.calendars.settings.clone_from(&planned.calendars.settings);
    for (owner, own) in calendars.iter() {
        let Some(reference) = tenant.reference(owner) else { continue };
        for (_, calendar) in own.calendars().filter(|(_, calendar)| !calendar.is_default) {
            let group = own.groups().get(calendar.group).map(|group| group.name.as_str());
            rows.calendars.calendars.push(CalendarRow {
                owner: reference.clone(),
                name: calendar.name.clone(),
                group: group.filter(|name| *name != DEFAULT_GROUP).map(str::to_owned),
                color: (calendar.color != "auto").then(|| calendar.color.clone()),
            });
        }
        let start = planned.people.iter().find(|person| person.id(planned) == owner);
        let start = start.map(|person| Calendars::of(planned, person, saving.shift));
        let files = planned.calendars.events.iter().filter(|row| row.owner == reference);
        let (kept, changed, known) = files_of(files, tenant, owner, own, start.as_ref());
        rows.calendars.events.extend(kept);
        let made = own.events().iter().filter(|event| !known.contains(&event.id)).count();
        for (count, what) in [(changed, "changed or taken out of its file"), (made, "made")] {
            if count > 0 {
                saving.lost.push(format!("{reference}: {count} event(s) {what} while it ran: none is written yet"));
            }
        }
    }
}

/// The files of which something is left, how many of them hold something else by now, and the ids of all that they hold.
fn files_of<'a>(
    files: impl Iterator<Item = &'a EventFile>,
    tenant: &TenantWorld,
    owner: UserId,
    now: &Calendars,
    start: Option<&Calendars>,
) -> (Vec<EventFile>, usize, Vec<String>) {
    let (mut kept, mut changed, mut known) = (Vec::new(), 0, Vec::new());
    let named = |calendars: Option<&Calendars>, id: &str| -> Option<Arc<Event>> {
        calendars?.events().iter().find(|event| event.id == id).cloned()
    };
    for file in files {
        let count = String::from_utf8_lossy(&file.ics).matches("BEGIN:VEVENT").count();
        let ids: Vec<String> = (0..count)
            .map(|number| match number {
                0 => exchange_id("event", tenant.id, owner, &file.handle),
                number => exchange_id("event", tenant.id, owner, &format!("{}#{number}", file.handle)),
            })
            .collect();
        let (mut are_left, mut are_same) = (false, true);
        for id in &ids {
            let (before, after) = (named(start, id), named(Some(now), id));
            are_left |= after.is_some();
            are_same &= match (before, after) {
                (Some(before), Some(after)) => {
                    (&before.change_key, before.calendar) == (&after.change_key, after.calendar)
                }
                (before, after) => before.is_none() && after.is_none(),
            };
        }
        if are_left {
            kept.push(file.clone());
            changed += usize::from(!are_same);
        }
        known.extend(ids);
    }
    (kept, changed, known)
}
