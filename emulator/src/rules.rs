//! Decisions of the emulator that can be got wrong, as one table, so that a careless emulator is one rule wrong.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use fixtures::calendar::Role;
use fixtures::ids::{GroupId, TenantId, UserId};
use fixtures::plan::PersonKind;
use fixtures::teams::ChannelKind;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::calendar::Sensitivity;
use crate::drive::rules::FileRules;
use crate::entra::keys::{Keys, Unverified};
use crate::entra::rules::IssuerRules;
use crate::principal::Principal;
use crate::teams::Chat;
use crate::world::{TenantWorld, World};

/// Every decision that keeps principals apart or tokens honest. Facts in, verdict out, no I/O.
///
/// Fields are added as workloads arrive; a careless emulator is `Rules { field: wrong, ..Rules::STRICT }`.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// What a bearer token says, if it is to be believed: signed by one of our keys that may sign for its tenant.
    pub believed: fn(&Keys, &str) -> Result<Claims, Unverified>,
    /// In which tenant's directory and content a principal looks.
    pub home: fn(&World, &Principal) -> Option<TenantId>,
    /// As whom a request is answered that names these things, its path's decoded segments: as its caller, whatever it names.
    pub asks_as: for<'a> fn(&World, &'a Principal, named: &[Cow<'_, str>]) -> Cow<'a, Principal>,
    /// How much of `owner`'s mailbox `asker` may read, both of one tenant.
    pub mailbox: fn(&TenantWorld, asker: UserId, owner: UserId) -> Reach,
    /// Whether a folder, named by its path, lies within reach.
    pub folder: fn(&Reach, path: &str) -> bool,
    /// Whether who has this much of a mailbox may change what is in it.
    pub edits: fn(&Reach) -> bool,
    /// How much of a tenant's directory a user may read.
    pub directory: fn(&TenantWorld, asker: UserId) -> DirectorySight,
    /// Whether a user reads the audit logs of a tenant.
    pub reads_audit: fn(&TenantWorld, UserId) -> bool,
    /// Of which tenant an audit route shows rows, to a caller of one: whatever the request names, of its own.
    pub audited: fn(own: TenantId, named: Option<TenantId>) -> TenantId,
    /// Whether a token that holds these scopes satisfies a row that asks for one of those.
    pub admits: fn(needed: &[&str], held: &BTreeSet<String>) -> bool,
    /// Whether these scopes, of those that the row asks for, show the body of a message.
    pub shows_body: fn(held: &BTreeSet<String>, is_own: bool) -> bool,
    /// How much of a calendar of `owner`'s, named by its name, `asker` may see, both of one tenant.
    pub calendar: fn(&TenantWorld, asker: UserId, owner: UserId, calendar: &str) -> Sight,
    /// Whether `asker` may change what is in a calendar of `owner`'s, named by its name.
    pub edits_calendar: fn(&TenantWorld, asker: UserId, owner: UserId, calendar: &str) -> bool,
    /// Whether who has this sight of a calendar is shown the details of an event.
    pub details: fn(Sight, Sensitivity) -> bool,
    /// Whether these scopes, of those that the row asks for, show bodies and attachments of events.
    pub shows_notes: fn(held: &BTreeSet<String>, is_own: bool) -> bool,
    /// Whether a chat is open to a user.
    pub chat: fn(&Chat, UserId) -> bool,
    /// Whether a message of this time is shown to who sees what was said from `since` on.
    pub history: fn(since: Option<Timestamp>, at: Timestamp) -> bool,
    /// Whether a team, named by its group, is open to a user.
    pub team: fn(&TenantWorld, team: GroupId, UserId) -> bool,
    /// Whether a channel is open to who belongs, or does not, to its team and to the channel itself.
    pub channel: fn(ChannelKind, in_team: bool, in_channel: bool) -> bool,
    /// Whether these scopes, of those that the row asks for, show what is said in chats.
    pub shows_chat: fn(held: &BTreeSet<String>) -> bool,
    /// Who sees which file.
    pub files: FileRules,
    /// Whether a user may search mail, events and what is said in chats and channels.
    pub searches: fn(&TenantWorld, UserId) -> bool,
    /// What the issuer decides.
    pub issuer: IssuerRules,
}

/// What a token says.
pub type Claims = Arc<Map<String, Value>>;

/// How much of a mailbox somebody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Nothing, not even that it is there.
    Nothing,
    /// These folders, by path; their child folders are not among them.
    Folders(BTreeSet<String>),
    /// Everything.
    Whole,
}

/// How much of a directory somebody may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectorySight {
    /// Users whom they can name, and of those little; no lists, no memberships but their own.
    Named,
    /// Everybody.
    Whole,
}

/// How much of a calendar somebody may see, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// Nothing, not even when its owner is busy.
    Nothing,
    /// When its owner is busy.
    Times,
    /// The same with subjects and locations.
    Titles,
    /// Its events, but of private ones only when they are.
    Events,
    /// Everything.
    All,
}

impl Rules {
    /// The rules as the real service has them.
    pub const STRICT: Self = Self {
        believed: Keys::verify,
        home,
        asks_as: |_, caller, _| Cow::Borrowed(caller),
        mailbox,
        folder,
        edits,
        directory,
        reads_audit,
        audited: |own, _| own,
        admits,
        shows_body,
        calendar,
        edits_calendar,
        details,
        shows_notes,
        chat,
        history,
        team,
        channel,
        shows_chat,
        files: FileRules::STRICT,
        searches,
        issuer: IssuerRules::STRICT,
    };
}

fn home(world: &World, principal: &Principal) -> Option<TenantId> {
    world.tenant(principal.tenant).map(|tenant| tenant.id)
}

fn mailbox(tenant: &TenantWorld, asker: UserId, owner: UserId) -> Reach {
    if asker == owner {
        return Reach::Whole;
    }
    let reference = |user| Some(format!("{}@{}", tenant.directory.user(user)?.name, tenant.name));
    let (Some(asker), Some(owner)) = (reference(asker), reference(owner)) else { return Reach::Nothing };
    let mut folders = BTreeSet::new();
    for delegation in tenant.delegations.iter().filter(|row| row.mailbox == owner && row.to == asker) {
        match &delegation.folder {
            None => return Reach::Whole,
            Some(folder) => {
                folders.insert(folder.clone());
            }
        }
    }
    if folders.is_empty() { Reach::Nothing } else { Reach::Folders(folders) }
}

fn folder(reach: &Reach, path: &str) -> bool {
    match reach {
        Reach::Nothing => false,
        Reach::Folders(folders) => folders.contains(path),
        Reach::Whole => true,
    }
}

/// Full access is to all of a mailbox; what is shared of one folder is shared for reading.
fn edits(reach: &Reach) -> bool {
    *reach == Reach::Whole
}

/// Guests have limited access, which is the default of a tenant:
/// <https://learn.microsoft.com/entra/fundamentals/users-default-permissions#compare-member-and-guest-default-permissions>.
fn directory(tenant: &TenantWorld, asker: UserId) -> DirectorySight {
    match tenant.directory.user(asker) {
        Some(user) if user.kind != PersonKind::Guest => DirectorySight::Whole,
        _ => DirectorySight::Named,
    }
}

/// The roles that Microsoft names at <https://learn.microsoft.com/graph/api/signin-list>.
fn reads_audit(tenant: &TenantWorld, user: UserId) -> bool {
    const READING: [&str; 6] = [
        "Global Administrator",
        "Global Reader",
        "Reports Reader",
        "Security Administrator",
        "Security Operator",
        "Security Reader",
    ];
    tenant.directory.user(user).is_some_and(|user| user.roles.iter().any(|role| READING.contains(&role.as_str())))
}

fn admits(needed: &[&str], held: &BTreeSet<String>) -> bool {
    needed.iter().any(|scope| held.contains(*scope))
}

fn shows_body(held: &BTreeSet<String>, is_own: bool) -> bool {
    let needed: &[&str] =
        if is_own { &["Mail.Read", "Mail.ReadWrite"] } else { &["Mail.Read.Shared", "Mail.ReadWrite.Shared"] };
    admits(needed, held)
}

/// The most of what is shared with the asker alone and with the whole organization, to which guests do not belong. What is shared with
/// the organization is the times of the default calendar, unless a row says otherwise.
fn calendar(tenant: &TenantWorld, asker: UserId, owner: UserId, calendar: &str) -> Sight {
    if asker == owner {
        return Sight::All;
    }
    match role(tenant, asker, owner, calendar) {
        Role::None => Sight::Nothing,
        Role::FreeBusyRead => Sight::Times,
        Role::LimitedRead => Sight::Titles,
        Role::Read | Role::Write | Role::DelegateWithoutPrivateEventAccess => Sight::Events,
        Role::DelegateWithPrivateEventAccess => Sight::All,
    }
}

fn edits_calendar(tenant: &TenantWorld, asker: UserId, owner: UserId, calendar: &str) -> bool {
    asker == owner || role(tenant, asker, owner, calendar) >= Role::Write
}

fn role(tenant: &TenantWorld, asker: UserId, owner: UserId, calendar: &str) -> Role {
    let (Some(asker), Some(owner)) = (tenant.directory.user(asker), tenant.directory.user(owner)) else {
        return Role::None;
    };
    let reference = |name: &str| format!("{name}@{}", tenant.name);
    let (to, owner) = (reference(&asker.name), reference(&owner.name));
    let rows: Vec<_> = tenant
        .shares
        .iter()
        .filter(|row| row.owner == owner)
        .filter(|row| row.calendar.as_deref().unwrap_or(fixtures::calendar::DEFAULT) == calendar)
        .collect();
    let own = rows.iter().find(|row| row.to.as_ref() == Some(&to)).map_or(Role::None, |row| row.role);
    let of_everybody = if asker.kind == PersonKind::Guest {
        Role::None
    } else {
        let by_default = if calendar == fixtures::calendar::DEFAULT { Role::FreeBusyRead } else { Role::None };
        rows.iter().find(|row| row.to.is_none()).map_or(by_default, |row| row.role)
    };
    own.max(of_everybody)
}

/// Private and confidential events are their owner's, and of delegates who were given them.
fn details(sight: Sight, sensitivity: Sensitivity) -> bool {
    match sensitivity {
        Sensitivity::Normal | Sensitivity::Personal => sight >= Sight::Titles,
        Sensitivity::Private | Sensitivity::Confidential => sight == Sight::All,
    }
}

fn shows_notes(held: &BTreeSet<String>, is_own: bool) -> bool {
    let needed: &[&str] = if is_own {
        &["Calendars.Read", "Calendars.ReadWrite"]
    } else {
        &["Calendars.Read.Shared", "Calendars.ReadWrite.Shared"]
    };
    admits(needed, held)
}

/// Chats are their members'.
fn chat(chat: &Chat, asker: UserId) -> bool {
    chat.member(asker).is_some()
}

/// Who was added later sees what was said since, as far back as whoever added them chose.
fn history(since: Option<Timestamp>, at: Timestamp) -> bool {
    since.is_none_or(|since| at >= since)
}

/// The members of a team are those of its group, guests among them; groups in groups do not count.
fn team(tenant: &TenantWorld, team: GroupId, asker: UserId) -> bool {
    tenant.directory.group(team).is_some_and(|group| group.users.contains(&asker))
}

/// Private channels are for some of the team, shared ones for those they are shared with, whether they are in the team or not.
fn channel(kind: ChannelKind, in_team: bool, in_channel: bool) -> bool {
    match kind {
        ChannelKind::Standard => in_team,
        ChannelKind::Private => in_team && in_channel,
        ChannelKind::Shared => in_channel,
    }
}

/// `Chat.ReadBasic` shows names and members of chats.
fn shows_chat(held: &BTreeSet<String>) -> bool {
    admits(&["Chat.Read", "Chat.ReadWrite"], held)
}

/// Guests may not: <https://learn.microsoft.com/graph/search-concept-overview#known-limitations>.
fn searches(tenant: &TenantWorld, asker: UserId) -> bool {
    tenant.directory.user(asker).is_some_and(|user| user.kind != PersonKind::Guest)
}
