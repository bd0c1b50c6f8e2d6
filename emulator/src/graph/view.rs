//! What one principal may see of the world.
//!
//! Handlers read through a view and have no world. It is made in one place, by the dispatcher, from the principal and one snapshot; what it
//! shows is decided by the rules alone.

pub(super) mod people;
pub(super) mod search;
pub(super) mod teams;

use std::collections::BTreeSet;
use std::sync::Arc;

use fixtures::ids::{AppId, TenantId, UserId};

use super::error::{GraphError, Refusal};
use super::exchange_id;
use super::route::Owner;
use crate::apps::Apps;
use jiff::Timestamp;

use crate::calendar::{Calendar, Calendars, Event, Group, Instance, Item, Sensitivity, Settings};
use crate::directory::User;
use crate::mailbox::{Folder, FolderIndex, Mailbox, Message};
use crate::principal::Principal;
use crate::rules::{Reach, Rules, Sight};
use crate::world::{TenantWorld, World};

mod files;
mod found;

pub(super) use files::{DriveView, SiteView};
pub(super) use found::Seen;

/// One principal's sight of one instant of the world.
#[derive(Debug)]
pub(super) struct View<'a> {
    tenant: &'a TenantWorld,
    apps: &'a Apps,
    principal: &'a Principal,
    rules: &'a Rules,
}

impl<'a> View<'a> {
    pub(super) fn of(world: &'a World, principal: &'a Principal, rules: &'a Rules) -> Option<Self> {
        let tenant = world.tenant((rules.home)(world, principal)?)?;
        Some(Self { tenant, apps: &world.apps, principal, rules })
    }

    /// The caller's object id.
    pub(super) fn caller(&self) -> UserId {
        self.principal.user
    }

    pub(super) fn principal(&self) -> &Principal {
        self.principal
    }

    /// Whether the token satisfies a row that asks for one of these scopes.
    pub(super) fn admits(&self, needed: &[&str]) -> bool {
        (self.rules.admits)(needed, &self.principal.scopes)
    }

    /// The tenant that is looked at.
    pub(super) fn tenant_id(&self) -> TenantId {
        self.tenant.id
    }

    /// Whether the caller may read the tenant's audit logs.
    pub(super) fn reads_audit(&self) -> bool {
        (self.rules.reads_audit)(self.tenant, self.principal.user)
    }

    /// What an application calls itself in the caller's tenant.
    pub(super) fn app_name(&self, app: AppId) -> Option<&'a str> {
        self.tenant.directory.service_principal(app)?;
        self.apps.get(app).map(|app| app.display_name.as_str())
    }

    /// The verified domain of the caller's tenant.
    pub(super) fn domain(&self) -> &'a str {
        &self.tenant.domain
    }

    /// A user by object id or `userPrincipalName`.
    pub(super) fn user(&self, key: &str) -> Option<&'a User> {
        let directory = &self.tenant.directory;
        key.parse().ok().and_then(|id| directory.user(id)).or_else(|| directory.user_by_upn(key))
    }

    /// Whether the owner that a path names is the caller.
    pub(super) fn is_own(&self, owner: &Owner) -> bool {
        match owner {
            Owner::Nobody | Owner::Caller => true,
            Owner::Named(key) => self.user(key).is_some_and(|user| user.id == self.principal.user),
        }
    }

    /// The mailbox that a path names, as far as the caller may see it. One that is not shared and one that does not exist are refused alike.
    pub(super) fn mailbox(&self, owner: &Owner) -> Result<MailboxView<'a>, Refusal> {
        let is_own = self.is_own(owner);
        let owner = match owner {
            Owner::Nobody | Owner::Caller => Some(self.principal.user),
            Owner::Named(key) => self.user(key).map(|user| user.id),
        };
        let reach = owner.map_or(Reach::Nothing, |owner| (self.rules.mailbox)(self.tenant, self.principal.user, owner));
        if reach == Reach::Nothing {
            return Err(GraphError::MailAccessDenied
                .because("access rule `mailbox`: not shared with the caller, or no such mailbox"));
        }
        let Some(mailbox) = owner.and_then(|owner| self.tenant.mailboxes.get(owner)) else {
            return Err(GraphError::NoMailbox.because("the user has no mailbox in this tenant"));
        };
        let shows_body = (self.rules.shows_body)(&self.principal.scopes, is_own);
        Ok(MailboxView { mailbox, reach, rules: self.rules, shows_body })
    }
}

impl<'a> View<'a> {
    fn owner_id(&self, owner: &Owner) -> Option<UserId> {
        match owner {
            Owner::Nobody | Owner::Caller => Some(self.principal.user),
            Owner::Named(key) => self.user(key).map(|user| user.id),
        }
    }

    /// The calendars that a path names, as far as the caller may see their events. Those of which nothing is shared and those that do not
    /// exist are refused alike.
    pub(super) fn calendars(&self, owner: &Owner) -> Result<CalendarsView<'a>, Refusal> {
        let is_own = self.is_own(owner);
        let found = self.owner_id(owner).and_then(|owner| self.tenant.calendars.get(owner));
        let Some(calendars) = found else {
            return Err(if is_own {
                GraphError::NoMailbox.because("the user has no mailbox in this tenant")
            } else {
                GraphError::MailAccessDenied
                    .because("access rule `calendar`: not shared with the caller, or no such mailbox")
            });
        };
        let sights: Vec<_> = calendars.calendars().map(|(_, calendar)| self.sight(calendars, &calendar.name)).collect();
        if sights.iter().all(|sight| *sight < Sight::Events) {
            return Err(GraphError::MailAccessDenied
                .because("access rule `calendar`: not shared with the caller, or no such mailbox"));
        }
        if calendars.settings.times_out {
            return Err(
                GraphError::Timeout.because("fixture setting `times_out`: this mailbox does not answer in time")
            );
        }
        let shows_notes = (self.rules.shows_notes)(&self.principal.scopes, is_own);
        let edits = |name: &str| (self.rules.edits_calendar)(self.tenant, self.principal.user, calendars.owner, name);
        let edits = calendars.calendars().map(|(_, calendar)| edits(&calendar.name)).collect();
        Ok(CalendarsView { calendars, sights, edits, rules: self.rules, shows_notes, is_own })
    }

    fn sight(&self, calendars: &Calendars, name: &str) -> Sight {
        (self.rules.calendar)(self.tenant, self.principal.user, calendars.owner, name)
    }

    /// What free/busy answers tell the caller of whoever has this address; nothing when that is nobody, or shows it not.
    pub(super) fn schedule(&self, address: &str) -> Option<ScheduleView<'a>> {
        let user = self.tenant.directory.users().find(|user| {
            user.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(address))
                || user.upn.eq_ignore_ascii_case(address)
        })?;
        let calendars = self.tenant.calendars.get(user.id)?;
        let sight = self.sight(calendars, fixtures::calendar::DEFAULT);
        (sight >= Sight::Times).then_some(ScheduleView { calendars, sight, rules: self.rules })
    }
}

/// The default calendar of one mailbox, as far as free/busy answers show it to one principal.
#[derive(Debug)]
pub(super) struct ScheduleView<'a> {
    calendars: &'a Arc<Calendars>,
    sight: Sight,
    rules: &'a Rules,
}

impl<'a> ScheduleView<'a> {
    pub(super) fn settings(&self) -> &'a Settings {
        &self.calendars.settings
    }

    /// When its owner has something, the earliest first, and whether subject and location are told.
    pub(super) fn items(&self, from: Timestamp, to: Timestamp) -> Vec<(Instance<'a>, bool)> {
        let calendars = self.calendars;
        let events = calendars.events().iter().filter(|event| event.calendar == 0);
        let mut found: Vec<_> = events
            .flat_map(|event| event.within(from, to))
            .map(|instance| {
                let told = (self.rules.details)(self.sight, instance.item.sensitivity);
                (instance, told)
            })
            .collect();
        found.sort_by_key(|(instance, _)| (instance.start, instance.end));
        found
    }
}

/// The calendars of one mailbox, as far as one principal may see their events.
#[derive(Debug)]
pub(super) struct CalendarsView<'a> {
    calendars: &'a Arc<Calendars>,
    sights: Vec<Sight>,
    edits: Vec<bool>,
    rules: &'a Rules,
    /// Whether bodies and attachments are shown.
    pub(super) shows_notes: bool,
    /// Whether they are the caller's own.
    pub(super) is_own: bool,
}

/// An event or an instance as the caller sees it: what is not for him is not in it.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) instance: Instance<'a>,
    pub(super) item: Arc<Item>,
    /// Nothing but its time is shown.
    pub(super) is_hidden: bool,
}

impl<'a> CalendarsView<'a> {
    /// Object id of their owner.
    pub(super) fn owner(&self) -> UserId {
        self.calendars.owner
    }

    /// Name and address of their owner.
    pub(super) fn person(&self) -> (&'a str, &'a str) {
        (&self.calendars.name, &self.calendars.address)
    }

    fn sight(&self, at: usize) -> Sight {
        self.sights.get(at).copied().unwrap_or(Sight::Nothing)
    }

    /// Whether the caller sees private events of a calendar.
    pub(super) fn shows_private(&self, at: usize) -> bool {
        (self.rules.details)(self.sight(at), Sensitivity::Private)
    }

    /// Whether the caller may change what is in a calendar: `canEdit`.
    pub(super) fn can_edit(&self, at: usize) -> bool {
        self.edits.get(at).copied().unwrap_or(false)
    }

    /// Refuses who may read a calendar and not change it.
    pub(super) fn may_edit(&self, at: usize) -> Result<(), Refusal> {
        if self.can_edit(at) {
            Ok(())
        } else {
            Err(GraphError::MailAccessDenied
                .because("access rule `edits_calendar`: the calendar is shared for reading"))
        }
    }

    /// Settings of the mailbox.
    pub(super) fn settings(&self) -> &'a Settings {
        &self.calendars.settings
    }

    /// The tenant they lie in.
    pub(super) fn tenant(&self) -> TenantId {
        self.calendars.tenant
    }

    /// The id that an event of this handle will have.
    pub(super) fn event_id(&self, handle: &str) -> String {
        crate::calendar::event_id(self.calendars, handle)
    }

    /// Visible calendars, the default one first.
    pub(super) fn calendars(&self) -> impl Iterator<Item = (usize, &'a Calendar)> {
        self.calendars.calendars().filter(|(at, _)| self.sight(*at) >= Sight::Events)
    }

    /// Groups with a visible calendar in them.
    pub(super) fn groups(&self) -> impl Iterator<Item = (usize, &'a Group)> {
        let calendars = self.calendars;
        calendars
            .groups()
            .iter()
            .enumerate()
            .filter(|(at, _)| self.calendars().any(|(_, calendar)| calendar.group == *at))
    }

    /// Visible events, series once, the earliest first.
    pub(super) fn events(&self) -> impl Iterator<Item = Shown<'a>> {
        self.visible().map(|event| self.shown(event.itself()))
    }

    /// Visible events and instances that touch a window, the earliest first.
    pub(super) fn within(&self, from: Timestamp, to: Timestamp) -> Vec<Shown<'a>> {
        let mut found: Vec<_> =
            self.visible().flat_map(|event| event.within(from, to)).map(|instance| self.shown(instance)).collect();
        found.sort_by(|left, right| {
            (left.instance.start, &left.instance.event.id).cmp(&(right.instance.start, &right.instance.event.id))
        });
        found
    }

    /// A visible event or instance by either form of its id.
    pub(super) fn event(&self, id: &str) -> Option<Shown<'a>> {
        let calendars = self.calendars;
        let found = calendars
            .find(&exchange_id::ordinary(id))
            .filter(|found| self.sight(found.event.calendar) >= Sight::Events)?;
        Some(self.shown(found))
    }

    /// Instances of a visible series that touch a window.
    pub(super) fn instances(&self, of: &Shown<'a>, from: Timestamp, to: Timestamp) -> Vec<Shown<'a>> {
        of.instance.event.within(from, to).into_iter().map(|instance| self.shown(instance)).collect()
    }

    fn visible(&self) -> impl Iterator<Item = &'a Arc<Event>> {
        let calendars = self.calendars;
        calendars.events().iter().filter(|event| self.sight(event.calendar) >= Sight::Events)
    }

    fn shown(&self, instance: Instance<'a>) -> Shown<'a> {
        let is_hidden = !(self.rules.details)(self.sight(instance.event.calendar), instance.item.sensitivity);
        let item = match (is_hidden, self.shows_notes) {
            (true, _) => Arc::new(instance.item.private()),
            (false, true) => Arc::clone(instance.item),
            (false, false) => Arc::new(instance.item.without_notes()),
        };
        Shown { instance, item, is_hidden }
    }
}

/// One mailbox, as far as one principal may see it.
#[derive(Debug)]
pub(super) struct MailboxView<'a> {
    mailbox: &'a Arc<Mailbox>,
    reach: Reach,
    rules: &'a Rules,
    /// Whether bodies, previews and attachments are shown.
    pub(super) shows_body: bool,
}

impl<'a> MailboxView<'a> {
    /// Object id of its owner.
    pub(super) fn owner(&self) -> UserId {
        self.mailbox.owner
    }

    /// The tenant it lies in.
    pub(super) fn tenant(&self) -> TenantId {
        self.mailbox.tenant
    }

    /// Refuses who may read this mailbox, or a part of it, and not change it.
    pub(super) fn may_edit(&self) -> Result<(), Refusal> {
        if (self.rules.edits)(&self.reach) {
            Ok(())
        } else {
            Err(GraphError::MailAccessDenied.because("access rule `edits`: a shared folder is shared for reading"))
        }
    }

    /// Whether a folder is `Deleted Items` or lies in it.
    pub(super) fn is_binned(&self, mut at: FolderIndex) -> bool {
        let bin = self.mailbox.folder_named("deleteditems");
        // As many steps as there are folders are enough: folders are a tree.
        for _ in self.mailbox.folders() {
            if Some(at) == bin {
                return true;
            }
            at = self.mailbox.folder(at).map_or(FolderIndex::ROOT, |folder| folder.parent);
        }
        Some(at) == bin
    }

    /// The id of a folder that a visible thing lies in.
    pub(super) fn folder_id(&self, at: FolderIndex) -> &'a str {
        self.mailbox.folder(at).map_or("", |folder| &folder.id)
    }

    fn shows(&self, at: FolderIndex) -> bool {
        self.mailbox.folder(at).is_some_and(|folder| (self.rules.folder)(&self.reach, &folder.path))
    }

    /// Visible folders, well-known ones first.
    pub(super) fn folders(&self) -> impl Iterator<Item = (FolderIndex, &'a Folder)> {
        self.mailbox.folders().filter(|(at, _)| self.shows(*at))
    }

    /// A visible folder by id or well-known name.
    pub(super) fn folder(&self, key: &str) -> Option<(FolderIndex, &'a Folder)> {
        let at = self.mailbox.folder_named(key).filter(|at| self.shows(*at))?;
        Some((at, self.mailbox.folder(at)?))
    }

    /// Visible messages, newest first.
    pub(super) fn messages(&self) -> impl Iterator<Item = &'a Arc<Message>> {
        // Decided once per folder, not once per message.
        let folders: BTreeSet<FolderIndex> =
            self.mailbox.folders().map(|(at, _)| at).filter(|at| self.shows(*at)).collect();
        self.mailbox.messages().iter().filter(move |message| folders.contains(&message.folder))
    }

    /// A visible message by either form of its id.
    pub(super) fn message(&self, id: &str) -> Option<&'a Arc<Message>> {
        let found = match exchange_id::first(id) {
            Some(first) => self.mailbox.message_first_named(&first),
            None => self.mailbox.message(id),
        };
        found.filter(|message| self.shows(message.folder))
    }
}
