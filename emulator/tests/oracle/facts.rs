//! Small random worlds: who owns what, what is shared with whom. The plan is made from the facts; the oracle reads the facts alone.

use std::borrow::Cow;

use fixtures::Plan;
use fixtures::calendar::{EventFile, Role, Share};
use fixtures::plan::{Dates, MailDelegation, Message, Origin};

pub(crate) const PEOPLE: [&str; 6] =
    ["alice@contoso", "bob@contoso", "gina@contoso", "mallory@fabrikam", "bob@fabrikam", "gina@fabrikam"];
pub(crate) const FOLDERS: [&str; 2] = ["Inbox", "Archive"];
pub(crate) const SCOPES: [&str; 7] = [
    "Mail.ReadBasic",
    "Mail.Read",
    "Mail.ReadBasic.Shared",
    "Mail.Read.Shared",
    "Calendars.ReadBasic",
    "Calendars.Read",
    "Calendars.Read.Shared",
];
const ROLES: [Role; 7] = [
    Role::None,
    Role::FreeBusyRead,
    Role::LimitedRead,
    Role::Read,
    Role::Write,
    Role::DelegateWithoutPrivateEventAccess,
    Role::DelegateWithPrivateEventAccess,
];

/// Draws numbers: the same seed, the same world (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, many: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % many as u64).unwrap()
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) owner: &'static str,
    pub(crate) folder: &'static str,
    pub(crate) subject: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Delegation {
    pub(crate) owner: &'static str,
    pub(crate) to: &'static str,
    pub(crate) folder: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) owner: &'static str,
    pub(crate) subject: String,
    /// Hours from the beginning of the week.
    pub(crate) hour: usize,
    pub(crate) is_private: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) owner: &'static str,
    /// The whole organization when absent.
    pub(crate) to: Option<&'static str>,
    pub(crate) role: Role,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) mails: Vec<Mail>,
    pub(crate) delegations: Vec<Delegation>,
    pub(crate) events: Vec<Event>,
    pub(crate) shares: Vec<Shared>,
}

pub(crate) fn tenant(person: &str) -> &str {
    person.split_once('@').unwrap().1
}

/// Gina is at home in fabrikam and a guest of contoso, where she has no mailbox.
pub(crate) fn is_guest(person: &str) -> bool {
    person == "gina@contoso"
}

fn owner(dice: &mut Dice) -> &'static str {
    let owners: Vec<_> = PEOPLE.into_iter().filter(|person| !is_guest(person)).collect();
    dice.pick(&owners)
}

fn colleague(dice: &mut Dice, of: &str) -> &'static str {
    let others: Vec<_> = PEOPLE.into_iter().filter(|other| *other != of && tenant(other) == tenant(of)).collect();
    dice.pick(&others)
}

impl Facts {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let mut facts = Self::default();
        for number in 0..3 + dice.below(6) {
            let folder = dice.pick(&FOLDERS);
            facts.mails.push(Mail { owner: owner(dice), folder, subject: format!("word{} m{number}", dice.below(3)) });
        }
        for number in 0..3 + dice.below(6) {
            let (owner, hour, is_private) = (owner(dice), dice.below(100), dice.below(3) == 0);
            facts.events.push(Event { owner, subject: format!("word{} e{number}", dice.below(3)), hour, is_private });
        }
        for _ in 0..dice.below(5) {
            let owner = owner(dice);
            let folder = (dice.below(2) == 0).then(|| dice.pick(&FOLDERS));
            facts.delegations.push(Delegation { owner, to: colleague(dice, owner), folder });
        }
        for _ in 0..dice.below(6) {
            let owner = owner(dice);
            let to = (dice.below(3) > 0).then(|| colleague(dice, owner));
            if !facts.shares.iter().any(|known| known.owner == owner && known.to == to) {
                facts.shares.push(Shared { owner, to, role: dice.pick(&ROLES) });
            }
        }
        facts
    }

    /// Contoso and fabrikam with this content and no other.
    pub(crate) fn plan(&self, base: &Plan) -> Plan {
        let mut plan = base.clone();
        let origin = || Origin { file: "drawn".to_owned(), line: None };
        for tenant_plan in &mut plan.tenants {
            let name = tenant_plan.name.clone();
            let here = |owner: &str| tenant(owner) == name;
            let handle = |workload: &str, number: usize| format!("{name}/{workload}/drawn/{number}");
            tenant_plan.messages = self
                .mails
                .iter()
                .enumerate()
                .filter(|(_, mail)| here(mail.owner))
                .map(|(number, mail)| Message {
                    id: None,
                    first_id: None,
                    draft: None,
                    received: None,
                    handle: handle("mail", number),
                    mailbox: mail.owner.to_owned(),
                    folder: mail.folder.to_owned(),
                    mime: Cow::Owned(
                        format!(
                            "Subject: {0}\r\nDate: Mon, 12 Jan 2026 0{1}:00:00 +0000\r\n\r\nbody of {0}\r\n",
                            mail.subject,
                            number % 9
                        )
                        .into_bytes(),
                    ),
                    is_read: false,
                    flagged: false,
                    categories: Vec::new(),
                    canary: None,
                    readers: Vec::new(),
                    dates: Dates::AsWritten,
                    origin: origin(),
                })
                .collect();
            tenant_plan.delegations = self
                .delegations
                .iter()
                .filter(|row| here(row.owner))
                .map(|row| MailDelegation {
                    mailbox: row.owner.to_owned(),
                    to: row.to.to_owned(),
                    folder: row.folder.map(str::to_owned),
                })
                .collect();
            tenant_plan.calendars.shares = self
                .shares
                .iter()
                .filter(|row| here(row.owner))
                .map(|row| Share {
                    owner: row.owner.to_owned(),
                    calendar: None,
                    to: row.to.map(str::to_owned),
                    role: row.role,
                })
                .collect();
            tenant_plan.calendars.events = self
                .events
                .iter()
                .enumerate()
                .filter(|(_, event)| here(event.owner))
                .map(|(number, event)| EventFile {
                    handle: handle("calendar", number),
                    owner: event.owner.to_owned(),
                    calendar: fixtures::calendar::DEFAULT.to_owned(),
                    ics: Cow::Owned(ics(event, number).into_bytes()),
                    canary: None,
                    readers: Vec::new(),
                    viewers: Vec::new(),
                    dates: Dates::AsWritten,
                    saved: None,
                    origin: origin(),
                })
                .collect();
        }
        plan
    }
}

fn ics(event: &Event, number: usize) -> String {
    let class = if event.is_private { "CLASS:PRIVATE\r\n" } else { "" };
    let (day, hour) = (12 + event.hour / 24, event.hour % 24);
    format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u{number}\r\nDTSTART:202601{day:02}T{hour:02}0000Z\r\nDTEND:202601{day:02}T{hour:02}3000Z\r\n\
         SUMMARY:{0}\r\nDESCRIPTION:body of {0}\r\n{class}END:VEVENT\r\nEND:VCALENDAR\r\n",
        event.subject
    )
}

/// The world that all others are made from: two tenants, nothing in their mailboxes.
pub(crate) fn base() -> Plan {
    let mut plan = Plan::embedded().unwrap();
    plan.tenants.retain(|tenant| ["contoso", "fabrikam"].contains(&tenant.name.as_str()));
    // One key is enough to sign with, and loading keys is most of a start.
    plan.keys.truncate(1);
    plan.spare_keys.clear();
    for tenant in &mut plan.tenants {
        tenant.people.retain(|person| PEOPLE.contains(&person.reference_in(&tenant.name).as_str()));
        tenant.groups.clear();
        tenant.policies.clear();
        tenant.folders.clear();
        tenant.calendars = fixtures::calendar::Calendars::default();
        tenant.files = fixtures::files::Files::default();
    }
    plan
}

trait Referenced {
    fn reference_in(&self, tenant: &str) -> String;
}

impl Referenced for fixtures::plan::Person {
    fn reference_in(&self, tenant: &str) -> String {
        format!("{}@{tenant}", self.name)
    }
}
