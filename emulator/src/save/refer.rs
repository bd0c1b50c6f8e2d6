//! Names of what is gone. A running world outlives the people and applications that its rows name; files may not.

use std::collections::BTreeSet;

use fixtures::files::EVERYBODY;
use fixtures::plan::{Registration, Tenant};
use fixtures::teams::Message;

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
    for person in &mut rows.people {
        person.manager = person.manager.take().filter(is_there);
    }
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
    prune_teams(rows, &is_there);
    prune_drives(rows, &is_there);
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

fn prune_teams(rows: &mut Tenant, is_there: &impl Fn(&String) -> bool) {
    let groups: BTreeSet<&str> = rows.groups.iter().map(|group| group.name.as_str()).collect();
    let teams = &mut rows.teams;
    teams.teams.retain(|team| groups.contains(team.group.as_str()));
    teams.channels.retain(|channel| groups.contains(channel.team.as_str()));
    for team in &mut teams.teams {
        team.owners.retain(is_there);
    }
    let chats = teams.chats.iter_mut().map(|chat| (&mut chat.conversation, &mut chat.canaries));
    let channels = teams.channels.iter_mut().map(|channel| (&mut channel.conversation, &mut channel.canaries));
    for (conversation, canaries) in chats.chain(channels) {
        conversation.members.retain(|member| member.user_id.as_ref().is_none_or(is_there));
        for message in &mut conversation.messages {
            forget_author(message, is_there);
            message.replies.iter_mut().for_each(|reply| forget_author(reply, is_there));
        }
        for canary in canaries.iter_mut() {
            canary.readers.retain(is_there);
        }
        canaries.retain(|canary| !canary.readers.is_empty());
    }
}

fn prune_drives(rows: &mut Tenant, is_there: &impl Fn(&String) -> bool) {
    let is_grantee = |name: &String| name == EVERYBODY || is_there(name);
    let has_drive = |drive: &String| !drive.contains('@') || is_there(drive);
    let files = &mut rows.files;
    for site in &mut files.sites {
        for list in [&mut site.owners, &mut site.members, &mut site.visitors] {
            list.retain(is_grantee);
        }
        site.group = site.group.take().filter(|name| rows.groups.iter().any(|group| group.name == *name));
    }
    files.files.retain(|file| has_drive(&file.drive));
    files.restricted.retain(|row| has_drive(&row.drive));
    files.shares.retain(|row| has_drive(&row.drive));
    files.items.retain(|row| has_drive(&row.drive));
    for item in &mut files.items {
        item.author = item.author.take().filter(is_there);
        item.editor = item.editor.take().filter(is_there);
    }
    files.unprovisioned.retain(is_there);
    for share in &mut files.shares {
        share.to.retain(is_grantee);
    }
    for file in &mut files.files {
        file.author = file.author.take().filter(is_there);
        file.readers.retain(is_there);
    }
    for item in &mut files.list_items {
        item.readers.retain(is_there);
    }
    for page in &mut files.pages {
        page.readers.retain(is_there);
    }
    // What nobody may read is nobody's bait.
    files.files.retain(|file| !file.readers.is_empty());
    files.list_items.retain(|item| !item.readers.is_empty());
    files.pages.retain(|page| !page.readers.is_empty());
}

/// The name of an author who is gone stays; the id names nobody.
fn forget_author(message: &mut Message, is_there: &impl Fn(&String) -> bool) {
    let author = message.from.as_mut().and_then(|from| from.user.as_mut());
    if let Some(author) = author.filter(|author| author.id.as_ref().is_some_and(|id| !is_there(id))) {
        author.id = None;
    }
}

/// Keeps what is there; whether that left nothing of something.
fn emptied(list: &mut Vec<String>, is_there: impl Fn(&String) -> bool) -> bool {
    let before = list.len();
    list.retain(is_there);
    before > 0 && list.is_empty()
}
