//! Names of what is gone. A running world outlives the people and applications that its rows name; files may not.

use std::collections::BTreeSet;

use fixtures::plan::{Registration, Tenant};

/// Takes out of registrations the names of registrations that are gone.
pub(super) fn prune_registrations(apps: &mut [Registration]) {
    let names: BTreeSet<String> = apps.iter().map(|app| app.name.clone()).collect();
    for app in apps {
        app.required.retain(|row| names.contains(&row.resource));
        app.pre_authorized.retain(|name| names.contains(name));
        app.known_clients.retain(|name| names.contains(name));
    }
}

/// Takes out of rows the people who are not among them, and drops what would mean something else without them.
pub(super) fn prune(rows: &mut Tenant, lost: &mut Vec<String>) {
    let name = rows.name.clone();
    let people: BTreeSet<String> = rows.people.iter().map(|person| format!("{}@{name}", person.name)).collect();
    let is_there = |reference: &String| reference.starts_with("group:") || people.contains(reference);
    for group in &mut rows.groups {
        group.members.retain(is_there);
    }
    for app in &mut rows.service_principals {
        app.assigned.retain(is_there);
    }
    rows.grants.retain(|grant| grant.principal.as_ref().is_none_or(is_there));
    let places: BTreeSet<String> = rows.locations.iter().map(|place| place.name.clone()).collect();
    rows.policies.retain_mut(|policy| {
        // A list that nothing is left in means everybody, or everywhere.
        let mut widened = emptied(&mut policy.include, is_there);
        widened |= emptied(&mut policy.locations, |place| places.contains(place));
        policy.exclude.retain(is_there);
        policy.except_locations.retain(|place| places.contains(place));
        if widened {
            lost.push(format!("{name}: the policy {}, about nobody or no place that is left", policy.name));
        }
        !widened
    });
    rows.delegations.retain(|row| is_there(&row.mailbox) && is_there(&row.to));
    for message in &mut rows.messages {
        if emptied(&mut message.readers, is_there) {
            message.readers.push(message.mailbox.clone());
        }
    }
    let calendars = &mut rows.calendars;
    calendars.settings.retain(|row| is_there(&row.mailbox));
    calendars.shares.retain(|row| is_there(&row.owner) && row.to.as_ref().is_none_or(is_there));
    for event in &mut calendars.events {
        event.viewers.retain(is_there);
        if emptied(&mut event.readers, is_there) {
            event.readers.push(event.owner.clone());
        }
    }
}

/// Keeps what is there; whether that left nothing of something.
fn emptied(list: &mut Vec<String>, is_there: impl Fn(&String) -> bool) -> bool {
    let before = list.len();
    list.retain(is_there);
    before > 0 && list.is_empty()
}
