//! Changes of calendars: events, invitations and answers to them, settings of the mailbox.

use std::collections::BTreeSet;
use std::sync::Arc;

use fixtures::ids::{TenantId, UserId};
use jiff::civil::DateTime;

use super::{ChangeError, Moment};
use crate::calendar::{CalendarError, Calendars, Item, NewEvent, RuleChange, Settings, ShowAs};
use crate::world::{TenantWorld, World};

/// A change of one mailbox's calendars. What the organizer of a meeting does reaches everybody who is invited, in every tenant of the world.
#[derive(Debug, Clone)]
pub enum CalendarChange {
    /// Adds an event and lays an invitation into the calendars of its attendees.
    Create {
        /// The event.
        event: Box<NewEvent>,
        /// The calendar, by its place.
        calendar: usize,
    },
    /// Changes an event or one instance.
    Update {
        /// Id of the event or the instance.
        id: String,
        /// What it is to say.
        item: Box<Item>,
        /// What becomes of its recurrence; an instance has none of its own.
        rule: RuleChange,
        /// What attendees' copies derive from.
        handle: String,
    },
    /// Takes an event or one instance away; a meeting is cancelled for its attendees.
    Remove {
        /// Id of the event or the instance.
        id: String,
    },
    /// Answers an invitation, and tells the organizer.
    Respond {
        /// Id of the event or the instance.
        id: String,
        /// `accepted`, `tentativelyAccepted` or `declined`.
        response: &'static str,
        /// Whether the organizer is told.
        tells: bool,
    },
    /// Changes the settings of the mailbox.
    Settings(Box<Settings>),
}

impl CalendarChange {
    pub(super) fn apply(
        self,
        world: &mut World,
        id: TenantId,
        owner: UserId,
        moment: &Moment,
    ) -> Result<(), ChangeError> {
        let now = moment.now;
        let own = calendars(world, id, owner)?;
        match self {
            Self::Create { event, calendar } => {
                own.add_event(NewEvent::clone(&event), calendar, now)?;
                if is_organizer(own, &event.item) {
                    let address = own.address.clone();
                    invite(world, &event, &address, moment)?;
                }
            }
            Self::Update { id, item, rule, handle } => {
                let (uid, original) = named(own, &id)?;
                own.edit_event(&id, now, |old| *old = Item::clone(&item))?;
                own.set_rule(&id, now, &rule)?;
                if !is_organizer(own, &item) {
                    return Ok(());
                }
                let address = own.address.clone();
                each_copy(world, &item, &address, |copy| {
                    let Some(id) = copy.counterpart(&uid, original) else { return Ok(()) };
                    copy.edit_event(&id, now, |old| *old = Item { show_as: old.show_as, ..Item::clone(&item) })?;
                    copy.set_rule(&id, now, &rule)
                })?;
                if original.is_none() {
                    // Who is invited now and was not before gets the event.
                    let event = NewEvent { handle, uid, item: *item, rule: rule.rule().map(str::to_owned) };
                    invite(world, &event, &address, moment)?;
                }
            }
            Self::Remove { id } => {
                let (uid, original) = named(own, &id)?;
                let item = own.find(&id).map(|found| Item::clone(found.item)).ok_or(CalendarError::Event)?;
                own.remove_event(&id, now)?;
                if is_organizer(own, &item) {
                    let address = own.address.clone();
                    each_copy(world, &item, &address, |copy| {
                        let Some(id) = copy.counterpart(&uid, original) else { return Ok(()) };
                        copy.edit_event(&id, now, |item| {
                            item.is_cancelled = true;
                            item.show_as = ShowAs::Free;
                        })
                    })?;
                }
            }
            Self::Respond { id, response, tells } => {
                let (uid, original) = named(own, &id)?;
                let address = own.address.clone();
                let organizer = own.find(&id).and_then(|found| found.item.organizer.clone());
                if response == "declined" {
                    own.remove_event(&id, now)?;
                } else {
                    own.edit_event(&id, now, |item| {
                        answer(item, &address, response);
                        let is_sure = response == "accepted";
                        item.show_as = if is_sure { ShowAs::Busy } else { ShowAs::Tentative };
                    })?;
                }
                if let (true, Some(organizer)) = (tells, organizer) {
                    for (tenant, user) in addressed(world, &BTreeSet::from([organizer.address.to_lowercase()])) {
                        let theirs = calendars(world, tenant, user)?;
                        if let Some(id) = theirs.counterpart(&uid, original) {
                            theirs.edit_event(&id, now, |item| answer(item, &address, response))?;
                        }
                    }
                }
            }
            Self::Settings(settings) => own.settings = *settings,
        }
        Ok(())
    }
}

fn calendars(world: &mut World, id: TenantId, owner: UserId) -> Result<&mut Calendars, ChangeError> {
    let tenant = world.tenants.get_mut(&id).map(Arc::make_mut).ok_or(ChangeError::Tenant(id))?;
    tenant.calendars.get_mut(owner).map(Arc::make_mut).ok_or(ChangeError::Mailbox(owner))
}

/// What the same thing is called in every mailbox.
fn named(calendars: &Calendars, id: &str) -> Result<(String, Option<DateTime>), CalendarError> {
    let found = calendars.find(id).ok_or(CalendarError::Event)?;
    Ok((found.event.uid.clone(), found.original))
}

fn is_organizer(calendars: &Calendars, item: &Item) -> bool {
    item.organizer.as_ref().is_none_or(|organizer| organizer.address.eq_ignore_ascii_case(&calendars.address))
}

fn answer(item: &mut Item, address: &str, response: &'static str) {
    for attendee in &mut item.attendees {
        if attendee.person.address.eq_ignore_ascii_case(address) {
            attendee.response = response;
        }
    }
}

/// Whose calendars these addresses are, in every tenant: invitations know no tenants.
fn addressed(world: &World, addresses: &BTreeSet<String>) -> Vec<(TenantId, UserId)> {
    let of = |tenant: &TenantWorld| -> Vec<(TenantId, UserId)> {
        let named = tenant.calendars.addresses().filter(|(_, address)| addresses.contains(&address.to_lowercase()));
        named.map(|(owner, _)| (tenant.id, owner)).collect()
    };
    world.tenants.values().flat_map(|tenant| of(tenant)).collect()
}

/// The calendars of everybody who is invited, the organizer's own not among them.
fn invited(world: &World, item: &Item, organizer: &str) -> Vec<(TenantId, UserId)> {
    let addresses = item.attendees.iter().map(|attendee| attendee.person.address.to_lowercase());
    addressed(world, &addresses.filter(|address| !address.eq_ignore_ascii_case(organizer)).collect())
}

fn each_copy(
    world: &mut World,
    item: &Item,
    organizer: &str,
    change: impl Fn(&mut Calendars) -> Result<(), CalendarError>,
) -> Result<(), ChangeError> {
    for (tenant, user) in invited(world, item, organizer) {
        change(calendars(world, tenant, user)?)?;
    }
    Ok(())
}

/// Lays the event into the default calendar of everybody who is invited and does not have it.
fn invite(world: &mut World, event: &NewEvent, organizer: &str, moment: &Moment) -> Result<(), ChangeError> {
    for (tenant, user) in invited(world, &event.item, organizer) {
        let theirs = calendars(world, tenant, user)?;
        if theirs.counterpart(&event.uid, None).is_some() {
            continue;
        }
        let mut copy = NewEvent::clone(event);
        copy.handle = format!("{}/{tenant}/{user}", event.handle);
        copy.item.show_as = ShowAs::Tentative;
        theirs.add_event(copy, 0, moment.now)?;
    }
    Ok(())
}
