//! Calendars as rows and files. A file that nobody touched is written as it was; an event that was made or changed since is a file of its own.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::calendar::{Calendar as CalendarRow, DEFAULT_GROUP, EventFile, Saved, Share};
use fixtures::ids::{UserId, exchange_id};
use fixtures::plan::{Dates, Origin, Tenant};
use sha2::{Digest as _, Sha256};

use super::Saving;
use crate::calendar::{Calendars, Event, Weeks, written};
use crate::holdings::Holdings;
use crate::world::TenantWorld;

pub(super) fn write(
    saving: &Saving<'_>,
    tenant: &TenantWorld,
    calendars: &Holdings<Calendars>,
    shares: &[Share],
    rows: &mut Tenant,
) {
    rows.calendars.shares = shares.to_vec();
    let Some(planned) = saving.plan.tenant(&tenant.name) else { return };
    rows.calendars.settings.clone_from(&planned.calendars.settings);
    let start = saving.start.tenant(tenant.id).map(|tenant| &tenant.calendars);
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
        let before = start.and_then(|start| start.get(owner));
        if before.is_none_or(|before| format!("{:?}", before.settings) != format!("{:?}", own.settings)) {
            rows.calendars.settings.retain(|row| row.mailbox != reference);
            rows.calendars.settings.extend(own.settings.row(reference.clone()));
        }
        let writer = Writer { saving, tenant, owner, reference, own, before };
        let planned = planned.calendars.events.iter().filter(|row| row.owner == writer.reference);
        rows.calendars.events.extend(writer.files(planned));
    }
}

struct Writer<'a, 'b> {
    saving: &'a Saving<'b>,
    tenant: &'a TenantWorld,
    owner: UserId,
    reference: String,
    own: &'a Calendars,
    before: Option<&'a Arc<Calendars>>,
}

impl Writer<'_, '_> {
    fn files<'r>(&self, planned: impl Iterator<Item = &'r EventFile>) -> Vec<EventFile> {
        let (mut files, mut known) = (Vec::new(), BTreeSet::new());
        for file in planned {
            let ids = self.ids(file);
            let are_same =
                ids.iter().all(|id| match (self.before.and_then(|all| named(all, id)), named(self.own, id)) {
                    (Some(before), Some(after)) => before.digest() == after.digest(),
                    (before, after) => before.is_none() && after.is_none(),
                });
            let are_left: Vec<_> = ids.iter().filter_map(|id| named(self.own, id)).collect();
            if are_same && !are_left.is_empty() {
                files.push(file.clone());
            } else {
                files.extend(
                    are_left.into_iter().enumerate().map(|(number, event)| self.file(event, Some(file), number)),
                );
            }
            known.extend(ids);
        }
        let made = self.own.events().iter().filter(|event| !known.contains(&event.id));
        files.extend(made.map(|event| self.file(event, None, 0)));
        files
    }

    /// The ids of the events of a file.
    fn ids(&self, file: &EventFile) -> Vec<String> {
        if let Some(saved) = &file.saved {
            return vec![saved.id.clone()];
        }
        let count = String::from_utf8_lossy(&file.ics).matches("BEGIN:VEVENT").count();
        let id = |handle: &str| exchange_id("event", self.tenant.id, self.owner, handle);
        let later = (1..count).map(|number| id(&format!("{}#{number}", file.handle)));
        std::iter::once(id(&file.handle)).chain(later).collect()
    }

    fn file(&self, event: &Event, of: Option<&EventFile>, number: usize) -> EventFile {
        let weeks = Weeks::of(self.saving.shift);
        let calendar = self.own.calendar(event.calendar).map(|calendar| calendar.name.clone()).unwrap_or_default();
        EventFile {
            handle: match (of, number) {
                (Some(file), 0) => file.handle.clone(),
                (Some(file), number) => format!("{}#{number}", file.handle),
                (None, _) => self.handle(&event.id),
            },
            owner: self.reference.clone(),
            calendar,
            ics: Cow::Owned(written::file(event, weeks)),
            canary: None,
            readers: of.map_or_else(|| vec![self.reference.clone()], |file| file.readers.clone()),
            viewers: of.map(|file| file.viewers.clone()).unwrap_or_default(),
            dates: Dates::FollowClock,
            saved: Some(Saved {
                id: event.id.clone(),
                change_key: event.change_key.clone(),
                created: weeks.before(event.created),
                modified: weeks.before(event.modified),
            }),
            origin: Origin { file: String::new(), line: None },
        }
    }

    /// A handle for an event that has none: the same each time it is saved.
    fn handle(&self, id: &str) -> String {
        let (name, tenant) = self.reference.split_once('@').unwrap_or((&self.reference, ""));
        let hash = Sha256::digest(id.as_bytes());
        let word = URL_SAFE_NO_PAD.encode(hash.get(..9).unwrap_or_default());
        format!("{tenant}/calendar/{name}/saved/{word}")
    }
}

fn named<'a>(calendars: &'a Calendars, id: &str) -> Option<&'a Arc<Event>> {
    calendars.events().iter().find(|event| event.id == id)
}
